/* vocab_hf_load.c - read tokenizer.json and what lies beside it; see vocab_hf.h. */
#include "vocab_hf.h"

#include "unicode/unicode.h"

#include <math.h>
#include <string.h>

enum { STEPS_MAX = 32, NESTED_MAX = 8, LITERAL_MAX = 4096 };

enum { PIECES, MERGES };
struct loader {
	struct vocab *v;
	struct hf *h;
	const struct json_doc *d;	/* tokenizer.json */
	const char *path;
	struct json_flat flat[2];	/* the pieces in the order of the file, and the merges */
	struct hf_step steps[STEPS_MAX];
	size_t n_steps;
};

static struct str
type_of(const struct loader *l, const struct json *v)
{
	return json_str(l->d, json_get(l->d, v, "type"));
}

static _Noreturn void
unsupported(const struct loader *l, const char *what, struct str type, const char *known)
{
	die("%s: %s '%.*s' is not known here%s", l->path, what, (int)(type.n < 64 ? type.n : 64), type.p ? type.p : "", known);
}

static bool
flag(const struct loader *l, const struct json *v, const char *key, bool missing)
{
	return json_bool(l->d, json_get(l->d, v, key), key, missing);
}

static struct hf_step *
step(struct loader *l, enum hf_kind kind)
{
	if (l->n_steps == STEPS_MAX)
		die("%s: more than %d normalizers or pre-tokenizers", l->path, STEPS_MAX);
	l->steps[l->n_steps] = (struct hf_step){.kind = kind};
	return l->steps + l->n_steps++;
}

static struct str
builtin(const char *text)
{
	return (struct str){text, strlen(text)};
}

/* {"String": "x"} or {"Regex": "x"} */
static void
pattern(const struct loader *l, const struct json *v, struct hf_step *s)
{
	const struct json *p = json_get(l->d, v, "pattern");
	struct str regex = json_str(l->d, json_get(l->d, p, "Regex"));
	s->literal = json_str(l->d, json_get(l->d, p, "String"));
	if (regex.p || (s->literal.p && !s->literal.n))
		s->pattern = regex.p ? regex : (struct str){"", 0}; /* of nothing, it matches everywhere */
	else if (!s->literal.p)
		die("%s: a pattern is neither a Regex nor a String", l->path);
	else if (s->literal.n > LITERAL_MAX)
		die("%s: a pattern of %zu bytes is too long", l->path, s->literal.n);
}

static enum hf_behavior
behavior(const struct loader *l, const struct json *v, enum hf_behavior missing)
{
	static const char *const names[] = {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"};
	struct str s = json_str(l->d, json_get(l->d, v, "behavior"));
	for (int i = 0; i < 5; i++)
		if (str_is(s, names[i]))
			return (enum hf_behavior)i;
	if (s.p)
		unsupported(l, "behavior", s, "");
	return missing;
}

/* The steps of a list, for a Sequence. */
typedef void read_fn(struct loader *l, const struct json *v, int depth);
static void
each(struct loader *l, const struct json *list, read_fn *read, int depth)
{
	if (!json_is(list, JSON_ARRAY) || depth == NESTED_MAX)
		die("%s: a Sequence is no list, or too deep", l->path);
	const struct json *c = json_first(list);
	for (size_t i = 0; i < list->n; i++, c = json_next(c))
		read(l, c, depth + 1);
}

/* base64 (RFC 4648), at most s.n * 3 / 4 bytes; SIZE_MAX: it is none. */
static size_t
base64(struct str s, unsigned char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint32_t bits = 0, n_bits = 0;
	size_t n = 0;
	while (s.n && s.p[s.n - 1] == '=')
		s.n--;
	for (size_t i = 0; i < s.n; i++) {
		const char *d = s.p[i] ? strchr(digits, s.p[i]) : NULL;
		if (!d)
			return SIZE_MAX;
		bits = bits << 6 | (uint32_t)(d - digits);
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (unsigned char)(bits >> n_bits);
		}
	}
	return n;
}

static void
read_charsmap(struct loader *l, const struct json *v)
{
	struct hf_step *s = step(l, HF_CHARSMAP);
	struct str text = json_str(l->d, json_get(l->d, v, "precompiled_charsmap"));
	s->blob = xcalloc(text.n + 1, 1);
	size_t n = base64(text, s->blob);
	if (n == SIZE_MAX)
		die("%s: precompiled_charsmap is no base64", l->path);
	s->charsmap = charsmap_read(l->path, s->blob, n);
}

