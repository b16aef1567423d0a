/*
 * vocab_cache.h - the ids of words that were met before.
 *
 * Most words of a text are words it had already, and merging takes a hundred times as long as
 * looking up. A line holds a word and its ids, as many as 62 bytes take; two lines stand where a hash
 * points: a new word takes the second one, and the first is taken by a word that was met
 * again. So the memory is bounded, and rare words cannot drive out the frequent ones.
 */
#ifndef VOCAB_CACHE_H
#define VOCAB_CACHE_H

#include "util.h"

#include <string.h>

enum { CACHE_ROOM = 62, CACHE_KEY = 16, CACHE_SETS = 1 << 14 };

/* The word is at the beginning of room, padded with zeros to CACHE_KEY, its ids behind it. */
struct cache_line {
	unsigned char room[CACHE_ROOM];
	uint8_t n, n_ids;	/* bytes of the word, 0: nothing here; ids */
};

struct word_cache {
	struct cache_line *line;	/* CACHE_SETS pairs, each on cache lines of its own; NULL: none yet */
	void *mem;
};

/* The first 16 bytes of s[0..n), n > 0, as two numbers; wide: 16 bytes can be read. */
static inline void
cache_key(const unsigned char *s, size_t n, bool wide, uint64_t key[2])
{
	key[1] = 0;
	if (wide || n >= 16) {
		const size_t low = n < 8 ? n : 8, high = n < 8 ? 0 : n < 16 ? n - 8 : 8;
		key[0] = le64(s) & ~UINT64_C(0) >> (64 - 8 * low);
		key[1] = high ? le64(s + 8) & ~UINT64_C(0) >> (64 - 8 * high) : 0;
	} else if (n > 8) {
		key[0] = le64(s);
		key[1] = le64(s + n - 8) >> 8 * (16 - n);
	} else if (n >= 4)
		key[0] = le32(s) | (uint64_t)le32(s + n - 4) << 8 * (n - 4);
	else
		key[0] = s[0] | (uint64_t)s[n / 2] << 8 * (n / 2) | (uint64_t)s[n - 1] << 8 * (n - 1);
}

/* Where the word's pair of lines is. */
static inline size_t
cache_place(const unsigned char *s, size_t n, const uint64_t key[2])
{
	const uint64_t k = 0x9E3779B97F4A7C15; /* 2^64 / golden ratio */
	uint64_t h = ((key[0] ^ n) * k ^ key[1]) * k;
	for (size_t i = CACHE_KEY; i < n; i += 8)
		h = (h ^ h >> 32 ^ le64(i + 8 <= n ? s + i : s + n - 8)) * k;
	return 2 * (size_t)(h >> 32 & (CACHE_SETS - 1));
}

static inline bool
cache_is(const struct cache_line *l, const unsigned char *s, size_t n, const uint64_t key[2])
{
	return l->n == n && le64(l->room) == key[0] && le64(l->room + 8) == key[1] &&
		(n <= CACHE_KEY || !memcmp(l->room + CACHE_KEY, s + CACHE_KEY, n - CACHE_KEY));
}

/* The line of word s[0..n), n > 0, or NULL; wide: 16 bytes can be read. */
static inline const struct cache_line *
cache_find(const struct word_cache *c, const unsigned char *s, size_t n, bool wide)
{
	uint64_t key[2];
	if (!c->line || n > CACHE_ROOM)
		return NULL;
	cache_key(s, n, wide, key);
	struct cache_line *l = c->line + cache_place(s, n, key);
	if (cache_is(l, s, n, key))
		return l;
	if (!cache_is(l + 1, s, n, key))
		return NULL;
	const struct cache_line again = l[1];
	l[1] = l[0];
	l[0] = again;
	return l;
}

/* The ids of a line: n_ids of 4 bytes, as memcpy() takes them. */
static inline const unsigned char *
cache_ids(const struct cache_line *l)
{
	return l->room + (l->n > CACHE_KEY ? l->n : CACHE_KEY);
}

/* Note the ids of a word, if they are few enough. */
void cache_add(struct word_cache *c, const unsigned char *s, size_t n, const uint32_t *ids, size_t n_ids);
void cache_free(struct word_cache *c);

#endif
