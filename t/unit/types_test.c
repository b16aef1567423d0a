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

#include "blocks.h"
#include "kernels/kernels.h"

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

/* The largest weight of those that share a scale with weight i, which may lie far above it. */
static float
largest(const float *w, size_t n, size_t i)
{
	float most = 0;
	for (size_t k = i / 32 * 32; k < n && k < i / 32 * 32 + 32; k++)
		most = fabsf(w[k]) > most ? fabsf(w[k]) : most;
	return most;
}

/*
 * The matrix times unit vectors, one by one and together, is the matrix: whatever a kernel
 * unpacks shows. Blocks meet vectors as integers, so 127 times as long ones, which need no
 * scale; sums of minima round. Rows with a weight that is no number cannot be seen so.
 */
static void
compare(const struct tensor *t)
{
	const struct kernels *k = kernels_choose();
	const bool blocks = k->blocks(t->type);
	const float by = blocks ? 127 : 1, within = blocks ? 1e-6f : 0;
	const size_t n = t->dim[0], rows = t->dim[1];
	float *want = xcalloc(rows * n, sizeof *want), *unit = xcalloc(n * n, sizeof *unit);
	float *one = xcalloc(rows * n, sizeof *one), *all = xcalloc(rows * n, sizeof *all);
	struct qblock *q = xcalloc(n * n / 32 + 1, sizeof *q), *alone = xcalloc(n / 32 + 1, sizeof *alone);
	unsigned char *whole = xcalloc(k->scratch(n) + 64, 1);
	void *scratch = whole + (64 - (uintptr_t)whole % 64) % 64; /* in cache lines of its own */
	size_t seen = 0;
	for (size_t i = 0; i < n; i++) {
		unit[i * n + i] = by;
		if (blocks)
			quantize_input(k, q, unit + i * n, n, n, i);
	}
	k->matmul(t, 0, rows, &(struct inputs){.x = unit, .q = q, .n = n}, all, rows, scratch);
	for (size_t i = 0; i < n; i++) {
		if (blocks)
			quantize_input(k, alone, unit + i * n, n, 1, 0);
		k->matmul(t, 0, rows, &(struct inputs){.x = unit + i * n, .q = alone, .n = 1}, one + i * rows, rows, scratch);
	}
	for (size_t r = 0; r < rows; r++) {
		bool finite = true;
		tensor_unpack(t, r, want + r * n);
		for (size_t i = 0; i < n; i++)
			finite &= isfinite(want[r * n + i] * by) != 0;
		for (size_t i = 0; finite && i < n; i++) {
			const float w = want[r * n + i] * by, off = within * by * largest(want + r * n, n, i);
			if (!(fabsf(one[i * rows + r] - w) <= off) || one[i * rows + r] != all[i * rows + r])
				die("%s, %s: row %zu, weight %zu: %a and %a, not %a", k->name, tensor_format(t->type)->name,
					r, i, (double)one[i * rows + r], (double)all[i * rows + r], (double)w);
		}
		seen += finite;
	}
	if (seen < rows / 4)
		die("%s: only %zu of %zu rows can be compared", tensor_format(t->type)->name, seen, rows);
	xfree(want), xfree(unit), xfree(one), xfree(all), xfree(whole), xfree(q);
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
