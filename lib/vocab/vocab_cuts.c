/*
 * vocab_cuts.c - where a text can be cut before its characters are merged; see vocab_impl.h.
 *
 * Merging joins two characters only if some piece has them next to each other. So a text can be cut
 * between two that no piece has so, "t (" or "n 1" in many vocabularies, and what is between two cuts
 * is a word: encoded for itself, and looked up where it was met before.
 */
#include "vocab_impl.h"

enum { ROW = 256, WORTH = 4096 /* bytes of text that pay for the table */ };

size_t
next_spelled_space(const unsigned char *s, size_t n)
{
	for (size_t i = 0; n - i >= SPM_SPACE_LEN; i++) {
		const unsigned char *p = memchr(s + i, (unsigned char)SPM_SPACE[0], n - i);
		if (!p)
			break;
		i = (size_t)(p - s);
		if (is_spelled_space(p, n - i))
			return i;
	}
	return n;
}

/* The characters that meet at p[at]: the last byte of the one, the first byte of the other; a piece's spelling of
 * a space counts as the space. */
static void
join(uint8_t *joined, const unsigned char *p, size_t at, size_t n)
{
	unsigned char a = p[at - 1], b = p[at];
	if (at >= SPM_SPACE_LEN && is_spelled_space(p + at - SPM_SPACE_LEN, SPM_SPACE_LEN))
		a = ' ';
	if (is_spelled_space(p + at, n - at))
		b = ' ';
	joined[a * ROW + b] = 1;
}

static void
join_pieces(struct vocab *v)
{
	const unsigned char *next = NULL;
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t n;
		const unsigned char *p = next_piece(v, id, &next, &n);
		for (uint32_t i = 1; i < n; i++)
			join(v->joined, p, i, n);
	}
}

/* "left right": what is within them was joined by other merges. */
static void
join_merges(struct vocab *v)
{
	unsigned char both[2 * SPM_SPACE_LEN];
	for (size_t i = 0; i < v->merge.n; i++) {
		struct str part[2];
		if (!merge_parts(&v->merge, i, part))
			continue;
		const size_t nl = part[0].n < SPM_SPACE_LEN ? part[0].n : SPM_SPACE_LEN, nr = part[1].n < SPM_SPACE_LEN ? part[1].n : SPM_SPACE_LEN;
		memcpy(both, part[0].p + part[0].n - nl, nl);
		memcpy(both + nl, part[1].p, nr);
		join(v->joined, both, nl, nl + nr);
	}
}

/* Whether a text of n bytes more is to be cut. */
static bool
ready(struct vocab *v, size_t n)
{
	v->met = n > SIZE_MAX - v->met ? SIZE_MAX : v->met + n;
	if (v->joined || v->met < WORTH)
		return v->joined;
	v->joined = xcalloc(ROW, ROW);
	if (v->merge.at)
		join_merges(v);
	else
		join_pieces(v);
	for (unsigned a = 0; a < ROW; a++) /* no cut within a character */
		memset(v->joined + a * ROW + 0x80, 1, 0x40);
	return true;
}

size_t
cuts_last(struct vocab *v, const unsigned char *s, size_t n)
{
	ready(v, WORTH);
	for (size_t i = n; i-- > 1;)
		if (!v->joined[s[i - 1] * ROW + s[i]] && !is_spelled_space(s + i, n - i) && n - i >= SPM_SPACE_LEN &&
			!(i >= SPM_SPACE_LEN && is_spelled_space(s + i - SPM_SPACE_LEN, SPM_SPACE_LEN)))
			return i;
	return 0;
}

/* The bytes of the word at s; n > 0. */
static inline size_t
word_end(const uint8_t *joined, const unsigned char *s, size_t n)
{
	size_t i = 1;
	while (i < n && joined[s[i - 1] * ROW + s[i]])
		i++;
	return i;
}

/* The first word, which has a space of its own in front. */
static void
first_word(struct vocab *v, struct word_queue *q, const unsigned char *s, size_t n, struct ids *out)
{
	unsigned char *own = xreallocarray(NULL, n + 1, 1);
	own[0] = ' ';
	memcpy(own + 1, s, n);
	words_add(v, q, own, n + 1, false, out);
	words_flush(v, q, out);
	xfree(own);
}

bool
cuts_encode(struct vocab *v, const unsigned char *s, size_t n, bool prefix, word_fn *word, struct ids *out)
{
	struct word_queue q;
	if (!ready(v, n) || next_spelled_space(s, n) < n)
		return false;
	words_begin(&q, word);
	if (prefix) {
		const size_t len = v->joined[' ' * ROW + s[0]] ? word_end(v->joined, s, n) : 0;
		first_word(v, &q, s, len, out);
		s += len;
		n -= len;
	}
	while (n) {
		const size_t len = word_end(v->joined, s, n);
		if (v->sp && !v->all_bytes) /* unknown characters on both sides are one */
			word(v, s, len, out);
		else
			words_add(v, &q, s, len, n >= CACHE_KEY, out);
		s += len;
		n -= len;
	}
	words_flush(v, &q, out);
	return true;
}
