/* vocab_hf.c - encode as tokenizer.json says; see vocab_hf.h. */
#include "vocab_hf.h"

#include "unicode/unicode.h"

#include <string.h>

void
hf_prepare(struct vocab *v)
{
	struct hf *h = v->hf;
	if (v->unigram) {
		unigram_prepare(v);
		return;
	}
	hf_read_merges(v);
	bpe_prepare(v);
	/* The quick way needs a piece for each byte, and no say in how words begin and end. */
	for (int b = 0; v->bpe && b < 256; b++)
		h->spelled |= v->byte_id[b] == NO_ID && v->unk >= 0;
	h->spelled |= v->bpe && (h->byte_fallback || h->suffix.n);
	if (h->spelled)
		hf_compile(h);
	v->pretok = &h->pretok;
	if (v->bpe && !h->spelled)
		return;
	byte_pieces_index(v);
	for (int b = 0; b < 256; b++)
		h->only_spaces &= v->byte_id[b] != NO_ID;
	h->exact &= h->only_spaces;
}

/* BPE over characters. */

static void
put_symbol(struct vocab *v, const unsigned char *p, const struct symbol *sym, struct ids *out)
{
	if (sym->id != NO_ID)
		emit(out, sym->id);
	else
		emit_unknown(v, p, sym->n, out);
}

static const struct word_kind kind = {pieces_char, merges_pair, put_symbol};

/* What was gathered in v->word, merged. */
static void
merge(struct vocab *v, struct ids *out)
{
	word_encode(v, &kind, out);
	word_clear(&v->word);
}

/* Whether s[0..n), and at a word's end the suffix behind it, is a piece: then it is the word's next symbol. */
static bool
gather(struct vocab *v, const unsigned char *s, size_t n, bool last)
{
	struct word *w = &v->word;
	const struct str suffix = v->hf->suffix;
	const size_t before = w->len;
	word_bytes(w, s, n);
	if (last && suffix.n) {
		word_bytes(w, suffix.p, suffix.n);
		n += suffix.n;
	}
	const uint32_t id = suffix.n ? pieces_find(v, w->s + before, n) : pieces_char(v, s, n);
	if (id != NO_ID && suffix.n)
		word_symbol(w, n, id); /* which is not always a character */
	else if (id != NO_ID)
		word_add(w, n, id);
	if (id != NO_ID)
		return true;
	w->len = before;
	return false;
}

static bool
has_bytes(const struct vocab *v, const unsigned char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v->byte_id[s[i]] == NO_ID)
			return false;
	return v->hf->byte_fallback;
}

/* A short word all of whose characters are pieces. False: it takes the long way. */
static bool
short_word(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	uint32_t id[FEW];
	size_t n_ids = 0, i = 0;
	if (!v->pairs.key || v->hf->suffix.n)
		return false;
	while (i < n && n_ids < FEW) {
		uint32_t cp;
		const size_t len = utf8_next(s + i, n - i, &cp);
		if ((id[n_ids++] = pieces_char(v, s + i, len)) == NO_ID)
			return false;
		i += len;
	}
	if (i < n)
		return false;
	n_ids = merge_few(&v->pairs, NULL, id, n_ids);
	for (size_t k = 0; k < n_ids; k++)
		emit(out, id[k]);
	return n_ids;
}

/* Characters of a word, and its `last` ones. An unknown character's piece is set when it is known whether the next one, with which it is
 * fused, is unknown, too; byte pieces do not wait for that. */
static void
encode_some_chars(struct vocab *v, const unsigned char *s, size_t n, bool last, struct ids *out)
{
	bool *unknown = &v->hf->unknown;
	word_clear(&v->word);
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		if (gather(v, s + i, len, last && i + len == n)) {
			if (*unknown) /* what was gathered is not set yet */
				emit(out, (uint32_t)v->unk);
			*unknown = false;
			continue;
		}
		merge(v, out);
		if (has_bytes(v, s + i, len)) {
			emit_unknown(v, s + i, len, out);
			continue;
		}
		if (*unknown && !v->hf->fuse_unk)
			emit(out, (uint32_t)v->unk);
		*unknown = v->unk >= 0;
	}
	merge(v, out);
	if (last && *unknown)
		emit(out, (uint32_t)v->unk);
	*unknown &= !last;
}

