/*
 * kernels_avx512.c - for x86-64 with AVX-512 (F, BW, DQ, VL, VNNI).
 *
 * How near the limits, on a Zen 5 at 4.4 GHz, one thread: a batch makes 88 multiply-adds of bytes a
 * cycle of the 102 that two dot products a cycle and the scaling of blocks allow, 27 of floats
 * of 32. One vector reads weights in cache at 26 GB/s (Q4_0) to 50 (Q8_0), from memory at 24 to 31,
 * which with two threads is as fast as that memory gives them.
 */
#include "kernels.h"

#if defined(__AVX512VNNI__)
#include <immintrin.h>

#define LANES 16
#define KERNELS_NAME "avx512"
#define HAVE_DOT4
#define HAVE_INTERLEAVE
#define HAVE_HALVES
#define HAVE_FAST_TILE
#define BIAS 128
#define CODES_AT_ONCE 6
#define FLOATS_AT_ONCE 12

#include "kernels_tile.h"

#define INLINE static inline __attribute__((always_inline))

typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));

INLINE v16i
dot4(v16i acc, const int32_t *w, int32_t x)
{
	return (v16i)_mm512_dpbusd_epi32((__m512i)acc, _mm512_loadu_si512(w), _mm512_set1_epi32(x));
}

INLINE v16f
halves(const unsigned char *p)
{
	return (v16f)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

/* 16 bytes of each of 16 rows: c[j] holds word j of row r in lane r. */
struct columns {
	__m512i c[4];
};

INLINE __m512i
four_rows(const unsigned char *p, size_t stride)
{
	__m512i a = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)p));
	a = _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)(const void *)(p + 4 * stride)), 1);
	a = _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)(const void *)(p + 8 * stride)), 2);
	return _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)(const void *)(p + 12 * stride)), 3);
}

/*
 * Meanwhile, memory ahead is asked for, a few lines at a time: the rows behind these, in the
 * order in which they lie. The loads here jump from row to row, which no machine foresees.
 */
INLINE void
ask(struct ahead *a, int lines)
{
	for (int i = 0; i < lines; i++)
		_mm_prefetch((const char *)(a->at + 64 * (uintptr_t)i), _MM_HINT_T0);
	a->at += a->step;
}

INLINE struct columns
columns(const unsigned char *p, size_t stride, struct ahead *ahead)
{
	ask(ahead, 5);
	const __m512i a = four_rows(p, stride), b = four_rows(p + stride, stride);
	const __m512i c = four_rows(p + 2 * stride, stride), d = four_rows(p + 3 * stride, stride);
	const __m512i ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d);
	const __m512i ab2 = _mm512_unpackhi_epi32(a, b), cd2 = _mm512_unpackhi_epi32(c, d);
	return (struct columns){{
		_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd),
		_mm512_unpacklo_epi64(ab2, cd2), _mm512_unpackhi_epi64(ab2, cd2),
	}};
}

INLINE void
interleave(int32_t (*to)[LANES], const unsigned char *rows, size_t stride, size_t n, struct ahead *ahead)
{
	for (size_t i = 0; i < n; i += 4) {
		const struct columns x = columns(rows + 4 * i, stride, ahead);
		for (int j = 0; j < 4; j++)
			_mm512_storeu_si512(to[i + (size_t)j], x.c[j]);
	}
}

#include "kernels_body.h"

/*
 * Tiles straight from the file: 16 bytes of 16 rows are turned so that a register's lanes are
 * rows, and then all is done for 16 rows at once: nibbles and bits become bytes, plus 128,
 * scales that lie in a head of 16 bytes become floats. p is the first row's part.
 *
 * For one vector, x, the tile is not even stored: what would be a word of it meets the
 * vector's at once, and only sums of blocks are left, in to->acc. They are exact, so the
 * product's bits are those of a batch.
 */

/* The sum of block b, of so many weights, before its first word. */
INLINE __m512i
no_sum(const struct qblock *x, size_t b, size_t share)
{
	if (!x)
		return _mm512_setzero_si512();
	return _mm512_set1_epi32(share == 32 ? x[b].bias[2] : x[b / 2].bias[b % 2]);
}

