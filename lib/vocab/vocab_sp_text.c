/*
 * vocab_sp_text.c - text as SentencePiece normalizes it, and its ids; see vocab_impl.h.
 *
 * A text comes whole or in parts: what is certain of it is normalized, and what is certain of that is encoded.
 */
#include <string.h>

#include "unicode/unicode.h"
#include "vocab_impl.h"

void
sp_prepare(struct vocab *v)
{
	struct sp *sp = v->sp;
	size_t n = 0;
	if (v->unigram)
		unigram_prepare(v);
	else {
		pieces_index(v);
		byte_pieces_index(v);
	}
	sp->ahead = 4; /* a character */
	sp->user.list = xcalloc(v->n, sizeof *sp->user.list);
	for (uint32_t id = 0; id < sp->n_model; id++) {
		uint32_t len;
		const unsigned char *p = piece(v, id, &len);
		if (vocab_type(v, id) != PIECE_USER || !len)
			continue;
		sp->user.list[n++] = (struct special){p, len, id};
		sp->ahead = len > sp->ahead ? len : sp->ahead;
	}
	specials_ready(&sp->user, n);
	sp->exact = sp->escape && !sp->remove_extra && !sp->map.n;
	for (size_t i = 0; i < SPM_SPACE_LEN; i++)
		sp->exact &= v->byte_id[(unsigned char)SPM_SPACE[i]] != NO_ID;
	sp->cuts = !v->unigram && sp->escape;
	/* A BPE cuts a text at spaces that are not spelled yet. */
	sp->space = v->unigram && sp->escape ? (struct str){SPM_SPACE, SPM_SPACE_LEN} : (struct str){" ", 1};
	sp->raw = sp->cuts && sp->exact && v->all_bytes;
}

/* What becomes of the beginning of s[0..n), and how many bytes of it that is; *open: more behind it may change that. */
static struct str
normalize_prefix(struct sp *sp, const unsigned char *s, size_t n, size_t *len, bool *open)
{
	const struct special *user = specials_at(&sp->user, s, n);
	struct str to;
	uint32_t cp;
	*open = n < sp->ahead;
	if (user)
		*len = user->n;
	else if ((*len = charsmap_longest(&sp->map, s, n, &to, open)))
		return to;
	else
		*len = utf8_next(s, n, &cp); /* also of a byte that is no UTF-8: it may have a piece of its own */
	return (struct str){(const char *)s, *len};
}

static void
add_spaced(struct vocab *v, struct str t)
{
	struct bytes *text = &v->sp->text;
	const struct str space = v->sp->space;
	text->s = grow(text->s, &text->cap, text->n + SPM_SPACE_LEN * t.n, 1);
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] == ' ') {
			memcpy(text->s + text->n, space.p, space.n);
			text->n += space.n;
		} else if (v->sp->cuts && is_spelled_space((const unsigned char *)t.p + i, t.n - i)) {
			text->s[text->n++] = ' ';
			i += SPM_SPACE_LEN - 1;
		} else
			text->s[text->n++] = (unsigned char)t.p[i];
}

/* Add what becomes of t to the text, which may be its first. */
static void
add_normalized(struct vocab *v, struct str t)
{
	struct sp *sp = v->sp;
	if (!sp->begun) {
		sp->after_space = sp->remove_extra;
		if (sp->remove_extra && t.n == 1 && *t.p == ' ')
			return;
		if (sp->prefix)
			add_spaced(v, (struct str){" ", 1});
		sp->begun = true;
	}
	while (sp->after_space && t.n && *t.p == ' ')
		t = (struct str){t.p + 1, t.n - 1};
	add_spaced(v, t);
	if (t.n)
		sp->after_space = sp->remove_extra && t.p[t.n - 1] == ' ';
}

/* The bytes of the text without spaces at its end, where these may be extra. */
static size_t
without_extra(const struct vocab *v)
{
	const struct bytes *text = &v->sp->text;
	const struct str space = v->sp->space;
	size_t n = text->n;
	while (v->sp->remove_extra && n >= space.n && !memcmp(text->s + n - space.n, space.p, space.n))
		n -= space.n;
	return n;
}

/* s[0..n), its spaces spelled, one in front where `prefix`, in sp->word. */
static const struct bytes *
spelled(struct sp *sp, const unsigned char *s, size_t n, bool prefix)
{
	sp->word.n = 0;
	if (prefix)
		bytes_add(&sp->word, SPM_SPACE, SPM_SPACE_LEN);
	for (size_t i = 0, len; i < n; i += len) {
		const unsigned char *space = sp->escape ? memchr(s + i, ' ', n - i) : NULL;
		len = space ? (size_t)(space - s) - i : n - i;
		bytes_add(&sp->word, s + i, len);
		if (!space)
			break;
		bytes_add(&sp->word, SPM_SPACE, SPM_SPACE_LEN);
		len++;
	}
	return &sp->word;
}

static void
encode_word(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	const struct bytes *word = spelled(v->sp, s, n, false);
	spm_encode_normalized(v, word->s, word->n, out);
}

