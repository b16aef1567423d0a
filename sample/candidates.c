/* candidates.c - the tokens that may be drawn; see candidates.h. */
#include "candidates.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

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

/* Logits whose highest is found first. */
enum { BLOCK = 256 };

/* The highest of those n whose bits are set. */
static float
highest_of(const float *x, size_t n, const uint64_t *allowed)
{
	float best = -INFINITY;
	for (size_t i = 0; i < n; i += 64) {
		uint64_t w = allowed[i / 64];
		for (size_t k = i; w && k < n; k++, w >>= 1)
			if (w & 1 && x[k] > best)
				best = x[k];
	}
	return best;
}

/* The highest of each block; how many there are. */
static size_t
find_high(struct candidates *l, const struct row_reader *r, const uint64_t *allowed)
{
	const size_t width = r->h.width, blocks = (width + BLOCK - 1) / BLOCK;
	float best = -INFINITY;
	bool bad = false;
	l->high = grow(l->high, &l->high_cap, blocks, sizeof *l->high);
	for (size_t b = 0; b < blocks; b++) {
		const float *x = r->x + b * BLOCK;
		const size_t n = width - b * BLOCK < BLOCK ? width - b * BLOCK : BLOCK;
		const float high = rows_highest(x, n, &bad);
		best = high > best ? high : best;
		l->high[b] = allowed ? highest_of(x, n, allowed + b * BLOCK / 64) : high;
	}
	rows_check(r, best, bad);
	return blocks;
}

/* What the `most` likeliest have at least: as many blocks have one with so much. */
static float
find_bar(struct candidates *l, size_t blocks, size_t most)
{
	float bar = INFINITY;
	if (!most || most >= blocks)
		return -FLT_MAX;
	for (size_t b = 0; b < blocks; b++)
		l->c[b] = (struct candidate){.logit = l->high[b], .id = (uint32_t)b};
	candidates_first(l->c, blocks, (double)most, false);
	for (size_t i = 0; i < most; i++)
		bar = l->c[i].logit < bar ? l->c[i].logit : bar;
	return bar < -FLT_MAX ? -FLT_MAX : bar;
}

bool
candidates_load(struct candidates *l, const struct row_reader *r, const uint64_t *allowed, size_t most)
{
	const size_t width = r->h.width, blocks = find_high(l, r, allowed);
	l->c = grow(l->c, &l->cap, width, sizeof *l->c);
	const float bar = find_bar(l, blocks, most);
	l->n = 0;
	l->best = (struct candidate){-INFINITY, 0, 0};
	for (size_t b = 0; b < blocks; b++) {
		const size_t end = width - b * BLOCK < BLOCK ? width : (b + 1) * BLOCK;
		for (size_t i = b * BLOCK; l->high[b] >= bar && i < end; i++) {
			if (!(r->x[i] >= bar) || (allowed && !(allowed[i / 64] >> i % 64 & 1)))
				continue;
			l->c[l->n++] = (struct candidate){r->x[i], (uint32_t)i, 0};
			if (r->x[i] > l->best.logit)
				l->best = l->c[l->n - 1];
		}
	}
	return l->n > 0;
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

struct candidate *
candidates_find(const struct candidates *l, uint32_t id)
{
	size_t lo = 0, hi = l->n;
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		if (l->c[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && l->c[lo].id == id ? l->c + lo : NULL;
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
	xfree(l->high);
}
