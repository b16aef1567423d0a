/*
 * kernels_body.h - the kernels as plain C over vectors of LANES floats.
 *
 * Not a module but a body: a kernel file defines LANES and KERNELS_NAME, includes
 * this, and is compiled for its instruction set. Weights are unpacked to float32
 * MATMUL_ROWS rows at a time, once for all vectors of the batch, so that for a
 * prompt the unpacking costs little and the loop is bound by multiply-adds: a
 * tile of 4 rows x 2 vectors keeps 8 sums in registers and loads 6 values for 8
 * products. For one vector (generation) unpacking is most of the work, unless the
 * kernel file defines HAVE_BLOCKS and, before it includes this, block_kernels():
 * for some types, a faster unpacking and sums that need none.
 */
#include "kernels.h"
#include "unpack.h"

#if defined(__GNUC__)
typedef float vec __attribute__((vector_size(LANES * sizeof(float))));

static inline vec
vec_load(const float *p)
{
	vec v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* acc + a b */
static inline vec
vec_fma(vec acc, vec a, vec b)
{
	return acc + a * b;
}
#define LANE(v, i) ((v)[i])
#else
typedef struct {
	float lane[LANES];
} vec;

static inline vec
vec_load(const float *p)
{
	vec v;
	memcpy(&v, p, sizeof v);
	return v;
}

static inline vec
vec_fma(vec acc, vec a, vec b)
{
	for (int i = 0; i < LANES; i++)
		acc.lane[i] += a.lane[i] * b.lane[i];
	return acc;
}
#define LANE(v, i) ((v).lane[i])
#endif

/* The sum of the lanes, in halves. */
static inline float
vec_sum(vec v)
{
	float s[LANES];
	memcpy(s, &v, sizeof s);
	for (int half = LANES / 2; half; half /= 2)
		for (int i = 0; i < half; i++)
			s[i] += s[i + half];
	return s[0];
}

/* sum + a . b over what is behind the last whole vector */
static inline float
dot_rest(float sum, const float *a, const float *b, size_t n)
{
	for (size_t i = n - n % LANES; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static float
dot(const float *a, const float *b, size_t n)
{
	vec acc = {0};
	for (size_t i = 0; i + LANES <= n; i += LANES)
		acc = vec_fma(acc, vec_load(a + i), vec_load(b + i));
	return dot_rest(vec_sum(acc), a, b, n);
}

static void
axpy(float *out, float a, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] += a * x[i];
}

/* 4 rows of weights . 2 vectors; each sum is made as dot() makes it. Written out,
 * so that the eight sums stay in registers. */
static inline void
tile_4x2(const float *const w[4], const float *x, size_t n, float *out, size_t stride)
{
	const float *y = x + n, *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
	vec a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, b0 = {0}, b1 = {0}, b2 = {0}, b3 = {0};
	for (size_t i = 0; i + LANES <= n; i += LANES) {
		const vec vx = vec_load(x + i), vy = vec_load(y + i);
		const vec v0 = vec_load(w0 + i), v1 = vec_load(w1 + i), v2 = vec_load(w2 + i), v3 = vec_load(w3 + i);
		a0 = vec_fma(a0, v0, vx), b0 = vec_fma(b0, v0, vy);
		a1 = vec_fma(a1, v1, vx), b1 = vec_fma(b1, v1, vy);
		a2 = vec_fma(a2, v2, vx), b2 = vec_fma(b2, v2, vy);
		a3 = vec_fma(a3, v3, vx), b3 = vec_fma(b3, v3, vy);
	}
	const vec a[4] = {a0, a1, a2, a3}, b[4] = {b0, b1, b2, b3};
	for (int r = 0; r < 4; r++) {
		out[r] = dot_rest(vec_sum(a[r]), w[r], x, n);
		out[stride + (size_t)r] = dot_rest(vec_sum(b[r]), w[r], y, n);
	}
}

static inline void
tile_4x1(const float *const w[4], const float *x, size_t n, float *out)
{
	const float *w0 = w[0], *w1 = w[1], *w2 = w[2], *w3 = w[3];
	vec a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0};
	for (size_t i = 0; i + LANES <= n; i += LANES) {
		const vec vx = vec_load(x + i);
		a0 = vec_fma(a0, vec_load(w0 + i), vx);
		a1 = vec_fma(a1, vec_load(w1 + i), vx);
		a2 = vec_fma(a2, vec_load(w2 + i), vx);
		a3 = vec_fma(a3, vec_load(w3 + i), vx);
	}
	const vec a[4] = {a0, a1, a2, a3};
	for (int r = 0; r < 4; r++)
		out[r] = dot_rest(vec_sum(a[r]), w[r], x, n);
}

static void
matmul(const struct tensor *t, size_t first, size_t last, const float *x, size_t n, float *out, size_t stride,
	float *scratch)
{
	const size_t dim = t->dim[0];
	const float *in_place = tensor_floats(t);
	unpack_fn *unpack = unpacker(t->type);
#if defined(HAVE_BLOCKS)
	const struct block_kernels *fast = block_kernels(t);
	if (fast)
		unpack = fast->unpack;
	if (fast && n == 1)
		for (; first + 4 <= last; first += 4) {
			vec sum[4];
			fast->four(t, first, x, sum);
			for (int r = 0; r < 4; r++)
				out[first + (size_t)r] = vec_sum(sum[r]);
		}
#endif
	for (size_t i = first; i < last; i += MATMUL_ROWS) {
		const float *w[MATMUL_ROWS];
		size_t rows = last - i < MATMUL_ROWS ? last - i : MATMUL_ROWS, j = 0;
		for (size_t r = 0; r < rows; r++) {
			w[r] = in_place ? in_place + (i + r) * dim : scratch + r * dim;
			if (!in_place)
				unpack(t, i + r, scratch + r * dim);
		}
		if (rows == MATMUL_ROWS) {
			for (; j + 2 <= n; j += 2)
				tile_4x2(w, x + j * dim, dim, out + j * stride + i, stride);
			for (; j < n; j++)
				tile_4x1(w, x + j * dim, dim, out + j * stride + i);
			continue;
		}
		for (; j < n; j++)
			for (size_t r = 0; r < rows; r++)
				out[j * stride + i + r] = dot(w[r], x + j * dim, dim);
	}
}

#if defined(__F16C__)
#include <cpuid.h>

/* What clang's __builtin_cpu_supports() has no name for before version 15. */
static bool
has_f16c(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

static const struct kernels table = {KERNELS_NAME, matmul, dot, axpy};
