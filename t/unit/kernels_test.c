/*
 * kernels_test.c - the kernels of $LLM_KERNELS against plain sums of double precision, for
 * t/types.bats: kernels_test [seed]. Products of every type and odd sizes, attention, the rest.
 * Where the order of sums is promised, bits are compared.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "kernels/kernels.h"

const char progname[] = "kernels_test";
const char usage_text[] = "usage: kernels_test [seed]\n";

static uint64_t state;

static uint64_t
any(void)
{
	return state = mix(state);
}

/* From -1 to 1. */
static float
unit(void)
{
	return (float)(int32_t)(any() >> 32) * 0x1p-31f;
}

static float *
some(size_t n)
{
	float *x = xcalloc(n + !n, sizeof *x);
	for (size_t i = 0; i < n; i++)
		x[i] = unit() * (i % 37 ? 1 : 20);
	return x;
}

/* In cache lines of its own, as the kernels want it. */
static void *
scratch_of(const struct kernels *k, size_t n, void **whole)
{
	unsigned char *p = *whole = xcalloc(k->scratch(n) + 64, 1);
	return p + (64 - (uintptr_t)p % 64) % 64;
}

/* Random blocks with scales of about 1. */
static struct tensor
random_tensor(uint32_t type, size_t dim, size_t rows)
{
	const struct format *f = tensor_format(type);
	struct tensor t = {.type = type, .n_dims = 2, .dim = {dim, rows, 1, 1}};
	const size_t blocks = dim / f->block * rows;
	const bool small = any() % 2;
	unsigned char *p = xreallocarray(NULL, blocks, f->bytes), *scale = NULL;
	for (size_t i = 0; i < blocks; i++) {
		unsigned char *block = p + i * f->bytes;
		const unsigned d = scales_at[type][0], m = scales_at[type][1];
		make_block(type, (uint32_t)any(), block);
		if (type == T_F32) {
			const float x = unit();
			memcpy(block, &x, sizeof x);
		} else if (type == T_BF16)
			put_half(block, (uint32_t)(0x3e80 | (any() & 0x807f)));
		else if (d)
			put_half(block + d - 1, (uint32_t)(0x2800 | (any() & 0x83ff)));
		if (m)
			put_half(block + m - 1, (uint32_t)(0x2800 | (any() & 0x83ff)));
		if (type == T_IQ1_M)
			block[55] = (unsigned char)((block[55] & 15) | 0x20);
		if (type == T_MXFP4)
			block[0] = 120 + block[0] % 8;
		for (size_t k = 0; type == T_NVFP4 && small && k < 4; k++) /* those without leading bits, beside which no large ones */
			block[k] = block[k] == 127 ? 127 : block[k] % 16;
	}
	t.data = p;
	if (type == T_MXFP4_SPLIT) {
		scale = xcalloc(blocks, 1);
		for (size_t i = 0; i < blocks; i++)
			scale[i] = (unsigned char)(120 + any() % 8);
	} else if (type == T_LLAMA2C_Q8) {
		t.group = 24; /* crosses rows */
		scale = xcalloc(dim * rows / t.group + 1, 4);
		for (size_t i = 0; i < dim * rows / t.group + 1; i++) {
			const float x = unit();
			memcpy(scale + 4 * i, &x, sizeof x);
		}
	}
	t.scale = scale;
	return t;
}

static void
check(const char *what, const struct kernels *k, double got, double want, double within, size_t i, size_t j)
{
	if (!(fabs(got - want) <= within))
		die("%s: %s: %zu, %zu: %.9g, not %.9g within %.2g", k->name, what, i, j, got, want, within);
}

/* A number of BF16. */
static double
brain(uint16_t b)
{
	const uint32_t bits = (uint32_t)b << 16;
	float x;
	memcpy(&x, &bits, sizeof x);
	return (double)x;
}

