/*
 * turn.h - the sampler's side of a conversation: rows in, tokens out, turn after
 * turn, live or from a recording.
 */
#ifndef TURN_H
#define TURN_H

#include "reply.h"
#include "rows.h"
#include "sampler.h"

struct talk {
	struct row_reader *rows;	/* header read */
	struct reply *reply;
	struct sampler *sampler;
	const uint32_t *eog;		/* ids that end a turn */
	size_t n_eog;
	long limit;			/* tokens a turn; 0: none */
	bool prompt;			/* write the tokens of the prompt too */
	/* the rest begins as 0 */
	bool held;			/* the last row was read, but belongs to no turn yet */
	bool line;			/* a line of the output has begun */
	bool over;			/* by hand: the one turn has been */
	bool any;			/* `last` is one */
	struct row_head last;
};

/* Write the answers to stdout, a line a turn, until the stream ends. */
void talk(struct talk *t);

#endif
