/*
 * kernels_codes.h - part of kernels_body.h: products of weights in blocks.
 *
 * A batch of few inputs is bound by what a tile costs beside its products, so its measures are taken once a matrix,
 * and by the memory if that idles meanwhile: the TILE rows behind those at work are asked for evenly, while these are
 * unpacked and at each block that meets inputs.
 */
#ifndef KERNELS_CODES_H
#define KERNELS_CODES_H

/* What weights in a tile are counted from; those of types with minima have no sign as they are. */
#if defined(HAVE_SHORTS)
#define LEAST(minima) c->least
#else
#define LEAST(minima) ((minima) ? 0 : -BIAS)
#endif

/* LANES rows from `row` on, or as many as there are before `last` and the last one again. */
static void
code_tile(struct scratch *s, struct tile *to, const struct block_matrix *m, size_t row, size_t last, size_t first, size_t n)
{
	const struct coding *c = m->c;
	const size_t scales = n / c->share;
	if (row + LANES <= last && fast_tile(to, m, row, first, n))
		return;
	for (size_t r = 0; r < LANES; r++)
		c->fn(m->t, row + r < last ? row + r : last - 1, first, n, &s->codes[r]);
	const int more = BIAS ? -LEAST(c->minima) : run_of(c) ? -c->least : 0;
	for (size_t r = 0; more && r < LANES; r++)
		for (size_t i = 0; i < CHUNK; i++)
			s->codes[r].q[i] = (int8_t)(s->codes[r].q[i] + more);
#if defined(HAVE_DOT4) || defined(HAVE_SHORTS)
	interleave(to->u.q, (const unsigned char *)s->codes[0].q, sizeof s->codes[0], n / 4, &to->ahead);
#else
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < LANES; r++)
			to->u.w[i][r] = s->codes[r].q[i];
#endif
#if defined(HAVE_SHORTS)
	if (!run_of(c))
		sizes_and_signs(to, n, c->share);
#endif
	for (size_t r = 0; r < LANES; r++) {
		for (size_t b = 0; b < scales; b++) {
			to->d[b][r] = s->codes[r].d[b];
			if (c->minima)
				to->m[b][r] = s->codes[r].m[b];
		}
		for (int i = 0; c->super && i < 2; i++)
			to->whole[i][r] = s->codes[r].whole[i];
	}
#if defined(HAVE_SHORTS)
	for (size_t b = 0; c->super && b < scales; b++)
		scale_shorts(to, b, run_of(c) != 0);
	if (c->super && c->minima)
		minima_shorts(to);
#endif
}

/* The sums of block b of the tiles . 16 or 32 numbers of `at_once` inputs. */
#if defined(HAVE_DOT4)
ALWAYS void
block_sums(const struct tile *w, size_t b, const struct qblock *x, size_t apart, size_t word, size_t half, vec (*sum)[8],
	const int at_once, const int share, const int run, int least)
{
	(void)run;
	const int32_t (*q0)[LANES] = w[0].u.q + b * (size_t)(share / 4), (*q1)[LANES] = w[1].u.q + b * (size_t)(share / 4);
	veci a[2][8];
	UNROLL for (int t = 0; t < at_once; t++)
		a[0][t] = a[1][t] = veci_set(least ? x[(size_t)t * apart].bias[half] : 0);
	UNROLL for (int j = 0; j < share / 4; j++) {
		const veci w0 = tile_words(q0[j]), w1 = tile_words(q1[j]);
		UNROLL for (int t = 0; t < at_once; t++) {
			const int32_t v = int_at(x[(size_t)t * apart].q + word + 4 * j);
			a[0][t] = dot4(a[0][t], w0, v);
			a[1][t] = dot4(a[1][t], w1, v);
		}
	}
	UNROLL for (int t = 0; t < at_once; t++) {
		sum[0][t] = vec_of_int(a[0][t]);
		sum[1][t] = vec_of_int(a[1][t]);
	}
}
#elif !defined(HAVE_SHORTS)
ALWAYS void
block_sums(const struct tile *w, size_t b, const struct qblock *x, size_t apart, size_t word, size_t half, vec (*sum)[8],
	const int at_once, const int share, const int run, int least)
{
	(void)half, (void)run, (void)least;
	UNROLL for (int t = 0; t < at_once; t++)
		sum[0][t] = sum[1][t] = vec_set(0);
	for (size_t j = 0; j < (size_t)share; j++) {
		const vec w0 = vec_load(w[0].u.w[b * (size_t)share + j]), w1 = vec_load(w[1].u.w[b * (size_t)share + j]);
		UNROLL for (int t = 0; t < at_once; t++) {
			const vec v = vec_set(x[(size_t)t * apart].q[word + j]);
			sum[0][t] = vec_fma(sum[0][t], w0, v);
			sum[1][t] = vec_fma(sum[1][t], w1, v);
		}
	}
}
#endif