/* Word number `word` of the tile is q. */
INLINE __m512i
put_word(struct tile *to, const struct qblock *x, size_t word, __m512i q, __m512i acc)
{
	if (x)
		return _mm512_dpbusd_epi32(acc, q, _mm512_set1_epi32(int_at(x[word / 8].q + word % 8 * 4)));
	_mm512_storeu_si512(to->u.q[word], q);
	return acc;
}

INLINE void
put_sum(struct tile *to, const struct qblock *x, size_t b, __m512i acc)
{
	if (x)
		_mm512_storeu_si512(to->acc[b], acc);
}

/* sum[LANES] += the blocks' sums, scaled: in the order of codes_times(). */
INLINE void
put_all(const struct tile *to, const struct qblock *x, size_t n, size_t share, bool minima, float *sum)
{
	__m512 f = _mm512_setzero_ps();
	for (size_t b = 0; b < n / share; b++) {
		const struct qblock *xb = x + (share == 32 ? b : b / 2);
		const __m512 d = _mm512_mul_ps(_mm512_loadu_ps(to->d[b]), _mm512_set1_ps(xb->d));
		f = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(to->acc[b])), d, f);
		if (minima)
			f = _mm512_fmadd_ps(_mm512_loadu_ps(to->m[b]), _mm512_set1_ps(xb->sum[share == 32 ? 2 : b % 2]), f);
	}
	_mm512_storeu_ps(sum, _mm512_add_ps(_mm512_loadu_ps(sum), f));
}

/* The bits of `mask`, counted from bit `shift`, of each byte. */
INLINE __m512i
field(__m512i c, unsigned shift, int mask)
{
	return _mm512_and_si512(_mm512_srli_epi16(c, shift), _mm512_set1_epi8((char)mask));
}

/* Numbers of 0 to 127, plus 128. */
INLINE __m512i
plus128(__m512i q)
{
	return _mm512_or_si512(q, _mm512_set1_epi8(-128));
}

/* Half-precision numbers in the low halves of the lanes. */
INLINE __m512
low_halves(__m512i c)
{
	return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(c));
}

/* The same in the high halves. */
INLINE __m512
high_halves(__m512i c)
{
	return low_halves(_mm512_srli_epi32(c, 16));
}

/* Byte k of each lane, as a number. */
INLINE __m512
byte_of(__m512i c, unsigned k)
{
	return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(c, 8 * k), _mm512_set1_epi32(255)));
}

INLINE __m512
signed_byte_of(__m512i c, unsigned k)
{
	return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(c, 24 - 8 * k), 24));
}

/* The four bytes at p of each row. */
INLINE __m512i
words(const unsigned char *p, size_t stride)
{
	int32_t w[LANES];
	for (size_t r = 0; r < LANES; r++)
		w[r] = int_at(p + r * stride);
	return _mm512_loadu_si512(w);
}

INLINE void
some_scales(struct tile *to, const unsigned char *p, size_t stride, size_t blocks, size_t bytes, bool minima)
{
	int32_t w[CHUNK / 32][LANES];
	uint16_t h[CHUNK / 32][LANES];
	for (size_t r = 0; r < LANES; r++, p += stride) {
		for (size_t b = 0; b < blocks; b++)
			if (minima)
				w[b][r] = int_at(p + b * bytes);
			else
				memcpy(&h[b][r], p + b * bytes, 2);
	}
	for (size_t b = 0; b < blocks; b++)
		if (minima) {
			const __m512i c = _mm512_loadu_si512(w[b]);
			_mm512_storeu_ps(to->d[b], low_halves(c));
			_mm512_storeu_ps(to->m[b], high_halves(c));
		} else
			_mm512_storeu_ps(to->d[b], _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)h[b])));
}

/* The scales of blocks of 32, a word of d and m or half a word of d at the head of each. They
 * are copied one by one, and all before the first is used: a load cannot overtake stores. */
INLINE void
scales(struct tile *to, const unsigned char *p, size_t stride, size_t blocks, size_t bytes, bool minima)
{
	if (blocks == CHUNK / 32)
		some_scales(to, p, stride, CHUNK / 32, bytes, minima);
	else
		some_scales(to, p, stride, blocks, bytes, minima);
}

