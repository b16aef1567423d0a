/*
 * vocab_spm.c - SentencePiece's BPE: of all neighbours that together are a piece,
 * the pair whose piece has the highest score is merged first.
 *
 * A character that no piece holds is spelled in byte pieces (<0xE2>), without
 * which it is the unknown piece. Spaces are U+2581 in the pieces of a GGUF file,
 * so text that holds U+2581 itself is spelled in byte pieces, too: SentencePiece
 * and llama.cpp give it the ids of a space, from which it would not come back.
 * A tokenizer.bin of llama2.c, whose pieces hold real spaces, has no such double
 * meaning.
 */
#include <string.h>

#include "unicode/unicode.h"
#include "vocab_impl.h"

static uint32_t
score_rank(const struct vocab *v, uint32_t id)
{
	const unsigned char *p = v->scores ? v->scores + 4 * (size_t)id : span_at(v->text, v->at[id]) - 8;
	float f = lef32(p) + 0.0f; /* -0 is 0 */
	uint32_t u;
	if (f != f)
		return NO_RANK - 1; /* not a number: last */
	memcpy(&u, &f, sizeof u);
	/* The order of floats is that of their bits, reversed below zero. */
	return u >> 31 ? u : ~(u | 0x80000000u);
}

static struct pair
spm_pair(struct vocab *v, const struct word *w, const struct symbol *l, const struct symbol *r)
{
	const struct pair none = {NO_RANK, NO_ID};
	size_t n = (size_t)l->n + r->n;
	if (n > v->max_piece)
		return none;
	const unsigned char *p = w->s + l->off;
	uint32_t id = pieces_find(v, p, n);
	return id == NO_ID ? none : (struct pair){score_rank(v, id), id};
}

/* Add what spells a character to the word. */
static void
add_char(struct vocab *v, const void *p, size_t n)
{
	word_bytes(&v->word, p, n);
	word_add(&v->word, n, pieces_char(v, p, n));
}

/* How a space is spelled in the pieces. */
static const char *
space(const struct vocab *v, size_t *n)
{
	*n = v->llama2c ? 1 : SPM_SPACE_LEN;
	return v->llama2c ? " " : SPM_SPACE;
}

void
spm_prepare(struct vocab *v)
{
	if (!v->pieces.slot)
		pieces_index(v);
	byte_pieces_index(v);
	for (unsigned b = 0; b < 256; b++) {
		unsigned char c = (unsigned char)b;
		if (v->byte_id[b] == NO_ID)
			v->byte_id[b] = pieces_find(v, &c, 1);
	}
}

static void
emit_byte(struct vocab *v, unsigned char byte, struct ids *out)
{
	if (v->byte_id[byte] != NO_ID)
		emit(out, v->byte_id[byte]);
	else if (v->unk >= 0)
		emit(out, (uint32_t)v->unk);
}

static void
put_symbol(struct vocab *v, const unsigned char *p, const struct symbol *sym, struct ids *out)
{
	if (v->sp && sym->id == NO_ID) {
		unknown_add(v, p, sym->n, out);
		return;
	}
	if (v->sp)
		unknown_end(v, out);
	if (sym->id != NO_ID)
		emit(out, sym->id);
	else if (!v->llama2c && sym->n == SPM_SPACE_LEN && !memcmp(p, SPM_SPACE, SPM_SPACE_LEN))
		emit_byte(v, ' ', out);
	else
		for (uint32_t k = 0; k < sym->n; k++)
			emit_byte(v, p[k], out);
}

static const struct word_kind kind = {pieces_char, spm_pair, put_symbol};

static void
encode_word(struct vocab *v, struct ids *out)
{
	word_encode(v, &kind, out);
	word_clear(&v->word);
}

/* Text that is spelled like a space and is none; without byte pieces it is taken for one. */
static bool
not_a_space(const struct vocab *v, uint32_t cp)
{
	if (cp != 0x2581 || v->llama2c)
		return false;
	for (size_t i = 0; i < SPM_SPACE_LEN; i++)
		if (v->byte_id[(unsigned char)SPM_SPACE[i]] == NO_ID)
			return false;
	return true;
}