static void
read_normalizer(struct loader *l, const struct json *v, int depth)
{
	static const struct {
		const char *name;
		enum hf_kind kind;
	} plain[] = {
		{"NFC", HF_NFC}, {"NFD", HF_NFD}, {"NFKC", HF_NFKC}, {"NFKD", HF_NFKD}, {"Lowercase", HF_LOWERCASE},
		{"StripAccents", HF_STRIP_ACCENTS}, {"Nmt", HF_NMT}, {"ByteLevel", HF_SPELL},
	};
	struct hf_step *s;
	if (!v || v->type == JSON_NULL)
		return;
	struct str type = type_of(l, v);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (str_is(type, plain[i].name)) {
			step(l, plain[i].kind);
			if (plain[i].kind == HF_SPELL)
				l->v->bpe = l->h->spelled = true;
			return;
		}
	if (str_is(type, "Sequence"))
		each(l, json_get(l->d, v, "normalizers"), read_normalizer, depth);
	else if (str_is(type, "Replace")) {
		s = step(l, HF_REPLACE);
		pattern(l, v, s);
		s->text = json_str(l->d, json_get(l->d, v, "content"));
	} else if (str_is(type, "Prepend"))
		step(l, HF_PREPEND)->text = json_str(l->d, json_get(l->d, v, "prepend"));
	else if (str_is(type, "Strip")) {
		s = step(l, HF_STRIP);
		s->left = flag(l, v, "strip_left", true);
		s->right = flag(l, v, "strip_right", true);
	} else if (str_is(type, "Precompiled"))
		read_charsmap(l, v);
	else
		unsupported(l, "normalizer", type, "");
}

static void
read_metaspace(struct loader *l, const struct json *v)
{
	struct hf_step *s = step(l, HF_METASPACE);
	struct str scheme = json_str(l->d, json_get(l->d, v, "prepend_scheme"));
	s->literal = s->text = json_str(l->d, json_get(l->d, v, "replacement"));
	if (!s->text.n)
		die("%s: Metaspace without a replacement", l->path);
	s->behavior = HF_WITH_NEXT;
	s->split = flag(l, v, "split", true);
	bool always = scheme.p ? str_is(scheme, "always") : flag(l, v, "add_prefix_space", true);
	s->prefix = always ? HF_ALWAYS : str_is(scheme, "first") ? HF_FIRST : HF_NEVER;
	l->v->space_prefix = s->prefix != HF_NEVER;
	l->h->prefix_once = s->prefix == HF_FIRST;
}

static void
read_bytes(struct loader *l, const struct json *v)
{
	struct hf_step *s = step(l, HF_BYTES);
	s->behavior = HF_ISOLATED;
	s->prefix = flag(l, v, "add_prefix_space", true) ? HF_ALWAYS : HF_NEVER;
	if (flag(l, v, "use_regex", true))
		s->pattern = builtin("'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");
	l->v->bpe = true;
	l->v->space_prefix |= s->prefix != HF_NEVER;
}

/* A Split by a pattern of ours. */
static void
fixed_split(struct loader *l, const char *regex, enum hf_behavior behavior, bool invert)
{
	struct hf_step *s = step(l, HF_SPLIT);
	s->pattern = builtin(regex);
	s->behavior = behavior;
	s->invert = invert;
}

/* Punctuation as the library's tables (of Unicode 8) have it: \p{P} without what came later. */
#define PUNCTUATION \
	"[!-/:-@\\[-`{-~\\x{166D}\\x{111C9}[\\p{P}&&[^\\x{61D}\\x{9FD}\\x{A76}\\x{C77}\\x{C84}\\x{1B4E}\\x{1B4F}\\x{1B7D}-\\x{1B7F}" \
	"\\x{2E43}-\\x{2E5D}\\x{10D6E}\\x{10EAD}\\x{10F55}-\\x{10F89}\\x{113D4}-\\x{113D8}\\x{1144B}-\\x{1145D}\\x{11660}-\\x{1166C}" \
	"\\x{116B9}\\x{1183B}\\x{11944}-\\x{11946}\\x{119E2}\\x{11A3F}-\\x{11A46}\\x{11A9A}-\\x{11AA2}\\x{11B00}-\\x{11B09}\\x{11BE1}" \
	"\\x{11C41}-\\x{11C71}\\x{11EF7}-\\x{11EF8}\\x{11F43}-\\x{11FFF}\\x{12FF1}\\x{12FF2}\\x{16D6D}-\\x{16D6F}\\x{16E97}-\\x{16E9A}" \
	"\\x{16FE2}\\x{1E5FF}\\x{1E95E}\\x{1E95F}]]]"
