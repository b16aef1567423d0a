/*
 * logits.h - a row of logits that is being drawn from: steps change it in place, blocks of it are known by
 * their highest, and a token is drawn by what all weigh. One that may not be drawn is -infinity.
 */
#ifndef LOGITS_H
#define LOGITS_H

#include "stream/rows.h"
#include "weigh.h"

enum { BLOCK = WEIGH_MOST };

/* Begins as 0. */
struct logits {
	float *x;		/* the reader's */
	size_t n, blocks;
	float *high;		/* the highest of each block; -INFINITY: it has none */
	double *sum;		/* by logits_sum(), of each block */
	size_t high_cap, sum_cap;
};

/* Take the reader's row, which changes from here on. Dies, naming it, where a logit is NaN or +infinity or none
 * is finite. */
void logits_take(struct logits *l, const struct row_reader *r);
/* Change one. */
void logits_set(struct logits *l, uint32_t id, float x);
/* Only those ids whose bits are set may be drawn. */
void logits_keep(struct logits *l, const uint64_t *set);
/* The highest of all; -INFINITY: there is none. */
float logits_best(const struct logits *l);
/* Where block b ends. */
size_t logits_end(const struct logits *l, size_t b);

/* The sum of e^((x - best) / t). */
double logits_sum(struct logits *l, double t);
/* The mean surprise, -log p, where that sum is known for t = 1. */
double logits_entropy(const struct logits *l, double sum);
/* After logits_sum(): the token at which the weights up to it are more than `u`; *w = its weight. */
uint32_t logits_pick(const struct logits *l, double t, double u, double *w);
void logits_free(struct logits *l);

#endif