/* 32 weights in 16 bytes from `at` on, each a number in a table; `fifth` > 0: where the fifth
 * bits lie, which add 16. */
INLINE void
nibble_blocks(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride, size_t blocks, size_t bytes,
	size_t at, size_t fifth, __m512i values)
{
	for (size_t b = 0; b < blocks; b++, p += bytes) {
		const struct columns c = columns(p + at, stride, &to->ahead);
		const __m512i bits = fifth ? words(p + fifth, stride) : c.c[0];
		__m512i acc = no_sum(x, b, 32);
		UNROLL for (unsigned j = 0; j < 8; j++) {
			__m512i q = _mm512_shuffle_epi8(values, field(c.c[j % 4], j / 4 * 4, 15));
			if (fifth) { /* word j of the weights has bits 4 j to 4 j + 3 */
				const __m512i of = _mm512_add_epi8(_mm512_set1_epi8((char)(j / 2)),
					_mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0));
				const __m512i in = _mm512_shuffle_epi8(bits, of);
				const __mmask64 set = _mm512_test_epi8_mask(in, _mm512_set1_epi32(j % 2 ? (int)0x80402010 : 0x08040201));
				q = _mm512_mask_add_epi8(q, set, q, _mm512_set1_epi8(16));
			}
			acc = put_word(to, x, b * 8 + j, q, acc);
		}
		put_sum(to, x, b, acc);
	}
}

/* A table of 16 values, plus 128, in each quarter. */
INLINE __m512i
table_of(const int8_t *values)
{
	const __m128i t = _mm_loadu_si128((const __m128i *)(const void *)values);
	return _mm512_xor_si512(_mm512_broadcast_i32x4(t), _mm512_set1_epi8(-128));
}

INLINE __m512i
count_from(int first)
{
	const __m128i t = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	return _mm512_add_epi8(_mm512_broadcast_i32x4(t), _mm512_set1_epi8((char)(first + 128)));
}

INLINE void
tile_q8_0(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride, size_t blocks)
{
	scales(to, p, stride, blocks, 34, false);
	for (size_t b = 0; b < blocks; b++, p += 34) {
		__m512i acc = no_sum(x, b, 32);
		UNROLL for (size_t h = 0; h < 2; h++) {
			const struct columns c = columns(p + 2 + 16 * h, stride, &to->ahead);
			UNROLL for (size_t j = 0; j < 4; j++)
				acc = put_word(to, x, b * 8 + h * 4 + j, _mm512_xor_si512(c.c[j], _mm512_set1_epi8(-128)), acc);
		}
		put_sum(to, x, b, acc);
	}
}

INLINE void
tile_mxfp4(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride, size_t blocks)
{
	for (size_t b = 0; b < blocks; b++)
		for (size_t r = 0; r < LANES; r++)
			to->d[b][r] = e8m0_half(p[r * stride + b * 17]);
	nibble_blocks(to, x, p, stride, blocks, 17, 1, 0, table_of(fp4_values));
}

