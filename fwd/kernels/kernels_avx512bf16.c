/*
 * kernels_avx512bf16.c - for x86-64 with AVX-512 and its BF16: AVX-512's kernels, but for matrices of BF16.
 *
 * These meet inputs that are rounded to BF16, too, as in llama.cpp: vdpbf16ps adds the products of two columns to a
 * sum of single precision, 32 multiply-adds where an instruction for floats makes 16. What it takes is how numbers of BF16
 * lie: nothing is unpacked. So a pair of them is met as a float is elsewhere (kernels_pieces.h), in the same order whatever
 * the batch: lane l sums pairs l, l + 16, ..., of each pair the second number first. Sums are rounded to nearest after
 * each of the two, and what is less than a normal number is 0, of inputs, weights and sums.
 *
 * How near the limits: an estimate from counting instructions, nothing is measured. A step of four rows and six inputs takes
 * 24 of vdpbf16ps and 10 loads. Zen 4 begins one of each, of 512 bits, a cycle, Zen 5 two: 32 and 64 multiply-adds a
 * cycle, less what begins and ends a piece, twice those of floats. Intel's servers are slower with it: a Xeon with the cores of
 * Sapphire Rapids made 35 to 36 10^9 multiply-adds a second with 8 and 64 inputs in cache, and 47 to 52 of floats: there it is
 * taken only by name. One input needs an instruction for each line of weights, and waits for memory.
 */
#include "kernels.h"

#if defined(__AVX512BF16__)
#include <cpuid.h>
#include <immintrin.h>

#define LANES 16
#define FMA(acc, a, b) _mm512_dpbf16_ps((__m512)(acc), (__m512bh)(a), (__m512bh)(b))
#define HAVE_SUMS
#define VECTORS_AT_ONCE 6

#include "kernels_vec.h"

/* A thread's. */
struct scratch {
	float sum[VECTORS * FLOAT_ROWS * LANES];
};

/* Of type T_F32, that is 16 pairs. */
ALWAYS vec
weights_at(const uint32_t type, const unsigned char *p, size_t stride)
{
	(void)type, (void)stride;
	return (vec)_mm512_loadu_ps(p);
}

ALWAYS vec
numbers_at(const float *x)
{
	return (vec)_mm512_loadu_ps(x);
}

ALWAYS void
lane_sums(const vec sum[4], float *out)
{
	for (int r = 0; r < 4; r++)
		out[r] = _mm512_reduce_add_ps((__m512)sum[r]);
}

#include "kernels_pieces.h"

enum { WIDE = 1024 };	/* pairs at a time, where several vectors meet them: six of these fit into the first-level cache */

static bool
lies_ready(uint32_t type, size_t n)
{
	(void)type, (void)n;
	return true;
}

static void
some_rows(struct scratch *s, const struct tensor *t, size_t row, size_t rows, const float *x, size_t n, struct ahead *ahead,
	float *out, size_t stride)
{
	const size_t pairs = t->dim[0], wide = n <= VECTORS_AT_ONCE ? pairs : WIDE;
	struct piece p = {.stride = tensor_row_bytes(t), .apart = pairs, .sum = s->sum, .out = out, .out_apart = stride, .first = true};
	for (size_t k = 0; !p.last; k += wide, p.first = false) {
		p.columns = pairs - k < wide ? pairs - k : wide;
		p.last = k + wide >= pairs;
		p.x = x + k;
		p.w = row_of(t, row) + 4 * k;
		vectors_times(p, ahead, T_F32, n, rows);
	}
}

static struct kernels table;		/* AVX-512's, with what is here */
static const struct kernels *avx512;	/* for all other matrices */

static void
matmul(const struct tensor *t, size_t first, size_t last, const struct inputs *in, float *out, size_t stride, void *scratch)
{
	struct tensor pairs = *t;
	struct inputs rounded = *in;
	if (!in->rounded || !meets_rounded(&table, t)) {
		avx512->matmul(t, first, last, in, out, stride, scratch);
		return;
	}
	pairs.type = T_F32;
	pairs.dim[0] /= 2;
	rounded.x = (const float *)(const void *)in->rounded;
	floats_matmul(&pairs, first, last, &rounded, out, stride, scratch);
}

static void
round_inputs(uint16_t *to, const float *x, size_t n, size_t apart)
{
	(void)apart; /* which is 1 */
	for (; n >= 16; n -= 16, x += 16, to += 16)
		_mm256_storeu_si256((__m256i *)(void *)to, (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x)));
}

static size_t
scratch_bytes(size_t n)
{
	const size_t others = avx512->scratch(n);
	return others > sizeof(struct scratch) ? others : sizeof(struct scratch);
}

/* Leaf 7, subleaf 1: what __builtin_cpu_supports() of older compilers has no name for. */
static bool
has_bf16(void)
{
	unsigned a, b, c, d;
	return __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & 1 << 5;
}

const struct kernels *
kernels_avx512bf16(void)
{
	avx512 = kernels_avx512();
	if (!avx512 || !has_bf16())
		return NULL;
	table = *avx512;
	table.name = "avx512bf16";
	table.scratch = scratch_bytes;
	table.round = round_inputs;
	table.together = 1;
	table.matmul = matmul;
	return &table;
}

bool
avx512bf16_pays(void)
{
	return !__builtin_cpu_is("intel");
}
#else
const struct kernels *
kernels_avx512bf16(void)
{
	return NULL;
}

bool
avx512bf16_pays(void)
{
	return false;
}
#endif
