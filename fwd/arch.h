/*
 * arch.h - architectures: each is a row of a table that the forward pass asks.
 */
#ifndef ARCH_H
#define ARCH_H

#include "weights.h"

/* How a head's dimensions pair up for rotation (RoFormer, arXiv:2104.09864):
 * neighbours (Llama as GGUF has it), or the first half with the second (NeoX). */
enum rope {
	ROPE_PAIRS, ROPE_HALVES
};

struct arch {
	const char *name;		/* general.architecture */
	enum rope rope;
};

/* The tensors of one layer; a bias is NULL where the model has none. Shapes are
 * rows x columns; a norm's weights and a bias are float32 vectors. */
struct layer {
	const float *attn_norm;		/* n_embd */
	const struct tensor *q;		/* n_heads head_dim x n_embd */
	const struct tensor *k, *v;	/* n_kv_heads head_dim x n_embd */
	const struct tensor *o;		/* n_embd x n_heads head_dim */
	const float *q_bias, *k_bias, *v_bias, *o_bias;
	const float *ffn_norm;		/* n_embd */
	const struct tensor *gate, *up;	/* n_ff x n_embd */
	const struct tensor *down;	/* n_embd x n_ff */
	const float *gate_bias, *up_bias, *down_bias;
};

/* A model ready to run; read-only, shared by all threads. */
struct model {
	const struct weights *w;
	const struct arch *arch;
	struct shape shape;
	const struct tensor *embd;	/* n_vocab x n_embd */
	struct layer *layer;		/* shape.n_layers */
	const float *out_norm;		/* n_embd */
	const struct tensor *out;	/* n_vocab x n_embd; embd itself where they are tied */
	float *rope_freq;		/* radians a position, for each of rope_dim/2 pairs */
	bool *used;			/* one for each of w->tensors: the forward pass has a place for it */
	float **copied;			/* vectors that could not stay in the map */
	size_t n_copied, copied_cap;
};

/* Find every tensor that the architecture needs, check its shape, and refuse the
 * file if it holds one that the forward pass would leave out. Dies with the
 * reason. The weights must outlive the model. */
struct model *model_new(const struct weights *w);
void model_free(struct model *m);

#endif
