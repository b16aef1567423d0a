/*
 * vocab_table.h - a vocabulary's pieces, or its merges, by a hash of their bytes.
 *
 * To make a table is much of what the first text of a program costs. So adding compares no bytes and waits for nothing: a hash has
 * a bucket, with room for some entries, of which 8 bits of their hash are kept apart, where they stay near. What a full bucket does
 * not take goes into the next one.
 */
#ifndef VOCAB_TABLE_H
#define VOCAB_TABLE_H

#include "swar.h"
#include "vocab_cache.h"

struct table {
	uint32_t *slot;		/* BUCKET indices for each bucket, the last first; NULL: no table */
	uint64_t *tags;		/* of each bucket: a byte for each of its slots, 0: it is free */
	uint32_t mask;		/* buckets - 1; a power of two less one */
	unsigned shift;		/* of a hash, to find its bucket */
	uint64_t far;		/* steps left from bucket to bucket: many pieces may be alike, but a file may be made to collide */
	const char *path;	/* of that file; not owned */
};
enum { BUCKET = 8 };

/* An empty table for at most n entries; free it with table_free(). */
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
static inline bool
bucket_full(const struct table *t, uint32_t bucket)
{
	return t->tags[bucket] & 0xFF;
}

static inline uint64_t
hash_tag(uint32_t hash)
{
	return (hash & 0xFF) | !(hash & 0xFF);
}
/* The slots of a bucket that may be of this hash, marked. */
static inline uint64_t
bucket_like(const struct table *t, uint32_t bucket, uint32_t hash)
{
	const uint64_t x = t->tags[bucket] ^ EACH(hash_tag(hash));
	return ~((x & EACH(0x7F)) + EACH(0x7F)) & ~x & EACH(0x80);
}

/* Ask for the memory that an entry will want. */
static inline void
table_near(const struct table *t, uint32_t hash)
{
	const uint32_t b = table_bucket(t, hash);
	prefetch(t->tags + b);
	prefetch(t->slot + BUCKET * (size_t)b);
}

static inline void
table_add(struct table *t, uint32_t hash, uint32_t index)
{
	uint32_t b = table_bucket(t, hash);
	while (bucket_full(t, b))
		b = table_step(t, b);
	const unsigned free = bits_below(t->tags[b] | UINT64_C(1) << 63) / 8 + !t->tags[b]; /* slots, without a guess whether it is empty */
	t->tags[b] |= hash_tag(hash) << 8 * (free - 1);
	t->slot[BUCKET * (size_t)b + free - 1] = index;
}

/* Entries that are added some at a time, as memory is slow to answer. Begins as 0, and ends with table_flush(). */
struct table_queue {
	uint32_t hash[32], index[32];
	size_t n;
};
static inline void
table_flush(struct table *t, struct table_queue *q)
{
	for (size_t i = 0; i < q->n; i++)
		table_add(t, q->hash[i], q->index[i]);
	q->n = 0;
}
static inline void
table_put(struct table *t, struct table_queue *q, uint32_t hash, uint32_t index)
{
	if (q->n == sizeof q->hash / sizeof *q->hash)
		table_flush(t, q);
	table_near(t, hash);
	q->hash[q->n] = hash;
	q->index[q->n++] = index;
}

/* The indices that may have a hash, in no order; begin with table_seek(). UINT32_MAX: no more. */
struct table_at {
	uint32_t bucket;
	uint64_t left;
};
static inline struct table_at
table_seek(const struct table *t, uint32_t hash)
{
	const uint32_t b = table_bucket(t, hash);
	return (struct table_at){b, bucket_like(t, b, hash)};
}
static inline uint32_t
table_next(struct table *t, uint32_t hash, struct table_at *at)
{
	while (!at->left) {
		if (!bucket_full(t, at->bucket))
			return UINT32_MAX;
		at->bucket = table_step(t, at->bucket);
		at->left = bucket_like(t, at->bucket, hash);
	}
	const uint32_t index = t->slot[BUCKET * (size_t)at->bucket + bits_below(at->left) / 8];
	at->left &= at->left - 1;
	return index;
}
/* Whether there may be one, which takes a look at the tags alone. */
static inline bool
table_may_have(const struct table *t, uint32_t hash)
{
	const uint32_t b = table_bucket(t, hash);
	return bucket_full(t, b) || bucket_like(t, b, hash);
}

#endif
