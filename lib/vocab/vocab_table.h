/*
 * vocab_table.h - a vocabulary's pieces, or its merges, by a hash of their bytes.
 *
 * To make a table is most of what the first text of a program costs. So adding compares nothing and waits for nothing: a hash has
 * a bucket, the next entry is written behind those that are there, and how many these are is kept apart, where it stays near.
 * What a full bucket does not take goes into the next one. Entries that are equal are found in the order in which they came.
 */
#ifndef VOCAB_TABLE_H
#define VOCAB_TABLE_H

#include "vocab_cache.h"

/* An entry holds 8 bits of the hash, which spare most looks at what it stands for, and its index in 24. */
struct table {
	uint32_t *slot;		/* BUCKET for each bucket; NULL: no table */
	uint8_t *used;		/* of each */
	uint32_t mask;		/* buckets - 1; a power of two less one */
	unsigned shift;		/* of a hash, to find its bucket */
	uint64_t far;		/* steps left from bucket to bucket: many pieces may be alike, but a file may be made to collide */
	const char *path;	/* of that file; not owned */
};
enum { BUCKET = 8, ENTRY_INDEX = 24 };

/* An empty table for at most n entries, n < 2^24; free it with table_free(). */
void table_init(struct table *t, size_t n, const char *path);
void table_free(struct table *t);
/* Too many steps were taken. */
_Noreturn void table_collides(const struct table *t);

/* A hash of n bytes; wide: 16 bytes can be read from p on, or as many as there are. */
static inline uint32_t
hash_wide(const unsigned char *p, size_t n, bool wide)
{
	const uint64_t k = 0x9E3779B97F4A7C15; /* 2^64 / golden ratio */
	uint64_t h = n * k, key[2] = {0, 0};
	for (; n > 16; p += 8, n -= 8) {
		h = (h ^ le64(p)) * k;
		h ^= h >> 32;
	}
	if (wide) { /* as cache_key(), without a branch for what n is, which is hard to guess of pieces */
		const uint64_t last = ~UINT64_C(0) >> (8 * (16 - n) & 63), more = 0 - (uint64_t)(n > 8);
		key[0] = le64(p) & (last | more);
		key[1] = le64(p + 8) & last & more;
	} else if (n)
		cache_key(p, n, false, key);
	h = (h ^ key[0]) * k;
	h = (h ^ h >> 32 ^ key[1]) * k;
	return (uint32_t)(h >> 32);
}
static inline uint32_t
hash_bytes(const unsigned char *p, size_t n)
{
	return hash_wide(p, n, false);
}

static inline uint32_t
table_bucket(const struct table *t, uint32_t hash)
{
	return hash >> t->shift;
}
static inline uint32_t
table_step(struct table *t, uint32_t bucket)
{
	if (!t->far--)
		table_collides(t);
	return (bucket + 1) & t->mask;
}

static inline void
table_add(struct table *t, uint32_t hash, uint32_t index)
{
	uint32_t b = table_bucket(t, hash);
	while (t->used[b] == BUCKET)
		b = table_step(t, b);
	t->slot[BUCKET * (size_t)b + t->used[b]++] = hash << ENTRY_INDEX | index;
}

/* The next index that may have this hash, or UINT32_MAX. */
struct table_at {
	uint32_t bucket, n;	/* begins as {table_bucket(), 0} */
};
static inline uint32_t
table_next(struct table *t, uint32_t hash, struct table_at *at)
{
	for (;;) {
		const uint32_t *slot = t->slot + BUCKET * (size_t)at->bucket, used = t->used[at->bucket];
		while (at->n < used) {
			const uint32_t entry = slot[at->n++];
			if (!((entry ^ hash << ENTRY_INDEX) >> ENTRY_INDEX))
				return entry & ((1u << ENTRY_INDEX) - 1);
		}
		if (used < BUCKET)
			return UINT32_MAX;
		*at = (struct table_at){table_step(t, at->bucket), 0};
	}
}

#endif
