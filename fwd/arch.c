/* arch.c - the table of architectures, and models resolved by it; see arch.h. */
#include "arch.h"

#include <math.h>
#include <string.h>

static const struct arch table[] = {
	{"llama", ROPE_PAIRS},
};

static const struct arch *
arch_find(const struct weights *w)
{
	char known[1024] = "";
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strcmp(w->arch, table[i].name) == 0)
			return table + i;
		size_t n = strlen(known);
		snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", table[i].name);
	}
	die("%s: architecture '%s' is not known; known: %s", w->path, w->arch, known);
}

enum need { OPTIONAL, REQUIRED };

/* The tensor of that name with that shape (rows 1: a vector), marked as used. */
static const struct tensor *
find(struct model *m, const char *name, enum need need, size_t rows, size_t cols)
{
	const struct weights *w = m->w;
	const struct tensor *t = weights_get(w, name);
	if (!t && need == REQUIRED)
		die("%s: tensor %s is missing", w->path, name);
	if (!t)
		return NULL;
	if (!tensor_readable(t))
		die("%s: tensor %s is %s (type %u), which this version cannot read", w->path, name,
			tensor_format(t->type)->name, t->type);
	if (t->dim[0] != cols || tensor_rows(t) != rows || t->dim[2] != 1 || t->dim[3] != 1)
		die("%s: tensor %s is %zu x %zu x %zu x %zu, not %zu x %zu", w->path, name, t->dim[0],
			t->dim[1], t->dim[2], t->dim[3], cols, rows);
	m->used[t - w->tensors] = true;
	return t;
}

/* A vector as float32s: in the map where they lie there, else a copy. */
static const float *
floats(struct model *m, const struct tensor *t)
{
	if (!t || tensor_floats(t))
		return t ? tensor_floats(t) : NULL;
	m->copied = grow(m->copied, &m->copied_cap, m->n_copied + 1, sizeof *m->copied);
	float *x = m->copied[m->n_copied++] = xreallocarray(NULL, t->dim[0], sizeof *x);
	tensor_unpack(t, 0, x);
	return x;
}

static void
resolve_layer(struct model *m, size_t l)
{
	const struct shape *s = &m->shape;
	const size_t embd = s->n_embd, ff = s->n_ff, q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
	struct layer *y = m->layer + l;
	const struct {
		const char *name;
		const struct tensor **matrix;	/* one of these two */
		const float **vector;
		enum need need;
		size_t rows, cols;
	} parts[] = {
		{"attn_norm.weight", NULL, &y->attn_norm, REQUIRED, 1, embd},
		{"attn_q.weight", &y->q, NULL, REQUIRED, q, embd},
		{"attn_k.weight", &y->k, NULL, REQUIRED, kv, embd},
		{"attn_v.weight", &y->v, NULL, REQUIRED, kv, embd},
		{"attn_output.weight", &y->o, NULL, REQUIRED, embd, q},
		{"attn_q.bias", NULL, &y->q_bias, OPTIONAL, 1, q},
		{"attn_k.bias", NULL, &y->k_bias, OPTIONAL, 1, kv},
		{"attn_v.bias", NULL, &y->v_bias, OPTIONAL, 1, kv},
		{"attn_output.bias", NULL, &y->o_bias, OPTIONAL, 1, embd},
		{"ffn_norm.weight", NULL, &y->ffn_norm, REQUIRED, 1, embd},
		{"ffn_gate.weight", &y->gate, NULL, REQUIRED, ff, embd},
		{"ffn_up.weight", &y->up, NULL, REQUIRED, ff, embd},
		{"ffn_down.weight", &y->down, NULL, REQUIRED, embd, ff},
		{"ffn_gate.bias", NULL, &y->gate_bias, OPTIONAL, 1, ff},
		{"ffn_up.bias", NULL, &y->up_bias, OPTIONAL, 1, ff},
		{"ffn_down.bias", NULL, &y->down_bias, OPTIONAL, 1, embd},
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char name[65];
		snprintf(name, sizeof name, "blk.%zu.%s", l, parts[i].name);
		const struct tensor *t = find(m, name, parts[i].need, parts[i].rows, parts[i].cols);
		if (parts[i].matrix)
			*parts[i].matrix = t;
		else
			*parts[i].vector = floats(m, t);
	}
}

/*
 * Pair i of a head turns by base^(-2i/rope_dim) radians a position; linear scaling
 * multiplies that, and Llama 3's divides each pair's by a factor of its own, which
 * GGUF keeps as the tensor rope_freqs.
 */
static void
resolve_rope(struct model *m)
{
	const struct shape *s = &m->shape;
	const size_t n = s->rope_dim / 2;
	const struct tensor *t = find(m, "rope_freqs.weight", OPTIONAL, 1, n);
	float *factor = NULL;
	if (t)
		tensor_unpack(t, 0, factor = xcalloc(n, sizeof *factor));
	m->rope_freq = xcalloc(n, sizeof *m->rope_freq);
	for (size_t i = 0; i < n; i++) {
		if (factor && !(factor[i] > 0))
			die("%s: tensor rope_freqs.weight holds %g, which is no factor", m->w->path, (double)factor[i]);
		float freq = (float)pow((double)s->rope_base, -2.0 * (double)i / (double)s->rope_dim);
		m->rope_freq[i] = freq * s->rope_scale / (factor ? factor[i] : 1);
	}
	xfree(factor);
}

/* A tensor that the forward pass does not use would be left out in silence. */
static void
refuse_unused(const struct model *m)
{
	for (size_t i = 0; i < m->w->n_tensors; i++)
		if (!m->used[i])
			die("%s: tensor %s: architecture '%s' as known here has no place for it", m->w->path,
				m->w->tensors[i].name, m->arch->name);
}

struct model *
model_new(const struct weights *w)
{
	struct model *m = xcalloc(1, sizeof *m);
	const struct shape *s = &w->shape;
	m->w = w;
	m->used = xcalloc(w->n_tensors, sizeof *m->used);
	m->shape = *s;
	m->arch = arch_find(w);
	m->embd = find(m, "token_embd.weight", REQUIRED, s->n_vocab, s->n_embd);
	m->out_norm = floats(m, find(m, "output_norm.weight", REQUIRED, 1, s->n_embd));
	m->out = find(m, "output.weight", OPTIONAL, s->n_vocab, s->n_embd);
	if (!m->out)
		m->out = m->embd; /* tied */
	if (s->n_layers > w->n_tensors)
		die("%s: %zu layers, but only %zu tensors", w->path, s->n_layers, w->n_tensors);
	m->layer = xcalloc(s->n_layers, sizeof *m->layer);
	for (size_t l = 0; l < s->n_layers; l++)
		resolve_layer(m, l);
	resolve_rope(m);
	refuse_unused(m);
	return m;
}

void
model_free(struct model *m)
{
	for (size_t i = 0; i < m->n_copied; i++)
		xfree(m->copied[i]);
	xfree(m->copied);
	xfree(m->used);
	xfree(m->layer);
	xfree(m->rope_freq);
	xfree(m);
}
