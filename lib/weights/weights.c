/* weights.c - a model file of any kind; see weights.h. */
#include "weights.h"

#include "folder.h"
#include "llama2c.h"
#include "split.h"

#include <stdlib.h>
#include <string.h>

static void
read_gguf(struct weights *w, struct map m)
{
	struct gguf *g = w->gguf = gguf_open(m, true);
	struct str arch = gguf_str(g, "general.architecture");
	if (str_is(gguf_str(g, "general.type"), "adapter"))
		die("%s: an adapter, which llm-fwd -L adds to a model, not a model", m.path);
	if (!arch.p)
		die("%s: key 'general.architecture' is missing", m.path);
	if (arch.n < 1 || arch.n >= sizeof w->arch || memchr(arch.p, 0, arch.n))
		die("%s: an architecture's name has %zu bytes, not 1 to %zu", m.path, arch.n, sizeof w->arch - 1);
	memcpy(w->arch, arch.p, arch.n);
	w->tensors = g->tensors;
	w->n_tensors = g->n_tensors;
	if (!w->n_tensors)
		die("%s: no tensors: this file is a vocabulary without weights", m.path);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

struct weights *
weights_read(struct map m)
{
	struct weights *w = xcalloc(1, sizeof *w);
	w->path = m.path;
	if (gguf_is(m))
		read_gguf(w, m);
	else if (llama2c_is(m)) {
		llama2c_read(w, m);
		qsort(w->tensors, w->n_tensors, sizeof *w->tensors, by_name);
	} else
		die("%s: not a model: neither GGUF nor llama2.c (or truncated)", m.path);
	return w;
}

struct weights *
weights_open(const char *path)
{
	if (!folder_is(path))
		return weights_read(map_file(path));
	struct weights *w = xcalloc(1, sizeof *w);
	w->path = path;
	folder_open(w, path);
	return w;
}

void
weights_free(struct weights *w)
{
	if (w->gguf)
		gguf_free(w->gguf);
	else
		xfree(w->tensors);
	for (size_t i = 0; i < w->n_owned; i++)
		xfree(w->owned[i]);
	xfree(w->owned);
	xfree(w);
}

const struct tensor *
weights_get(const struct weights *w, const char *name)
{
	struct tensor want;
	if (strlen(name) >= sizeof want.name || !w->n_tensors)
		return NULL;
	strcpy(want.name, name);
	return bsearch(&want, w->tensors, w->n_tensors, sizeof *w->tensors, by_name);
}

uint64_t
hash_more(uint64_t h, const void *p, size_t n)
{
	const unsigned char *s = p;
	for (size_t len; n; s += len, n -= len) {
		uint64_t x = 0;
		len = n < 8 ? n : 8;
		for (size_t i = 0; i < len; i++)
			x |= (uint64_t)s[i] << 8 * i;
		h = (h ^ h >> 32 ^ len) * 0x9E3779B97F4A7C15;
		h = (h ^ x) * 0x9E3779B97F4A7C15;
	}
	return h ^ h >> 32;
}

/* Some pieces of n bytes, the first and the last among them. */
static uint64_t
hash_samples(uint64_t h, const unsigned char *p, size_t n)
{
	enum { SAMPLES = 4, SAMPLE = 256 };
	if (n <= SAMPLES * SAMPLE)
		return hash_more(h, p, n);
	for (size_t i = 0; i < SAMPLES; i++)
		h = hash_more(h, p + (n - SAMPLE) / (SAMPLES - 1) * i, SAMPLE);
	return h;
}

uint64_t
hash_tensor(uint64_t h, const struct tensor *t)
{
	h = hash_more(h, t->name, strlen(t->name));
	h = hash_more(h, &t->type, sizeof t->type);
	h = hash_more(h, t->dim, sizeof t->dim);
	h = hash_more(h, &t->across, sizeof t->across);
	if (t->data)
		h = hash_samples(h, t->data, tensor_row_bytes(t) * tensor_rows(t));
	return t->scale ? hash_samples(h, t->scale, tensor_scale_bytes(t)) : h;
}

uint64_t
weights_fingerprint(const struct weights *w)
{
	uint64_t h = hash_more(w->folder, w->arch, strlen(w->arch));
	for (size_t i = 0; w->gguf && i < w->gguf->n_kv; i++) {
		const struct gguf_kv *kv = w->gguf->kv + i;
		if (kv->key.n > 10 && !memcmp(kv->key.p, "tokenizer.", 10))
			continue;
		h = hash_more(h, kv->key.p, kv->key.n);
		h = hash_more(h, kv->data, kv->bytes);
	}
	h = hash_more(h, w->said.p, w->said.n);
	for (size_t i = 0; i < w->n_tensors; i++)
		h = hash_tensor(h, w->tensors + i);
	return h;
}
