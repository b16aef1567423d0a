/*
 * batch.h - what the parts of the forward pass share: the context, and the tokens
 * that go through the layers together. Only for fwd/.
 */
#ifndef BATCH_H
#define BATCH_H

#include "forward.h"

enum {
	BATCH_LEAST = 32, BATCH_MOST = 512,	/* tokens that go through the layers together, */
	BATCH_BYTES = 27 << 20,			/* as many as fit into so much */
	OUT_BATCH = 8				/* tokens whose logits are made together */
};

/* Where a token of the batch goes to: one of its experts, and with what weight. */
struct route {
	uint32_t token, expert;
	float weight;
};

/* Tokens of the batch that follow each other in a context: rows [first, first + n), from a position on. */
struct run {
	struct context *c;
	size_t first, n, position;
	const struct portion *from;	/* what they are */
	size_t wanted;		/* from this one on, their rows are wanted */
	size_t parts;		/* where attention's parts of it begin */
};

struct context {
	const struct model *m;
	const struct kernels *kern;
	struct pool *pool;
	struct part mine;
	size_t length, cap;	/* positions in use, positions that there is room for */
	size_t known;		/* >= length: so many tokens have their keys and values in the cache */
	bool adopted;		/* the cache lies where context_adopt() was told, and is not ours to free */
	bool is_short;		/* the keys in the cache were turned as in a short context */
	uint32_t *tokens;
	size_t tokens_cap;
	enum kv_type kv_type;
	struct kv_head *kv;	/* layer x n_kv_heads; empty for layers of other parts */
	size_t batch;		/* how many tokens */
	void (*watch)(void *arg, size_t fed, size_t left); /* or NULL */
	void *watch_arg;
	void (*before_rows)(void *arg);	/* or NULL */
	void *before_rows_arg;
	struct context *beside;	/* whose working memory, all that follows, this one has; NULL: its own */
	/* The batch; every row is one token. */
	struct run *run;	/* the contexts that they belong to */
	size_t n_runs;
	float *x;		/* residual stream, n_embd */
	float *h;		/* normed, n_embd */
	float *part;		/* what attention or feed-forward adds to x, n_embd */
	float *part2;		/* the other one, where both are made from the same x */
	float *q, *k, *v;	/* queries, keys, values: heads head_dim */
	float *queries;		/* n_kv_heads x batch x the heads of one: scaled */
	float *att;		/* the heads' answers, n_heads head_dim */
	float *gate, *up;	/* the widest feed-forward layer's units */
	struct qblock *blocks;	/* what a matrix meets, its widest, */
	uint16_t *rounded;	/* or this where its numbers are BF16 and kernels round */
	float *gathered, *answer; /* tokens of one expert, and what it says; n_embd */
	float *router;		/* n_experts */
	struct route *route;	/* batch x n_used */
	float *cos[2], *sin[2];	/* of the model's two ropes at the token's position, rope_dim / 2 */
	float *logits;		/* OUT_BATCH of them, in a rows_room() */
	float *low;		/* what adapters make of their inputs, lora_floats() */
	float **wide;		/* a thread: and of their outputs; NULL where there are none */
	void **scratch;		/* a thread: what kernels work in */
	float **answers;	/* a thread: what attend() leaves, twice */
	float *parts;		/* the same of each block of the past, for few tokens */
	size_t parts_cap;
	void **owned;		/* all of these, to be freed */
	size_t n_owned, owned_cap;
};

/* What the threads work on: n tokens of the batch in layer l. */
struct job {
	struct context *c;
	const struct layer *y;
	bool last;			/* the last layer: only what is wanted goes on */
	const struct run *run;		/* for attention over one */
	size_t n;
	const struct matrix *w[4];	/* matrices that meet the same input, ended by NULL, */
	float *out[3];			/* and where each leaves its output, */
	size_t apart;			/* a token's so many floats behind the one's before; 0: one behind the other */
	const struct matrix *after[4];	/* those that come next, ended by NULL: a hint for the memory */
	struct inputs in;
	const struct norm *norm;	/* for apply_norm() */
	size_t n_items;
	float *gate, *up;		/* units, for activate(); NULL: no gate */
};

/* These matrices, up to three, will come after the next product. */
static inline void
comes_after(struct job *j, const struct matrix *a, const struct matrix *b, const struct matrix *c)
{
	j->after[0] = a, j->after[1] = b, j->after[2] = c;
}

/* From the output of a token to the next. */
static inline size_t
job_apart(const struct job *j, const struct matrix *w)
{
	return j->apart ? j->apart : w->w.dim[1];
}

/* out = w in + bias for n tokens, up to three matrices over the same input. */
void matmul(struct job *j, const float *in, size_t n, size_t n_out, const struct matrix *const w[],
	float *const out[]);

/* out = the norm of n vectors of x, one behind the other; in place where they are the same. */
void apply_norm(struct context *c, const struct norm *norm, float *out, const float *x, size_t n);

/* out = what attention answers to the j->n tokens of the batch, whose normed rows
 * are h. Their keys and values enter the cache; in the last layer, the batch is then what is wanted of it. */
void attention(struct job *j, const float *h, float *out);

/* out = what the feed-forward layer, or its experts, answer. */
void feed_forward(struct job *j, const float *h, float *out);

#endif
