/* vocab_hf_text.c - cut text into words as tokenizer.json says; see vocab_hf.h. */
#include "vocab_hf.h"

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

size_t
hf_matches(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n, bool more)
{
	size_t m[2] = {0, 0}, last = 0, end = n;
	h->n_parts = 0;
	if (more && step->regex)
		n -= utf8_incomplete((const char *)s, n);
	if (step->regex)
		regex_begin(step->regex, s, n);
	while (n && next_match(step, s, n, m)) {
		if (more && step->regex && regex_open(step->regex) < SIZE_MAX)
			break;
		if (last != m[0])
			part(h, last, m[0], step->invert);
		part(h, m[0], m[1], !step->invert);
		last = m[1];
	}
	if (more && step->regex)
		end = n && regex_open(step->regex) < n ? regex_open(step->regex) : n;
	else if (more)
		end = n < step->literal.n ? 0 : n - step->literal.n + 1;
	if (end < last)
		end = last;
	if (last != end)
		part(h, last, end, step->invert);
	return end;
}

/* Rules that make texts grow without end are no model's. */
void
hf_check_room(const struct hf *h, const struct bytes *out)
{
	if (out->n > h->room)
		die("%s: its normalizers or pre-tokenizers make a text grow to more than %zu bytes", h->path, h->room);
}

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
			hf_check_room(h, out);
		}
		*w = (struct hf_part){begin, out->n, false};
	}
	return out->s;
}

/* Bytes become the characters that stand for them. */
void
hf_spell(const unsigned char *s, size_t n, struct bytes *out)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c[4];
		bytes_add(out, c, utf8_put(c, bpe_char(s[i])));
	}
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
		hf_spell(s + w->begin, w->end - w->begin, out);
		hf_check_room(h, out);
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
		hf_matches(h, step, s + old[k].begin, old[k].end - old[k].begin, false);
		cut(h, step->behavior, old[k].begin);
	}
	h->old_words = old;
	h->old_cap = cap;
}

/* Whether a word ends before part i, i > 0. */
static bool
ends_before(const struct hf *h, enum hf_behavior behavior, size_t i)
{
	const bool left = h->parts[i - 1].match, right = h->parts[i].match;
	if (behavior == HF_CONTIGUOUS)
		return left != right;
	return !(behavior == HF_WITH_PREVIOUS && !left && right) && !(behavior == HF_WITH_NEXT && left && !right);
}

/* Whether a Metaspace cuts before s[i]. */
static bool
cuts_before(const struct hf_step *step, const unsigned char *s, size_t i, size_t n)
{
	return s[i] == ' ' || (s[i] == (unsigned char)step->text.p[0] && begins_with(s + i, n - i, step->text));
}

/* The words of s[0..n) by the first step as far as they are certain, whatever stands behind. */
static size_t
certain_words(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n)
{
	size_t i = 0;
	if (step->kind == HF_METASPACE) {
		for (i = n; i && (i == n || !cuts_before(step, s, i, n));)
			i--;
		word(h, 0, i);
		return i;
	}
	hf_matches(h, step, s, n, true);
	for (i = h->n_parts; i > 1 && !ends_before(h, step->behavior, i - 1);)
		i--;
	if (i < 2)
		return 0;
	n = h->parts[i - 1].begin;
	h->n_parts = i - 1;
	cut(h, step->behavior, 0);
	return n;
}

bool
hf_words_go_on(const struct hf *h)
{
	const struct hf_step *step = h->pre;
	uint32_t cp;
	if (!h->n_pre)
		return false;
	if (step->kind == HF_METASPACE) /* of a character, which cannot begin within another */
		return step->split && utf8_next((const unsigned char *)step->text.p, step->text.n, &cp) == step->text.n;
	return !(step->kind == HF_BYTES && step->prefix) && (step->regex ? regex_goes_on(step->regex) : step->literal.n > 0);
}

const unsigned char *
hf_words(struct hf *h, const unsigned char *s, size_t *n, bool first, bool more)
{
	h->n_words = 0;
	if (more)
		*n = certain_words(h, h->pre, s, *n);
	else
		word(h, 0, *n);
	for (size_t i = 0; i < h->n_pre && h->n_words; i++) {
		const struct hf_step *step = h->pre + i;
		if (step->kind == HF_METASPACE || (step->kind == HF_BYTES && step->prefix))
			s = rewrite(h, step, s, first);
		if ((step->regex || step->literal.n) && (step->kind == HF_METASPACE ? step->split : i || !more))
			cut_words(h, step, s);
		if (step->kind == HF_BYTES && h->spelled)
			s = spell_words(h, s);
	}
	return s;
}
