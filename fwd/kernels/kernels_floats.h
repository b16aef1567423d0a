/*
 * kernels_floats.h - part of kernels_body.h: products of weights that are not in blocks.
 *
 * Rows are met as they lie, see kernels_pieces.h. Halves become floats on the way, each time. What takes longer than that is
 * unpacked once for VECTORS vectors, a panel of FLOAT_ROWS rows at a time.
 */

enum {
	FEW_VECTORS = 64,	/* so many meet halves as they lie two rows at a time (BESIDE), too */
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
		p.w = as_it_lies ? row_of(t, row) + k * tensor_format(t->type)->bytes : (const unsigned char *)s->panel[0];
		p.stride = as_it_lies ? tensor_row_bytes(t) : sizeof s->panel[0];
		for (size_t r = 0; !as_it_lies && r < rows; r++)
			part_of_row(t, row + r, k, p.columns, s->panel[r]);
		types_times(&p, ahead, as_it_lies ? t->type : T_F32, n, rows);
	}
	odd_columns(t, row, rows, x, n, out, stride);
}