static void
encode_chars(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	uint32_t whole = v->ignore_merges ? pieces_find(v, s, n) : NO_ID;
	if (whole != NO_ID)
		emit(out, whole);
	else if (!short_word(v, s, n, out))
		encode_some_chars(v, s, n, true, out);
}

/* The beginning of a word that goes on: how many bytes are certain. */
static size_t
chars_begun(struct vocab *v, const unsigned char *s, size_t n, bool inside, struct ids *out)
{
	const size_t before = *out->n;
	size_t known = 0, end = 0, len;
	uint32_t cp;
	if (!inside && n <= v->max_piece) /* perhaps it is a piece */
		return 0;
	word_clear(&v->word);
	for (; n - end > 4; end += len) { /* where characters are whole, and not a word's last */
		len = utf8_next(s + end, n - end, &cp);
		if (!gather(v, s + end, len, false))
			known = end + len;
	}
	if (known) { /* merging does not reach across what has no piece */
		encode_some_chars(v, s, known, false, out);
		return known;
	}
	if (v->hf->unknown)
		emit(out, (uint32_t)v->unk);
	const size_t taken = word_encode_begun(v, &kind, out);
	word_clear(&v->word);
	if (!taken)
		*out->n = before;
	else
		v->hf->unknown = false;
	return taken;
}

/* A text in which nothing changes but how spaces are spelled. */
static void
spell_spaces(struct vocab *v, const unsigned char *s, size_t n, bool prefix)
{
	struct bytes *b = v->hf->text;
	b->n = 0;
	if (prefix)
		bytes_add(b, SPM_SPACE, SPM_SPACE_LEN);
	for (size_t i = 0; i < n; i++)
		if (s[i] == ' ')
			bytes_add(b, SPM_SPACE, SPM_SPACE_LEN);
		else
			bytes_add(b, s + i, 1);
}

static void
encode_cut(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	spell_spaces(v, s, n, false);
	encode_chars(v, v->hf->text->s, v->hf->text->n, out);
}

/* All of such a text, or what goes before a place where it can be cut. */
static void
encode_spaced(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	while (n) {
		const size_t mark = v->hf->exact ? next_spelled_space(s, n) : n, behind = mark < n ? mark + SPM_SPACE_LEN : n;
		if (!mark || !cuts_encode(v, s, mark, prefix, encode_cut, out)) {
			spell_spaces(v, s, mark, prefix);
			encode_chars(v, v->hf->text->s, v->hf->text->n, out);
		}
		emit_unknown(v, s + mark, behind - mark, out);
		s += behind;
		n -= behind;
		prefix = false;
	}
}

static size_t
spelled_bytes(const struct hf *h, unsigned char byte)
{
	unsigned char c[4];
	return h->spells ? utf8_put(c, bpe_char(byte)) : 1;
}

/* What is known of a word that goes on, or of its rest: how many bytes are certain. */
static size_t
word_begun(struct vocab *v, struct hf *h, const unsigned char *s, size_t n, struct ids *out)
{
	const unsigned char *const text = s;
	size_t taken, i = 0;
	if (v->bpe && !h->spelled)
		return bpe_word_begun(v, s, n, h->inside, out);
	if (h->spells) {
		h->spelling.n = 0;
		hf_spell(s, n, &h->spelling);
		s = h->spelling.s;
		n = h->spelling.n;
	}
	taken = v->unigram ? unigram_begun(v, s, n, h->inside, out) : chars_begun(v, s, n, h->inside, out);
	for (; taken; i++)
		taken -= spelled_bytes(h, text[i]);
	return i;
}

/* The last of it. */
static void
word_rest(struct vocab *v, struct hf *h, const unsigned char *s, size_t n, struct ids *out)
{
	if (v->unigram)
		unigram_end(v, s, n, out);
	else if (v->bpe && !h->spelled)
		bpe_word_rest(v, s, n, out);
	else
		encode_some_chars(v, s, n, true, out);
	h->inside = false;
}

