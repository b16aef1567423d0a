/*
 * vocab_merges.c - what a list of merges says of two spellings, the one that stands first in it; see vocab_impl.h.
 *
 * Merges are found with the piece that they make, where those that make it stand beside one another (spelled.h), and by a table of
 * the others.
 */
#include <string.h>

#include "vocab_impl.h"

static uint32_t
pair_hash(struct str l, struct str r)
{
	const uint64_t left = hash_bytes((const unsigned char *)l.p, l.n), right = hash_bytes((const unsigned char *)r.p, r.n);
	uint64_t h = (left << 32 | right) * 0x9E3779B97F4A7C15;
	h = (h ^ h >> 32) * 0x9E3779B97F4A7C15;
	return (uint32_t)(h >> 32);
}

/* How many bytes merge m joins. */
static size_t
merge_bytes(const struct vocab *v, uint32_t m)
{
	const struct span s = v->merge.at[m];
	return s.n - v->merge.gap[s.off >> 31].n;
}

/* Whether it is of these two. */
static bool
merge_is(const struct vocab *v, uint32_t m, struct str l, struct str r)
{
	const struct span s = v->merge.at[m];
	const struct str gap = v->merge.gap[s.off >> 31];
	const unsigned char *p = span_at(v->merge.text, s);
	return s.n == l.n + gap.n + r.n && !memcmp(p, l.p, l.n) && !memcmp(p + l.n, gap.p, gap.n) && !memcmp(p + l.n + gap.n, r.p, r.n);
}

static void
merges_locate(struct vocab *v)
{
	const struct gguf_kv *kv = &v->merge_list;
	const unsigned char *p = kv->data;
	if (kv->n > VOCAB_MAX || kv->bytes >= SPAN_SECOND)
		die("%s: %zu merges, %zu bytes are too many", v->path, kv->n, kv->bytes);
	v->merge = (struct merge_list){.text = {kv->data}, .tail = tail_of(kv->data, kv->bytes), .gap = {{" ", 1}}, .n = kv->n};
	v->merge.at = xreallocarray(NULL, kv->n, sizeof *v->merge.at);
	for (size_t i = 0; i < kv->n; i++) {
		const struct str s = gguf_next_str(&p);
		v->merge.at[i] = (struct span){(uint32_t)((const unsigned char *)s.p - kv->data), (uint32_t)s.n};
	}
}

/* Whether merge p[0..n], with its gap, spells the string x[0..n): at a glance, where chunks can be read at both; false: it may yet. */
static inline bool
spells(const struct vocab *v, const unsigned char *p, struct str x, size_t n)
{
	if (x.n != n || n >= CHUNK || !is_wide(v->merge.tail, p) || !piece_is_wide(v, (const unsigned char *)x.p))
		return false;
	const chunk to = chunk_at(x.p), behind = chunk_at(p + 1);
	const uint64_t gap = chunk_is(behind, ' '), before = chunk_same(chunk_at(p), to), after = chunk_same(behind, to);
	const size_t at = gap ? chunk_before(gap) + 1 : n;
	return at < n && chunk_begins((before & chunk_up_to(gap << MARK_STEP)) | (after & ~chunk_up_to(gap << MARK_STEP)), n);
}

/* With the pieces at hand, find the merges that make each. */
static void
find_runs(struct vocab *v)
{
	struct spelled *s = &v->runs;
	struct str part[2];
	for (uint32_t id = 0; id < v->n; id += VOCAB_MARK)
		vocab_locate(v, id);
	spelled_init(s, v->text, v->at, v->n);
	for (uint32_t m = 0; m < v->merge.n; m++) {
		const struct span merge = v->merge.at[m];
		const unsigned char *p = v->merge.text[0] + merge.off;
		const uint32_t next = s->now + 1;
		if (spelled_goes_on(s, m) && spells(v, p, spelled_string(s, s->now), merge.n - 1))
			s->end++;
		else if (spelled_may_begin(s, next) && spells(v, p, spelled_string(s, next), merge.n - 1))
			spelled_begin(s, next, m);
		else if (merge_parts(&v->merge, m, part))
			spelled_take(s, m, part[0], part[1]);
	}
}

/* Whether piece id is ordinary text, spelled l and then r. */
static bool
piece_is(const struct vocab *v, uint32_t id, struct str l, struct str r)
{
	uint32_t n;
	const unsigned char *p = piece(v, id, &n);
	return n == l.n + r.n && !memcmp(p, l.p, l.n) && !memcmp(p + l.n, r.p, r.n) && vocab_type(v, id) == PIECE_NORMAL;
}

/* Most GGUF files number the pieces in the order of the merges that make them: then a look where it should be spares the index of
 * all pieces, which is half of what the first text of a program costs. */
