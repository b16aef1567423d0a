/* vocab.c - vocabularies as their files hold them, and decoding; see vocab.h. */
#include "vocab.h"

#include <stdlib.h>
#include <string.h>

#include "weights/llama2c.h"
#include "json.h"
#include "unicode/unicode.h"
#include "vocab_hf.h"
#include "vocab_impl.h"

enum piece_type
vocab_type(const struct vocab *v, uint32_t id)
{
	return (enum piece_type)(v->type[id] & ~TYPE_EOG);
}

bool
vocab_is_eog(const struct vocab *v, uint32_t id)
{
	return v->type[id] & TYPE_EOG;
}

const uint32_t *
vocab_eog(const struct vocab *v, size_t *n)
{
	*n = v->n_eog;
	return v->eog;
}

uint32_t
vocab_size(const struct vocab *v)
{
	return v->n;
}

static struct str
spelling(const struct vocab *v, int32_t id)
{
	struct str s = {NULL, 0};
	if (id >= 0)
		s.p = vocab_spelling(v, (uint32_t)id, &s.n);
	return s;
}

struct str
vocab_bos_spelling(const struct vocab *v)
{
	return spelling(v, v->bos_piece);
}

struct str
vocab_eos_spelling(const struct vocab *v)
{
	return spelling(v, v->eos);
}

struct str
vocab_chat_template(const struct vocab *v)
{
	return v->template;
}

int32_t
vocab_bos(const struct vocab *v)
{
	return v->bos;
}

int32_t
vocab_eos(const struct vocab *v)
{
	return v->eos;
}

int32_t
vocab_unk(const struct vocab *v)
{
	return v->unk;
}

const char *
vocab_kind(const struct vocab *v)
{
	const bool bytes = v->bpe && (!v->hf || !v->hf->byte_fallback);
	if (v->unigram)
		return bytes ? "byte-level Unigram" : "Unigram";
	return bytes ? "byte-level BPE" : v->hf ? "BPE" : "SentencePiece BPE";
}

struct str
vocab_pre(const struct vocab *v)
{
	if (v->hf)
		return (struct str){(const char *)v->hf->pre_names.s, v->hf->pre_names.n};
	struct str pre = v->meta && v->bpe ? gguf_str(v->meta, "tokenizer.ggml.pre") : (struct str){"", 0};
	return v->pretok && !pre.n ? (struct str){"default", 7} : pre;
}

bool
vocab_space_prefix(const struct vocab *v)
{
	return v->space_prefix || (v->hf && v->hf->join != HF_JOIN);
}

uint64_t
vocab_fingerprint(const struct vocab *v)
{
	if (v->printed)
		return v->print;
	uint64_t h = v->n;
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t n;
		const unsigned char *p = piece(v, id, &n);
		h = print_piece(h, p, n, piece_is_wide(v, p));
	}
	return print_end(h);
}

const char *
vocab_spelling(const struct vocab *v, uint32_t id, size_t *n)
{
	uint32_t len;
	const char *p = (const char *)piece(v, id, &len);
	/* llama2.c sets its control pieces between newlines: "\n<s>\n". */
	if (v->llama2c && vocab_type(v, id) == PIECE_CONTROL && len >= 2 && p[0] == '\n' &&
		p[len - 1] == '\n') {
		p++;
		len -= 2;
	}
	*n = len;
	return p;
}

int
byte_spelling(const unsigned char *p, size_t n)
{
	static const char hex[] = "0123456789ABCDEF0123456789abcdef";
	if (n != 6 || memcmp(p, "<0x", 3) || p[5] != '>')
		return -1;
	const char *a = memchr(hex, p[3], 32), *b = memchr(hex, p[4], 32);
	return a && b ? (int)((a - hex) % 16 * 16 + (b - hex) % 16) : -1;
}