static void
product(const struct kernels *k, uint32_t type, size_t dim, size_t rows, size_t n, bool rounds)
{
	const struct tensor t = random_tensor(type, dim, rows);
	const bool blocks = k->blocks(type), rounded = rounds && meets_rounded(k, &t);
	float *x = some(dim * n), *w = xcalloc(dim, sizeof *w);
	float *all = xcalloc(rows * n, sizeof *all), *parts = xcalloc(rows * n, sizeof *parts);
	struct qblock *q = xcalloc(dim / 32 * n + 1, sizeof *q), *one = xcalloc(dim / 32 + 1, sizeof *one);
	uint16_t *b = rounded ? xcalloc(dim * (n + 1), sizeof *b) : NULL;
	uint16_t *b1 = rounded ? xcalloc(2 * dim * n, sizeof *b1) : NULL;
	void *whole, *s = scratch_of(k, n, &whole);
	for (size_t j = 0; blocks && j < n; j++)
		quantize_input(k, q, x + j * dim, dim, n, j);
	for (size_t j = 0; rounded && j < n; j++) {
		round_input(k, b, x + j * dim, dim, n, j);
		round_input(k, b1 + 2 * dim * j, x + j * dim, dim, 1, 0);
	}
	k->matmul(&t, 0, rows, &(struct inputs){.x = x, .q = q, .rounded = b, .n = n}, all, rows, s);
	for (size_t j = 0; j < n; j++) { /* one by one, and in other ranges */
		if (blocks)
			quantize_input(k, one, x + j * dim, dim, 1, 0);
		for (size_t r = 0, next; r < rows; r = next) {
			next = r + 1 + any() % 40;
			next = next < rows ? next : rows;
			k->matmul(&t, r, next, &(struct inputs){.x = x + j * dim, .q = one, .rounded = rounded ? b1 + 2 * dim * j : NULL,
				.n = 1}, parts + j * rows, rows, s);
		}
	}
	if (memcmp(all, parts, rows * n * sizeof *all))
		die("%s, %s, %zu x %zu, %zu vectors: the bits depend on how they are made", k->name, tensor_format(type)->name,
			rows, dim, n);
	for (size_t r = 0; r < rows; r++) {
		tensor_unpack(&t, r, w);
		for (size_t j = 0; j < n; j++) {
			double sum = 0, size = 1e-20;
			for (size_t i = 0; i < dim; i++) {
				const struct qblock *block = q + block_place(dim / 32, n, j, i / 32);
				const double v = blocks ? (double)block->d * block->q[i % 32] :
					rounded ? brain(b1[2 * dim * j + i]) : (double)x[j * dim + i];
				sum += (double)w[i] * v;
				size += fabs((double)w[i] * v);
			}
			check(tensor_format(type)->name, k, (double)all[j * rows + r], sum, 3e-6 * size, r, j);
		}
	}
	xfree(x), xfree(w), xfree(all), xfree(parts), xfree(q), xfree(b), xfree(b1), xfree(one), xfree(whole);
	xfree((void *)(uintptr_t)t.data), xfree((void *)(uintptr_t)t.scale);
}

static void
products(const struct kernels *k)
{
	static const size_t rows[] = {1, 3, 8, 15, 16, 17, 32, 33, 70}, n[] = {1, 2, 3, 6, 7, 13, 29};
	for (uint32_t type = 0; type < T_COUNT; type++) {
		const struct tensor t = {.type = type};
		if (!tensor_readable(&t))
			continue;
		const size_t block = tensor_format(type)->block;
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			const size_t dims[] = {block == 1 ? 1 + any() % 300 : block * (1 + any() % (600 / block)), block == 1 ? 264 : block};
			product(k, type, dims[any() % 2], rows[i], n[any() % 7], true);
		}
		for (size_t few = 1; few < 6; few++) /* kernels may have ways of their own for these */
			product(k, type, block > 32 ? 3 * block : 608, 64, few, true);
		product(k, type, block > 32 ? 3 * block : 608, 64, 13, true);
		product(k, type, block > 32 ? 3 * block : 608, 64, 35, true); /* and for many */
	}
}

/* Bits of any numbers, rounded to BF16. */
static void
rounding(const struct kernels *k)
{
	uint32_t bits[32];
	uint16_t b[32];
	float x[32];
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 32; i++)
			bits[i] = (uint32_t)any() & (i % 2 ? 0xffffffff : 0xffff8000); /* half of these between two */
		memcpy(x, bits, sizeof x);
		k->round(b, x, 32, 1);
		for (int i = 0; i < 32; i++) {
			const uint32_t sign = bits[i] >> 31 << 15, even = bits[i] >> 16 & 1;
			const uint32_t want = fabsf(x[i]) < 0x1p-126f ? sign : (bits[i] + 0x7fff + even) >> 16;
			if (isnan(x[i]) ? !isnan(brain(b[i])) : b[i] != want)
				die("%s: %a is rounded to %04x, not %04x", k->name, (double)x[i], b[i], (unsigned)want);
		}
	}
}

