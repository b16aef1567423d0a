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

/* A token that the past would be repeated with, so many tokens of it. */
struct repeat {
	uint32_t id;
	size_t n;
};

/* What one draw works with. */
struct draw {
	struct logits row;
	struct candidates list;	/* of the row, those that may be drawn; or */
	bool whole;		/* all of the row may be: the list is only the part of it that a step asked for */
	double mass;		/* where more than the list is in play: the sum of e^(logit - best) over all; 0: the list is all */
	double entropy;		/* of them, for typical */
	uint64_t *allowed;	/* by the constraint, a bit an id */
	uint32_t *past;		/* the last tokens, for steps that look back */
	size_t n_past, past_cap;
	size_t *match;		/* of each of them: how far the text before it is the text now */
	struct repeat *repeat;
	size_t match_cap, repeat_cap;
};

struct step {
	char option;		/* its letter; 0: -o alone */
	const char *name;	/* for -o */
	bool whole;		/* takes whole numbers only */
	double missing;		/* the value where the option is not given */
	double min, max;	/* that the option takes */
	double off;		/* the value that has the step change nothing */
	bool cuts;		/* leaves candidates out; not where mirostat does */
	/* NULL: only a number for another step. Those before top-k change the row, the others the list. */
	void (*run)(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
	/* How far below the best a logit of the row may be that is left in, at most; NULL: it may be any. */
	double (*reach)(struct draw *d, const struct sequence *q, const double *value);
};

extern const struct step steps[N_STEPS];

/* How far below the best those are that XTC may leave out of a whole row. */
double xtc_reach(struct draw *d, const double *value);
/* Mirostat learns from what was drawn: the token's probability among the candidates. */
void mirostat_learn(struct sequence *q, const double *value, double p);

/* steps_past.c: those that look back. */
void step_repeat(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
void step_frequency(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
void step_presence(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);
void step_dry(struct draw *d, struct sequence *q, const double *value, const struct breaks *breaks);

#endif
