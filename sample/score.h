/*
 * score.h - how likely a token was, for the notes of llm-tokens(5): the natural logarithm of its
 * probability at temperature 1 among all tokens.
 */
#ifndef SCORE_H
#define SCORE_H

#include "stream/rows.h"

/* log(sum of exp) of the reader's row: a logit less this is a log-probability. Dies, naming the row,
 * where a logit is NaN or +infinity or none is finite. */
double score_norm(const struct row_reader *r);

/* A row, kept for the tokens that come behind it. Begins as 0. */
struct score {
	float *x;		/* the logits; NULL: none was kept yet */
	size_t width;
	double norm;
};

void score_keep(struct score *s, const struct row_reader *r);
/* The log-probability that the kept row gave the token; NaN: it knows none. */
double score_of(const struct score *s, uint32_t id);
void score_free(struct score *s);

/* Print the token with its note (NaN: without) and a blank into text[]; returns the length. */
enum { SCORE_TEXT = 64 };
size_t score_print(char text[SCORE_TEXT], uint32_t id, double logprob);

#endif
