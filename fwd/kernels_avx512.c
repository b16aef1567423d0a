/* kernels_avx512.c - for x86-64 with AVX-512 (F, BW, DQ, VL). */
#include "kernels.h"

#if defined(__AVX512F__)
#define LANES 16
#define KERNELS_NAME "avx512"
#include "kernels_body.h"

const struct kernels *
kernels_avx512(void)
{
	bool have = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
	return have ? &table : NULL;
}
#else
const struct kernels *
kernels_avx512(void)
{
	return NULL;
}
#endif
