/* vocab_find.c - find pieces by their bytes, and merge symbols; see vocab_impl.h. */
#include <stdlib.h>
#include <string.h>

#include "vocab_hf.h"
#include "vocab_impl.h"

/* Longer specials are not looked for: the search would take that much a byte of text. */
#define SPECIAL_MAX 255

/* Whether text that the user-defined pieces were taken out of may still become this one. */
static bool
user_in_text(const struct vocab *v, uint32_t id, const unsigned char *p, uint32_t n)
{
	if (v->hf)
		return hf_in_model(v, id);
	/* They stand for their spelling, not for the bytes it spells. */
	return !v->bpe || bpe_plain(p, n);
}

bool
odd_in_text(const struct vocab *v, uint32_t id, const unsigned char *p, uint32_t n)
{
	const enum piece_type type = vocab_type(v, id);
	if (type == PIECE_CONTROL || type == PIECE_UNKNOWN || type == PIECE_BYTE)
		return false;
	return type != PIECE_USER || user_in_text(v, id, p, n);
}

static struct piece_search
search(const struct vocab *v, const unsigned char *p, size_t n, uint32_t hash)
{
	return (struct piece_search){p, n, hash, table_seek(&v->pieces, hash), NO_ID};
}

struct piece_search
pieces_search(const struct vocab *v, const unsigned char *p, size_t n)
{
	return search(v, p, n, hash_bytes(p, n));
}

bool
pieces_next(struct vocab *v, struct piece_search *s)
{
	while ((s->id = table_next(&v->pieces, s->hash, &s->at)) != NO_ID) {
		uint32_t n;
		const unsigned char *p = piece(v, s->id, &n);
		if (n == s->n && !memcmp(p, s->p, n))
			return true;
	}
	return false;
}

/* Of pieces that are spelled alike the last: as in a map filled in order. */
static uint32_t
find(struct vocab *v, struct piece_search s)
{
	uint32_t end = 0;
	while (pieces_next(v, &s))
		end = s.id >= end ? s.id + 1 : end;
	return end ? end - 1 : NO_ID;
}

uint32_t
pieces_find(struct vocab *v, const unsigned char *p, size_t n)
{
	if (!v->pieces.slot)
		pieces_index(v);
	return find(v, pieces_search(v, p, n));
}

/* A file of JSON has no key twice. */
static void
check_alone(struct vocab *v, uint32_t id, uint32_t hash)
{
	uint32_t n;
	const unsigned char *p = piece(v, id, &n);
	const uint32_t other = hf_in_model(v, id) ? find(v, search(v, p, n, hash)) : NO_ID;
	if (other != NO_ID && hf_in_model(v, other))
		die("%s: not JSON: key \"%.*s\" stands twice in one object", v->path, (int)(n < 64 ? n : 64), (const char *)p);
}

/* Some at a time, for memory is slow to answer. */
void
pieces_index(struct vocab *v)
{
	enum { AT_ONCE = 32 };
	uint32_t ids[AT_ONCE], hash[AT_ONCE];
	const unsigned char *next = NULL;
	table_init(&v->pieces, v->n, v->path);
	for (uint32_t id = 0; id < v->n;) {
		size_t some = 0;
		for (; some < AT_ONCE && id < v->n; id++) {
			uint32_t n;
			const unsigned char *p = next_piece(v, id, &next, &n);
			if (!piece_in_text(v, id, p, n))
				continue;
			ids[some] = id;
			hash[some] = hash_wide(p, n, piece_is_wide(v, p));
			table_near(&v->pieces, hash[some++]);
			v->max_piece = n > v->max_piece ? n : v->max_piece;
		}
		for (size_t i = 0; i < some; i++) {
			if (v->hf && table_may_have(&v->pieces, hash[i]))
				check_alone(v, ids[i], hash[i]);
			table_add(&v->pieces, hash[i], ids[i]);
		}
	}
}

uint32_t
pieces_char(struct vocab *v, const unsigned char *p, size_t n)
{
	const uint32_t bytes = (uint32_t)few_bytes(p, n) + 1;
	if (!v->chars)
		v->chars = xcalloc(CHARS, sizeof *v->chars);
	struct char_memo *m = v->chars + (bytes * 0x9E3779B1u >> 19);
	if (m->bytes != bytes)
		*m = (struct char_memo){bytes, pieces_find(v, p, n)};
	return m->id;
}

static int
special_cmp(const void *a, const void *b)
{
	const struct special *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
	if (!c)
		c = (x->n > y->n) - (x->n < y->n);
	return c ? c : (x->id > y->id) - (x->id < y->id);
}

