/*
 * transformer.h - a model ready to run: what each layer is made of, found by name.
 */
#ifndef TRANSFORMER_H
#define TRANSFORMER_H

#include "arch.h"
#include "rope.h"

/* A matrix and what is added to its product. It may be a view: some rows of a
 * tensor that holds several matrices, `run` of them together where they alternate
 * with rows of others. w.data is NULL where the model has none. */
struct matrix {
	struct tensor w;		/* rows x columns: outputs x inputs */
	const float *bias;		/* a number a row; NULL: none */
	const struct lora *lora;	/* what adapters add; see lora.h */
	size_t first;			/* row of the tensor that it begins with, all matrices of one counted */
	size_t run, apart;		/* so many rows together, the next ones `apart` rows behind their first; 0: all */
};

/* Weights and bias of a norm; no weights: no norm. `width` is over how much of the
 * vector a mean is taken, `n` how many weights there are: a multiple of it. */
struct norm {
	const float *weight, *bias;
	size_t width, n;
};

/* A feed-forward layer: down (act(gate x) * up x), or down act(up x) without a gate. */
struct ffn {
	struct matrix gate, up, down;	/* n_ff x n_embd, the same, n_embd x n_ff */
	bool pairs;			/* `up` holds rows of gate and up by turns, 2 n_ff of them */
};

/* One layer. */
struct layer {
	struct norm attn_norm;		/* before attention */
	struct matrix q, k, v, o;	/* heads head_dim x n_embd; o: n_embd x heads head_dim */
	struct norm q_norm, k_norm;	/* of each head, or of all together */
	const float *sinks;		/* a logit a head that takes its share and gives nothing */
	struct norm attn_post_norm;	/* of what attention adds */
	struct norm ffn_norm;
	struct ffn ffn;			/* or experts */
	struct norm ffn_post_norm;
	struct matrix router;		/* n_experts x n_embd */
	struct ffn *experts;		/* n_experts */
	struct ffn shared;		/* an expert for every token */
	struct matrix shared_gate;	/* 1 x n_embd: how much of it */
	size_t window;			/* tokens it attends to; 0: all */
	const struct rope *rope;	/* NULL: none */
	bool parallel;			/* attention and feed-forward side by side */
};

/* Read-only, shared by all threads. */
struct model {
	const struct weights *w;
	const struct arch *arch;
	enum activation act;
	struct shape shape;
	struct matrix embd;		/* n_vocab x n_embd */
	struct matrix positions;	/* n_ctx x n_embd; learned positions */
	struct norm embd_norm;
	struct layer *layer;		/* shape.n_layers */
	struct norm out_norm;
	struct matrix out;		/* n_vocab x n_embd; embd's where they are tied */
	struct rope rope[2];		/* of layers that see all, of those that slide */
	size_t widest_ffn;		/* rows of the widest matrix `up` */
	size_t widest_lora;		/* of a matrix, the ranks of all adapters; 0: none */
	const struct model *base;	/* of an adapter: whose places it has; NULL: it is a model */
	bool *used;			/* one for each of w->tensors: the forward pass has a place for it */
	float **copied;			/* vectors that could not stay in the map */
	size_t n_copied, copied_cap;
};

/* Find every tensor that the architecture needs, check its shape, and refuse the
 * file if it holds one that the forward pass would leave out. Dies with the
 * reason. The weights must outlive the model. */
struct model *model_new(const struct weights *w);
void model_free(struct model *m);

/*
 * Of an adapter: where in a model like `base` its matrices have their places. A tensor of w stands
 * for what is added to the base's: it has its name and shape, but a type of no format and nothing
 * in its data. Most may be missing; what has no place, or another shape, is refused. s is the base's
 * shape, and how the rows lie.
 */
struct model *model_places(const struct model *base, const struct weights *w, const struct shape *s);

static inline bool
matrix_there(const struct matrix *m)
{
	return m->w.data != NULL;
}

#endif