static void
find_first(struct vocab *v)
{
	struct str part[2];
	v->merge_first = NO_ID;
	for (uint32_t id = 0; v->merge.n && merge_parts(&v->merge, 0, part) && id < v->n && v->merge_first == NO_ID; id++)
		if (piece_is(v, id, part[0], part[1]))
			v->merge_first = id;
}

uint32_t
merged_piece(struct vocab *v, uint32_t m, struct str l, struct str r)
{
	struct bytes *both = &v->pairs.text;
	if (!v->pieces.slot && v->merge_first != NO_ID && m < v->n - v->merge_first && piece_is(v, v->merge_first + m, l, r))
		return v->merge_first + m;
	both->n = 0;
	bytes_add(both, l.p, l.n);
	bytes_add(both, r.p, r.n);
	return pieces_find(v, both->s, both->n);
}

/* The merges of what text may not become are not found by their piece. */
static void
drop_runs(struct vocab *v)
{
	struct spelled *s = &v->runs;
	for (uint32_t id = odd_piece(v, 0); id < v->n; id = odd_piece(v, id + 1)) {
		uint32_t n, m = s->first[id] - 1;
		const unsigned char *p = piece(v, id, &n);
		if (!s->first[id] || piece_in_text(v, id, p, n))
			continue;
		for (uint32_t end = m + SPELLED_MOST; m < end && m < v->merge.n && merge_bytes(v, m) == n; m++) {
			s->other = grow(s->other, &s->other_cap, s->n_other + 1, sizeof *s->other);
			s->other[s->n_other++] = m;
		}
	}
}

/* Put n merges into the table, those in the list or, without one, all. */
static void
index_merges(struct vocab *v, const uint32_t *list, size_t n)
{
	struct table_queue queue = {.n = 0};
	struct str part[2];
	for (size_t i = 0; i < n; i++) {
		const uint32_t m = list ? list[i] : (uint32_t)i;
		if (merge_parts(&v->merge, m, part))
			table_put(&v->merges, &queue, pair_hash(part[0], part[1]), m);
	}
	table_flush(&v->merges, &queue);
}

/* The merges are read from the map where they are needed. One that has no two parts is no merge. */
void
merges_prepare(struct vocab *v)
{
	struct spelled *s = &v->runs;
	if (v->merge_list.data)
		merges_locate(v);
	if (v->merge_list.data && !v->pieces.slot)
		find_first(v);
	else if (v->merge_list.data)
		find_runs(v);
	else
		pieces_index(v);
	if (s->first)
		drop_runs(v);
	const size_t n = s->first ? s->n_other : v->merge.n;
	if (n)
		table_init(&v->merges, n, v->path);
	index_merges(v, s->first ? s->other : NULL, n);
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The first of the merges of piece id that is of these two, or NO_RANK. */
static uint32_t
rank_in_run(const struct vocab *v, uint32_t id, struct str l, struct str r)
{
	uint32_t m = v->runs.first[id] - 1; /* NO_RANK: it has none */
	for (unsigned left = SPELLED_MOST; left && m < v->merge.n && merge_bytes(v, m) == l.n + r.n; left--, m++)
		if (merge_is(v, m, l, r))
			return m;
	return NO_RANK;
}

/* The same of the others. */
static uint32_t
rank_elsewhere(struct vocab *v, struct str l, struct str r)
{
	const uint32_t hash = pair_hash(l, r);
	struct table_at at = table_seek(&v->merges, hash);
	uint32_t rank = NO_RANK;
	for (uint32_t m; (m = table_next(&v->merges, hash, &at)) != UINT32_MAX;)
		if (m < rank && merge_is(v, m, l, r))
			rank = m;
	return rank;
}

struct pair
merges_pair(struct vocab *v, const struct word *w, const struct symbol *l, const struct symbol *r)
{
	const unsigned char *p = w->s + l->off;
	const struct str left = {(const char *)p, l->n}, right = {(const char *)p + l->n, r->n};
	struct pair pair = {NO_RANK, NO_ID};
	if (v->runs.first) {
		struct piece_search s = pieces_search(v, p, l->n + r->n);
		while (pieces_next(v, &s)) {
			pair.rank = least(pair.rank, rank_in_run(v, s.id, left, right));
			pair.id = pair.id == NO_ID || s.id > pair.id ? s.id : pair.id;
		}
	}
	if (v->merges.slot)
		pair.rank = least(pair.rank, rank_elsewhere(v, left, right));
	if (!v->runs.first && pair.rank != NO_RANK)
		pair.id = merged_piece(v, pair.rank, left, right);
	return pair;
}
