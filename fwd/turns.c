/* turns.c - the conversation; see turns.h, llm-tokens(5), llm-logits(5). */
#include "turns.h"

#include "line.h"
#include "reply.h"

#include <signal.h>
#include <stdlib.h>

struct conversation {
	struct turns *t;
	struct token_reader lines, replies;
	struct line line;	/* that was read last */
	struct line owed;	/* what was not fed yet, as nobody has asked for what follows it */
	uint32_t sequence;
};

/* Tokens that the next line follows. */
static size_t
length_of(const struct conversation *v)
{
	return draft_length(v->t->d) + v->owed.n;
}

/* Read one line, or the rest of the stream; an id is checked as soon as it is here. False: the stream ended. */
static bool
read_line(struct conversation *v, struct token_reader *r)
{
	enum token_event e;
	line_begin(&v->line);
	while (e = token_next(r), !line_take(v->t, r, e, &v->line, length_of(v)))
		;
	return e != TOKENS_END;
}

/* Feed the line. False: there was nothing to answer. */
static bool
feed(struct conversation *v, uint32_t flags, bool all)
{
	struct turns *t = v->t;
	struct line *l = &v->line;
	if (!(flags & ROW_REPLY))
		line_turn(t, &t->turn, l, v->sequence);
	struct emit e = {.t = t, .c = t->c, .sequence = v->sequence, .flags = flags};
	line_settle(l, &v->owed, draft_length(t->d));
	line_again(l, t->c);
	if (l->rewound)
		draft_rewind(t->d, l->rewind);
	e.next = draft_length(t->d);
	e.end = e.next + l->n;
	if (l->n)
		draft_feed(t->d, &(struct feed){.ids = l->ids, .n = l->n, .wanted = all ? l->owed : l->n - 1}, flags & ROW_REPLY,
			line_emit, &e);
	line_fed(t, &t->turn, l, flags & ROW_REPLY);
	return l->n > 0;
}

/* Nobody waits for rows of the line: it is fed with the next one, if there is one. */
static void
owe(struct conversation *v)
{
	line_settle(&v->line, &v->owed, draft_length(v->t->d));
	if (v->line.rewound)
		draft_rewind(v->t->d, v->line.rewind);
	line_fed(v->t, &v->t->turn, &v->line, true);
	line_swap(&v->line, &v->owed);
}

/* Serve the sampler until it ends the turn with an empty line. */
static void
serve(struct conversation *v)
{
	struct turns *t = v->t;
	const bool may_owe = !t->all && !t->hidden && !t->state;
	for (;;) {
		if (!read_line(v, &v->replies)) { /* the sampler left; it knows why */
			raise(SIGPIPE);
			exit(1); /* SIGPIPE is blocked */
		}
		line_lend(t, &v->replies);
		if (line_is_empty(&v->line))
			break;
		if (v->line.last && may_owe)
			owe(v);
		else
			feed(v, ROW_REPLY, true);
	}
	figures_end(t->figures, &t->turn, v->sequence);
	draft_rewind(t->d, draft_length(t->d)); /* nobody will ask for what was guessed */
	context_forget(t->c);
}

/* An empty line ends the sequence. */
static void
end_sequence(struct conversation *v)
{
	struct turns *t = v->t;
	figures_end(t->figures, &t->turn, v->sequence);
	v->sequence += length_of(v) > 0;
	v->owed.n = 0;
	draft_rewind(t->d, 0);
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
	struct conversation v = {.t = t};
	token_reader_init(&v.lines, in, 1, "stdin");
	v.lines.idle = idle;
	v.lines.idle_arg = t;
	if (t->channel)
		token_reader_init(&v.replies, reply_fd(), 1, "reply channel");
	while (read_line(&v, &v.lines))
		if (line_is_empty(&v.line))
			end_sequence(&v);
		else if (feed(&v, ROW_ANSWER, t->all || t->hidden) && t->channel && reply_wait(1))
			serve(&v);
	figures_end(t->figures, &t->turn, v.sequence);
	const bool any = v.lines.any;
	xfree(v.line.ids);
	xfree(v.owed.ids);
	token_reader_free(&v.lines);
	if (t->channel)
		token_reader_free(&v.replies);
	return any;
}
