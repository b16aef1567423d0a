/*
 * kernels_body.h - the kernels over vectors of LANES numbers.
 *
 * Not a module but a body: a kernel file defines LANES, KERNELS_NAME and what is special
 * to its instruction set (below), includes this, and is compiled for it.
 *
 * All products are made by one scheme, for one vector and for a batch: TILE rows of a
 * matrix are unpacked CHUNK columns at a time into a tile in the first-level cache, where a
 * vector register's lanes are LANES rows. A tile meets all vectors of the batch, a few at
 * a time, whose numbers are broadcast: no sum crosses lanes, each weight is read from
 * memory and unpacked once a batch, and every product is summed in the same order.
 *
 * Weights in blocks stay integers: 4 bytes of LANES rows meet 4 bytes of an input, 32 of
 * them make an exact sum, which is scaled and added once a block. A batch is bound by
 * these multiply-adds: of 11 vector instructions for a block 8 are dot products. One
 * vector is bound by the memory as long as unpacking keeps up, which is what the
 * special functions for types, ahead of the general codes.h, are for.
 */
#include "kernels.h"
#include "kernels_tile.h"

#include <float.h>
#include <math.h>

enum {
	TILE = 2 * LANES,
	FLOAT_ROWS = 16,	/* of a matrix of floats, and so many vectors, at a time */
	VECTORS = 48,
	SUMS = 16	/* where a sum is made in parts, so many for any LANES: the bits are the same */
};

#if defined(__GNUC__)
typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t veci __attribute__((vector_size(LANES * 4)));

ALWAYS vec vec_set(float x) { return x - (vec){0}; }
ALWAYS veci veci_set(int32_t x) { return x - (veci){0}; }
ALWAYS vec vec_add(vec a, vec b) { return a + b; }
ALWAYS vec vec_mul(vec a, vec b) { return a * b; }
ALWAYS vec vec_div(vec a, vec b) { return a / b; }
ALWAYS vec
vec_select(veci mask, vec a, vec b)
{
	return (vec)(((veci)a & mask) | ((veci)b & ~mask));
}
ALWAYS vec vec_max(vec a, vec b) { return vec_select(a > b, a, b); }
ALWAYS vec vec_min(vec a, vec b) { return vec_select(a < b, a, b); }
/* acc + a b */
ALWAYS vec vec_fma(vec acc, vec a, vec b) { return acc + a * b; }
ALWAYS vec vec_of_int(veci a) { return __builtin_convertvector(a, vec); }
/* x 2^n */
ALWAYS vec
vec_scale(vec x, veci n)
{
	return (vec)((veci)x + (n << 23));
}
/* The integers that x + 1.5 2^23 holds in its low bits. */
ALWAYS veci vec_low(vec x) { return (veci)x - (veci)vec_set(0x1.8p23f); }
#else
typedef struct { float lane[LANES]; } vec;
typedef struct { int32_t lane[LANES]; } veci;
#define EACH for (int i = 0; i < LANES; i++)
static inline vec vec_set(float x) { vec r; EACH r.lane[i] = x; return r; }
static inline veci veci_set(int32_t x) { veci r; EACH r.lane[i] = x; return r; }
static inline vec vec_add(vec a, vec b) { EACH a.lane[i] += b.lane[i]; return a; }
static inline vec vec_mul(vec a, vec b) { EACH a.lane[i] *= b.lane[i]; return a; }
static inline vec vec_div(vec a, vec b) { EACH a.lane[i] /= b.lane[i]; return a; }
static inline vec vec_max(vec a, vec b) { EACH a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; return a; }
static inline vec vec_min(vec a, vec b) { EACH a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; return a; }
static inline vec vec_fma(vec acc, vec a, vec b) { EACH acc.lane[i] += a.lane[i] * b.lane[i]; return acc; }
static inline vec vec_of_int(veci a) { vec r; EACH r.lane[i] = (float)a.lane[i]; return r; }
static inline vec vec_scale(vec x, veci n) { EACH x.lane[i] = ldexpf(x.lane[i], n.lane[i]); return x; }
static inline veci vec_low(vec x) { veci r; EACH r.lane[i] = (int32_t)(x.lane[i] - 0x1.8p23f); return r; }
#endif

ALWAYS vec
vec_load(const float *p)
{
	vec v;
	memcpy(&v, p, sizeof v);
	return v;
}

ALWAYS void
vec_store(float *p, vec v)
{
	memcpy(p, &v, sizeof v);
}