/* The beginning of s[0..n), which cannot be cut: how many bytes are certain. */
static size_t
word_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	const size_t before = *out->n;
	const struct bytes *word = spelled(v->sp, s, n, prefix);
	size_t i = 0, k = spm_begun_normalized(v, word->s, word->n, out);
	for (k -= k && prefix ? SPM_SPACE_LEN : 0; k; i++)
		k -= v->sp->escape && s[i] == ' ' ? SPM_SPACE_LEN : 1;
	if (prefix && !i)
		*out->n = before;
	return i;
}

/* BPE of a text that is normalized, as far as it can be cut, or all of it. */
static void
encode_words(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	const struct bytes *word;
	if (!n || (v->sp->cuts && cuts_encode(v, s, n, prefix, encode_word, out)))
		return;
	word = spelled(v->sp, s, n, prefix);
	spm_encode_normalized(v, word->s, word->n, out);
}
static size_t
words_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	const size_t cut = cuts_last(v, s, n);
	if (!cut)
		return word_begun(v, s, n, prefix, out);
	encode_words(v, s, cut, prefix, out);
	return cut;
}

/* The end of the text. */
static void
encode_end(struct vocab *v, struct ids *out)
{
	struct sp *sp = v->sp;
	const size_t n = without_extra(v);
	if (v->unigram)
		unigram_end(v, sp->text.s, n, out);
	else
		encode_words(v, sp->text.s, n, false, out);
	unknown_end(v, out);
	sp->text.n = sp->enough = 0;
	sp->begun = false;
}

/* What is certain of it. */
static void
encode_certain(struct vocab *v, struct ids *out)
{
	struct sp *sp = v->sp;
	size_t n = without_extra(v);
	if (v->unigram)
		unigram_feed(v, sp->text.s, n, out);
	else if (sp->text.n < sp->enough)
		return;
	else
		n = words_begun(v, sp->text.s, n, false, out);
	bytes_drop(&sp->text, n);
	sp->enough = worth_another_try(v, sp->text.n);
}

/* Normalize s[0..n), or what is certain if there is more behind; how many bytes of it. */
static size_t
normalize_text(struct vocab *v, const unsigned char *s, size_t n, bool more)
{
	struct sp *sp = v->sp;
	const size_t room = sp->text.n + (n > SIZE_MAX / 512 ? SIZE_MAX / 2 : (1 << 20) + 256 * n);
	size_t i = 0;
	for (size_t len; i < n; i += len) {
		bool open;
		const struct str t = normalize_prefix(sp, s + i, n - i, &len, &open);
		if (more && open)
			break;
		add_normalized(v, t);
		if (sp->text.n > room)
			die("%s: its rules (precompiled_charsmap) make a text grow to more than %zu bytes", v->path, room);
	}
	return i;
}

/* normalize_text(); where all comes back, U+2581 stands between texts. */
static size_t
normalize_texts(struct vocab *v, const unsigned char *s, size_t n, bool more, struct ids *out)
{
	struct sp *sp = v->sp;
	size_t i = 0;
	while (sp->exact) {
		const size_t end = i + next_spelled_space(s + i, n - i);
		if (end == n)
			break;
		normalize_text(v, s + i, end - i, false);
		encode_end(v, out);
		emit_unknown(v, s + end, SPM_SPACE_LEN, out);
		sp->prefix = false;
		i = end + SPM_SPACE_LEN;
	}
	if (more && sp->exact) /* which may begin with the last bytes */
		n = n - i < SPM_SPACE_LEN ? i : n - (SPM_SPACE_LEN - 1);
	return i + normalize_text(v, s + i, n - i, more);
}

/* A text that no rule changes, cut at what only looks like a space. */
static void
encode_raw(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	while (n) {
		const size_t len = next_spelled_space(s, n);
		encode_words(v, s, len, prefix, out);
		if (len == n)
			break;
		emit_unknown(v, s + len, SPM_SPACE_LEN, out);
		prefix = false;
		s += len + SPM_SPACE_LEN;
		n -= len + SPM_SPACE_LEN;
	}
}

/* The same where it goes on: how many bytes are certain. */
static size_t
raw_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	size_t cut = cuts_last(v, s, n);
	for (size_t i = n; i >= SPM_SPACE_LEN && i > cut; i--)
		if (is_spelled_space(s + i - SPM_SPACE_LEN, SPM_SPACE_LEN))
			cut = i;
	if (!cut)
		return word_begun(v, s, n, prefix, out);
	encode_raw(v, s, cut, prefix, out);
	return cut;
}

/* A new text begins. */
static void
forget(struct vocab *v, bool prefix)
{
	struct sp *sp = v->sp;
	sp->prefix = prefix;
	sp->text.n = sp->enough = 0;
	sp->begun = false;
	if (v->unigram)
		unigram_forget(v->unigram);
	unknown_forget(v);
}

size_t
sp_encode_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, bool begun, struct ids *out)
{
	if (v->sp->raw)
		return raw_begun(v, s, n, prefix, out);
	if (!begun)
		forget(v, prefix);
	n = normalize_texts(v, s, n, true, out);
	encode_certain(v, out);
	return n;
}

void
sp_encode(struct vocab *v, const unsigned char *s, size_t n, bool prefix, bool begun, struct ids *out)
{
	if (v->sp->raw) {
		encode_raw(v, s, n, prefix, out);
		return;
	}
	if (!begun)
		forget(v, prefix);
	normalize_texts(v, s, n, false, out);
	encode_end(v, out);
}