/* Q4_K, and Q5_K, whose fifth bits lie between scales and nibbles. */
INLINE void
tile_q4_k(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride, bool five)
{
	const __m512i six = _mm512_set1_epi8(63), low = _mm512_set1_epi8(15), high = _mm512_set1_epi8(48);
	const struct columns c = columns(p, stride, &to->ahead); /* d and m, 12 bytes of scales: see k_scale() */
	const __m512 d = low_halves(c.c[0]), m = _mm512_sub_ps(_mm512_setzero_ps(), high_halves(c.c[0]));
	const __m512i s[2] = {_mm512_and_si512(c.c[1], six), _mm512_or_si512(_mm512_and_si512(c.c[3], low),
		_mm512_and_si512(_mm512_srli_epi32(c.c[1], 2), high))};
	const __m512i t[2] = {_mm512_and_si512(c.c[2], six), _mm512_or_si512(field(c.c[3], 4, 15),
		_mm512_and_si512(_mm512_srli_epi32(c.c[2], 2), high))};
	struct columns fifth[2];
	UNROLL for (unsigned b = 0; b < 8; b++) {
		_mm512_storeu_ps(to->d[b], _mm512_mul_ps(d, byte_of(s[b / 4], b % 4)));
		_mm512_storeu_ps(to->m[b], _mm512_mul_ps(m, byte_of(t[b / 4], b % 4)));
	}
	for (unsigned h = 0; five && h < 2; h++)
		fifth[h] = columns(p + 16 + 16 * h, stride, &to->ahead);
	for (unsigned b = 0; b < 8; b += 2) {
		__m512i acc[2] = {no_sum(x, b, 32), no_sum(x, b + 1, 32)};
		UNROLL for (unsigned h = 0; h < 2; h++) {
			const struct columns q = columns(p + (five ? 48 : 16) + 16 * b + 16 * h, stride, &to->ahead);
			UNROLL for (unsigned j = 0; j < 4; j++)
				UNROLL for (unsigned k = 0; k < 2; k++) {
					__m512i v = plus128(field(q.c[j], 4 * k, 15));
					if (five)
						v = _mm512_or_si512(v, _mm512_slli_epi16(field(fifth[h].c[j], b + k, 1), 4));
					acc[k] = put_word(to, x, (b + k) * 8 + h * 4 + j, v, acc[k]);
				}
		}
		put_sum(to, x, b, acc[0]);
		put_sum(to, x, b + 1, acc[1]);
	}
}

/* The 16 scales of a superblock, signed bytes in four words, times d. */
INLINE void
signed_scales(struct tile *to, const __m512i s[4], __m512 d)
{
	UNROLL for (unsigned b = 0; b < 16; b++)
		_mm512_storeu_ps(to->d[b], _mm512_mul_ps(d, signed_byte_of(s[b / 4], b % 4)));
}

INLINE void
tile_q6_k(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	const struct columns s = columns(p + 192, stride, &to->ahead);
	signed_scales(to, s.c, high_halves(words(p + 206, stride)));
	for (unsigned half = 0; half < 2; half++)
		for (unsigned i = 0; i < 2; i++) {
			const struct columns high = columns(p + 128 + 32 * half + 16 * i, stride, &to->ahead);
			UNROLL for (unsigned k = 0; k < 2; k++) {
				const struct columns low = columns(p + 64 * half + 32 * k + 16 * i, stride, &to->ahead);
				UNROLL for (unsigned n = 0; n < 2; n++) {
					const unsigned b = 8 * half + 4 * n + 2 * k + i;
					__m512i acc = no_sum(x, b, 16);
					UNROLL for (unsigned j = 0; j < 4; j++) {
						const __m512i h = _mm512_slli_epi16(field(high.c[j], 4 * n + 2 * k, 3), 4);
						const __m512i q = _mm512_or_si512(field(low.c[j], 4 * n, 15), h);
						acc = put_word(to, x, b * 4 + j, _mm512_add_epi8(q, _mm512_set1_epi8(96)), acc);
					}
					put_sum(to, x, b, acc);
				}
			}
		}
}

INLINE void
tile_q2_k(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	const struct columns s = columns(p, stride, &to->ahead);
	const __m512i dm = words(p + 80, stride);
	const __m512 d = low_halves(dm), m = _mm512_sub_ps(_mm512_setzero_ps(), high_halves(dm));
	UNROLL for (unsigned b = 0; b < 16; b++) {
		_mm512_storeu_ps(to->d[b], _mm512_mul_ps(d, byte_of(field(s.c[b / 4], 0, 15), b % 4)));
		_mm512_storeu_ps(to->m[b], _mm512_mul_ps(m, byte_of(field(s.c[b / 4], 4, 15), b % 4)));
	}
	for (unsigned i = 0; i < 4; i++) {
		const struct columns q = columns(p + 16 + 16 * i, stride, &to->ahead);
		UNROLL for (unsigned n = 0; n < 4; n++) {
			const unsigned b = 8 * (i / 2) + 2 * n + i % 2;
			__m512i acc = no_sum(x, b, 16);
			UNROLL for (unsigned j = 0; j < 4; j++)
				acc = put_word(to, x, b * 4 + j, plus128(field(q.c[j], 2 * n, 3)), acc);
			put_sum(to, x, b, acc);
		}
	}
}

