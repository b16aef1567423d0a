/* pieces.c - a vocabulary's pieces as a tree; see pieces.h. */
#include "pieces.h"

#include <stdlib.h>
#include <string.h>

/* A piece in the order: its first eight bytes as a number, the first the highest; all of it. */
struct entry {
	uint64_t key;
	uint32_t id, n;
	uint32_t at;	/* in the texts */
	bool prefix;
};

struct builder {
	struct entry *e, *other;	/* as many again, to sort them */
	size_t n;
	unsigned char *text;
	size_t len, cap_text;
};

const char *
piece_text(struct vocab *v, uint32_t id, bool *prefix, size_t *n)
{
	const enum piece_type type = vocab_type(v, id);
	const bool before = *prefix;
	if (type == PIECE_CONTROL || type == PIECE_UNKNOWN || type == PIECE_UNUSED || vocab_is_eog(v, id))
		return NULL;
	const char *text = vocab_line_text(v, id, false, prefix, n);
	/* One without bytes leads nowhere, unless it takes the prefix. */
	return *n || *prefix != before ? text : NULL;
}

static void
collect(struct builder *b, struct vocab *v, uint32_t width, bool prefix)
{
	const uint32_t n_ids = vocab_size(v) < width ? vocab_size(v) : width;
	b->e = xlarge(n_ids + 1, sizeof *b->e);
	b->other = xlarge(n_ids + 1, sizeof *b->e);
	for (uint32_t id = 0; id < n_ids; id++) {
		struct entry e = {.id = id, .at = (uint32_t)b->len, .prefix = prefix};
		size_t n;
		const char *text = piece_text(v, id, &e.prefix, &n);
		if (!text)
			continue;
		if (b->len + n > UINT32_MAX - 8)
			die("the vocabulary's pieces are too long");
		if (b->cap_text - b->len < n + 8)
			b->text = grow(b->text, &b->cap_text, b->len + n + 8, 1);
		memcpy(b->text + b->len, text, n);
		memset(b->text + b->len + n, 0, 8);
		for (int i = 0; i < 8; i++)
			e.key = e.key << 8 | b->text[b->len + (size_t)i];
		e.n = (uint32_t)n;
		b->len += n;
		b->e[b->n++] = e;
	}
}

/* By the eight bytes: radix sort from the last bits on. */
static void
sort_keys(struct builder *b)
{
	enum { BITS = 11, VALUES = 1 << BITS };
	for (int shift = 0; shift < 64; shift += BITS) {
		size_t count[VALUES + 1] = {0};
		for (size_t i = 0; i < b->n; i++)
			count[(b->e[i].key >> shift & (VALUES - 1)) + 1]++;
		for (int c = 0; c < VALUES; c++)
			count[c + 1] += count[c];
		for (size_t i = 0; i < b->n; i++)
			b->other[count[b->e[i].key >> shift & (VALUES - 1)]++] = b->e[i];
		struct entry *t = b->e;
		b->e = b->other;
		b->other = t;
	}
}

/* The rest of those that have these in common: -1, 0 or 1. */
static int
compare(const struct builder *b, const struct entry *x, const struct entry *y)
{
	const size_t n = x->n < y->n ? x->n : y->n;
	int c = n ? memcmp(b->text + x->at, b->text + y->at, n) : 0;
	return c ? c : x->n < y->n ? -1 : x->n > y->n;
}

/* Sort the entries from..to by all their bytes: merge sort, since few come out of order and a
 * vocabulary may be made to be slow. */
static void
sort_rest(struct builder *b, size_t from, size_t to)
{
	struct entry *room = b->other;
	if (to - from < 2)
		return;
	const size_t mid = from + (to - from) / 2;
	sort_rest(b, from, mid);
	sort_rest(b, mid, to);
	if (compare(b, &b->e[mid - 1], &b->e[mid]) <= 0)
		return;
	memcpy(room + from, b->e + from, (to - from) * sizeof *room);
	for (size_t i = from, j = mid, k = from; k < to; k++)
		b->e[k] = j == to || (i < mid && compare(b, &room[i], &room[j]) <= 0) ? room[i++] : room[j++];
}

static void
sort(struct builder *b)
{
	sort_keys(b);
	for (size_t i = 0, k; i < b->n; i = k) {
		for (k = i + 1; k < b->n && b->e[k].key == b->e[i].key;)
			k++;
		sort_rest(b, i, k);
	}
}

static void
add_node(struct pieces *p, unsigned char byte)
{
	if (p->n_nodes == p->cap_nodes) {
		size_t cap = p->cap_nodes;
		p->node = grow(p->node, &p->cap_nodes, p->n_nodes + 1, sizeof *p->node);
		p->byte = grow(p->byte, &cap, p->n_nodes + 1, 1);
	}
	p->byte[p->n_nodes] = byte;
	p->node[p->n_nodes++].first = (uint32_t)p->n;
}

void
pieces_build(struct pieces *p, struct vocab *v, uint32_t width, bool prefix)
{
	struct builder b = {0};
	*p = (struct pieces){0};
	collect(&b, v, width, prefix);
	if (b.n)
		sort(&b);
	for (size_t i = 0; i < b.n; i++)
		p->depth = b.e[i].n > p->depth ? b.e[i].n : p->depth;
	p->id = xcalloc(b.n + 1, sizeof *p->id);
	p->prefix = xcalloc(b.n + 1, 1);
	uint32_t *path = xcalloc(p->depth + 1, sizeof *path); /* the nodes of the piece before */
	size_t open = 0;
	add_node(p, 0);
	for (size_t i = 0; i < b.n; i++) {
		const unsigned char *t = b.text + b.e[i].at;
		const unsigned char *before = i ? b.text + b.e[i - 1].at : t;
		size_t same = 0;
		while (same < open && same < b.e[i].n && t[same] == before[same])
			same++;
		for (; open > same; open--)
			p->node[path[open]].end = (uint32_t)p->n_nodes;
		for (; open < b.e[i].n; open++) {
			if (p->n_nodes >= UINT32_MAX - 2)
				die("the vocabulary's pieces are too long");
			path[open + 1] = (uint32_t)p->n_nodes;
			add_node(p, t[open]);
		}
		p->prefix[p->n] = b.e[i].prefix;
		p->id[p->n++] = b.e[i].id;
	}
	for (; open; open--)
		p->node[path[open]].end = (uint32_t)p->n_nodes;
	p->node[0].end = (uint32_t)p->n_nodes;
	p->plain = !memchr(p->prefix, 1, p->n);
	add_node(p, 0); /* where the pieces of the last node end */
	p->n_nodes--;
	xfree(path);
	xfree(b.e);
	xfree(b.other);
	xfree(b.text);
}

void
pieces_free(struct pieces *p)
{
	xfree(p->node);
	xfree(p->byte);
	xfree(p->id);
	xfree(p->prefix);
}
