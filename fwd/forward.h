/*
 * forward.h - the forward pass: tokens in, logits out, a context in between.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include "kernels/kernels.h"
#include "pool.h"
#include "stream/rows.h"
#include "transformer.h"

/* The context: keys and values of the tokens fed so far. One sequence. */
struct context;

/* What of the model's work is done here: layers [first, last) of tokens, or of hidden states that
 * come from elsewhere; and what is made behind them. */
struct part {
	size_t first, last;
	bool from_rows;
	enum rows_kind to;
};

/* Model, kernels and pool stay owned by the caller and must outlive it. */
struct context *context_new(const struct model *m, const struct kernels *k, struct pool *p, enum kv_type kv,
	const struct part *part);
void context_free(struct context *c);

/* All of a model: tokens in, logits out. */
struct part whole(const struct model *m);
/* Floats of a row that a part makes. */
size_t part_width(const struct model *m, const struct part *p);

/* Tokens in the context, and the most it can hold. */
size_t context_length(const struct context *c);
size_t context_max(const struct context *c);
/* Tokens that go through the layers together. */
size_t context_batch(const struct context *c);
/* Bytes that a token takes in the cache of keys and values. */
size_t context_token_bytes(const struct context *c);
/* The token at a position < context_known(). */
uint32_t context_token(const struct context *c, size_t position);
/* Tokens that can be fed before it is full, or positions are turned otherwise and all is fed anew. */
size_t context_left(const struct context *c);
/* Whether positions are turned as in a long context, in a model that has two ways. */
bool context_is_long(const struct context *c);

/*
 * Go back to the first `length` <= context_length() tokens. The keys and values of those behind
 * them stay until others are made in their place: the same tokens, fed again, cost nothing.
 */
void context_rewind(struct context *c, size_t length);
/* Let go of what is behind the context. */
void context_forget(struct context *c);

/*
 * For who keeps what was made of tokens (state.h): how many there are, from the context's
 * first on; and the arrays that it is in, for each layer and head of keys the keys, then the values.
 */
size_t context_known(const struct context *c);
size_t context_arrays(const struct context *c);
unsigned char **context_array(struct context *c, size_t i);
/* Bytes of so many positions in an array; false: more than there can be. */
bool context_array_bytes(const struct context *c, size_t positions, size_t *bytes);
/* Clear what is behind the last known token in its block: an array is filled in whole KV_BLOCKs. */
void context_pad(struct context *c);
/* Take over n tokens (< n_vocab) and their arrays, each `apart` behind the one before, with room for
 * so many positions as kernels.h wants it: memory that may be written and stays. The context is new. */
void context_adopt(struct context *c, const uint32_t *ids, size_t n, bool is_long, size_t room, unsigned char *arrays,
	size_t apart);

/* Called with rows of n tokens one behind the other, in order; they are valid during the call. Logits and embeddings come
 * one at a time, logits in a rows_room(), and stay until context_before_rows() has its function called. */
typedef void rows_fn(void *arg, size_t position, size_t n, float *rows);

/* Tokens that are fed together. */
struct feed {
	const uint32_t *ids;	/* < n_vocab */
	const float *x;		/* their hidden states, n_embd each, where those come in; else NULL */
	size_t n;		/* context_length() + n <= context_max() */
	size_t wanted;		/* rows are wanted of the tokens from this one on; n: of none */
	bool is_long;		/* of hidden states: see context_is_long(); the same in a whole sequence */
};

/*
 * Feed tokens. Gives the same rows, bit for bit, for any number of threads and however a sequence
 * is cut into calls. Hidden states that had to be made anew are told, too: they have positions
 * before those that are fed.
 */
void context_feed(struct context *c, const struct feed *f, rows_fn *fn, void *arg);

/* Have fn told, when many tokens are fed, of those that went through the layers together, and how many are left;
 * of none before the first. */
void context_watch(struct context *c, void (*fn)(void *arg, size_t fed, size_t left), void *arg);

/* Have fn called before the memory of logits that were told is written again. */
void context_before_rows(struct context *c, void (*fn)(void *arg), void *arg);

/* Another sequence: a context of the same model that shares c's working memory. c must outlive it. */
struct context *context_beside(struct context *c);

/* What one of several contexts that lie beside each other is fed in a pass. */
struct portion {
	struct context *c;
	struct feed feed;	/* of at least a token */
	rows_fn *fn;
	void *arg;
	size_t fed;		/* tells how many tokens there was room for */
};

/* One pass over tokens of different contexts, in which the weights are read once for all of them. The
 * rows are those of context_feed(), which begins anew where a pass had no room for all. */
void contexts_feed(struct portion *s, size_t n);

#endif
