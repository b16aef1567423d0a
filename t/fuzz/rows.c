/*
 * rows.c - the logits stream, binary and text, and what llm-sample makes of it.
 * Input: u8 options, u8 number of the list or limit, u8 bytes a read; the stream.
 */
#include "stream/rows.h"

#include "fuzz.h"
#include "list.h"
#include "turn.h"

#include <string.h>

/* A row may be 64 MB wide, and a candidate takes four times as much. */
const size_t fuzz_base = 80 << 20;

struct run {
	const unsigned char *data;
	size_t n, step;
};

static void
set_options(struct sampler *s, unsigned bits)
{
	if (bits & 4)
		sampler_option(s, 'k', bits & 8 ? "0" : "2");
	if (bits & 16)
		sampler_option(s, 'P', bits & 64 ? "1" : "0");
	if (bits & 32)
		sampler_option(s, 'm', bits & 64 ? "0" : "1");
	if (bits & 64)
		sampler_option(s, 't', bits & 16 ? "1e-9" : "0");
	s->seed = bits;
}

/* What was read, as text: the same when it is read again. */
static void
write_text(struct row_reader *rows)
{
	struct rows_header h = rows->h;
	h.text = true;
	if (!h.origin.model || strlen(h.origin.model) < 8000)
		rows_header_write(1, &h);
	while (rows_next(rows)) {
		const size_t begin = fuzz_out.n, width = h.width;
		rows_write_text(1, &rows->row, rows->x, h.width);
		struct row_reader again = {.h = h, .in = 0, .out = 1, .name = "again", .at = begin, .have = fuzz_out.n};
		again.buf = fuzz_out.p;
		const struct row_head row = rows->row;
		CHECK(rows_next(&again) && again.at == again.have);
		CHECK(again.row.sequence == row.sequence && again.row.position == row.position &&
			again.row.token == row.token && again.row.flags == row.flags);
		for (size_t i = 0; i < width; i++)
			CHECK(again.x[i] == rows->x[i] || (again.x[i] != again.x[i] && rows->x[i] != rows->x[i]));
		xfree(again.x);
	}
}

static void
sample(void *arg)
{
	const struct run *t = arg;
	struct row_reader rows;
	struct reply none = {.kind = REPLY_NONE, .fd = -1};
	struct sampler s;
	fuzz_input(0, t->data + 3, t->n - 3, t->step);
	if (!rows_open(&rows, 0, 1, "stdin")) {
		CHECK(t->n == 3);
		return;
	}
	CHECK(rows.h.width >= 1);
	sampler_init(&s);
	set_options(&s, t->data[0]);
	if (t->data[0] & 128) {
		write_text(&rows);
	} else if (t->data[0] & 1) {
		struct list l = {.n = t->data[1] + 1u};
		while (rows_next(&rows))
			list_row(&l, &rows);
		list_free(&l);
	} else {
		if (!rows.h.origin.model || strlen(rows.h.origin.model) < 8000)
			token_header_write(1, &rows.h.origin);
		s.eog = rows.h.eog;
		s.n_eog = rows.h.n_eog;
		talk(&(struct talk){.rows = &rows, .reply = &none, .sampler = &s, .stops = &(struct stops){0},
			.limit = t->data[1], .prompt = t->data[0] & 2, .several = rows.h.sequences});
		CHECK(!fuzz_out.n || fuzz_out.p[fuzz_out.n - 1] == '\n');
	}
	rows_free(&rows);
}

/* The length and a hash of what came out. */
static uint64_t
run(const unsigned char *data, size_t n, size_t step)
{
	uint64_t hash = fuzz_try(sample, &(struct run){data, n, step});
	for (size_t i = 0; i < fuzz_out.n; i++)
		hash = (hash ^ fuzz_out.p[i]) * 0x100000001b3;
	return hash;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	if (n >= 3) /* all at once or in pieces: the same answers */
		CHECK(run(data, n, SIZE_MAX) == run(data, n, data[2]));
}
