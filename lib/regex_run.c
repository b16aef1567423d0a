/* regex_run.c - run a pattern's program over a text; see regex.h. */
#include "regex_impl.h"

#include "unicode/unicode.h"

#include <string.h>

/* Where a match stands: the characters before and behind, NONE at the ends, and the byte. */
#define NONE UINT32_MAX
struct place {
	uint32_t before, behind;
	size_t i;
};

static uint32_t
char_at(const struct regex *r, size_t i, size_t *len)
{
	uint32_t cp = NONE;
	*len = i < r->len ? utf8_next(r->s + i, r->len - i, &cp) : 0;
	return cp;
}

/* The character before byte i, and its length. */
static uint32_t
char_before(const struct regex *r, size_t i, size_t *len)
{
	uint32_t cp = NONE;
	size_t k = i;
	while (k && i - k < 4 && (k == i || (r->s[k] & 0xC0) == 0x80))
		k--;
	*len = i - k;
	if (i && k + utf8_next(r->s + k, i - k, &cp) != i) {
		*len = 1;
		cp = CP_INVALID;
	}
	return cp;
}

static struct place
place(const struct regex *r, size_t i)
{
	size_t len;
	return (struct place){char_before(r, i, &len), char_at(r, i, &len), i};
}

static bool
is_in(const struct regex *r, uint32_t set, uint32_t cp)
{
	return cp != NONE && set_has(r, set, cp);
}

/* Whether a step that reads nothing lets through here. */
static bool
passes(const struct regex *r, const struct step *s, const struct place *at)
{
	const uint8_t *bits = s->code >= LOOK ? r->look[s->x].at : NULL;
	switch (s->code) {
	case AHEAD:
		return is_in(r, s->x, at->behind);
	case NOT_AHEAD:
		return !is_in(r, s->x, at->behind);
	case BEHIND:
		return is_in(r, s->x, at->before);
	case NOT_BEHIND:
		return !is_in(r, s->x, at->before);
	case TEXT_START:
		return at->before == NONE;
	case TEXT_END:
		return at->behind == NONE;
	case LINE_START:
		return at->before == NONE || (at->before == '\n' && at->behind != NONE);
	case LINE_END:
		return at->behind == NONE || at->behind == '\n';
	case WORD_EDGE:
	case NOT_WORD_EDGE:
		return (is_in(r, s->x, at->before) != is_in(r, s->x, at->behind)) == (s->code == WORD_EDGE);
	default:
		return (bits[at->i / 8] >> (at->i % 8) & 1) == (s->code == LOOK);
	}
}

/* Add the steps that pc leads to without a character, the preferred first. */
static void
follow(struct regex *r, struct threads *list, uint32_t pc, size_t begin, const struct place *at)
{
	size_t n = 0;
	r->stack[n++] = pc;
	while (n) {
		pc = r->stack[--n];
		if (r->seen[pc] == r->turn)
			continue;
		r->seen[pc] = r->turn;
		const struct step *s = r->step + pc;
		if (s->code == CHAR || s->code == MATCH)
			list->t[list->n++] = (struct thread){pc, begin};
		else if (s->code == JUMP)
			r->stack[n++] = s->x;
		else if (s->code == SPLIT) {
			r->stack[n++] = s->y;
			r->stack[n++] = s->x;
		} else if (passes(r, s, at))
			r->stack[n++] = pc + 1;
	}
}

/* Where the earliest match begins that is not ruled out before the last character, at i, or was found. */
static size_t
open_from(const struct threads *now, size_t i, const size_t *found)
{
	for (size_t k = 0; k < now->n; k++)
		if (now->t[k].begin < i)
			i = now->t[k].begin;
	return found && *found < i ? *found : i;
}

/* The first place at or behind i where a match may begin, if that is a character of ASCII. */
static size_t
skip(const struct regex *r, size_t i)
{
	while (!r->empty && i < r->len && r->s[i] < 0x80 && !(r->first[r->s[i] / 64] >> r->s[i] % 64 & 1))
		i++;
	return i;
}

/* The first match at or behind `from`, all alternatives side by side. */
static bool
find(struct regex *r, size_t from, size_t m[2])
{
	struct threads *now = &r->now, *next = &r->next;
	bool found = false;
	size_t len = 0, len_next;
	struct place at = {0};
	now->n = 0;
	r->open = SIZE_MAX;
	for (size_t i = from;; i += len, len = len_next) {
		if (i == from || (!now->n && !found)) {
			i = skip(r, i);
			if (i == r->len && !r->empty) {
				r->open = i;
				return false;
			}
			at = place(r, i);
			char_at(r, i, &len);
		}
		struct place after = {at.behind, char_at(r, i + len, &len_next), i + len};
		r->spent++;
		if (!now->n) /* threads of this place are added below only while nothing was found */
			r->turn++;
		if (!found)
			follow(r, now, r->start, i, &at);
		if (!now->n && found)
			return true;
		if (i + len >= r->len && r->open == SIZE_MAX)
			r->open = open_from(now, i, found ? m : NULL);
		r->turn++;
		next->n = 0;
		for (size_t k = 0; k < now->n; k++) {
			const struct step *x = r->step + now->t[k].pc;
			if (x->code == MATCH) {
				m[0] = now->t[k].begin;
				m[1] = i;
				found = true;
				break; /* what stands behind is less preferred */
			}
			if (is_in(r, x->x, at.behind))
				follow(r, next, now->t[k].pc + 1, now->t[k].begin, &after);
		}
		if (i >= r->len)
			return found;
		struct threads *t = now;
		now = next;
		next = t;
		at = after;
	}
}

