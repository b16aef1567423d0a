/* candidates.c - the tokens that may be drawn; see candidates.h. */
#include "candidates.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* The pivots halve the part that is looked at, so this is O(n); where bad luck or a
 * bad stream has it otherwise, sorting is the way out. */
size_t
candidates_first(struct candidate *c, size_t n, double need, bool mass)
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

/* So many may turn out not to be allowed before all are asked for. */
enum { ASK_FEW = 256 };

static bool
has(const uint64_t *set, size_t i)
{
	return set[i / 64] >> i % 64 & 1;
}

/* The first of the highest in block b whose bits in `set` are `as`; SIZE_MAX: there is none. */
static size_t
highest_of(const struct logits *r, size_t b, const uint64_t *set, bool as)
{
	const size_t end = logits_end(r, b);
	float best = -INFINITY;
	size_t id = SIZE_MAX;
	for (size_t i = b * BLOCK; i < end; i += 64) {
		const uint64_t w = as ? set[i / 64] : ~set[i / 64];
		const size_t n = end - i < 64 ? end - i : 64;
		for (size_t k = 0; w && k < n; k++)
			if (r->x[i + k] > best && w >> k & 1) {
				best = r->x[i + k];
				id = i + k;
			}
	}
	return id;
}

static void
begin(struct candidates *l)
{
	l->n = 0;
	l->best = (struct candidate){-INFINITY, 0, 0};
}

static void
add(struct candidates *l, float logit, size_t id)
{
	l->c[l->n++] = (struct candidate){logit, (uint32_t)id, 0};
	if (logit > l->best.logit)
		l->best = l->c[l->n - 1];
}

/* How a row is loaded. */
struct load {
	struct candidates *l;
	struct logits *r;
	const uint64_t *set;		/* all that are allowed; or */
	const struct allowed *ask;	/* who is asked about one at a time; neither: all are */
	size_t most;
	size_t refused;
};

/* A block in the heap: the higher, the earlier. */
static void
put_block(struct load *a, size_t b)
{
	union { float f; uint32_t u; } x = {.f = a->r->high[b]};
	const uint32_t order = x.u >> 31 ? x.u : ~x.u & 0x7FFFFFFF;
	heap_put(&a->l->heap, (uint64_t)order << 32 | b);
}

static bool
is_allowed(struct load *a, size_t id)
{
	struct candidates *l = a->l;
	if (!a->ask)
		return !a->set || has(a->set, id);
	if (has(l->yes, id) || has(l->no, id))
		return has(l->yes, id);
	const bool yes = a->ask->one(a->ask->arg, (uint32_t)id);
	(yes ? l->yes : l->no)[id / 64] |= UINT64_C(1) << id % 64;
	a->refused += !yes;
	return yes;
}

/* Find the highest of block b that is allowed, as far as that is known; false: there is none. */
static bool
find_top(struct load *a, size_t b)
{
	const size_t id = highest_of(a->r, b, a->set ? a->set : a->l->no, a->set != NULL);
	a->l->top[b] = (uint32_t)id;
	a->r->high[b] = id == SIZE_MAX ? -INFINITY : a->r->x[id];
	return id != SIZE_MAX;
}

/*
 * *bar = what the `most` likeliest have at least: as many blocks have one with so much. Of the blocks, the one whose
 * highest is the highest comes first, so that few are looked at, and few are asked about. False: too many are not allowed.
 */
static bool
find_bar(struct load *a, float *bar)
{
	struct candidates *l = a->l;
	size_t n = 0;
	*bar = -FLT_MAX;
	if (a->most >= a->r->blocks)
		return !a->ask;
	l->top = grow(l->top, &l->top_cap, a->r->blocks, sizeof *l->top);
	l->heap.n = 0;
	for (size_t b = 0; b < a->r->blocks; b++) {
		l->top[b] = UINT32_MAX; /* not known */
		put_block(a, b);
	}
	for (float high = 0; n < a->most && l->heap.n && a->refused < ASK_FEW;) {
		const size_t b = (uint32_t)heap_take(&l->heap);
		const bool plain = !a->set && !a->ask, known = plain || l->top[b] != UINT32_MAX;
		high = a->r->high[b];
		if (!known && !find_top(a, b))
			continue;
		if (!known && a->r->high[b] < high) {
			put_block(a, b);
		} else if (plain || is_allowed(a, l->top[b])) {
			*bar = high;
			n++;
		} else {
			l->top[b] = UINT32_MAX;
			put_block(a, b);
		}
	}
	if (n < a->most || *bar < -FLT_MAX)
		*bar = -FLT_MAX;
	return a->refused < ASK_FEW;
}

