/*
 * sampler.h - from a row of logits to one token.
 *
 * The tokens that may be drawn are a list of candidates. Steps (top-k, top-p,
 * temperature ...) shorten or reshape the list one after the other, in the
 * order of the table in steps.c; then one is drawn. A new way of sampling is
 * a new row of that table.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "bias.h"
#include "constraint.h"
#include "sequence.h"
#include "steps.h"
#include "stream/rows.h"

/* What was asked for: shared by all sequences. */
struct sampler {
	double value[N_STEPS];		/* of each step's option */
	struct biases bias;
	struct breaks breaks;		/* for DRY */
	uint64_t seed;
	const struct constraint *constraint;	/* what the text must be; NULL: anything */
	const uint32_t *eog;		/* ids that end a generation */
	size_t n_eog;
};

/* The options' defaults and a seed that differs each time. */
void sampler_init(struct sampler *s);
/* Take option -opt; false: it is none of the sampler's. Dies on a bad value. */
bool sampler_option(struct sampler *s, int opt, const char *arg);
/* Take from the vocabulary what was asked for by text: biases, which need it, and where repetitions end. */
static inline bool
sampler_needs_vocab(const struct sampler *s)
{
	return s->bias.n_texts > 0;
}
static inline bool
sampler_likes_vocab(const struct sampler *s)
{
	return s->value[STEP_DRY] != steps[STEP_DRY].off;
}
void sampler_find(struct sampler *s, struct vocab *v, const char *model);
/* Whether the id ends a generation. */
bool sampler_ends(const struct sampler *s, uint32_t id);

/*
 * Draw a token from the reader's row, which is the sequence's and is changed: one random number
 * each, and another one for XTC. `left` tokens at most will follow from here, 0: no
 * limit. False: there is none, the constraint has the text end here.
 */
bool sampler_draw(const struct sampler *s, struct sequence *q, const struct row_reader *r, long left,
	struct draw *d, uint32_t *id);
void draw_free(struct draw *d);

#endif
