/*
 * adapter.h - low-rank adapters (LoRA, arXiv:2106.09685): pairs of narrow matrices for some of a
 * base model's.
 *
 * An adapter is a GGUF file of llama.cpp's, or a folder of PEFT:
 *
 *	adapter_config.json	how large, and what of PEFT's many methods
 *	adapter_model.safetensors
 *
 * Its numbers stay in the map, but for types in blocks, which become float32s. Whether the
 * pairs fit the base is for whoever hangs them there to say (fwd/lora.h).
 */
#ifndef ADAPTER_H
#define ADAPTER_H

#include "weights.h"

/* W x of tensor `name` becomes W x + scale b (a x). Of the embedding, where x names a row of
 * W, that row w becomes w + scale b (row x of a). */
struct factors {
	char name[65];		/* GGUF's */
	struct tensor a;	/* inputs x rank x experts: dim[0] inputs; the embedding's: rank x n_vocab, and
				 * maybe across */
	struct tensor b;	/* rank x outputs x experts */
	float scale;
};

struct adapter {
	const char *path;
	bool peft;		/* rows of b lie as those of the base's folder would, not as in GGUF */
	size_t n;
	struct factors *f;	/* sorted by name, each once */
};

/* Read an adapter of a base; dies with the file and what is wrong. It stays until the process ends. */
struct adapter *adapter_open(const char *path, const struct weights *base);
/* The same of files that are mapped: one of GGUF, or safetensors with PEFT's configuration
 * (else config.data is NULL). */
struct adapter *adapter_read(const char *path, struct map file, struct map config, const struct weights *base);

/* The pair for a tensor, or NULL. */
const struct factors *adapter_get(const struct adapter *a, const char *name);

#endif
