/*
 * kernels_pieces.h - products of rows that are met as they lie.
 *
 * Lanes are columns: lane l sums columns l, l + COLUMNS, ... of a row, one after the other, and at the end the
 * lanes are added in pairs. So the order of a sum is the same for one vector and for a batch. ROWS_AT_ONCE rows meet
 * VECTORS_AT_ONCE vectors, as many as there are registers for their sums: a batch is bound by multiply-adds, one vector
 * by the memory. The longer the pieces of rows that meet vectors, the nearer a batch is to its bound, as long as the
 * second-level cache keeps up.
 *
 * Vectors of twice the width hold two rows (BESIDE), not twice the columns: the order of a sum is that of the others.
 *
 * Who includes this brings, above it, weights_at() and numbers_at(), and below it lies_ready() and some_rows().
 */

enum {
	BESIDE_F32 = T_COUNT,	/* BESIDE rows of floats side by side, as a vector takes them, in their place */
	COLUMNS = LANES / BESIDE,
	SUMS_AT_ONCE = 4,
	ROWS_AT_ONCE = SUMS_AT_ONCE * BESIDE
};

#if !defined(HAVE_SUMS)
/* out[r] = the lanes of sum[r], added in pairs */
ALWAYS void
lane_sums(const vec sum[SUMS_AT_ONCE], float *out)
{
	for (int r = 0; r < SUMS_AT_ONCE; r++) {
		float x[LANES];
		vec_store(x, sum[r]);
		for (int n = LANES / 2; n; n /= 2)
			for (int i = 0; i < n; i++)
				x[i] = x[2 * i] + x[2 * i + 1];
		out[r] = x[0];
	}
}
#endif

/* Columns of up to ROWS_AT_ONCE rows, and the vectors that they meet. */
struct piece {
	const unsigned char *w;
	size_t stride, columns;		/* from row to row in bytes; a multiple of COLUMNS */
	const float *x;
	size_t apart;			/* from vector to vector */
	float *sum;			/* [vector][FLOAT_ROWS][LANES] at most, between the first columns and the last */
	bool first, last;
	float *out;			/* after the last */
	size_t out_apart;
};

/* So much of what comes next is asked for at each step. */
ALWAYS void
ask_line(struct ahead *a)
{
#if defined(__GNUC__)
	__builtin_prefetch((const void *)a->at, 0, 2);
#endif
	a->at += a->step;
}

/* `ahead` is NULL where the rows are met once, as they lie. */
ALWAYS void
piece_times(const struct piece *p, struct ahead *ahead, const uint32_t type, const int rows, const int at_once)
{
	const size_t size = type == BESIDE_F32 ? BESIDE * 4 : type == T_F32 ? 4 : 2;
	const int sums = (rows + BESIDE - 1) / BESIDE;
	vec a[VECTORS_AT_ONCE][SUMS_AT_ONCE], x[VECTORS_AT_ONCE];
	UNROLL for (int t = 0; t < at_once; t++)
		UNROLL for (int r = 0; r < SUMS_AT_ONCE; r++)
			a[t][r] = p->first || r >= sums ? vec_set(0) : vec_load(p->sum + (t * FLOAT_ROWS + r) * LANES);
	const unsigned char *w = p->w;
	struct behind next = behind(w, p->stride, (size_t)rows);
	struct ahead far = ahead ? *ahead : (struct ahead){0, 0}; /* in registers */
	for (size_t k = 0; k < p->columns; k += COLUMNS, w += COLUMNS * size) {
		if (ahead)
			ask_line(&far);
		else if (k % (64 / size) == 0)
			ask_rows(&next, rows);
		UNROLL for (int t = 0; t < at_once; t++)
			x[t] = numbers_at(p->x + (size_t)t * p->apart + k);
		UNROLL for (int r = 0; r < sums; r++) {
			const unsigned char *at = w + (size_t)(r * BESIDE) * p->stride;
			const vec v = type == BESIDE_F32 ? vec_load((const float *)(const void *)at) :
				weights_at(type, at, rows > 1 ? p->stride : 0);
			UNROLL for (int t = 0; t < at_once; t++)
				a[t][r] = vec_fma(a[t][r], v, x[t]);
		}
	}
	if (ahead)
		*ahead = far;
	UNROLL for (int t = 0; t < at_once; t++) {
		float sum[ROWS_AT_ONCE];
		if (p->last) {
			lane_sums(a[t], sum);
			memcpy(p->out + (size_t)t * p->out_apart, sum, (size_t)rows * sizeof *sum);
		} else
			UNROLL for (int r = 0; r < sums; r++)
				vec_store(p->sum + (t * FLOAT_ROWS + r) * LANES, a[t][r]);
	}
}

