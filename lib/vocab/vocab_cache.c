/* vocab_cache.c - the ids of words that were met before; see vocab_cache.h. */
#include "vocab_cache.h"

void
cache_make(struct word_cache *c)
{
	const size_t size = sizeof *c->line;
	_Static_assert(sizeof *c->line == 64, "a line of the cache is one of the machine's");
	/* zeros that are touched only where a word comes to stand */
	c->mem = xcalloc(2 * CACHE_SETS + 1, size);
	c->quick = xcalloc(QUICK, sizeof *c->quick);
	c->line = (struct cache_line *)((unsigned char *)c->mem + (size - (uintptr_t)c->mem % size) % size);
}

void
cache_add(struct word_cache *c, const unsigned char *s, size_t n, const uint32_t *ids, size_t n_ids)
{
	uint64_t key[2];
	if (n == 0 || n > CACHE_ROOM || n_ids * sizeof *ids > CACHE_ROOM - (n > CACHE_KEY ? n : CACHE_KEY))
		return;
	cache_key(s, n, false, key);
	struct cache_line *l = c->line + cache_place(s, n, key);
	l += l->n != 0;
	memset(l->room, 0, CACHE_KEY);
	memcpy(l->room, s, n);
	l->n = (uint8_t)n;
	l->n_ids = (uint8_t)n_ids;
	if (n_ids)
		memcpy(l->room + (n > CACHE_KEY ? n : CACHE_KEY), ids, n_ids * sizeof *ids);
}

void
cache_free(struct word_cache *c)
{
	xfree(c->mem);
	xfree(c->quick);
	*c = (struct word_cache){NULL, NULL, NULL};
}
