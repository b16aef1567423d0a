/* kernels_portable.c - for any machine: what the compiler makes of plain C. */
#define LANES 4
#define KERNELS_NAME "portable"
#include "kernels_body.h"

const struct kernels *
kernels_portable(void)
{
	return &table;
}
