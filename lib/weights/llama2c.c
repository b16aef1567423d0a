/*
 * llama2c.c - the model files of llama2.c; see llama2c.h.
 *
 * The three versions hold the same arrays, each for all layers at once, in
 * different orders and behind different headers:
 *
 *	legacy	7 ints, then arrays (a negative vocabulary size: untied classifier)
 *	1, 2	"24ka", int version, 7 ints, u8 tied classifier, (2: int group size), 256 bytes in all
 */
#include "llama2c.h"

#include <string.h>

enum { MAGIC = 0x616b3432, HEADER = 256, DIM_MAX = 1 << 24 };

/* The header: every field positive and at most DIM_MAX. */
struct header {
	size_t dim, hidden, layers, heads, kv_heads, vocab, seq_len;
	int version;		/* 0: legacy */
	bool tied;
	size_t group;
	size_t start;		/* offset of the first array */
};

/* One kind of array: its tensor's name (with %zu for the layer), rows and row length. */
struct array {
	const char *name;
	size_t rows, cols;
	bool each_layer;
	bool is_norm;		/* stays float32 in version 2 */
};

/* Read and check the header's own fields. NULL or what is wrong. */
static const char *
read_header(struct header *h, struct map m)
{
	const unsigned char *p = m.data;
	memset(h, 0, sizeof *h);
	h->group = 1;
	if (m.size < 28)
		return "shorter than a header";
	if (le32(p) == MAGIC) {
		if (m.size < HEADER)
			return "truncated in its header";
		h->version = (int)le32(p + 4);
		if (h->version != 1 && h->version != 2)
			return "llama2.c versions 1 and 2 are known, not this one";
		h->tied = p[36] != 0;
		h->group = h->version == 2 ? le32(p + 37) : h->group;
		h->start = HEADER;
		p += 8;
	} else
		h->start = 28;
	size_t *field[] = {&h->dim, &h->hidden, &h->layers, &h->heads, &h->kv_heads, &h->vocab, &h->seq_len};
	for (size_t i = 0; i < 7; i++) {
		uint32_t v = le32(p + 4 * i);
		if (h->version == 0 && i == 5) {
			h->tied = v <= INT32_MAX;
			v = h->tied ? v : -v;
		}
		if (v < 1 || v > DIM_MAX)
			return "a dimension in its header is impossible";
		*field[i] = v;
	}
	if (h->dim % h->heads || h->heads % h->kv_heads || h->dim / h->heads % 2)
		return "its heads do not divide its width evenly";
	if (h->group < 1 || h->group > DIM_MAX)
		return "its group size is impossible";
	return NULL;
}

/* The arrays of a version in the order of the file; returns how many. */
static size_t
arrays(const struct header *h, struct array *a)
{
	size_t kv = h->dim / h->heads * h->kv_heads;
	const struct array embd = {"token_embd.weight", h->vocab, h->dim, false, false};
	const struct array attn_norm = {"blk.%zu.attn_norm.weight", 1, h->dim, true, true};
	const struct array ffn_norm = {"blk.%zu.ffn_norm.weight", 1, h->dim, true, true};
	const struct array norm = {"output_norm.weight", 1, h->dim, false, true};
	const struct array attn[] = {
		{"blk.%zu.attn_q.weight", h->dim, h->dim, true, false},
		{"blk.%zu.attn_k.weight", kv, h->dim, true, false},
		{"blk.%zu.attn_v.weight", kv, h->dim, true, false},
		{"blk.%zu.attn_output.weight", h->dim, h->dim, true, false},
	};
	const struct array ffn[] = {
		{"blk.%zu.ffn_gate.weight", h->hidden, h->dim, true, false},
		{"blk.%zu.ffn_down.weight", h->dim, h->hidden, true, false},
		{"blk.%zu.ffn_up.weight", h->hidden, h->dim, true, false},
	};
	size_t n = 0;
	if (h->version == 0) {
		a[n++] = embd;
		a[n++] = attn_norm;
	} else {
		a[n++] = attn_norm;
		a[n++] = ffn_norm;
		a[n++] = norm;
		a[n++] = embd;
	}
	for (size_t i = 0; i < 4; i++)
		a[n++] = attn[i];
	if (h->version == 0)
		a[n++] = ffn_norm;
	for (size_t i = 0; i < 3; i++)
		a[n++] = ffn[i];
	if (h->version == 0) {
		a[n++] = norm;
		a[n++] = (struct array){NULL, h->seq_len, h->dim / h->heads, false, false}; /* rope's cos and sin */
	}
	if (!h->tied)
		a[n++] = (struct array){"output.weight", h->vocab, h->dim, false, false};
	return n;
}