/* What was taken of s: the words of h, and what is certain of the one behind them, of which the first `context` bytes were. */
static struct taken
open_begun(struct vocab *v, struct hf *h, const unsigned char *s, size_t context, struct ids *out)
{
	const size_t before = *out->n, begin = h->open.begin + context;
	const bool unknown = h->unknown;
	size_t end = begin, at;
	if (begin < h->open.end && h->restart + 4 <= h->open.end)
		end += word_begun(v, h, h->open_text + begin, h->open.end - begin, out);
	for (at = end; at > h->open.begin && end - at < 3 && (h->open_text[at] & 0xC0) == 0x80;)
		at--; /* a character stays whole */
	if (end > begin && h->match) {
		const size_t from = h->open.begin, head = hf_head(h, at, end);
		h->inside |= head > 0;
		if (head)
			return (struct taken){.n = at, .head = from, .n_head = head, .context = head + end - at};
		h->open.begin = from;
	} else if (end > begin && at > h->lead && at >= h->restart && at > h->open.begin) {
		h->inside = true;
		const size_t n = hf_unwritten(h, s, at);
		return (struct taken){.n = n, .context = hf_unwritten(h, s, end) - n};
	}
	*out->n = before;
	h->unknown = unknown;
	return (struct taken){.n = hf_unwritten(h, s, h->open.begin), .context = context};
}

struct taken
hf_encode_words(struct vocab *v, struct hf *h, const unsigned char *s, size_t n, struct vocab_part part, bool first, bool more,
	struct ids *out)
{
	struct word_queue q;
	size_t context = 0, i = 0;
	words_begin(&q, bpe_word);
	hf_set_room(h, n);
	if (!part.begun)
		h->inside = h->unknown = false;
	const unsigned char *text = hf_words(h, s, n, first, part.begun, more);
	for (size_t k = 0; k < part.context; k++)
		context += spelled_bytes(h, s[k]);
	if (h->inside && h->n_words) {
		word_rest(v, h, text + context, h->words[0].end - context, out);
		i = 1;
	}
	for (; i < h->n_words; i++) {
		const struct hf_part *w = h->words + i;
		if (v->unigram)
			unigram_encode(v, text + w->begin, w->end - w->begin, out);
		else if (v->bpe && !h->spelled)
			words_add(v, &q, text + w->begin, w->end - w->begin, h->words[h->n_words - 1].end - w->begin >= PRETOK_PAD, out);
		else
			encode_chars(v, text + w->begin, w->end - w->begin, out);
	}
	words_flush(v, &q, out);
	return more ? open_begun(v, h, s, h->inside ? part.context : 0, out) : (struct taken){.n = n};
}

/* The same of a text that is all here. */
static void
encode_words(struct vocab *v, const unsigned char *s, size_t n, bool first, struct ids *out)
{
	if (v->hf->known_words)
		bpe_encode(v, s, n, out);
	else
		hf_encode_words(v, v->hf, s, n, (struct vocab_part){.begun = false}, first, false, out);
}

/* Texts that go on. */

/* What is certain of such a text that cannot be cut; behind a character that has no piece it can. */
static size_t
encode_word_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out)
{
	size_t i = 0, spelled;
	word_clear(&v->word);
	if (prefix && !gather(v, (const unsigned char *)SPM_SPACE, SPM_SPACE_LEN, false))
		return 0;
	for (size_t len; n - i >= 4; i += len) { /* where characters are whole */
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		const bool none = v->hf->exact && cp == 0x2581;
		if (cp == ' ' ? gather(v, (const unsigned char *)SPM_SPACE, SPM_SPACE_LEN, false) : !none && gather(v, s + i, len, false))
			continue;
		encode_spaced(v, s, i + len, prefix, out);
		return i + len;
	}
	spelled = word_encode_begun(v, &kind, out);
	word_clear(&v->word);
	if (prefix && spelled)
		spelled -= SPM_SPACE_LEN;
	for (i = 0; spelled; i++)
		spelled -= s[i] == ' ' ? SPM_SPACE_LEN : 1;
	return i;
}

/* Whether a text that comes in parts is encoded as it is: nothing changes it, or nothing but how spaces are spelled. */
static bool
as_it_is(const struct vocab *v)
{
	const struct hf *h = v->hf;
	return !v->special[2].list && !v->special[3].list && (h->only_spaces || !h->n_normalizers);
}

/* Whether a token may begin within a control token, which is passed over where it is not taken. */
static bool
begins_within(const struct vocab *v, struct specials *list)
{
	for (uint32_t i = 0; list->list && i < list->first[256]; i++) {
		const struct special *sp = list->list + i;
		for (uint32_t from = 1; from < sp->n && vocab_type(v, sp->id) != PIECE_USER; from++) {
			struct prefix p = {0, 0, 0};
			bool may = true;
			for (uint32_t k = from; may && k < sp->n; k++)
				may = specials_narrow(list, &p, sp->p[k]) && list->list[p.lo].n > p.n;
			if (may || (p.lo < p.hi && list->list[p.lo].n == p.n))
				return true;
		}
	}
	return false;
}

