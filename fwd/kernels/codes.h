/*
 * codes.h - how each block format is read as integers: weight = d q + m, q an int8.
 *
 * Not a module but a body, as unpack.h is, whose formats these are: each kernel file
 * compiles it for its instruction set. One row at a time, a superblock or CHUNK weights
 * at a time; the loops are such that a compiler makes vectors of them. d q + m is exactly
 * what unpack.h makes of a weight, but for the rounding of the sum. Within a superblock, d and
 * m are integers, and so are sums of 32 products times d: of at most 24 bits.
 */
#ifndef CODES_H
#define CODES_H

#include "weights/unpack.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

enum { CHUNK = 256 };	/* weights of a row taken at a time */

/* Part of a row: CHUNK weights, or fewer at its end. */
struct codes {
	int8_t q[CHUNK];
	float d[CHUNK / 16], m[CHUNK / 16];	/* of each 16 or 32 weights; m only where the type has minima */
	float whole[2];				/* of a superblock, whose d and m are integers, times these */
};

/* Weights [first, first + n) of a row, first a multiple of CHUNK. */
typedef void codes_fn(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c);

static inline const unsigned char *
blocks_at(const struct tensor *t, size_t row, size_t first, size_t block, size_t bytes)
{
	return row_of(t, row) + first / block * bytes;
}

/* 16 bytes; what compilers do not see in loops they are told here. */
#if defined(__GNUC__)
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static inline bytes16
load16(const void *p)
{
	bytes16 b;
	memcpy(&b, p, sizeof b);
	return b;
}

/* (b >> shift & mask) + more */
static inline bytes16
field16(bytes16 b, int shift, int mask, int more)
{
	return (b >> (uint8_t)shift & (uint8_t)mask) + (uint8_t)more;
}

static inline bytes16
add16(bytes16 a, bytes16 b, int times)
{
	return a + b * (uint8_t)times;
}

/* 1 where a and b share a bit. */
static inline bytes16
set16(bytes16 a, bytes16 b)
{
	return (bytes16)((a & b) != 0) & 1;
}
#else
typedef struct { uint8_t b[16]; } bytes16;

static inline bytes16
load16(const void *p)
{
	bytes16 b;
	memcpy(&b, p, sizeof b);
	return b;
}

static inline bytes16
field16(bytes16 b, int shift, int mask, int more)
{
	for (int i = 0; i < 16; i++)
		b.b[i] = (uint8_t)((b.b[i] >> shift & mask) + more);
	return b;
}

static inline bytes16
add16(bytes16 a, bytes16 b, int times)
{
	for (int i = 0; i < 16; i++)
		a.b[i] = (uint8_t)(a.b[i] + b.b[i] * times);
	return a;
}

static inline bytes16
set16(bytes16 a, bytes16 b)
{
	for (int i = 0; i < 16; i++)
		a.b[i] = (a.b[i] & b.b[i]) != 0;
	return a;
}
#endif

/* A half-precision scale. */
static inline float
scale_at(const unsigned char *p)
{
#if defined(__F16C__)
	return _cvtsh_ss(le16(p));
#else
	return half_at(p);
#endif
}

/* The 16 bits of two bytes, a byte each. */
static inline bytes16
bits16(const unsigned char *p)
{
	bytes16 a, b;
	static const unsigned char bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	memset(&a, p[0], 8);
	memset((unsigned char *)&a + 8, p[1], 8);
	memcpy(&b, bit, sizeof b);
	return set16(a, b);
}

static inline void
put16(int8_t *q, bytes16 b)
{
	memcpy(q, &b, sizeof b);
}