/* The same of up to FLOAT_ROWS rows. */
ALWAYS void
rows_times(struct piece p, struct ahead *ahead, const uint32_t type, size_t rows, const int at_once)
{
	for (; rows >= ROWS_AT_ONCE; rows -= ROWS_AT_ONCE) {
		piece_times(&p, ahead, type, ROWS_AT_ONCE, at_once);
		p.w += ROWS_AT_ONCE * p.stride;
		p.sum += SUMS_AT_ONCE * LANES;
		p.out += ROWS_AT_ONCE;
	}
	for (; rows; rows--, p.w += p.stride, p.sum += LANES, p.out++)
		piece_times(&p, ahead, type, 1, at_once);
}

#define VECTORS_TIMES(count)                               \
	for (; n >= (count); n -= (count)) {               \
		rows_times(p, ahead, type, rows, count);   \
		p.x += (count) * p.apart;                  \
		p.sum += (count) * FLOAT_ROWS * LANES;     \
		p.out += (count) * p.out_apart;            \
	}

/* The same of n vectors: those that are met at once stay in the first-level cache, the rows in the second. */
ALWAYS void
vectors_times(struct piece p, struct ahead *ahead, const uint32_t type, size_t n, size_t rows)
{
	VECTORS_TIMES(VECTORS_AT_ONCE)
	VECTORS_TIMES(2)
	VECTORS_TIMES(1)
}

/* What is read after these rows, in so many steps. */
static struct ahead
rows_behind(const struct tensor *t, size_t row, size_t last, const struct inputs *in, size_t steps)
{
	const size_t all = FLOAT_ROWS * tensor_row_bytes(t);
	const bool jumps = row + FLOAT_ROWS >= last && in->next;
	return (struct ahead){jumps ? (uintptr_t)in->next : (uintptr_t)row_of(t, row) + all, all / (steps + !steps) + 1};
}

/* Whether so many vectors best meet the numbers as they lie. */
static bool lies_ready(uint32_t type, size_t n);

/* Up to FLOAT_ROWS rows . up to VECTORS vectors. */
static void some_rows(struct scratch *s, const struct tensor *t, size_t row, size_t rows, const float *x, size_t n,
	struct ahead *ahead, float *out, size_t stride);

static void
floats_matmul(const struct tensor *t, size_t first, size_t last, const struct inputs *in, float *out, size_t stride,
	struct scratch *s)
{
	const size_t dim = t->dim[0], steps = dim / COLUMNS * (FLOAT_ROWS / ROWS_AT_ONCE) * ((in->n + VECTORS_AT_ONCE - 1) / VECTORS_AT_ONCE);
	const bool once = in->n <= VECTORS_AT_ONCE && lies_ready(t->type, in->n);
	for (size_t row = first; row < last; row += FLOAT_ROWS) {
		const size_t rows = last - row < FLOAT_ROWS ? last - row : FLOAT_ROWS;
		struct ahead ahead = rows_behind(t, row, last, in, steps);
		for (size_t j = 0; j < in->n; j += VECTORS) {
			const size_t n = in->n - j < VECTORS ? in->n - j : VECTORS;
			some_rows(s, t, row, rows, in->x + j * dim, n, once ? NULL : &ahead, out + j * stride + row, stride);
		}
	}
}