/*
 * What can still match. A row tells for each step whether a match can be reached from it at
 * this place; the row of a place follows from that of the next place.
 */

/* The row `to` of a place, of the steps [from, end), before the row `next` of the place behind. */
static void
row_before(const struct regex *r, size_t from, size_t end, uint8_t *to, const uint8_t *next, const struct place *at)
{
	size_t n = 0;
	for (size_t q = from; q < end; q++) {
		const struct step *s = r->step + q;
		to[q] = s->code == MATCH || (s->code == CHAR && next && next[q + 1] && is_in(r, s->x, at->behind));
		if (to[q])
			r->stack[n++] = (uint32_t)q;
	}
	while (n) { /* and the steps that lead there */
		uint32_t q = r->stack[--n];
		for (uint32_t k = r->pred_at[q]; k < r->pred_at[q + 1]; k++) {
			uint32_t p = r->pred[k];
			const struct step *s = r->step + p;
			if (p < from || p >= end || to[p] || (s->code != SPLIT && s->code != JUMP && !passes(r, s, at)))
				continue;
			to[p] = 1;
			r->stack[n++] = p;
		}
	}
}

/* Where the steps of a look lead to a match ahead. */
static void
look_ahead(struct regex *r, struct look *l)
{
	uint8_t *row = r->row[0], *next = r->row[1], *t;
	for (size_t i = r->len, len;; i -= len) {
		struct place at = place(r, i);
		row_before(r, l->from, l->to, row, i < r->len ? next : NULL, &at);
		if (row[l->from])
			l->at[i / 8] |= (uint8_t)(1 << i % 8);
		if (!i)
			break;
		char_before(r, i, &len);
		t = row;
		row = next;
		next = t;
	}
}

/* Where they lead to one that ends here: from the start of the text, begun anew everywhere. */
static void
look_behind(struct regex *r, struct look *l)
{
	struct threads *now = &r->now, *next = &r->next;
	now->n = 0;
	for (size_t i = 0, len;; i += len) {
		struct place at = place(r, i);
		char_at(r, i, &len);
		struct place after = place(r, i + len);
		if (!now->n)
			r->turn++;
		follow(r, now, l->from, i, &at);
		r->turn++;
		next->n = 0;
		for (size_t k = 0; k < now->n; k++) {
			const struct step *x = r->step + now->t[k].pc;
			if (x->code == MATCH)
				l->at[i / 8] |= (uint8_t)(1 << i % 8);
			else if (is_in(r, x->x, at.behind))
				follow(r, next, now->t[k].pc + 1, i, &after);
		}
		if (i >= r->len)
			return;
		struct threads *t = now;
		now = next;
		next = t;
	}
}

/* Rows of all places would take too much memory: those of some are kept, from which those of the
 * block between two are found again when they are needed. */
enum { BLOCK = 1024 };

static void
pack(const struct regex *r, uint8_t *to, const uint8_t *row)
{
	memset(to, 0, r->row_size);
	for (size_t q = 0; q < r->n; q++)
		to[q / 8] |= (uint8_t)(row[q] << q % 8);
}

static void
make_tables(struct regex *r)
{
	uint8_t *row = r->row[0], *next = r->row[1], *t;
	r->tabled = true;
	r->loaded = SIZE_MAX;
	r->n_marks = r->len / BLOCK + 1;
	if (r->mark_cap < r->n_marks) {
		r->mark_cap = r->n_marks;
		r->mark = xreallocarray(r->mark, r->n_marks, r->row_size);
		r->mark_at = xreallocarray(r->mark_at, r->n_marks, sizeof *r->mark_at);
	}
	if (!r->block)
		r->block = xcalloc(BLOCK + 8, r->row_size);
	for (size_t i = r->len, len, before = r->n_marks;; i -= len) {
		struct place at = place(r, i);
		row_before(r, 0, r->n, row, i < r->len ? next : NULL, &at);
		if (i / BLOCK < before) { /* the last place of a block */
			before = i / BLOCK;
			pack(r, r->mark + before * r->row_size, row);
			r->mark_at[before] = i;
		}
		if (!i)
			break;
		char_before(r, i, &len);
		t = row;
		row = next;
		next = t;
	}
}

