/*
 * vocab_bpe.c - byte-level BPE, as GPT-2 has it: text is cut into words by the
 * pre-tokenizer, each byte of a word is a symbol, and of all neighbours that the
 * list of merges has, the pair that stands first in it is merged first.
 *
 * Pieces and merges are spelled in characters that stand for bytes (bpe_char).
 */
#include <string.h>

#include "unicode.h"
#include "vocab_impl.h"

uint32_t
bpe_char(unsigned b)
{
	/* Bytes that are printable in Latin-1 stand for themselves; the others are
	 * counted from U+0100: 0-32, 127-160, 173. */
	if ((b >= 33 && b <= 126) || (b >= 161 && b != 173))
		return b;
	return 256 + (b <= 32 ? b : b <= 160 ? b - 127 + 33 : 67);
}

int
bpe_byte(uint32_t cp)
{
	if (cp < 256)
		return bpe_char(cp) == cp ? (int)cp : -1;
	if (cp > 256 + 67)
		return -1;
	cp -= 256;
	return cp <= 32 ? (int)cp : cp < 67 ? (int)(cp - 33 + 127) : 173;
}

bool
bpe_plain(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 128 || bpe_char(p[i]) != p[i])
			return false;
	return true;
}

static uint32_t
pair_hash(uint32_t left, uint32_t right)
{
	uint64_t h = ((uint64_t)left << 32 | right) * 0x9E3779B97F4A7C15;
	h = (h ^ h >> 32) * 0x9E3779B97F4A7C15;
	return (uint32_t)(h >> 32);
}

/* The place in the table of a pair: its slot, or the free one where it belongs. */
static uint32_t
merge_slot(const struct vocab *v, uint32_t hash, const unsigned char *l, size_t ln,
	const unsigned char *r, size_t rn, uint64_t *probes)
{
	const struct table *t = &v->merges;
	uint32_t i = hash & t->mask;
	for (; t->slot[i]; i = (i + 1) & t->mask) {
		if (slot_may_be(t->slot[i], hash)) {
			const unsigned char *p = v->merge_base + v->merge_off[slot_index(t->slot[i])];
			if (le64(p - 8) == ln + 1 + rn && !memcmp(p, l, ln) && p[ln] == ' ' &&
				!memcmp(p + ln + 1, r, rn))
				break;
		}
		if (probes && !(*probes)--)
			die("%s: the vocabulary's merges are made to collide", v->path);
	}
	return i;
}

/* Whether piece id is ordinary text, spelled l and then r. */
static bool
piece_is(const struct vocab *v, uint32_t id, const unsigned char *l, size_t ln,
	const unsigned char *r, size_t rn)
{
	uint32_t n;
	const unsigned char *p = piece(v, id, &n);
	return n == ln + rn && !memcmp(p, l, ln) && !memcmp(p + ln, r, rn) &&
		vocab_type(v, id) == PIECE_NORMAL;
}

/* Index the merges, which are read from the map where they are needed. One that
 * is there already, or has no two parts, is no merge. */
static void
merges_index(struct vocab *v)
{
	const struct gguf_kv *kv = &v->merge_list;
	if (kv->n > VOCAB_MAX || kv->bytes > UINT32_MAX)
		die("%s: %zu merges, %zu bytes are too many", v->path, kv->n, kv->bytes);
	table_init(&v->merges, kv->n);
	v->merge_base = kv->data;
	v->merge_first = NO_ID;
	v->merge_off = xreallocarray(NULL, kv->n, sizeof *v->merge_off);
	const unsigned char *p = kv->data;
	for (uint32_t m = 0; m < kv->n; m++) {
		struct str s = gguf_next_str(&p);
		const unsigned char *l = (const unsigned char *)s.p;
		const unsigned char *gap = s.n > 1 ? memchr(l + 1, ' ', s.n - 1) : NULL;
		v->merge_off[m] = (uint32_t)(l - v->merge_base);
		if (!gap || gap + 1 == l + s.n)
			continue;
		size_t ln = (size_t)(gap - l), rn = s.n - ln - 1;
		uint32_t hash = pair_hash(hash_bytes(l, ln), hash_bytes(gap + 1, rn));
		uint32_t i = merge_slot(v, hash, l, ln, gap + 1, rn, &v->merges.probes);
		if (!v->merges.slot[i])
			v->merges.slot[i] = slot_of(hash, m);
		for (uint32_t id = 0; m == 0 && id < v->n && v->merge_first == NO_ID; id++)
			if (piece_is(v, id, l, ln, gap + 1, rn))
				v->merge_first = id;
	}
}

