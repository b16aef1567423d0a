/* steps.c - the chain from a row of logits to what is drawn from; see steps.h. */
#include "steps.h"

#include <math.h>
#include <stdlib.h>

#define SLACK 1e-6 /* in a logit, so that rounding leaves none out that a step would take */

static void
top_k(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	(void)q, (void)breaks;
	if (value[STEP_TOP_K] < (double)d->list.n)
		candidates_top(&d->list, (size_t)value[STEP_TOP_K], false);
}

/* The weights of all that are in play, of the list in p; what comes after a step has the list alone. */
static double
weigh_all(struct draw *d)
{
	const double own = candidates_weigh(&d->list), all = d->mass;
	d->mass = 0;
	return all > 0 ? all : own;
}

/* By how far a candidate's surprise is from the mean one. */
static int
compare_p(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return x->p < y->p ? -1 : x->p > y->p ? 1 : x->id < y->id ? -1 : x->id > y->id;
}

/* Meister et al., arXiv:2202.00666. */
static void
typical(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	struct candidates *l = &d->list;
	const bool known = d->mass > 0;
	const double norm = log(weigh_all(d));
	double entropy = known ? d->entropy : 0, sum = 0;
	size_t n = 0;
	(void)q, (void)breaks;
	for (size_t i = 0; i < l->n && !known; i++) {
		const double logp = (double)l->c[i].logit - l->best.logit - norm;
		entropy -= exp(logp) * logp;
	}
	for (size_t i = 0; i < l->n; i++)
		l->c[i].p = fabs(-((double)l->c[i].logit - l->best.logit - norm) - entropy);
	qsort(l->c, l->n, sizeof *l->c, compare_p);
	while (n < l->n && sum < value[STEP_TYPICAL])
		sum += exp((double)l->c[n++].logit - l->best.logit - norm);
	l->n = n ? n : 1;
	candidates_best(l);
}

/*
 * Those with a probability below (1 - p) / n make up less than 1 - p, so p can be had of the others. Of these all are
 * nearer to the mean surprise than what is left out, if they go as far beyond it as it is from 0.
 */
static double
typical_reach(struct draw *d, const struct sequence *q, const double *value)
{
	(void)q;
	d->mass = logits_sum(&d->row, 1);
	d->entropy = logits_entropy(&d->row, d->mass);
	return fmax(2 * d->entropy, log((double)d->row.n / (1 - value[STEP_TYPICAL]))) + SLACK - log(d->mass);
}

static void
top_p(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	(void)q, (void)breaks;
	const double sum = weigh_all(d);
	d->list.n = candidates_first(d->list.c, d->list.n, value[STEP_TOP_P] * sum, true);
}

/* As for typical: the least likely, which make up less than 1 - p. */
static double
top_p_reach(struct draw *d, const struct sequence *q, const double *value)
{
	(void)q;
	d->mass = logits_sum(&d->row, 1);
	return log((double)d->row.n / (1 - value[STEP_TOP_P])) + SLACK - log(d->mass);
}

static void
min_p(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	struct candidates *l = &d->list;
	size_t n = 0;
	(void)q, (void)breaks;
	for (size_t i = 0; i < l->n; i++)
		if (exp((double)l->c[i].logit - l->best.logit) >= value[STEP_MIN_P])
			l->c[n++] = l->c[i];
	l->n = n;
}

static double
min_p_reach(struct draw *d, const struct sequence *q, const double *value)
{
	(void)d, (void)q;
	return SLACK - log(value[STEP_MIN_P]);
}

/* Exclude top choices, by p-e-w (github.com/oobabooga/text-generation-webui/pull/6335): of those
 * that are likely enough only the least likely stays. */
static void
xtc(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	struct candidates *l = &d->list;
	const bool now = sequence_random(q) < value[STEP_XTC];
	const double least = value[STEP_XTC_LEAST] * weigh_all(d);
	size_t keep = l->n, likely = 0, n = 0;
	(void)breaks;
	for (size_t i = 0; i < l->n; i++) {
		if (l->c[i].p < least)
			continue;
		likely++;
		if (keep == l->n || l->c[i].logit < l->c[keep].logit ||
			(l->c[i].logit == l->c[keep].logit && l->c[i].id > l->c[keep].id))
			keep = i;
	}
	if (!now || likely < 2)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (l->c[i].p < least || i == keep)
			l->c[n++] = l->c[i];
		else if (d->whole)
			logits_set(&d->row, l->c[i].id, -INFINITY);
	l->n = n;
	candidates_best(l);
}