/* The sum of SUMS numbers, in halves. */
static inline float
sum_of(float *s)
{
	for (int half = SUMS / 2; half; half /= 2)
		for (int i = 0; i < half; i++)
			s[i] += s[i + half];
	return s[0];
}

/* e^x to about 1 unit in the last place, for -87 <= x <= 88; beyond, as there. */
ALWAYS vec
vec_exp(vec x)
{
	x = vec_min(vec_max(x, vec_set(-87)), vec_set(88));
	const vec round = vec_fma(vec_set(0x1.8p23f), x, vec_set(1.44269504f));
	const vec n = vec_add(round, vec_set(-0x1.8p23f));
	vec r = vec_fma(x, n, vec_set(-0.693359375f));
	r = vec_fma(r, n, vec_set(2.12194440e-4f));
	vec p = vec_set(1.9875691500e-4f); /* Cephes' polynomial for expf */
	p = vec_fma(vec_set(1.3981999507e-3f), p, r);
	p = vec_fma(vec_set(8.3334519073e-3f), p, r);
	p = vec_fma(vec_set(4.1665795894e-2f), p, r);
	p = vec_fma(vec_set(1.6666665459e-1f), p, r);
	p = vec_fma(vec_set(5.0000001201e-1f), p, r);
	p = vec_add(vec_fma(r, p, vec_mul(r, r)), vec_set(1));
	return vec_scale(p, vec_low(round));
}

/*
 * What is special to an instruction set:
 *	BIAS		what is added to weights so that dot4() takes them: 0 or 128
 *	dot4()		each lane: acc + 4 bytes of w . the 4 bytes of x; without it, tiles hold floats
 *	interleave()	to[i][r] = word i of row r, for LANES rows `stride` bytes apart, n words: a
 *			multiple of 4
 *	halves()	LANES half-precision numbers
 *	bytes()		LANES integers of 8 bits
 *	put_halves()	and back
 *	fast_tile()	a tile without codes.h where it can; false where not
 * Those that a file does not define (HAVE_...) are plain C here.
 */

#if !defined(HAVE_SHORTS)
#define run_of(c) 0
#endif
#if !defined(HAVE_DOT4) && !defined(HAVE_SHORTS)
/* Integers as floats: sums of a block stay below 2^24 and so are exact. */
#define BIAS 0
#define CODES_AT_ONCE 2
#define FLOATS_AT_ONCE 6
#define VECTORS_AT_ONCE 2
#endif

#if !defined(HAVE_INTERLEAVE)
ALWAYS void
interleave(int32_t (*to)[LANES], const unsigned char *rows, size_t stride, size_t n, struct ahead *ahead)
{
	(void)ahead;
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < LANES; r++)
			to[i][r] = int_at(rows + r * stride + i * 4);
}
#else
static void interleave(int32_t (*to)[LANES], const unsigned char *rows, size_t stride, size_t n, struct ahead *ahead);
#endif

#if !defined(HAVE_HALVES)
ALWAYS vec
halves(const unsigned char *p)
{
	float x[LANES];
	for (int i = 0; i < LANES; i++) {
		uint16_t h;
		memcpy(&h, p + 2 * i, sizeof h);
		x[i] = half_to_float(h);
	}
	return vec_load(x);
}
#endif

#if !defined(HAVE_BYTES)
ALWAYS vec
bytes(const unsigned char *p)
{
	float x[LANES];
	for (int i = 0; i < LANES; i++)
		x[i] = (float)(int8_t)p[i];
	return vec_load(x);
}
#endif

#if !defined(HAVE_FAST_TILE)
#define fast_tile(to, t, row, first, n) false
#define fast_rows(to, t, row, last, in, out) false
#else
static bool fast_tile(struct tile *to, const struct tensor *t, size_t row, size_t first, size_t n);
static bool fast_rows(struct tile *to, const struct tensor *t, size_t row, size_t last, const struct inputs *in, float *out);
#endif

/* A thread's. */
struct scratch {
	struct tile tile[2];
	union {
		struct codes codes[LANES];
		_Alignas(64) float x[FLOAT_ROWS][CHUNK];
	};
	_Alignas(64) float sum[];	/* TILE for each vector; or what floats or attend() need */
};

static size_t
scratch_bytes(size_t n)
{
	const size_t products = n * TILE, heads = ATTEND_ROWS * (2 * KV_BLOCK + TILE);
	const size_t floats = VECTORS * FLOAT_ROWS * LANES, codes = products > floats ? products : floats;
	return sizeof(struct scratch) + (codes > heads ? codes : heads) * sizeof(float);
}