/* The same block of the inputs that come next: a large batch's lie in the second-level cache. */
ALWAYS void
ask_inputs(const struct qblock *x, size_t apart, const int at_once)
{
#if defined(__GNUC__)
	UNROLL for (int t = 0; t < at_once; t++)
		__builtin_prefetch((const void *)((uintptr_t)x + (size_t)(t + at_once) * apart * sizeof *x), 0, 3);
#else
	(void)x, (void)apart, (void)at_once;
#endif
}

#if !defined(HAVE_SHORTS)
/* Of 32 numbers of each input: their sums in blocks, times d. All are exact. */
ALWAYS void
whole_sums(const struct tile *w, size_t k, const struct qblock *x, size_t apart, vec (*sum)[8], const int at_once, const int share,
	const int run, int least)
{
	const size_t b = share == 32 ? k : 2 * k;
	vec a[2][8];
	block_sums(w, b, x, apart, 0, share == 32 ? 2 : 0, a, at_once, share, run, least);
	UNROLL for (int g = 0; g < 2; g++)
		UNROLL for (int t = 0; t < at_once; t++)
			sum[g][t] = vec_mul(a[g][t], vec_load(w[g].d[b]));
	if (share == 32)
		return;
	block_sums(w, b + 1, x, apart, 16, 1, a, at_once, share, run, least);
	UNROLL for (int g = 0; g < 2; g++)
		UNROLL for (int t = 0; t < at_once; t++)
			sum[g][t] = vec_fma(sum[g][t], a[g][t], vec_load(w[g].d[b + 1]));
}
#endif

/* f[][t] = the blocks of `at_once` inputs that lie `apart`, but for what is true of a whole superblock. */
ALWAYS void
super_times(struct tile *w, const struct qblock *x, size_t apart, vec (*f)[8], const int at_once, const int share, const int run,
	int least)
{
	vec a[2][8];
	for (size_t k = 0; k < CHUNK / 32; k++) {
		sweep(&w->ahead);
		ask_inputs(x + k, apart, at_once);
		whole_sums(w, k, x + k, apart, a, at_once, share, run, least);
		UNROLL for (int t = 0; t < at_once; t++) {
			const vec d = vec_set(x[k + (size_t)t * apart].d);
			UNROLL for (int g = 0; g < 2; g++)
				f[g][t] = vec_fma(f[g][t], a[g][t], d);
		}
	}
}

#if !defined(HAVE_SHORTS)
/* The same of minima, of blocks of 16. */
ALWAYS void
super_minima(const struct tile *w, const struct qblock *x, size_t apart, vec (*f)[8], const int at_once)
{
	for (size_t b = 0; b < CHUNK / 16; b++) {
		const vec m0 = vec_load(w[0].m[b]), m1 = vec_load(w[1].m[b]);
		UNROLL for (int t = 0; t < at_once; t++) {
			const vec s = vec_set(x[b / 2 + (size_t)t * apart].sum[b % 2]);
			f[0][t] = vec_fma(f[0][t], m0, s);
			f[1][t] = vec_fma(f[1][t], m1, s);
		}
	}
}
#endif

