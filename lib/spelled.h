/*
 * spelled.h - which strings of a list pairs of words spell, "th" and "e" the string "the".
 *
 * Who writes the merges of a vocabulary goes from piece to piece, most often in the order of their ids, and puts down the
 * pairs that make each beside one another. Then a table of all pairs is not needed: with each string it is noted where its pairs
 * begin. What stands elsewhere, or spells none of the strings, is in a list of its own.
 */
#ifndef SPELLED_H
#define SPELLED_H

#include "util.h"

/* So many pairs beside one another are looked through. */
enum { SPELLED_MOST = 64 };
#define SPELLED_NONE UINT32_MAX

struct spelled {
	const unsigned char *text[2];
	const struct span *string;	/* n of them, not owned */
	size_t n;
	uint32_t *first;		/* of each the first pair of those that spell it, + 1; 0: there is none */
	uint32_t *other;		/* the pairs that are in none of these runs */
	size_t n_other, other_cap;
	uint32_t now;			/* the string that pairs [begin, end) spell */
	uint32_t begin, end;
	size_t lost, patience;		/* pairs since then; how many are to be lost before we look for them everywhere */
};

/* Begin with these strings; free it with spelled_free(). */
void spelled_init(struct spelled *s, const unsigned char *const text[2], const struct span *string, size_t n);
void spelled_free(struct spelled *s);

static inline struct str
spelled_string(const struct spelled *s, uint32_t i)
{
	if (i >= s->n)
		return (struct str){NULL, 0};
	return (struct str){(const char *)span_at(s->text, s->string[i]), s->string[i].n};
}

/* Whether pair m may be one more of the run; of the next string. */
static inline bool
spelled_goes_on(const struct spelled *s, uint32_t m)
{
	return m == s->end && m - s->begin < SPELLED_MOST;
}
static inline bool
spelled_may_begin(const struct spelled *s, uint32_t i)
{
	return i < s->n && !s->first[i];
}
static inline void
spelled_begin(struct spelled *s, uint32_t i, uint32_t m)
{
	s->now = i;
	s->begin = m;
	s->end = s->first[i] = m + 1;
	s->lost = 0;
}

/* Take pair m, the next one. */
void spelled_take(struct spelled *s, uint32_t m, struct str left, struct str right);

#endif
