/*
 * vocab_long.c - words too long to be merged in one go; see vocab_impl.h.
 *
 * A symbol takes 28 bytes while it may still be merged, and a line of ten million spaces is one word. So a long word is merged a
 * window at a time. What comes of it is what would have come of the whole: symbols that were merged for
 * themselves stay as they are next to each other unless some pair across the boundary is merged, and that depends on the two symbols at the
 * boundary alone: what stands further off only changes when they are merged, not into what. So where two neighbours come apart again
 * as they were if they are merged anew, the text may be cut between them.
 */
#include "unicode.h"
#include "vocab_impl.h"

/* The bytes of the characters at s[0..n) become symbols, at most `max`; returns how many bytes those are. */
static size_t
fill(struct vocab *v, struct word *w, const struct word_kind *k, const unsigned char *s, size_t n, size_t max)
{
	size_t i = 0;
	word_clear(w);
	while (i < n && w->n_sym < max) {
		uint32_t cp;
		const size_t len = utf8_next(s + i, n - i, &cp);
		word_bytes(w, s + i, len);
		word_symbol(w, len, k->id(v, s + i, len));
		i += len;
	}
	word_merge(v, w, k->pair);
	return i;
}

/* What is left of the symbols, one behind the other. */
static void
compact(struct word *w)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n_sym; i++)
		if (w->sym[i].n)
			w->sym[n++] = w->sym[i];
	w->n_sym = n;
}

/* Whether the text can be cut between two symbols. */
static bool
apart(struct vocab *v, struct word *both, const struct word_kind *k, const unsigned char *s, size_t left, size_t right)
{
	fill(v, both, k, s, left + right, SIZE_MAX);
	compact(both);
	return both->n_sym == 2 && both->sym[0].n == left;
}

static void
put(struct vocab *v, const struct word_kind *k, const struct word *w, size_t n, struct ids *out)
{
	for (size_t i = 0; i < n; i++)
		k->put(v, w->s + w->sym[i].off, w->sym + i, out);
}

/* The windows of a word, this one and the next, which begins before the last symbols of this one: with more behind them they may be others. */
struct windows {
	struct word word[2], both;
	struct word *now, *next;
	size_t begin, end;	/* of this one, from the beginning of the word */
};

/* Emit the symbols of this window up to a place where the text may be cut, and go on to the next. False: there is none. */
static bool
advance(struct vocab *v, struct windows *x, const struct word_kind *k, const unsigned char *s, size_t n, struct ids *out)
{
	struct word *now = x->now, *next = x->next;
	for (size_t cut = now->n_sym - 1 - now->n_sym / 8; cut; cut /= 2) {
		const size_t at = x->begin + now->sym[cut].off, left = now->sym[cut - 1].n;
		x->end = at + fill(v, next, k, s + at, n - at, WORD_WINDOW);
		compact(next);
		if (!apart(v, &x->both, k, s + at - left, left, next->sym[0].n))
			continue;
		put(v, k, now, cut, out);
		x->begin = at;
		x->now = next;
		x->next = now;
		return true;
	}
	return false;
}

static void
in_windows(struct vocab *v, const struct word_kind *k, const unsigned char *s, size_t n, struct ids *out)
{
	struct windows x = {.begin = 0};
	const size_t before = *out->n;
	x.now = x.word;
	x.next = x.word + 1;
	x.end = fill(v, x.now, k, s, n, WORD_WINDOW);
	compact(x.now);
	while (x.end < n)
		if (!advance(v, &x, k, s, n, out)) { /* all in one go */
			*out->n = before;
			x.end = fill(v, x.now, k, s, n, SIZE_MAX);
			compact(x.now);
		}
	put(v, k, x.now, x.now->n_sym, out);
	word_free(&x.word[0]);
	word_free(&x.word[1]);
	word_free(&x.both);
}

void
word_encode(struct vocab *v, const struct word_kind *k, struct ids *out)
{
	struct word *w = &v->word;
	const struct symbol *last = w->n_sym ? &w->sym[w->n_sym - 1] : NULL;
	if (last && (size_t)last->off + last->n < w->len) {
		in_windows(v, k, w->s, w->len, out);
		return;
	}
	word_merge(v, w, k->pair);
	for (size_t i = 0; i < w->n_sym; i++)
		if (w->sym[i].n)
			k->put(v, w->s + w->sym[i].off, w->sym + i, out);
}