static bool
blocks(uint32_t type)
{
	return coding_of(type)->fn != NULL;
}

static void
quantize(struct qblock *q, const float *x, size_t n)
{
	for (; n >= 32; n -= 32, x += 32, q++) {
		int32_t low = 0, high = 0, bits[32], most_bits = 0;
		float v[32], most;
		memcpy(bits, x, sizeof bits);
		for (int i = 0; i < 32; i++) { /* of numbers without sign, the bits are in order */
			bits[i] &= 0x7fffffff;
			most_bits = most_bits > bits[i] ? most_bits : bits[i];
		}
		memcpy(&most, &most_bits, sizeof most);
		const bool tiny = most < 1e-30f, finite = most_bits < 0x7f800000;
		const float by = tiny || !finite ? 0 : 127 / most;
		for (int i = 0; i < 32; i++)
			v[i] = x[i] * by + 0x1.8p23f; /* rounds; the integer is in the low bits */
		memcpy(bits, v, sizeof bits);
		for (int i = 0; i < 32; i++) {
			bits[i] = finite ? bits[i] - 0x4b400000 : 0;
			q->q[i] = (int8_t)bits[i];
		}
		for (int i = 0; i < 16; i++) {
			low += bits[i];
			high += bits[i + 16];
		}
		q->d = !finite ? NAN : tiny ? 0 : most / 127;
		q->sum[0] = q->d * (float)low;
		q->sum[1] = q->d * (float)high;
		q->sum[2] = q->d * (float)(low + high);
#if defined(HAVE_SHORTS)
		pair_sums(q->q, q->bias);
#else
		q->bias[0] = -BIAS * low;
		q->bias[1] = -BIAS * high;
		q->bias[2] = -BIAS * (low + high);
#endif
		q->unused = 0;
	}
}

/* LANES rows from `row` on, or as many as there are before `last` and the last one again. */
static void
code_tile(struct scratch *s, struct tile *to, const struct tensor *t, size_t row, size_t last, size_t first, size_t n)
{
	const struct coding *c = coding_of(t->type);
	const size_t scales = n / c->share;
	if (row + LANES <= last && fast_tile(to, t, row, first, n))
		return;
	for (size_t r = 0; r < LANES; r++)
		c->fn(t, row + r < last ? row + r : last - 1, first, n, &s->codes[r]);
	const int more = BIAS ? BIAS : run_of(c) ? -c->least : 0;
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
	for (size_t r = 0; r < LANES; r++)
		for (size_t b = 0; b < scales; b++) {
			to->d[b][r] = s->codes[r].d[b];
			if (c->minima)
				to->m[b][r] = s->codes[r].m[b];
		}
}

/* Numbers [first, first + n) of a row of a type without blocks. */
static inline void
part_of_row(const struct tensor *t, size_t row, size_t first, size_t n, float *restrict out)
{
	const unsigned char *p = row_of(t, row);
	if (t->type == T_LLAMA2C_Q8) {
		for (size_t i = 0, at = row * t->dim[0] + first; i < n; i++)
			out[i] = lef32(t->scale + (at + i) / t->group * 4) * (float)(int8_t)p[first + i];
		return;
	}
	struct tensor part = *t;
	part.data = p + first * tensor_format(t->type)->bytes;
	part.dim[0] = n;
	if (t->type == T_F16) {
		for (; n >= LANES; n -= LANES, out += LANES, part.data += 2 * LANES)
			vec_store(out, halves(part.data));
		part.dim[0] = n;
	}
	if (n)
		unpacker(t->type)(&part, 0, out);
}

