/*
 * turn.h - the sampler's side of a conversation: rows in, tokens out, turn after
 * turn, live or from a recording.
 *
 * Every row belongs to a sequence and is answered from that sequence's state alone,
 * so that rows of several may come in any order.
 */
#ifndef TURN_H
#define TURN_H

#include "reply.h"
#include "sampler.h"
#include "sequence.h"
#include "stream/rows.h"

struct talk {
	struct row_reader *rows;	/* header read */
	struct reply *reply;
	const struct sampler *sampler;
	const struct stops *stops;
	long limit;			/* tokens a turn; 0: none */
	bool prompt;			/* write the tokens of the prompt too */
	bool notes;			/* every token with its log-probability */
	bool score;			/* draw nothing: write all tokens that were fed, with notes */
	uint32_t several;		/* so many sequences may be under way at once; 0: one */
	struct figures *figures;	/* or NULL */
	/* the rest begins as 0 */
	struct sequence *q;
	size_t n, cap;			/* of them: one, or as many as are under way or wait to be written */
	uint32_t first, latest;		/* of several: the one whose output is written, the last that began */
	struct draw draw;
	bool over;			/* by hand: the one turn has been */
	bool cut;			/* a turn ended where its text may not */
	bool any;			/* sequences before this one */
};

/* Write the answers to stdout, a line a turn, until the stream ends; with `score`, the lines that
 * were fed. False: not all texts are what the constraint wants; it was said which. */
bool talk(struct talk *t);

#endif
