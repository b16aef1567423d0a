/* sampler.c - from a row of logits to one token; see sampler.h. */
#include "sampler.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The order of candidates: the likelier first, the lower id among equals. */
static bool
before(const struct candidate *a, const struct candidate *b)
{
	return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

static int
compare(const void *a, const void *b)
{
	return before(a, b) ? -1 : before(b, a);
}

static void
swap(struct candidate *a, struct candidate *b)
{
	struct candidate t = *a;
	*a = *b;
	*b = t;
}

bool
candidates_load(struct candidates *l, const struct row_reader *r, const uint64_t *allowed)
{
	const size_t width = r->h.width;
	rows_best(r); /* or it is not one */
	size_t n = 0;
	struct candidate best = {-INFINITY, 0, 0};
	l->c = grow(l->c, &l->cap, width, sizeof *l->c);
	for (size_t i = 0; i < width; i++) {
		const float x = r->x[i];
		if (x < -FLT_MAX || (allowed && !(allowed[i / 64] >> i % 64 & 1)))
			continue;
		l->c[n].logit = x;
		l->c[n++].id = (uint32_t)i;
		if (x > best.logit) {
			best.logit = x;
			best.id = (uint32_t)i;
		}
	}
	l->n = n;
	l->best = best;
	return n > 0;
}

/*
 * Bring the first candidates to the front, unordered, until there are `need` of
 * them or, with `mass`, until their p sum to `need`; returns how many. The
 * pivots halve the part that is looked at, so this is O(n); where bad luck or a
 * bad stream has it otherwise, sorting is the way out.
 */
static size_t
select_first(struct candidate *c, size_t n, double need, bool mass)
{
	size_t lo = 0, hi = n;
	for (int round = 0; lo < hi; round++) {
		if (round == 60)
			qsort(c + lo, hi - lo, sizeof *c, compare);
		if (round >= 60) {
			need -= mass ? c[lo].p : 1;
			lo++;
			if (need <= 0)
				return lo;
			continue;
		}
		size_t mid = lo + (hi - lo) / 2, last = hi - 1, m = lo;
		if (before(&c[mid], &c[lo]))
			swap(&c[mid], &c[lo]);
		if (before(&c[last], &c[lo]))
			swap(&c[last], &c[lo]);
		if (before(&c[mid], &c[last]))
			swap(&c[mid], &c[last]); /* the median of the three is the pivot */
		double left = 0;
		for (size_t i = lo; i < last; i++) {
			if (!before(&c[i], &c[last]))
				continue;
			left += mass ? c[i].p : 1;
			swap(&c[i], &c[m++]);
		}
		swap(&c[m], &c[last]);
		double with = left + (mass ? c[m].p : 1);
		if (left >= need) {
			hi = m;
		} else if (with >= need) {
			return m + 1;
		} else {
			need -= with;
			lo = m + 1;
		}
	}
	return lo ? lo : 1;
}

void
candidates_top(struct candidates *l, size_t n, bool sort)
{
	/* Few of many: pass once over all, with a bar that rises. */
	size_t room = n < l->n / 4 ? 2 * n + 64 : l->n, have = 0;
	struct candidate bar = {-INFINITY, 0, 0};
	for (size_t i = 0; i < l->n; i++) {
		if (!before(&l->c[i], &bar))
			continue;
		l->c[have++] = l->c[i];
		if (have < room || room == l->n)
			continue;
		have = select_first(l->c, have, (double)n, false);
		bar = l->c[0];
		for (size_t j = 1; j < have; j++)
			if (before(&bar, &l->c[j]))
				bar = l->c[j];
	}
	if (have > n)
		have = select_first(l->c, have, (double)n, false);
	l->n = have;
	if (sort)
		qsort(l->c, l->n, sizeof *l->c, compare);
}

double
candidates_weigh(struct candidates *l)
{
	double sum = 0, best = l->best.logit;
	for (size_t i = 0; i < l->n; i++) {
		l->c[i].p = exp(l->c[i].logit - best);
		sum += l->c[i].p;
	}
	return sum;
}

void
candidates_free(struct candidates *l)
{
	xfree(l->c);
}

static void
top_k(struct candidates *l, double k)
{
	if (k < (double)l->n)
		candidates_top(l, (size_t)k, false);
}

static void
top_p(struct candidates *l, double p)
{
	double sum = candidates_weigh(l);
	l->n = select_first(l->c, l->n, p * sum, true);
}

static void
min_p(struct candidates *l, double p)
{
	size_t n = 0;
	for (size_t i = 0; i < l->n; i++)
		if (exp((double)l->c[i].logit - l->best.logit) >= p)
			l->c[n++] = l->c[i];
	l->n = n;
}

/* The last step: sets the weights that the draw is by. */
static void
temperature(struct candidates *l, double t)
{
	if (t == 0) {
		l->c[0] = l->best;
		l->n = 1;
	}
	for (size_t i = 0; i < l->n; i++)
		l->c[i].p = l->n == 1 ? 1 : exp(((double)l->c[i].logit - l->best.logit) / t);
}

/* The chain, in the order in which it is applied. */
static const struct step {
	char option;
	bool whole;		/* takes whole numbers only */
	double missing;		/* the value where the option is not given */
	double min, max;	/* that the option takes */
	double off;		/* the value that has the step change nothing */
	void (*run)(struct candidates *l, double value);
} steps[SAMPLER_STEPS] = {
	{'k', true, 40, 0, INT32_MAX, 0, top_k},
	{'P', false, 0.9, 0, 1, 1, top_p},
	{'m', false, 0.05, 0, 1, 0, min_p},
	{'t', false, 0.7, 0, 1000, -1, temperature},
};

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
	for (int i = 0; i < SAMPLER_STEPS; i++)
		s->value[i] = steps[i].missing;
	s->seed = seed_any();
}

