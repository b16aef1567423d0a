/*
 * sampler.h - from a row of logits to one token.
 *
 * The tokens that may be drawn are a list of candidates. Steps (top-k, top-p,
 * min-p, temperature) shorten or reshape the list one after the other, in the
 * order of the table in sampler.c; then one is drawn. A new way of sampling is
 * a new row of that table.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "rows.h"

enum { SAMPLER_STEPS = 4 };

struct candidate {
	float logit;	/* finite */
	uint32_t id;
	double p;	/* weight, not normalized; valid where a step says so */
};

/* Never empty once loaded. Unordered; `best` is the one that sorts first. */
struct candidates {
	struct candidate *c;
	size_t n, cap;
	struct candidate best;
};

/* Take a row's logits into the list, those of -infinity left out. Dies, naming
 * the row, where one is NaN or +infinity or none is finite. */
void candidates_load(struct candidates *l, const struct row_reader *r);
/* Keep the n likeliest, in their order if `sort`. */
void candidates_top(struct candidates *l, size_t n, bool sort);
/* Set every p to the probability relative to the best one's; returns their sum. */
double candidates_weigh(struct candidates *l);
void candidates_free(struct candidates *l);

struct sampler {
	double value[SAMPLER_STEPS];	/* of each step's option */
	uint64_t random[4];
	struct candidates list;
};

/* The options' defaults and a seed that differs each time. */
void sampler_init(struct sampler *s);
void sampler_free(struct sampler *s);
/* Take option -opt; false: it is none of the sampler's. Dies on a bad value. */
bool sampler_option(struct sampler *s, int opt, const char *arg);
/* The random numbers from here on follow from the seed alone. */
void sampler_seed(struct sampler *s, uint64_t seed);
/* Draw a token from the reader's row: one random number each, whatever the options. */
uint32_t sampler_draw(struct sampler *s, const struct row_reader *r);

#endif
