/* feed.h - for harnesses of model files: what llm-fwd does with one. */
#ifndef FUZZ_FEED_H
#define FUZZ_FEED_H

#include "fuzz.h"

#include "forward.h"
#include "weights/weights.h"

struct fed {
	size_t rows;
	uint32_t n_vocab;
	float sum;
};

static inline void
fed_row(void *arg, size_t position, size_t n, float *logits)
{
	struct fed *f = arg;
	CHECK(position + n <= 4);
	f->rows += n;
	for (size_t i = 0; i < n * f->n_vocab; i++)
		f->sum += logits[i]; /* all of them can be read */
}

/* Feed two tokens and one more, free the context. */
static inline void
feed_context(struct model *m, unsigned kind)
{
	struct pool *p = pool_new(1);
	const struct kernels *rounds = kernels_avx512bf16();
	const struct kernels *kernels[] = {kernels_portable(), kernels_avx2(), rounds ? rounds : kernels_avx512()};
	const struct kernels *k = kernels[kind % 3]; /* of all that this machine has, some */
	const struct part all = whole(m);
	struct context *c = context_new(m, k ? k : kernels[0], p, kind & 4 ? KV_F32 : KV_F16, &all);
	struct fed f = {.n_vocab = (uint32_t)m->shape.n_vocab};
	uint32_t ids[2] = {0, f.n_vocab - 1};
	size_t n = context_max(c) < 2 ? 1 : 2;
	context_feed(c, &(struct feed){.ids = ids, .n = n}, fed_row, &f);
	CHECK(f.rows == n && context_length(c) == n);
	if (n < context_max(c))
		context_feed(c, &(struct feed){.ids = ids + 1, .n = 1}, fed_row, &f);
	context_rewind(c, 0);
	context_feed(c, &(struct feed){.ids = ids, .n = 1}, fed_row, &f);
	context_free(c);
	pool_free(p);
}

static inline void
feed_weights(struct weights *w, unsigned kind)
{
	struct model *m = model_new(w);
	feed_context(m, kind);
	model_free(m);
	weights_free(w);
}

static inline void
feed_model(void *arg)
{
	struct map *map = arg;
	feed_weights(weights_read(*map), map->data[map->size - 1]);
}

#endif
