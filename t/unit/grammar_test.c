/*
 * grammar_test.c - grammars without a model.
 *
 * match: stdin holds texts, each ended by NUL; for each "1" if the grammar has it, else "0".
 * draw: texts from random logits, each piece with its length in a byte before it, an empty one at the end.
 * time: microseconds a token that the sets of such texts take: median, 99 % and the most.
 */
#include "ere.h"
#include "gbnf.h"
#include "guide.h"
#include "schema.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char progname[] = "grammar_test";
const char usage_text[] =
	"usage: grammar_test [-g file | -e regex | -j file] match <texts\n"
	"       grammar_test [-g file | -e regex | -j file] [-n tokens] [-c count] [-s seed] draw|time vocabulary\n";

struct task {
	struct grammar *g;
	long limit, count;
	uint64_t seed;
};

static uint64_t
next(uint64_t *s)
{
	uint64_t z = *s += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void
match(struct task *t)
{
	struct stacks s;
	char *in = NULL;
	size_t n = 0, cap = 0, got;
	do {
		in = grow(in, &cap, n + (1 << 16), 1);
		n += got = read_some(0, -1, in + n, cap - n, "stdin");
	} while (got);
	stacks_init(&s, t->g);
	for (char *text = in, *end; text < in + n && (end = memchr(text, 0, (size_t)(in + n - text))); text = end + 1) {
		place p = stacks_start(&s);
		for (char *c = text; c < end; c++)
			p = stacks_next(&s, p, t->g->class[(unsigned char)*c]);
		puts(stacks_may_end(&s, p) ? "1" : "0");
	}
	stacks_free(&s);
	xfree(in);
}

/* One of the ids in the set, all alike; `end`: or none (-1). */
static int64_t
draw(const uint64_t *set, size_t words, bool end, uint64_t *seed)
{
	uint64_t n = end;
	for (size_t i = 0; i < words; i++)
		n += (uint64_t)__builtin_popcountll(set[i]);
	if (!n)
		return -1;
	uint64_t k = next(seed) % n;
	if (end && !k--)
		return -1;
	for (size_t i = 0;; i++) {
		uint64_t w = set[i], in = (uint64_t)__builtin_popcountll(w);
		for (; k < in; k--, w &= w - 1)
			if (!k)
				return (int64_t)(64 * i) + __builtin_ctzll(w);
		k -= in;
	}
}

struct times {
	double *us;
	size_t n, cap;
};

static double
now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
text(struct task *t, struct constraint c, struct vocab *v, uint64_t *set, struct times *times)
{
	void *state = c.begin(c.rules, NULL, 0);
	const size_t words = (vocab_size(v) + 63) / 64;
	bool prefix = vocab_space_prefix(v);
	for (long n = 0; !t->limit || n < t->limit; n++) {
		memset(set, 0xFF, words * sizeof *set);
		double from = now();
		c.allow(state, t->limit ? t->limit - n : 0, set);
		times->us = grow(times->us, &times->cap, times->n + 1, sizeof *times->us);
		times->us[times->n++] = now() - from;
		int64_t id = draw(set, words, c.may_end(state), &t->seed);
		if (id < 0)
			break;
		c.take(state, (uint32_t)id);
		size_t len;
		const char *piece = vocab_line_text(v, (uint32_t)id, false, &prefix, &len);
		for (size_t n_part; len; piece += n_part, len -= n_part) {
			n_part = len < 255 ? len : 255;
			putchar((int)n_part);
			fwrite(piece, 1, n_part, stdout);
		}
		if (c.must_end(state))
			break;
	}
	if (!c.may_end(state))
		die("a text is not finished");
	putchar(0);
	c.end(state);
}

static int
compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void
texts(struct task *t, const char *vocab, bool time)
{
	struct vocab *v = vocab_open(vocab);
	double from = now();
	struct guide *d = guide_new(t->g, v, vocab_size(v));
	struct times times = {0};
	uint64_t *set = xcalloc((vocab_size(v) + 63) / 64, sizeof *set);
	double built = now() - from;
	if (time && !freopen("/dev/null", "w", stdout))
		die("/dev/null:");
	for (long i = 0; i < t->count; i++)
		text(t, guide_constraint(d), v, set, &times);
	if (time) {
		double sum = 0;
		for (size_t i = 0; i < times.n; i++)
			sum += times.us[i];
		qsort(times.us, times.n, sizeof *times.us, compare);
		fprintf(stderr, "built=%.0f tokens=%zu mean=%.1f median=%.1f p99=%.1f most=%.1f places=%zu states=%zu classes=%u\n", built,
			times.n, sum / (double)times.n, times.us[times.n / 2], times.us[times.n * 99 / 100],
			times.us[times.n - 1], d->stacks.n_places, t->g->n_states, t->g->n_classes);
	}
	xfree(times.us);
	xfree(set);
	guide_free(d);
	vocab_free(v);
}

int
main(int argc, char **argv)
{
	struct task t = {.count = 1};
	struct map m;
	start();
	for (int c; (c = getopt(argc, argv, ":c:e:g:j:n:s:")) != -1;)
		switch (c) {
		case 'c': t.count = arg_long(c, optarg, 0, 1 << 30); break;
		case 'e': t.g = ere_read("-e", optarg); break;
		case 'g': m = map_file(optarg), t.g = gbnf_read(optarg, (const char *)m.data, m.size); break;
		case 'j': m = map_file(optarg), t.g = schema_read(optarg, (const char *)m.data, m.size); break;
		case 'n': t.limit = arg_long(c, optarg, 0, 1 << 30); break;
		case 's': t.seed = arg_u64(c, optarg); break;
		default: die_option(c, optopt);
		}
	const char *what = argv[optind], *vocab = what ? argv[optind + 1] : NULL;
	if (!t.g || !what)
		die_usage("what?");
	if (!strcmp(what, "match"))
		match(&t);
	else if (vocab)
		texts(&t, vocab, !strcmp(what, "time"));
	grammar_free(t.g);
	return 0;
}
