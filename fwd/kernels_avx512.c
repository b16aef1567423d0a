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
typedef __m512i vi;
typedef __m512 vf;
#define V(op) _mm512_##op
#define SHIFT(least) BIAS
#define SHIFT_LARGE BIAS

INLINE vi v_and(vi a, vi b) { return _mm512_and_si512(a, b); }
INLINE vi v_or(vi a, vi b) { return _mm512_or_si512(a, b); }
INLINE vi v_load(const void *p) { return _mm512_loadu_si512(p); }
INLINE void v_store(void *p, vi v) { _mm512_storeu_si512(p, v); }
INLINE vi v_table(__m128i t) { return _mm512_broadcast_i32x4(t); }

INLINE vi
plus_16_where(vi q, vi in, vi bits)
{
	return _mm512_mask_add_epi8(q, _mm512_test_epi8_mask(in, bits), q, _mm512_set1_epi8(16));
}

INLINE vf
low_halves(vi c)
{
	return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(c));
}

INLINE void
both_halves(vi c, vf *low, vf *high)
{
	*low = low_halves(c);
	*high = low_halves(_mm512_srli_epi32(c, 16));
}

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

INLINE struct columns
columns(const unsigned char *p, size_t stride, struct ahead *ahead)
{
	ask(ahead);
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
			v_store(to[i + (size_t)j], x.c[j]);
	}
}

#include "kernels_body.h"

/* The sum of block b, of so many weights, before its first word. */
INLINE vi
no_sum(const struct qblock *x, size_t b, size_t share, int centre)
{
	(void)centre;
	if (!x)
		return _mm512_setzero_si512();
	return _mm512_set1_epi32(share == 32 ? x[b].bias[2] : x[b / 2].bias[b % 2]);
}

/* Word number `word` of the tile is q. */
INLINE vi
put_word(struct tile *to, const struct qblock *x, size_t word, vi q, vi acc)
{
	if (x)
		return _mm512_dpbusd_epi32(acc, q, _mm512_set1_epi32(int_at(x[word / 8].q + word % 8 * 4)));
	v_store(to->u.q[word], q);
	return acc;
}

INLINE vi
put_large(struct tile *to, const struct qblock *x, size_t word, vi q, vi acc)
{
	return put_word(to, x, word, q, acc);
}

INLINE void
put_sum(struct tile *to, const struct qblock *x, size_t b, size_t share, vi acc, int back)
{
	(void)share, (void)back;
	if (x)
		v_store(to->acc[b], acc);
}

INLINE void
put_large_sum(struct tile *to, size_t b, vi acc)
{
	v_store(to->acc[b], acc);
}

#include "kernels_x86.h"

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
