/*
 * draft.h - tokens guessed ahead of the sampler, checked in the pass of the token before them.
 *
 * A pass over one token reads all weights, and over a few more it costs little beyond that. What
 * comes next often stands in the context already, behind the same tokens as the last ones
 * (LLMA, Yang et al., arXiv:2304.04487; prompt lookup): it is fed behind the sampler's token, and the
 * rows that come of it are kept. While the sampler's tokens are those that were guessed, their
 * rows are there; at the first that is not, the context goes back to it. The rows are the same, bit for
 * bit, as without guesses, since those of a token do not depend on the batch that it is fed in.
 *
 * How many are guessed is what has paid so far: the share of guesses that came true behind matches of
 * that length, which is counted whether they were fed or not, and the time that passes of so many
 * tokens took.
 */
#ifndef DRAFT_H
#define DRAFT_H

#include "forward.h"

enum { DRAFT_MOST = 31 };	/* guesses a pass */

/* A context and what is guessed behind it. */
struct draft;

/* Up to `most` <= DRAFT_MOST guesses; 0: none. The context stays owned by the caller; what it holds
 * counts as known. `width`: floats a row. */
struct draft *draft_new(struct context *c, size_t most, size_t width);
void draft_free(struct draft *d);

/* Tokens in the context that were no guesses. */
size_t draft_length(const struct draft *d);
/* Forget all guesses and all but the first `length` <= draft_length() tokens. */
void draft_rewind(struct draft *d, size_t length);
/* context_feed(), for tokens; with `ahead` guesses go behind them, if that pays. Rows stay as long as those of
 * context_feed() do. */
void draft_feed(struct draft *d, const struct feed *f, bool ahead, rows_fn *fn, void *arg);

#endif
