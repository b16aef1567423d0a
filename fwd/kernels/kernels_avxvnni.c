/* kernels_avxvnni.c - for x86-64 with AVX2 and AVX-VNNI: 256 bits, dot products of bytes. */
#include "kernels.h"

#if defined(__AVXVNNI__)
#define KERNELS_NAME "avxvnni"
#define HAVE_DOT4
#define BIAS 128
#define CODES_AT_ONCE 3
#include "kernels_avx2.h"
#include "kernels_body.h"
#include "kernels_x86.h"

/* Leaf 7, subleaf 1: what __builtin_cpu_supports() of older compilers has no name for. */
static bool
has_avxvnni(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & 1 << 4;
}

const struct kernels *
kernels_avxvnni(void)
{
	bool have = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() && has_avxvnni();
	return have ? &table : NULL;
}
#else
const struct kernels *
kernels_avxvnni(void)
{
	return NULL;
}
#endif
