/* vocab_hf.c - encode as tokenizer.json says; see vocab_hf.h. */
#include "vocab_hf.h"

#include "unicode.h"

#include <math.h>
#include <string.h>

void
hf_prepare(struct vocab *v)
{
	if (!v->hf->unigram)
		bpe_prepare(v);
	if (v->bpe)
		return;
	pieces_index(v);
	memset(v->byte_id, 0xFF, sizeof v->byte_id);
	for (uint32_t id = 0; v->hf->byte_fallback && id < v->n; id++) {
		uint32_t n;
		const unsigned char *p = piece(v, id, &n);
		if (vocab_type(v, id) == PIECE_BYTE)
			v->byte_id[byte_spelling(p, n)] = id;
	}
}

/* Finding. */

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
strip(const struct hf_step *step, const unsigned char *s, size_t n, struct bytes *out)
{
	size_t begin = 0, end = n, len;
	uint32_t cp;
	while (step->left && begin < n && (len = utf8_next(s + begin, n - begin, &cp), blank(cp)))
		begin += len;
	for (size_t i = begin; step->right && i < n; i += len) {
		len = utf8_next(s + i, n - i, &cp);
		if (i == begin || !blank(cp))
			end = blank(cp) ? begin : i + len;
	}
	bytes_add(out, s + begin, end - begin);
}

static void
replace(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n, struct bytes *out)
{
	matches(h, step, s, n);
	for (size_t i = 0; i < h->n_parts; i++)
		if (h->parts[i].match)
			bytes_add(out, step->text.p, step->text.n);
		else
			bytes_add(out, s + h->parts[i].begin, h->parts[i].end - h->parts[i].begin);
}

/* The text after all normalizers, in one of the two buffers or s itself. */
static const unsigned char *
normalized(struct hf *h, const unsigned char *s, size_t *n)
{
	for (size_t i = 0; i < h->n_normalizers; i++) {
		const struct hf_step *step = h->normalizers + i;
		struct bytes *out = h->text + (s == h->text[0].s);
		out->n = 0;
		switch (step->kind) {
		case HF_PREPEND:
			if (*n)
				bytes_add(out, step->text.p, step->text.n);
			bytes_add(out, s, *n);
			break;
		case HF_REPLACE:
			replace(h, step, s, *n, out);
			break;
		case HF_STRIP:
			strip(step, s, *n, out);
			break;
		default:
			normalize(s, *n, step->kind == HF_NFKC || step->kind == HF_NFKD,
				step->kind == HF_NFC || step->kind == HF_NFKC, out);
		}
		s = out->s;
		*n = out->n;
	}
	return s;
}

/* Words. */

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
	static const unsigned char space[] = " ";
	out->n = 0;
	for (size_t i = 0; i < h->n_words; i++) {
		struct hf_part *w = h->words + i;
		const size_t begin = out->n;
		struct str front = step->kind == HF_BYTES ? (struct str){" ", 1} : step->text;
		bool there = begins_with(s + w->begin, w->end - w->begin, front) ||
			(step->kind == HF_METASPACE && s[w->begin] == ' ');
		if (!there && (step->prefix == HF_ALWAYS || (step->prefix == HF_FIRST && first && w->begin == 0)))
			bytes_add(out, front.p, front.n);
		for (size_t k = w->begin, next; k < w->end; k = next) {
			const unsigned char *p = step->kind == HF_METASPACE ? memchr(s + k, space[0], w->end - k) : NULL;
			next = p ? (size_t)(p - s) + 1 : w->end;
			bytes_add(out, s + k, next - k - (p != NULL));
			if (p)
				bytes_add(out, step->text.p, step->text.n);
		}
		*w = (struct hf_part){begin, out->n, false};
	}
	return out->s;
}

/* Cut s[0..n) into h->words; returns the text that they lie in. */
static const unsigned char *
words(struct hf *h, const unsigned char *s, size_t n, bool first)
{
	h->n_words = 0;
	word(h, 0, n);
	for (size_t i = 0; i < h->n_pre; i++) {
		const struct hf_step *step = h->pre + i;
		if (step->kind == HF_METASPACE || (step->kind == HF_BYTES && step->prefix))
			s = rewrite(h, step, s, first);
		if (!step->regex && !step->literal.n)
			continue;
		if (step->kind == HF_METASPACE && !step->split)
			continue;
		struct hf_part *old = h->words;
		size_t n_old = h->n_words, cap = h->words_cap;
		h->words = NULL;
		h->n_words = h->words_cap = 0;
		for (size_t k = 0; k < n_old; k++) {
			matches(h, step, s + old[k].begin, old[k].end - old[k].begin);
			cut(h, step->behavior, old[k].begin);
		}
		(void)cap;
		xfree(old);
	}
	return s;
}

