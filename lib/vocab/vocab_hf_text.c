/* vocab_hf_text.c - normalize text and cut it into words as tokenizer.json says; see vocab_hf.h. */
#include "vocab_hf.h"

#include "unicode/grapheme.h"
#include "unicode/unicode.h"

#include <string.h>

/* The next match behind m[1]; literals are not empty. */
static bool
next_match(const struct hf_step *step, const unsigned char *s, size_t n, size_t m[2])
{
	const struct str t = step->literal;
	if (step->regex)
		return regex_next(step->regex, m);
	for (size_t i = m[1]; t.n <= n && i <= n - t.n; i++) {
		const unsigned char *p = memchr(s + i, t.p[0], n - t.n - i + 1);
		if (!p)
			return false;
		i = (size_t)(p - s);
		if (!memcmp(p, t.p, t.n)) {
			m[0] = i;
			m[1] = i + t.n;
			return true;
		}
	}
	return false;
}

static void
part(struct hf *h, size_t begin, size_t end, bool match)
{
	h->parts = grow(h->parts, &h->parts_cap, h->n_parts + 1, sizeof *h->parts);
	h->parts[h->n_parts++] = (struct hf_part){begin, end, match};
}

/* s[0..n) as parts that match and parts that do not, in h->parts; a match may be empty. */
static void
matches(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n)
{
	size_t m[2] = {0, 0}, last = 0;
	h->n_parts = 0;
	if (step->regex)
		regex_begin(step->regex, s, n);
	while (n && next_match(step, s, n, m)) {
		if (last != m[0])
			part(h, last, m[0], step->invert);
		part(h, m[0], m[1], !step->invert);
		last = m[1];
	}
	if (last != n)
		part(h, last, n, step->invert);
}

/* Normalizing. */

static bool
blank(uint32_t cp)
{
	return unicode_cat(cp) == U_SPACE;
}

static void
strip(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n, struct bytes *out)
{
	size_t begin = 0, end, len;
	uint32_t cp;
	while (step->left && begin < n && (len = utf8_next(s + begin, n - begin, &cp), blank(cp)))
		begin += len;
	end = step->right ? begin : n;
	for (size_t i = begin; step->right && i < n; i += len) {
		len = utf8_next(s + i, n - i, &cp);
		if (!blank(cp))
			end = i + len;
	}
	h->front &= begin == 0;
	bytes_add(out, s + begin, end - begin);
}

/* Rules that make texts grow without end are no model's. */
static void
check_room(const struct hf *h, const struct bytes *out)
{
	if (out->n > h->room)
		die("%s: its normalizers or pre-tokenizers make a text grow to more than %zu bytes", h->path, h->room);
}

static void
replace(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n, struct bytes *out)
{
	matches(h, step, s, n);
	for (size_t i = 0; i < h->n_parts; i++) {
		const struct hf_part *p = h->parts + i;
		uint32_t cp;
		if (!p->match)
			bytes_add(out, s + p->begin, p->end - p->begin);
		else
			bytes_add(out, step->text.p, step->text.n);
		check_room(h, out);
		/* what comes in place of several characters counts as standing at the last of them */
		if (p->match && !p->begin && p->end)
			h->front &= step->text.n && utf8_next(s, n, &cp) == p->end;
	}
}

static void
strip_accents(struct hf *h, const unsigned char *s, size_t n, struct bytes *out)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		if (!is_mark(cp))
			bytes_add(out, s + i, len);
		else if (i == 0)
			h->front = false;
	}
}

/*
 * As the library does it, not as SentencePiece does: a cluster of less than 6 bytes is looked up
 * as a whole, and what replaces its shortest prefix replaces all of it; others are looked up
 * character by character.
 */
static void
map_chars(struct hf *h, const struct charsmap *c, const unsigned char *s, size_t n, struct bytes *out)
{
	struct str to;
	for (size_t i = 0, len; i < n; i += len) {
		check_room(h, out);
		len = grapheme_next(s + i, n - i);
		if (len < 6 && charsmap_shortest(c, s + i, len, &to)) {
			bytes_add(out, to.p, to.n);
			continue;
		}
		for (size_t k = i, char_len; k < i + len; k += char_len) {
			uint32_t cp;
			char_len = utf8_next(s + k, i + len - k, &cp);
			if (charsmap_shortest(c, s + k, char_len, &to))
				bytes_add(out, to.p, to.n);
			else
				bytes_add(out, s + k, char_len);
		}
	}
}

/* What the machine translation models of Google left out and took for spaces. */
static void
nmt(const unsigned char *s, size_t n, struct bytes *out)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		if (cp == 9 || cp == 10 || cp == 12 || cp == 13 || cp == 0x1680 || (cp >= 0x200B && cp <= 0x200F) ||
			cp == 0x2028 || cp == 0x2029 || cp == 0x2581 || cp == 0xFEFF || (cp == 0xFFFD && len == 3))
			bytes_add(out, " ", 1);
		else if ((cp && cp < 0x20) || cp == 0x7F || cp == 0x8F || cp == 0x9F)
			continue;
		else
			bytes_add(out, s + i, len);
	}
}

/* Bytes become the characters that stand for them. */
static void
spell(const unsigned char *s, size_t n, struct bytes *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c[4];
		bytes_add(out, c, utf8_put(c, bpe_char(s[i])));
	}
}

