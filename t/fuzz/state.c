/*
 * state.c - the state of a context (llm-fwd -S) read into one of a tiny model, and tokens fed behind it.
 * Input: u8 how many of the state's own tokens are fed first; the file.
 */
#include "state.h"

#include "fuzz.h"
#include "tiny.h"

const size_t fuzz_base = 16 << 20;

enum { FITS = 0x5a };

struct given {
	const unsigned char *data;
	size_t n;
};

static size_t n_rows;

static void
count(void *arg, size_t position, size_t n, float *rows)
{
	float *sum = arg;
	CHECK(position + n <= CONTEXT);
	n_rows += n;
	for (size_t i = 0; i < n * VOCAB; i++)
		*sum += rows[i]; /* all of them can be read */
}

static void
take(void *arg)
{
	const struct given *t = arg;
	unsigned char file[1024], *state = xreallocarray(NULL, t->n, 1);
	const struct map model = {"model.bin", file, tiny_model(file)};
	const struct origin origin = {.model = "model.bin", .n_vocab = VOCAB};
	struct weights *w = weights_read(model);
	struct model *m = model_new(w);
	struct pool *p = pool_new(1);
	const struct part part = whole(m);
	struct context *c = context_new(m, kernels_choose(), p, t->data[0] & 1 ? KV_F32 : KV_F16, &part);
	float sum = 0;
	memcpy(state, t->data + 1, t->n - 1); /* its pages may be written to */
	struct state *s = state_read((struct map){"state", state, t->n - 1}, false, c, FITS, &origin);
	const size_t known = context_known(c), first = t->data[0] / 2 < known ? t->data[0] / 2 : known;
	CHECK(known <= CONTEXT && context_length(c) == 0 && state_save(s));
	uint32_t ids[CONTEXT];
	for (size_t i = 0; i < CONTEXT; i++)
		ids[i] = i < first ? context_token(c, i) : (uint32_t)i * 3 % VOCAB;
	n_rows = 0;
	context_feed(c, &(struct feed){.ids = ids, .n = CONTEXT - 3, .wanted = CONTEXT - 4}, count, &sum);
	context_rewind(c, 5);
	context_feed(c, &(struct feed){.ids = ids, .n = 3}, count, &sum);
	CHECK(n_rows == 4 && context_length(c) == 8);
	context_pad(c);
	context_free(c);
	pool_free(p);
	model_free(m);
	weights_free(w);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	if (n >= 1)
		fuzz_try(take, &(struct given){data, n});
}
