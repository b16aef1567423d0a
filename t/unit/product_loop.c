/*
 * product_loop.c - products of one matrix alone, in a loop: product_loop [-t threads] [-n vectors]
 * [-r rows] [-d dim] [-s seconds] type ... Each thread has rows of its own. For each type of weights,
 * by name: GB/s of weights read, 10^9 multiplications a second and how many a thread makes
 * each. For t/bench's numbers apart: rows that fit into a cache, or do not.
 */
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "blocks.h"
#include "kernels/kernels.h"

const char progname[] = "product_loop";
const char usage_text[] = "usage: product_loop [-t threads] [-n vectors] [-r rows] [-d dim] [-s seconds] type ...\n";

struct work {
	pthread_t thread;
	const struct kernels *k;
	struct tensor t;
	struct inputs in;
	double seconds, took;	/* at least, and of the best product */
};

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *
multiply(void *arg)
{
	struct work *w = arg;
	const size_t rows = w->t.dim[1], n = w->in.n;
	float *out = xcalloc(rows * n, sizeof *out);
	unsigned char *whole = xcalloc(w->k->scratch(n) + 64, 1), *scratch = whole + (64 - (uintptr_t)whole % 64) % 64;
	const double start = now();
	w->took = 1e9;
	for (double begin = start, end; begin < start + w->seconds; begin = end) {
		w->k->matmul(&w->t, 0, rows, &w->in, out, rows, scratch);
		end = now();
		w->took = end - begin < w->took ? end - begin : w->took;
	}
	xfree(out), xfree(whole);
	return NULL;
}

/* Random blocks; all scales are 1, so that no product is not a number. */
static struct tensor
tensor_of(uint32_t type, size_t dim, size_t rows)
{
	const struct format *f = tensor_format(type);
	struct tensor t = {.type = type, .n_dims = 2, .dim = {dim, rows, 1, 1}};
	unsigned char *p = xreallocarray(NULL, tensor_row_bytes(&t), rows);
	t.data = p;
	for (size_t i = 0; i < dim / f->block * rows; i++, p += f->bytes) {
		make_block(type, (uint32_t)i, p);
		for (int k = 0; k < 2; k++)
			if (scales_at[type][k])
				put_half(p + scales_at[type][k] - 1, 0x3c00);
	}
	return t;
}

static void
loop(const struct kernels *k, uint32_t type, size_t threads, size_t n, size_t dim, size_t rows, double seconds)
{
	struct work *w = xcalloc(threads, sizeof *w);
	double gb = 0, mac = 0;
	for (size_t i = 0; i < threads; i++) {
		float *x = xcalloc(dim * n, sizeof *x);
		struct qblock *q = xcalloc(dim / 32 * n, sizeof *q);
		for (size_t j = 0; j < dim * n; j++)
			x[j] = (float)(int32_t)(mix(j) >> 32) * 0x1p-31f;
		for (size_t j = 0; j < n; j++)
			quantize_input(k, q, x + j * dim, dim, n, j);
		w[i] = (struct work){.k = k, .t = tensor_of(type, dim, rows), .in = {.x = x, .q = q, .n = n}, .seconds = seconds};
		if (meets_rounded(k, &w[i].t)) {
			uint16_t *b = xcalloc(dim * (n + 1), sizeof *b);
			for (size_t j = 0; j < n; j++)
				round_input(k, b, x + j * dim, dim, n, j);
			w[i].in.rounded = b;
		}
	}
	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&w[i].thread, NULL, multiply, w + i))
			die("cannot start %zu threads", threads);
	for (size_t i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		gb += (double)(tensor_row_bytes(&w[i].t) * rows) / w[i].took / 1e9;
		mac += (double)(dim * rows * n) / w[i].took / 1e9;
		xfree((void *)(uintptr_t)w[i].t.data), xfree((void *)(uintptr_t)w[i].in.x), xfree((void *)(uintptr_t)w[i].in.q);
		xfree((void *)(uintptr_t)w[i].in.rounded);
	}
	printf("%-8s %-10s n %3zu %7.2f GB/s %7.2f GMAC/s\n", k->name, tensor_format(type)->name, n, gb, mac);
	fflush(stdout);
	xfree(w);
}

int
main(int argc, char **argv)
{
	size_t threads = 1, n = 1, dim = 2048, rows = 64;
	double seconds = 0.1;
	for (int opt; (opt = getopt(argc, argv, ":d:n:r:s:t:")) != -1;)
		switch (opt) {
		case 'd': dim = (size_t)arg_long('d', optarg, 256, 1 << 20) / 256 * 256; break;
		case 'n': n = (size_t)arg_long('n', optarg, 1, 4096); break;
		case 'r': rows = (size_t)arg_long('r', optarg, 1, 1 << 20); break;
		case 's': seconds = atof(optarg); break;
		case 't': threads = (size_t)arg_long('t', optarg, 1, 1024); break;
		default: die_option(opt, optopt);
		}
	for (char **name = argv + optind; *name; name++)
		for (uint32_t type = 0; type < T_COUNT; type++)
			if (!strcasecmp(*name, "all") || !strcasecmp(*name, tensor_format(type)->name)) {
				const struct tensor t = {.type = type};
				if (tensor_readable(&t) && type != T_LLAMA2C_Q8 && type != T_MXFP4_SPLIT)
					loop(kernels_choose(), type, threads, n, dim, rows, seconds);
			}
	return 0;
}
