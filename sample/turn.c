/* turn.c - the sampler's side of a conversation; see turn.h. */
#include "turn.h"

#include <math.h>

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

/* A token's note; `known`: by the row that was kept last. */
static double
note_of(const struct talk *t, const struct sequence *q, uint32_t id, bool known)
{
	return t->notes && known ? score_of(&q->score, id) : NAN;
}

/* Output of a sequence: what comes before it must be written. */
static void
put(struct sequence *q, const char *text, size_t n)
{
	if (q->waits)
		bytes_add(&q->later, text, n);
	else
		write_all(1, text, n, "stdout");
}

static void
write_token(struct sequence *q, uint32_t id, double note)
{
	char text[SCORE_TEXT];
	const size_t n = score_print(text, id, note);
	put(q, text, n);
	q->line = true;
}

static void
write_rewind(struct sequence *q, uint32_t position)
{
	char text[16];
	const int n = snprintf(text, sizeof text, "@%u ", position);
	put(q, text, (size_t)n);
	q->line = true;
}

static void
end_line(struct sequence *q)
{
	put(q, "\n", 1);
	q->line = false;
}

static void
begin_turn(struct talk *t, struct sequence *q)
{
	const struct constraint *c = t->sampler->constraint;
	q->drawn = 0;
	stop_begin(t->stops, &q->held, !q->line);
	q->text = c ? c->begin(c->rules, q->seen, t->prompt ? q->n_seen : 0) : NULL;
}

/* The first n of those that were held back. */
static void
write_held(struct sequence *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		write_token(q, q->held.token[i].id, q->held.token[i].note);
	stop_drop(&q->held, n);
}

static void
end_turn(struct talk *t, struct sequence *q, const char *why)
{
	const struct constraint *c = t->sampler->constraint;
	q->answering = false;
	q->rests = true;
	if (q->text && !c->may_end(q->text)) {
		warn("%s: sequence %u, position %u: %s: the text is not finished", t->rows->name, q->last.sequence,
			q->last.position, why);
		t->cut = true;
	}
	if (q->text)
		c->end(q->text);
	q->text = NULL;
	write_held(q, q->held.n);
	end_line(q);
	figures_end(t->figures, &q->turn, q->last.sequence);
	reply_end(t->reply);
	t->over = t->reply->kind == REPLY_HAND;
}

/* The turn ends with the n tokens from `position` on, which are replied next: what would follow them is not read,
 * unless the prompt is written from the rows of all tokens. */
static void
say_last(struct talk *t, struct sequence *q, uint32_t position, const uint32_t *ids, size_t n)
{
	if (t->prompt || t->reply->kind != REPLY_CHANNEL)
		return;
	reply_last(t->reply);
	sequence_said(q, position, ids, n);
}

/*
 * The token that was drawn, the last one held back, ends the turn; of those held back only `rest` bytes of the
 * first one are text, which are spelled anew. The context goes back to where they were fed, so that it holds what was
 * written.
 */
static void
cut(struct talk *t, struct sequence *q, size_t rest)
{
	uint32_t *ids = NULL;
	size_t n = 0, cap = 0;
	stop_spell(t->stops, q->held.text.s, rest, &ids, &n, &cap);
	for (size_t i = 0; i < n; i++)
		write_token(q, ids[i], NAN);
	const size_t sent = q->held.n - 1;
	const uint32_t position = (uint32_t)(q->last.position + 1 - sent);
	if (t->reply->kind == REPLY_CHANNEL && (sent || n)) {
		say_last(t, q, position, ids, n);
		reply_instead(t->reply, position, ids, n);
	}
	q->held.n = 0;
	xfree(ids);
	end_turn(t, q, "a stop ends it");
}