double
xtc_reach(struct draw *d, const double *value)
{
	d->mass = logits_sum(&d->row, 1);
	return fmax(SLACK - log(value[STEP_XTC_LEAST] * d->mass), 0);
}

/* Sets the weights that the draw is by. */
static void
temperature(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	struct candidates *l = &d->list;
	const double t = value[STEP_TEMPERATURE];
	(void)q, (void)breaks;
	if (t == 0) {
		l->c[0] = l->best;
		l->n = 1;
	}
	for (size_t i = 0; i < l->n; i++)
		l->c[i].p = l->n == 1 ? 1 : exp(((double)l->c[i].logit - l->best.logit) / t);
}

/* Basu et al., arXiv:2007.14966, algorithm 2: those whose surprise, in bits, is above a
 * bound go; the bound begins at twice the aim. */
static double
mirostat_bound(const struct sequence *q, const double *value)
{
	return 2 * value[STEP_MIROSTAT] + q->drift;
}

static void
mirostat(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	struct candidates *l = &d->list;
	const double bound = mirostat_bound(q, value);
	double sum = 0;
	size_t n = 0;
	(void)breaks;
	for (size_t i = 0; i < l->n; i++)
		sum += l->c[i].p;
	sum = d->mass > 0 ? d->mass : sum;
	d->mass = 0;
	const double least = sum * exp2(-bound);
	for (size_t i = 0; i < l->n; i++)
		if (l->c[i].p >= least || l->c[i].id == l->best.id)
			l->c[n++] = l->c[i];
	l->n = n;
}

/* Here, and here alone, weights are those that the temperature made. */
static double
mirostat_reach(struct draw *d, const struct sequence *q, const double *value)
{
	const double t = value[STEP_TEMPERATURE];
	d->mass = logits_sum(&d->row, t);
	return fmax(t * (mirostat_bound(q, value) * log(2) + SLACK - log(d->mass)), 0);
}

void
mirostat_learn(struct sequence *q, const double *value, double p)
{
	q->drift -= value[STEP_MIROSTAT_RATE] * (-log2(p) - value[STEP_MIROSTAT]);
}

const struct step steps[N_STEPS] = {
	[STEP_LAST] = {0, "last", true, 64, 1, INT32_MAX, -1, false, NULL, NULL},
	[STEP_REPEAT] = {0, "repeat", false, 1, 0.01, 100, 1, false, step_repeat, NULL},
	[STEP_FREQUENCY] = {0, "frequency", false, 0, -100, 100, 0, false, step_frequency, NULL},
	[STEP_PRESENCE] = {0, "presence", false, 0, -100, 100, 0, false, step_presence, NULL},
	[STEP_DRY_BASE] = {0, "dry-base", false, 1.75, 1, 100, -1, false, NULL, NULL},
	[STEP_DRY_LENGTH] = {0, "dry-length", true, 2, 1, INT32_MAX, -1, false, NULL, NULL},
	[STEP_DRY] = {0, "dry", false, 0, 0, 100, 0, false, step_dry, NULL},
	[STEP_TOP_K] = {'k', "top-k", true, 40, 0, INT32_MAX, 0, true, top_k, NULL},
	[STEP_TYPICAL] = {0, "typical", false, 1, 0, 1, 1, true, typical, typical_reach},
	[STEP_TOP_P] = {'P', "top-p", false, 0.9, 0, 1, 1, true, top_p, top_p_reach},
	[STEP_MIN_P] = {'m', "min-p", false, 0.05, 0, 1, 0, true, min_p, min_p_reach},
	[STEP_XTC_LEAST] = {0, "xtc-least", false, 0.1, 0, 1, -1, false, NULL, NULL},
	[STEP_XTC] = {0, "xtc", false, 0, 0, 1, 0, true, xtc, NULL},
	[STEP_TEMPERATURE] = {'t', "temperature", false, 0.7, 0, 1000, -1, false, temperature, NULL},
	[STEP_MIROSTAT_RATE] = {0, "mirostat-rate", false, 0.1, 0, 10, -1, false, NULL, NULL},
	[STEP_MIROSTAT] = {0, "mirostat", false, 0, 0, 100, 0, false, mirostat, mirostat_reach},
};