INLINE void
tile_q3_k(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	const __m512i low = _mm512_set1_epi8(15), high = _mm512_set1_epi8(48), less = _mm512_set1_epi8(32);
	const __m512i a = words(p + 96, stride), b = words(p + 100, stride), c = words(p + 104, stride);
	__m512i s[4] = { /* see q3_k_scale() */
		_mm512_or_si512(_mm512_and_si512(a, low), _mm512_and_si512(_mm512_slli_epi32(c, 4), high)),
		_mm512_or_si512(_mm512_and_si512(b, low), _mm512_and_si512(_mm512_slli_epi32(c, 2), high)),
		_mm512_or_si512(field(a, 4, 15), _mm512_and_si512(c, high)),
		_mm512_or_si512(field(b, 4, 15), _mm512_and_si512(_mm512_srli_epi32(c, 2), high)),
	};
	for (int i = 0; i < 4; i++)
		s[i] = _mm512_sub_epi8(s[i], less);
	signed_scales(to, s, high_halves(words(p + 106, stride)));
	for (unsigned i = 0; i < 2; i++) {
		const struct columns third = columns(p + 16 * i, stride, &to->ahead);
		for (unsigned half = 0; half < 2; half++) {
			const struct columns q = columns(p + 32 + 32 * half + 16 * i, stride, &to->ahead);
			UNROLL for (unsigned n = 0; n < 4; n++) {
				const unsigned block = 8 * half + 2 * n + i;
				__m512i acc = no_sum(x, block, 16);
				UNROLL for (unsigned j = 0; j < 4; j++) {
					const __m512i t = _mm512_slli_epi16(field(third.c[j], 4 * half + n, 1), 2);
					acc = put_word(to, x, block * 4 + j, _mm512_add_epi8(
						_mm512_or_si512(field(q.c[j], 2 * n, 3), t), _mm512_set1_epi8(124)), acc);
				}
				put_sum(to, x, block, acc);
			}
		}
	}
}

INLINE void
tile_iq4_xs(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	const __m512i low = words(p + 4, stride), head = words(p, stride);
	const __m512 d = low_halves(head);
	for (unsigned b = 0; b < 8; b++) {
		const __m512i l = _mm512_and_si512(_mm512_srli_epi32(low, 4 * b), _mm512_set1_epi32(15));
		const __m512i h = _mm512_and_si512(_mm512_srli_epi32(head, 16 + 2 * b), _mm512_set1_epi32(3));
		const __m512i s = _mm512_sub_epi32(_mm512_or_si512(l, _mm512_slli_epi32(h, 4)), _mm512_set1_epi32(32));
		_mm512_storeu_ps(to->d[b], _mm512_mul_ps(d, _mm512_cvtepi32_ps(s)));
	}
	nibble_blocks(to, x, p, stride, 8, 16, 8, 0, table_of(iq4_values));
}

INLINE bool
any_tile(struct tile *to, const struct tensor *t, size_t row, size_t first, size_t n, const struct qblock *x)
{
	const struct format *f = tensor_format(t->type);
	const size_t stride = tensor_row_bytes(t), blocks = n / 32;
	const unsigned char *p = t->data + row * stride + first / f->block * f->bytes;
	switch (t->type) {
	case T_Q4_0:
		scales(to, p, stride, blocks, 18, false);
		nibble_blocks(to, x, p, stride, blocks, 18, 2, 0, count_from(-8));
		return true;
	case T_Q4_1:
		scales(to, p, stride, blocks, 20, true);
		nibble_blocks(to, x, p, stride, blocks, 20, 4, 0, count_from(0));
		return true;
	case T_Q5_0:
		scales(to, p, stride, blocks, 22, false);
		nibble_blocks(to, x, p, stride, blocks, 22, 6, 2, count_from(-16));
		return true;
	case T_Q5_1:
		scales(to, p, stride, blocks, 24, true);
		nibble_blocks(to, x, p, stride, blocks, 24, 8, 4, count_from(0));
		return true;
	case T_IQ4_NL:
		scales(to, p, stride, blocks, 18, false);
		nibble_blocks(to, x, p, stride, blocks, 18, 2, 0, table_of(iq4_values));
		return true;
	case T_Q8_0: tile_q8_0(to, x, p, stride, blocks); return true;
	case T_MXFP4: tile_mxfp4(to, x, p, stride, blocks); return true;
	case T_Q2_K: tile_q2_k(to, x, p, stride); return true;
	case T_Q3_K: tile_q3_k(to, x, p, stride); return true;
	case T_Q4_K: tile_q4_k(to, x, p, stride, false); return true;
	case T_Q5_K: tile_q4_k(to, x, p, stride, true); return true;
	case T_Q6_K: tile_q6_k(to, x, p, stride); return true;
	case T_IQ4_XS: tile_iq4_xs(to, x, p, stride); return true;
	default: return false;
	}
}