/* Write the token that was drawn, or hold it back. True: it ends the turn, which is over now. */
static bool
put_drawn(struct talk *t, struct sequence *q, uint32_t id)
{
	const double note = note_of(t, q, id, true);
	size_t ready, rest;
	if (!stops_any(t->stops)) {
		write_token(q, id, note);
		return false;
	}
	const bool stop = stop_take(t->stops, &q->held, (struct held){.id = id, .note = note}, &ready, &rest);
	write_held(q, ready);
	if (stop)
		cut(t, q, rest);
	return stop;
}

/* Answer the row that was read: with a token, or with the end of the turn. */
static void
answer(struct talk *t, struct sequence *q)
{
	uint32_t id;
	const long left = t->limit ? t->limit - q->drawn : 0;
	if (q->last.flags & ROW_FULL || !sampler_draw(t->sampler, q, t->rows, left, &t->draw, &id) ||
		sampler_ends(t->sampler, id)) {
		end_turn(t, q, "the context is full");
		return;
	}
	figures_tokens(t->figures, &q->turn, 1);
	if (q->text)
		t->sampler->constraint->take(q->text, id);
	if (put_drawn(t, q, id))
		return;
	const bool last = ++q->drawn == t->limit || (q->text && t->sampler->constraint->must_end(q->text));
	if (last)
		say_last(t, q, q->last.position + 1, &id, 1);
	if (!last || t->reply->kind != REPLY_HAND) /* by hand, no turn will follow */
		reply_token(t->reply, id);
	q->answering = !last;
	q->sent = id;
	if (last)
		end_turn(t, q, "-n ends it");
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
	const bool known = q->any && row->position == (uint64_t)q->last.position + 1;
	if (t->over)
		die("%s: row %ju begins another turn: with -r ask one question at a time",
			t->rows->name, (uintmax_t)t->rows->n);
	if (q->answering && !going_on)
		end_turn(t, q, "the stream ends");
	if (t->prompt)
		check_order(t, q);
	const bool fed = !going_on && !(row->flags & ROW_REPLY); /* or it is the rest of a turn that is over */
	if (fed)
		figures_begin(t->figures, &q->turn);
	if (t->prompt && fed)
		write_token(q, row->token, note_of(t, q, row->token, known));
	q->more = fed ? (row->flags & ROW_MORE) != 0 : q->more;
	q->rests = q->rests && !fed;
	sequence_see(q, row);
	if (t->notes)
		score_keep(&q->score, t->rows);
	const bool asked = fed && row->flags & ROW_ANSWER;
	if (asked)
		begin_turn(t, q);
	if (asked || going_on)
		answer(t, q);
}

/* -S: the token of the row that was read, on a line as it was fed. */
static void
score_row(struct talk *t, struct sequence *q)
{
	const struct row_head *row = &t->rows->row;
	const bool known = q->any && row->position == (uint64_t)q->last.position + 1;
	const bool rewound = q->any && row->position <= q->last.position;
	if (q->line && (rewound || (q->last.flags & ~row->flags & ROW_REPLY))) {
		end_line(q);
		figures_end(t->figures, &q->turn, q->number);
	}
	figures_begin(t->figures, &q->turn);
	if (!q->any && (t->several ? q->number > 0 : t->any))
		put(q, "\n", 1);
	if (rewound)
		write_rewind(q, row->position);
	write_token(q, row->token, note_of(t, q, row->token, known));
	figures_tokens(t->figures, &q->turn, 1);
	q->more = row->flags & ROW_MORE;
	q->rests = row->flags & ROW_ANSWER;
	if (q->rests) {
		end_line(q);
		figures_end(t->figures, &q->turn, q->number);
		reply_end(t->reply);
	}
	sequence_see(q, row);
	score_keep(&q->score, t->rows);
	t->any = true;
}

/* What the stream holds no more of. */
static void
finish(struct talk *t, struct sequence *q)
{
	if (q->answering)
		end_turn(t, q, "the stream ends");
	else if (q->line)
		end_line(q);
	figures_end(t->figures, &q->turn, q->number);
}

