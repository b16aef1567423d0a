/* draft_test.c - guesses ahead: the rows are those of a context that guesses nothing. MODEL. */
#include "draft.h"
#include "lookup.h"
#include "model.h"

#include <stdlib.h>
#include <string.h>

const char progname[] = "draft_test";
const char usage_text[] = "usage: draft_test model\n";

static int failed;

static void
check(bool ok, const char *what)
{
	printf("%s %s\n", ok ? "ok" : "not ok", what);
	failed |= !ok;
}

/* All rows that came, as one number; positions count. */
struct sum {
	uint64_t hash;
	size_t n, width;
};

static void
hash_rows(void *arg, size_t position, size_t n, float *rows)
{
	struct sum *s = arg;
	const uint32_t *p = (const void *)rows;
	for (size_t i = 0; i < n; i++, s->n++) {
		s->hash = (s->hash ^ (position + i)) * 0x9E3779B97F4A7C15;
		for (size_t k = 0; k < s->width; k++)
			s->hash = (s->hash ^ p[i * s->width + k]) * 0x100000001b3;
	}
}

/* A conversation: a prompt, replies of one token or some, rewinds, up to the end of the context. */
struct talk {
	struct context *c;
	struct draft *d;
	struct sum sum;
	size_t guessed, taken;	/* times that guesses were in the context, and came true */
};

static void
say(struct talk *t, const uint32_t *ids, size_t n, size_t wanted, bool ahead)
{
	const size_t before = context_length(t->c);
	draft_feed(t->d, &(struct feed){.ids = ids, .n = n, .wanted = wanted}, ahead, hash_rows, &t->sum);
	t->guessed += context_length(t->c) > draft_length(t->d);
	t->taken += ahead && context_length(t->c) == before;
}

static void
converse(struct talk *t, size_t n_vocab)
{
	uint32_t verse[24];
	const uint32_t lines = context_max(t->c) / 16 < 24 ? (uint32_t)context_max(t->c) / 16 : 24;
	for (uint32_t i = 0; i < lines; i++)
		verse[i] = (i * i * 31 + 5) % (uint32_t)n_vocab;
	say(t, verse, lines, lines - 1, false);
	for (uint32_t i = 0; i < 6 * lines; i++) {
		const uint32_t id = i > 3 * lines && i % lines == 3 ? i / lines : verse[i % lines]; /* another word */
		say(t, &id, 1, 0, true);
	}
	draft_rewind(t->d, draft_length(t->d) - lines - 1);
	for (uint32_t i = 0; i + 3 <= lines; i += 3)
		say(t, verse + i, 3, 0, true);
	draft_rewind(t->d, 2 * lines);
	say(t, verse, 1, 0, true);
	draft_rewind(t->d, draft_length(t->d));
	check(context_length(t->c) == 2 * lines + 1, "a rewind forgets guesses");
	for (uint32_t i = 1; draft_length(t->d) < context_max(t->c); i++)
		say(t, verse + i % lines, 1, 0, true);
	check(context_length(t->c) == context_max(t->c), "guesses end where the context does");
}

static struct talk
talk(const struct model *m, struct pool *p, size_t most)
{
	const struct part all = whole(m);
	struct talk t = {.c = context_new(m, kernels_choose(), p, KV_F16, &all), .sum.width = m->shape.n_vocab};
	t.d = draft_new(t.c, most, m->shape.n_vocab);
	converse(&t, m->shape.n_vocab);
	draft_free(t.d);
	context_free(t.c);
	return t;
}

/* The index against a plain search. */
static void
test_lookup(void)
{
	struct lookup l = {.n = 0};
	bool ok = true;
	uint32_t x = 1;
	for (int step = 0; step < 20000 && ok; step++) {
		size_t place = 0, best = 0;
		x = x * 1664525 + 1013904223;
		if (x >> 24 == 0)
			lookup_cut(&l, l.n - l.n * (x >> 16 & 255) / 512);
		lookup_add(&l, x >> 20 & 15);
		const size_t n = lookup_find(&l, &place);
		for (size_t at = l.n - 1, tries = 0; at > 0 && l.n > 1 && tries < 32 && best < LOOKUP_MOST; at--) {
			size_t same = 0;
			while (same < LOOKUP_MOST && same < at && l.token[at - 1 - same] == l.token[l.n - 1 - same])
				same++;
			tries += same >= 2;
			best = same >= 2 && same > best ? same : best;
		}
		ok = n == best;
		for (size_t i = 0; i < n && ok; i++)
			ok = l.token[place - 1 - i] == l.token[l.n - 1 - i];
	}
	check(ok, "the longest match of the latest places");
	lookup_free(&l);
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		die_usage("which model?");
	struct model *m = model_new(weights_open(argv[1]));
	struct pool *p = pool_new(2);
	test_lookup();
	const struct talk plain = talk(m, p, 0), few = talk(m, p, 3), many = talk(m, p, DRAFT_MOST);
	check(plain.guessed == 0, "no guesses unless they are asked for");
	check(few.guessed > 0 && few.taken > 0 && many.guessed > 0 && many.taken > 0, "there are guesses, and they come true");
	check(few.sum.n == plain.sum.n && few.sum.hash == plain.sum.hash, "up to 3 guesses: the same rows");
	check(many.sum.n == plain.sum.n && many.sum.hash == plain.sum.hash, "up to 31 guesses: the same rows");
	return failed;
}