/* sum[t][TILE] += f by `whole` */
ALWAYS void
add_whole(const struct tile *w, float *sum, vec (*f)[8], const int at_once, const int whole)
{
	UNROLL for (int t = 0; t < at_once; t++)
		UNROLL for (int g = 0; g < 2; g++) {
			float *to = sum + t * TILE + g * LANES;
			vec_store(to, vec_fma(vec_load(to), f[g][t], vec_load(w[g].whole[whole])));
			f[g][t] = vec_set(0);
		}
}

/* sum[t][TILE] += the tiles . blocks of `at_once` inputs that lie `apart`. */
ALWAYS void
codes_times(struct tile *w, size_t n, const struct qblock *x, size_t apart, float *sum, const int at_once,
	const int share, const bool minima, const int run, const bool super, int least)
{
	vec f[2][8], a[2][8];
	UNROLL for (int g = 0; g < 2; g++)
		UNROLL for (int t = 0; t < at_once; t++)
			f[g][t] = vec_set(0);
	if (super) {
		super_times(w, x, apart, f, at_once, share, run, least);
		add_whole(w, sum, f, at_once, 0);
		if (minima) {
			super_minima(w, x, apart, f, at_once);
			add_whole(w, sum, f, at_once, 1);
		}
		return;
	}
	for (size_t b = 0; b < n / (size_t)share; b++) {
		const size_t half = share == 32 ? 2 : b % 2;
		const struct qblock *xb = x + (share == 32 ? b : b / 2);
		sweep(&w->ahead);
		ask_inputs(xb, apart, at_once);
		block_sums(w, b, xb, apart, share == 32 ? 0 : half * 16, half, a, at_once, share, run, least);
		const vec d0 = vec_load(w[0].d[b]), d1 = vec_load(w[1].d[b]);
		UNROLL for (int t = 0; t < at_once; t++) {
			const vec d = vec_set(xb[(size_t)t * apart].d);
			f[0][t] = vec_fma(f[0][t], a[0][t], vec_mul(d0, d));
			f[1][t] = vec_fma(f[1][t], a[1][t], vec_mul(d1, d));
		}
		if (minima) {
			const vec m0 = vec_load(w[0].m[b]), m1 = vec_load(w[1].m[b]);
			UNROLL for (int t = 0; t < at_once; t++) {
				const vec s = vec_set(xb[(size_t)t * apart].sum[half]);
				f[0][t] = vec_fma(f[0][t], m0, s);
				f[1][t] = vec_fma(f[1][t], m1, s);
			}
		}
	}
	UNROLL for (int t = 0; t < at_once; t++)
		UNROLL for (int g = 0; g < 2; g++) {
			float *to = sum + t * TILE + g * LANES;
			vec_store(to, vec_add(vec_load(to), f[g][t]));
		}
}

/* As many inputs at a time as there are registers for. */
#define CODES_TIMES(at_once, share, minima, run, super)                                                       \
	for (; t + (at_once) <= count; t += (at_once))                                                        \
		codes_times(w, n, x + t * apart, apart, sum + t * TILE, at_once, share, minima, run, super, LEAST(minima));
#define ALL_CODES_TIMES(share, minima, run, super)                                                            \
	CODES_TIMES(CODES_AT_ONCE, share, minima, run, super)                                                 \
	if (CODES_AT_ONCE > 3) {                                                                              \
		CODES_TIMES(3, share, minima, run, super)                                                     \
	}                                                                                                     \
	CODES_TIMES(2, share, minima, run, super)                                                             \
	CODES_TIMES(1, share, minima, run, super)

static void
super_codes_times(const struct coding *c, struct tile *w, size_t n, const struct qblock *x, size_t count, size_t apart,
	float *sum)
{
	const int run = run_of(c);
	size_t t = 0;
	if (c->share == 32 && run == 8) {
		ALL_CODES_TIMES(32, false, 8, true)
	} else if (c->share == 32 && run) {
		ALL_CODES_TIMES(32, false, 1, true)
	} else if (c->share == 32) {
		ALL_CODES_TIMES(32, false, 0, true)
	} else if (c->minima) {
		ALL_CODES_TIMES(16, true, 4, true)
	} else if (run == 4) {
		ALL_CODES_TIMES(16, false, 4, true)
	} else {
		ALL_CODES_TIMES(16, false, 1, true)
	}
}