/* Of several, the state of that one; NULL: it is not under way. */
static struct sequence *
find(const struct talk *t, uint32_t number)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->q[i].used && t->q[i].number == number)
			return &t->q[i];
	return NULL;
}

/* The output goes on with a sequence: what it has said already is written. */
static void
go_on_with(struct talk *t, uint32_t number)
{
	struct sequence *q = find(t, number);
	t->first = number;
	if (!q)
		return;
	write_all(1, q->later.s, q->later.n, "stdout");
	q->later.n = 0;
	q->waits = false;
}

/* Of several: those that are over, and whose output is written, make room. Rows of a later sequence
 * say that all lines of the earlier ones have been read. */
static void
close_sequences(struct talk *t)
{
	struct sequence *q;
	while ((q = find(t, t->first)) && q->rests && !q->more && t->latest > q->number) {
		q->used = false;
		go_on_with(t, t->first + 1);
	}
}

/* The state of a row's sequence where there may be several; NULL: it is over already. */
static struct sequence *
one_of_several(struct talk *t, uint32_t number)
{
	struct sequence *q = find(t, number);
	if (!q && number < t->first && !(t->rows->row.flags & ROW_REPLY))
		die("%s: row %ju is of sequence %u, which is over", t->rows->name, (uintmax_t)t->rows->n, number);
	if (q || number < t->first)
		return q;
	if (number > (uint64_t)t->latest + t->several)
		die("%s: row %ju is of sequence %u, when %u is the last: no more than %u may be under way", t->rows->name,
			(uintmax_t)t->rows->n, number, t->latest, t->several);
	size_t i = 0;
	while (i < t->n && t->q[i].used)
		i++;
	if (i == t->n) {
		t->q = grow(t->q, &t->cap, t->n + 1, sizeof *t->q);
		t->q[t->n++] = (struct sequence){.used = false};
	}
	t->q[i].number = number;
	sequence_begin(&t->q[i], t->sampler->seed, number);
	t->q[i].used = true;
	t->q[i].waits = number != t->first;
	t->latest = number > t->latest ? number : t->latest;
	return &t->q[i];
}

/* The state of the row's sequence where there is one at a time: another one ends it. */
static struct sequence *
the_one(struct talk *t, uint32_t number)
{
	struct sequence *q = t->q;
	if (q->any && q->number == number)
		return q;
	if (q->answering && t->reply->kind != REPLY_NONE)
		die("%s: row %ju is of sequence %u, while sequence %u waits for an answer%s", t->rows->name,
			(uintmax_t)t->rows->n, number, q->number,
			t->reply->kind == REPLY_HAND ? ": with -r ask one question at a time" : "");
	finish(t, q);
	q->number = number;
	sequence_begin(q, t->sampler->seed, number);
	return q;
}

/* The stream is at its end: what is left, in order. */
static void
finish_all(struct talk *t)
{
	if (!t->several) {
		finish(t, t->q);
		return;
	}
	for (uint64_t n = t->first; n <= t->latest; n++) {
		struct sequence *q = find(t, (uint32_t)n);
		go_on_with(t, (uint32_t)n);
		if (q)
			finish(t, q);
	}
}

bool
talk(struct talk *t)
{
	t->q = grow(NULL, &t->cap, 1, sizeof *t->q);
	t->q[t->n++] = (struct sequence){.used = false};
	while (rows_next(t->rows)) {
		const uint32_t number = t->rows->row.sequence;
		struct sequence *q = (t->several ? one_of_several : the_one)(t, number);
		if (!q)
			continue; /* the rest of its last turn */
		reply_to(t->reply, number);
		(t->score ? score_row : take_row)(t, q);
		if (t->several)
			close_sequences(t);
	}
	finish_all(t);
	for (size_t i = 0; i < t->n; i++)
		sequence_free(&t->q[i]);
	xfree(t->q);
	draw_free(&t->draw);
	return !t->cut;
}
