/* kernels_vec.h - part of kernels_body.h: vectors of LANES numbers. */
#ifndef KERNELS_VEC_H
#define KERNELS_VEC_H

#include "kernels_tile.h"

#include <math.h>

/* Rows in a vector: see kernels_pieces.h. */
#if !defined(BESIDE)
#define BESIDE 1
#endif

enum { FLOAT_ROWS = 32, VECTORS = 96 };	/* so many rows of a matrix of floats, and so many vectors, at a time */

#if defined(__GNUC__)
typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t veci __attribute__((vector_size(LANES * 4)));

ALWAYS vec vec_set(float x) { return x - (vec){0}; }
ALWAYS veci veci_set(int32_t x) { return x - (veci){0}; }
ALWAYS vec vec_add(vec a, vec b) { return a + b; }
ALWAYS vec vec_mul(vec a, vec b) { return a * b; }
ALWAYS vec vec_div(vec a, vec b) { return a / b; }
ALWAYS vec
vec_select(veci mask, vec a, vec b)
{
	return (vec)(((veci)a & mask) | ((veci)b & ~mask));
}
/* Where one is no number, it is b. */
#if defined(MAX)
ALWAYS vec vec_max(vec a, vec b) { return (vec)MAX(a, b); }
ALWAYS vec vec_min(vec a, vec b) { return (vec)MIN(a, b); }
#else
ALWAYS vec vec_max(vec a, vec b) { return vec_select(a > b, a, b); }
ALWAYS vec vec_min(vec a, vec b) { return vec_select(a < b, a, b); }
#endif
/* acc + a b, rounded once where the machine can: what the compiler makes of a sum and a product may differ from
 * place to place, and the bits with it. */
#if defined(FMA)
ALWAYS vec vec_fma(vec acc, vec a, vec b) { return (vec)FMA(acc, a, b); }
#else
ALWAYS vec vec_fma(vec acc, vec a, vec b) { return acc + a * b; }
#endif
ALWAYS vec vec_of_int(veci a) { return __builtin_convertvector(a, vec); }
/* x 2^n */
ALWAYS vec
vec_scale(vec x, veci n)
{
	return (vec)((veci)x + (n << 23));
}
/* The integers that x + 1.5 2^23 holds in its low bits. */
ALWAYS veci vec_low(vec x) { return (veci)x - (veci)vec_set(0x1.8p23f); }
#else
typedef struct { float lane[LANES]; } vec;
typedef struct { int32_t lane[LANES]; } veci;
#define EACH for (int i = 0; i < LANES; i++)
static inline vec vec_set(float x) { vec r; EACH r.lane[i] = x; return r; }
static inline veci veci_set(int32_t x) { veci r; EACH r.lane[i] = x; return r; }
static inline vec vec_add(vec a, vec b) { EACH a.lane[i] += b.lane[i]; return a; }
static inline vec vec_mul(vec a, vec b) { EACH a.lane[i] *= b.lane[i]; return a; }
static inline vec vec_div(vec a, vec b) { EACH a.lane[i] /= b.lane[i]; return a; }
static inline vec vec_max(vec a, vec b) { EACH a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; return a; }
static inline vec vec_min(vec a, vec b) { EACH a.lane[i] = a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; return a; }
static inline vec vec_fma(vec acc, vec a, vec b) { EACH acc.lane[i] += a.lane[i] * b.lane[i]; return acc; }
static inline vec vec_of_int(veci a) { vec r; EACH r.lane[i] = (float)a.lane[i]; return r; }
static inline vec vec_scale(vec x, veci n) { EACH x.lane[i] = ldexpf(x.lane[i], n.lane[i]); return x; }
static inline veci vec_low(vec x) { veci r; EACH r.lane[i] = (int32_t)(x.lane[i] - 0x1.8p23f); return r; }
#endif

ALWAYS vec
vec_load(const float *p)
{
	vec v;
	memcpy(&v, p, sizeof v);
	return v;
}

ALWAYS void
vec_store(float *p, vec v)
{
	memcpy(p, &v, sizeof v);
}

#endif
