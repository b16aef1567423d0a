/* kernels_avx2.c - for x86-64 with AVX2, FMA and F16C. */
#include "kernels.h"

#if defined(__AVX2__)
#define KERNELS_NAME "avx2"
#include "kernels_avx2.h"
#include "kernels_body.h"
#include "kernels_x86.h"

const struct kernels *
kernels_avx2(void)
{
	bool have = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
	return have ? &table : NULL;
}
#else
const struct kernels *
kernels_avx2(void)
{
	return NULL;
}
#endif
