/*
 * batch.h - what the parts of the forward pass share: the context, and the tokens
 * that go through the layers together. Only for fwd/.
 */
#ifndef BATCH_H
#define BATCH_H

#include "forward.h"

enum {
	BATCH = 64,		/* tokens that go through the layers together */
	OUT_BATCH = 8,		/* tokens whose logits are made together */
	ROWS_CHUNK = 16		/* rows of a matrix that a thread takes at a time */
};

/* Keys and values of one layer: position x (n_kv_heads head_dim). */
struct kv {
	float *k, *v;
};

/* Where a token of the batch goes to: one of its experts, and with what weight. */
struct route {
	uint32_t token, expert;
	float weight;
};

struct context {
	const struct model *m;
	const struct kernels *kern;
	struct pool *pool;
	struct part mine;
	size_t length, cap;	/* positions in use, positions that there is room for */
	bool is_short;		/* the keys in the cache were turned as in a short context */
	uint32_t *tokens;
	size_t tokens_cap;
	struct kv *kv;		/* one a layer; empty for layers of other parts */
	/* The batch; every row is one token. */
	float *x;		/* residual stream, n_embd */
	float *h;		/* normed, n_embd */
	float *part;		/* what attention or feed-forward adds to x, n_embd */
	float *part2;		/* the other one, where both are made from the same x */
	float *q;		/* queries, n_heads head_dim */
	float *att;		/* the heads' answers, n_heads head_dim */
	float *gate, *up;	/* the widest feed-forward layer's units */
	float *gathered, *answer; /* tokens of one expert, and what it says; n_embd */
	float *router;		/* n_experts */
	struct route *route;	/* BATCH n_used */
	float *cos[2], *sin[2];	/* of the model's two ropes at the token's position, rope_dim / 2 */
	float *logits;		/* OUT_BATCH x n_vocab */
	float **scratch;	/* a thread: MATMUL_ROWS unpacked rows */
	float **score;		/* a thread: one for each position */
};

/* What the threads work on: n tokens of the batch in layer l. */
struct job {
	struct context *c;
	const struct layer *y;
	struct kv kv;
	size_t n;
	const struct matrix *w[3];	/* matrices that meet the same input, */
	float *out[3];			/* and where each leaves its output */
	const float *in;		/* n_in rows */
	size_t n_in;
	float *gate, *up;		/* units, for activate() */
	bool gated;
};

/* out = w in + bias for n tokens, up to three matrices over the same input. */
void matmul(struct job *j, const float *in, size_t n, size_t n_out, const struct matrix *const w[],
	float *const out[]);

/* out = the norm of n vectors of x, one behind the other; in place where they are the same. */
void apply_norm(const struct model *m, const struct norm *norm, float *out, const float *x, size_t n);

/* out = what attention answers to the j->n tokens of the batch, whose normed rows
 * are h. Their keys and values enter the cache. */
void attention(struct job *j, const float *h, float *out);

/* out = what the feed-forward layer, or its experts, answer. */
void feed_forward(struct job *j, const float *h, float *out);

#endif