/* 32 nibbles by a table. */
static inline void
nibbles(const unsigned char *restrict p, const int8_t *restrict table, int8_t *restrict q)
{
#if defined(__AVX2__)
	const __m128i t = _mm_loadu_si128((const __m128i *)(const void *)table), low = _mm_set1_epi8(15);
	const __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
	_mm_storeu_si128((__m128i *)(void *)q, _mm_shuffle_epi8(t, _mm_and_si128(c, low)));
	_mm_storeu_si128((__m128i *)(void *)(q + 16), _mm_shuffle_epi8(t, _mm_and_si128(_mm_srli_epi16(c, 4), low)));
#else
	for (int i = 0; i < 16; i++) {
		q[i] = table[p[i] & 15];
		q[i + 16] = table[p[i] >> 4];
	}
#endif
}

/* The same as numbers from `least` on. */
static inline void
fours(const unsigned char *p, int least, int8_t *q)
{
	const bytes16 c = load16(p);
	put16(q, field16(c, 0, 15, least));
	put16(q + 16, field16(c, 4, 15, least));
}

/* The same with a fifth bit each. */
static inline void
fives(const unsigned char *p, const unsigned char *fifth, int least, int8_t *q)
{
	const bytes16 c = load16(p);
	put16(q, add16(field16(c, 0, 15, least), bits16(fifth), 16));
	put16(q + 16, add16(field16(c, 4, 15, least), bits16(fifth + 2), 16));
}

static inline void
codes_q4_0(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 18);
	for (size_t b = 0; b < n / 32; b++, p += 18) {
		c->d[b] = scale_at(p);
		fours(p + 2, -8, c->q + b * 32);
	}
}

static inline void
codes_q4_1(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 20);
	for (size_t b = 0; b < n / 32; b++, p += 20) {
		c->d[b] = scale_at(p);
		c->m[b] = scale_at(p + 2);
		fours(p + 4, 0, c->q + b * 32);
	}
}

static inline void
codes_q5_0(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 22);
	for (size_t b = 0; b < n / 32; b++, p += 22) {
		c->d[b] = scale_at(p);
		fives(p + 6, p + 2, -16, c->q + b * 32);
	}
}

static inline void
codes_q5_1(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 24);
	for (size_t b = 0; b < n / 32; b++, p += 24) {
		c->d[b] = scale_at(p);
		c->m[b] = scale_at(p + 2);
		fives(p + 8, p + 4, 0, c->q + b * 32);
	}
}

static inline void
codes_q8_0(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 34);
	for (size_t b = 0; b < n / 32; b++, p += 34) {
		c->d[b] = scale_at(p);
		put16(c->q + b * 32, load16(p + 2));
		put16(c->q + b * 32 + 16, load16(p + 18));
	}
}

static inline void
codes_q1_0(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 128, 18);
	bytes16 least;
	memset(&least, -1, sizeof least);
	for (size_t b = 0; b < n / 32; b++) {
		const unsigned char *at = p + b / 4 * 18;
		c->d[b] = scale_at(at);
		for (size_t h = 0; h < 2; h++)
			put16(c->q + b * 32 + h * 16, add16(least, bits16(at + 2 + b % 4 * 4 + h * 2), 2));
	}
}

static inline void
codes_q2_0(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 64, 18);
	for (size_t b = 0; b < n / 32; b++)
		c->d[b] = scale_at(p + b / 2 * 18);
	for (size_t i = 0; i < n; i++)
		c->q[i] = (int8_t)((p[i / 64 * 18 + 2 + i % 64 / 4] >> i % 4 * 2 & 3) - 1);
}

static inline void
codes_q2_k(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 84);
	(void)n;
	c->whole[0] = scale_at(p + 80);
	c->whole[1] = -scale_at(p + 82);
	for (int b = 0; b < 16; b++) {
		c->d[b] = (float)(p[b] & 15);
		c->m[b] = (float)(p[b] >> 4);
	}
	for (int k = 0; k < 16; k++)
		put16(c->q + k * 16, field16(load16(p + 16 + k / 8 * 32 + k % 2 * 16), k / 2 % 4 * 2, 3, 0));
}

