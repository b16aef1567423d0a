/* sampler.c - from a row of logits to one token; see sampler.h. */
#include "sampler.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Two runs in the same second, or without a random device, still differ. */
static uint64_t
seed_any(void)
{
	uint64_t seed = 0;
	struct timespec t = {0};
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, &seed, sizeof seed) != sizeof seed)
			seed = 0;
		close(fd);
	}
	clock_gettime(CLOCK_REALTIME, &t);
	return seed ^ (uint64_t)t.tv_sec << 30 ^ (uint64_t)t.tv_nsec ^ (uint64_t)getpid() << 48;
}

void
sampler_init(struct sampler *s)
{
	*s = (struct sampler){0};
	for (int i = 0; i < N_STEPS; i++)
		s->value[i] = steps[i].missing;
	s->seed = seed_any();
}

static void
set_step(struct sampler *s, const struct step *st, int opt, const char *arg)
{
	s->value[st - steps] = st->whole ? (double)arg_long(opt, arg, (long)st->min, (long)st->max)
					 : arg_double(opt, arg, st->min, st->max);
}

/* name=value[,name=value...] */
static void
set_steps(struct sampler *s, const char *arg)
{
	char *text = xstrdup(arg), *next = text;
	for (char *item; (item = next);) {
		next = strchr(item, ',');
		if (next)
			*next++ = '\0';
		char *value = strchr(item, '=');
		if (!value)
			die_usage("-o '%s': it needs name=value, as in -o typical=0.95", item);
		*value++ = '\0';
		int i = 0;
		while (i < N_STEPS && strcmp(steps[i].name, item))
			i++;
		if (i == N_STEPS)
			die_usage("-o '%s': no such step; llm-sample(1) lists them under STEPS", item);
		set_step(s, &steps[i], 'o', value);
	}
	xfree(text);
}

bool
sampler_option(struct sampler *s, int opt, const char *arg)
{
	if (opt == 'o') {
		set_steps(s, arg);
		return true;
	}
	for (int i = 0; i < N_STEPS; i++)
		if (steps[i].option && steps[i].option == opt) {
			set_step(s, &steps[i], opt, arg);
			return true;
		}
	return false;
}

/* Where a repetition that DRY looks for ends: llama.cpp's sequence breakers. */
void
sampler_find(struct sampler *s, struct vocab *v, const char *model)
{
	bias_find(&s->bias, v, model);
	if (!sampler_likes_vocab(s))
		return;
	s->breaks.n = vocab_size(v);
	s->breaks.bit = xcalloc(s->breaks.n / 64 + 1, sizeof *s->breaks.bit);
	for (uint32_t id = 0; id < s->breaks.n; id++) {
		size_t n;
		const char *text = vocab_text(v, id, false, &n);
		for (size_t i = 0; i < n; i++)
			if (text[i] && strchr("\n:\"*", text[i]))
				s->breaks.bit[id / 64] |= UINT64_C(1) << id % 64;
	}
}

bool
sampler_ends(const struct sampler *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_eog; i++)
		if (s->eog[i] == id)
			return true;
	return false;
}

/* What the constraint is asked about. */
struct question {
	const struct sampler *s;
	const struct sequence *q;
	size_t width;
	long left;
	struct draw *d;
};

/* Whether an id may come now; one that ends, where the text may end. */
static bool
may_come(void *arg, uint32_t id)
{
	const struct question *a = arg;
	const struct constraint *c = a->s->constraint;
	return sampler_ends(a->s, id) ? c->may_end(a->q->text) : c->may_come(a->q->text, a->left, id);
}

/* All these ids; NULL: it would take more effort. */
static const uint64_t *
all_allowed(void *arg, enum effort effort)
{
	const struct question *a = arg;
	const struct constraint *c = a->s->constraint;
	const size_t words = (a->width + 63) / 64;
	uint64_t *set = a->d->allowed;
	if (!set)
		a->d->allowed = set = xcalloc(words, sizeof *set);
	memset(set, 0xff, words * sizeof *set);
	if (!c->allow(a->q->text, a->left, effort, set))
		return NULL;
	const bool end = c->may_end(a->q->text);
	for (size_t i = 0; i < a->s->n_eog; i++) {
		const uint32_t id = a->s->eog[i];
		if (id < a->width && end)
			set[id / 64] |= UINT64_C(1) << id % 64;
		else if (id < a->width)
			set[id / 64] &= ~(UINT64_C(1) << id % 64);
	}
	return set;
}

