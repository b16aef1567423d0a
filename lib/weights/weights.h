/*
 * weights.h - a model file of any kind: its shape and its tensors, mapped.
 */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "tensor.h"

struct gguf;

/* How rope's angles are stretched for longer contexts than a model was first trained for. */
enum rope_scaling {
	ROPE_PLAIN,		/* not at all, or by a tensor of factors (Llama 3) */
	ROPE_LINEAR,		/* positions are divided by the factor (arXiv:2306.15595) */
	ROPE_YARN,		/* slow pairs are, fast ones are not (arXiv:2309.00071) */
	ROPE_LONG,		/* two tensors of factors, one for long contexts (arXiv:2402.13753) */
	ROPE_LLAMA3		/* slow pairs are, by a formula of their own; GGUF has its factors as a tensor */
};

/* The feed-forward layer: act(gate) * up where there is a gate, else act(up). */
enum activation {
	ACT_UNSAID,		/* the architecture tells */
	ACT_SILU,		/* x / (1 + e^-x) */
	ACT_GELU,		/* x Phi(x) (arXiv:1606.08415) */
	ACT_GELU_TANH,		/* its approximation by tanh */
	ACT_RELU, ACT_RELU2,	/* max(0, x), and its square */
	ACT_SWIGLU_OAI		/* gpt-oss: clamped, sigmoid(1.702 x), up + 1 */
};

/* The shape of a transformer, in the words of GGUF's metadata. A number that a
 * file does not give is 0 where that means "no such thing". */
struct shape {
	size_t n_vocab;		/* rows of the embedding */
	size_t n_ctx;		/* longest context the model was trained for */
	size_t n_embd;		/* width of the residual stream */
	size_t n_layers;
	size_t n_heads;		/* attention heads (queries) */
	size_t n_kv_heads;	/* heads of keys and values; divides n_heads */
	size_t head_dim;	/* width of a head */
	size_t n_ff;		/* width of the feed-forward layer */
	float norm_eps;

	size_t n_experts, n_used;	/* experts of a layer, and how many a token goes to */
	size_t n_ff_expert;		/* width of an expert */
	int renormalize;		/* whether the weights of those sum to 1; -1: not said */
	float expert_scale;		/* what they are multiplied by; 0: nothing */

	size_t window;			/* tokens that a sliding layer attends to */
	size_t window_every;		/* every so many-th layer does not slide */
	const unsigned char *slides;	/* or a bool a layer: whether it slides */
	const unsigned char *turns;	/* a bool a layer: whether it has rope; NULL: the architecture tells */

	size_t rope_dim;	/* dimensions of a head that rope turns; even */
	float rope_base;
	float rope_base_sliding;	/* of sliding layers */
	enum rope_scaling rope_scaling;
	float rope_factor;
	size_t rope_original;		/* context before stretching */
	float yarn_fast, yarn_slow;	/* turns within it, above and below which pairs are fast or slow */
	bool yarn_unrounded;		/* its ramp begins and ends between pairs */
	float yarn_log;			/* how much the magnitude's growth with the factor is taken back */
	float low_turns, high_turns;	/* ROPE_LLAMA3: as YaRN's slow and fast */
	bool sliding_plain;		/* rope of sliding layers is not stretched */
	float rope_magnitude;		/* what queries and keys are multiplied by */

	float alibi;		/* the largest bias by distance is 2^-(alibi / heads) a token (arXiv:2108.12409) */
	float clamp;		/* queries, keys and values are clamped to +-clamp */
	float embd_scale, residual_scale, attn_scale, logit_scale;	/* factors; 0: none given */
	float attn_cap, logit_cap;	/* x becomes cap tanh(x / cap) */
	float temperature;	/* queries behind rope_original grow by it times the log of the distance */
	int parallel;		/* attention and feed-forward side by side; -1: not said */
	enum activation act;

	/* How the file differs from a GGUF file of the same model: its matrices stay as they lie. */
	bool rope_halves;	/* the rows of queries and keys are not permuted: rope turns halves */
	bool norms_less_1;	/* weights of norms are stored less 1 */
	bool qkv_by_group;	/* attn_qkv: for each head of keys its queries, its key, its value */
	bool gate_up_pairs;	/* ffn_gate_up: rows of gate and up by turns */
};

struct weights {
	const char *path;
	char arch[33];			/* "llama" */
	struct shape shape;		/* of llama2.c and folders; that of GGUF: shape_read() */
	size_t n_tensors;
	struct tensor *tensors;		/* sorted by name; GGUF's names */
	struct gguf *gguf;		/* NULL if the file is not GGUF */
	bool folder;			/* of Hugging Face */
	struct str said;		/* where else than GGUF the shape is said, as it lies in the file */
	void **owned;			/* goes with it */
	size_t n_owned, owned_cap;
};

/* Map a model file (GGUF or llama2.c, found by content), or those of a Hugging Face folder,
 * and check it; dies with the file and what is wrong. Every tensor's data lie inside the map; whether the
 * tensors fit the shape is for the architecture to say. */
struct weights *weights_open(const char *path);
/* The same from what is mapped already. */
struct weights *weights_read(struct map m);
void weights_free(struct weights *w);

/* Add n bytes to a hash, which begins as any number. */
uint64_t hash_more(uint64_t h, const void *p, size_t n);
/* The same for samples of a tensor's numbers, and its name, type and shape. */
uint64_t hash_tensor(uint64_t h, const struct tensor *t);
/* A hash of what a model computes with: all that is said of its shape, and samples of all weights. */
uint64_t weights_fingerprint(const struct weights *w);

/* The tensor of that name, or NULL. */
const struct tensor *weights_get(const struct weights *w, const char *name);

#endif
