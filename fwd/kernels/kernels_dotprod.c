/* kernels_dotprod.c - for aarch64 with dot products of bytes (ARMv8.2 and later). */
#include "kernels.h"

#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD) && defined(__linux__)
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#define KERNELS_NAME "dotprod"
#define HAVE_DOT4
static inline __attribute__((always_inline)) int32x4_t
dot4(int32x4_t acc, int32x4_t w, int32_t x)
{
	return vdotq_s32(acc, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(vdupq_n_s32(x)));
}
#include "kernels_neon.h"
#include "kernels_body.h"

const struct kernels *
kernels_dotprod(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? &table : NULL;
}
#else
const struct kernels *
kernels_dotprod(void)
{
	return NULL;
}
#endif