/* \w of Rust's regular expressions, which has two joiners more. */
#define WORD "[\\w\\x{200C}\\x{200D}]"

/* Those that are a pattern; whether `type` is one of them. */
static bool
read_fixed_split(struct loader *l, const struct json *v, struct str type)
{
	if (str_is(type, "Punctuation"))
		fixed_split(l, PUNCTUATION, behavior(l, v, HF_ISOLATED), false);
	else if (str_is(type, "WhitespaceSplit"))
		fixed_split(l, "\\s", HF_REMOVED, false);
	else if (str_is(type, "Whitespace"))
		fixed_split(l, WORD "+|[^\\w\\s\\x{200C}\\x{200D}]+", HF_REMOVED, true);
	else if (str_is(type, "BertPreTokenizer")) {
		fixed_split(l, "\\s", HF_REMOVED, false);
		fixed_split(l, PUNCTUATION, HF_ISOLATED, false);
	} else if (str_is(type, "Digits"))
		fixed_split(l, PRETOK_NUMBER, flag(l, v, "individual_digits", false) ? HF_ISOLATED : HF_CONTIGUOUS, false);
	else
		return false;
	return true;
}

static void
read_pre_tokenizer(struct loader *l, const struct json *v, int depth)
{
	if (!v || v->type == JSON_NULL)
		return;
	struct str type = type_of(l, v);
	const bool sequence = str_is(type, "Sequence");
	if (l->v->bpe && !sequence)
		l->h->spelled = true; /* what comes behind ByteLevel sees its characters */
	if (sequence)
		each(l, json_get(l->d, v, "pretokenizers"), read_pre_tokenizer, depth);
	else if (str_is(type, "Split")) {
		struct hf_step *s = step(l, HF_SPLIT);
		pattern(l, v, s);
		s->behavior = behavior(l, v, HF_ISOLATED);
		s->invert = flag(l, v, "invert", false);
	} else if (str_is(type, "CharDelimiterSplit")) {
		struct hf_step *s = step(l, HF_SPLIT);
		s->literal = json_str(l->d, json_get(l->d, v, "delimiter"));
		if (!s->literal.n || s->literal.n > LITERAL_MAX)
			die("%s: CharDelimiterSplit without a delimiter", l->path);
		s->behavior = HF_REMOVED;
	} else if (str_is(type, "ByteLevel"))
		read_bytes(l, v);
	else if (str_is(type, "Metaspace"))
		read_metaspace(l, v);
	else if (!read_fixed_split(l, v, type))
		unsupported(l, "pre-tokenizer", type, "");
	if (!sequence)
		bytes_print(&l->h->pre_names, "%s%.*s", l->h->pre_names.n ? " " : "", (int)type.n, type.p);
}

/* Whether all the steps together are a pre-tokenizer of pretok.h: words of bytes, which patterns known there isolate. */
static bool
known_words(struct loader *l)
{
	for (size_t i = 0; i < l->n_steps; i++) {
		const struct hf_step *s = l->steps + i;
		const bool bytes = s->kind == HF_BYTES && s->prefix == HF_NEVER && i + 1 == l->n_steps;
		if (bytes && !s->pattern.p && i > 0)
			return true;
		if ((s->kind != HF_SPLIT && !bytes) || !s->pattern.p || !pretok_add(&l->h->pretok, s->pattern.p, s->pattern.n))
			return false;
		const bool removed = s->behavior == HF_REMOVED && s->invert; /* what the pattern leaves, where that is nothing */
		if (removed ? i || l->h->pretok.plain < PLAIN_CASED : s->behavior != HF_ISOLATED || s->invert)
			return false;
		if (bytes)
			return true;
	}
	return false;
}