static inline void
codes_q3_k(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 110);
	(void)n;
	c->whole[0] = scale_at(p + 108);
	for (int b = 0; b < 16; b++)
		c->d[b] = (float)(q3_k_scale(p + 96, b) - 32);
	for (int k = 0; k < 16; k++)
		put16(c->q + k * 16, add16(field16(load16(p + 32 + k / 8 * 32 + k % 2 * 16), k / 2 % 4 * 2, 3, -4),
			field16(load16(p + k % 2 * 16), k / 2, 1, 0), 4));
}

static inline void
k_scales(const unsigned char *p, struct codes *restrict c)
{
	const float d = scale_at(p), m = scale_at(p + 2);
	for (int b = 0; b < 8; b++) {
		int s, u;
		k_scale(p + 4, b, &s, &u);
		c->d[b] = d * (float)s;
		c->m[b] = -m * (float)u;
	}
}

static inline void
codes_q4_k(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 144);
	(void)n;
	k_scales(p, c);
	for (int k = 0; k < 16; k++)
		put16(c->q + k * 16, field16(load16(p + 16 + k / 4 * 32 + k % 2 * 16), k / 2 % 2 * 4, 15, 0));
}

static inline void
codes_q5_k(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 176);
	(void)n;
	k_scales(p, c);
	for (int k = 0; k < 16; k++)
		put16(c->q + k * 16, add16(field16(load16(p + 48 + k / 4 * 32 + k % 2 * 16), k / 2 % 2 * 4, 15, 0),
			field16(load16(p + 16 + k % 2 * 16), k / 2, 1, 0), 16));
}

static inline void
codes_q6_k(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 210);
	(void)n;
	c->whole[0] = scale_at(p + 208);
	for (int b = 0; b < 16; b++)
		c->d[b] = (float)(int8_t)p[192 + b];
	for (int k = 0; k < 16; k++) {
		const bytes16 low = load16(p + k / 8 * 64 + k % 4 * 16), high = load16(p + 128 + k / 8 * 32 + k % 2 * 16);
		put16(c->q + k * 16, add16(field16(low, k / 4 % 2 * 4, 15, -32), field16(high, k / 2 % 4 * 2, 3, 0), 16));
	}
}

static inline void
codes_tq1_0(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	static const unsigned char power[5] = {1, 3, 9, 27, 81};
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 54);
	int8_t *q = c->q;
	(void)n;
	c->whole[0] = scale_at(p + 52);
	for (int b = 0; b < 8; b++)
		c->d[b] = 1;
	for (int part = 0, from = 0, wide = 32; part < 3; part++, from += wide, wide = part < 2 ? 16 : 4)
		for (int k = 0; k < (part < 2 ? 5 : 4); k++, q += wide)
			for (int i = 0; i < wide; i++)
				q[i] = (int8_t)(((p[from + i] * power[k] & 255) * 3 >> 8) - 1);
}

static inline void
codes_tq2_0(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 66);
	(void)n;
	c->whole[0] = scale_at(p + 64);
	for (int k = 0; k < 8; k++) {
		c->d[k] = 1;
		for (int h = 0; h < 2; h++)
			put16(c->q + k * 32 + h * 16, field16(load16(p + k / 4 * 32 + h * 16), k % 4 * 2, 3, -1));
	}
}

static inline void
codes_mxfp4(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 17);
	for (size_t b = 0; b < n / 32; b++, p += 17) {
		c->d[b] = e8m0_half(p[0]);
		nibbles(p + 1, fp4_values, c->q + b * 32);
	}
}

static inline void
codes_mxfp4_split(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 16);
	for (size_t b = 0; b < n / 32; b++)
		c->d[b] = e8m0_half(t->scale[row * (t->dim[0] / 32) + first / 32 + b]);
	for (size_t i = 0; i < n / 2; i++) {
		c->q[2 * i] = fp4_values[p[i] & 15];
		c->q[2 * i + 1] = fp4_values[p[i] >> 4];
	}
}