/* Matrices of BF16 that meet such. */
static void
rounded_products(const struct kernels *k)
{
	unsigned char ones[64];
	const struct tensor t = {.type = T_BF16, .n_dims = 2, .dim = {32, 1, 1, 1}, .data = ones};
	const float strange[] = {INFINITY, -INFINITY, NAN};
	void *whole, *s = scratch_of(k, 1, &whole);
	for (size_t rows = 1; rows < 100; rows++)
		product(k, T_BF16, 32 * (1 + any() % 20), rows, 1 + any() % 50, true);
	for (size_t n = 1; n < 14; n += 4) {
		product(k, T_BF16, 6 * 1024 + 32, 33, n, true);
		product(k, T_BF16, 608, 33, n, false); /* those that nobody rounded */
	}
	product(k, T_BF16, 64, 5, 200, true);
	for (int i = 0; i < 32; i++)
		put_half(ones + 2 * i, 0x3f80);
	for (int i = 0; i < 3; i++) {
		float x[32] = {0}, out;
		uint16_t b[64];
		x[7 * i] = strange[i];
		k->round(b, x, 32, 1);
		k->matmul(&t, 0, 1, &(struct inputs){.x = x, .rounded = b, .n = 1}, &out, 1, s);
		if (isnan(strange[i]) ? !isnan(out) : out != strange[i])
			die("%s: BF16 makes %g of %g", k->name, (double)out, (double)strange[i]);
	}
	xfree(whole);
}

static void
blocks(const struct kernels *k)
{
	float x[32];
	struct qblock q;
	for (int round = 0; round < 1000; round++) {
		const float scale = ldexpf(1, round % 80 - 40);
		int sum = 0, low = 0;
		float most = 0;
		for (int i = 0; i < 32; i++) {
			x[i] = unit() * scale;
			most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
		}
		k->quantize(&q, x, 32);
		for (int i = 0; i < 32; i++) {
			check("a block", k, (double)q.d * q.q[i], (double)x[i], (double)most / 127 * 0.5001, (size_t)round, (size_t)i);
			sum += q.q[i];
			low += i < 16 ? q.q[i] : 0;
		}
		check("its sum", k, (double)q.sum[2], (double)q.d * sum, 1e-6 * (double)most, 0, 0);
		check("half its sum", k, (double)q.sum[0], (double)q.d * low, 1e-6 * (double)most, 0, 0);
		check("the other half", k, (double)q.sum[1], (double)q.d * (sum - low), 1e-6 * (double)most, 0, 0);
	}
	memset(x, 0, sizeof x);
	k->quantize(&q, x, 32);
	check("nothing", k, (double)q.d, 0, 0, 0, 0);
	x[7] = NAN;
	k->quantize(&q, x, 32);
	if (!isnan(q.d))
		die("%s: a block without a number has the scale %g", k->name, (double)q.d);
	x[7] = -INFINITY;
	k->quantize(&q, x, 32);
	if (!isnan(q.d))
		die("%s: an infinite block has the scale %g", k->name, (double)q.d);
}

/* softmax(q K) V of one query, plainly. */
static void
plainly(const float *q, const float *keys, const float *values, const struct query *y, size_t dim, float cap, double *out)
{
	double *share = xcalloc(y->end + 1, sizeof *share), most = -INFINITY, sum = 0;
	for (size_t p = y->begin; p < y->end; p++) {
		for (size_t i = 0; i < dim; i++)
			share[p] += (double)q[i] * (double)keys[p * dim + i];
		share[p] = cap > 0 ? (double)cap * tanh(share[p] / (double)cap) : share[p];
		share[p] -= (double)y->slope * (double)(y->end - 1 - p);
		most = share[p] > most ? share[p] : most;
	}
	for (size_t p = y->begin; p < y->end; p++)
		sum += share[p] = exp(share[p] - most);
	for (size_t i = 0; i < dim; i++) {
		out[i] = 0;
		for (size_t p = y->begin; p < y->end; p++)
			out[i] += share[p] / sum * (double)values[p * dim + i];
	}
	xfree(share);
}

/* Numbers that blocks of 8 bits hold exactly. */
static void
coarse(float *x, size_t dim, size_t n)
{
	for (size_t i = 0; i < n * dim; i++)
		x[i] = (float)(i % dim % KV_RUN ? (int)(any() % 255) - 127 : 127) * 0x1p-6f;
}