/* What spells a space (U+2581, if tokenizer.json knows no better) becomes one. */
static size_t
spm_text(const struct vocab *v, char *out, const unsigned char *p, size_t n)
{
	struct str space = v->hf ? v->hf->space : (struct str){SPM_SPACE, SPM_SPACE_LEN};
	size_t len = 0;
	for (size_t i = 0; i < n;) {
		const unsigned char *at = space.n ? memchr(p + i, space.p[0], n - i) : NULL;
		const size_t before = at ? (size_t)(at - p) - i : n - i;
		memcpy(out + len, p + i, before);
		len += before;
		i += before;
		if (i == n)
			break;
		const bool is = n - i >= space.n && !memcmp(at, space.p, space.n);
		out[len++] = is ? ' ' : (char)p[i];
		i += is ? space.n : 1;
	}
	return len;
}

/* Characters become the bytes that they stand for; others stay. */
static size_t
bpe_text(char *out, const unsigned char *p, size_t n)
{
	size_t len = 0;
	for (size_t i = 0, k; i < n; i += k) {
		uint32_t cp;
		k = utf8_next(p + i, n - i, &cp);
		int byte = k == 1 && cp == CP_INVALID ? -1 : bpe_byte(cp);
		if (byte >= 0) {
			out[len++] = (char)byte;
		} else {
			memcpy(out + len, p + i, k);
			len += k;
		}
	}
	return len;
}

const char *
vocab_text(struct vocab *v, uint32_t id, bool special, size_t *n)
{
	uint32_t len;
	const unsigned char *p = piece(v, id, &len);
	if (len + 4 > v->said_cap)
		v->said = grow(v->said, &v->said_cap, (size_t)len + 4, 1);
	switch (vocab_type(v, id)) {
	case PIECE_CONTROL:
	case PIECE_UNKNOWN:
		if (special)
			return vocab_spelling(v, id, n);
		*n = vocab_type(v, id) == PIECE_UNKNOWN ? 3 : 0;
		return "\xEF\xBF\xBD"; /* U+FFFD */
	case PIECE_USER:
		if (v->hf ? !v->bpe : v->sp && id < v->sp->n_model)
			break; /* spelled as others are */
		return vocab_spelling(v, id, n);
	case PIECE_BYTE:
		v->said[0] = (char)byte_spelling(p, len);
		*n = 1;
		return v->said;
	default:
		break;
	}
	if (v->llama2c)
		return vocab_spelling(v, id, n);
	*n = v->bpe ? bpe_text(v->said, p, len) : spm_text(v, v->said, p, len);
	return v->said;
}

/* Where spaces are no part of the pieces; *none: no space is due before this one. */
static const char *
joined_text(struct vocab *v, uint32_t id, bool special, bool *none, size_t *n)
{
	const struct hf *h = v->hf;
	const char *text = vocab_text(v, id, special, n);
	const struct str suffix = h->suffix_text;
	const bool space = *n && !*none;
	if (!*n)
		return text;
	bool ends = h->join == HF_JOIN_SPACED;
	if (h->join == HF_JOIN_SUFFIX && suffix.n && *n >= suffix.n && !memcmp(text + *n - suffix.n, suffix.p, suffix.n)) {
		*n -= suffix.n;
		ends = true;
	}
	memmove(v->said + space, text, *n); /* vocab_text() left room for one more */
	if (space)
		v->said[0] = ' ';
	*n += space;
	*none = !ends;
	return v->said;
}

const char *
vocab_line_text(struct vocab *v, uint32_t id, bool special, bool *prefix, size_t *n)
{
	if (v->hf && v->hf->join != HF_JOIN)
		return joined_text(v, id, special, prefix, n);
	enum piece_type type = vocab_type(v, id);
	const char *text = vocab_text(v, id, special, n);
	if (v->sp && type == PIECE_USER && id < v->sp->n_model)
		type = PIECE_NORMAL;
	if (type == PIECE_CONTROL || type == PIECE_USER || (type == PIECE_UNKNOWN && special)) {
		*prefix = v->space_prefix && !hf_prefix_once(v);
		return text;
	}
	bool drop = *prefix && *n && *text == ' ';
	if (*n)
		*prefix = false;
	*n -= drop;
	return text + drop;
}

