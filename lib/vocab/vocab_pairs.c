/*
 * vocab_pairs.c - what pairs of pieces make, by their ids; see vocab_impl.h.
 *
 * A piece is spelled in one way, so what two of them make depends on their ids alone, and a word whose symbols are all pieces
 * can be merged without a look at its bytes.
 */
#include "unicode/unicode.h"
#include "vocab_hf.h"
#include "vocab_impl.h"

enum { MEMO_BITS = 16, MAY_BITS = 2, FARTHEST = 64 /* from its place a pair may be */ };

void
pairs_make(struct vocab *v)
{
	if (!v->pairs.memo)
		v->pairs.memo = xcalloc((size_t)1 << MEMO_BITS, sizeof *v->pairs.memo);
}

void
pairs_free(struct pairs *p)
{
	xfree(p->memo);
	xfree(p->key);
	xfree(p->rank);
	xfree(p->may);
	xfree(p->made);
	xfree(p->bytes);
	xfree(p->text.s);
}

static uint64_t
key_of(uint32_t left, uint32_t right)
{
	return (uint64_t)(left + 1) << 32 | right;
}

static uint64_t
hash_of(uint64_t key)
{
	key *= 0x9E3779B97F4A7C15;
	return key ^ key << 29;
}

static struct pair_memo *
memo_of(const struct pairs *p, uint32_t left, uint32_t right)
{
	return p->memo + (hash_of(key_of(left, right)) >> (64 - MEMO_BITS));
}

static size_t
place_of(const struct pairs *p, uint64_t hash)
{
	return (size_t)(hash >> p->shift);
}
/* Its bit of `may`, and the number that has it. */
static uint64_t
may_bit(const struct pairs *p, uint64_t hash)
{
	return UINT64_C(1) << (hash >> (p->shift - MAY_BITS) & 63);
}
static uint64_t *
may_of(const struct pairs *p, uint64_t hash)
{
	return p->may + (hash >> (p->shift - MAY_BITS + 6));
}

/* The rank of a pair, all being there. */
static inline uint32_t
rank_of(const struct pairs *p, uint32_t left, uint32_t right)
{
	const uint64_t key = key_of(left, right), hash = hash_of(key);
	if (!(*may_of(p, hash) & may_bit(p, hash)))
		return NO_RANK;
	size_t at = place_of(p, hash);
	while (p->key[at] != key)
		if (!p->key[at++])
			return NO_RANK;
	return p->rank[at];
}

void
pairs_seek(const struct pairs *p, uint32_t left, uint32_t right)
{
	if (p->key)
		prefetch(may_of(p, hash_of(key_of(left, right))));
	else
		prefetch(memo_of(p, left, right));
}

bool
pairs_find(const struct pairs *p, uint32_t left, uint32_t right, struct pair *pair)
{
	if (p->key) {
		pair->rank = rank_of(p, left, right);
		pair->id = pair->rank == NO_RANK ? NO_ID : p->made[pair->rank];
		return true;
	}
	const struct pair_memo *m = memo_of(p, left, right);
	if (m->left != left + 1 || m->right != right + 1)
		return false;
	*pair = m->pair;
	return true;
}

/* The id that a symbol spelled s has, wherever it comes from. */
static uint32_t
symbol_id(struct vocab *v, struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t cp;
	if (v->bpe && !(v->hf && v->hf->spelled) && utf8_next(p, s.n, &cp) == s.n && bpe_byte(cp) >= 0)
		return v->byte_id[bpe_byte(cp)];
	return pieces_find(v, p, s.n);
}

/* Put merge m into its place, if it joins pieces and no merge before it joins the same. False: it is too far from there. */
static bool
add_merge(struct vocab *v, struct pairs *p, uint32_t m)
{
	struct str part[2];
	p->made[m] = NO_ID;
	if (!merge_parts(&v->merge, m, part))
		return true;
	const uint32_t left = symbol_id(v, part[0]), right = symbol_id(v, part[1]);
	if (left == NO_ID || right == NO_ID)
		return true;
	const uint64_t key = key_of(left, right);
	const uint64_t hash = hash_of(key);
	const size_t place = place_of(p, hash);
	size_t at = place;
	while (p->key[at] && p->key[at] != key)
		if (++at == place + FARTHEST)
			return false;
	if (p->key[at])
		return true;
	p->key[at] = key;
	p->rank[at] = m;
	*may_of(p, hash) |= may_bit(p, hash);
	p->made[m] = merged_piece(v, m, part[0], part[1]);
	return true;
}