bool
hf_goes_on(struct vocab *v, bool special)
{
	struct hf *h = v->hf;
	for (uint32_t id = 0; id < h->n_flags; id++)
		if (special || vocab_type(v, id) == PIECE_USER)
			h->beside[special] |= h->flags[id];
	if (!special && (begins_within(v, &v->special[1]) || begins_within(v, &v->special[3])))
		return false;
	for (size_t i = 0; i < h->n_normalizers; i++)
		if (!hf_step_goes_on(h->normalizers + i))
			return false;
	h->only_spaces &= as_it_is(v); /* what is spelled already is text as any other */
	return h->known_words || h->only_spaces || hf_words_go_on(h);
}

/* The end of a stretch without added tokens. */
static void
words_end(struct vocab *v, const unsigned char *s, size_t n, struct vocab_part part, struct ids *out)
{
	if (v->hf->only_spaces)
		encode_spaced(v, s, n, v->space_prefix && !part.begun, out);
	else if (v->hf->known_words && n > part.context)
		bpe_encode_rest(v, s, n, part.context, out);
	else if (!v->hf->known_words)
		hf_encode_words(v, v->hf, s, n, part, false, false, out);
}

/* What is certain of one that goes on. */
static struct taken
words_begun(struct vocab *v, const unsigned char *s, size_t n, struct vocab_part part, bool first, struct ids *out)
{
	const bool prefix = v->space_prefix && !part.begun;
	if (!v->hf->only_spaces && !v->hf->known_words)
		return hf_encode_words(v, v->hf, s, n, part, first, true, out);
	if (!v->hf->only_spaces)
		return bpe_encode_begun(v, s, n, part.context, out);
	const size_t cut = cuts_last(v, s, n);
	if (cut)
		encode_spaced(v, s, cut, prefix, out);
	return (struct taken){.n = cut ? cut : encode_word_begun(v, s, n, prefix, out)};
}

static struct taken encode_added(struct vocab *v, const struct source *t, unsigned set, bool first, struct ids *out);

/* A part of a stretch that normalizers change: what they are sure of is encoded as far as that is certain. */
static void
normalized_part(struct vocab *v, const unsigned char *s, size_t n, bool first, bool special, bool begun, bool more, struct ids *out)
{
	struct hf *h = v->hf;
	if (!begun) {
		hf_forget(h);
		h->normal.n = h->enough = 0;
		h->of_normal = (struct vocab_part){0};
		h->first = first;
	}
	hf_normalize_part(h, s, n, more);
	if (more && h->normal.n < h->enough)
		return;
	const struct source t = {.s = h->normal.s, .len = h->normal.n, .special = special, .more = more, .part = h->of_normal};
	const struct taken k = encode_added(v, &t, 2, h->first && !h->of_normal.later, out);
	h->normal.n = taken_away(k, &h->of_normal, h->normal.s, h->normal.n);
	h->enough = worth_another_try(v, h->normal.n);
}

static struct taken
stretch_begun(struct vocab *v, const struct source *t, unsigned set, size_t from, size_t to, bool first, struct ids *out)
{
	first &= v->hf->front || set != 2;
	struct taken k = {.n = to - from};
	const struct vocab_part part = from ? (struct vocab_part){0} : t->part;
	if (set == 2 || as_it_is(v))
		return words_begun(v, t->s + from, to - from, part, first, out);
	k.n -= utf8_incomplete((const char *)t->s + from, k.n);
	normalized_part(v, t->s + from, k.n, first, t->special, part.begun, true, out);
	return k;
}

/* Added tokens. */

/* \w of Rust's regular expressions. */
static bool
word_char(uint32_t cp)
{
	static const uint32_t more[][2] = {
		{0x200C, 0x200D}, {0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169}, {0x1F170, 0x1F189},
	};
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (cp >= more[i][0] && cp <= more[i][1])
			return true;
	return U_BIT(unicode_cat(cp)) & (SET_L | SET_M | U_BIT(U_ND) | U_BIT(U_NL) | U_BIT(U_PC));
}

