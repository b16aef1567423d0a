/*
 * kernels.h - the loops where the time goes, one file for each instruction set.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include "tensor.h"

enum { MATMUL_ROWS = 4 };	/* rows that matmul() unpacks at a time */

struct kernels {
	const char *name;

	/*
	 * out[j * stride + i] = row i of w . x[j * w->dim[0] ...], for rows i in
	 * [first, last) and vectors j in [0, n). `scratch` holds MATMUL_ROWS rows
	 * of float32. Every product is summed in the same order, whatever the
	 * range and n: the bits do not depend on threads or batches.
	 */
	void (*matmul)(const struct tensor *w, size_t first, size_t last, const float *x, size_t n,
		float *out, size_t stride, float *scratch);

	/* a[0..n) . b[0..n) */
	float (*dot)(const float *a, const float *b, size_t n);

	/* out[i] += a x[i] for i in [0, n) */
	void (*axpy)(float *out, float a, const float *x, size_t n);
};

/* NULL where the compiler or the machine lacks the instruction set. */
const struct kernels *kernels_portable(void);
const struct kernels *kernels_avx2(void);
const struct kernels *kernels_avx512(void);

/* The best this machine has, or what $LLM_KERNELS names; dies on a name that is
 * unknown or not to be had here. */
const struct kernels *kernels_choose(void);

#endif
