/*
 * lora.h - low-rank adapters beside the matrices of a model (LoRA, arXiv:2106.09685). Only for fwd/.
 *
 * Where a matrix W has adapters, its product W x gains scale b (a x) of each, in the order in which
 * they were given. W is not touched.
 */
#ifndef LORA_H
#define LORA_H

#include "batch.h"
#include "weights/adapter.h"

/* An adapter that is hung, and how. */
struct adapted {
	char *path;
	double scale;
	const struct adapter *a;
};

/* What one adapter adds to one matrix. */
struct lora {
	struct tensor a;	/* rank x inputs; of the embedding: a row a token, or across */
	struct tensor b;	/* outputs x rank, rows as those of the matrix */
	float scale;
	const struct lora *next;
};

/* Hang an adapter's pairs beside the matrices of m, times `scale`; dies with the name of what does
 * not fit. The adapter must outlive the model. With scale 0 it is checked, and nothing is hung. */
void lora_hang(struct model *m, const struct adapter *a, float scale);

/* What a context of the model needs beside its own: for all threads, and for each. 0: nothing. */
size_t lora_floats(const struct model *m);
size_t lora_thread_floats(const struct model *m, size_t batch);

/* Add to the products that matmul() has just made what adapters have to add. */
void lora_products(struct job *j);
/* The same for the embedding of a token, x; c->h is used. */
void lora_embedding(struct context *c, uint32_t id, float *x);

#endif
