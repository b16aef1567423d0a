/* turn.c - the sampler's side of a conversation; see turn.h. */
#include "turn.h"

/* A prompt is written from its rows: there must be one for each token. */
static void
check_order(const struct talk *t)
{
	const struct row_head *now = &t->rows->row;
	bool same = t->any && now->sequence == t->last.sequence;
	uint64_t want = same ? (uint64_t)t->last.position + 1 : 0;
	if (now->position > want) /* lower ones: rewound */
		die("%s: row %ju is of position %u where %ju should be: "
		    "-p needs a row for every token (llm-fwd -a)",
			t->rows->name, (uintmax_t)t->rows->n, now->position, (uintmax_t)want);
}

static bool
next_row(struct talk *t)
{
	if (t->held) {
		t->held = false;
		return true;
	}
	if (!rows_next(t->rows))
		return false;
	if (t->prompt)
		check_order(t);
	t->any = true;
	t->last = t->rows->row;
	return true;
}

static void
write_token(struct talk *t, uint32_t id)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%u ", id);
	write_all(1, text, (size_t)n, "stdout");
	t->line = true;
}

static void
end_line(struct talk *t)
{
	write_all(1, "\n", 1, "stdout");
	t->line = false;
}

static bool
ends_generation(const struct talk *t, uint32_t id)
{
	for (size_t i = 0; i < t->n_eog; i++)
		if (t->eog[i] == id)
			return true;
	return false;
}

/* The row that answers the token that was just sent. False: there is none, and
 * the turn is over. `from` is the row that the token was drawn from. */
static bool
answered(struct talk *t, const struct row_head *from, uint32_t id)
{
	const struct row_head *now = &t->rows->row;
	if (!next_row(t))
		return false;
	switch (t->reply->kind) {
	case REPLY_NONE: /* a recorded turn goes on as it once did */
		t->held = !(now->flags & ROW_REPLY);
		return !t->held;
	case REPLY_CHANNEL:
		if (!(now->flags & ROW_REPLY))
			die("%s: row %ju answers no reply: the model has stopped listening "
			    "(was a filter too slow?)",
				t->rows->name, (uintmax_t)t->rows->n);
		if (now->token != id)
			die("%s: row %ju answers token %u, but %u was sent", t->rows->name,
				(uintmax_t)t->rows->n, now->token, id);
		return true;
	case REPLY_HAND:
		if (now->token != id || now->sequence != from->sequence ||
			now->position != from->position + 1)
			die("%s: row %ju does not answer the reply: "
			    "with -r ask one question at a time",
				t->rows->name, (uintmax_t)t->rows->n);
		return true;
	}
	return false;
}

/* The answer to the row that was read last. */
static void
turn(struct talk *t)
{
	for (long n = 1; !(t->rows->row.flags & ROW_FULL); n++) {
		struct row_head from = t->rows->row;
		uint32_t id = sampler_draw(t->sampler, t->rows);
		if (ends_generation(t, id))
			break;
		write_token(t, id);
		bool last = n == t->limit;
		if (!last || t->reply->kind != REPLY_HAND) /* by hand, no turn will follow */
			reply_token(t->reply, id);
		if (last || !answered(t, &from, id))
			break;
	}
	end_line(t);
	reply_end(t->reply);
	t->over = t->reply->kind == REPLY_HAND;
}

void
talk(struct talk *t)
{
	while (next_row(t)) {
		const struct row_head *row = &t->rows->row;
		if (t->over)
			die("%s: row %ju begins another turn: with -r ask one question at a time",
				t->rows->name, (uintmax_t)t->rows->n);
		if (row->flags & ROW_REPLY)
			continue; /* the rest of a turn that is over */
		if (t->prompt)
			write_token(t, row->token);
		if (row->flags & ROW_ANSWER)
			turn(t);
	}
	if (t->line)
		end_line(t);
}
