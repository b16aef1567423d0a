/*
 * sequence.h - what the sampler keeps of one sequence of the stream: where it is,
 * what was seen of it, its random numbers and its turn. Several sequences may be
 * under way at once; none of them knows of the others.
 */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include "figures.h"
#include "score.h"
#include "stop.h"
#include "stream/rows.h"
#include "text.h"

/* A token of the sequence; where the stream skips positions, not all are known. */
struct seen {
	uint32_t position, token;
};

struct sequence {
	struct row_head last;	/* its last row, if `any` */
	bool any;
	struct seen *seen;	/* its tokens so far, by position */
	size_t n_seen, cap_seen;
	uint64_t random[4];
	double drift;		/* of mirostat's bound */
	struct score score;	/* of the last row, if tokens get notes */
	/* the turn */
	bool answering;		/* a token was sent, a row has to answer it */
	uint32_t sent;
	long drawn;		/* tokens in this turn */
	bool line;		/* a line of the output has begun */
	struct held_back held;	/* tokens that may be part of what ends it */
	struct turn_figures turn;
	/* where there are several */
	bool used;		/* this is one, and not written to its end yet */
	uint32_t number;
	bool more;		/* another turn is known to follow */
	bool rests;		/* its turn is over, or has not begun */
	bool waits;		/* its output, for that of earlier ones: */
	struct bytes later;
	void *text;		/* state of the constraint; NULL: none */
};

/* Begin as sequence `number`. Its random numbers follow from that and the seed;
 * those of sequence 0 from the seed alone. */
void sequence_begin(struct sequence *q, uint64_t seed, uint32_t number);
/* Take note of a row. A position that is not beyond the last one is a rewind. */
void sequence_see(struct sequence *q, const struct row_head *row);
/* Take note of tokens from `position` on, of which no rows will tell. */
void sequence_said(struct sequence *q, uint32_t position, const uint32_t *ids, size_t n);
/* A number from 0 up to, but without, 1. */
double sequence_random(struct sequence *q);
void sequence_free(struct sequence *q);

#endif