static void
encode_text(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	struct word *w = &v->word;
	size_t sp_len;
	const char *sp = space(v, &sp_len);
	word_clear(w);
	if (prefix)
		add_char(v, sp, sp_len);
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		if (not_a_space(v, cp)) {
			encode_word(v, out);
			for (size_t k = 0; k < len; k++)
				emit_byte(v, s[i + k], out);
			continue;
		}
		if (cp == ' ' || (cp == 0x2581 && !v->llama2c))
			add_char(v, sp, sp_len);
		else
			add_char(v, s + i, len);
	}
	encode_word(v, out);
}

static void
encode_cut(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	encode_text(v, s, n, false, out);
}

void
spm_encode(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	if (!cuts_encode(v, s, n, prefix, encode_cut, out))
		encode_text(v, s, n, prefix, out);
}

/* How many bytes of the text s are spelled in n bytes, a space of its own in front where `prefix`. */
static size_t
unspelled(const struct vocab *v, const unsigned char *s, size_t n, bool prefix)
{
	size_t i = 0, len, sp_len;
	space(v, &sp_len);
	n -= prefix && n ? sp_len : 0;
	for (; n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, 4, &cp);
		n -= cp == ' ' ? sp_len : len;
	}
	return i;
}

struct taken
spm_encode_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	struct word *w = &v->word;
	const size_t cut = cuts_last(v, s, n);
	size_t sp_len;
	const char *sp = space(v, &sp_len);
	if (cut) {
		spm_encode(v, s, cut, prefix, out);
		return (struct taken){.n = cut};
	}
	word_clear(w);
	if (prefix)
		add_char(v, sp, sp_len);
	for (size_t i = 0, len; n - i >= 4; i += len) { /* where characters are whole */
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		if (not_a_space(v, cp))
			return (struct taken){0};
		if (cp == ' ')
			add_char(v, sp, sp_len);
		else
			add_char(v, s + i, len);
	}
	const size_t before = *out->n, taken = unspelled(v, s, word_encode_begun(v, &kind, out), prefix);
	word_clear(w);
	if (!taken) /* but the space in front */
		*out->n = before;
	return (struct taken){.n = taken};
}

/* A word, of which unknown characters at the end may be one with those behind it. */
static void
encode_normalized(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	struct word *w = &v->word;
	word_clear(w);
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		word_bytes(w, s + i, len);
		if (v->all_bytes)
			word_add(w, len, pieces_char(v, s + i, len));
		else /* what was put cannot be taken back: all in one go */
			word_symbol(w, len, pieces_char(v, s + i, len));
	}
	encode_word(v, out);
}

/* As SentencePiece has it: user-defined pieces do not merge. The next one, at s[*at], or NULL. */
static const struct special *
next_user(struct vocab *v, const unsigned char *s, size_t n, size_t *at)
{
	struct specials *user = &v->sp->user;
	const struct special *found = NULL;
	uint32_t cp;
	for (*at = 0; *at < n; *at += utf8_next(s + *at, n - *at, &cp))
		if (user->first[s[*at]] < user->first[s[*at] + 1] && (found = specials_at(user, s + *at, n - *at)))
			break;
	return found;
}

void
spm_encode_normalized(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	const struct special *user;
	size_t at;
	while ((user = next_user(v, s, n, &at))) {
		encode_normalized(v, s, at, out);
		unknown_end(v, out);
		emit(out, user->id);
		s += at + user->n;
		n -= at + user->n;
	}
	encode_normalized(v, s, n, out);
}

size_t
spm_begun_normalized(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	const size_t ahead = v->sp->ahead;
	const struct special *user;
	size_t end = 0, at, i = 0;
	uint32_t cp;
	while ((user = next_user(v, s + end, n - end, &at)) && n - end - at >= ahead)
		end += at + user->n;
	if (end)
		spm_encode_normalized(v, s, end, out);
	if (end)
		return end;
	word_clear(&v->word);
	for (size_t len; n - i >= ahead; i += len) {
		len = utf8_next(s + i, n - i, &cp);
		if (!v->all_bytes && pieces_char(v, s + i, len) == NO_ID)
			return 0; /* it may be one with those beside it */
		add_char(v, s + i, len);
	}
	if (i)
		unknown_end(v, out);
	end = word_encode_begun(v, &kind, out);
	word_clear(&v->word);
	return end;
}
