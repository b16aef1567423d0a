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