bool
sampler_option(struct sampler *s, int opt, const char *arg)
{
	for (int i = 0; i < SAMPLER_STEPS; i++) {
		const struct step *st = &steps[i];
		if (st->option != opt)
			continue;
		s->value[i] = st->whole ? (double)arg_long(opt, arg, (long)st->min, (long)st->max)
					: arg_double(opt, arg, st->min, st->max);
		return true;
	}
	return false;
}

bool
sampler_ends(const struct sampler *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_eog; i++)
		if (s->eog[i] == id)
			return true;
	return false;
}

/* The ids that the constraint allows now, and those that end where it may end. */
static const uint64_t *
allowed(const struct sampler *s, const struct sequence *q, size_t width, long left, struct draw *d)
{
	const size_t words = (width + 63) / 64;
	if (!q->text)
		return NULL;
	if (!d->allowed)
		d->allowed = xcalloc(words, sizeof *d->allowed);
	memset(d->allowed, 0xff, words * sizeof *d->allowed);
	s->constraint->allow(q->text, left, d->allowed);
	const bool end = s->constraint->may_end(q->text);
	for (size_t i = 0; i < s->n_eog; i++) {
		const uint32_t id = s->eog[i];
		if (id < width && end)
			d->allowed[id / 64] |= UINT64_C(1) << id % 64;
		else if (id < width)
			d->allowed[id / 64] &= ~(UINT64_C(1) << id % 64);
	}
	return d->allowed;
}

static uint32_t
pick(const struct candidates *l, double random)
{
	double sum = 0;
	for (size_t i = 0; i < l->n; i++)
		sum += l->c[i].p;
	double u = random * sum;
	for (size_t i = 0; i + 1 < l->n; i++) {
		u -= l->c[i].p;
		if (u < 0)
			return l->c[i].id;
	}
	return l->c[l->n - 1].id;
}

bool
sampler_draw(const struct sampler *s, struct sequence *q, const struct row_reader *r, long left,
	struct draw *d, uint32_t *id)
{
	struct candidates *l = &d->list;
	const double random = sequence_random(q);
	if (!candidates_load(l, r, allowed(s, q, r->h.width, left, d))) {
		if (!s->constraint->may_end(q->text))
			rows_bad(r, "no token that may come now goes on with the text as asked");
		return false;
	}
	for (int i = 0; i < SAMPLER_STEPS; i++)
		if (s->value[i] != steps[i].off)
			steps[i].run(l, s->value[i]);
	*id = pick(l, random);
	return true;
}

void
draw_free(struct draw *d)
{
	candidates_free(&d->list);
	xfree(d->allowed);
}
