/* turn.c - the sampler's side of a conversation; see turn.h. */
#include "turn.h"

/* A prompt is written from its rows: there must be one for each token. */
static void
check_order(const struct talk *t, const struct sequence *q)
{
	const struct row_head *now = &t->rows->row;
	uint64_t want = q->any ? (uint64_t)q->last.position + 1 : 0;
	if (now->position > want) /* lower ones: rewound */
		die("%s: row %ju is of position %u where %ju should be: "
		    "-p needs a row for every token (llm-fwd -a)",
			t->rows->name, (uintmax_t)t->rows->n, now->position, (uintmax_t)want);
}

static void
write_token(struct sequence *q, uint32_t id)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%u ", id);
	write_all(1, text, (size_t)n, "stdout");
	q->line = true;
}

static void
end_line(struct sequence *q)
{
	write_all(1, "\n", 1, "stdout");
	q->line = false;
}

static void
begin_turn(struct talk *t, struct sequence *q)
{
	const struct constraint *c = t->sampler->constraint;
	q->drawn = 0;
	q->text = c ? c->begin(c->rules) : NULL;
}

static void
end_turn(struct talk *t, struct sequence *q)
{
	q->answering = false;
	if (q->text)
		t->sampler->constraint->end(q->text);
	q->text = NULL;
	end_line(q);
	reply_end(t->reply);
	t->over = t->reply->kind == REPLY_HAND;
}

/* Answer the row that was read: with a token, or with the end of the turn. */
static void
answer(struct talk *t, struct sequence *q)
{
	uint32_t id;
	const long left = t->limit ? t->limit - q->drawn : 0;
	if (q->last.flags & ROW_FULL || !sampler_draw(t->sampler, q, t->rows, left, &t->draw, &id) ||
		sampler_ends(t->sampler, id)) {
		end_turn(t, q);
		return;
	}
	if (q->text)
		t->sampler->constraint->take(q->text, id);
	write_token(q, id);
	const bool last = ++q->drawn == t->limit;
	if (!last || t->reply->kind != REPLY_HAND) /* by hand, no turn will follow */
		reply_token(t->reply, id);
	q->answering = !last;
	q->sent = id;
	if (last)
		end_turn(t, q);
}

/* Whether the row that was read answers the token that was sent. False: it does not,
 * and the turn was over in the recording. */
static bool
is_answered(const struct talk *t, const struct sequence *q)
{
	const struct row_head *now = &t->rows->row;
	switch (t->reply->kind) {
	case REPLY_NONE: /* a recorded turn goes on as it once did */
		return now->flags & ROW_REPLY;
	case REPLY_CHANNEL:
		if (!(now->flags & ROW_REPLY))
			die("%s: row %ju answers no reply: the model has stopped listening "
			    "(was a filter too slow?)",
				t->rows->name, (uintmax_t)t->rows->n);
		if (now->token != q->sent)
			die("%s: row %ju answers token %u, but %u was sent", t->rows->name,
				(uintmax_t)t->rows->n, now->token, q->sent);
		return true;
	case REPLY_HAND:
		if (now->token != q->sent || now->position != q->last.position + 1)
			die("%s: row %ju does not answer the reply: "
			    "with -r ask one question at a time",
				t->rows->name, (uintmax_t)t->rows->n);
		return true;
	}
	return false;
}

/* The row that was read, which belongs to q. */
static void
take_row(struct talk *t, struct sequence *q)
{
	const struct row_head *row = &t->rows->row;
	const bool going_on = q->answering && is_answered(t, q);
	if (t->over)
		die("%s: row %ju begins another turn: with -r ask one question at a time",
			t->rows->name, (uintmax_t)t->rows->n);
	if (q->answering && !going_on)
		end_turn(t, q);
	if (t->prompt)
		check_order(t, q);
	sequence_see(q, row);
	if (going_on) {
		answer(t, q);
	} else if (!(row->flags & ROW_REPLY)) { /* else the rest of a turn that is over */
		if (t->prompt)
			write_token(q, row->token);
		if (row->flags & ROW_ANSWER) {
			begin_turn(t, q);
			answer(t, q);
		}
	}
}

/* What the stream holds no more of. */
static void
finish(struct talk *t, struct sequence *q)
{
	if (q->answering)
		end_turn(t, q);
	else if (q->line)
		end_line(q);
}

/* The state of the row's sequence. One that is not known yet takes the place of the one that was
 * silent for the longest; that must not be waiting for the model. */
static struct sequence *
sequence_of(struct talk *t)
{
	const uint32_t number = t->rows->row.sequence;
	struct sequence *q = t->q;
	for (size_t i = 0; i < t->together; i++) {
		if (t->q[i].any && t->q[i].last.sequence == number)
			return &t->q[i];
		if (t->q[i].row < q->row)
			q = &t->q[i];
	}
	if (q->answering && t->reply->kind != REPLY_NONE)
		die("%s: row %ju is of sequence %u, while sequence %u waits for an answer%s", t->rows->name,
			(uintmax_t)t->rows->n, number, q->last.sequence,
			t->reply->kind == REPLY_HAND ? ": with -r ask one question at a time" : "");
	finish(t, q);
	sequence_begin(q, t->sampler->seed, number);
	return q;
}

void
talk(struct talk *t)
{
	t->q = xcalloc(t->together, sizeof *t->q);
	while (rows_next(t->rows)) {
		struct sequence *q = sequence_of(t);
		q->row = t->rows->n;
		take_row(t, q);
	}
	for (size_t i = 0; i < t->together; i++) {
		finish(t, &t->q[i]);
		sequence_free(&t->q[i]);
	}
	xfree(t->q);
	draw_free(&t->draw);
}
