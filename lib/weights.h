/*
 * weights.h - a model file of any kind: its shape and its tensors, mapped.
 */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "tensor.h"

struct gguf;

/* The shape of a transformer, in the words of GGUF's metadata. */
struct shape {
	size_t n_vocab;		/* rows of the embedding */
	size_t n_ctx;		/* longest context the model was trained for */
	size_t n_embd;		/* width of the residual stream */
	size_t n_layers;
	size_t n_heads;		/* attention heads (queries) */
	size_t n_kv_heads;	/* heads of keys and values; divides n_heads */
	size_t head_dim;	/* width of a head */
	size_t n_ff;		/* width of the feed-forward layer */
	size_t rope_dim;	/* dimensions of a head that rope turns; even */
	float norm_eps;
	float rope_base;
	float rope_scale;	/* linear scaling: positions are multiplied by it */
};

struct weights {
	const char *path;
	char arch[33];			/* "llama" */
	struct shape shape;
	size_t n_tensors;
	struct tensor *tensors;		/* sorted by name; GGUF's names */
	struct gguf *gguf;		/* NULL if the file is not GGUF */
};

/* Map a model file (GGUF or llama2.c, found by content) and check it; dies with
 * the file and what is wrong. Every tensor's data lie inside the map; whether the
 * tensors fit the shape is for the architecture to say. */
struct weights *weights_open(const char *path);
/* The same from what is mapped already. */
struct weights *weights_read(struct map m);
void weights_free(struct weights *w);

/* The tensor of that name, or NULL. */
const struct tensor *weights_get(const struct weights *w, const char *name);

#endif