static bool
fast_tile(struct tile *to, const struct tensor *t, size_t row, size_t first, size_t n)
{
	return any_tile(to, t, row, first, n, NULL);
}

static bool
fast_times(struct tile *to, const struct tensor *t, size_t row, size_t first, size_t n, const struct qblock *x, float *sum)
{
	const struct coding *c = coding_of(t->type);
	if (!any_tile(to, t, row, first, n, x))
		return false;
	if (c->share == 32)
		put_all(to, x, n, 32, c->minima, sum);
	else
		put_all(to, x, n, 16, c->minima, sum);
	return true;
}

/* 16 columns of halves (F16, BF16) or 4 of floats a call: c[] are columns of the tile, which
 * meet the vector or are stored. */
INLINE __m512
put_column(struct tile *to, const float *x, size_t k, __m512 w, __m512 acc)
{
	if (x)
		return _mm512_fmadd_ps(w, _mm512_set1_ps(x[k]), acc);
	_mm512_storeu_ps(to->u.w[k], w);
	return acc;
}

INLINE __m512
any_floats(struct tile *to, const struct tensor *t, const unsigned char *p, size_t n, const float *x)
{
	const size_t stride = tensor_row_bytes(t);
	__m512 acc = _mm512_setzero_ps();
	if (t->type == T_F32)
		for (size_t k = 0; k < n; k += 4, p += 16) {
			const struct columns c = columns(p, stride, &to->ahead);
			UNROLL for (size_t j = 0; j < 4; j++)
				acc = put_column(to, x, k + j, _mm512_castsi512_ps(c.c[j]), acc);
		}
	else if (t->type == T_F16)
		for (size_t k = 0; k < n; k += 8, p += 16) {
			const struct columns c = columns(p, stride, &to->ahead);
			UNROLL for (size_t j = 0; j < 4; j++) {
				acc = put_column(to, x, k + 2 * j, low_halves(c.c[j]), acc);
				acc = put_column(to, x, k + 2 * j + 1, high_halves(c.c[j]), acc);
			}
		}
	else
		for (size_t k = 0; k < n; k += 8, p += 16) {
			const struct columns c = columns(p, stride, &to->ahead);
			UNROLL for (size_t j = 0; j < 4; j++) {
				acc = put_column(to, x, k + 2 * j, _mm512_castsi512_ps(_mm512_slli_epi32(c.c[j], 16)), acc);
				acc = put_column(to, x, k + 2 * j + 1, _mm512_castsi512_ps(
					_mm512_and_si512(c.c[j], _mm512_set1_epi32((int)0xffff0000))), acc);
			}
		}
	return acc;
}

/* Columns [first, first + n) of LANES rows; false where the type or an odd width needs the plain way. */
static bool
fast_floats(struct tile *to, const struct tensor *t, size_t row, size_t first, size_t n, const float *x, float *sum)
{
	const struct format *f = tensor_format(t->type);
	if ((t->type != T_F32 && t->type != T_F16 && t->type != T_BF16) || n % 8)
		return false;
	const unsigned char *p = row_of(t, row) + first * f->bytes;
	if (!x)
		(void)any_floats(to, t, p, n, NULL);
	else
		_mm512_storeu_ps(sum, _mm512_add_ps(_mm512_loadu_ps(sum), any_floats(to, t, p, n, x)));
	return true;
}

const struct kernels *
kernels_avx512(void)
{
	bool have = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma") && has_f16c();
	return have ? &table : NULL;
}
#else
const struct kernels *
kernels_avx512(void)
{
	return NULL;
}
#endif