static void
attention(const struct kernels *k, size_t dim, size_t length, size_t rows, enum kv_type type)
{
	const size_t cap = (length + KV_BLOCK - 1) / KV_BLOCK * KV_BLOCK, wide = 2 + dim;
	const size_t bytes = cap * kv_row_bytes(type, dim) + KV_RUN * 4;
	struct kv_head kv = {.type = type, .dim = dim, .k = xcalloc(bytes, 1), .v = xcalloc(bytes, 1)};
	float *keys = some(length * dim), *values = some(length * dim), *q = some(rows * dim);
	float *all = xcalloc(rows, wide * sizeof *all), *part = xcalloc(rows, wide * sizeof *part);
	double *want = xcalloc(dim, sizeof *want);
	const float soft = any() % 3 ? 0 : 5, within = type == KV_F16 ? 2e-2f : 5e-5f;
	struct query query[ATTEND_ROWS];
	void *whole, *s = scratch_of(k, 1, &whole);
	memset(kv.k, 0x7e, bytes), memset(kv.v, 0x7e, bytes); /* what was not kept is no number */
	if (type == KV_Q8)
		coarse(keys, dim, length), coarse(values, dim, length);
	for (size_t p = 0; p < length; p++)
		k->keep(&kv, p, keys + p * dim, values + p * dim);
	for (size_t r = 0; r < rows; r++) {
		query[r].end = 1 + any() % length;
		query[r].begin = any() % 2 ? 0 : any() % query[r].end;
		query[r].slope = any() % 2 ? 0 : 0.05f;
		for (size_t i = 0; i < dim; i++)
			q[r * dim + i] *= 0.2f;
	}
	query[0].end = length;
	for (size_t b = 0; b * KV_BLOCK < length; b++) {
		k->attend(&kv, b, q, query, rows, soft, part, s);
		for (size_t r = 0; r < rows; r++)
			k->merge(all + r * wide, part + r * wide, dim);
		for (size_t r = 0; r < rows; r++) { /* alone: the same bits */
			float *alone = xcalloc(wide, sizeof *alone);
			k->attend(&kv, b, q + r * dim, query + r, 1, soft, alone, s);
			if (alone[1] > 0 && memcmp(alone, part + r * wide, wide * sizeof *alone))
				die("%s: attention: the bits of query %zu of %zu depend on the others", k->name, r, rows);
			xfree(alone);
		}
	}
	for (size_t r = 0; r < rows; r++) {
		plainly(q + r * dim, keys, values, query + r, dim, soft, want);
		for (size_t i = 0; i < dim; i++)
			check("attention", k, (double)(all[r * wide + 2 + i] / all[r * wide + 1]), want[i], (double)within * 20, r, i);
	}
	xfree(kv.k), xfree(kv.v), xfree(keys), xfree(values), xfree(q), xfree(all), xfree(part), xfree(want), xfree(whole);
}

static void
small_ones(const struct kernels *k)
{
	for (size_t n = 1; n < 70; n++) {
		float *x = some(n), *up = some(n), *w = some(n), *out = xcalloc(n, sizeof *out), *y = xcalloc(n, sizeof *y);
		const bool centred = n % 2;
		double mean = 0, square = 0;
		memcpy(y, x, n * sizeof *y);
		k->swish(y, up, n, 1.5f, 0.25f, 1);
		for (size_t i = 0; i < n; i++) {
			const double v = (double)x[i];
			check("swish", k, (double)y[i], v * ((double)up[i] + 1) / (1 + exp(-(1.5 * v + 0.25 * v * v * v))),
				3e-6 * (1e-6 + fabs(v * ((double)up[i] + 1))), n, i);
		}
		for (size_t i = 0; centred && i < n; i++)
			mean += (double)x[i] / (double)n;
		for (size_t i = 0; i < n; i++)
			square += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
		k->norm(out, x, w, up, n, 1e-5f, centred);
		for (size_t i = 0; i < n; i++)
			check("norm", k, (double)out[i], (double)w[i] * ((double)x[i] - mean) / sqrt(square + 1e-5) + (double)up[i],
				1e-4, n, i);
		memcpy(y, up, n * sizeof *y);
		k->axpy(y, 0.5f, x, n);
		for (size_t i = 0; i < n; i++)
			check("axpy", k, (double)y[i], (double)up[i] + 0.5 * (double)x[i], 1e-5, n, i);
		xfree(x), xfree(up), xfree(w), xfree(out), xfree(y);
	}
}

int
main(int argc, char **argv)
{
	const struct kernels *k = kernels_choose();
	state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	small_ones(k);
	blocks(k);
	products(k);
	if (k->round) {
		rounding(k);
		rounded_products(k);
	}
	static const size_t dims[] = {1, 6, 20, 32, 64, 80, 128, 300}, lengths[] = {1, 15, 17, 255, 256, 257, 700};
	for (size_t i = 0; i < 8; i++)
		for (size_t l = 0; l < 7; l++)
			attention(k, dims[i], lengths[l], 1 + any() % ATTEND_ROWS, (enum kv_type)(any() % 3));
	printf("%s: all right\n", k->name);
	return 0;
}
