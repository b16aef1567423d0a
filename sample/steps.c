/* steps.c - the chain from a row of logits to what is drawn from; see steps.h. */
#include "steps.h"

#include <math.h>
#include <stdlib.h>

static void
top_k(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	(void)q, (void)breaks;
	if (value[STEP_TOP_K] < (double)d->list.n)
		candidates_top(&d->list, (size_t)value[STEP_TOP_K], false);
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
	const double norm = log(candidates_weigh(l));
	double entropy = 0, sum = 0;
	size_t n = 0;
	(void)q, (void)breaks;
	for (size_t i = 0; i < l->n; i++) {
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

static void
top_p(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	(void)q, (void)breaks;
	const double sum = candidates_weigh(&d->list);
	d->list.n = candidates_first(d->list.c, d->list.n, value[STEP_TOP_P] * sum, true);
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

/* Exclude top choices, by p-e-w (github.com/oobabooga/text-generation-webui/pull/6335): of those
 * that are likely enough only the least likely stays. */
static void
xtc(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	struct candidates *l = &d->list;
	const bool now = sequence_random(q) < value[STEP_XTC];
	const double least = value[STEP_XTC_LEAST] * candidates_weigh(l);
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
	l->n = n;
	candidates_best(l);
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
static void
mirostat(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks)
{
	struct candidates *l = &d->list;
	const double bound = 2 * value[STEP_MIROSTAT] + q->drift;
	double sum = 0;
	size_t n = 0;
	(void)breaks;
	for (size_t i = 0; i < l->n; i++)
		sum += l->c[i].p;
	for (size_t i = 0; i < l->n; i++)
		if (-log2(l->c[i].p / sum) <= bound || l->c[i].id == l->best.id)
			l->c[n++] = l->c[i];
	l->n = n;
}

void
mirostat_learn(struct sequence *q, const double *value, double p)
{
	q->drift -= value[STEP_MIROSTAT_RATE] * (-log2(p) - value[STEP_MIROSTAT]);
}

const struct step steps[N_STEPS] = {
	[STEP_LAST] = {0, "last", true, 64, 1, INT32_MAX, -1, false, NULL},
	[STEP_REPEAT] = {0, "repeat", false, 1, 0.01, 100, 1, false, step_repeat},
	[STEP_FREQUENCY] = {0, "frequency", false, 0, -100, 100, 0, false, step_frequency},
	[STEP_PRESENCE] = {0, "presence", false, 0, -100, 100, 0, false, step_presence},
	[STEP_DRY_BASE] = {0, "dry-base", false, 1.75, 1, 100, -1, false, NULL},
	[STEP_DRY_LENGTH] = {0, "dry-length", true, 2, 1, INT32_MAX, -1, false, NULL},
	[STEP_DRY] = {0, "dry", false, 0, 0, 100, 0, false, step_dry},
	[STEP_TOP_K] = {'k', "top-k", true, 40, 0, INT32_MAX, 0, true, top_k},
	[STEP_TYPICAL] = {0, "typical", false, 1, 0, 1, 1, true, typical},
	[STEP_TOP_P] = {'P', "top-p", false, 0.9, 0, 1, 1, true, top_p},
	[STEP_MIN_P] = {'m', "min-p", false, 0.05, 0, 1, 0, true, min_p},
	[STEP_XTC_LEAST] = {0, "xtc-least", false, 0.1, 0, 1, -1, false, NULL},
	[STEP_XTC] = {0, "xtc", false, 0, 0, 1, 0, true, xtc},
	[STEP_TEMPERATURE] = {'t', "temperature", false, 0.7, 0, 1000, -1, false, temperature},
	[STEP_MIROSTAT_RATE] = {0, "mirostat-rate", false, 0.1, 0, 10, -1, false, NULL},
	[STEP_MIROSTAT] = {0, "mirostat", false, 0, 0, 100, 0, false, mirostat},
};