/* The row of place i, packed. */
static const uint8_t *
table_row(struct regex *r, size_t i)
{
	size_t block = i / BLOCK, k = r->mark_at[block], len;
	if (r->loaded == block)
		return r->block + i % BLOCK * r->row_size;
	r->loaded = block;
	uint8_t *row = r->row[0], *next = r->row[1], *t;
	const uint8_t *mark = r->mark + block * r->row_size;
	for (size_t q = 0; q < r->n; q++)
		next[q] = mark[q / 8] >> q % 8 & 1;
	pack(r, r->block + k % BLOCK * r->row_size, next);
	while (k && (char_before(r, k, &len), (k - len) / BLOCK == block)) {
		k -= len;
		struct place at = place(r, k);
		row_before(r, 0, r->n, row, next, &at);
		pack(r, r->block + k % BLOCK * r->row_size, row);
		t = row;
		row = next;
		next = t;
	}
	return r->block + i % BLOCK * r->row_size;
}

static bool
can_match(const uint8_t *row, uint32_t pc)
{
	return row[pc / 8] >> pc % 8 & 1;
}

/* The same as find(), but straight along the preferred of the ways that lead to a match. */
static bool
find_in_tables(struct regex *r, size_t from, size_t m[2])
{
	size_t i = from, len;
	r->open = from;
	while (!can_match(table_row(r, i), r->start)) {
		if (i >= r->len)
			return false;
		char_at(r, i, &len);
		i += len;
	}
	m[0] = i;
	for (uint32_t pc = r->start;; i += len) {
		const uint8_t *row = table_row(r, i);
		struct place at = place(r, i);
		size_t k = 0;
		r->turn++;
		r->now.n = 0;
		follow(r, &r->now, pc, i, &at);
		while (!can_match(row, r->now.t[k].pc))
			k++;
		if (r->step[r->now.t[k].pc].code == MATCH)
			break;
		pc = r->now.t[k].pc + 1;
		char_at(r, i, &len);
	}
	m[1] = i;
	return true;
}

void
regex_begin(struct regex *r, const unsigned char *s, size_t n)
{
	r->s = s;
	r->len = n;
	r->from = r->spent = 0;
	r->last = SIZE_MAX;
	r->tabled = false;
	for (size_t i = 0; i < r->n_looks; i++) { /* those within others come first */
		struct look *l = r->look + i;
		l->at = grow(l->at, &l->cap, n / 8 + 1, 1);
		memset(l->at, 0, n / 8 + 1);
		if (l->behind)
			look_behind(r, l);
		else
			look_ahead(r, l);
	}
}

bool
regex_next(struct regex *r, size_t m[2])
{
	while (r->from <= r->len) {
		if (!r->tabled && r->spent / 8 > r->len + (1 << 14))
			make_tables(r);
		if (!(r->tabled ? find_in_tables(r, r->from, m) : find(r, r->from, m))) {
			r->from = r->len + 1;
			return false;
		}
		r->from = m[1];
		if (m[0] != m[1] || m[1] != r->last) {
			r->last = m[1];
			return true;
		}
		/* nothing, at the end of the match before: go on behind the next character */
		size_t len;
		char_at(r, m[1], &len);
		r->from += len ? len : 1;
	}
	return false;
}

size_t
regex_open(const struct regex *r)
{
	return r->open;
}

size_t
regex_reach(struct regex *r, size_t from, unsigned which)
{
	struct threads *now = &r->now;
	uint32_t *kept = r->kept[which];
	size_t end = from, len;
	if (!kept)
		kept = r->kept[which] = xcalloc(r->n + 1, sizeof *kept);
	kept[0] = 1;
	kept[1] = r->start;
	for (size_t i = from; i < r->len; i += len) {
		const struct place at = place(r, i);
		char_at(r, i, &len);
		r->turn++;
		now->n = 0;
		for (uint32_t k = 1; k <= kept[0]; k++)
			follow(r, now, kept[k], from, &at);
		kept[0] = 0;
		for (size_t k = 0; k < now->n; k++) {
			const struct step *x = r->step + now->t[k].pc;
			if (x->code == MATCH) {
				end = i;
				break;
			}
			if (is_in(r, x->x, at.behind))
				kept[++kept[0]] = now->t[k].pc + 1;
		}
	}
	return end;
}

bool
regex_same(const struct regex *r)
{
	const uint32_t *a = r->kept[0], *b = r->kept[1];
	return a && b && !memcmp(a, b, (a[0] + 1) * sizeof *a);
}

bool
regex_goes_on(const struct regex *r, bool whole)
{
	bool ahead = !r->n_looks && !(whole && r->empty);
	for (size_t pc = 0; pc < r->n; pc++) {
		const enum code c = r->step[pc].code;
		ahead &= c != BEHIND && c != NOT_BEHIND && c != TEXT_START && c != LINE_START && c != WORD_EDGE && c != NOT_WORD_EDGE;
	}
	return ahead;
}