/* Bytes of an array for one layer: its numbers, and behind them its scales. */
static bool
array_bytes(const struct header *h, const struct array *a, size_t *numbers, size_t *scales)
{
	size_t n;
	*scales = 0;
	if (!mul_size(a->rows, a->cols, &n))
		return false;
	if (h->version == 2 && !a->is_norm) {
		*numbers = n;
		return n % h->group == 0 && mul_size(n / h->group, 4, scales);
	}
	return mul_size(n, 4, numbers);
}

/* The size that the file must have, or 0 if it would overflow or is contradictory. */
static size_t
file_size(const struct header *h)
{
	struct array a[16];
	size_t n = arrays(h, a), total = h->start;
	for (size_t i = 0; i < n; i++) {
		size_t numbers, scales, both, all;
		if (!array_bytes(h, a + i, &numbers, &scales) || !add_size(numbers, scales, &both) ||
			!mul_size(both, a[i].each_layer ? h->layers : 1, &all) || !add_size(total, all, &total))
			return 0;
	}
	return total;
}

bool
llama2c_is(struct map m)
{
	struct header h;
	if (m.size >= 4 && le32(m.data) == MAGIC)
		return true;
	return read_header(&h, m) == NULL && file_size(&h) == m.size;
}

static void
add_tensor(struct weights *w, const struct header *h, const struct array *a, size_t layer, const unsigned char **p)
{
	struct tensor *t = w->tensors + w->n_tensors++;
	size_t numbers, scales;
	array_bytes(h, a, &numbers, &scales); /* was checked by file_size() */
	snprintf(t->name, sizeof t->name, a->name, layer);
	t->n_dims = a->is_norm ? 1 : 2;
	t->dim[0] = a->cols;
	t->dim[1] = a->rows;
	t->dim[2] = t->dim[3] = 1;
	t->type = scales ? T_LLAMA2C_Q8 : T_F32;
	t->group = h->group;
	t->data = *p;
	t->scale = scales ? *p + numbers : NULL;
	*p += numbers + scales;
}

void
llama2c_read(struct weights *w, struct map m)
{
	struct header h;
	struct array a[16];
	const char *wrong = read_header(&h, m);
	if (wrong)
		die("%s: a llama2.c model, but %s", m.path, wrong);
	size_t need = file_size(&h);
	if (need != m.size)
		die("%s: a llama2.c model of %zu bytes by its header, but the file has %zu (truncated?)", m.path,
			need, m.size);
	size_t n = arrays(&h, a), kinds = 0;
	for (size_t i = 0; i < n; i++)
		kinds += a[i].each_layer ? h.layers : 1;
	w->tensors = xcalloc(kinds, sizeof *w->tensors); /* the file is larger: it holds them all */
	const unsigned char *p = m.data + h.start;
	w->said = (struct str){(const char *)m.data, h.start};
	for (size_t i = 0; i < n; i++) {
		if (!a[i].name)
			p += a[i].rows * a[i].cols * 4;
		else
			for (size_t l = 0; l < (a[i].each_layer ? h.layers : 1); l++)
				add_tensor(w, &h, a + i, l, &p);
	}
	snprintf(w->arch, sizeof w->arch, "llama");
	w->shape = (struct shape){
		.n_vocab = h.vocab, .n_ctx = h.seq_len, .n_embd = h.dim, .n_layers = h.layers,
		.n_heads = h.heads, .n_kv_heads = h.kv_heads, .head_dim = h.dim / h.heads, .n_ff = h.hidden,
		.rope_dim = h.dim / h.heads, .norm_eps = 1e-5f, .rope_base = 10000, .rope_factor = 1, .rope_magnitude = 1,
	};
}
