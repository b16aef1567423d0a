/*
 * kernels_avx2.h - part of the kernel files for x86-64 with 256 bits: what is special there.
 * Those with dot products of bytes (AVX-VNNI) define HAVE_DOT4 and bring their own.
 */
#include <immintrin.h>

#define LANES 8
#define HAVE_INTERLEAVE
#define HAVE_HALVES
#define HAVE_BYTES
#define FLOATS_AT_ONCE 6
#include "kernels_tile.h"

#define INLINE static inline __attribute__((always_inline))
typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

#if !defined(HAVE_DOT4)
#define HAVE_DOT4
#define BIAS 0
#define CODES_AT_ONCE 2
/* The multiplier takes bytes without sign by bytes with one: the sign of w goes to x. Sums of two
 * fit into 16 bits, as x never is -128. */
INLINE v8i
dot4(v8i acc, const int32_t *w, int32_t x)
{
	const __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)w);
	const __m256i v = _mm256_sign_epi8(_mm256_set1_epi32(x), q);
	const __m256i two = _mm256_maddubs_epi16(_mm256_abs_epi8(q), v);
	return acc + (v8i)_mm256_madd_epi16(two, _mm256_set1_epi16(1));
}
#endif

INLINE v8f
halves(const unsigned char *p)
{
	return (v8f)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

INLINE v8f
bytes(const unsigned char *p)
{
	return (v8f)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

/* Rows r and r + 4. */
INLINE __m256i
two_rows(const unsigned char *p, size_t stride)
{
	const __m256i a = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
	return _mm256_inserti128_si256(a, _mm_loadu_si128((const __m128i *)(const void *)(p + 4 * stride)), 1);
}

INLINE void
interleave(int32_t (*to)[LANES], const unsigned char *p, size_t stride, size_t n, struct ahead *ahead)
{
	for (size_t i = 0; i < n; i += 4, p += 16) {
		const __m256i a = two_rows(p, stride), b = two_rows(p + stride, stride);
		const __m256i c = two_rows(p + 2 * stride, stride), d = two_rows(p + 3 * stride, stride);
		const __m256i ab = _mm256_unpacklo_epi32(a, b), cd = _mm256_unpacklo_epi32(c, d);
		const __m256i ab2 = _mm256_unpackhi_epi32(a, b), cd2 = _mm256_unpackhi_epi32(c, d);
		const __m256i x[4] = {_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd),
			_mm256_unpacklo_epi64(ab2, cd2), _mm256_unpackhi_epi64(ab2, cd2)};
		for (size_t j = 0; j < 4; j++)
			_mm256_storeu_si256((__m256i *)(void *)to[i + j], x[j]);
		for (size_t j = 0; j < ahead->step; j += 64)
			_mm_prefetch((const char *)(ahead->at + j), _MM_HINT_T0);
		ahead->at += ahead->step;
	}
}
