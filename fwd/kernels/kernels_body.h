/*
 * kernels_body.h - the kernels over vectors of LANES numbers.
 *
 * Not a module but a body: a kernel file defines LANES, KERNELS_NAME and what is special
 * to its instruction set (below), includes this, and is compiled for it.
 *
 * Products of weights in blocks (kernels_codes.h) are made by one scheme, for one vector and for a
 * batch: TILE rows of a matrix are unpacked CHUNK columns at a time into a tile in the first-level
 * cache, where a vector register's lanes are LANES rows. A tile meets all vectors of the batch, a few
 * at a time, whose numbers are broadcast: no sum crosses lanes, and each weight is read from memory
 * and unpacked once a batch. Weights that are floats are met as they lie (kernels_floats.h), and there
 * lanes are columns. Of both, every product is summed in the same order, whatever the batch.
 *
 * Weights in blocks stay integers: 4 bytes of LANES rows meet 4 bytes of an input, 32 of
 * them make an exact sum, which is scaled and added once a block. A batch is bound by
 * these multiply-adds: with AVX-512, of 11 vector instructions for a block 8 are dot products. One
 * vector is bound by the memory as long as unpacking keeps up, which is what the
 * special functions for types, ahead of the general codes.h, are for.
 */
#include "kernels.h"
#include "kernels_vec.h"

#include <float.h>
#include <math.h>

enum {
	TILE = 2 * LANES,
	PANEL = 512 / BESIDE,	/* columns of a matrix of floats that are unpacked together */
	SUMS = 16	/* where a sum is made in parts, so many for any LANES: the bits are the same */
};

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
 *	halves()	LANES half-precision numbers; brains(): of BF16
 *	bytes()		LANES integers of 8 bits
 *	FMA()		acc + a b, rounded once
 *	lane_sums()	the lanes of four vectors added: see kernels_floats.h
 *	fast_tile()	a tile without codes.h where it can; false where not
 * Those that a file does not define (HAVE_...) are plain C here.
 */

#if !defined(HAVE_SHORTS)
#define run_of(c) 0
#endif
#if defined(HAVE_DOT4)
/* LANES words of a tile, in a register: gcc reads them again for each input if these are few. */
ALWAYS veci
tile_words(const int32_t *p)
{
	veci v;
	memcpy(&v, p, sizeof v);
#if defined(__GNUC__) && defined(__x86_64__)
	__asm__("" : "+v"(v));
#endif
	return v;
}
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

/* A matrix of blocks, and what is asked of it at each tile. */
struct block_matrix {
	const struct tensor *t;
	const struct coding *c;
	size_t stride, chunk;	/* bytes of a row, of CHUNK columns */
};

#if !defined(HAVE_FAST_TILE)
#define fast_tile(to, m, row, first, n) false
#define fast_rows(to, m, row, last, in, out, apart) false
#else
static bool fast_tile(struct tile *to, const struct block_matrix *m, size_t row, size_t first, size_t n);
static bool fast_rows(struct tile *to, const struct block_matrix *m, size_t row, size_t last, const struct inputs *in, float *out,
	size_t apart);
#endif

/* A thread's. */
struct scratch {
	struct tile tile[2];
	union {
		struct codes codes[LANES];
		_Alignas(64) float panel[FLOAT_ROWS][PANEL];
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

static inline int32_t
bits_of(float x)
{
	int32_t bits;
	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static inline int32_t
eight_added(const int32_t x[8])
{
	return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

/* Numbers are read where they lie, and bits taken of each: copies of many are stored in parts, and have to be waited for. */
static void
quantize(struct qblock *q, const float *x, size_t n)
{
	for (; n >= 32; n -= 32, x += 32, q++) {
		int32_t most_bits = 0, v[32], part[2][8];
		float most;
		for (int i = 0; i < 32; i++) { /* of numbers without sign, the bits are in order */
			const int32_t size = bits_of(x[i]) & 0x7fffffff;
			most_bits = most_bits > size ? most_bits : size;
		}
		memcpy(&most, &most_bits, sizeof most);
		const bool tiny = most < 1e-30f, finite = most_bits < 0x7f800000;
		const float by = tiny || !finite ? 0 : 127 / most;
		for (int i = 0; i < 32; i++) /* rounds; the integer is in the low bits */
			v[i] = finite ? bits_of(x[i] * by + 0x1.8p23f) - 0x4b400000 : 0;
		for (int i = 0; i < 32; i++)
			q->q[i] = (int8_t)v[i];
		for (int i = 0; i < 8; i++) {
			part[0][i] = v[i] + v[i + 8];
			part[1][i] = v[i + 16] + v[i + 24];
		}
		const int32_t low = eight_added(part[0]), high = eight_added(part[1]);
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
		q->half[0] = (int16_t)low;
		q->half[1] = (int16_t)high;
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

#include "kernels_codes.h"
#include "kernels_floats.h"

static void
matmul(const struct tensor *t, size_t first, size_t last, const struct inputs *in, float *out, size_t stride, void *scratch)
{
	(coding_of(t->type)->fn ? codes_matmul : floats_matmul)(t, first, last, in, out, stride, scratch);
}

#include "kernels_attend.h"

/* What swish() makes of LANES numbers. */
struct curve {
	vec minus, minus3, plus;
};

ALWAYS vec
swish_of(const struct curve *c, vec a, vec up)
{
	const vec one = vec_set(1), arg = vec_mul(a, vec_fma(c->minus, c->minus3, vec_mul(a, a)));
	return vec_mul(vec_div(a, vec_add(one, vec_exp(arg))), vec_add(up, c->plus));
}

static void
swish(float *x, const float *up, size_t n, float by, float cubed, float more)
{
	const struct curve c = {vec_set(-by), vec_set(-cubed), vec_set(more)};
	float rest[2][LANES] = {{0}};
	size_t i = 0;
	for (; i + LANES <= n; i += LANES)
		vec_store(x + i, swish_of(&c, vec_load(x + i), up ? vec_load(up + i) : vec_set(1)));
	for (size_t l = 0; i + l < n; l++) {
		rest[0][l] = x[i + l];
		rest[1][l] = up ? up[i + l] : 1;
	}
	vec_store(rest[0], swish_of(&c, vec_load(rest[0]), vec_load(rest[1])));
	for (size_t l = 0; i + l < n; l++)
		x[i + l] = rest[0][l];
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

static const struct kernels table = {KERNELS_NAME, TILE, scratch_bytes, blocks, quantize, NULL, 0, matmul, keep, attend, merge,
	swish, norm, axpy};
