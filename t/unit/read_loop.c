/*
 * read_loop.c - how fast this machine reads memory: read_loop THREADS [MB]. Prints the GB/s
 * of the best of a few passes of all threads, each over a part of its own. For t/bench: no
 * engine can generate faster than its weights can be read.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compat.h"
#include "util.h"

const char progname[] = "read_loop";
const char usage_text[] = "usage: read_loop threads [MB]\n";

struct part {
	pthread_t thread;
	const unsigned char *p;
	size_t n;
	uint64_t sum;
};

/* Sums in eight lanes and four chains: any compiler makes vectors of it. */
static void *
read_part(void *arg)
{
	struct part *part = arg;
	uint64_t sum[32] = {0}, x[32];
	for (size_t i = 0; i + sizeof x <= part->n; i += sizeof x) {
		memcpy(x, part->p + i, sizeof x);
		for (int k = 0; k < 32; k++)
			sum[k] += x[k];
	}
	for (int k = 0; k < 32; k++)
		part->sum += sum[k];
	return NULL;
}

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		die_usage("how many threads?");
	const size_t threads = (size_t)arg_long('t', argv[1], 1, 1024);
	const size_t bytes = (size_t)(argc > 2 ? arg_long('m', argv[2], 1, 1 << 20) : 512) << 20;
	void *p = NULL;
	if (posix_memalign(&p, 2 << 20, bytes))
		die("out of memory");
	struct part *part = xcalloc(threads, sizeof *part);
	double best = 0;
	want_large_pages(p, bytes); /* as models are mapped */
	memset(p, 1, bytes);
	for (int pass = 0; pass < 5; pass++) {
		const double start = now();
		for (size_t i = 0; i < threads; i++) {
			part[i].p = (unsigned char *)p + bytes / threads * i;
			part[i].n = bytes / threads;
			if (pthread_create(&part[i].thread, NULL, read_part, part + i))
				die("cannot start %zu threads", threads);
		}
		for (size_t i = 0; i < threads; i++)
			pthread_join(part[i].thread, NULL);
		const double speed = (double)bytes / (now() - start) / 1e9;
		best = speed > best ? speed : best;
	}
	printf("%.2f\n", best);
	return part[0].sum == 0; /* it counts, so it is not left out */
}
