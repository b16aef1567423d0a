/*
 * kernels_floats.h - part of kernels_body.h: products of weights that are not in blocks.
 *
 * Rows are met as they lie, see kernels_pieces.h. Halves become floats on the way, each time. What takes longer than that is
 * unpacked once for VECTORS vectors, a panel of FLOAT_ROWS rows at a time. In it, two rows of halves lie as a vector takes them: to
 * put them together takes as long as a third of the products of 6 vectors. On an Emerald Rapids, 64 and 256 vectors, 10^9
 * multiply-adds a second: as they lie, or as two rows in a panel of 512 columns, 43 and 38, together in one of 256 48 and 42.
 */

enum {
	FEW_VECTORS = 24,	/* so many meet halves as they lie two rows at a time (BESIDE), too */
	WIDE = 1024,	/* columns at a time of floats as they lie, where several vectors meet them */
	WIDE_HALVES = 8192	/* and of halves */
};

#if !defined(HAVE_BRAINS) && !defined(HAVE_PAIRS)
/* LANES numbers of BF16. */
ALWAYS vec
brains(const unsigned char *p)
{
	uint32_t x[LANES];
	vec v;
	for (int i = 0; i < LANES; i++)
		x[i] = (uint32_t)(p[2 * i] | p[2 * i + 1] << 8) << 16;
	memcpy(&v, x, sizeof v);
	return v;
}
#endif

#if !defined(HAVE_PAIRS)
/* Those of a row; with HAVE_PAIRS, of the next one too, which lies `stride` bytes behind. */
ALWAYS vec
weights_at(const uint32_t type, const unsigned char *p, size_t stride)
{
	(void)stride;
	return type == T_F32 ? vec_load((const float *)(const void *)p) : type == T_F16 ? halves(p) : brains(p);
}

/* What they meet. */
ALWAYS vec
numbers_at(const float *x)
{
	return vec_load(x);
}
#endif

#include "kernels_pieces.h"

/* Columns [first, first + n) of BESIDE rows of halves, as a vector takes them. */
static inline void
beside(float *to, const struct tensor *t, size_t row, size_t first, size_t n)
{
	const unsigned char *p = row_of(t, row) + 2 * first;
	const size_t stride = tensor_row_bytes(t);
	for (size_t i = 0; i < n; i += COLUMNS, p += 2 * COLUMNS, to += LANES)
		vec_store(to, t->type == T_F16 ? weights_at(T_F16, p, stride) : weights_at(T_BF16, p, stride));
}

static void
types_times(const struct piece *p, struct ahead *ahead, uint32_t type, size_t n, size_t rows)
{
	if (type == T_F32)
		vectors_times(*p, ahead, T_F32, n, rows);
	else if (type == T_F16)
		vectors_times(*p, ahead, T_F16, n, rows);
	else
		vectors_times(*p, ahead, T_BF16, n, rows);
}

/* Rows by way of a panel: ROWS_AT_ONCE at a time as vectors take them, the rest one by one. */
static void
panel_times(struct scratch *s, const struct tensor *t, size_t row, size_t k, struct piece p, struct ahead *ahead, size_t n, size_t rows)
{
	const bool pairs = BESIDE > 1 && (t->type == T_F16 || t->type == T_BF16);
	const size_t even = pairs ? rows / ROWS_AT_ONCE * ROWS_AT_ONCE : 0;
	for (size_t r = 0; r < even; r += BESIDE)
		beside(s->panel[r], t, row + r, k, p.columns);
	for (size_t r = even; r < rows; r++)
		part_of_row(t, row + r, k, p.columns, s->panel[r]);
	p.stride = sizeof s->panel[0];
	p.w = (const unsigned char *)s->panel[0];
	if (even)
		vectors_times(p, ahead, BESIDE_F32, n, even);
	p.w += even * p.stride;
	p.sum += even / BESIDE * LANES;
	p.out += even;
	if (even < rows)
		vectors_times(p, ahead, T_F32, n, rows - even);
}

/* What the columns of an odd width behind the last vector add. */
static void
odd_columns(const struct tensor *t, size_t row, size_t rows, const float *x, size_t n, float *out, size_t stride)
{
	const size_t dim = t->dim[0], first = dim / COLUMNS * COLUMNS;
	float w[LANES];
	for (size_t r = 0; dim > first && r < rows; r++) {
		part_of_row(t, row + r, first, dim - first, w);
		for (size_t j = 0; j < n; j++)
			for (size_t k = first; k < dim; k++)
				out[j * stride + r] += w[k - first] * x[j * dim + k];
	}
}

static bool
lies_ready(uint32_t type, size_t n)
{
#if defined(HAVE_HALVES)
	return type == T_F32 || ((type == T_F16 || type == T_BF16) && (BESIDE == 1 || n <= FEW_VECTORS));
#else
	return type == T_F32 || ((type == T_F16 || type == T_BF16) && n <= VECTORS_AT_ONCE);
#endif
}

static void
some_rows(struct scratch *s, const struct tensor *t, size_t row, size_t rows, const float *x, size_t n, struct ahead *ahead,
	float *out, size_t stride)
{
	const bool as_it_lies = lies_ready(t->type, n);
	const size_t dim = t->dim[0], whole = dim / COLUMNS * COLUMNS, most = t->type == T_F32 ? WIDE : WIDE_HALVES;
	const size_t wide = !as_it_lies ? PANEL : n <= VECTORS_AT_ONCE ? whole : most;
	struct piece p = {.apart = dim, .sum = s->sum, .out = out, .out_apart = stride, .first = true};
	for (size_t k = 0; !p.last; k += wide, p.first = false) {
		p.columns = whole - k < wide ? whole - k : wide;
		p.last = k + wide >= whole;
		p.x = x + k;
		if (as_it_lies) {
			p.w = row_of(t, row) + k * tensor_format(t->type)->bytes;
			p.stride = tensor_row_bytes(t);
			types_times(&p, ahead, t->type, n, rows);
		} else
			panel_times(s, t, row, k, p, ahead, n, rows);
	}
	odd_columns(t, row, rows, x, n, out, stride);
}