/* False: too many are not allowed, or all. */
static bool
load(struct load *a)
{
	struct candidates *l = a->l;
	const float *x = a->r->x;
	float bar;
	if (!find_bar(a, &bar))
		return false;
	begin(l);
	for (size_t b = 0; b < a->r->blocks; b++) {
		const size_t end = a->r->high[b] >= bar ? logits_end(a->r, b) : 0;
		for (size_t i = b * BLOCK; i < end && a->refused < ASK_FEW; i++)
			if (x[i] >= bar && is_allowed(a, i))
				add(l, x[i], i);
	}
	return l->n > 0 && a->refused < ASK_FEW;
}

static void
clear_answers(struct candidates *l, size_t width)
{
	const size_t words = (width + 63) / 64;
	l->yes = grow(l->yes, &l->yes_cap, words, sizeof *l->yes);
	l->no = grow(l->no, &l->no_cap, words, sizeof *l->no);
	memset(l->yes, 0, words * sizeof *l->yes);
	memset(l->no, 0, words * sizeof *l->no);
}

static int
compare_ids(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Which of the likeliest few are allowed; NULL: none. */
static const uint64_t *
ask_few(struct candidates *l, const struct logits *row, const struct allowed *allowed)
{
	candidates_above(l, row, -FLT_MAX);
	const size_t n = l->n > ASK_MOST ? candidates_first(l->c, l->n, ASK_MOST, false) : l->n;
	bool any = false;
	qsort(l->c, n, sizeof *l->c, compare_ids);
	clear_answers(l, row->n);
	for (size_t i = 0; i < n; i++)
		if (allowed->one(allowed->arg, l->c[i].id)) {
			l->yes[l->c[i].id / 64] |= UINT64_C(1) << l->c[i].id % 64;
			any = true;
		}
	return any ? l->yes : NULL;
}

bool
candidates_keep(struct candidates *l, struct logits *row, const struct allowed *allowed)
{
	const uint64_t *set = allowed->all(allowed->arg, EFFORT_CHEAP);
	if (!set)
		set = allowed->all(allowed->arg, EFFORT_DEAR);
	if (!set)
		set = ask_few(l, row, allowed);
	if (!set)
		set = allowed->all(allowed->arg, EFFORT_END);
	logits_keep(row, set);
	return logits_best(row) > -INFINITY;
}

bool
candidates_load(struct candidates *l, struct logits *row, const struct allowed *allowed, size_t most)
{
	struct load all = {.l = l, .r = row, .most = most};
	struct load asking = all;
	l->c = grow(l->c, &l->cap, row->n, sizeof *l->c);
	if (allowed)
		all.set = allowed->all(allowed->arg, EFFORT_CHEAP);
	if (!allowed || all.set)
		return load(&all);
	asking.ask = allowed;
	clear_answers(l, row->n);
	return load(&asking) || (candidates_keep(l, row, allowed) && load(&all));
}

void
candidates_above(struct candidates *l, const struct logits *row, double least)
{
	const float from = nextafterf((float)least, -INFINITY); /* it may have been rounded */
	l->c = grow(l->c, &l->cap, row->n, sizeof *l->c);
	begin(l);
	for (size_t b = 0; b < row->blocks; b++) {
		const size_t end = row->high[b] >= from ? logits_end(row, b) : 0;
		for (size_t i = b * BLOCK; i < end; i++)
			if (row->x[i] >= from && row->x[i] > -INFINITY)
				add(l, row->x[i], i);
	}
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
		have = candidates_first(l->c, have, (double)n, false);
		bar = l->c[0];
		for (size_t j = 1; j < have; j++)
			if (before(&bar, &l->c[j]))
				bar = l->c[j];
	}
	if (have > n)
		have = candidates_first(l->c, have, (double)n, false);
	l->n = have;
	if (sort)
		qsort(l->c, l->n, sizeof *l->c, compare);
}

void
candidates_best(struct candidates *l)
{
	l->best = l->c[0];
	for (size_t i = 1; i < l->n; i++)
		if (before(&l->c[i], &l->best))
			l->best = l->c[i];
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
	xfree(l->top);
	xfree(l->yes);
	xfree(l->no);
	xfree(l->heap.v);
}