/* The sums of block b of the tiles . 16 or 32 numbers of `at_once` inputs. */
#if defined(HAVE_DOT4)
ALWAYS void
block_sums(const struct tile *w, size_t b, const struct qblock *x, size_t apart, size_t word, size_t half, vec (*sum)[8],
	const int at_once, const int share, const int run, int least)
{
	(void)run, (void)least;
	const int32_t (*q0)[LANES] = w[0].u.q + b * (size_t)(share / 4), (*q1)[LANES] = w[1].u.q + b * (size_t)(share / 4);
	veci a[2][8];
	UNROLL for (int t = 0; t < at_once; t++)
		a[0][t] = a[1][t] = veci_set(BIAS ? x[(size_t)t * apart].bias[half] : 0);
	UNROLL for (int j = 0; j < share / 4; j++)
		UNROLL for (int t = 0; t < at_once; t++) {
			const int32_t v = int_at(x[(size_t)t * apart].q + word + 4 * j);
			a[0][t] = dot4(a[0][t], q0[j], v);
			a[1][t] = dot4(a[1][t], q1[j], v);
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

/* sum[t][TILE] += the tiles . blocks of `at_once` inputs that lie `apart`. */
ALWAYS void
codes_times(const struct tile *w, size_t n, const struct qblock *x, size_t apart, float *sum, const int at_once,
	const int share, const bool minima, const int run, int least)
{
	vec f[2][8], a[2][8];
	UNROLL for (int g = 0; g < 2; g++)
		UNROLL for (int t = 0; t < at_once; t++)
			f[g][t] = vec_set(0);
	for (size_t b = 0; b < n / (size_t)share; b++) {
		const size_t half = share == 32 ? 2 : b % 2;
		const struct qblock *xb = x + (share == 32 ? b : b / 2);
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

/* Ask for the next lines of what will be unpacked next: rows of so many bytes that lie apart. */
ALWAYS void
ask_rows(struct tile *w)
{
#if defined(__GNUC__)
	for (size_t i = 0; i < w->rows_a_time && w->rows; i++, w->rows--, w->row_at += w->apart)
		for (size_t b = 0; b < w->bytes + 63; b += 64)
			__builtin_prefetch((const void *)(w->row_at + b), 0, 2);
#else
	(void)w;
#endif
}

#define CODES_TIMES(share, minima, run)                                                                       \
	for (; t + CODES_AT_ONCE <= count; t += CODES_AT_ONCE) {                                              \
		ask_rows(w);                                                                                  \
		codes_times(w, n, x + t * apart, apart, sum + t * TILE, CODES_AT_ONCE, share, minima, run, c->least); \
	}                                                                                                     \
	for (; t + 2 <= count; t += 2)                                                                        \
		codes_times(w, n, x + t * apart, apart, sum + t * TILE, 2, share, minima, run, c->least);     \
	for (; t < count; t++)                                                                                \
		codes_times(w, n, x + t * apart, apart, sum + t * TILE, 1, share, minima, run, c->least);

static void
all_codes_times(const struct coding *c, struct tile *w, size_t n, const struct qblock *x, size_t count, size_t apart,
	float *sum)
{
	size_t t = 0;
	if (c->share == 32 && c->minima && run_of(c) == 8) {
		CODES_TIMES(32, true, 8)
	} else if (c->share == 32 && c->minima) {
		CODES_TIMES(32, true, 4)
	} else if (c->share == 32 && run_of(c) == 8) {
		CODES_TIMES(32, false, 8)
	} else if (c->share == 32 && run_of(c)) {
		CODES_TIMES(32, false, 1)
	} else if (c->share == 32) {
		CODES_TIMES(32, false, 0)
	} else if (c->minima) {
		CODES_TIMES(16, true, 4)
	} else if (run_of(c) == 4) {
		CODES_TIMES(16, false, 4)
	} else if (run_of(c)) {
		CODES_TIMES(16, false, 1)
	} else {
		CODES_TIMES(16, false, 0)
	}
}

/* While these TILE rows are worked on, the next ones are asked for: part i of n. A step is
 * the 16 bytes of LANES rows that are worked on meanwhile and their share of what lies between. */
ALWAYS struct ahead
ahead_of(const struct tensor *t, size_t row, size_t last, const unsigned char *next, size_t i, size_t n)
{
	const size_t all = TILE * tensor_row_bytes(t), steps = all / n / (LANES * 16);
	const uintptr_t at = next && row + TILE >= last ? (uintptr_t)next : (uintptr_t)row_of(t, row) + all;
	return (struct ahead){at + all / n * i, all / n / (steps + !steps)};
}

/* What is unpacked after these columns: from column k on, of the next rows if that is 0. */
ALWAYS void
next_rows(struct tile *w, const struct tensor *t, size_t row, size_t last, const struct inputs *in, size_t k)
{
	const struct format *f = tensor_format(t->type);
	const size_t wide = t->dim[0] - k < CHUNK ? t->dim[0] - k : CHUNK, next = k ? row : row + TILE;
	w->apart = tensor_row_bytes(t);
	w->bytes = wide / f->block * f->bytes;
	w->rows = TILE;
	w->rows_a_time = TILE * FLOATS_AT_ONCE / in->n + 1;
	w->row_at = (next >= last && in->next ? (uintptr_t)in->next : (uintptr_t)row_of(t, next)) + k / f->block * f->bytes;
}

/* s->sum += the products of columns [k, k + n) of TILE rows. */
static void
chunk_times(struct scratch *s, const struct tensor *t, size_t row, size_t last, size_t k, size_t n, const struct inputs *in)
{
	const struct coding *c = coding_of(t->type);
	const size_t chunk = k / CHUNK, chunks = (t->dim[0] + CHUNK - 1) / CHUNK;
	for (size_t g = 0; g < 2; g++) {
		const size_t at = row + g * LANES < last ? row + g * LANES : row;
		struct tile *w = s->tile + g;
		w->ahead = ahead_of(t, row, last, in->next, 2 * chunk + g, 2 * chunks);
		code_tile(s, w, t, at, last, k, n);
	}
	next_rows(s->tile, t, row, last, in, k + n < t->dim[0] ? k + n : 0);
	all_codes_times(c, s->tile, n, in->q + k / 32 * in->n, in->n, n / 32, s->sum);
}

#include "kernels_floats.h"

static void
matmul(const struct tensor *t, size_t first, size_t last, const struct inputs *in, float *out, size_t stride, void *scratch)
{
	const size_t dim = t->dim[0];
	struct scratch *s = scratch;
	if (!coding_of(t->type)->fn) {
		floats_matmul(t, first, last, in, out, stride, s);
		return;
	}
	for (size_t row = first; row < last; row += TILE) {
		const size_t rows = last - row < TILE ? last - row : TILE;
		if (in->n == 1 && rows == TILE && fast_rows(s->tile, t, row, last, in, out + row))
			continue; /* one vector meets the rows without a tile */
		memset(s->sum, 0, in->n * TILE * sizeof *s->sum);
		for (size_t k = 0; k < dim; k += CHUNK)
			chunk_times(s, t, row, last, k, dim - k < CHUNK ? dim - k : CHUNK, in);
		for (size_t j = 0; j < in->n; j++)
			memcpy(out + j * stride + row, s->sum + j * TILE, rows * sizeof *out);
	}
}

#include "kernels_attend.h"

static void
swish(float *x, const float *up, size_t n, float by, float cubed, float more)
{
	size_t i = 0;
	float rest[2][LANES] = {{0}};
	const vec minus = vec_set(-by), minus3 = vec_set(-cubed), plus = vec_set(more), one = vec_set(1);
	for (; i < n; i += LANES) {
		const bool whole = i + LANES <= n;
		const size_t count = whole ? LANES : n - i;
		if (!whole) {
			memcpy(rest[0], x + i, count * sizeof *x);
			memcpy(rest[1], up ? up + i : x + i, count * sizeof *x);
		}
		const vec a = vec_load(whole ? x + i : rest[0]);
		const vec b = !up ? one : vec_load(whole ? up + i : rest[1]);
		const vec arg = vec_mul(a, vec_fma(minus, minus3, vec_mul(a, a)));
		const vec s = vec_div(a, vec_add(one, vec_exp(arg)));
		vec_store(rest[0], vec_mul(s, vec_add(b, plus)));
		memcpy(x + i, rest[0], count * sizeof *x);
	}
}

static void
norm(float *out, const float *x, const float *weight, const float *bias, size_t n, float eps, bool centred)
{
	double sum[2] = {0};
	for (int pass = !centred; pass < 2; pass++) {
		double part[SUMS] = {0};
		const double mean = sum[0] / (double)n;
		size_t i = 0;
		for (; i + SUMS <= n; i += SUMS)
			for (size_t l = 0; l < SUMS; l++) {
				const double v = (double)x[i + l] - mean;
				part[l] += pass ? v * v : v;
			}
		for (size_t l = 0; i + l < n; l++) {
			const double v = (double)x[i + l] - mean;
			part[l] += pass ? v * v : v;
		}
		for (int l = 0; l < SUMS; l++)
			sum[pass] += part[l];
	}
	const float scale = 1 / sqrtf((float)(sum[1] / (double)n) + eps), mean = (float)(sum[0] / (double)n);
	if (bias)
		for (size_t i = 0; i < n; i++)
			out[i] = weight[i] * ((x[i] - mean) * scale) + bias[i];
	else
		for (size_t i = 0; i < n; i++)
			out[i] = weight[i] * ((x[i] - mean) * scale);
}

static void
axpy(float *out, float a, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] += a * x[i];
}

#if defined(__F16C__)
#include <cpuid.h>

/* What clang's __builtin_cpu_supports() has no name for before version 15. */
static bool
has_f16c(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

static const struct kernels table = {KERNELS_NAME, TILE, scratch_bytes, blocks, quantize, matmul, keep, attend, merge, swish,
	norm, axpy};