bool
vocab_text_stays(const struct vocab *v, uint32_t id)
{
	const enum piece_type type = vocab_type(v, id);
	if (v->hf && v->hf->join != HF_JOIN)
		return false;
	/* behind these a space may be due */
	return !v->space_prefix || hf_prefix_once(v) || (type != PIECE_CONTROL && type != PIECE_USER && type != PIECE_UNKNOWN);
}

void
emit(struct ids *out, uint32_t id)
{
	if (*out->n == *out->cap)
		*out->p = grow(*out->p, out->cap, *out->n + 1, sizeof **out->p);
	(*out->p)[(*out->n)++] = id;
}

static void
encode_part(struct vocab *v, const unsigned char *s, size_t n, bool prefix, bool begun, size_t context, struct ids *out)
{
	if (v->sp && (n || begun))
		sp_encode(v, s, n, prefix, begun, out);
	else if (n && v->steps)
		hf_encode_words(v, v->steps, s, n, (struct vocab_part){.begun = begun, .context = context}, false, false, out);
	else if (n && v->bpe)
		bpe_encode_rest(v, s, n, context, out);
	else if (n)
		spm_encode(v, s, n, prefix, out);
}

/* Phi-3's special pieces take the white space behind them along, but for these. */
static bool
strips(const struct vocab *v, const struct special *sp)
{
	struct str s = {(const char *)sp->p, sp->n};
	return v->rstrip && !str_is(s, "<unk>") && !str_is(s, "<s>") && !str_is(s, "<|endoftext|>");
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void
prepare(struct vocab *v)
{
	if (!v->ready) {
		cache_make(&v->cache);
		if (v->hf)
			hf_prepare(v);
		else if (v->sp)
			sp_prepare(v);
		else if (v->bpe)
			bpe_prepare(v);
		else
			spm_prepare(v);
		v->ready = true;
	}
	for (unsigned which = 0; which < 4; which++)
		if (!v->special[which].built && (which < 2 || v->hf))
			specials_index(v, which);
}

/* SentencePiece's own user-defined pieces are found later, in normalized text. */
static bool
within_text(const struct vocab *v, const struct special *sp)
{
	return v->sp && sp->id < v->sp->n_model && vocab_type(v, sp->id) == PIECE_USER;
}

/* The special piece to take at byte i, or NULL. */
static const struct special *
special_at(struct vocab *v, const struct source *t, size_t i)
{
	const struct special *sp;
	if (t->special && v->special[1].list && (sp = specials_at(&v->special[1], t->s + i, t->len - i))) {
		bool ok = true;
		for (size_t k = 0; t->trusted && k < sp->n; k++)
			ok &= t->trusted[i + k];
		if (ok && !within_text(v, sp))
			return sp;
	}
	sp = v->special[0].list ? specials_at(&v->special[0], t->s + i, t->len - i) : NULL;
	return sp && !within_text(v, sp) ? sp : NULL;
}

/* What is certain of a stretch that goes on. */
static struct taken
stretch_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, bool begun, size_t context, struct ids *out)
{
	if (v->sp)
		return (struct taken){.n = sp_encode_begun(v, s, n, prefix, begun, out)};
	if (v->steps)
		return hf_encode_words(v, v->steps, s, n, (struct vocab_part){.begun = begun, .context = context}, false, true, out);
	return v->bpe ? bpe_encode_begun(v, s, n, context, out) : spm_encode_begun(v, s, n, prefix, out);
}

