/* tokens.c - the token stream, which reads the same however it arrives. */
#include "stream/tokens.h"

#include "fuzz.h"

#include <string.h>

const size_t fuzz_base = 4 << 20;

struct run {
	const unsigned char *data;
	size_t n, step;
	bool plain;	/* what can be taken together is */
	size_t on_line;
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
note_id(struct run *t, uint32_t id)
{
	note(t, TOKENS_ID);
	note(t, id);
	CHECK(id <= INT32_MAX);
	t->on_line++;
	t->events++;
}

static void
note_eol(struct run *t, bool cut)
{
	note(t, TOKENS_EOL);
	note(t, t->on_line + (cut ? 1u << 20 : 0));
	t->on_line = 0;
	t->events++;
}

static void
take_plain(struct run *t, struct token_reader *r)
{
	uint32_t ids[TOKENS_PLAIN + 1];
	for (size_t n; (n = token_plain(r, ids, TOKENS_PLAIN + t->n % 2));) {
		CHECK(n <= TOKENS_PLAIN + t->n % 2);
		for (size_t i = 0; i < n; i++)
			if (ids[i] == TOKEN_EOL)
				note_eol(t, false);
			else
				note_id(t, ids[i]);
		CHECK(!r->inside || r->count == t->on_line);
	}
}

static void
read_all(void *arg)
{
	struct run *t = arg;
	struct token_reader r;
	fuzz_input(0, t->data, t->n, t->step);
	token_reader_init(&r, 0, 1, "stdin");
	r.idle = idle;
	for (enum token_event e = TOKENS_ID; e != TOKENS_END;) {
		e = token_next(&r);
		if (e == TOKENS_ID)
			note_id(t, r.id);
		else if (e == TOKENS_EOL)
			note_eol(t, r.cut);
		else {
			note(t, e);
			note(t, e == TOKENS_REWIND ? r.rewind : 0);
			t->events++;
		}
		CHECK(e == TOKENS_EOL || !r.inside || r.count == t->on_line);
		if (e == TOKENS_HEADER) {
			note(t, r.origin.n_vocab ^ r.origin.print);
			note(t, r.origin.model ? strlen(r.origin.model) : 0);
		}
		if (t->plain && e != TOKENS_END)
			take_plain(t, &r);
		CHECK(t->events <= 2 * t->n + 2);
	}
	CHECK(r.any == (t->n > 0));
	/* what the header said can be said again */
	if (!r.origin.model || strlen(r.origin.model) < 8000)
		token_header_write(1, &r.origin);
	token_reader_free(&r);
}

static struct run
run(const unsigned char *data, size_t n, size_t step, bool plain)
{
	struct run t = {.data = data, .n = n, .step = step, .plain = plain};
	t.ok = fuzz_try(read_all, &t);
	if (fuzz_err.n)
		memcpy(t.said, fuzz_err.p, fuzz_err.n < sizeof t.said ? fuzz_err.n : sizeof t.said);
	return t;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	const struct run a = run(data, n, SIZE_MAX, false);
	for (unsigned i = 0; i < 3; i++) {
		const struct run b = run(data, n, i == 1 ? SIZE_MAX : 1 + n % 7 * i, i);
		CHECK(a.ok == b.ok && a.hash == b.hash && a.events == b.events && !memcmp(a.said, b.said, sizeof a.said));
	}
}