/* Whether a letter ends at byte i. */
static bool
letter_before(const struct source *t, size_t i)
{
	uint32_t cp;
	size_t k = i;
	if (i == t->part.context)
		return t->part.letter;
	while (k && i - k < 4 && (k == i || (t->s[k] & 0xC0) == 0x80))
		k--;
	return utf8_next(t->s + k, i - k, &cp), word_char(cp);
}

/* Whether no letter stands next to s[i..end). */
static bool
stands_alone(const struct source *t, size_t i, size_t end)
{
	uint32_t cp;
	return !(end < t->len && (utf8_next(t->s + end, t->len - end, &cp), word_char(cp))) && !letter_before(t, i);
}

/* Whether an added token that the text spells at byte i is to be taken; else *skip is the bytes to go on behind. */
static bool
taken(const struct vocab *v, const struct source *t, const struct special *sp, size_t i, size_t *skip)
{
	const bool control = vocab_type(v, sp->id) != PIECE_USER;
	size_t trusted = sp->n;
	*skip = sp->n;
	if (control && !t->special)
		return false;
	for (size_t k = 0; control && t->trusted && k < sp->n; k++)
		trusted -= !t->trusted[i + k];
	if (trusted < sp->n) { /* what a stranger begins cannot swallow a token of the template */
		*skip = trusted ? 1 : sp->n;
		return false;
	}
	return !hf_has(v, sp->id, HF_SINGLE_WORD) || stands_alone(t, i, i + sp->n);
}

static bool
blank(uint32_t cp)
{
	return unicode_cat(cp) == U_SPACE;
}

/* Blanks before an added token, down to `from`; and behind it. */
static size_t
blanks_before(const unsigned char *s, size_t from, size_t i)
{
	while (i > from) {
		size_t k = i - 1;
		uint32_t cp;
		while (k > from && (s[k] & 0xC0) == 0x80)
			k--;
		if (k + utf8_next(s + k, i - k, &cp) != i || !blank(cp))
			break;
		i = k;
	}
	return i;
}
static size_t
blanks_behind(const unsigned char *s, size_t n, size_t i)
{
	uint32_t cp;
	for (size_t len; i < n && (len = utf8_next(s + i, n - i, &cp), blank(cp));)
		i += len;
	return i;
}

static void encode_between(struct vocab *v, const struct source *t, unsigned set, size_t from, size_t to, bool first,
	struct ids *out);

/* Of a text that goes on: whether what an added token that stands at s[i..end) takes along, or must not stand beside, is all here. */
static bool
all_here(const struct vocab *v, const struct source *t, const struct special *sp, size_t i, size_t end_of_text)
{
	const size_t end = i + sp->n;
	if (!t->more || (!t->special && vocab_type(v, sp->id) != PIECE_USER))
		return true;
	return !((hf_has(v, sp->id, HF_SINGLE_WORD) && t->len - end < 4) ||
		(hf_has(v, sp->id, HF_RSTRIP) && blanks_behind(t->s, t->len, end) > end_of_text));
}

/* Where a stretch ends that goes on: without blanks that an added token may take along. */
static size_t
stretch_end(const struct vocab *v, const struct source *t, size_t from, size_t end)
{
	if (!(v->hf->beside[t->special] & HF_LSTRIP) || end <= from)
		return end;
	end -= utf8_incomplete((const char *)t->s + from, end - from);
	return blanks_before(t->s, from, end);
}

/* Take added tokens out, and encode what is between them; `set`: 0, or 2 for those of normalized text.
 * As in the library, blanks that one took along may be added tokens of their own. */
static struct taken
encode_added(struct vocab *v, const struct source *t, unsigned set, bool first, struct ids *out)
{
	struct specials *list = &v->special[set + 1];
	size_t from = 0, step, blanks = 0; /* blanks: the end of those looked at last */
	size_t end_of_text = !t->more ? t->len : t->len > v->longest ? t->len - v->longest : 0; /* a token may be cut off behind it */
	for (size_t i = t->part.context; list->list && i < end_of_text; i += step) {
		while (i < end_of_text && list->first[t->s[i]] == list->first[t->s[i] + 1])
			i++;
		if (i == end_of_text)
			break;
		const struct special *sp = specials_at(list, t->s + i, t->len - i);
		step = 1;
		if (sp && !all_here(v, t, sp, i, end_of_text)) {
			end_of_text = i;
			break;
		}
		if (!sp || !taken(v, t, sp, i, &step)) {
			if (t->more && i + step > end_of_text)
				end_of_text = i;
			continue;
		}
		size_t begin = i, end = i + sp->n;
		if (hf_has(v, sp->id, HF_LSTRIP))
			begin = from < i ? blanks_before(t->s, from, i) : from;
		if (hf_has(v, sp->id, HF_RSTRIP))
			end = blanks = end < blanks ? blanks : blanks_behind(t->s, t->len, end);
		encode_between(v, t, set, from, begin, first, out);
		emit(out, sp->id);
		from = end;
		step = sp->n;
	}
	if (!t->more) {
		encode_between(v, t, set, from, t->len, first, out);
		return (struct taken){.n = t->len};
	}
	struct taken k = {0};
	end_of_text = stretch_end(v, t, from, end_of_text);
	if (from < end_of_text)
		k = stretch_begun(v, t, set, from, end_of_text, first && !from, out);
	k.begun = k.n ? true : !from && t->part.begun;
	k.n += from;
	k.head += from;
	k.letter = k.n && letter_before(t, k.n + k.context - k.n_head);
	return k;
}