static struct taken
encode(struct vocab *v, const struct source *t, struct ids out)
{
	const unsigned char *s = t->s;
	prepare(v);
	if (v->hf)
		return hf_encode(v, t, &out);
	bool prefix = v->space_prefix && !t->part.begun;
	size_t from = 0, context = t->part.context, i = context;
	size_t len = !t->more ? t->len : t->len > v->longest ? t->len - v->longest : 0; /* a special may be cut off behind it */
	while (v->special[t->special].list && i < len) {
		const struct special *sp = special_at(v, t, i);
		if (!sp) {
			i++;
			continue;
		}
		size_t end = i + sp->n;
		while (t->special && end < len && is_blank(s[end]) && strips(v, sp))
			end++;
		if (t->more && end >= len && t->special && strips(v, sp)) { /* more of them may follow */
			len = i;
			break;
		}
		encode_part(v, s + from, i - from, prefix, !from && t->part.begun, context, &out);
		emit(&out, sp->id);
		prefix = v->space_prefix;
		context = 0;
		i = from = end;
	}
	struct taken k = {0};
	if (!t->more) {
		encode_part(v, s + from, len - from, prefix, !from && t->part.begun, context, &out);
		return k;
	}
	if (from < len)
		k = stretch_begun(v, s + from, len - from, prefix, !from && t->part.begun, context, &out);
	k.begun = k.n ? true : !from && t->part.begun;
	k.n += from;
	k.head += from;
	return k;
}

void
vocab_encode(struct vocab *v, const char *text, size_t len, bool special, uint32_t **ids,
	size_t *n, size_t *cap)
{
	struct source t = {.s = (const unsigned char *)text, .len = len, .special = special};
	encode(v, &t, (struct ids){ids, n, cap});
}

void
vocab_encode_trusted(struct vocab *v, const char *text, size_t len, const bool *trusted, uint32_t **ids,
	size_t *n, size_t *cap)
{
	struct source t = {.s = (const unsigned char *)text, .len = len, .special = true, .trusted = trusted};
	encode(v, &t, (struct ids){ids, n, cap});
}

/* Whether a text can be encoded while it comes. */
static bool
goes_on(struct vocab *v, bool special)
{
	uint8_t *known = v->goes_on + special;
	if (!*known && v->hf)
		*known = hf_goes_on(v, special) ? 1 : 2;
	else if (!*known)
		*known = !v->steps || hf_words_go_on(v->steps) ? 1 : 2;
	return *known == 1;
}

size_t
taken_away(struct taken k, struct vocab_part *part, unsigned char *text, size_t len)
{
	if (!k.n)
		return len;
	memmove(text, text + k.head, k.n_head);
	memmove(text + k.n_head, text + k.n, len - k.n);
	*part = (struct vocab_part){.begun = k.begun, .later = true, .letter = k.letter, .context = k.context};
	return len - k.n + k.n_head;
}

size_t
vocab_encode_begun(struct vocab *v, struct vocab_part *part, char *text, size_t len, bool special, uint32_t **ids,
	size_t *n, size_t *cap)
{
	struct source t = {.s = (const unsigned char *)text, .len = len, .special = special, .more = true, .part = *part};
	prepare(v);
	part->enough = SIZE_MAX;
	if (!goes_on(v, special))
		return len;
	len = taken_away(encode(v, &t, (struct ids){ids, n, cap}), part, (unsigned char *)text, len);
	part->enough = worth_another_try(v, len);
	return len;
}

void
vocab_encode_rest(struct vocab *v, const struct vocab_part *part, const char *text, size_t len, bool special, uint32_t **ids,
	size_t *n, size_t *cap)
{
	struct source t = {.s = (const unsigned char *)text, .len = len, .special = special, .part = *part};
	encode(v, &t, (struct ids){ids, n, cap});
}

void
vocab_free(struct vocab *v)
{
	if (!v)
		return;
	if (v->gguf)
		gguf_free(v->gguf);
	xfree(v->own_path);
	xfree(v->at);
	xfree(v->mark);
	xfree(v->merge.at);
	xfree(v->type);
	xfree(v->eog);
	xfree(v->said);
	table_free(&v->pieces);
	table_free(&v->merges);
	spelled_free(&v->runs);
	word_free(&v->word);
	pairs_free(&v->pairs);
	xfree(v->chars);
	cache_free(&v->cache);
	xfree(v->unknown.text.s);
	xfree(v->joined);
	for (int i = 0; i < 4; i++)
		xfree(v->special[i].list);
	unigram_free(v->unigram);
	sp_free(v->sp);
	if (v->config)
		json_free(v->config);
	if (v->template_doc)
		json_free(v->template_doc);
	hf_free(v->hf);
	hf_free(v->steps);
	xfree(v);
}