static void
all_codes_times(const struct coding *c, struct tile *w, size_t n, const struct qblock *x, size_t count, size_t apart,
	float *sum)
{
	const int run = run_of(c);
	size_t t = 0;
	if (c->super) {
		super_codes_times(c, w, n, x, count, apart, sum);
	} else if (c->minima && run == 8) {
		ALL_CODES_TIMES(32, true, 8, false)
	} else if (c->minima) {
		ALL_CODES_TIMES(32, true, 4, false)
	} else if (c->share == 16) {
		ALL_CODES_TIMES(16, false, 4, false)
	} else if (run) {
		ALL_CODES_TIMES(32, false, 8, false)
	} else {
		ALL_CODES_TIMES(32, false, 0, false)
	}
}

/* What TILED inputs and more meet tiles of blocks of 32 by, where a kernel file brings a faster way; else NULL. */
static tiles_fn *tiles_times;

enum { UNPACKING = 3 };	/* takes as long as so many inputs */

/* s->sum += the products of columns [k, k + n) of TILE rows, while a part of the next ones is asked for. */
static void
code_chunk(struct scratch *s, const struct block_matrix *m, size_t row, size_t last, size_t k, size_t n, const struct inputs *in)
{
	const size_t bytes = m->chunk * TILE, each = bytes / (in->n + UNPACKING);
	const size_t times = n / 32 * ((in->n + CODES_AT_ONCE - 1) / CODES_AT_ONCE), steps = m->chunk / 16 * 2;
	const bool end = in->next && row + TILE >= last;
	const uintptr_t at = (end ? (uintptr_t)in->next : (uintptr_t)m->t->data + (row + TILE) * m->stride) + k / CHUNK * bytes;
	for (size_t g = 0; g < 2; g++) {
		s->tile[g].ahead = (struct ahead){at + each * UNPACKING / 2 * g, each * UNPACKING / steps};
		code_tile(s, s->tile + g, m, row + g * LANES < last ? row + g * LANES : row, last, k, n);
#if defined(HAVE_SHORTS)
		if (m->c->super && run_of(m->c) == 1)
			least_shorts(s->tile + g, m->c->share, m->c->least);
#endif
	}
	s->tile->ahead = (struct ahead){at + each * UNPACKING, each * in->n / times + 1};
	const struct qblock *x = in->q + k / 32 * in->n;
	const size_t apart = n / 32, tiled = tiles_times && m->c->share == 32 ? in->n / TILED * TILED : 0;
	all_codes_times(m->c, s->tile, n, x + tiled * apart, in->n - tiled, apart, s->sum + tiled * TILE);
	if (tiled)
		tiles_times(m->c, s->tile, n, x, tiled, apart, s->sum);
}

static void
codes_matmul(const struct tensor *t, size_t first, size_t last, const struct inputs *in, float *out, size_t stride,
	struct scratch *s)
{
	const struct format *f = tensor_format(t->type);
	const struct block_matrix m = {t, coding_of(t->type), tensor_row_bytes(t), CHUNK / f->block * f->bytes};
	const size_t dim = t->dim[0];
	for (size_t row = first; row < last; row += TILE) {
		const size_t rows = last - row < TILE ? last - row : TILE;
		if (rows == TILE && fast_rows(s->tile, &m, row, last, in, out + row, stride))
			continue; /* one vector or two meet the rows without a tile */
		memset(s->sum, 0, in->n * TILE * sizeof *s->sum);
		for (size_t k = 0; k < dim; k += CHUNK)
			code_chunk(s, &m, row, last, k, dim - k < CHUNK ? dim - k : CHUNK, in);
		for (size_t j = 0; j < in->n; j++)
			memcpy(out + j * stride + row, s->sum + j * TILE, rows * sizeof *out);
	}
}

#endif
