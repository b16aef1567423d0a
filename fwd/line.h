/*
 * line.h - a line of the token stream as the forward pass takes it: checked, then answered with rows.
 */
#ifndef LINE_H
#define LINE_H

#include "turns.h"

struct line {
	uint32_t *ids;
	size_t n, cap;
	size_t owed;		/* of the n, those of lines before: see line_settle() */
	bool last;		/* nobody waits for its rows */
	bool rewound;
	size_t rewind;
	size_t number;		/* in its stream, from 1 */
	double since;		/* when its first word came, where figures are wanted */
};

void line_begin(struct line *l);
/* Take what the reader told. True: the line is whole, or the stream is at its end. Dies where an id is
 * none, or the line does not fit; a length of SIZE_MAX is not known yet. */
bool line_take(const struct turns *t, struct token_reader *r, enum token_event e, struct line *l, size_t length);
/* Die where the line does not fit behind so many tokens. */
void line_check(const struct turns *t, struct token_reader *r, const struct line *l, size_t length);
/* Nothing is on it, not even a rewind. */
bool line_is_empty(const struct line *l);
/* It and another one change places. */
void line_swap(struct line *a, struct line *b);
/* A line whose rows nobody waits for is owed: its tokens go in front of the line that follows, as far as the rewind of that
 * leaves them, and then nothing is owed. `length` tokens are in the context, without these. */
void line_settle(struct line *l, struct line *owed, size_t length);
/* One that only rewinds becomes one that feeds its last token again, for its answer. */
void line_again(struct line *l, const struct context *c);

/* A line of the stream is about to be fed: it begins a turn, which the one before it ends, or goes on with that. */
void line_turn(const struct turns *t, struct turn_figures *turn, const struct line *l, uint32_t sequence);
/* It was fed; `answer`: and is part of one. */
void line_fed(const struct turns *t, struct turn_figures *turn, const struct line *l, bool answer);

/* Rows are lent from now on if the pipe that the sampler said it reads is ours. */
void line_lend(const struct turns *t, struct token_reader *replies);

/* What line_emit() needs to make rows. */
struct emit {
	const struct turns *t;
	const struct context *c;
	uint32_t sequence, flags;
	size_t next, end;	/* positions: of the row to come, behind the line */
};

/* A rows_fn: write rows of a line. */
void line_emit(void *arg, size_t position, size_t n, float *rows);

#endif
