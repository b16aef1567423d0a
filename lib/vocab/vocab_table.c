/* vocab_table.c - tables of pieces and merges; see vocab_table.h. */
#include "vocab_table.h"

void
table_init(struct table *t, size_t n, const char *path)
{
	unsigned bits = 4;
	while (BUCKET * ((size_t)1 << bits) / 8 * 5 < n)
		bits++;
	const size_t buckets = (size_t)1 << bits;
	t->slot = xlarge(buckets, BUCKET * sizeof *t->slot);
	t->tags = xcalloc(buckets, sizeof *t->tags);
	t->mask = (uint32_t)(buckets - 1);
	t->shift = 32 - bits;
	t->far = UINT64_C(1) << 28;
	t->path = path;
}

void
table_free(struct table *t)
{
	xfree(t->slot);
	xfree(t->tags);
	t->slot = NULL;
	t->tags = NULL;
}

void
table_collides(const struct table *t)
{
	die("%s: the vocabulary's pieces or merges are made to collide", t->path);
}