/* Whether the normalizers do nothing but spell spaces as SPM_SPACE, and the pre-tokenizers look for spaces, of which none is left. */
static bool
only_spaces(const struct hf *h)
{
	size_t n = 0;
	for (size_t i = 0; i < h->n_normalizers; i++) {
		const struct hf_step *s = h->normalizers + i;
		const bool spelled = str_is(s->text, SPM_SPACE), last = i + 1 == h->n_normalizers;
		if (!spelled || !(s->kind == HF_PREPEND ? i == 0 && !last : s->kind == HF_REPLACE && last && str_is(s->literal, " ")))
			return false;
		n += last;
	}
	for (size_t i = 0; i < h->n_pre; i++)
		if (h->pre[i].kind != HF_SPLIT || h->pre[i].invert || !str_is(h->pre[i].literal, " "))
			return false;
	return n == 1;
}

/* The steps read so far, to be kept. */
static struct hf_step *
keep_steps(struct loader *l, size_t *n, bool compile)
{
	for (size_t i = 0; compile && i < l->n_steps; i++)
		if (l->steps[i].pattern.p)
			l->steps[i].regex = regex_new(l->path, l->steps[i].pattern);
	struct hf_step *s = xcalloc(l->n_steps + 1, sizeof *s);
	memcpy(s, l->steps, l->n_steps * sizeof *s);
	*n = l->n_steps;
	l->n_steps = 0;
	return s;
}

/* Pieces. */

static uint32_t
read_id(const struct loader *l, const struct json *v)
{
	return (uint32_t)json_uint(l->d, v, "id", UINT32_MAX, 0, VOCAB_MAX - 1);
}

/* A Unigram's pair: the piece and its score. */
static void
read_scored(struct loader *l, const struct json *pair, uint32_t id)
{
	struct unigram *u = l->v->unigram;
	const bool is_pair = json_is(pair, JSON_ARRAY) && pair->n == 2 && json_is(json_first(pair), JSON_STRING);
	if (!is_pair)
		die("%s: entry %u of the vocabulary is no pair of a piece and its score", l->path, (unsigned)id);
	l->flat[PIECES].string[id] = json_span(json_first(pair));
	double score = json_float(l->d, json_next(json_first(pair)), "a score", 0);
	if (!(fabs(score) < 1e30))
		die("%s: the score of piece %u is no number", l->path, (unsigned)id);
	u->scores[id] = score;
	if (score - 10 < u->unk_score)
		u->unk_score = score - 10;
}

/* The pieces, where they have nodes. */
static void
pieces_from_nodes(struct loader *l, const struct json *vocab)
{
	struct json_flat *f = l->flat + PIECES;
	f->string = xreallocarray(NULL, vocab->n, sizeof *f->string);
	f->number = l->v->unigram ? NULL : xreallocarray(NULL, vocab->n, sizeof *f->number);
	const struct json *c = json_first(vocab);
	for (uint32_t i = 0; i < vocab->n; i++, c = json_next(c)) {
		if (l->v->unigram) {
			read_scored(l, c, i);
			continue;
		}
		f->string[i] = json_span(c);
		c = json_next(c);
		f->number[i] = read_id(l, c);
		if (f->number[i] == UINT32_MAX)
			die("%s: a piece has no id", l->path);
	}
	f->n = vocab->n;
}

static uint32_t
id_of(const struct json_flat *f, size_t i)
{
	return f->number ? f->number[i] : (uint32_t)i;
}

/* The largest id + 1 of the pieces and the added tokens. */
static uint32_t
ids_end(const struct loader *l, const struct json *added)
{
	const struct json_flat *f = l->flat + PIECES;
	uint32_t end = 0;
	for (size_t i = 0; i < f->n; i++) {
		if (id_of(f, i) >= VOCAB_MAX)
			die("%s: 'id' is %u, not a whole number from 0 to %u", l->path, (unsigned)id_of(f, i), VOCAB_MAX - 1);
		end = id_of(f, i) >= end ? id_of(f, i) + 1 : end;
	}
	const struct json *c = json_first(added);
	for (size_t i = 0; json_is(added, JSON_ARRAY) && i < added->n; i++, c = json_next(c)) {
		uint32_t id = read_id(l, json_get(l->d, c, "id"));
		if (id == UINT32_MAX)
			die("%s: an added token has no id", l->path);
		end = id >= end ? id + 1 : end;
	}
	return end;
}

