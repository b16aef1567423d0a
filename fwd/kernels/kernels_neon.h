/*
 * kernels_neon.h - part of the kernel files for aarch64, with 128 bits: what is special there.
 * Those with dot products of bytes define HAVE_DOT4 and bring their own.
 */
#include <arm_neon.h>

#define LANES 4
#define FMA(acc, a, b) vfmaq_f32((float32x4_t)(acc), (float32x4_t)(a), (float32x4_t)(b))
#define HAVE_INTERLEAVE
#define HAVE_HALVES
#define HAVE_BYTES
#define BIAS 0
#define CODES_AT_ONCE 4
#define HAVE_BRAINS
#define HAVE_SUMS
#define FLOATS_AT_ONCE 8
#define VECTORS_AT_ONCE 6
#include "kernels_tile.h"

typedef float v4f __attribute__((vector_size(16)));

#if !defined(HAVE_DOT4)
#define HAVE_DOT4
/* Sums of two products fit into 16 bits, as x never is -128. */
ALWAYS int32x4_t
dot4(int32x4_t acc, int32x4_t w, int32_t x)
{
	const int8x16_t q = vreinterpretq_s8_s32(w), v = vreinterpretq_s8_s32(vdupq_n_s32(x));
	const int16x8_t low = vmull_s8(vget_low_s8(q), vget_low_s8(v)), high = vmull_high_s8(q, v);
	return vpadalq_s16(acc, vpaddq_s16(low, high));
}
#endif

ALWAYS v4f
halves(const unsigned char *p)
{
	return (v4f)vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

ALWAYS v4f
bytes(const unsigned char *p)
{
	int32_t four;
	memcpy(&four, p, sizeof four);
	const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
	return (v4f)vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

ALWAYS v4f
brains(const unsigned char *p)
{
	return (v4f)vshll_n_u16(vreinterpret_u16_u8(vld1_u8(p)), 16);
}

ALWAYS void
lane_sums(const v4f sum[4], float *out)
{
	const float32x4_t ab = vpaddq_f32((float32x4_t)sum[0], (float32x4_t)sum[1]);
	vst1q_f32(out, vpaddq_f32(ab, vpaddq_f32((float32x4_t)sum[2], (float32x4_t)sum[3])));
}

ALWAYS int32x4_t
words(const unsigned char *p)
{
	return vreinterpretq_s32_u8(vld1q_u8(p));
}

/* Four rows of four words become columns. */
ALWAYS void
interleave(int32_t (*to)[LANES], const unsigned char *rows, size_t stride, size_t n, struct ahead *ahead)
{
	for (size_t i = 0; i < n; i += 4, rows += 16) {
		const int32x4_t a = words(rows), b = words(rows + stride), c = words(rows + 2 * stride), d = words(rows + 3 * stride);
		const int64x2_t ab = vreinterpretq_s64_s32(vtrn1q_s32(a, b)), cd = vreinterpretq_s64_s32(vtrn1q_s32(c, d));
		const int64x2_t ab2 = vreinterpretq_s64_s32(vtrn2q_s32(a, b)), cd2 = vreinterpretq_s64_s32(vtrn2q_s32(c, d));
		ask(ahead);
		vst1q_s32(to[i], vreinterpretq_s32_s64(vtrn1q_s64(ab, cd)));
		vst1q_s32(to[i + 1], vreinterpretq_s32_s64(vtrn1q_s64(ab2, cd2)));
		vst1q_s32(to[i + 2], vreinterpretq_s32_s64(vtrn2q_s64(ab, cd)));
		vst1q_s32(to[i + 3], vreinterpretq_s32_s64(vtrn2q_s64(ab2, cd2)));
	}
}