static void
normalize_step(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n, struct bytes *out)
{
	switch (step->kind) {
	case HF_PREPEND:
		if (n)
			bytes_add(out, step->text.p, step->text.n);
		bytes_add(out, s, n);
		break;
	case HF_REPLACE:
		replace(h, step, s, n, out);
		break;
	case HF_STRIP:
		strip(h, step, s, n, out);
		break;
	case HF_LOWERCASE:
		lowercase(s, n, out);
		break;
	case HF_STRIP_ACCENTS:
		strip_accents(h, s, n, out);
		break;
	case HF_CHARSMAP:
		map_chars(h, &step->charsmap, s, n, out);
		break;
	case HF_NMT:
		nmt(s, n, out);
		break;
	case HF_SPELL:
		spell(s, n, out);
		break;
	default:
		normalize(s, n, step->kind == HF_NFKC || step->kind == HF_NFKD,
			step->kind == HF_NFC || step->kind == HF_NFKC, out);
	}
}

const unsigned char *
hf_normalize(struct hf *h, const unsigned char *s, size_t *n)
{
	h->front = true;
	h->room = *n > SIZE_MAX / 512 ? SIZE_MAX : (1 << 20) + 256 * *n;
	for (size_t i = 0; i < h->n_normalizers; i++) {
		if (h->normalizers[i].kind <= HF_NFKD && all_ascii(s, *n))
			continue;
		struct bytes *out = h->text + (s == h->text[0].s);
		out->n = 0;
		normalize_step(h, h->normalizers + i, s, *n, out);
		check_room(h, out);
		s = out->s;
		*n = out->n;
	}
	return s;
}

/* Words. */

void
hf_compile(struct hf *h)
{
	for (size_t i = 0; i < h->n_pre; i++)
		if (h->pre[i].pattern.p && !h->pre[i].regex)
			h->pre[i].regex = regex_new(h->path, h->pre[i].pattern);
	h->known_words = false;
}

static void
word(struct hf *h, size_t begin, size_t end)
{
	if (begin == end)
		return;
	h->words = grow(h->words, &h->words_cap, h->n_words + 1, sizeof *h->words);
	h->words[h->n_words++] = (struct hf_part){begin, end, false};
}

/* The parts as words, moved by `base`. */
static void
cut(struct hf *h, enum hf_behavior behavior, size_t base)
{
	const struct hf_part *p = h->parts;
	const size_t n = h->n_parts;
	for (size_t i = 0, k; i < n; i = k) {
		k = i + 1;
		if (behavior == HF_REMOVED && p[i].match)
			continue;
		if (behavior == HF_CONTIGUOUS)
			while (k < n && p[k].match == p[i].match)
				k++;
		else if (behavior == HF_WITH_PREVIOUS && !p[i].match && k < n)
			k += p[k].match;
		else if (behavior == HF_WITH_NEXT && p[i].match && k < n)
			k += !p[k].match;
		word(h, base + p[i].begin, base + p[k - 1].end);
	}
}

static bool
begins_with(const unsigned char *s, size_t n, struct str t)
{
	return n >= t.n && !memcmp(s, t.p, t.n);
}

/* Do a step that changes the text, word by word, into the other buffer. */
static const unsigned char *
rewrite(struct hf *h, const struct hf_step *step, const unsigned char *s, bool first)
{
	struct bytes *out = h->text + (s == h->text[0].s);
	const bool spaces = step->kind == HF_METASPACE;
	out->n = 0;
	for (size_t i = 0; i < h->n_words; i++) {
		struct hf_part *w = h->words + i;
		const size_t begin = out->n;
		struct str front = spaces ? step->text : (struct str){" ", 1};
		bool there = begins_with(s + w->begin, w->end - w->begin, front) || (spaces && s[w->begin] == ' ');
		if (!there && (step->prefix == HF_ALWAYS || (step->prefix == HF_FIRST && first && w->begin == 0)))
			bytes_add(out, front.p, front.n);
		for (size_t k = w->begin, next; k < w->end; k = next) {
			const unsigned char *p = spaces ? memchr(s + k, ' ', w->end - k) : NULL;
			next = p ? (size_t)(p - s) + 1 : w->end;
			bytes_add(out, s + k, next - k - (p != NULL));
			if (p)
				bytes_add(out, step->text.p, step->text.n);
			check_room(h, out);
		}
		*w = (struct hf_part){begin, out->n, false};
	}
	return out->s;
}

/* The words, spelled in the characters that stand for their bytes. */
static const unsigned char *
spell_words(struct hf *h, const unsigned char *s)
{
	struct bytes *out = h->text + (s == h->text[0].s);
	out->n = 0;
	for (size_t i = 0; i < h->n_words; i++) {
		struct hf_part *w = h->words + i;
		const size_t begin = out->n;
		spell(s + w->begin, w->end - w->begin, out);
		check_room(h, out);
		*w = (struct hf_part){begin, out->n, false};
	}
	return out->s;
}

static void
cut_words(struct hf *h, const struct hf_step *step, const unsigned char *s)
{
	struct hf_part *old = h->words;
	const size_t n_old = h->n_words, cap = h->words_cap;
	h->words = h->old_words;
	h->words_cap = h->old_cap;
	h->n_words = 0;
	for (size_t k = 0; k < n_old; k++) {
		matches(h, step, s + old[k].begin, old[k].end - old[k].begin);
		cut(h, step->behavior, old[k].begin);
	}
	h->old_words = old;
	h->old_cap = cap;
}

const unsigned char *
hf_words(struct hf *h, const unsigned char *s, size_t n, bool first)
{
	h->n_words = 0;
	word(h, 0, n);
	for (size_t i = 0; i < h->n_pre && h->n_words; i++) {
		const struct hf_step *step = h->pre + i;
		if (step->kind == HF_METASPACE || (step->kind == HF_BYTES && step->prefix))
			s = rewrite(h, step, s, first);
		if ((step->regex || step->literal.n) && (step->kind != HF_METASPACE || step->split))
			cut_words(h, step, s);
		if (step->kind == HF_BYTES && h->spelled)
			s = spell_words(h, s);
	}
	return s;
}
