/* draft.c - tokens guessed ahead; see draft.h. */
#include "draft.h"

#include "lookup.h"

#include <string.h>

/* How often guesses behind a match of a length came true; old ones fade. */
struct luck {
	double hits, tries;
};

/* Seconds that passes with so many guesses took; 0: not known, or too long ago. */
struct cost {
	double seconds;
	unsigned age;		/* passes since it was measured */
};

enum { COST_AGE = 128 };

struct draft {
	struct context *c;
	size_t length;		/* of the context without the guesses in it */
	size_t most, width;
	struct lookup seen;
	struct luck luck[LOOKUP_MOST + 1];
	struct cost cost[DRAFT_MOST + 1];
	uint32_t *ids;		/* tokens and guesses of a pass */
	size_t ids_cap;
	float *rows;		/* of the guesses in the context from `first` on; a rows_room() */
	size_t first;
};

/* Where the rows of a pass go to. */
struct pass {
	struct draft *d;
	size_t end;		/* position of the first guess */
	rows_fn *fn;
	void *arg;
	double told;		/* seconds that fn took */
};

struct draft *
draft_new(struct context *c, size_t most, size_t width)
{
	struct draft *d = xcalloc(1, sizeof *d);
	d->c = c;
	d->most = most;
	d->width = width;
	d->length = context_length(c);
	for (size_t i = LOOKUP_LEAST; i <= LOOKUP_MOST; i++) /* longer matches are better ones */
		d->luck[i] = (struct luck){(double)i / (double)(i + 2), 1};
	for (size_t i = 0; most && i < d->length; i++)
		lookup_add(&d->seen, context_token(c, i));
	return d;
}

void
draft_free(struct draft *d)
{
	lookup_free(&d->seen);
	xfree(d->ids);
	rows_room_free(d->rows);
	xfree(d);
}

size_t
draft_length(const struct draft *d)
{
	return d->length;
}

void
draft_rewind(struct draft *d, size_t length)
{
	context_rewind(d->c, length);
	d->length = length;
	lookup_cut(&d->seen, length);
}

/* A token came: was it the one that followed where the same stood before? */
static void
learn(struct draft *d, uint32_t id)
{
	size_t place, n = lookup_find(&d->seen, &place);
	if (!n)
		return;
	struct luck *l = d->luck + n;
	l->hits = l->hits * 0.95 + (lookup_token(&d->seen, place, 0) == id);
	l->tries = l->tries * 0.95 + 1;
}

/* What a pass with n guesses should take: as measured, else between its neighbours; beyond
 * these each more takes a quarter of a pass without any. */
static double
expected(const struct draft *d, size_t n)
{
	size_t below = n, above = n;
	while (below && d->cost[below].seconds <= 0)
		below--;
	while (above <= d->most && d->cost[above].seconds <= 0)
		above++;
	const double low = d->cost[below].seconds, more = (double)(n - below);
	if (below == above)
		return low;
	if (above > d->most)
		return low + more * d->cost[0].seconds / 4;
	return low + more * (d->cost[above].seconds - low) / (double)(above - below);
}

/* How many guesses behind a match of `match` tokens give most tokens in the time. */
static size_t
how_many(const struct draft *d, size_t match, size_t room)
{
	const size_t most = room < d->most ? room : d->most;
	double best = 1.05 / d->cost[0].seconds, tokens = 1, chance = 1; /* a gain, not a gamble */
	size_t n = 0;
	for (size_t i = 1; i <= most; i++) {
		const struct luck *l = d->luck + (match + i - 1 < LOOKUP_MOST ? match + i - 1 : LOOKUP_MOST);
		chance *= l->hits / l->tries;
		tokens += chance;
		if (tokens / expected(d, i) > best) {
			best = tokens / expected(d, i);
			n = i;
		}
	}
	return n;
}

/* Put guesses behind the n tokens that are to be fed; returns how many. */
static size_t
guess(struct draft *d, size_t n)
{
	size_t place, match = lookup_find(&d->seen, &place), room = context_left(d->c);
	if (!match || room <= n || d->cost[0].seconds <= 0)
		return 0;
	const size_t more = how_many(d, match, room - n);
	d->ids = grow(d->ids, &d->ids_cap, n + more, sizeof *d->ids);
	for (size_t i = 0; i < more; i++)
		d->ids[n + i] = lookup_token(&d->seen, place, i);
	return more;
}

/* Where the row at a position is kept; the first guess is at `first`. */
static float *
guessed_row(const struct draft *d, size_t position, size_t first)
{
	return d->rows + (position - first) * rows_apart(d->width);
}

/* A row of a pass: told, or kept. */
static void
take(void *arg, size_t position, size_t n, float *row)
{
	struct pass *p = arg;
	const struct draft *d = p->d;
	if (position < p->end) {
		const double start = seconds_now();
		p->fn(p->arg, position, n, row);
		p->told += seconds_now() - start;
	} else {
		memcpy(guessed_row(d, position, p->end), row, d->width * sizeof *row);
	}
}

/* One pass over one token and n guesses took so long. */
static void
count(struct draft *d, size_t n, double seconds)
{
	struct cost *c = d->cost + n;
	const double most = 2 * c->seconds; /* somebody else was on the machine */
	c->seconds = c->seconds > 0 ? c->seconds + ((seconds < most ? seconds : most) - c->seconds) / 4 : seconds;
	c->age = 0;
	for (size_t i = 1; i <= d->most; i++)
		if (++d->cost[i].age > COST_AGE)
			d->cost[i].seconds = 0;
}

static void
feed(struct draft *d, const struct feed *f, bool ahead, rows_fn *fn, void *arg)
{
	struct pass p = {.d = d, .end = d->length + f->n, .fn = fn, .arg = arg};
	d->ids = grow(d->ids, &d->ids_cap, f->n, sizeof *d->ids);
	memcpy(d->ids, f->ids, f->n * sizeof *d->ids);
	const size_t more = ahead ? guess(d, f->n) : 0;
	if (more && !d->rows)
		d->rows = rows_room(d->most, d->width);
	d->first = d->length = p.end;
	const double start = seconds_now();
	context_feed(d->c, &(struct feed){.ids = d->ids, .n = f->n + more, .wanted = f->wanted}, take, &p);
	if (ahead && f->n == 1)
		count(d, more, seconds_now() - start - p.told);
}

void
draft_feed(struct draft *d, const struct feed *f, bool ahead, rows_fn *fn, void *arg)
{
	size_t at = 0;
	if (!d->most) {
		context_feed(d->c, f, fn, arg);
		d->length = context_length(d->c);
		return;
	}
	for (size_t i = 0; i < f->n; i++) {
		if (ahead)
			learn(d, f->ids[i]);
		lookup_add(&d->seen, f->ids[i]);
	}
	for (; at < f->n && d->length < context_length(d->c) && context_token(d->c, d->length) == f->ids[at]; at++) {
		const size_t position = d->length++;
		if (at >= f->wanted)
			fn(arg, position, 1, guessed_row(d, position, d->first));
	}
	if (at == f->n)
		return;
	context_rewind(d->c, d->length);
	feed(d, &(struct feed){.ids = f->ids + at, .n = f->n - at, .wanted = f->wanted > at ? f->wanted - at : 0}, ahead,
		fn, arg);
}
