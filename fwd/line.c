/* line.c - a line of tokens, and its rows; see line.h, llm-tokens(5), llm-logits(5). */
#include "line.h"

#include <string.h>

void
line_check(const struct turns *t, struct token_reader *r, const struct line *l, size_t length)
{
	const size_t max = context_max(t->c), start = length == SIZE_MAX ? 0 : l->rewound ? l->rewind : length;
	if (l->rewound && l->rewind > length) {
		token_reader_fails(r);
		die("%s: line %zu: @%zu: there are only %zu tokens in the context", r->name, l->number, l->rewind, length);
	}
	if (l->n > max - start) {
		token_reader_fails(r);
		die("%s: line %zu: it does not fit into the model's context of %zu tokens (%zu were in it)", r->name,
			l->number, max, start);
	}
}

void
line_begin(struct line *l)
{
	l->n = l->rewind = l->owed = 0;
	l->rewound = l->last = false;
	l->since = 0;
}

bool
line_take(const struct turns *t, struct token_reader *r, enum token_event e, struct line *l, size_t length)
{
	if (t->figures && l->since <= 0 && (e == TOKENS_REWIND || e == TOKENS_ID))
		l->since = seconds_now();
	switch (e) {
	case TOKENS_HEADER:
		origin_check(&r->origin, &t->origin, r->name);
		return false;
	case TOKENS_REWIND:
		l->number = r->line;
		l->rewound = true;
		l->rewind = r->rewind;
		break;
	case TOKENS_ID:
		l->number = r->line;
		if (r->id >= t->n_vocab) {
			token_reader_fails(r);
			die("%s: line %zu: token id %u is not in the vocabulary of %u pieces", r->name, r->line, r->id,
				t->n_vocab);
		}
		l->ids = grow(l->ids, &l->cap, l->n + 1, sizeof *l->ids);
		l->ids[l->n++] = r->id;
		break;
	case TOKENS_EOL:
		l->last = r->last;
		r->last = false;
		return true;
	case TOKENS_END:
		return true;
	}
	line_check(t, r, l, length);
	return false;
}

bool
line_is_empty(const struct line *l)
{
	return l->n == 0 && !l->rewound;
}

void
line_swap(struct line *a, struct line *b)
{
	struct line c = *a;
	*a = *b;
	*b = c;
}

void
line_settle(struct line *l, struct line *owed, size_t length)
{
	const size_t n = !l->rewound ? owed->n : l->rewind > length ? l->rewind - length : 0;
	owed->n = 0;
	if (!n)
		return;
	if (l->rewound)
		l->rewind = length;
	l->ids = grow(l->ids, &l->cap, l->n + n, sizeof *l->ids);
	memmove(l->ids + n, l->ids, l->n * sizeof *l->ids);
	memcpy(l->ids, owed->ids, n * sizeof *l->ids);
	l->n += n;
	l->owed = n;
}

void
line_again(struct line *l, const struct context *c)
{
	if (l->n || !l->rewind)
		return;
	l->ids = grow(l->ids, &l->cap, 1, sizeof *l->ids);
	l->ids[l->n++] = context_token(c, --l->rewind);
}

void
line_turn(const struct turns *t, struct turn_figures *turn, const struct line *l, uint32_t sequence)
{
	const bool goes_on = turn->begun && l->n == 1 && !l->rewound;
	if (!t->figures || goes_on)
		return;
	figures_end(t->figures, turn, sequence);
	figures_begin(t->figures, turn);
	turn->start = l->since;
}

void
line_fed(const struct turns *t, struct turn_figures *turn, const struct line *l, bool answer)
{
	if (answer || turn->prompt)
		figures_tokens(t->figures, turn, l->n - l->owed);
	else
		figures_prompt(t->figures, turn, l->n - l->owed);
}

void
line_lend(const struct turns *t, struct token_reader *replies)
{
	const struct pipe_id said = replies->pipe, ours = said.inode ? pipe_of(1) : said;
	replies->pipe.inode = 0;
	if (said.inode && t->loan)
		t->loan->on = said.inode == ours.inode && said.device == ours.device;
}

static struct row_head
head_of(const struct emit *e, size_t position)
{
	struct row_head r = {e->sequence, (uint32_t)position, context_token(e->c, position), 0};
	if (position < e->next)
		r.flags |= ROW_AGAIN;
	else if (position + 1 == e->end || e->flags & ROW_REPLY)
		r.flags |= e->flags;
	if (position + 1 == context_max(e->c))
		r.flags |= ROW_FULL;
	if (context_is_long(e->c) && e->t->hidden)
		r.flags |= ROW_LONG;
	return r;
}

void
line_emit(void *arg, size_t position, size_t n, float *rows)
{
	struct emit *e = arg;
	struct row_head *r = xcalloc(n, sizeof *r);
	for (size_t i = 0; i < n; i++)
		r[i] = head_of(e, position + i);
	e->next = position + n > e->next ? position + n : e->next;
	if (e->t->logits)
		row_write(1, r, rows, e->t->width, e->t->loan);
	else
		rows_write(1, r, n, rows, e->t->width);
	xfree(r);
}
