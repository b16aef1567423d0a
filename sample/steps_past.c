/* steps_past.c - steps that look back on the tokens of the sequence; see steps.h. */
#include "steps.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* d->past = the last tokens, the newest last. */
static void
look_back(struct draw *d, const struct sequence *q, const double *value)
{
	const size_t all = q->n_seen, n = value[STEP_LAST] < (double)all ? (size_t)value[STEP_LAST] : all;
	d->past = grow(d->past, &d->past_cap, n, sizeof *d->past);
	for (size_t i = 0; i < n; i++)
		d->past[i] = q->seen[all - n + i].token;
	d->n_past = n;
}

static int
compare_ids(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* The logit of one of the row's tokens, unless nothing may make it one that can be drawn. */
static void
change(struct logits *row, uint32_t id, double to)
{
	if (row->x[id] > -INFINITY)
		logits_set(row, id, (float)fmax(fmin(to, FLT_MAX), -FLT_MAX));
}

/* logit = fn(logit, times that the token stands in the past, by) */
static void
change_past(struct draw *d, const struct sequence *q, const double *value, double (*fn)(double, size_t, double), double by)
{
	look_back(d, q, value);
	qsort(d->past, d->n_past, sizeof *d->past, compare_ids);
	for (size_t i = 0, times; i < d->n_past; i += times) {
		for (times = 1; i + times < d->n_past && d->past[i + times] == d->past[i];)
			times++;
		if (d->past[i] < d->row.n)
			change(&d->row, d->past[i], fn(d->row.x[d->past[i]], times, by));
	}
}

/* Keskar et al., arXiv:1909.05858. */
static double
repeated(double logit, size_t times, double by)
{
	(void)times;
	return logit > 0 ? logit / by : logit * by;
}

static double
frequent(double logit, size_t times, double by)
{
	return logit - (double)times * by;
}

static double
present(double logit, size_t times, double by)
{
	(void)times;
	return logit - by;
}

void
step_repeat(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	(void)breaks;
	change_past(d, q, value, repeated, value[STEP_REPEAT]);
}

void
step_frequency(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	(void)breaks;
	change_past(d, q, value, frequent, value[STEP_FREQUENCY]);
}

void
step_presence(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	(void)breaks;
	change_past(d, q, value, present, value[STEP_PRESENCE]);
}

/* match[i]: how many tokens up to place i before the end are those up to the end; the Z function of
 * the past read backwards. */
static void
find_matches(struct draw *d)
{
	const size_t n = d->n_past;
	d->match = grow(d->match, &d->match_cap, n, sizeof *d->match);
	for (size_t i = 1, left = 0, right = 0; i < n; i++) {
		size_t z = i < right ? (d->match[i - left] < right - i ? d->match[i - left] : right - i) : 0;
		while (i + z < n && d->past[n - 1 - z] == d->past[n - 1 - i - z])
			z++;
		if (i + z > right) {
			left = i;
			right = i + z;
		}
		d->match[i] = z;
	}
}

/* The longest of an id first. */
static int
compare_repeats(const void *a, const void *b)
{
	const struct repeat *x = a, *y = b;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return x->n > y->n ? -1 : x->n < y->n;
}

/*
 * "Don't repeat yourself", by p-e-w (github.com/oobabooga/text-generation-webui/pull/5677), as
 * llama.cpp has it: a token that would make a repetition of n >= length tokens longer loses
 * dry base^(n - length). No repetition goes beyond a break.
 */
void
step_dry(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	const size_t length = (size_t)value[STEP_DRY_LENGTH];
	size_t most;
	look_back(d, q, value);
	const size_t n = d->n_past;
	for (most = 0; most < n; most++) {
		const uint32_t id = d->past[n - 1 - most];
		if (id < breaks->n && breaks->bit[id / 64] >> id % 64 & 1)
			break;
	}
	if (most < length)
		return;
	find_matches(d);
	/* Of several repetitions that a token would go on with, the longest counts. */
	size_t repeats = 0;
	d->repeat = grow(d->repeat, &d->repeat_cap, n, sizeof *d->repeat);
	for (size_t i = 1; i < n; i++) {
		const size_t same = d->match[i] < most ? d->match[i] : most;
		if (same >= length)
			d->repeat[repeats++] = (struct repeat){d->past[n - i], same};
	}
	qsort(d->repeat, repeats, sizeof *d->repeat, compare_repeats);
	for (size_t i = 0; i < repeats; i++) {
		const struct repeat *r = &d->repeat[i];
		if (r->id < d->row.n && (!i || r[-1].id != r->id))
			change(&d->row, r->id, d->row.x[r->id] -
				(float)fmin(value[STEP_DRY] * pow(value[STEP_DRY_BASE], (double)(r->n - length)), 1e30));
	}
}
