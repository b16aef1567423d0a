/*
 * forward.h - the forward pass: tokens in, logits out, a context in between.
 */
#ifndef FORWARD_H
#define FORWARD_H

#include "kernels.h"
#include "pool.h"
#include "transformer.h"

/* The context: keys and values of the tokens fed so far. One sequence. */
struct context;

/* Model, kernels and pool stay owned by the caller and must outlive it. */
struct context *context_new(const struct model *m, const struct kernels *k, struct pool *p, enum kv_type kv);
void context_free(struct context *c);

/* Tokens in the context, and the most it can hold. */
size_t context_length(const struct context *c);
size_t context_max(const struct context *c);
/* The token at a position < context_length(). */
uint32_t context_token(const struct context *c, size_t position);

/* Forget all but the first `length` <= context_length() tokens. */
void context_rewind(struct context *c, size_t length);

/* Called for each token whose logits are wanted, in order: n_vocab floats, valid
 * during the call. */
typedef void logits_fn(void *arg, size_t position, uint32_t token, const float *logits);

/*
 * Feed n tokens: ids < n_vocab, and context_length() + n <= context_max(), which
 * the caller has checked. Logits are wanted for the last one, or for all of them.
 * The same logits, bit for bit, for any number of threads and however a sequence
 * is cut into calls.
 */
void context_feed(struct context *c, const uint32_t *ids, size_t n, bool all, logits_fn *fn, void *arg);

#endif
