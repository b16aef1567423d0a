/* weights.c - a model file of any kind; see weights.h. */
#include "weights.h"

#include "gguf.h"
#include "llama2c.h"

#include <stdlib.h>
#include <string.h>

enum { DIM_MAX = 1 << 24, LAYERS_MAX = 1 << 16 };

/* The value of "<arch>.<key>". */
static uint64_t
arch_uint(const struct weights *w, const char *key, uint64_t missing, uint64_t max)
{
	char name[128];
	snprintf(name, sizeof name, "%s.%s", w->arch, key);
	uint64_t v = gguf_uint(w->gguf, name, missing, 1, max);
	if (!v)
		die("%s: key '%s' is missing", w->path, name);
	return v;
}

static double
arch_float(const struct weights *w, const char *key, double missing)
{
	char name[128];
	snprintf(name, sizeof name, "%s.%s", w->arch, key);
	double v = gguf_float(w->gguf, name, missing);
	if (!(v > 0))
		die("%s: key '%s' is missing or not above zero", w->path, name);
	return v;
}

/* Rope scaling: none or linear; llama3's is a tensor of factors. */
static void
read_rope(struct weights *w)
{
	char name[128];
	w->shape.rope_base = (float)arch_float(w, "rope.freq_base", 10000);
	w->shape.rope_scale = (float)(1 / arch_float(w, "rope.scale_linear", 1));
	snprintf(name, sizeof name, "%s.rope.scaling.type", w->arch);
	struct str type = gguf_str(w->gguf, name);
	if (!type.p || str_is(type, "none"))
		return;
	if (!str_is(type, "linear"))
		die("%s: rope scaling '%.*s'; none and linear are known", w->path, (int)(type.n < 64 ? type.n : 64),
			type.p);
	w->shape.rope_scale = (float)(1 / arch_float(w, "rope.scaling.factor", 1));
}

static void
read_gguf(struct weights *w, struct map m)
{
	struct gguf *g = w->gguf = gguf_read(m);
	struct shape *s = &w->shape;
	struct str arch = gguf_str(g, "general.architecture");
	if (!arch.p)
		die("%s: key 'general.architecture' is missing", m.path);
	if (arch.n < 1 || arch.n >= sizeof w->arch || memchr(arch.p, 0, arch.n))
		die("%s: an architecture's name has %zu bytes, not 1 to %zu", m.path, arch.n, sizeof w->arch - 1);
	memcpy(w->arch, arch.p, arch.n);
	w->tensors = g->tensors;
	w->n_tensors = g->n_tensors;
	if (!w->n_tensors)
		die("%s: no tensors: this file is a vocabulary without weights", m.path);
	const struct tensor *embd = weights_get(w, "token_embd.weight");
	if (!embd)
		die("%s: tensor token_embd.weight is missing", m.path);
	s->n_vocab = embd->dim[1];
	s->n_ctx = arch_uint(w, "context_length", 0, INT32_MAX);
	s->n_embd = arch_uint(w, "embedding_length", 0, DIM_MAX);
	s->n_layers = arch_uint(w, "block_count", 0, LAYERS_MAX);
	s->n_heads = arch_uint(w, "attention.head_count", 0, DIM_MAX);
	s->n_kv_heads = arch_uint(w, "attention.head_count_kv", s->n_heads, DIM_MAX);
	s->head_dim = arch_uint(w, "attention.key_length", s->n_embd / s->n_heads, DIM_MAX);
	if (arch_uint(w, "attention.value_length", s->head_dim, DIM_MAX) != s->head_dim)
		die("%s: keys and values of different length are not supported", m.path);
	s->n_ff = arch_uint(w, "feed_forward_length", 0, DIM_MAX);
	s->rope_dim = arch_uint(w, "rope.dimension_count", s->head_dim, DIM_MAX);
	s->norm_eps = (float)arch_float(w, "attention.layer_norm_rms_epsilon", 1e-5);
	read_rope(w);
	if (s->n_heads % s->n_kv_heads || s->rope_dim % 2 || s->rope_dim > s->head_dim)
		die("%s: its heads (%zu, %zu for keys and values, width %zu, rope %zu) contradict each other", m.path,
			s->n_heads, s->n_kv_heads, s->head_dim, s->rope_dim);
	if (s->n_vocab > DIM_MAX)
		die("%s: a vocabulary of %zu pieces is more than %d", m.path, s->n_vocab, DIM_MAX);
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
	return weights_read(map_file(path));
}

void
weights_free(struct weights *w)
{
	if (w->gguf)
		gguf_free(w->gguf);
	else
		xfree(w->tensors);
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
