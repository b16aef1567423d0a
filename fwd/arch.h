/*
 * arch.h - architectures: each is a row of a table that the forward pass asks.
 *
 * Biases, experts and whether matrices are stored in one are told by the tensors
 * that are there; the row says the rest.
 */
#ifndef ARCH_H
#define ARCH_H

#include "weights/weights.h"

/* x / sqrt(mean x^2 + eps) (arXiv:1910.07467), or the same of x - mean x
 * (arXiv:1607.06450); times weights, plus a bias where there is one. */
enum norm_kind {
	NORM_RMS, NORM_LAYER
};

/* How a head's dimensions pair up for rotation (RoFormer, arXiv:2104.09864):
 * neighbours (Llama as GGUF has it), or the first half with the second (NeoX). */
enum rope_kind {
	ROPE_NONE, ROPE_PAIRS, ROPE_HALVES
};

/* What a model has, and how; parts that a row does not name are refused. */
enum {
	PARALLEL = 1 << 0,		/* attention and feed-forward side by side, if the file does not say */
	PARALLEL_BY_NORM = 1 << 1,	/* the same where the feed-forward layer has no norm of its own */
	UNGATED = 1 << 2,		/* the feed-forward layer has no gate */
	QK_NORMS = 1 << 3,		/* norms of queries and keys */
	QK_NORMS_MAYBE = 1 << 4,	/* some models have them */
	POST_NORMS = 1 << 5,		/* norms of what attention and feed-forward add */
	NO_PRE_NORMS = 1 << 6,		/* but none before them */
	POST_IS_FFN_NORM = 1 << 7,	/* post_attention_norm names the norm before the feed-forward layer */
	SINKS = 1 << 8,			/* attention sinks (arXiv:2309.17453), learned */
	EMBD_NORM = 1 << 9,		/* a norm of embeddings */
	EMBD_SQRT = 1 << 10,		/* embeddings are multiplied by sqrt(n_embd) */
	LOGITS_DIVIDED = 1 << 11,	/* logit_scale divides */
	NOT_RENORMALIZED = 1 << 12,	/* expert weights do not sum to 1, if the file does not say */
	YARN_UNROUNDED = 1 << 13,	/* the ramp of YaRN begins and ends between pairs */
	SLIDING_UNSTRETCHED = 1 << 14,	/* rope of sliding layers is not stretched */
	CLAMP_NORMED = 1 << 15		/* queries and keys are clamped behind their norms, not before */
};

struct arch {
	const char *name;		/* general.architecture */
	enum norm_kind norm;
	enum rope_kind rope;
	enum activation act;		/* if the file does not say */
	unsigned flags;
	unsigned window_every;		/* every so many-th layer does not slide; 0: all do */
	unsigned no_rope_every;		/* every so many-th layer has no rope; 0: all have */
	float alibi;			/* see struct shape, if the file does not say */
	float sliding_base;		/* of rope in sliding layers, if the file does not say; 0: that of the others */
	unsigned wide_layers;		/* the size of so many layers divides scores by sqrt(n_embd / n_heads) */
};

/* The row of a model's architecture; dies with its name and those that are known. */
const struct arch *arch_of(const struct weights *w);

#endif