static void
encode_between(struct vocab *v, const struct source *t, unsigned set, size_t from, size_t to, bool first,
	struct ids *out)
{
	size_t n = to - from; /* unless blanks that a token took along reach further */
	if (!from && t->part.begun) {
		if (set == 2 || as_it_is(v))
			words_end(v, t->s, to, t->part, out);
		else
			normalized_part(v, t->s, to, first, t->special, true, false, out);
		return;
	}
	if (from >= to)
		return;
	if (set == 2) {
		encode_words(v, t->s + from, n, first && from == 0 && v->hf->front, out);
		return;
	}
	if (v->hf->exact) {
		encode_spaced(v, t->s + from, n, v->space_prefix, out);
		return;
	}
	if (v->hf->only_spaces && !v->special[3].list && cuts_encode(v, t->s + from, n, v->space_prefix, encode_cut, out))
		return;
	/* Where a part was normalized, whose bytes these are is only known if all are one's. */
	bool ours = t->special;
	for (size_t i = from; ours && t->trusted && i < to; i++)
		ours = t->trusted[i];
	const unsigned char *s = hf_normalize(v->hf, t->s + from, &n);
	struct source part = {.s = s, .len = n, .special = ours};
	/* hf_words() works in the buffers that hold the text, too */
	bool held = s == v->hf->text[0].s || s == v->hf->text[1].s;
	struct bytes own = {NULL, 0, 0};
	if (held) {
		own = v->hf->text[s == v->hf->text[1].s];
		v->hf->text[s == v->hf->text[1].s] = (struct bytes){NULL, 0, 0};
	}
	encode_added(v, &part, 2, first && from == 0, out);
	xfree(own.s);
}

struct taken
hf_encode(struct vocab *v, const struct source *t, struct ids *out)
{
	return encode_added(v, t, 0, !t->part.later, out);
}

struct str
hf_added_text(struct vocab *v, struct str text)
{
	struct hf *h = v->hf;
	size_t n = text.n;
	const unsigned char *s = hf_normalize(h, (const unsigned char *)text.p, &n);
	if (s == (const unsigned char *)text.p)
		return text;
	unsigned char *own = xcalloc(n + 1, 1);
	if (n)
		memcpy(own, s, n);
	h->added = grow(h->added, &h->added_cap, h->n_added + 1, sizeof *h->added);
	h->added[h->n_added++] = own;
	return (struct str){(char *)own, n};
}

void
hf_free(struct hf *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_normalizers; i++) {
		regex_free(h->normalizers[i].regex);
		xfree(h->normalizers[i].blob);
		xfree(h->normalizers[i].rest.s);
	}
	for (size_t i = 0; i < h->n_added; i++)
		xfree(h->added[i]);
	xfree(h->added);
	xfree(h->old_words);
	for (size_t i = 0; i < h->n_pre; i++)
		regex_free(h->pre[i].regex);
	if (h->doc)
		json_free(h->doc);
	xfree(h->normalizers);
	xfree(h->pre_names.s);
	xfree(h->pre);
	xfree(h->flags);
	xfree(h->merges_text);
	if (h->merges_doc)
		json_free(h->merges_doc);
	xfree(h->normal.s);
	xfree(h->joint.s);
	xfree(h->spelling.s);
	xfree(h->text[0].s);
	xfree(h->text[1].s);
	xfree(h->parts);
	xfree(h->words);
	xfree(h);
}