static void
set_piece(struct loader *l, uint32_t id, struct span s)
{
	struct vocab *v = l->v;
	const struct span old = v->at[id];
	const char *a = (const char *)span_at(v->text, old), *b = (const char *)span_at(v->text, s);
	if (old.off && !(old.n == s.n && !memcmp(a, b, s.n)))
		die("%s: id %u is two pieces, '%.*s' and '%.*s'", l->path, (unsigned)id, (int)(old.n < 64 ? old.n : 64), a,
			(int)(s.n < 64 ? s.n : 64), b);
	v->at[id] = s;
}

/* Let v->at say where the pieces are; if they stand in the order of their ids, it is the list of them. */
static void
place_pieces(struct loader *l)
{
	struct json_flat *f = l->flat + PIECES;
	struct vocab *v = l->v;
	if (!f->number) {
		v->at = f->string;
		f->string = NULL;
	}
	vocab_room(v);
	if (!f->number) {
		memset(v->at + f->n, 0, (v->n - f->n) * sizeof *v->at);
		memset(l->h->flags, HF_MODEL, f->n);
		return;
	}
	memset(v->at, 0, v->n * sizeof *v->at);
	for (size_t i = 0; i < f->n; i++) {
		set_piece(l, f->number[i], f->string[i]);
		if (l->h->flags[f->number[i]])
			die("%s: id %u stands twice", l->path, (unsigned)f->number[i]);
		l->h->flags[f->number[i]] = HF_MODEL;
	}
}

static void
read_vocab(struct loader *l, const struct json *model, const struct json *added, const char *dir)
{
	const struct json *vocab = json_get(l->d, model, "vocab");
	struct json_flat *f = l->flat + PIECES;
	struct vocab *v = l->v;
	const bool flat = f->n;
	const size_t n = flat ? f->n : vocab ? vocab->n : 0;
	if (!json_is(vocab, v->unigram ? JSON_ARRAY : JSON_OBJECT) || !n || n >= VOCAB_MAX)
		die("%s: no vocabulary in it (model.vocab)", l->path);
	if (v->unigram) {
		v->unigram->scores = xcalloc(n, sizeof *v->unigram->scores);
		v->unigram->unk_score = INFINITY;
	}
	if (!flat)
		pieces_from_nodes(l, vocab);
	v->n = ids_end(l, added);
	const size_t count = n + (json_is(added, JSON_ARRAY) ? added->n : 0);
	if (v->n / 4 > count + 65536)
		die("%s: ids up to %u for %zu pieces", l->path, (unsigned)v->n, count);
	v->n = vocab_padded(dir, v->n);
	if (v->unigram) {
		v->unigram->scores = xreallocarray(v->unigram->scores, v->n, sizeof *v->unigram->scores);
		memset(v->unigram->scores + n, 0, (v->n - n) * sizeof *v->unigram->scores);
	}
	l->h->flags = xcalloc(v->n, 1);
	l->h->n_flags = v->n;
	place_pieces(l);
}

/* What an added token says of itself. */
static void
read_added_token(struct loader *l, const struct json *token)
{
	static const struct {
		const char *key;
		uint8_t bit;
	} flags[] = {{"lstrip", HF_LSTRIP}, {"rstrip", HF_RSTRIP}, {"single_word", HF_SINGLE_WORD}, {"normalized", HF_NORMALIZED}};
	struct vocab *v = l->v;
	uint32_t id = read_id(l, json_get(l->d, token, "id"));
	const struct json *content = json_get(l->d, token, "content");
	struct str s = json_str(l->d, content);
	if (!s.p)
		die("%s: added token %u has no content", l->path, (unsigned)id);
	set_piece(l, id, json_span(content));
	int known = vocab_known_piece((const unsigned char *)s.p, (uint32_t)s.n);
	const bool special = flag(l, token, "special", false);
	v->type[id] = (uint8_t)((v->type[id] & TYPE_EOG) | (special || known ? PIECE_CONTROL : PIECE_USER)); /* it may be there twice */
	for (size_t k = 0; k < 4; k++)
		if (flag(l, token, flags[k].key, k == 3 && !special))
			l->h->flags[id] |= flags[k].bit;
	if (known == 2)
		vocab_mark_eog(v, id);
}

static void
read_added(struct loader *l, const struct json *added)
{
	const struct json *c = json_first(added);
	for (size_t i = 0; json_is(added, JSON_ARRAY) && i < added->n; i++, c = json_next(c))
		read_added_token(l, c);
}

