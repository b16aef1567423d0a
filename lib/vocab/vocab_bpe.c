/*
 * vocab_bpe.c - byte-level BPE, as GPT-2 has it: text is cut into words by the
 * pre-tokenizer, each byte of a word is a symbol, and of all neighbours that the
 * list of merges has, the pair that stands first in it is merged first.
 *
 * Pieces and merges are spelled in characters that stand for bytes (bpe_char).
 */
#include <string.h>

#include "unicode/unicode.h"
#include "vocab_hf.h"
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

/* The pieces of single bytes. */
static void
bytes_index(struct vocab *v)
{
	const unsigned char *next = NULL;
	memset(v->byte_id, 0xFF, sizeof v->byte_id);
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t n, cp;
		const unsigned char *p = next_piece(v, id, &next, &n);
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
	merges_prepare(v);
	if (v->bpe)
		bytes_index(v);
	if (v->pretok && v->pretok->regex[0])
		v->steps = hf_from_pretok(v->pretok, v->path);
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

static uint32_t
char_id(struct vocab *v, const unsigned char *p, size_t n)
{
	uint32_t cp;
	utf8_next(p, n, &cp);
	return v->byte_id[bpe_byte(cp)];
}

static void
put_symbol(struct vocab *v, const unsigned char *p, const struct symbol *sym, struct ids *out)
{
	if (sym->id != NO_ID)
		emit(out, sym->id);
	else
		emit_bytes(v, p, sym->n, out);
}

/* A word that is a piece, taken whole. */
static bool
put_whole(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	const uint32_t id = pieces_find(v, s, n);
	if (id != NO_ID)
		emit(out, id);
	return id != NO_ID;
}

/* A short word, by the ids of its bytes. False: it takes the long way. */
static bool
short_word(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	uint32_t id[FEW];
	unsigned char spelled[2 * FEW];
	size_t len = 0;
	if (n > FEW || !v->pairs.key)
		return false;
	for (size_t i = 0; i < n; i++) {
		id[i] = v->byte_id[s[i]];
		if (id[i] == NO_ID)
			return false;
	}
	for (size_t i = 0; i < n && v->ignore_merges; i++)
		len += utf8_put(spelled + len, bpe_char(s[i]));
	if (v->ignore_merges && put_whole(v, spelled, len, out))
		return true;
	n = merge_few(&v->pairs, s, id, n);
	for (size_t i = 0; i < n; i++)
		emit(out, id[i]);
	return n;
}

static const struct word_kind kind = {char_id, merges_pair, put_symbol};

/* The bytes of a word, as pieces spell them, in v->word; false: some have no piece and are left out. */
static bool
gather(struct vocab *v, const unsigned char *s, size_t n)
{
	struct word *w = &v->word;
	bool all = true;
	word_clear(w);
	for (size_t i = 0; i < n; i++) {
		if (v->byte_id[s[i]] == NO_ID) {
			lost_byte(v, s[i]);
			all = false;
			continue;
		}
		unsigned char c[4];
		size_t len = utf8_put(c, bpe_char(s[i]));
		word_bytes(w, c, len);
		word_add(w, len, v->byte_id[s[i]]);
	}
	return all;
}

void
bpe_word(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	if (short_word(v, s, n, out))
		return;
	const bool all = gather(v, s, n);
	if (!all || !v->ignore_merges || !put_whole(v, v->word.s, v->word.len, out))
		word_encode(v, &kind, out);
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

/* The words of s[0..n) up to the place `to`, where one begins. */
static void
encode_to(struct vocab *v, const unsigned char *s, size_t to, size_t n, size_t context, struct ids *out)
{
	struct word_queue q;
	size_t i = context ? pretok_next(v->pretok, &v->cut, s, n, false) : 0;
	if (i > context)
		bpe_word_rest(v, s + context, i - context, out);
	words_begin(&q, bpe_word);
	for (size_t len; i < to; i += len) {
		len = pretok_next(v->pretok, &v->cut, s + i, n - i, false);
		words_add(v, &q, s + i, len, n - i >= PRETOK_PAD, out);
	}
	words_flush(v, &q, out);
}

void
bpe_encode_rest(struct vocab *v, const unsigned char *s, size_t n, size_t context, struct ids *out)
{
	if (context)
		encode_to(v, s, n, n, context, out);
	else
		bpe_encode(v, s, n, out);
}

size_t
bpe_word_begun(struct vocab *v, const unsigned char *s, size_t n, bool inside, struct ids *out)
{
	if (v->ignore_merges && !v->pieces.slot)
		pieces_index(v);
	if (v->ignore_merges && !inside && n <= v->max_piece) /* perhaps it is a piece */
		return 0;
	gather(v, s, n);
	size_t spelled = word_encode_begun(v, &kind, out), i = 0;
	for (unsigned char c[4]; spelled; i++)
		if (v->byte_id[s[i]] != NO_ID)
			spelled -= utf8_put(c, bpe_char(s[i]));
	return i;
}

void
bpe_word_rest(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	gather(v, s, n);
	word_encode(v, &kind, out);
}

struct taken
bpe_encode_begun(struct vocab *v, const unsigned char *s, size_t n, size_t context, struct ids *out)
{
	const struct pretok_end e = pretok_end(v->pretok, &v->cut, s, n);
	const size_t before = *out->n, begin = context > e.word ? context : e.word;
	if (e.cut > context) {
		bpe_encode_rest(v, s, e.cut, context, out);
		return (struct taken){.n = e.cut};
	}
	if (e.cut || !e.head)
		return (struct taken){0};
	if (context < e.word) {
		encode_to(v, s, e.word, n, context, out);
		v->cut = (struct pretok_state){{0}};
	}
	size_t end = begin + bpe_word_begun(v, s + begin, n - begin, false, out), at = end;
	while (at > begin && end - at < 3 && (s[at] & 0xC0) == 0x80) /* a character stays whole */
		at--;
	if (end - begin > 3 && at >= e.word + e.head)
		return (struct taken){.n = at, .head = e.word, .n_head = e.head, .context = e.head + end - at};
	*out->n = before;
	return (struct taken){0};
}