/* The models. */

static void
unknown(struct vocab *v, const unsigned char *p, size_t n, bool *fused, struct ids *out)
{
	bool bytes = v->hf->byte_fallback;
	for (size_t i = 0; bytes && i < n; i++)
		bytes = v->byte_id[p[i]] != NO_ID;
	for (size_t i = 0; bytes && i < n; i++)
		emit(out, v->byte_id[p[i]]);
	if (!bytes && v->unk >= 0 && !(*fused && v->hf->fuse_unk))
		emit(out, (uint32_t)v->unk);
	*fused = !bytes;
}

/* What was gathered in v->word, merged. */
static void
merge(struct vocab *v, struct ids *out)
{
	struct word *w = &v->word;
	word_merge(v, w, bpe_pair_rank);
	for (size_t i = 0; i < w->n_sym; i++) {
		const struct symbol *sym = &w->sym[i];
		bool fused = false;
		if (!sym->n)
			continue;
		uint32_t id = pieces_find(v, w->s + sym->off, sym->n, sym->hash);
		if (id != NO_ID)
			emit(out, id);
		else
			unknown(v, w->s + sym->off, sym->n, &fused, out);
	}
	word_clear(w);
}

/* BPE over characters. */
static void
encode_chars(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	bool fused = false;
	uint32_t whole = v->ignore_merges ? pieces_find(v, s, n, hash_bytes(s, n)) : NO_ID;
	if (whole != NO_ID) {
		emit(out, whole);
		return;
	}
	word_clear(&v->word);
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		if (pieces_find(v, s + i, len, hash_bytes(s + i, len)) != NO_ID) {
			word_bytes(&v->word, s + i, len);
			word_symbol(&v->word, len);
			fused = false;
			continue;
		}
		merge(v, out);
		unknown(v, s + i, len, &fused, out);
	}
	merge(v, out);
}

/* The likeliest pieces (Kudo 2018, arXiv:1804.10959): at each place the best way to it. */
static void
unigram_search(struct vocab *v, const unsigned char *s, size_t n)
{
	struct hf *h = v->hf;
	h->nodes = grow(h->nodes, &h->nodes_cap, n + 1, sizeof *h->nodes);
	for (size_t i = 0; i <= n; i++)
		h->nodes[i] = (struct hf_node){0, SIZE_MAX, NO_ID};
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		bool single = false;
		len = utf8_next(s + i, n - i, &cp);
		for (size_t k = len, next; k <= v->max_piece && i + k <= n; k += next) {
			uint32_t id = pieces_find(v, s + i, k, hash_bytes(s + i, k));
			struct hf_node *to = h->nodes + i + k;
			if (id != NO_ID) {
				double score = h->nodes[i].score + h->scores[id];
				if (to->from == SIZE_MAX || score > to->score)
					*to = (struct hf_node){score, i, id};
				single |= k == len;
			}
			next = i + k < n ? utf8_next(s + i + k, n - i - k, &cp) : 1;
		}
		struct hf_node *to = h->nodes + i + len;
		double score = h->nodes[i].score + h->unk_score;
		if (!single && (to->from == SIZE_MAX || score > to->score))
			*to = (struct hf_node){score, i, NO_ID};
	}
}

static void
encode_unigram(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	struct hf *h = v->hf;
	unigram_search(v, s, n);
	h->n_parts = 0;
	for (size_t i = n; i; i = h->nodes[i].from)
		part(h, h->nodes[i].from, i, h->nodes[i].id != NO_ID);
	bool fused = false;
	for (size_t i = h->n_parts; i-- > 0;) {
		const struct hf_part *p = h->parts + i;
		if (p->match) {
			emit(out, h->nodes[p->end].id);
			fused = false;
		} else
			unknown(v, s + p->begin, p->end - p->begin, &fused, out);
	}
}

static void
encode_words(struct vocab *v, const unsigned char *s, size_t n, bool first, struct ids *out)
{
	struct hf *h = v->hf;
	s = words(h, s, n, first);
	for (size_t i = 0; i < h->n_words; i++) {
		const struct hf_part *w = h->words + i;
		if (h->unigram)
			encode_unigram(v, s + w->begin, w->end - w->begin, out);
		else if (v->bpe)
			bpe_encode_word(v, s + w->begin, w->end - w->begin, out);
		else
			encode_chars(v, s + w->begin, w->end - w->begin, out);
	}
}

