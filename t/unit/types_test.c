/*
 * types_test.c - the formats of weights, for t/types.bats.
 *
 *	types_test -l		their table: number, name, weights and bytes a block
 *	types_test -b N type	N blocks (even) of random bits, with every half-precision
 *				scale there is if N is 65536
 *	types_test type <blocks	their weights as float32, NaN as 0x7fc00000
 *	types_test -k type <blocks	make sure that matmul() of $LLM_KERNELS sees the same
 *
 * Two blocks make a row.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels.h"

const char progname[] = "types_test";
const char usage_text[] = "usage: types_test -l | [-b blocks | -k] type <blocks\n";

static void
list(void)
{
	for (uint32_t type = 0; type < T_COUNT; type++) {
		const struct tensor t = {.type = type};
		const struct format *f = tensor_format(type);
		if (tensor_readable(&t) && type < T_LLAMA2C_Q8)
			printf("%u %s %u %u\n", type, f->name, f->block, f->bytes);
	}
}

/* splitmix64: a number that looks random from every number. */
static uint64_t
mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Where a format's block has its half-precision numbers d and m, if it has; their
 * place + 1. */
static const unsigned char scales_at[T_COUNT][2] = {
	[T_F16] = {1}, [T_BF16] = {1}, [T_Q4_0] = {1}, [T_Q4_1] = {1, 3}, [T_Q5_0] = {1}, [T_Q5_1] = {1, 3},
	[T_Q8_0] = {1}, [T_Q2_K] = {81, 83}, [T_Q3_K] = {109}, [T_Q4_K] = {1, 3}, [T_Q5_K] = {1, 3},
	[T_Q6_K] = {209}, [T_TQ1_0] = {53}, [T_TQ2_0] = {65}, [T_IQ4_NL] = {1}, [T_IQ4_XS] = {1},
	[T_IQ2_XXS] = {1}, [T_IQ2_XS] = {1}, [T_IQ2_S] = {1}, [T_IQ3_XXS] = {1}, [T_IQ3_S] = {1}, [T_IQ1_S] = {1},
};

static void
put_half(unsigned char *p, uint32_t h)
{
	p[0] = h & 255;
	p[1] = h >> 8 & 255;
}

static void
make_block(uint32_t type, uint32_t number, unsigned char *p)
{
	const size_t bytes = tensor_format(type)->bytes;
	const unsigned d = scales_at[type][0], m = scales_at[type][1];
	for (size_t i = 0; i < bytes; i++)
		p[i] = (unsigned char)(mix((uint64_t)type << 48 | (uint64_t)number << 8 | i / 8) >> i % 8 * 8);
	if (d)
		put_half(p + d - 1, number);
	if (m)
		put_half(p + m - 1, number * 40503); /* odd: another order of all numbers of 16 bits */
	for (int i = 0; type == T_IQ1_M && i < 4; i++) /* four nibbles */
		p[49 + 2 * i] = (unsigned char)((p[49 + 2 * i] & 15) | (number >> 4 * i & 15) << 4);
}

/* Standard input as one tensor, in memory of exactly that size. */
static struct tensor
read_tensor(uint32_t type)
{
	const struct format *f = tensor_format(type);
	unsigned char *in = NULL;
	size_t n = 0, cap = 0, got;
	do {
		in = grow(in, &cap, n + (1 << 16), 1);
		got = read_some(0, -1, in + n, cap - n, "stdin");
		n += got;
	} while (got);
	if (n == 0 || n % (2 * f->bytes))
		die("%zu bytes are not pairs of blocks of %u", n, f->bytes);
	in = xreallocarray(in, n, 1);
	return (struct tensor){.type = type, .n_dims = 2, .dim = {2 * f->block, n / (2 * f->bytes), 1, 1}, .data = in};
}

static void
unpack(const struct tensor *t)
{
	const size_t n = t->dim[0];
	float *row = xcalloc(n, sizeof *row);
	for (size_t r = 0; r < t->dim[1]; r++) {
		tensor_unpack(t, r, row);
		for (size_t i = 0; i < n; i++) {
			uint32_t u = 0x7fc00000;
			if (!isnan(row[i]))
				memcpy(&u, row + i, sizeof u);
			const unsigned char le[4] = {u & 255, u >> 8 & 255, u >> 16 & 255, u >> 24};
			fwrite(le, 1, 4, stdout);
		}
	}
	xfree(row);
	if (fflush(stdout))
		die("stdout:");
}

/* The matrix times the unit vectors, one by one and together, is the matrix: whatever
 * a kernel unpacks shows. Rows with a weight that is no number cannot be seen so. */
static void
compare(const struct tensor *t)
{
	const struct kernels *k = kernels_choose();
	const size_t n = t->dim[0], rows = t->dim[1];
	float *want = xcalloc(rows * n, sizeof *want), *unit = xcalloc(n * n, sizeof *unit);
	float *one = xcalloc(rows * n, sizeof *one), *all = xcalloc(rows * n, sizeof *all);
	float *scratch = xcalloc(MATMUL_ROWS * n, sizeof *scratch);
	size_t seen = 0;
	for (size_t i = 0; i < n; i++)
		unit[i * n + i] = 1;
	k->matmul(t, 0, rows, unit, n, all, rows, scratch);
	for (size_t i = 0; i < n; i++)
		k->matmul(t, 0, rows, unit + i * n, 1, one + i * rows, rows, scratch);
	for (size_t r = 0; r < rows; r++) {
		bool finite = true;
		tensor_unpack(t, r, want + r * n);
		for (size_t i = 0; i < n; i++)
			finite &= isfinite(want[r * n + i]) != 0;
		for (size_t i = 0; finite && i < n; i++)
			if (one[i * rows + r] != want[r * n + i] || all[i * rows + r] != want[r * n + i])
				die("%s, %s: row %zu, weight %zu: %a and %a, not %a", k->name, tensor_format(t->type)->name,
					r, i, (double)one[i * rows + r], (double)all[i * rows + r], (double)want[r * n + i]);
		seen += finite;
	}
	if (seen < rows / 4)
		die("%s: only %zu of %zu rows can be compared", tensor_format(t->type)->name, seen, rows);
	xfree(want), xfree(unit), xfree(one), xfree(all), xfree(scratch);
}

int
main(int argc, char **argv)
{
	bool kernels = false;
	long blocks = 0;
	int c;
	while ((c = getopt(argc, argv, ":lkb:")) != -1)
		switch (c) {
		case 'l': list(); return 0;
		case 'k': kernels = true; break;
		case 'b': blocks = arg_long('b', optarg, 2, 65536); break;
		default: die_option(c, optopt);
		}
	if (optind + 1 != argc)
		die_usage("one type is wanted");
	const uint32_t type = (uint32_t)atoi(argv[optind]);
	struct tensor t = {.type = type};
	if (!tensor_readable(&t) || type >= T_LLAMA2C_Q8)
		die("type %u is not one of -l", type);
	for (uint32_t i = 0; i < (uint32_t)blocks; i++) {
		unsigned char block[256];
		make_block(type, i, block);
		fwrite(block, 1, tensor_format(type)->bytes, stdout);
	}
	if (blocks)
		return fflush(stdout) != 0;
	t = read_tensor(type);
	if (kernels)
		compare(&t);
	else
		unpack(&t);
	xfree((void *)(uintptr_t)t.data);
	return 0;
}
