/* tokens.c - the token stream, which reads the same however it arrives. */
#include "tokens.h"

#include "fuzz.h"

#include <string.h>

const size_t fuzz_base = 4 << 20;

struct run {
	const unsigned char *data;
	size_t n, step;
	uint64_t hash;	/* of all that was found */
	size_t events;
	char said[1024];
	bool ok;
};

static void
note(struct run *t, uint64_t v)
{
	t->hash = (t->hash ^ v) * 0x9E3779B97F4A7C15;
	t->hash ^= t->hash >> 29;
}

static void
idle(void *arg)
{
	(void)arg;
}

static void
read_all(void *arg)
{
	struct run *t = arg;
	struct token_reader r;
	fuzz_input(0, t->data, t->n, t->step);
	token_reader_init(&r, 0, 1, "stdin");
	r.idle = idle;
	for (enum token_event e = TOKENS_ID; e != TOKENS_END; t->events++) {
		e = token_next(&r);
		note(t, e);
		note(t, e == TOKENS_ID ? r.id : e == TOKENS_REWIND ? r.rewind : 0);
		if (e == TOKENS_ID)
			CHECK(r.id <= INT32_MAX && r.count);
		if (e == TOKENS_EOL)
			note(t, r.count + (r.cut ? 1u << 20 : 0));
		if (e == TOKENS_HEADER) {
			note(t, r.origin.n_vocab ^ r.origin.print);
			note(t, r.origin.model ? strlen(r.origin.model) : 0);
		}
		CHECK(t->events <= 2 * t->n + 2);
	}
	CHECK(r.any == (t->n > 0));
	/* what the header said can be said again */
	if (!r.origin.model || strlen(r.origin.model) < 8000)
		token_header_write(1, &r.origin);
	token_reader_free(&r);
}

static struct run
run(const unsigned char *data, size_t n, size_t step)
{
	struct run t = {.data = data, .n = n, .step = step};
	t.ok = fuzz_try(read_all, &t);
	if (fuzz_err.n)
		memcpy(t.said, fuzz_err.p, fuzz_err.n < sizeof t.said ? fuzz_err.n : sizeof t.said);
	return t;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct run a = run(data, n, SIZE_MAX), b = run(data, n, 1);
	CHECK(a.ok == b.ok && a.hash == b.hash && a.events == b.events && !memcmp(a.said, b.said, sizeof a.said));
}
