/* beside_test.c - sequences in one pass: the rows are those of each alone. MODEL. */
#include "model.h"
#include "forward.h"

#include <stdlib.h>

const char progname[] = "beside_test";
const char usage_text[] = "usage: beside_test model\n";

enum { SEQUENCES = 11 };

/* A sequence, and all rows that came of it as one number; positions count. */
struct sequence {
	struct context *c;
	uint32_t *ids;
	size_t n, at, width, rows;
	uint64_t hash;
};

static void
hash_rows(void *arg, size_t position, size_t n, float *rows)
{
	struct sequence *s = arg;
	const uint32_t *p = (const void *)rows;
	for (size_t i = 0; i < n; i++, s->rows++) {
		s->hash = (s->hash ^ (position + i)) * 0x9E3779B97F4A7C15;
		for (size_t k = 0; k < s->width; k++)
			s->hash = (s->hash ^ p[i * s->width + k]) * 0x100000001b3;
	}
}

static uint32_t
next(uint32_t *x)
{
	return (*x = *x * 1664525 + 1013904223) >> 8;
}

static void
begin(struct sequence *s, struct context *c, const struct model *m, uint32_t number)
{
	uint32_t x = number;
	*s = (struct sequence){.c = c, .n = context_max(c) - number % 3, .width = m->shape.n_vocab};
	s->ids = xcalloc(s->n, sizeof *s->ids);
	for (size_t i = 0; i < s->n; i++)
		s->ids[i] = next(&x) % (uint32_t)m->shape.n_vocab;
}

/* Passes over some of the sequences, some tokens of each, now and then a rewind, until all are full. */
static void
feed_together(struct sequence *s, uint32_t x)
{
	for (size_t n = 1; n;) {
		struct portion p[SEQUENCES];
		struct sequence *who[SEQUENCES];
		n = 0;
		size_t open = 0;
		for (struct sequence *q = s; q < s + SEQUENCES; q++) {
			const size_t left = q->n - q->at, some = next(&x) % 4 ? 1 : 1 + next(&x) % 40;
			open += left > 0;
			if (!left || next(&x) % 3 == 0)
				continue;
			if (q->at == q->n / 2 && next(&x) % 2)
				context_rewind(q->c, q->at -= q->at / 3);
			who[n] = q;
			p[n++] = (struct portion){.c = q->c, .fn = hash_rows, .arg = q, .feed = {.ids = q->ids + q->at,
				.n = some < q->n - q->at ? some : q->n - q->at}};
		}
		if (n)
			contexts_feed(p, n);
		for (size_t i = 0; i < n; i++)
			who[i]->at += p[i].fed;
		n = open;
	}
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		die_usage("which model?");
	struct model *m = model_new(weights_open(argv[1]));
	const struct part all = whole(m);
	struct context *first = context_new(m, kernels_choose(), pool_new(2), KV_F16, &all);
	struct sequence s[SEQUENCES];
	size_t right = 0;
	for (uint32_t i = 0; i < SEQUENCES; i++)
		begin(s + i, i ? context_beside(first) : first, m, i);
	feed_together(s, 7);
	for (struct sequence *q = s; q < s + SEQUENCES; q++) {
		const struct sequence together = *q;
		q->hash = q->rows = q->at = 0;
		context_rewind(first, 0);
		q->c = first;
		/* the same rewind, if there was one */
		const size_t again = together.rows > q->n ? q->n / 2 : 0;
		for (size_t at = 0; at < q->n; at++) {
			if (again && at == again && q->rows == again)
				context_rewind(first, at -= at / 3);
			context_feed(first, &(struct feed){.ids = q->ids + at, .n = 1}, hash_rows, q);
		}
		right += q->hash == together.hash && q->rows == together.rows;
	}
	printf("%s %zu of %d sequences have the rows that they have alone\n", right == SEQUENCES ? "ok" : "not ok", right, SEQUENCES);
	return right != SEQUENCES;
}
