/* turns.c - the conversation; see turns.h, llm-tokens(5), llm-logits(5). */
#include "turns.h"

#include "reply.h"

#include <signal.h>
#include <stdlib.h>

/* One line of tokens. */
struct line {
	uint32_t *ids;
	size_t n, cap;
	bool rewound;
	size_t rewind;
};

/* What emit() needs to make rows. */
struct emit {
	const struct turns *t;
	uint32_t sequence, flags;
	size_t next, end;	/* positions: of the row to come, behind the line */
};

static struct row_head
head_of(const struct emit *e, size_t position)
{
	struct row_head r = {e->sequence, (uint32_t)position, context_token(e->t->c, position), 0};
	if (position < e->next)
		r.flags |= ROW_AGAIN;
	else if (position + 1 == e->end || e->flags & ROW_REPLY)
		r.flags |= e->flags;
	if (position + 1 == context_max(e->t->c))
		r.flags |= ROW_FULL;
	if (context_is_long(e->t->c) && e->t->hidden)
		r.flags |= ROW_LONG;
	return r;
}

static void
emit(void *arg, size_t position, size_t n, const float *rows)
{
	struct emit *e = arg;
	struct row_head *r = xcalloc(n, sizeof *r);
	for (size_t i = 0; i < n; i++)
		r[i] = head_of(e, position + i);
	e->next = position + n > e->next ? position + n : e->next;
	rows_write(1, r, n, rows, e->t->width);
	xfree(r);
}

/*
 * Read one line. False: the stream ended. Ids are checked here, and so is that the
 * line fits into the context, before anything of it is fed.
 */
static bool
read_line(struct turns *t, struct token_reader *r, struct line *l)
{
	size_t max = context_max(t->c);
	l->n = l->rewind = 0;
	l->rewound = false;
	for (;;)
		switch (token_next(r)) {
		case TOKENS_HEADER:
			origin_check(&r->origin, &t->origin, r->name);
			break;
		case TOKENS_REWIND:
			if (r->rewind > draft_length(t->d))
				die("%s: line %zu: @%u: there are only %zu tokens in the context", r->name, r->line,
					r->rewind, draft_length(t->d));
			l->rewound = true;
			l->rewind = r->rewind;
			break;
		case TOKENS_ID:
			if (r->id >= t->n_vocab)
				die("%s: line %zu: token id %u is not in the vocabulary of %u pieces", r->name,
					r->line, r->id, t->n_vocab);
			if (l->n >= max - (l->rewound ? l->rewind : draft_length(t->d)))
				die("%s: line %zu: it does not fit into the model's context of %zu tokens (%zu were in it)",
					r->name, r->line, max, l->rewound ? l->rewind : draft_length(t->d));
			l->ids = grow(l->ids, &l->cap, l->n + 1, sizeof *l->ids);
			l->ids[l->n++] = r->id;
			break;
		case TOKENS_EOL:
			return true;
		case TOKENS_END:
			return false;
		}
}

/* Feed a line; one that only rewinds feeds its last token again, for its answer.
 * False: there was nothing to answer. */
static bool
feed(struct turns *t, struct line *l, uint32_t sequence, uint32_t flags, bool all)
{
	struct emit e = {.t = t, .sequence = sequence, .flags = flags};
	uint32_t again;
	const uint32_t *ids = l->ids;
	size_t n = l->n;
	if (l->rewound && n == 0 && l->rewind) {
		again = context_token(t->c, --l->rewind);
		ids = &again;
		n = 1;
	}
	if (l->rewound)
		draft_rewind(t->d, l->rewind);
	e.next = draft_length(t->d);
	e.end = e.next + n;
	if (n)
		draft_feed(t->d, &(struct feed){.ids = ids, .n = n, .wanted = all ? 0 : n - 1}, flags & ROW_REPLY, emit, &e);
	return n > 0;
}

/* Serve the sampler until it ends the turn with an empty line. */
static void
serve(struct turns *t, struct token_reader *replies, struct line *l, uint32_t sequence)
{
	for (;;) {
		if (!read_line(t, replies, l)) { /* the sampler left; it knows why */
			raise(SIGPIPE);
			exit(1); /* SIGPIPE is blocked */
		}
		if (l->n == 0 && !l->rewound)
			break;
		feed(t, l, sequence, ROW_REPLY, true);
	}
	draft_rewind(t->d, draft_length(t->d)); /* nobody will ask for what was guessed */
}

bool
turns_run(struct turns *t, int in)
{
	struct token_reader lines, replies;
	struct line l = {0};
	uint32_t sequence = 0;
	token_reader_init(&lines, in, 1, "stdin");
	if (t->channel)
		token_reader_init(&replies, reply_fd(), 1, "reply channel");
	while (read_line(t, &lines, &l)) {
		if (l.n == 0 && !l.rewound) { /* an empty line ends the sequence */
			sequence += draft_length(t->d) > 0;
			draft_rewind(t->d, 0);
			continue;
		}
		if (feed(t, &l, sequence, ROW_ANSWER, t->all || t->hidden) && t->channel && reply_wait(1))
			serve(t, &replies, &l, sequence);
	}
	bool any = lines.any;
	xfree(l.ids);
	token_reader_free(&lines);
	if (t->channel)
		token_reader_free(&replies);
	return any;
}