/*
 * The piece that merge m makes of s[0..n), or NO_ID. Most vocabularies number the pieces in the
 * order of the merges that make them: then a look where it should be spares the
 * index of all pieces, which is half of what the first text of a program costs.
 */
static uint32_t
merged_piece(struct vocab *v, uint32_t m, const unsigned char *s, size_t n)
{
	if (!v->pieces.slot && v->merge_first != NO_ID && m < v->n - v->merge_first &&
		piece_is(v, v->merge_first + m, s, n, s, 0))
		return v->merge_first + m;
	if (!v->pieces.slot)
		pieces_index(v);
	return pieces_find(v, s, n, hash_bytes(s, n));
}

struct pair
bpe_pair(struct vocab *v, const struct word *w, const struct symbol *l, const struct symbol *r)
{
	const unsigned char *s = w->s + l->off, *t = w->s + r->off;
	const uint32_t hash = pair_hash(hash_bytes(s, l->n), hash_bytes(t, r->n));
	const uint32_t slot = v->merges.slot[merge_slot(v, hash, s, l->n, t, r->n, NULL)];
	if (!slot)
		return (struct pair){NO_RANK, NO_ID};
	return (struct pair){slot_index(slot), merged_piece(v, slot_index(slot), s, (size_t)l->n + r->n)};
}

/* The pieces of single bytes. */
static void
bytes_index(struct vocab *v)
{
	memset(v->byte_id, 0xFF, sizeof v->byte_id);
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t n, cp;
		const unsigned char *p = piece(v, id, &n);
		if (n == 0 || n > 2 || utf8_next(p, n, &cp) != n || bpe_byte(cp) < 0)
			continue;
		enum piece_type type = vocab_type(v, id);
		if (type == PIECE_NORMAL || type == PIECE_UNUSED || (type == PIECE_USER && bpe_plain(p, n)))
			v->byte_id[bpe_byte(cp)] = id;
	}
}

void
bpe_prepare(struct vocab *v)
{
	merges_index(v);
	if (v->bpe)
		bytes_index(v);
}

/* Some vocabularies lack pieces for bytes that are rare in text. The models' own
 * tokenizers leave such bytes out, as if they had not been there. */
static void
lost_byte(struct vocab *v, unsigned byte)
{
	if (!v->warned)
		warn("%s: the vocabulary has no piece for byte 0x%02X: left out", v->path, byte);
	v->warned = true;
}

/* A symbol that is no piece, byte by byte: merges of a file that contradicts itself. */
static void
emit_bytes(struct vocab *v, const unsigned char *p, size_t n, struct ids *out)
{
	while (n) {
		uint32_t cp;
		size_t len = utf8_next(p, n, &cp);
		emit(out, v->byte_id[bpe_byte(cp)]);
		p += len;
		n -= len;
	}
}

void
bpe_word(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	struct word *w = &v->word;
	bool whole = v->ignore_merges;
	word_clear(w);
	for (size_t i = 0; i < n; i++) {
		if (v->byte_id[s[i]] == NO_ID) {
			lost_byte(v, s[i]);
			whole = false;
			continue;
		}
		unsigned char c[4];
		size_t len = utf8_put(c, bpe_char(s[i]));
		word_bytes(w, c, len);
		word_symbol(w, len, v->byte_id[s[i]]);
	}
	if (whole) {
		if (!v->pieces.slot)
			pieces_index(v);
		uint32_t id = pieces_find(v, w->s, w->len, hash_bytes(w->s, w->len));
		if (id != NO_ID) {
			emit(out, id);
			return;
		}
	}
	word_merge(v, w, bpe_pair);
	for (size_t i = 0; i < w->n_sym; i++) {
		const struct symbol *sym = &w->sym[i];
		if (!sym->n)
			continue;
		if (sym->id != NO_ID)
			emit(out, sym->id);
		else
			emit_bytes(v, w->s + sym->off, sym->n, out);
	}
}

/* Lines are short, and words are found faster where a few bytes behind the text can be read. */
void
bpe_encode(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	enum { SHORT = 1024 };
	unsigned char line[SHORT + PRETOK_PAD];
	struct word_queue q;
	const bool padded = n <= SHORT;
	if (padded) {
		memcpy(line, s, n);
		memset(line + n, 0, PRETOK_PAD);
		s = line;
	}
	words_begin(&q, bpe_word);
	while (n) {
		size_t len = pretok_next(v->pretok, &v->cut, s, n, padded);
		words_add(v, &q, s, len, padded || n >= PRETOK_PAD, out);
		s += len;
		n -= len;
	}
	words_flush(v, &q, out);
}