/* The types of the model's own pieces. */
static void
set_types(struct loader *l)
{
	struct vocab *v = l->v;
	for (uint32_t id = 0; id < v->n; id++) {
		const struct span s = v->at[id];
		const bool byte = l->h->byte_fallback && s.n == 6 && *span_at(v->text, s) == '<' && byte_spelling(span_at(v->text, s), s.n) >= 0;
		if (!v->type[id])
			v->type[id] = !s.off ? PIECE_UNUSED : byte ? PIECE_BYTE : PIECE_NORMAL;
	}
}

/* The two parts of a merge: "a b" or ["a", "b"]. */
static void
two_parts(const struct json_doc *d, const struct json *m, struct str part[2])
{
	struct str s = json_str(d, m);
	if (s.p) {
		const char *gap = s.n ? memchr(s.p, ' ', s.n) : NULL;
		if (gap) {
			part[0] = (struct str){s.p, (size_t)(gap - s.p)};
			part[1] = (struct str){gap + 1, s.n - part[0].n - 1};
		}
	} else if (json_is(m, JSON_ARRAY) && m->n == 2) {
		part[0] = json_str(d, json_first(m));
		part[1] = json_str(d, json_next(json_first(m)));
	}
	if (!part[0].n || !part[1].n || memchr(part[0].p, ' ', part[0].n) || memchr(part[1].p, ' ', part[1].n))
		die("%s: a merge is not two pieces without spaces", d->name);
}

/* Merges that have nodes, laid out anew. */
static void
merges_from_nodes(struct vocab *v, const struct json_doc *d, const struct json *list)
{
	struct bytes out = {NULL, 0, 0};
	struct merge_list *to = &v->merge;
	to->at = xreallocarray(NULL, list->n, sizeof *to->at);
	const struct json *c = json_first(list);
	for (size_t i = 0; i < list->n; i++, c = json_next(c)) {
		struct str part[2] = {{NULL, 0}, {NULL, 0}};
		two_parts(d, c, part);
		const size_t off = out.n;
		bytes_add(&out, part[0].p, part[0].n);
		bytes_add(&out, " ", 1);
		bytes_add(&out, part[1].p, part[1].n);
		if (out.n >= SPAN_SECOND)
			die("%s: merges of more than 2 GB", d->name);
		to->at[i] = (struct span){(uint32_t)off, (uint32_t)(out.n - off)};
	}
	v->hf->merges_text = out.s;
	to->text[0] = out.s;
	to->tail = tail_of(out.s, out.n);
	to->gap[0] = builtin(" ");
	to->n = list->n;
}

/* What was found of the pieces in the order of the file, by their ids. */
static void
take_runs(struct vocab *v, struct spelled *s, const struct json_flat *pieces)
{
	uint32_t *first = s->first;
	if (!first)
		return;
	v->runs = *s;
	if (!pieces->number) {
		v->runs.first = first = xreallocarray(first, v->n, sizeof *first);
		memset(first + s->n, 0, (v->n - s->n) * sizeof *first);
		return;
	}
	v->runs.first = xcalloc(v->n, sizeof *first);
	for (size_t i = 0; i < s->n; i++)
		v->runs.first[pieces->number[i]] = first[i];
	xfree(first);
}

/* The merges as they were read: those of f or, where it has none, the list of document d. */
static void
take_merges(struct vocab *v, const struct json_flat *f, const struct json_doc *d, const struct json *list)
{
	if (!json_is(list, JSON_ARRAY) || list->n >= VOCAB_MAX || f->n >= VOCAB_MAX)
		die("%s: no merges in it (model.merges)", d->name);
	if (f->n)
		v->merge = (struct merge_list){{v->text[0], (const unsigned char *)d->unescaped}, v->tail, {f->gap, builtin(" ")}, f->string, f->n};
	else
		merges_from_nodes(v, d, list);
}

void
hf_read_merges(struct vocab *v)
{
	struct hf *h = v->hf;
	if (!h->merges.key)
		return;
	h->merges_doc = json_read_later(h->path, (const char *)v->text[0], &h->merges);
	take_merges(v, &h->merges, h->merges_doc, h->merges_doc->node);
	h->merges.key = NULL;
}

