/*
 * turns.c - llm-fwd's conversation over a tiny model: lines on standard input, and
 * on the reply channel. Input: u8 options, u8 where the replies begin (in 256ths);
 * the lines, the replies.
 */
#include "flight.h"

#include "fuzz.h"
#include "tiny.h"

#include <string.h>

const size_t fuzz_base = 16 << 20;

static bool sampler; /* whether there is one */

/* In the place of fwd/reply.c. */
bool
reply_wait(int out)
{
	(void)out;
	return sampler;
}

int
reply_fd(void)
{
	return 7;
}

struct session {
	const unsigned char *data;
	size_t n, step, drafts, flight;
};

static void
converse(void *arg)
{
	const struct session *t = arg;
	unsigned char file[1024];
	struct map map = {"model.bin", file, tiny_model(file)};
	size_t n = t->n - 2, lines = t->data[0] & 1 ? n * t->data[1] / 256 : n;
	fuzz_silent = sampler = t->data[0] & 1; /* it may leave at any time, and the model with it */
	fuzz_input(0, t->data + 2, lines, t->step);
	fuzz_input(7, t->data + 2 + lines, n - lines, t->step);
	struct weights *w = weights_read(map);
	struct model *m = model_new(w);
	struct pool *p = pool_new(1);
	const struct part part = {.last = t->data[0] & 4 ? 0 : 1, .to = t->data[0] & 4 ? ROWS_HIDDEN : ROWS_LOGITS};
	struct context *c = context_new(m, kernels_choose(), p, KV_F16, &part);
	struct turns turns = {
		.c = c,
		.d = draft_new(c, part.to == ROWS_LOGITS ? t->drafts : 0, part_width(m, &part)),
		.origin = {.model = "model.bin", .n_vocab = VOCAB, .has_print = true, .print = 0x0123456789abcdef},
		.n_vocab = VOCAB,
		.width = (uint32_t)part_width(m, &part),
		.all = t->data[0] & 2,
		.hidden = t->data[0] & 4,
		.channel = sampler,
	};
	CHECK((t->flight > 1 ? flight_run(&turns, t->flight, 0) : turns_run(&turns, 0)) == (lines > 0));
	CHECK(draft_length(turns.d) <= CONTEXT);
	draft_free(turns.d);
	context_free(turns.c);
	pool_free(p);
	model_free(m);
	weights_free(w);
}

/* Rows are whole, positions go up, and logits depend on the ids, not on the way they came, nor on
 * guesses, nor on who else is in flight. */
static uint64_t
run(const struct session *r, bool *ok)
{
	const size_t row = 16 + 4 * (r->data[0] & 4 ? DIM : VOCAB);
	uint64_t sequence[64] = {0}, hash;
	hash = *ok = fuzz_try(converse, (void *)r);
	CHECK(fuzz_out.n % row == 0);
	for (size_t i = 0; i < fuzz_out.n; i += row) {
		unsigned char *p = fuzz_out.p + i;
		uint64_t *h = sequence + le32(p) % 64;
		CHECK(le32(p + 4) < CONTEXT && le32(p + 8) < VOCAB);
		CHECK((le32(p + 12) & 4) / 4 == (le32(p + 4) == CONTEXT - 1));
		CHECK(r->flight > 1 || !(le32(p + 12) & ROW_MORE));
		for (size_t k = 0; k < row; k++)
			*h = (*h ^ (k == 12 ? p[k] & ~ROW_MORE : p[k])) * 0x100000001b3;
	}
	for (size_t i = 0; i < 64; i++)
		hash = (hash ^ sequence[i]) * 0x100000001b3;
	return hash;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	bool ok, now;
	if (n < 2)
		return;
	const uint64_t plain = run(&(struct session){data, n, SIZE_MAX, 0, 1}, &ok);
	CHECK(run(&(struct session){data, n, 1, 0, 1}, &now) == plain);
	CHECK(run(&(struct session){data, n, SIZE_MAX, DRAFT_MOST, 1}, &now) == plain);
	if (data[0] & 4)
		return;
	/* where a line is wrong, others may be under way; a sampler may be anything */
	const uint64_t many = run(&(struct session){data, n, SIZE_MAX, 0, 3}, &now);
	CHECK(data[0] & 1 || (now == ok && (!ok || many == plain)));
}