void
specials_ready(struct specials *t, size_t n)
{
	struct special *list = t->list;
	uint32_t at[256];
	t->built = true;
	if (!n)
		return;
	t->list = xreallocarray(NULL, n, sizeof *t->list);
	for (size_t i = 0; i < n; i++)
		t->first[list[i].p[0] + 1]++;
	for (unsigned b = 0; b < 256; b++) {
		at[b] = t->first[b];
		t->first[b + 1] += t->first[b];
	}
	for (size_t i = 0; i < n; i++)
		t->list[at[list[i].p[0]]++] = list[i];
	xfree(list);
}

void
specials_index(struct vocab *v, unsigned which)
{
	struct specials *t = &v->special[which];
	const bool control = which & 1;
	size_t n = 0, cap = 0;
	for (uint32_t id = odd_piece(v, 0); id < v->n; id = odd_piece(v, id + 1)) {
		enum piece_type type = vocab_type(v, id);
		if (type != PIECE_USER && !(control && (type == PIECE_CONTROL || type == PIECE_UNKNOWN)))
			continue;
		if (hf_normalized(v, id) != (which >= 2))
			continue;
		struct str text;
		text.p = vocab_spelling(v, id, &text.n);
		if (which >= 2)
			text = hf_added_text(v, text);
		if (text.n == 0 || text.n > SPECIAL_MAX)
			continue;
		t->list = grow(t->list, &cap, n + 1, sizeof *t->list);
		t->list[n++] = (struct special){(const unsigned char *)text.p, (uint32_t)text.n, id};
		v->longest = text.n > v->longest ? (uint32_t)text.n : v->longest;
	}
	specials_ready(t, n);
}