static void
read_model(struct loader *l, const struct json *model)
{
	struct str type = type_of(l, model);
	struct hf *h = l->h;
	if (str_is(type, "Unigram"))
		l->v->unigram = xcalloc(1, sizeof *l->v->unigram);
	if (!l->v->unigram && !str_is(type, "BPE") && (type.p || !json_get(l->d, model, "merges")))
		unsupported(l, "model", type, "; known: BPE Unigram");
	if (json_str(l->d, json_get(l->d, model, "continuing_subword_prefix")).n)
		die("%s: continuing_subword_prefix is not known here", l->path);
	if (!l->v->unigram)
		h->suffix = json_str(l->d, json_get(l->d, model, "end_of_word_suffix"));
	h->byte_fallback = flag(l, model, "byte_fallback", false);
	h->fuse_unk = flag(l, model, "fuse_unk", false);
	l->v->ignore_merges = flag(l, model, "ignore_merges", false);
}

/* The id that TemplateProcessing means by a special token's name, or -1. */
static int32_t
template_id(const struct loader *l, const struct json *processor, struct str name)
{
	const struct json *tokens = json_get(l->d, processor, "special_tokens");
	const struct json *c = tokens ? json_first(tokens) : NULL;
	for (size_t i = 0; name.p && json_is(tokens, JSON_OBJECT) && i < tokens->n; i++, c = json_next(json_next(c))) {
		struct str key = json_str(l->d, c);
		const struct json *ids = json_get(l->d, json_next(c), "ids");
		if (key.n == name.n && !memcmp(key.p, name.p, name.n) && json_is(ids, JSON_ARRAY) && ids->n)
			return (int32_t)json_uint(l->d, json_first(ids), "special_tokens", 0, 0, l->v->n - 1);
	}
	return vocab_id_of(l->v, name);
}

/* What a post-processor puts in front of a text, or -1. What it puts behind (EOS) is left out: the
 * model is to go on there. */
static int32_t
read_front(const struct loader *l, const struct json *v, int depth)
{
	struct str type = type_of(l, v);
	const struct json *list = json_get(l->d, v, "processors"), *cls = json_get(l->d, v, "cls");
	int32_t id = -1;
	if (str_is(type, "Sequence") && json_is(list, JSON_ARRAY) && depth < NESTED_MAX) {
		const struct json *c = json_first(list);
		for (size_t i = 0; id < 0 && i < list->n; i++, c = json_next(c))
			id = read_front(l, c, depth + 1);
		return id;
	}
	if ((str_is(type, "RobertaProcessing") || str_is(type, "BertProcessing")) && json_is(cls, JSON_ARRAY) && cls->n)
		return vocab_id_of(l->v, json_str(l->d, json_first(cls)));
	list = json_get(l->d, v, "single");
	if (!str_is(type, "TemplateProcessing") || !json_is(list, JSON_ARRAY))
		return -1;
	const struct json *c = json_first(list);
	for (size_t i = 0; i < list->n; i++, c = json_next(c)) {
		struct str name = json_str(l->d, json_get(l->d, json_get(l->d, c, "SpecialToken"), "id"));
		if (!name.p)
			return id; /* the text */
		if (id >= 0)
			die("%s: more than one token in front of a text are not known here", l->path);
		id = template_id(l, v, name);
	}
	return id;
}

/* How pieces become text again. Byte pieces always become their bytes, and the one space that encoding
 * puts in front is always taken away (vocab_line_text()), whatever is said of that. */
static void
read_decoder(struct loader *l, const struct json *v, int depth)
{
	struct hf *h = l->h;
	struct str type = type_of(l, v);
	const struct json *list = json_get(l->d, v, "decoders");
	const struct json *c = list ? json_first(list) : NULL;
	if (str_is(type, "Sequence") && json_is(list, JSON_ARRAY) && depth < NESTED_MAX)
		for (size_t i = 0; i < list->n; i++, c = json_next(c))
			read_decoder(l, c, depth + 1);
	else if (str_is(type, "Metaspace"))
		h->space = json_str(l->d, json_get(l->d, v, "replacement"));
	else if (str_is(type, "Replace") && str_is(json_str(l->d, json_get(l->d, v, "content")), " "))
		h->space = json_str(l->d, json_get(l->d, json_get(l->d, v, "pattern"), "String"));
	else if (str_is(type, "ByteLevel"))
		l->v->bpe = true;
	else if (str_is(type, "BPEDecoder")) {
		h->join = HF_JOIN_SUFFIX;
		h->suffix_text = json_str(l->d, json_get(l->d, v, "suffix"));
	} else if (str_is(type, "CTC") || str_is(type, "WordPiece"))
		unsupported(l, "decoder", type, "");
	else if (!type.p && !depth && !h->space.n && !l->v->bpe)
		h->join = HF_JOIN_SPACED;
}

