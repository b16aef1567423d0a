/* lookup.c - where the last tokens have stood before; see lookup.h. */
#include "lookup.h"

#include <string.h>

enum { LAST = 1024, TRIES = 32 };	/* hashes at first; places of a chain that are looked at */

/* Of the two tokens that end at a place > 0. */
static size_t
hash_at(const struct lookup *l, size_t place)
{
	const uint64_t two = (uint64_t)l->token[place - 1] << 32 | l->token[place];
	return (size_t)((two * 0x9E3779B97F4A7C15) >> 32) & (l->n_last - 1);
}

static void
chain(struct lookup *l, size_t place)
{
	uint32_t *last = l->last + hash_at(l, place);
	l->before[place] = *last;
	*last = (uint32_t)place + 1;
}

/* Twice as many hashes: all chains anew. */
static void
widen(struct lookup *l)
{
	xfree(l->last);
	l->n_last = l->n_last ? l->n_last * 2 : LAST;
	l->last = xcalloc(l->n_last, sizeof *l->last);
	for (size_t i = 1; i < l->n; i++)
		chain(l, i);
}

void
lookup_add(struct lookup *l, uint32_t id)
{
	if (l->n == l->n_last)
		widen(l);
	l->token = grow(l->token, &l->token_cap, l->n + 1, sizeof *l->token);
	l->before = grow(l->before, &l->before_cap, l->n + 1, sizeof *l->before);
	l->token[l->n] = id;
	l->before[l->n] = 0;
	if (l->n)
		chain(l, l->n);
	l->n++;
}

void
lookup_cut(struct lookup *l, size_t n)
{
	for (; l->n > n; l->n--)
		if (l->n > 1)
			l->last[hash_at(l, l->n - 1)] = l->before[l->n - 1];
}

/* How many tokens before and at two places are the same. */
static size_t
same(const struct lookup *l, size_t place, size_t end)
{
	size_t n = 0;
	while (n < LOOKUP_MOST && n <= place && l->token[place - n] == l->token[end - n])
		n++;
	return n;
}

size_t
lookup_find(const struct lookup *l, size_t *place)
{
	size_t best = 0, at = l->n ? l->before[l->n - 1] : 0;
	for (int tries = 0; at && tries < TRIES && best < LOOKUP_MOST; at = l->before[at - 1], tries++) {
		const size_t n = same(l, at - 1, l->n - 1);
		if (n >= LOOKUP_LEAST && n > best) {
			best = n;
			*place = at;
		}
	}
	return best;
}

uint32_t
lookup_token(const struct lookup *l, size_t place, size_t i)
{
	return l->token[place + i % (l->n - place)];
}

void
lookup_free(struct lookup *l)
{
	xfree(l->token);
	xfree(l->before);
	xfree(l->last);
}
