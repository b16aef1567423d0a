/*
 * turns.h - the conversation: lines of tokens in, rows of logits out.
 */
#ifndef TURNS_H
#define TURNS_H

#include "draft.h"
#include "figures.h"
#include "progress.h"
#include "state.h"
#include "stream/rows.h"

struct turns {
	struct context *c;
	struct draft *d;	/* over c */
	struct origin origin;	/* of the model: streams in another vocabulary are refused */
	uint32_t n_vocab;
	uint32_t width;		/* floats a row */
	bool all;		/* a row for every token, not only for the last of a line */
	bool logits;		/* rows are these */
	bool hidden;		/* for the stage that follows: all rows, and what it must know of them */
	bool channel;		/* whether reply_open() made one */
	struct rows_loan *loan;	/* on once the sampler has said that it reads our pipe itself */
	struct state *state;	/* where the context is kept, or NULL */
	struct figures *figures;	/* or NULL */
	struct turn_figures turn;
	struct progress *progress;	/* or NULL */
};

/* Answer every line of descriptor `in` with rows on descriptor 1, each followed by
 * a turn of replies if a sampler is connected, until the stream ends. False: it
 * ended before it began. */
bool turns_run(struct turns *t, int in);

#endif
