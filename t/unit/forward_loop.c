/*
 * forward_loop.c - the forward pass alone, called in a loop: forward_loop [-t threads] [-n tokens]
 * [-b batch] [-d depth] model. Feeds `batch` tokens a pass behind `depth` tokens of context, takes
 * the rows of all of them and does nothing with them. Prints tokens a second. For t/bench: what
 * the pipe could reach at most.
 */
#include "forward.h"
#include "model.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

const char progname[] = "forward_loop";
const char usage_text[] = "usage: forward_loop [-t threads] [-n tokens] [-b batch] [-d depth] model\n";

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void
nothing(void *arg, size_t position, size_t n, float *rows)
{
	(void)position, (void)rows;
	*(size_t *)arg += n;
}

int
main(int argc, char **argv)
{
	long threads = 1, n = 64, batch = 1, depth = 1;
	for (int opt; (opt = getopt(argc, argv, ":b:d:n:t:")) != -1;)
		switch (opt) {
		case 'b': batch = arg_long('b', optarg, 1, 512); break;
		case 'd': depth = arg_long('d', optarg, 1, 1 << 20); break;
		case 'n': n = arg_long('n', optarg, 1, 1 << 20); break;
		case 't': threads = arg_long('t', optarg, 1, 1024); break;
		default: die_option(opt, optopt);
		}
	struct model *m = model_new(weights_open(model_path(argv[optind])));
	const struct part all = whole(m);
	struct context *c = context_new(m, kernels_choose(), pool_new((int)threads), KV_F16, &all);
	const size_t total = (size_t)depth + (size_t)batch + (size_t)n;
	uint32_t *ids = xcalloc(total, sizeof *ids);
	size_t rows = 0;
	if (total > context_max(c))
		die("%ld tokens behind %ld do not fit into the context of %zu", n, depth, context_max(c));
	for (size_t i = 0; i < total; i++)
		ids[i] = (uint32_t)(i * 7919 % m->shape.n_vocab);
	context_feed(c, &(struct feed){.ids = ids, .n = (size_t)depth, .wanted = (size_t)depth - 1}, nothing, &rows);
	rows = 0;
	const double start = now();
	while (rows < (size_t)n)
		context_feed(c, &(struct feed){.ids = ids + depth + rows, .n = (size_t)batch}, nothing, &rows);
	printf("%.3f\n", (double)rows / (now() - start));
	return 0;
}