static inline void
codes_nvfp4(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 64, 36);
	for (size_t b = 0; b < n / 16; b++) {
		const unsigned char *restrict q = p + b / 4 * 36 + 4 + b % 4 * 8;
		c->d[b] = ue4m3_half(p[b / 4 * 36 + b % 4]);
		for (int i = 0; i < 8; i++) {
			c->q[b * 16 + i] = fp4_values[q[i] & 15];
			c->q[b * 16 + i + 8] = fp4_values[q[i] >> 4];
		}
	}
}

static inline void
codes_iq4_nl(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 32, 18);
	for (size_t b = 0; b < n / 32; b++, p += 18) {
		c->d[b] = scale_at(p);
		nibbles(p + 2, iq4_values, c->q + b * 32);
	}
}

static inline void
codes_iq4_xs(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 136);
	const unsigned high = le16(p + 2);
	(void)n;
	c->whole[0] = scale_at(p);
	for (int b = 0; b < 8; b++) {
		const int s = (p[4 + b / 2] >> b % 2 * 4 & 15) | (int)(high >> 2 * b & 3) << 4;
		c->d[b] = (float)(s - 32);
		nibbles(p + 8 + b * 16, iq4_values, c->q + b * 32);
	}
}

#include "codes_iq.h"

/* The row of a type: its function, NULL if its products are made of float32s; weights
 * that share a scale, 16 or 32; whether there are minima; the least and the most that q can be;
 * whether what is true of a superblock is left out until its sums are made, which costs more than it
 * saves where 32 weights have a scale and minima. */
struct coding {
	codes_fn *fn;
	unsigned share;
	bool minima;
	int least, most;
	bool super;
};

static inline const struct coding *
coding_of(uint32_t type)
{
	static const struct coding none = {NULL, 0, false, 0, 0, false}, table[T_COUNT] = {
		[T_Q4_0] = {codes_q4_0, 32, false, -8, 7, false}, [T_Q4_1] = {codes_q4_1, 32, true, 0, 15, false},
		[T_Q5_0] = {codes_q5_0, 32, false, -16, 15, false}, [T_Q5_1] = {codes_q5_1, 32, true, 0, 31, false},
		[T_Q8_0] = {codes_q8_0, 32, false, -128, 127, false}, [T_Q2_K] = {codes_q2_k, 16, true, 0, 3, true},
		[T_Q3_K] = {codes_q3_k, 16, false, -4, 3, true}, [T_Q4_K] = {codes_q4_k, 32, true, 0, 15, false},
		[T_Q5_K] = {codes_q5_k, 32, true, 0, 31, false}, [T_Q6_K] = {codes_q6_k, 16, false, -32, 31, true},
		[T_TQ1_0] = {codes_tq1_0, 32, false, -1, 1, true}, [T_TQ2_0] = {codes_tq2_0, 32, false, -1, 2, true},
		[T_Q1_0] = {codes_q1_0, 32, false, -1, 1, false}, [T_Q2_0] = {codes_q2_0, 32, false, -1, 2, false},
		[T_MXFP4] = {codes_mxfp4, 32, false, -12, 12, false}, [T_MXFP4_SPLIT] = {codes_mxfp4_split, 32, false, -12, 12, false},
		[T_NVFP4] = {codes_nvfp4, 16, false, -12, 12, false}, [T_IQ4_NL] = {codes_iq4_nl, 32, false, -127, 113, false},
		[T_IQ4_XS] = {codes_iq4_xs, 32, false, -127, 113, true}, [T_IQ2_XXS] = {codes_iq2_xxs, 32, false, -43, 43, true},
		[T_IQ2_XS] = {codes_iq2_xs, 16, false, -43, 43, true}, [T_IQ2_S] = {codes_iq2_s, 16, false, -43, 43, true},
		[T_IQ3_XXS] = {codes_iq3_xxs, 32, false, -62, 62, true}, [T_IQ3_S] = {codes_iq3_s, 32, false, -15, 15, true},
		[T_IQ1_S] = {codes_iq1_s, 32, false, -9, 9, true}, [T_IQ1_M] = {codes_iq1_m, 16, false, -9, 9, true},
	};
	return type < T_COUNT && table[type].fn ? &table[type] : &none;
}

#endif
