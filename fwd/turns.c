/* turns.c - the conversation; see turns.h, llm-tokens(5), llm-logits(5). */
#include "turns.h"

#include "line.h"
#include "reply.h"

#include <signal.h>
#include <stdlib.h>

/* Read one line, or the rest of the stream; an id is checked as soon as it is here. False: the stream ended. */
static bool
read_line(struct turns *t, struct token_reader *r, struct line *l)
{
	enum token_event e;
	line_begin(l);
	while (e = token_next(r), !line_take(t, r, e, l, draft_length(t->d)))
		;
	return e != TOKENS_END;
}

/* Feed a line. False: there was nothing to answer. */
static bool
feed(struct turns *t, struct line *l, uint32_t sequence, uint32_t flags, bool all)
{
	if (!(flags & ROW_REPLY))
		line_turn(t, &t->turn, l, sequence);
	struct emit e = {.t = t, .c = t->c, .sequence = sequence, .flags = flags};
	line_again(l, t->c);
	if (l->rewound)
		draft_rewind(t->d, l->rewind);
	e.next = draft_length(t->d);
	e.end = e.next + l->n;
	if (l->n)
		draft_feed(t->d, &(struct feed){.ids = l->ids, .n = l->n, .wanted = all ? 0 : l->n - 1}, flags & ROW_REPLY, line_emit, &e);
	line_fed(t, &t->turn, l, flags & ROW_REPLY);
	return l->n > 0;
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
		if (line_is_empty(l))
			break;
		feed(t, l, sequence, ROW_REPLY, true);
	}
	figures_end(t->figures, &t->turn, sequence);
	draft_rewind(t->d, draft_length(t->d)); /* nobody will ask for what was guessed */
	context_forget(t->c);
}

/* Before input is waited for: a turn is over, or a line is not here yet. */
static void
idle(void *arg)
{
	const struct turns *t = arg;
	if (t->state)
		state_save(t->state);
}

bool
turns_run(struct turns *t, int in)
{
	struct token_reader lines, replies;
	struct line l = {0};
	uint32_t sequence = 0;
	token_reader_init(&lines, in, 1, "stdin");
	lines.idle = idle;
	lines.idle_arg = t;
	if (t->channel)
		token_reader_init(&replies, reply_fd(), 1, "reply channel");
	while (read_line(t, &lines, &l)) {
		if (line_is_empty(&l)) { /* an empty line ends the sequence */
			figures_end(t->figures, &t->turn, sequence);
			sequence += draft_length(t->d) > 0;
			draft_rewind(t->d, 0);
			continue;
		}
		if (feed(t, &l, sequence, ROW_ANSWER, t->all || t->hidden) && t->channel && reply_wait(1))
			serve(t, &replies, &l, sequence);
	}
	figures_end(t->figures, &t->turn, sequence);
	bool any = lines.any;
	xfree(l.ids);
	token_reader_free(&lines);
	if (t->channel)
		token_reader_free(&replies);
	return any;
}
