/*
 * stage.c - a stage of llm-fwd behind layer 1 of a tiny model: rows of hidden states in, rows out.
 * Input: u8 options, u8 bytes a read; the stream.
 */
#include "stage.h"

#include "fuzz.h"
#include "tiny.h"

const size_t fuzz_base = 16 << 20;

struct run {
	const unsigned char *data;
	size_t n, step;
};

static void
pass(void *arg)
{
	const struct run *t = arg;
	unsigned char file[1024];
	struct map map = {"model.bin", file, tiny_model(file)};
	struct row_reader in;
	const struct part part = {.first = t->data[0] & 2 ? 0 : 1, .last = 1, .from_rows = true,
		.to = t->data[0] & 8 ? ROWS_HIDDEN : ROWS_LOGITS};
	fuzz_input(0, t->data + 2, t->n - 2, t->step);
	struct weights *w = weights_read(map);
	struct model *m = model_new(w);
	if (!rows_open_kind(&in, ROWS_HIDDEN, 0, 1, "stdin")) {
		CHECK(t->n == 2);
		return;
	}
	stage_check(&in.h, m, part.first, "stdin");
	CHECK(in.h.width == DIM && in.h.layer <= part.first);
	struct pool *p = pool_new(1);
	struct stage s = {.c = context_new(m, kernels_choose(), p, KV_F16, &part), .in = &in, .n_vocab = VOCAB,
		.width = (uint32_t)part_width(m, &part), .all = t->data[0] & 1, .hidden = t->data[0] & 8};
	stage_run(&s);
	CHECK(context_length(s.c) <= CONTEXT);
	context_free(s.c);
	pool_free(p);
	rows_free(&in);
	model_free(m);
	weights_free(w);
}

/* Rows are whole, and what was asked for. */
static uint64_t
run(const unsigned char *data, size_t n, size_t step)
{
	const size_t row = 16 + 4 * (data[0] & 8 ? DIM : VOCAB);
	uint64_t hash = fuzz_try(pass, &(struct run){data, n, step});
	CHECK(fuzz_out.n % row == 0);
	for (size_t i = 0; i < fuzz_out.n; i++)
		hash = (hash ^ fuzz_out.p[i]) * 0x100000001b3;
	for (size_t i = 0; i < fuzz_out.n; i += row) {
		const uint32_t flags = le32(fuzz_out.p + i + 12);
		CHECK(le32(fuzz_out.p + i + 4) < CONTEXT && le32(fuzz_out.p + i + 8) < VOCAB);
		CHECK(data[0] & 9 || flags & 3);
		CHECK(data[0] & 8 || !(flags & 24));
	}
	return hash;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	if (n >= 2) /* all at once or in pieces: the same answers */
		CHECK(run(data, n, SIZE_MAX) == run(data, n, data[1]));
}
