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

#include "compat.h"
#include "util.h"

#include <string.h>

enum { CACHE_ROOM = 62, CACHE_KEY = 16, CACHE_SETS = 1 << 14 };

/* The word is at the beginning of room, padded with zeros to CACHE_KEY, its ids behind it. */
struct cache_line {
	unsigned char room[CACHE_ROOM];
	uint8_t n, n_ids;	/* bytes of the word, 0: nothing here; ids */
};

/* Before the lines: the words of up to 7 bytes and 2 ids that came last, so few that they stay near. */
struct quick {
	uint64_t word;		/* and its length in the highest byte; 0: nothing here */
	uint32_t id[2];		/* the second is NO_SECOND where there is one */
};
enum { QUICK = 1 << 14, QUICK_LONGEST = 7 };
#define NO_SECOND UINT32_MAX

struct word_cache {
	struct cache_line *line;	/* CACHE_SETS pairs, each on cache lines of its own; NULL: not made yet */
	struct quick *quick;		/* QUICK of them */
	void *mem;
};

/* 1 to 8 bytes as a number. */
static inline uint64_t
few_bytes(const unsigned char *s, size_t n)
{
	if (n >= 4)
		return le32(s) | (uint64_t)le32(s + n - 4) << 8 * (n - 4);
	return s[0] | (uint64_t)s[n / 2] << 8 * (n / 2) | (uint64_t)s[n - 1] << 8 * (n - 1);
}

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
	} else
		key[0] = few_bytes(s, n);
}

static inline uint64_t
quick_word(uint64_t key, size_t n)
{
	return key | (uint64_t)n << 56;
}
static inline struct quick *
quick_place(const struct word_cache *c, uint64_t word)
{
	return c->quick + (word * 0x9E3779B97F4A7C15 >> 40 & (QUICK - 1));
}
static inline void
quick_set(const struct word_cache *c, uint64_t word, const unsigned char *ids, size_t n_ids)
{
	struct quick *q = quick_place(c, word);
	if (n_ids != 1 && n_ids != 2)
		return;
	q->word = word;
	q->id[1] = NO_SECOND;
	memcpy(q->id, ids, n_ids * sizeof *q->id);
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

/* The ids of a line: n_ids of 4 bytes, as memcpy() takes them. */
static inline const unsigned char *
cache_ids(const struct cache_line *l)
{
	return l->room + (l->n > CACHE_KEY ? l->n : CACHE_KEY);
}

/* The line of word s[0..n), n > 0, or NULL. */
static inline const struct cache_line *
cache_find(const struct word_cache *c, const unsigned char *s, size_t n, const uint64_t key[2])
{
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

/* A word of s[0..n), n > 0, that is looked for. */
struct sought {
	const unsigned char *s;
	size_t n;
	uint64_t key[2];
	struct quick *quick;		/* where it would be, NULL: it is too long */
};
/* Begin to look, so that what is wanted is near when it is; wide: 16 bytes can be read from s on. */
static inline void
cache_seek(const struct word_cache *c, const unsigned char *s, size_t n, bool wide, struct sought *w)
{
	w->s = s;
	w->n = n;
	w->quick = NULL;
	if (n > CACHE_ROOM)
		return;
	cache_key(s, n, wide, w->key);
	if (n <= QUICK_LONGEST) {
		w->quick = quick_place(c, quick_word(w->key[0], n));
		prefetch(w->quick);
	}
	prefetch(c->line + cache_place(s, n, w->key));
}

/* Put the ids of a word that was met before into ids, which has room for CACHE_IDS; how many, or NOT_MET. */
enum { CACHE_IDS = (CACHE_ROOM - CACHE_KEY) / 4 };
#define NOT_MET SIZE_MAX
static inline size_t
cache_get(const struct word_cache *c, const struct sought *w, uint32_t *ids)
{
	if (w->n > CACHE_ROOM)
		return NOT_MET;
	if (w->quick && w->quick->word == quick_word(w->key[0], w->n)) {
		memcpy(ids, w->quick->id, sizeof w->quick->id);
		return 1 + (ids[1] != NO_SECOND);
	}
	const struct cache_line *l = cache_find(c, w->s, w->n, w->key);
	if (!l)
		return NOT_MET;
	memcpy(ids, cache_ids(l), l->n_ids * sizeof *ids);
	if (w->quick)
		quick_set(c, quick_word(w->key[0], w->n), cache_ids(l), l->n_ids);
	return l->n_ids;
}

void cache_make(struct word_cache *c);
/* Note the ids of a word, if they are few enough. */
void cache_add(struct word_cache *c, const unsigned char *s, size_t n, const uint32_t *ids, size_t n_ids);
void cache_free(struct word_cache *c);

#endif