/* The first of the sorted list[lo..hi), alike in their first d bytes, whose byte d is >= b. */
static uint32_t
lower_bound(const struct special *list, uint32_t lo, uint32_t hi, size_t d, unsigned b)
{
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (list[mid].n > d && list[mid].p[d] >= b)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

bool
specials_narrow(struct specials *t, struct prefix *p, unsigned char byte)
{
	if (!p->n) {
		p->lo = t->first[byte];
		p->hi = t->first[byte + 1];
		if (p->hi > p->lo && !t->sorted[byte])
			qsort(t->list + p->lo, p->hi - p->lo, sizeof *t->list, special_cmp);
		t->sorted[byte] = true;
	} else {
		p->lo = lower_bound(t->list, p->lo, p->hi, p->n, byte);
		p->hi = lower_bound(t->list, p->lo, p->hi, p->n, byte + 1u);
	}
	p->n++;
	return p->lo < p->hi;
}

const struct special *
specials_at(struct specials *t, const unsigned char *s, size_t n)
{
	const struct special *found = NULL;
	struct prefix p = {0, 0, 0};
	while (p.n < n && specials_narrow(t, &p, s[p.n]))
		if (t->list[p.lo].n == p.n)
			found = &t->list[p.lo];
	return found;
}

void
word_clear(struct word *w)
{
	w->len = w->n_sym = w->n_heap = 0;
}

void
word_bytes(struct word *w, const void *p, size_t n)
{
	if (w->len + n > w->cap)
		w->s = grow(w->s, &w->cap, w->len + n, 1);
	memcpy(w->s + w->len, p, n);
	w->len += n;
}

void
word_symbol(struct word *w, size_t n, uint32_t id)
{
	if (w->len > UINT32_MAX / 2)
		die("a word of more than %u bytes", UINT32_MAX / 2);
	if (w->n_sym == w->sym_cap)
		w->sym = grow(w->sym, &w->sym_cap, w->n_sym + 1, sizeof *w->sym);
	uint32_t i = (uint32_t)w->n_sym++;
	w->sym[i] = (struct symbol){.off = (uint32_t)(w->len - n), .n = (uint32_t)n,
		.prev = i ? i - 1 : NO_ID, .next = NO_ID, .rank = NO_RANK, .id = id};
	if (i)
		w->sym[i - 1].next = i;
}

void
word_free(struct word *w)
{
	xfree(w->s);
	xfree(w->sym);
	xfree(w->heap);
}

/* The heap has four branches: half as deep as one with two, and as quick on each level. */
#define BRANCHES 4

/* Move the entry down from place i until all below are no less. */
static void
sift_down(uint64_t *heap, size_t n, size_t i)
{
	uint64_t key = heap[i];
	for (size_t c; (c = BRANCHES * i + 1) < n; i = c) {
		size_t end = c + BRANCHES < n ? c + BRANCHES : n;
		for (size_t k = c + 1; k < end; k++)
			if (heap[k] < heap[c])
				c = k;
		if (heap[c] >= key)
			break;
		heap[i] = heap[c];
	}
	heap[i] = key;
}

static void
heap_push(struct word *w, uint64_t key)
{
	if (w->n_heap == w->heap_cap)
		w->heap = grow(w->heap, &w->heap_cap, w->n_heap + 1, sizeof *w->heap);
	size_t i = w->n_heap++, up;
	for (; i && w->heap[up = (i - 1) / BRANCHES] > key; i = up)
		w->heap[i] = w->heap[up];
	w->heap[i] = key;
}

static uint64_t
heap_pop(struct word *w)
{
	uint64_t top = w->heap[0];
	w->heap[0] = w->heap[--w->n_heap];
	if (w->n_heap)
		sift_down(w->heap, w->n_heap, 0);
	return top;
}

/* Look up the pair that symbol l makes with the next one; those of pieces are remembered. False: none. */
static bool
look_up(struct vocab *v, struct word *w, uint32_t l, pair_fn *pair)
{
	struct symbol *left = &w->sym[l];
	struct pair p = {NO_RANK, NO_ID};
	if (left->next != NO_ID) {
		const struct symbol *right = &w->sym[left->next];
		if (left->id == NO_ID || right->id == NO_ID)
			p = pair(v, w, left, right);
		else if (!pairs_find(&v->pairs, left->id, right->id, &p)) {
			p = pair(v, w, left, right);
			pairs_note(v, left->id, right->id, p);
		}
	}
	left->rank = p.rank;
	left->both = p.id;
	return p.rank != NO_RANK;
}

/* Merge symbol l with the next one. */
static void
merge_at(struct word *w, uint32_t l)
{
	struct symbol *left = &w->sym[l], *right = &w->sym[left->next];
	left->id = left->both;
	left->n += right->n;
	left->next = right->next;
	right->n = 0;
	right->rank = NO_RANK;
	if (left->next != NO_ID)
		w->sym[left->next].prev = l;
}

static uint64_t
heap_key(uint32_t rank, uint32_t left)
{
	return (uint64_t)rank << 32 | left;
}

/* Short words: to look at all pairs is quicker than to keep them in order. */
static void
merge_short(struct vocab *v, struct word *w, pair_fn *pair)
{
	for (;;) {
		uint32_t rank = NO_RANK, l = 0;
		for (uint32_t i = 0; i != NO_ID; i = w->sym[i].next)
			if (w->sym[i].rank < rank)
				rank = w->sym[l = i].rank;
		if (rank == NO_RANK)
			return;
		merge_at(w, l);
		look_up(v, w, l, pair);
		if (w->sym[l].prev != NO_ID)
			look_up(v, w, w->sym[l].prev, pair);
	}
}

static void
merge_long(struct vocab *v, struct word *w, pair_fn *pair)
{
	w->heap = grow(w->heap, &w->heap_cap, w->n_sym, sizeof *w->heap);
	for (uint32_t i = 0; i + 1 < w->n_sym; i++)
		if (w->sym[i].rank != NO_RANK)
			w->heap[w->n_heap++] = heap_key(w->sym[i].rank, i);
	for (size_t i = w->n_heap / BRANCHES + 1; w->n_heap && i-- > 0;)
		sift_down(w->heap, w->n_heap, i);
	while (w->n_heap) {
		uint64_t key = heap_pop(w);
		uint32_t l = (uint32_t)key;
		struct symbol *left = &w->sym[l];
		/* An entry whose pair has changed since is worth nothing; one of the
		 * same rank stands for the pair there is now. */
		if (left->rank != key >> 32)
			continue;
		merge_at(w, l);
		if (look_up(v, w, l, pair))
			heap_push(w, heap_key(left->rank, l));
		if (left->prev != NO_ID && look_up(v, w, left->prev, pair))
			heap_push(w, heap_key(w->sym[left->prev].rank, left->prev));
	}
}

void
word_merge(struct vocab *v, struct word *w, pair_fn *pair)
{
	enum { SHORT = 32 };
	pairs_make(v);
	for (uint32_t i = 0; i + 1 < w->n_sym; i++)
		pairs_seek(&v->pairs, w->sym[i].id, w->sym[i + 1].id);
	for (uint32_t i = 0; i + 1 < w->n_sym; i++)
		look_up(v, w, i, pair);
	if (w->n_sym < 2)
		return;
	if (w->n_sym <= SHORT)
		merge_short(v, w, pair);
	else
		merge_long(v, w, pair);
}

void
words_flush(struct vocab *v, struct word_queue *q, struct ids *out)
{
	for (size_t i = 0; i < q->n; i++) {
		const struct sought *w = q->sought + i;
		if (*out->cap - *out->n < CACHE_IDS)
			*out->p = grow(*out->p, out->cap, *out->n + CACHE_IDS, sizeof **out->p);
		const size_t from = *out->n, n_ids = cache_get(&v->cache, w, *out->p + from);
		if (n_ids != NOT_MET) {
			*out->n += n_ids;
			continue;
		}
		q->word(v, w->s, w->n, out);
		cache_add(&v->cache, w->s, w->n, *out->p + from, *out->n - from);
	}
	q->n = 0;
}
