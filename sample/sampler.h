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

#include "constraint.h"
#include "rows.h"
#include "sequence.h"

enum { SAMPLER_STEPS = 4 };

struct candidate {
	float logit;	/* finite */
	uint32_t id;
	double p;	/* weight, not normalized; valid where a step says so */
};

/* Unordered; `best` is the one that sorts first.
 * No step leaves it empty. */
struct candidates {
	struct candidate *c;
	size_t n, cap;
	struct candidate best;
};

/* Take a row's logits into the list, without those of -infinity and those whose bit
 * in `allowed` (NULL: all) is not set. Dies, naming the row, where one is NaN or
 * +infinity or none is finite. False: none of those allowed is finite. */
bool candidates_load(struct candidates *l, const struct row_reader *r, const uint64_t *allowed);
/* Keep the n likeliest, in their order if `sort`. */
void candidates_top(struct candidates *l, size_t n, bool sort);
/* Set every p to the probability relative to the best one's; returns their sum. */
double candidates_weigh(struct candidates *l);
void candidates_free(struct candidates *l);

/* What was asked for: shared by all sequences. */
struct sampler {
	double value[SAMPLER_STEPS];	/* of each step's option */
	uint64_t seed;
	const struct constraint *constraint;	/* what the text must be; NULL: anything */
	const uint32_t *eog;		/* ids that end a generation */
	size_t n_eog;
};

/* The options' defaults and a seed that differs each time. */
void sampler_init(struct sampler *s);
/* Take option -opt; false: it is none of the sampler's. Dies on a bad value. */
bool sampler_option(struct sampler *s, int opt, const char *arg);
/* Whether the id ends a generation. */
bool sampler_ends(const struct sampler *s, uint32_t id);

/* Memory that one draw leaves to the next. Begins as 0. */
struct draw {
	struct candidates list;
	uint64_t *allowed;	/* a bit an id */
};

/*
 * Draw a token from the reader's row, which is the sequence's: one random number
 * each, whatever the options. `left` tokens at most will follow from here, 0: no
 * limit. False: there is none, the constraint has the text end here.
 */
bool sampler_draw(const struct sampler *s, struct sequence *q, const struct row_reader *r, long left,
	struct draw *d, uint32_t *id);
void draw_free(struct draw *d);

#endif