static void
add_bytes(const struct vocab *v, struct pairs *p)
{
	p->bytes = xreallocarray(NULL, 256 * 256, sizeof *p->bytes);
	for (size_t a = 0; a < 256; a++)
		for (size_t b = 0; b < 256; b++)
			p->bytes[a * 256 + b] = v->byte_id[a] == NO_ID || v->byte_id[b] == NO_ID ? NO_RANK : rank_of(p, v->byte_id[a], v->byte_id[b]);
}

/* All that the list of merges has. Where a file is made so that they collide, there will be none but those looked up. */
static void
take_all(struct vocab *v)
{
	struct pairs *p = &v->pairs, all = *p;
	unsigned bits = 8;
	while (v->merge.n > (size_t)1 << (bits - 1))
		bits++;
	all.shift = 64 - bits;
	all.key = xcalloc(((size_t)1 << bits) + FARTHEST, sizeof *all.key);
	all.rank = xreallocarray(NULL, ((size_t)1 << bits) + FARTHEST, sizeof *all.rank);
	all.may = xcalloc((size_t)1 << (bits + MAY_BITS - 6), sizeof *all.may);
	all.made = xreallocarray(NULL, v->merge.n, sizeof *all.made);
	bool there = true;
	for (uint32_t m = 0; there && m < v->merge.n; m++)
		there = add_merge(v, &all, m);
	if (there && v->bpe)
		add_bytes(v, &all);
	all.text = p->text;
	if (there)
		*p = all;
	else {
		xfree(all.key);
		xfree(all.rank);
		xfree(all.may);
		xfree(all.made);
	}
}

void
pairs_note(struct vocab *v, uint32_t left, uint32_t right, struct pair pair)
{
	*memo_of(&v->pairs, left, right) = (struct pair_memo){left + 1, right + 1, pair};
	if (++v->pairs.asked == v->merge.n / 2)
		take_all(v);
}

/* The pieces of a short word: in key the rank of each with the next, and its place; NONE: it makes nothing, or is no more. */
struct few {
	uint32_t *id;
	uint32_t key[FEW];
	uint8_t next[FEW + 1], prev[FEW + 1];
};
#define NONE UINT32_MAX

static size_t
few_put(const struct few *f, size_t n)
{
	size_t left = 0;
	for (size_t i = 0; i < n; i = f->next[i])
		f->id[left++] = f->id[i];
	return left;
}

static inline uint32_t
few_key(uint32_t rank, size_t i)
{
	return rank == NO_RANK ? NONE : rank * FEW + (uint32_t)i;
}

/* All pairs being there. */
static size_t
few_merge(const struct pairs *p, struct few *f, size_t n)
{
	for (;;) {
		uint32_t least = NONE;
		for (size_t i = 0; i < n; i++)
			least = f->key[i] < least ? f->key[i] : least;
		if (least == NONE)
			return few_put(f, n);
		const size_t at = least % FEW, gone = f->next[at], next = f->next[gone], prev = f->prev[at];
		const uint32_t id = p->made[least / FEW];
		if (id == NO_ID)
			return 0;
		f->id[at] = id;
		f->next[at] = (uint8_t)next;
		f->prev[next] = (uint8_t)at;
		f->key[gone] = NONE;
		f->key[at] = next < n ? few_key(rank_of(p, id, f->id[next]), at) : NONE;
		if (at)
			f->key[prev] = few_key(rank_of(p, f->id[prev], id), prev);
	}
}

size_t
merge_few(const struct pairs *p, const unsigned char *s, uint32_t *id, size_t n)
{
	struct few f;
	f.id = id;
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		f.next[i] = (uint8_t)(i + 1);
		f.prev[i + 1] = (uint8_t)i;
	}
	f.key[n - 1] = NONE;
	if (s && p->bytes)
		for (size_t i = 0; i + 1 < n; i++)
			f.key[i] = few_key(p->bytes[s[i] * 256 + s[i + 1]], i);
	else {
		for (size_t i = 0; i + 1 < n; i++)
			pairs_seek(p, id[i], id[i + 1]);
		for (size_t i = 0; i + 1 < n; i++)
			f.key[i] = few_key(rank_of(p, id[i], id[i + 1]), i);
	}
	return few_merge(p, &f, n);
}
