/* kernels_neon.c - for aarch64: every one of these machines has NEON. */
#include "kernels.h"

#if defined(__aarch64__) && defined(__ARM_NEON) && defined(__GNUC__)
#define KERNELS_NAME "neon"
#include "kernels_neon.h"
#include "kernels_body.h"

const struct kernels *
kernels_neon(void)
{
	return &table;
}
#else
const struct kernels *
kernels_neon(void)
{
	return NULL;
}
#endif
