/*
 * kernels_avx512.c - for x86-64 with AVX-512 (F, BW, DQ, VL, VNNI).
 *
 * How near the limits, on a Zen 5 at 4.4 GHz, one thread: a batch makes 88 multiply-adds of bytes a
 * cycle of the 102 that two dot products a cycle and the scaling of blocks allow, 27 of floats
 * of 32. One vector reads weights in cache at 26 GB/s (Q4_0) to 50 (Q8_0), from memory at 24 to 31,
 * which with two threads is as fast as that memory gives them.
 *
 * On an Emerald Rapids at 2.9 GHz, a guest beside others: with 64 and 256 inputs 69 to 79 multiply-adds of bytes a cycle,
 * 17 to 19 of floats. In cache one vector reads 22 GB/s (Q4_0), 29 (Q8_0), 23 (Q4_K), 24 (Q6_K), 40 (F16), 43 (BF16); with two
 * threads that memory gave 21 to 30, a plain loop 12 to 16.
 *
 * By counting instructions: Intel's servers begin two of 512 bits a cycle, Zen 4 one dot product or multiplication of floats.
 * Six inputs then make 93 multiply-adds of bytes a cycle and 51 on Zen 4, of 128 and 64 (the rest scales blocks); 85 and 47
 * with minima, 79 and 47 with a scale for each 16; 27 and 16 of floats. One vector takes Intel's ports 20 cycles for 288
 * bytes of Q4_0, 28 for 544 of Q8_0, 274 for 2304 of Q4_K, 380 for 3360 of Q6_K. vdpbf16ps, which rounds the inputs as well, is
 * for kernels_avx512bf16.c.
 */
#include "kernels.h"

#if defined(__AVX512VNNI__)
#define LANES 16
#define KERNELS_NAME "avx512"
#define HAVE_DOT4
#define FMA(acc, a, b) _mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(acc))
#define MAX(a, b) _mm512_max_ps((__m512)(a), (__m512)(b))
#define MIN(a, b) _mm512_min_ps((__m512)(a), (__m512)(b))
#define HAVE_INTERLEAVE
#define HAVE_HALVES
#define HAVE_FAST_TILE
#define BIAS 128
#define CODES_AT_ONCE 6
#define HAVE_BYTES
#define HAVE_SUMS
#define HAVE_PAIRS
#define BESIDE 2
#define FLOATS_AT_ONCE 12
#define VECTORS_AT_ONCE 6

#include "kernels_tile.h"

#include "kernels_avx512.h"

INLINE vi
plus_16_where(vi q, vi in, vi bits)
{
	return _mm512_mask_add_epi8(q, _mm512_test_epi8_mask(in, bits), q, _mm512_set1_epi8(16));
}

INLINE vi
minus_where(vi q, vi in, vi bits)
{
	return _mm512_mask_sub_epi8(q, _mm512_test_epi8_mask(in, bits), _mm512_setzero_si512(), q);
}

INLINE vf
low_halves(vi c)
{
	return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(c));
}

INLINE vi
v_dot4(vi acc, vi w, vi x)
{
	return _mm512_dpbusd_epi32(acc, w, x);
}

/* x's 4 bytes in each lane. */
INLINE vi
everywhere(const int8_t *x)
{
	return _mm512_set1_epi32(int_at(x));
}

INLINE v16i
dot4(v16i acc, v16i w, int32_t x)
{
	return (v16i)v_dot4((vi)acc, (vi)w, _mm512_set1_epi32(x));
}

INLINE v16f
halves(const unsigned char *p)
{
	return (v16f)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

INLINE v16f
bytes(const unsigned char *p)
{
	return (v16f)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p)));
}

/* 8 columns of two rows, see kernels_floats.h. */
INLINE v16f
weights_at(const uint32_t type, const unsigned char *p, size_t stride)
{
	if (type == T_F32)
		return (v16f)_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps((const float *)(const void *)p)),
			_mm256_loadu_ps((const float *)(const void *)(p + stride)), 1);
	const __m256i w = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p)),
		_mm_loadu_si128((const __m128i *)(const void *)(p + stride)), 1);
	return type == T_F16 ? (v16f)_mm512_cvtph_ps(w) : (v16f)_mm512_slli_epi32(_mm512_cvtepu16_epi32(w), 16);
}

INLINE v16f
numbers_at(const float *x)
{
	return (v16f)_mm512_broadcast_f32x8(_mm256_loadu_ps(x));
}

INLINE __m128
four_sums(__m256 a, __m256 b, __m256 c, __m256 d)
{
	const __m256 all = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
	return _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
}

#define LOW(x) _mm512_castps512_ps256((__m512)(x))
#define HIGH(x) _mm512_extractf32x8_ps((__m512)(x), 1)
INLINE void
lane_sums(const v16f sum[4], float *out)
{
	const __m128 even = four_sums(LOW(sum[0]), LOW(sum[1]), LOW(sum[2]), LOW(sum[3]));
	const __m128 odd = four_sums(HIGH(sum[0]), HIGH(sum[1]), HIGH(sum[2]), HIGH(sum[3]));
	_mm_storeu_ps(out, _mm_unpacklo_ps(even, odd));
	_mm_storeu_ps(out + 4, _mm_unpackhi_ps(even, odd));
}

#include "kernels_body.h"

#include "kernels_x86.h"

const struct kernels *
kernels_avx512_with(tiles_fn *fn)
{
	const struct kernels *k = kernels_avx512();
	tiles_times = fn;
	return k;
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
