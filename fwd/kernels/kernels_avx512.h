/* kernels_avx512.h - part of the kernel files for AVX-512: its vectors, see kernels_x86.h. */
#ifndef KERNELS_AVX512_H
#define KERNELS_AVX512_H

#include "kernels_tile.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

typedef float v16f __attribute__((vector_size(64)));
typedef int32_t v16i __attribute__((vector_size(64)));
typedef __m512i vi;
typedef __m512 vf;
#define V(op) _mm512_##op

INLINE vi v_and(vi a, vi b) { return _mm512_and_si512(a, b); }
INLINE vi v_or(vi a, vi b) { return _mm512_or_si512(a, b); }
INLINE vi v_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
INLINE vi v_zero(void) { return _mm512_setzero_si512(); }
INLINE vi v_load(const void *p) { return _mm512_loadu_si512(p); }
INLINE void v_store(void *p, vi v) { _mm512_storeu_si512(p, v); }
INLINE vi v_table(__m128i t) { return _mm512_broadcast_i32x4(t); }

/* 16 bytes of rows 0, 4, 8 and 12 of 16. */
INLINE vi
rows_apart(const unsigned char *p, size_t stride)
{
	__m512i a = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)p));
	a = _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)(const void *)(p + 4 * stride)), 1);
	a = _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)(const void *)(p + 8 * stride)), 2);
	return _mm512_inserti32x4(a, _mm_loadu_si128((const __m128i *)(const void *)(p + 12 * stride)), 3);
}

/* AVX-512's kernels, but TILED inputs and more meet tiles of blocks of 32 by this one; NULL as kernels_avx512(). */
const struct kernels *kernels_avx512_with(tiles_fn *fn);

#endif