/* Whether a Prepend gives texts a space of their own. */
static void
read_prefix(struct loader *l)
{
	for (size_t i = 0; i < l->h->n_normalizers; i++)
		if (l->h->normalizers[i].kind == HF_PREPEND)
			l->v->space_prefix = true;
}

struct vocab *
vocab_from_hf(struct map m, const char *dir, bool encode)
{
	struct loader l = {.path = m.path};
	struct vocab *v = l.v = xcalloc(1, sizeof *v);
	struct hf *h = l.h = v->hf = xcalloc(1, sizeof *h);
	h->path = m.path;
	l.flat[PIECES] = (struct json_flat){.inside = "model", .key = "vocab", .type = JSON_OBJECT};
	l.flat[MERGES] = (struct json_flat){.inside = "model", .key = "merges", .type = JSON_ARRAY, .later = !encode, .spelling = l.flat + PIECES};
	l.d = h->doc = json_read_flat(m.path, (const char *)m.data, m.size, l.flat, 2);
	vocab_set_text(v, m.data, m.size);
	v->text[1] = (const unsigned char *)h->doc->unescaped;
	const struct json *root = h->doc->node, *model = json_get(l.d, root, "model");
	const struct json *added = json_get(l.d, root, "added_tokens");
	v->path = m.path;
	if (!json_is(model, JSON_OBJECT))
		die("%s: no tokenizer.json: 'model' is missing", m.path);
	read_model(&l, model);
	read_vocab(&l, model, added, dir);
	v->type = xcalloc(v->n, 1);
	read_added(&l, added);
	set_types(&l);
	v->unk = v->unigram ? (int32_t)json_uint(l.d, json_get(l.d, model, "unk_id"), "unk_id", VOCAB_MAX, 0, v->n - 1) :
		vocab_id_of(v, json_str(l.d, json_get(l.d, model, "unk_token")));
	if (v->unk == VOCAB_MAX)
		v->unk = -1;
	l.flat[MERGES].spelling = NULL;
	if (l.flat[MERGES].text.p)
		h->merges = l.flat[MERGES]; /* are read when a text is to be encoded */
	else if (!v->unigram) {
		take_merges(v, l.flat + MERGES, l.d, json_get(l.d, model, "merges"));
		take_runs(v, &l.flat[MERGES].spelled, l.flat + PIECES);
	}
	read_normalizer(&l, json_get(l.d, root, "normalizer"), 0);
	h->normalizers = keep_steps(&l, &h->n_normalizers, true);
	read_pre_tokenizer(&l, json_get(l.d, root, "pre_tokenizer"), 0);
	h->spelled |= v->unigram && v->bpe;
	h->known_words = !h->spelled && !h->suffix.n && !h->byte_fallback && known_words(&l);
	h->pre = keep_steps(&l, &h->n_pre, !h->known_words);
	h->only_spaces = !v->bpe && !v->unigram && h->byte_fallback && !h->suffix.n && !v->ignore_merges && only_spaces(h);
	read_prefix(&l);
	read_decoder(&l, json_get(l.d, root, "decoder"), 0);
	if (v->unk >= 0 && !v->bpe && !vocab_is_eog(v, (uint32_t)v->unk))
		v->type[v->unk] = PIECE_UNKNOWN;
	v->bos = read_front(&l, json_get(l.d, root, "post_processor"), 0);
	v->bos_piece = v->bos;
	v->eos = -1;
	vocab_read_beside(v, dir);
	xfree(l.flat[PIECES].string);
	xfree(l.flat[PIECES].number);
	xfree(h->doc->node); /* the strings are still wanted, what held them is not */
	h->doc->node = NULL;
	return v;
}

bool
hf_is(struct map m)
{
	size_t i = 0;
	while (i < m.size && (m.data[i] == ' ' || m.data[i] == '\n' || m.data[i] == '\r' || m.data[i] == '\t'))
		i++;
	return i < m.size && m.data[i] == '{';
}
