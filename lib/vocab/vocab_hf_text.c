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

/* What a step puts in front of a word. */
static struct str
in_front(const struct hf_step *step, const unsigned char *s, const struct hf_part *w, bool first)
{
	const bool spaces = step->kind == HF_METASPACE;
	const struct str front = spaces ? step->text : (struct str){" ", 1};
	if (begins_with(s + w->begin, w->end - w->begin, front) || (spaces && s[w->begin] == ' '))
		return (struct str){"", 0};
	return step->prefix == HF_ALWAYS || (step->prefix == HF_FIRST && first && !w->begin) ? front : (struct str){"", 0};
}

static bool
rewrites(const struct hf_step *step)
{
	return step->kind == HF_METASPACE || (step->kind == HF_BYTES && step->prefix);
}

/* Do a step that changes the text, word by word, into the other buffer; nothing is put in front of the rest of a text. */
static const unsigned char *
rewrite(struct hf *h, const struct hf_step *step, const unsigned char *s, bool first, bool begun)
{
	struct bytes *out = h->text + (s == h->text[0].s);
	out->n = 0;
	for (size_t i = 0; i < h->n_words; i++) {
		struct hf_part *w = h->words + i;
		const size_t begin = out->n;
		const struct str front = begun ? (struct str){"", 0} : in_front(step, s, w, first);
		bytes_add(out, front.p, front.n);
		for (size_t k = w->begin, next; k < w->end; k = next) {
			const unsigned char *p = step->kind == HF_METASPACE ? memchr(s + k, ' ', w->end - k) : NULL;
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

size_t
hf_unwritten(const struct hf *h, const unsigned char *s, size_t to)
{
	const size_t space = h->n_pre && h->pre->kind == HF_METASPACE ? h->pre->text.n : 1;
	size_t i = 0;
	for (to -= to < h->lead ? to : h->lead; to; i++)
		to -= s[i] == ' ' ? space : 1;
	return i;
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

static bool
cuts(const struct hf_step *step)
{
	return step->kind == HF_METASPACE ? step->split : step->regex || step->literal.n;
}

/* The match that is open behind the parts is a word, or lies in one, as far as it goes at least. */
static bool
open_match(struct hf *h, const struct hf_step *step, const struct hf_part w)
{
	const bool kept = step->behavior == HF_ISOLATED || (step->behavior == HF_REMOVED && step->invert);
	const size_t from = step->regex ? regex_open(step->regex) : SIZE_MAX, i = (size_t)(step - h->pre);
	if (!kept || i >= 64 || (h->match && from) || h->restart || h->lead || rewrites(h->pre))
		return false;
	if (from >= w.end - w.begin || (h->n_parts && h->parts[h->n_parts - 1].end != from))
		return false;
	const size_t end = regex_reach(step->regex, from, h->joined);
	if (end <= from)
		return false;
	cut(h, step->behavior, w.begin);
	h->open = (struct hf_part){w.begin + from, w.begin + end, false};
	h->match |= UINT64_C(1) << i;
	return true;
}

/* What is certain of how a step cuts the text that goes on: words, and the last part where it may as well go on as begin. */
static void
cut_open(struct hf *h, const struct hf_step *step, const unsigned char *s)
{
	const struct hf_part w = h->open;
	size_t i, begin;
	h->open.end = w.begin;
	if (!step->goes_on)
		return;
	hf_matches(h, step, s + w.begin, w.end - w.begin, true);
	if (open_match(h, step, w))
		return;
	for (i = h->n_parts; i > 1 && !ends_before(h, step->behavior, i - 1);)
		i--;
	if (!i)
		return;
	const struct hf_part last = h->parts[h->n_parts - 1];
	const bool between = last.match == step->invert, gone = between && last.match && step->behavior == HF_REMOVED && i == h->n_parts;
	begin = w.begin + (gone ? last.end : h->parts[i - 1].begin);
	if (begin > w.begin && (begin < h->restart || h->match))
		return;
	h->n_parts = i - 1;
	cut(h, step->behavior, w.begin);
	h->open = (struct hf_part){begin, between ? w.begin + last.end : begin, false};
	if (w.begin + last.begin > h->restart)
		h->restart = w.begin + last.begin;
}

bool
hf_words_go_on(struct hf *h)
{
	for (size_t i = 0; i < h->n_pre; i++)
		h->pre[i].goes_on = h->pre[i].regex ? regex_goes_on(h->pre[i].regex, false) : h->pre[i].literal.n > 0;
	return !h->n_pre || !cuts(h->pre) || h->pre->goes_on;
}

const unsigned char *
hf_words(struct hf *h, const unsigned char *s, size_t n, bool first, bool begun, bool more)
{
	h->n_words = h->restart = h->lead = 0;
	h->open = (struct hf_part){n, n, false};
	word(h, 0, n);
	if (h->n_pre && rewrites(h->pre) && n) {
		h->lead = begun ? 0 : in_front(h->pre, s, h->words, first).n;
		s = rewrite(h, h->pre, s, first, begun);
	}
	if (more && n) {
		h->open = h->words[0];
		h->n_words = 0;
	}
	h->open_text = s;
	h->n_open_text = h->open.end;
	h->spells = false;
	h->match = 0;
	for (size_t i = 0; i < h->n_pre && (h->n_words || h->open.begin < h->open.end); i++) {
		const struct hf_step *step = h->pre + i;
		const bool spells = step->kind == HF_BYTES && h->spelled;
		if ((i && rewrites(step)) || (h->spells && (cuts(step) || spells))) /* which is not open_text any more */
			h->open.end = h->open.begin;
		if (i && rewrites(step))
			s = rewrite(h, step, s, first, false);
		if (cuts(step))
			cut_words(h, step, s);
		if (cuts(step) && h->open.begin < h->open.end)
			cut_open(h, step, s);
		if (spells)
			s = spell_words(h, s);
		h->spells |= spells;
	}
	if (more && h->open.begin && h->open.begin <= h->lead) { /* nothing of the text itself */
		h->n_words = 0;
		h->open = (struct hf_part){0, 0, false};
	}
	return s;
}

/* Whether the text with some left out lies in the same matches, and in the same places of their patterns. */
static bool
same_matches(const struct hf *h, uint64_t match)
{
	bool same = h->match == match;
	for (size_t i = 0; i < h->n_pre && i < 64; i++)
		same &= !(match >> i & 1) || regex_same(h->pre[i].regex);
	return same;
}

size_t
hf_head(struct hf *h, size_t at, size_t end)
{
	enum { CHARS_AT_MOST = 16 };
	const unsigned char *s = h->open_text;
	const uint64_t match = h->match;
	const size_t begin = h->open.begin, n = h->n_open_text;
	size_t head = 0, found = 0;
	uint32_t cp;
	h->joined = 1;
	for (int i = 0; i < CHARS_AT_MOST && !found; i++) {
		head += utf8_next(s + begin + head, n - begin - head, &cp);
		if (begin + head >= at)
			break;
		h->joint.n = 0;
		bytes_add(&h->joint, s + begin, head);
		bytes_add(&h->joint, s + at, n - at);
		hf_words(h, h->joint.s, h->joint.n, false, true, true);
		if (!h->n_words && !h->open.begin && h->open.end > head + (end - at) && same_matches(h, match))
			found = head;
	}
	h->joined = 0;
	return found;
}

struct hf *
hf_from_pretok(const struct pretok *p, const char *path)
{
	struct hf *h = xcalloc(1, sizeof *h);
	h->path = path;
	h->pre = xcalloc(PRETOK_STAGES, sizeof *h->pre);
	for (; h->n_pre < PRETOK_STAGES && p->regex[h->n_pre]; h->n_pre++) {
		const char *regex = p->regex[h->n_pre];
		h->pre[h->n_pre] = (struct hf_step){.kind = HF_SPLIT, .pattern = {regex, strlen(regex)}, .behavior = HF_ISOLATED};
	}
	hf_compile(h);
	return h;
}

struct hf *
hf_spaced(const char *path)
{
	const struct str space = {SPM_SPACE, SPM_SPACE_LEN};
	struct hf *h = xcalloc(1, sizeof *h);
	h->path = path;
	h->normalizers = xcalloc(1, sizeof *h->normalizers);
	h->normalizers[h->n_normalizers++] = (struct hf_step){.kind = HF_REPLACE, .literal = {" ", 1}, .text = space};
	h->space = space;
	h->byte_fallback = h->fuse_unk = h->only_spaces = h->exact = true;
	return h;
}
