/*
 * stage.c - a stage that starts late; see stage.h, llm-logits(5).
 *
 * Rows go through the layers together as far as they have come in and nobody waits: a row that is
 * no answer is followed by one that is, so there is time to read on behind it.
 */
#include "stage.h"

#include <math.h>
#include <string.h>

/* Rows that go through the layers together: of one sequence, without gaps; those from `wanted` on
 * are written. */
struct together {
	struct row_head *heads;
	uint32_t *ids;
	float *x;		/* n_embd each */
	size_t n, wanted;
};

struct work {
	struct stage *s;
	struct together rows;
	uint32_t sequence;
	bool is_long;		/* ROW_LONG of the sequence's rows */
	struct turn_figures turn;
	uint32_t before;	/* flags of the row before */
	size_t prompt, tokens;	/* of the rows that go together */
};

void
stage_check(const struct rows_header *h, const struct model *m, size_t first, const char *name)
{
	if (h->width != m->shape.n_embd)
		die("%s: hidden states of %u numbers are not of %s, whose have %zu", name, h->width, m->w->path,
			m->shape.n_embd);
	if (h->sequences > 1)
		die("%s: a stage takes one sequence at a time, not %u", name, h->sequences);
	if (!h->has_layer)
		die("%s: the header lacks a 'layer' line", name);
	if (h->layer > first)
		die("%s: rows from behind layer %u come too late for layer %zu: see -l", name, h->layer, first);
}

static bool
is_wanted(const struct stage *s, uint32_t flags)
{
	return s->hidden || (s->all ? !(flags & ROW_AGAIN) : (flags & (ROW_ANSWER | ROW_REPLY)) != 0);
}

/* The row that was read must follow the context, or go back in it. */
static void
check_row(const struct work *w)
{
	const struct row_reader *r = w->s->in;
	const size_t max = context_max(w->s->c);
	const size_t next = w->rows.n ? w->rows.heads[w->rows.n - 1].position + 1 : context_length(w->s->c);
	if (r->row.token >= w->s->n_vocab)
		die("%s: row %ju: token id %u is not in the vocabulary of %u pieces", r->name, (uintmax_t)r->n,
			r->row.token, w->s->n_vocab);
	if (r->row.position >= max)
		die("%s: row %ju: position %u is beyond the model's context of %zu tokens", r->name, (uintmax_t)r->n,
			r->row.position, max);
	if (r->row.position > next)
		die("%s: row %ju is of position %u where %zu should be: a stage needs a row for every token", r->name,
			(uintmax_t)r->n, r->row.position, next);
	if (r->row.position > 0 && !(r->row.flags & ROW_LONG) == w->is_long)
		die("%s: row %ju: a sequence cannot get long or short between its rows", r->name, (uintmax_t)r->n);
	for (size_t i = 0; i < r->h.width; i++)
		if (!isfinite(r->x[i]))
			die("%s: row %ju: number %zu is %f", r->name, (uintmax_t)r->n, i + 1, (double)r->x[i]);
}

/* Rows that were counted are through. */
static void
figures(struct work *w)
{
	if (w->prompt)
		figures_prompt(w->s->figures, &w->turn, w->prompt);
	if (w->tokens)
		figures_tokens(w->s->figures, &w->turn, w->tokens);
	w->prompt = w->tokens = 0;
}

/* Of which turn the row is: one that ends a line of its own goes on with the answer before it. */
static void
count_row(struct work *w, const struct row_head *r)
{
	const bool after = w->before & (ROW_ANSWER | ROW_REPLY) && r->sequence == w->sequence;
	const bool goes_on = r->flags & ROW_REPLY || (after && r->flags & ROW_ANSWER);
	if (!goes_on && (after || r->sequence != w->sequence)) {
		figures(w);
		figures_end(w->s->figures, &w->turn, w->sequence);
	}
	figures_begin(w->s->figures, &w->turn);
	w->tokens += goes_on;
	w->prompt += !goes_on;
	w->before = r->flags;
}

/* Whether the row that was read goes with those before it. */
static bool
joins(const struct work *w)
{
	const struct together *b = &w->rows;
	const struct row_head *now = &w->s->in->row, *last = b->heads + b->n - 1;
	return now->sequence == last->sequence && now->position == last->position + 1 &&
		(now->flags & ROW_LONG) == (last->flags & ROW_LONG) && now->position < context_max(w->s->c) &&
		(is_wanted(w->s, now->flags) || b->wanted == b->n);
}

static void
put(struct work *w)
{
	struct together *b = &w->rows;
	const struct row_reader *r = w->s->in;
	check_row(w);
	w->is_long = r->row.flags & ROW_LONG;
	memcpy(b->x + b->n * r->h.width, r->x, r->h.width * sizeof *r->x);
	b->ids[b->n] = r->row.token;
	b->heads[b->n++] = r->row;
	if (!is_wanted(w->s, r->row.flags))
		b->wanted = b->n;
}

/* Begin with the row that was read, and go on while there are more. Returns whether
 * one was read that does not join; at the end of the stream *end. */
static bool
gather(struct work *w, bool *end)
{
	struct together *b = &w->rows;
	const struct row_reader *r = w->s->in;
	b->n = b->wanted = 0;
	count_row(w, &r->row);
	if (r->row.sequence != w->sequence)
		context_rewind(w->s->c, 0);
	w->sequence = r->row.sequence;
	put(w);
	if (r->row.position < context_length(w->s->c))
		context_rewind(w->s->c, r->row.position);
	while (b->n < context_batch(w->s->c)) {
		if (r->row.flags & (ROW_ANSWER | ROW_REPLY) && !rows_ready(r))
			return false;
		if (!rows_next(w->s->in)) {
			*end = true;
			return false;
		}
		if (!joins(w))
			return true;
		count_row(w, &r->row);
		put(w);
	}
	return false;
}

static void
emit(void *arg, size_t position, size_t n, float *rows)
{
	const struct work *w = arg;
	struct row_head *r = w->rows.heads + (position - w->rows.heads->position);
	for (size_t i = 0; i < n && !w->s->hidden; i++)
		r[i].flags &= ~(ROW_LONG | ROW_AGAIN);
	if (w->s->logits)
		row_write(1, r, rows, w->s->width, NULL);
	else
		rows_write(1, r, n, rows, w->s->width);
}

void
stage_run(struct stage *s)
{
	const size_t batch = context_batch(s->c), width = s->in->h.width;
	struct work w = {.s = s};
	bool end = false, held = false;
	w.rows.heads = xcalloc(batch, sizeof *w.rows.heads);
	w.rows.ids = xcalloc(batch, sizeof *w.rows.ids);
	w.rows.x = xreallocarray(NULL, batch, width * sizeof(float));
	while (!end && (held || rows_next(s->in))) {
		held = gather(&w, &end);
		context_feed(s->c, &(struct feed){.ids = w.rows.ids, .x = w.rows.x, .n = w.rows.n,
			.wanted = w.rows.wanted, .is_long = w.rows.heads->flags & ROW_LONG}, emit, &w);
		figures(&w);
	}
	figures_end(s->figures, &w.turn, w.sequence);
	xfree(w.rows.heads);
	xfree(w.rows.ids);
	xfree(w.rows.x);
}
