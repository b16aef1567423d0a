/* logits.c - a row of logits that is being drawn from; see logits.h. */
#include "logits.h"

#include <math.h>
#include <stdlib.h>

size_t
logits_end(const struct logits *l, size_t b)
{
	return (b + 1) * BLOCK < l->n ? (b + 1) * BLOCK : l->n;
}

/* False: a logit of the block is NaN or +infinity. */
static bool
find_high(struct logits *l, size_t b)
{
	bool bad = false;
	l->high[b] = rows_highest(l->x + b * BLOCK, logits_end(l, b) - b * BLOCK, &bad);
	return !bad;
}

/* The same of all blocks. */
static bool
find_all_high(struct logits *l)
{
	bool good = true;
	for (size_t b = 0; b < l->blocks; b++)
		good &= find_high(l, b);
	return good;
}

float
logits_best(const struct logits *l)
{
	float best = -INFINITY;
	for (size_t b = 0; b < l->blocks; b++)
		best = l->high[b] > best ? l->high[b] : best;
	return best;
}

void
logits_take(struct logits *l, const struct row_reader *r)
{
	l->x = r->x;
	l->n = r->h.width;
	l->blocks = (l->n + BLOCK - 1) / BLOCK;
	l->high = grow(l->high, &l->high_cap, l->blocks, sizeof *l->high);
	const bool good = find_all_high(l);
	rows_check(r, logits_best(l), !good);
}

void
logits_set(struct logits *l, uint32_t id, float x)
{
	const size_t b = id / BLOCK;
	const float was = l->x[id];
	l->x[id] = x;
	if (x >= l->high[b])
		l->high[b] = x;
	else if (was == l->high[b])
		find_high(l, b);
}

void
logits_keep(struct logits *l, const uint64_t *set)
{
	for (size_t i = 0; i < l->n; i += 64) {
		const uint64_t w = set[i / 64];
		const size_t n = l->n - i < 64 ? l->n - i : 64;
		for (size_t k = 0; ~w && k < n; k++)
			l->x[i + k] = w >> k & 1 ? l->x[i + k] : -INFINITY;
	}
	find_all_high(l);
}

double
logits_sum(struct logits *l, double t)
{
	const float best = logits_best(l);
	float w[BLOCK];
	double sum = 0;
	l->sum = grow(l->sum, &l->sum_cap, l->blocks, sizeof *l->sum);
	for (size_t b = 0; b < l->blocks; b++) {
		l->sum[b] = l->high[b] > -INFINITY ? weigh(w, l->x + b * BLOCK, logits_end(l, b) - b * BLOCK, best, t) : 0;
		sum += l->sum[b];
	}
	return sum;
}

double
logits_entropy(const struct logits *l, double sum)
{
	const float best = logits_best(l);
	float w[BLOCK];
	double mean = 0;
	for (size_t b = 0; b < l->blocks; b++) {
		const size_t n = logits_end(l, b) - b * BLOCK;
		const float *x = l->x + b * BLOCK;
		if (l->high[b] == -INFINITY)
			continue;
		weigh(w, x, n, best, 1);
		for (size_t i = 0; i < n; i++)
			mean += w[i] > 0 ? (double)w[i] * (double)(best - x[i]) : 0;
	}
	return mean / sum + log(sum);
}

uint32_t
logits_pick(const struct logits *l, double t, double u, double *weight)
{
	const float best = logits_best(l);
	float w[BLOCK];
	size_t b = 0, id = SIZE_MAX;
	for (size_t i = 0; i < l->blocks; i++) /* where rounding leads beyond all, the last one that weighs something */
		if (l->sum[i] > 0) {
			b = i;
			if (u < l->sum[i])
				break;
			u -= l->sum[i];
		}
	const size_t n = logits_end(l, b) - b * BLOCK;
	weigh(w, l->x + b * BLOCK, n, best, t);
	for (size_t i = 0; i < n && (u >= 0 || id == SIZE_MAX); i++)
		if (w[i] > 0) {
			id = b * BLOCK + i;
			*weight = (double)w[i];
			u -= *weight;
		}
	return (uint32_t)id;
}

void
logits_free(struct logits *l)
{
	xfree(l->high);
	xfree(l->sum);
}