/* Added tokens. */

static bool
word_char(uint32_t cp)
{
	return cp == '_' || (U_BIT(unicode_cat(cp)) & (SET_L | SET_N | SET_M));
}

/* Whether no letter stands next to s[i..end). */
static bool
stands_alone(const struct source *t, size_t i, size_t end)
{
	uint32_t cp;
	size_t k = i;
	if (end < t->len && (utf8_next(t->s + end, t->len - end, &cp), word_char(cp)))
		return false;
	while (k && i - k < 4 && (k == i || (t->s[k] & 0xC0) == 0x80))
		k--;
	return !i || (utf8_next(t->s + k, i - k, &cp), !word_char(cp));
}

/* The added token at byte i, or NULL; `set`: 0, or 2 for those of normalized text. */
static const struct special *
added_at(const struct vocab *v, const struct source *t, unsigned set, size_t i)
{
	for (int control = t->special; control >= 0; control--) {
		const struct specials *list = &v->special[set + (unsigned)control];
		const struct special *sp = list->list ? specials_at(list, t->s + i, t->len - i) : NULL;
		bool ok = sp != NULL;
		for (size_t k = 0; ok && control && t->trusted && k < sp->n; k++)
			ok = t->trusted[i + k];
		if (ok && v->hf->flags[sp->id] & HF_SINGLE_WORD)
			ok = stands_alone(t, i, i + sp->n);
		if (ok)
			return sp;
	}
	return NULL;
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

/* Take added tokens out, and encode what is between them. */
static void
encode_added(struct vocab *v, const struct source *t, unsigned set, bool first, struct ids *out)
{
	const bool any = v->special[set].list || (t->special && v->special[set + 1].list);
	size_t from = 0;
	for (size_t i = 0; any && i < t->len;) {
		const struct special *sp = added_at(v, t, set, i);
		if (!sp) {
			i++;
			continue;
		}
		uint8_t flags = v->hf->flags[sp->id];
		size_t begin = flags & HF_LSTRIP ? blanks_before(t->s, from, i) : i;
		size_t end = flags & HF_RSTRIP ? blanks_behind(t->s, t->len, i + sp->n) : i + sp->n;
		encode_between(v, t, set, from, begin, first, out);
		emit(out, sp->id);
		from = i = end;
	}
	encode_between(v, t, set, from, t->len, first, out);
}

static void
encode_between(struct vocab *v, const struct source *t, unsigned set, size_t from, size_t to, bool first,
	struct ids *out)
{
	size_t n = to - from;
	if (from == to)
		return;
	if (set == 2) {
		encode_words(v, t->s + from, n, first && from == 0, out);
		return;
	}
	/* Where a part was normalized, whose bytes these are is only known if all are one's. */
	bool ours = t->special;
	for (size_t i = from; ours && t->trusted && i < to; i++)
		ours = t->trusted[i];
	const unsigned char *s = normalized(v->hf, t->s + from, &n);
	struct source part = {s, n, ours, NULL};
	/* encode_words() works in the buffers that hold the text, too */
	bool held = s == v->hf->text[0].s || s == v->hf->text[1].s;
	struct bytes own = {NULL, 0, 0};
	if (held) {
		own = v->hf->text[s == v->hf->text[1].s];
		v->hf->text[s == v->hf->text[1].s] = (struct bytes){NULL, 0, 0};
	}
	encode_added(v, &part, 2, first && from == 0, out);
	xfree(own.s);
}

void
hf_encode(struct vocab *v, const struct source *t, struct ids *out)
{
	encode_added(v, t, 0, true, out);
}

void
hf_free(struct hf *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_normalizers; i++)
		regex_free(h->normalizers[i].regex);
	for (size_t i = 0; i < h->n_pre; i++)
		regex_free(h->pre[i].regex);
	if (h->doc)
		json_free(h->doc);
	if (h->config)
		json_free(h->config);
	xfree(h->normalizers);
	xfree(h->pre);
	xfree(h->scores);
	xfree(h->flags);
	xfree(h->pieces);
	xfree(h->merges);
	xfree(h->paths);
	xfree(h->text[0].s);
	xfree(h->text[1].s);
	xfree(h->parts);
	xfree(h->words);
	xfree(h->nodes);
	xfree(h);
}
