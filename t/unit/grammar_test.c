/*
 * grammar_test.c - grammars without a model.
 *
 * match: stdin holds texts, each ended by NUL; for each "1" if the grammar has it, else "0".
 * draw: texts from random logits, each piece with its length in a byte before it, an empty one at the end.
 * time: microseconds a token that the sets of such texts take: median, 99 % and the most; with -k the candidates, of
 * which no more are wanted.
 * same: whether asking of one id, of all, and of the likeliest alone says the same; prints how often all could be asked.
 */
#include "candidates.h"
#include "grammar/ere.h"
#include "grammar/gbnf.h"
#include "grammar/guide.h"
#include "grammar/schema.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char progname[] = "grammar_test";
const char usage_text[] =
	"usage: grammar_test [-g file | -e regex | -j file] match <texts\n"
	"       grammar_test [-g file | -e regex | -j file] [-n tokens] [-c count] [-k most] [-s seed] draw|time|same vocabulary\n";

struct task {
	struct grammar *g;
	long limit, count, most;
	uint64_t seed;
	bool same;
	long checked;
	/* a step of a text */
	struct constraint c;
	void *text;
	long left;
	uint64_t *set;
	size_t width;
	struct row_reader row;
	struct logits logits;
	struct candidates list, all;
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

static bool
ask_one(void *arg, uint32_t id)
{
	const struct task *t = arg;
	return t->c.may_come(t->text, t->left, id);
}

static const uint64_t *
ask_all(void *arg, enum effort effort)
{
	const struct task *t = arg;
	memset(t->set, 0xFF, (t->width + 63) / 64 * sizeof *t->set);
	return t->c.allow(t->text, t->left, effort, t->set) ? t->set : NULL;
}

/* The same, of an answer that is there: for whoever asks first, or last. */
static const uint64_t *
answer(void *arg, enum effort effort)
{
	const struct task *t = arg;
	(void)effort;
	return t->set;
}

static const uint64_t *
late_answer(void *arg, enum effort effort)
{
	const struct task *t = arg;
	return effort ? t->set : NULL;
}

static bool
is_set(void *arg, uint32_t id)
{
	const struct task *t = arg;
	return t->set[id / 64] >> id % 64 & 1;
}

/* A row of logits, bell-shaped or so. */
static void
make_row(struct task *t)
{
	for (size_t i = 0; i < t->width; i++) {
		const uint64_t r = next(&t->seed);
		t->row.x[i] = (float)((double)(r & 0xFFFF) + (double)(r >> 16 & 0xFFFF) + (double)(r >> 32 & 0xFFFF)) / 8192;
	}
}

static void
check_same(struct task *t)
{
	for (uint32_t id = 0; id < t->width; id++)
		if (ask_one(t, id) != is_set(t, id))
			die("id %u: alone it is %sallowed", id, ask_one(t, id) ? "" : "not ");
	const struct allowed asked = {ask_one, late_answer, t}, known = {is_set, answer, t};
	for (size_t most = 1; most < 200; most = 3 * most + 1) {
		const uint64_t seed = t->seed;
		make_row(t);
		logits_take(&t->logits, &t->row);
		const bool a = candidates_load(&t->list, &t->logits, &asked, most);
		t->seed = seed;
		make_row(t);
		logits_take(&t->logits, &t->row);
		const bool b = candidates_load(&t->all, &t->logits, &known, most);
		if (a != b || t->list.n != t->all.n || memcmp(t->list.c, t->all.c, t->all.n * sizeof *t->all.c) ||
			(b && t->list.best.id != t->all.best.id))
			die("of the %zu likeliest, %zu and %zu", most, t->list.n, t->all.n);
	}
}

/* What may come, with the time it takes; one of it, or -1: the end. */
static int64_t
step(struct task *t, struct times *times)
{
	const struct allowed allowed = {ask_one, ask_all, t};
	const bool likeliest = t->most && !t->same;
	bool any = true, all = false;
	if (likeliest)
		make_row(t);
	const double from = now();
	if (likeliest) {
		logits_take(&t->logits, &t->row);
		any = candidates_load(&t->list, &t->logits, &allowed, (size_t)t->most);
	}
	if (!likeliest && !(all = ask_all(t, EFFORT_DEAR)))
		ask_all(t, EFFORT_END);
	times->us = grow(times->us, &times->cap, times->n + 1, sizeof *times->us);
	times->us[times->n++] = now() - from;
	if (t->same && all) {
		check_same(t);
		t->checked++;
	}
	if (!likeliest)
		return draw(t->set, (t->width + 63) / 64, t->c.may_end(t->text), &t->seed);
	return any && !(t->c.may_end(t->text) && next(&t->seed) % 16 == 0) ? (int64_t)t->list.best.id : -1;
}

static void
text(struct task *t, struct vocab *v, struct times *times)
{
	bool prefix = vocab_space_prefix(v);
	t->text = t->c.begin(t->c.rules, NULL, 0);
	for (long n = 0; !t->limit || n < t->limit; n++) {
		t->left = t->limit ? t->limit - n : 0;
		const int64_t id = step(t, times);
		if (id < 0)
			break;
		t->c.take(t->text, (uint32_t)id);
		size_t len;
		const char *piece = vocab_line_text(v, (uint32_t)id, false, &prefix, &len);
		for (size_t n_part; len; piece += n_part, len -= n_part) {
			n_part = len < 255 ? len : 255;
			putchar((int)n_part);
			fwrite(piece, 1, n_part, stdout);
		}
		if (t->c.must_end(t->text))
			break;
	}
	if (!t->c.may_end(t->text))
		die("a text is not finished");
	putchar(0);
	t->c.end(t->text);
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
	double built = now() - from;
	t->c = guide_constraint(d);
	t->width = vocab_size(v);
	t->set = xcalloc((t->width + 63) / 64, sizeof *t->set);
	t->row = (struct row_reader){.name = "row", .h.width = (uint32_t)t->width, .x = xcalloc(t->width, sizeof *t->row.x)};
	if ((time || t->same) && !freopen("/dev/null", "w", stdout))
		die("/dev/null:");
	for (long i = 0; i < t->count; i++)
		text(t, v, &times);
	if (t->same)
		fprintf(stderr, "checked=%ld tokens=%zu\n", t->checked, times.n);
	else if (time) {
		double sum = 0;
		for (size_t i = 0; i < times.n; i++)
			sum += times.us[i];
		qsort(times.us, times.n, sizeof *times.us, compare);
		fprintf(stderr, "built=%.0f tokens=%zu mean=%.1f median=%.1f p99=%.1f most=%.1f places=%zu states=%zu classes=%u\n", built,
			times.n, sum / (double)times.n, times.us[times.n / 2], times.us[times.n * 99 / 100],
			times.us[times.n - 1], d->stacks.n_places, t->g->n_states, t->g->n_classes);
	}
	xfree(times.us);
	xfree(t->set);
	xfree(t->row.x);
	logits_free(&t->logits);
	candidates_free(&t->list);
	candidates_free(&t->all);
	guide_free(d);
	vocab_free(v);
}

int
main(int argc, char **argv)
{
	struct task t = {.count = 1};
	struct map m;
	start();
	for (int c; (c = getopt(argc, argv, ":c:e:g:j:k:n:s:")) != -1;)
		switch (c) {
		case 'c': t.count = arg_long(c, optarg, 0, 1 << 30); break;
		case 'e': t.g = ere_read("-e", optarg); break;
		case 'g': m = map_file(optarg), t.g = gbnf_read(optarg, (const char *)m.data, m.size); break;
		case 'j': m = map_file(optarg), t.g = schema_read(optarg, (const char *)m.data, m.size); break;
		case 'k': t.most = arg_long(c, optarg, 1, 1 << 30); break;
		case 'n': t.limit = arg_long(c, optarg, 0, 1 << 30); break;
		case 's': t.seed = arg_u64(c, optarg); break;
		default: die_option(c, optopt);
		}
	const char *what = argv[optind], *vocab = what ? argv[optind + 1] : NULL;
	if (!t.g || !what)
		die_usage("what?");
	if (!strcmp(what, "match"))
		match(&t);
	else if (vocab) {
		t.same = !strcmp(what, "same");
		texts(&t, vocab, !strcmp(what, "time"));
	}
	grammar_free(t.g);
	return 0;
}
