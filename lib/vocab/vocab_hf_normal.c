/*
 * vocab_hf_normal.c - normalize text as tokenizer.json says; see vocab_hf.h.
 *
 * A text that goes on is normalized as far as nothing behind it has a say in it; each step keeps what it is not sure of.
 */
#include "vocab_hf.h"

#include "unicode/grapheme.h"
#include "unicode/unicode.h"

#include <string.h>

static bool
blank(uint32_t cp)
{
	return unicode_cat(cp) == U_SPACE;
}

static size_t
strip(struct hf *h, struct hf_step *step, const unsigned char *s, size_t n, bool more, struct bytes *out)
{
	size_t begin = 0, end = n, len;
	uint32_t cp;
	while (step->left && !step->solid && begin < n && (len = utf8_next(s + begin, n - begin, &cp), blank(cp)))
		begin += len;
	step->solid |= begin < n;
	if (step->right)
		end = begin;
	for (size_t i = begin; step->right && i < n; i += len) {
		len = utf8_next(s + i, n - i, &cp);
		if (!blank(cp))
			end = i + len;
	}
	h->front &= begin == 0;
	bytes_add(out, s + begin, end - begin);
	return more ? end : n;
}

static size_t
replace(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n, bool more, struct bytes *out)
{
	const size_t end = hf_matches(h, step, s, n, more);
	for (size_t i = 0; i < h->n_parts; i++) {
		const struct hf_part *p = h->parts + i;
		uint32_t cp;
		if (!p->match)
			bytes_add(out, s + p->begin, p->end - p->begin);
		else
			bytes_add(out, step->text.p, step->text.n);
		hf_check_room(h, out);
		/* what comes in place of several characters counts as standing at the last of them */
		if (p->match && !p->begin && p->end)
			h->front &= step->text.n && utf8_next(s, n, &cp) == p->end;
	}
	return end;
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
static size_t
map_chars(struct hf *h, const struct charsmap *c, const unsigned char *s, size_t n, bool more, struct bytes *out)
{
	struct str to;
	size_t i = 0;
	for (size_t len; i < n; i += len) {
		hf_check_room(h, out);
		len = grapheme_next(s + i, n - i);
		if (more && i + len == n)
			break;
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
	return i;
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

/* Do a step to s[0..n), or to as much of it as is certain where more stands behind; how many bytes that is. */
static size_t
normalize_some(struct hf *h, struct hf_step *step, const unsigned char *s, size_t n, bool more, struct bytes *out)
{
	const bool compatible = step->kind == HF_NFKC || step->kind == HF_NFKD, compose = step->kind == HF_NFC || step->kind == HF_NFKC;
	n -= more ? utf8_incomplete((const char *)s, n) : 0;
	switch (step->kind) {
	case HF_PREPEND:
		if (n && !step->begun)
			bytes_add(out, step->text.p, step->text.n);
		bytes_add(out, s, n);
		return n;
	case HF_REPLACE:
		return replace(h, step, s, n, more, out);
	case HF_STRIP:
		return strip(h, step, s, n, more, out);
	case HF_LOWERCASE:
		lowercase(s, n, out);
		return n;
	case HF_STRIP_ACCENTS:
		strip_accents(h, s, n, out);
		return n;
	case HF_CHARSMAP:
		return map_chars(h, &step->charsmap, s, n, more, out);
	case HF_NMT:
		nmt(s, n, out);
		return n;
	case HF_SPELL:
		hf_spell(s, n, out);
		return n;
	default:
		n = more ? normal_cut(s, n, compatible, compose) : n;
		normalize(s, n, compatible, compose, out);
		return n;
	}
}

/* The same; whether the normalized text begins where the text does, its beginning alone says. */
static size_t
normalize_step(struct hf *h, struct hf_step *step, const unsigned char *s, size_t n, bool more, struct bytes *out)
{
	const bool front = h->front, begun = step->begun;
	const size_t taken = normalize_some(h, step, s, n, more, out);
	hf_check_room(h, out);
	if (begun)
		h->front = front;
	step->begun |= taken > 0;
	return taken;
}

void
hf_forget(struct hf *h)
{
	for (size_t i = 0; i < h->n_normalizers; i++) {
		struct hf_step *step = h->normalizers + i;
		step->rest.n = step->enough = 0;
		step->begun = step->solid = false;
	}
	h->front = true;
}

void
hf_set_room(struct hf *h, size_t n)
{
	h->room = n > SIZE_MAX / 512 ? SIZE_MAX : (1 << 20) + 256 * n;
}

const unsigned char *
hf_normalize(struct hf *h, const unsigned char *s, size_t *n)
{
	hf_forget(h);
	hf_set_room(h, *n);
	for (size_t i = 0; i < h->n_normalizers; i++) {
		if (h->normalizers[i].kind <= HF_NFKD && all_ascii(s, *n))
			continue;
		struct bytes *out = h->text + (s == h->text[0].s);
		out->n = 0;
		normalize_step(h, h->normalizers + i, s, *n, false, out);
		s = out->s;
		*n = out->n;
	}
	return s;
}

bool
hf_step_goes_on(const struct hf_step *step)
{
	return !step->regex || regex_goes_on(step->regex, true);
}

/* What a step could not be sure of so far goes before s[0..n). */
static const unsigned char *
begin_with_rest(struct hf_step *step, const unsigned char *s, size_t *n)
{
	if (!step->rest.n)
		return s;
	bytes_add(&step->rest, s, *n);
	*n = step->rest.n;
	return step->rest.s;
}

/* Of a run of spaces that goes on two are as good as all where " {2,}" is replaced, one where " +" is. */
static void
shorten(struct hf_step *step)
{
	const size_t enough = str_is(step->pattern, " {2,}") ? 2 : str_is(step->pattern, " +") ? 1 : SIZE_MAX;
	size_t n = 0;
	while (n < step->rest.n && step->rest.s[n] == ' ')
		n++;
	if (n == step->rest.n && n > enough)
		step->rest.n = enough;
}

void
hf_normalize_part(struct hf *h, const unsigned char *s, size_t n, bool more)
{
	size_t all = h->normal.n + n;
	for (size_t i = 0; i < h->n_normalizers; i++)
		all += h->normalizers[i].rest.n;
	hf_set_room(h, all);
	for (size_t i = 0; i < h->n_normalizers; i++) {
		struct hf_step *step = h->normalizers + i;
		struct bytes *out = i + 1 < h->n_normalizers ? h->text + i % 2 : &h->normal;
		out->n = out == &h->normal ? out->n : 0;
		s = begin_with_rest(step, s, &n);
		const bool enough = !more || n >= step->enough;
		const size_t taken = enough ? normalize_step(h, step, s, n, more, out) : 0;
		if (step->rest.n)
			bytes_drop(&step->rest, taken);
		else if (taken < n)
			bytes_add(&step->rest, s + taken, n - taken);
		if (enough && step->regex)
			shorten(step);
		if (enough)
			step->enough = 2 * step->rest.n;
		s = out->s;
		n = out->n;
	}
	if (!h->n_normalizers)
		bytes_add(&h->normal, s, n);
}
