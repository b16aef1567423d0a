/*
 * vocab_long.c - words too long to be merged in one go; see vocab_impl.h.
 *
 * A symbol takes 28 bytes while it may still be merged, and a line of ten million spaces is one word. So a long word is merged a
 * window at a time. What comes of it is what would have come of the whole: symbols that were merged for
 * themselves stay as they are next to each other unless some pair across the boundary is merged, and that depends on the two symbols at the
 * boundary alone: what stands further off only changes when they are merged, not into what. So where two neighbours come apart again
 * as they were if they are merged anew, the text may be cut between them.
 */
#include "unicode/unicode.h"
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

/* Places between the last symbols of a word: where, the bytes of the symbol before, and how many ids stand before it. */
struct places {
	size_t from;		/* those before are not noted */
	struct place {
		size_t at, left, ids;
	} *list;
	size_t n, cap;
};

static void
note_place(struct places *p, size_t at, size_t left, size_t ids)
{
	if (!p || at < p->from)
		return;
	p->list = grow(p->list, &p->cap, p->n + 1, sizeof *p->list);
	p->list[p->n++] = (struct place){at, left, ids};
}

/* `begin`: of w, from the beginning of the word. */
static void
put(struct vocab *v, const struct word_kind *k, const struct word *w, size_t n, size_t begin, struct ids *out, struct places *places)
{
	for (size_t i = 0; i < n; i++) {
		k->put(v, w->s + w->sym[i].off, w->sym + i, out);
		note_place(places, begin + w->sym[i].off + w->sym[i].n, w->sym[i].n, *out->n);
	}
}

/* The windows of a word, this one and the next, which begins before the last symbols of this one: with more behind them
 * they may be others. */
struct windows {
	struct word word[2], both;
	struct word *now, *next;
	size_t begin, end;	/* of this one, from the beginning of the word */
};

/* Emit the symbols of this window up to a place where the text may be cut, and go on to the next. False: there is none. */
static bool
advance(struct vocab *v, struct windows *x, const struct word_kind *k, const unsigned char *s, size_t n, struct ids *out,
	struct places *places)
{
	struct word *now = x->now, *next = x->next;
	for (size_t cut = now->n_sym - 1 - now->n_sym / 8; cut; cut /= 2) {
		const size_t at = x->begin + now->sym[cut].off, left = now->sym[cut - 1].n;
		x->end = at + fill(v, next, k, s + at, n - at, WORD_WINDOW);
		compact(next);
		if (!apart(v, &x->both, k, s + at - left, left, next->sym[0].n))
			continue;
		put(v, k, now, cut, x->begin, out, places);
		x->begin = at;
		x->now = next;
		x->next = now;
		return true;
	}
	return false;
}

static void
in_windows(struct vocab *v, const struct word_kind *k, const unsigned char *s, size_t n, struct ids *out, struct places *places)
{
	struct windows x = {.begin = 0};
	const size_t before = *out->n;
	x.now = x.word;
	x.next = x.word + 1;
	x.end = fill(v, x.now, k, s, n, WORD_WINDOW);
	compact(x.now);
	while (x.end < n)
		if (!advance(v, &x, k, s, n, out, places)) { /* all in one go */
			*out->n = before;
			x.begin = 0;
			if (places)
				places->n = 0;
			x.end = fill(v, x.now, k, s, n, SIZE_MAX);
			compact(x.now);
		}
	put(v, k, x.now, x.now->n_sym, x.begin, out, places);
	word_free(&x.word[0]);
	word_free(&x.word[1]);
	word_free(&x.both);
}

/* No symbol is longer. */
static size_t
longest_symbol(struct vocab *v)
{
	if (v->longest_symbol)
		return v->longest_symbol;
	if (!v->pieces.slot)
		pieces_index(v);
	v->longest_symbol = v->max_piece > 4 ? v->max_piece : 4;
	for (size_t m = 0; m < v->merge.n; m++) /* which may make what is no piece */
		if (v->merge.at[m].n > v->longest_symbol)
			v->longest_symbol = v->merge.at[m].n;
	return v->longest_symbol;
}

/* Whether the text can be cut at this place, whatever follows s[0..n). */
static bool
stays(struct vocab *v, struct windows *x, const struct word_kind *k, const unsigned char *s, size_t n, const struct place *place)
{
	const size_t far = n - longest_symbol(v);
	size_t last = 0; /* bytes of the symbol behind the place that was looked at last */
	for (size_t i = n; i > far; i--) {
		if (i < n && (s[i] & 0xC0) == 0x80)
			continue; /* within a character */
		fill(v, x->now, k, s + place->at, i - place->at, SIZE_MAX);
		compact(x->now);
		v->tried += i - place->at;
		if (x->now->sym[0].n != last && !apart(v, &x->both, k, s + place->at - place->left, place->left, x->now->sym[0].n))
			return false;
		last = x->now->sym[0].n;
	}
	return true;
}

/*
 * Of a text that goes on the symbols of its beginning can change when more of it is known. But whatever follows, some
 * symbol ends at one of the places within the last bytes here, as many as the longest symbol has, and what is before the
 * end of a symbol is merged as if nothing followed. So a cut is certain if it is one for each of these ends.
 */
size_t
word_encode_begun(struct vocab *v, const struct word_kind *k, struct ids *out)
{
	enum { TRIES = 64 };
	const unsigned char *s = v->word.s;
	const size_t n = v->word.len, longest = longest_symbol(v), before = *out->n;
	struct windows x = {.now = x.word};
	struct places places = {.from = n > 8 * longest ? n - 8 * longest : 0};
	size_t at = 0;
	if (n / 4 < longest)
		return 0;
	in_windows(v, k, s, n, out, &places);
	for (size_t i = places.n, tries = 0; i-- && !at && tries < TRIES;)
		if (places.list[i].at <= n - 2 * longest && ++tries && stays(v, &x, k, s, n, places.list + i)) {
			at = places.list[i].at;
			*out->n = places.list[i].ids;
		}
	if (!at)
		*out->n = before;
	xfree(places.list);
	word_free(&x.word[0]);
	word_free(&x.both);
	return at;
}

void
word_encode(struct vocab *v, const struct word_kind *k, struct ids *out)
{
	struct word *w = &v->word;
	const struct symbol *last = w->n_sym ? &w->sym[w->n_sym - 1] : NULL;
	if (last && (size_t)last->off + last->n < w->len) {
		in_windows(v, k, w->s, w->len, out, NULL);
		return;
	}
	word_merge(v, w, k->pair);
	for (size_t i = 0; i < w->n_sym; i++)
		if (w->sym[i].n)
			k->put(v, w->s + w->sym[i].off, w->sym + i, out);
}
