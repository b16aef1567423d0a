/*
 * steps.h - the chain from a row of logits to what a token is drawn from: a row of a table
 * for each step and for each further number that a step takes.
 */
#ifndef STEPS_H
#define STEPS_H

#include "candidates.h"
#include "sequence.h"

/* In the order in which they are applied. */
enum step_id {
	STEP_LAST, STEP_REPEAT, STEP_FREQUENCY, STEP_PRESENCE, STEP_DRY_BASE, STEP_DRY_LENGTH, STEP_DRY,
	STEP_TOP_K, STEP_TYPICAL, STEP_TOP_P, STEP_MIN_P, STEP_XTC_LEAST, STEP_XTC, STEP_TEMPERATURE,
	STEP_MIROSTAT_RATE, STEP_MIROSTAT, N_STEPS
};

/* Tokens that no repetition goes beyond, a bit each of n. */
struct breaks {
	uint64_t *bit;
	size_t n;
};

/* What one draw works with. */
struct draw {
	struct candidates list;
	uint64_t *allowed;	/* by the constraint, a bit an id */
	uint32_t *past;		/* the last tokens, for steps that look back */
	size_t n_past, past_cap;
	size_t *match;		/* of each of them: how far the text before it is the text now */
	size_t match_cap;
};

struct step {
	char option;		/* its letter; 0: -o alone */
	const char *name;	/* for -o */
	bool whole;		/* takes whole numbers only */
	double missing;		/* the value where the option is not given */
	double min, max;	/* that the option takes */
	double off;		/* the value that has the step change nothing */
	bool cuts;		/* leaves candidates out; not where mirostat does */
	/* NULL: only a number for another step. */
	void (*run)(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
};

extern const struct step steps[N_STEPS];

/* Mirostat learns from what was drawn: the token's probability among the candidates. */
void mirostat_learn(struct sequence *q, const double *value, double p);

/* steps_past.c: those that look back. */
void step_repeat(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
void step_frequency(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
void step_presence(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
void step_dry(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);

#endif