/* A token by chance, by its weight; *p = its share of them. */
static uint32_t
pick(struct draw *d, double temperature, double random, double *p)
{
	const struct candidates *l = &d->list;
	double sum = 0;
	size_t i = 0;
	if (d->whole) {
		sum = logits_sum(&d->row, temperature);
		const uint32_t id = logits_pick(&d->row, temperature, random * sum, p);
		*p /= sum;
		return id;
	}
	for (size_t k = 0; k < l->n; k++)
		sum += l->c[k].p;
	for (double u = random * sum; i + 1 < l->n; i++) {
		u -= l->c[i].p;
		if (u < 0)
			break;
	}
	*p = l->c[i].p / sum;
	return l->c[i].id;
}

/* Whether step i changes something. */
static bool
is_on(const struct sampler *s, int i)
{
	const bool by_surprise = s->value[STEP_MIROSTAT] != steps[STEP_MIROSTAT].off;
	return steps[i].run && s->value[i] != steps[i].off && !(by_surprise && steps[i].cuts);
}

/* How many of the likeliest tokens are enough to draw from; 0: it can't be said. */
static size_t
most_wanted(const struct sampler *s)
{
	if (s->value[STEP_TEMPERATURE] == 0 && !is_on(s, STEP_TYPICAL) && !is_on(s, STEP_XTC))
		return 1;
	return is_on(s, STEP_TOP_K) ? (size_t)s->value[STEP_TOP_K] : 0;
}

/* Without top-k: of the whole row, those that the steps can leave in; or, if these may be any, it is drawn from as it is. */
static void
load_reach(const struct sampler *s, const struct sequence *q, struct draw *d)
{
	const int end = is_on(s, STEP_TYPICAL) ? STEP_TYPICAL + 1 : N_STEPS; /* those behind it see only what it leaves */
	double reach = INFINITY;
	for (int i = STEP_TOP_K; i < end; i++)
		if (is_on(s, i) && steps[i].reach)
			reach = fmin(reach, steps[i].reach(d, q, s->value));
	d->whole = reach == INFINITY && s->value[STEP_TEMPERATURE] > 0;
	if (d->whole && is_on(s, STEP_XTC))
		reach = xtc_reach(d, s->value);
	else if (d->whole)
		return;
	candidates_above(&d->list, &d->row, (double)logits_best(&d->row) - reach);
}

/* False: none of those allowed (NULL: all) can be drawn. */
static bool
load(const struct sampler *s, const struct sequence *q, struct draw *d, const struct allowed *allowed)
{
	const size_t most = most_wanted(s);
	d->whole = false;
	d->mass = 0;
	d->list.n = 0;
	if (most)
		return candidates_load(&d->list, &d->row, allowed, most);
	if (allowed && !candidates_keep(&d->list, &d->row, allowed))
		return false;
	load_reach(s, q, d);
	return true;
}

static void
run(const struct sampler *s, struct sequence *q, struct draw *d, int from, int end)
{
	for (int i = from; i < end; i++)
		if (is_on(s, i))
			steps[i].run(d, q, s->value, &s->breaks);
}

bool
sampler_draw(const struct sampler *s, struct sequence *q, const struct row_reader *r, long left,
	struct draw *d, uint32_t *id)
{
	const double random = sequence_random(q);
	struct question a = {s, q, r->h.width, left, d};
	const struct allowed allowed = {may_come, all_allowed, &a};
	double p;
	logits_take(&d->row, r);
	bias_apply(&s->bias, &d->row);
	if (logits_best(&d->row) == -INFINITY)
		rows_bad(r, "-b leaves no token to choose");
	run(s, q, d, 0, STEP_TOP_K);
	if (!load(s, q, d, q->text ? &allowed : NULL)) {
		if (!s->constraint->may_end(q->text))
			rows_bad(r, "no token that may come now goes on with the text as asked");
		return false;
	}
	run(s, q, d, STEP_TOP_K, N_STEPS);
	*id = pick(d, s->value[STEP_TEMPERATURE], random, &p);
	if (is_on(s, STEP_MIROSTAT))
		mirostat_learn(q, s->value, p);
	return true;
}

void
draw_free(struct draw *d)
{
	logits_free(&d->row);
	candidates_free(&d->list);
	xfree(d->allowed);
	xfree(d->past);
	xfree(d->match);
	xfree(d->repeat);
}
