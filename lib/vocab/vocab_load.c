/* vocab_load.c - open vocabularies; see vocab.h. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vocab_hf.h"
#include "vocab_impl.h"
#include "weights/folder.h"
#include "weights/llama2c.h"
#include "weights/split.h"

/* Pieces that end a generation wherever they occur, and pieces that are control
 * ones even in files that call them ordinary text. */
#define KNOWN(text, eog) {text, sizeof text - 1, eog}
enum { KNOWN_LONGEST = 40 };
static const struct known {
	const char *text;
	uint8_t n;
	bool eog;
} known[] = {
	KNOWN("<|eot_id|>", true), KNOWN("<|eom_id|>", true), KNOWN("<|im_end|>", true), KNOWN("<|end|>", true),
	KNOWN("<|return|>", true), KNOWN("<|call|>", true), KNOWN("<|calls|>", true), KNOWN("<|flush|>", true),
	KNOWN("<end_of_turn>", true), KNOWN("<|endoftext|>", true), KNOWN("<|end_of_text|>", true),
	KNOWN("<EOT>", true), KNOWN("_<EOT>", true), KNOWN("[EOT]", true), KNOWN("[EOS]", true), KNOWN("</s>", true),
	KNOWN("<end_of_utterance>", true), KNOWN("<eos>", true), KNOWN("<turn|>", true),
	KNOWN("<|tool_response>", true), KNOWN("[e~[", true),
	KNOWN("<\xEF\xBD\x9C" "end" SPM_SPACE "of" SPM_SPACE "sentence\xEF\xBD\x9C>", true),
	/* Infilling: what a model writes after one of these is another file. */
	KNOWN("<|fim_pad|>", true), KNOWN("<fim-pad>", true), KNOWN("<fim_pad>", true), KNOWN("<PAD>", true),
	KNOWN("[PAD]", true), KNOWN("<|fim_repo|>", true), KNOWN("<|repo_name|>", true), KNOWN("<fim-repo>", true),
	KNOWN("<REPO>", true), KNOWN("<reponame>", true), KNOWN("<|file_sep|>", true),
	KNOWN("<|fim_prefix|>", false), KNOWN("<fim-prefix>", false), KNOWN("<fim_prefix>", false),
	KNOWN("<|fim_suffix|>", false), KNOWN("<fim-suffix>", false), KNOWN("<fim_suffix>", false),
	KNOWN("<|fim_middle|>", false), KNOWN("<fim-middle>", false), KNOWN("<fim_middle>", false),
	KNOWN("<PRE>", false), KNOWN("<SUF>", false), KNOWN("<MID>", false),
	KNOWN(SPM_SPACE "<PRE>", false), KNOWN(SPM_SPACE "<SUF>", false), KNOWN(SPM_SPACE "<MID>", false),
	KNOWN("<|code_prefix|>", false), KNOWN("<|code_suffix|>", false), KNOWN("<|code_middle|>", false),
	KNOWN("<\xEF\xBD\x9C" "fim" SPM_SPACE "begin\xEF\xBD\x9C>", false),
	KNOWN("<\xEF\xBD\x9C" "fim" SPM_SPACE "hole\xEF\xBD\x9C>", false),
	KNOWN("<\xEF\xBD\x9C" "fim" SPM_SPACE "end\xEF\xBD\x9C>", false),
};

static const struct known *
look_up_known(const unsigned char *p, uint32_t n)
{
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].text[1] == (char)p[1] && known[i].n == n && !memcmp(known[i].text, p, n))
			return &known[i];
	return NULL;
}

/* Hardly any; how long they are is hard to guess. */
static inline bool
may_be_known(const unsigned char *p, uint32_t n)
{
	const unsigned char last = n ? p[n - 1] : 0;
	return (last == '>') | (last == ']') | (last == '[');
}

static const struct known *
known_piece(const unsigned char *p, uint32_t n)
{
	return may_be_known(p, n) && n >= 4 && n <= KNOWN_LONGEST ? look_up_known(p, n) : NULL;
}

void
vocab_mark_eog(struct vocab *v, int64_t id)
{
	if (id < 0 || vocab_is_eog(v, (uint32_t)id))
		return;
	v->type[id] |= TYPE_EOG;
	v->eog = grow(v->eog, &v->eog_cap, v->n_eog + 1, sizeof *v->eog);
	v->eog[v->n_eog++] = (uint32_t)id;
}

static int
id_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void
vocab_sort_eog(struct vocab *v)
{
	if (v->n_eog)
		qsort(v->eog, v->n_eog, sizeof *v->eog, id_cmp);
}

int
vocab_known_piece(const unsigned char *p, uint32_t n)
{
	const struct known *k = known_piece(p, n);
	return k ? 1 + k->eog : 0;
}

/* The id that a key names, or `missing`, which is -1 or may be beyond the end. */
static int32_t
id_key(const struct vocab *v, const char *key, int32_t missing)
{
	if (gguf_get(v->meta, key))
		return (int32_t)gguf_uint(v->meta, key, 0, 0, v->n - 1);
	return missing < (int64_t)v->n ? missing : -1;
}

/* What comes behind the pieces is equal to none. */
static void
vocab_end(struct vocab *v)
{
	v->at[v->n] = (struct span){1, UINT32_MAX};
}

void
vocab_room(struct vocab *v)
{
	v->at = xreallocarray(v->at, (size_t)v->n + 1, sizeof *v->at);
	vocab_end(v);
}

void
vocab_locate(const struct vocab *v, uint32_t id)
{
	uint32_t i = id / VOCAB_MARK * VOCAB_MARK;
	const unsigned char *p = v->text[0] + v->mark[id / VOCAB_MARK];
	for (const uint32_t end = v->n - i < VOCAB_MARK ? v->n : i + VOCAB_MARK; i < end; i++) {
		const struct str s = gguf_next_str(&p);
		v->at[i] = (struct span){(uint32_t)((const unsigned char *)s.p - v->text[0]), (uint32_t)s.n};
	}
}

/* How many pieces there are, and in what text. */
static void
find_pieces(struct vocab *v)
{
	const struct gguf_kv *kv = gguf_array(v->meta, "tokenizer.ggml.tokens", GGUF_STRING);
	if (!kv || !kv->n)
		die("%s: no vocabulary in it (tokenizer.ggml.tokens)", v->path);
	if (kv->n > VOCAB_MAX || kv->bytes >= SPAN_SECOND)
		die("%s: a vocabulary of %zu pieces, %zu bytes is too large", v->path, kv->n, kv->bytes);
	v->n = (uint32_t)kv->n;
	vocab_set_text(v, kv->data, kv->bytes);
	v->at = xcalloc((size_t)v->n + 1, sizeof *v->at); /* of which most is never touched */
	vocab_end(v);
}

/* An array with an entry for each piece, or NULL. */
static const unsigned char *
per_piece(const struct vocab *v, const char *key, enum gguf_type elem)
{
	const struct gguf_kv *kv = gguf_array(v->meta, key, elem);
	if (kv && kv->n < v->n)
		die("%s: %s has %zu entries for %u pieces", v->path, key, kv->n, (unsigned)v->n);
	return kv ? kv->data : NULL;
}

/* In a file that does not say. */
static enum piece_type
likely_type(const struct vocab *v, uint32_t id, int byte)
{
	if ((int64_t)id == v->bos || (int64_t)id == v->eos)
		return PIECE_CONTROL;
	if (v->bpe)
		return PIECE_NORMAL;
	return (int64_t)id == v->unk ? PIECE_UNKNOWN : byte >= 0 ? PIECE_BYTE : PIECE_NORMAL;
}

/* What piece id is, that is not simply what the file says; types: of all of them, or NULL. */
static void
read_type(struct vocab *v, uint32_t id, const unsigned char *p, uint32_t n, const unsigned char *types)
{
	uint32_t type = types ? le32(types + 4 * (size_t)id) : PIECE_NORMAL;
	const int byte = byte_spelling(p, n);
	if (type < PIECE_NORMAL || type > PIECE_BYTE || (type == PIECE_BYTE && byte < 0))
		type = PIECE_NORMAL;
	if (!types)
		type = likely_type(v, id, byte);
	const struct known *k = known_piece(p, n);
	/* "</s>" is also the end of HTML's strikethrough. */
	if (k && !(type == PIECE_NORMAL && types && !strcmp(k->text, "</s>"))) {
		type = PIECE_CONTROL;
		if (k->eog)
			vocab_mark_eog(v, id);
	}
	v->type[id] = (uint8_t)((v->type[id] & TYPE_EOG) | type);
}

/* All that takes a look at each piece, so that there is only one: their types, the fingerprint, where they are, and the index. */
static void
read_pieces(struct vocab *v, bool index)
{
	const unsigned char *types = per_piece(v, "tokenizer.ggml.token_type", GGUF_I32), *next = v->text[0];
	struct table t = {.slot = NULL};
	struct table_queue queue = {.n = 0};
	uint64_t print = v->n;
	uint32_t longest = 0;
	v->type = memset(xreallocarray(NULL, v->n, 1), PIECE_NORMAL, v->n);
	v->mark = xcalloc(v->n / VOCAB_MARK + 1, sizeof *v->mark);
	if (index)
		table_init(&t, v->n, v->path);
	for (uint32_t id = 0; id < v->n; id++) {
		if (id % VOCAB_MARK == 0)
			v->mark[id / VOCAB_MARK] = (uint32_t)(next - v->text[0]);
		const struct str s = gguf_next_str(&next);
		const unsigned char *p = (const unsigned char *)s.p;
		print = print_piece(print, p, s.n, piece_is_wide(v, p));
		if (!types || le32(types + 4 * (size_t)id) != PIECE_NORMAL || may_be_known(p, (uint32_t)s.n))
			read_type(v, id, p, (uint32_t)s.n, types);
		if (index && piece_in_text(v, id, p, (uint32_t)s.n)) {
			table_put(&t, &queue, hash_wide(p, s.n, piece_is_wide(v, p)), id);
			longest = s.n > longest ? (uint32_t)s.n : longest;
		}
	}
	table_flush(&t, &queue);
	v->pieces = t;
	v->max_piece = longest;
	v->print = print_end(print);
	v->printed = true;
}

/* Whether one of the eog pieces is spelled so; its place in the list in *at. */
static bool
has_eog(const struct vocab *v, const char *text, size_t *at)
{
	for (size_t i = 0; i < v->n_eog; i++) {
		struct str s;
		s.p = vocab_spelling(v, v->eog[i], &s.n);
		if (str_is(s, text)) {
			*at = i;
			return true;
		}
	}
	return false;
}

/* Where messages have parts, "<|end|>" ends a part; the end is spelled otherwise. */
static void
drop_part_end(struct vocab *v)
{
	size_t end, at;
	bool call = has_eog(v, "<|call|>", &at) || has_eog(v, "<|calls|>", &at);
	if (!call || !(has_eog(v, "<|return|>", &at) || has_eog(v, "<|flush|>", &at)))
		return;
	if (!has_eog(v, "<|end|>", &end))
		return;
	v->type[v->eog[end]] &= (uint8_t)~TYPE_EOG;
	memmove(v->eog + end, v->eog + end + 1, (--v->n_eog - end) * sizeof *v->eog);
}

static void
read_eog(struct vocab *v)
{
	static const char *const keys[] = {
		"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id",
		"tokenizer.ggml.fim_pad_token_id", "tokenizer.ggml.fim_rep_token_id",
		"tokenizer.ggml.fim_sep_token_id",
	};
	drop_part_end(v);
	vocab_mark_eog(v, v->eos);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		vocab_mark_eog(v, id_key(v, keys[i], -1));
	vocab_sort_eog(v);
}

/* The kinds of vocabularies in GGUF files, and what holds where one does not say. */
static const struct kind {
	const char *name;	/* tokenizer.ggml.model */
	bool merges;		/* a list of them, else scores of the pieces */
	int8_t unk, bos, eos;	/* -1: none */
	bool add_bos;		/* gpt2's pre-tokenizers say that */
	bool space_prefix;
} kinds[] = {
	{"llama", false, 0, 1, 2, true, true},
	{"gpt2", true, -1, -1, -1, false, false},
	{"gemma4", true, -1, -1, -1, true, false},
	{"t5", false, 2, -1, 1, false, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* How the pieces are to be read: tokenizer.ggml.model and .pre. */
static const struct kind *
read_kind(struct vocab *v)
{
	struct str model = gguf_str(v->meta, "tokenizer.ggml.model");
	struct str pre = gguf_str(v->meta, "tokenizer.ggml.pre");
	const struct kind *k = kinds;
	if (!model.p)
		die("%s: no vocabulary in it (tokenizer.ggml.model)", v->path);
	while (k < kinds + KINDS && !str_is(model, k->name))
		k++;
	if (k == kinds + KINDS)
		die("%s: tokenizer.ggml.model is '%.*s'; known: llama gpt2 gemma4 t5", v->path,
			(int)(model.n < 64 ? model.n : 64), model.p);
	v->bpe = str_is(model, "gpt2");
	if (str_is(model, "t5"))
		v->unigram = xcalloc(1, sizeof *v->unigram);
	if (str_is(model, "gemma4"))
		v->hf = hf_spaced(v->path);
	if (!v->bpe)
		return k;
	v->pretok = pre.n ? pretok_find(pre.p, pre.n) : pretok_find("default", 7);
	if (!v->pretok) {
		char *names = pretok_names();
		die("%s: tokenizer.ggml.pre is '%.*s'; known: %s", v->path,
			(int)(pre.n < 64 ? pre.n : 64), pre.p, names);
	}
	return k;
}

/* Whether the model's name says Phi-3. */
static bool
is_phi3(const struct gguf *g)
{
	struct str name = gguf_str(g, "general.name");
	for (size_t i = 0; i + 4 <= name.n; i++) {
		const char *p = name.p + i;
		size_t dash = p[3] == '-';
		if ((p[0] | 32) == 'p' && (p[1] | 32) == 'h' && (p[2] | 32) == 'i' &&
			i + 3 + dash < name.n && p[3 + dash] == '3')
			return true;
	}
	return false;
}

static struct vocab *
from_gguf(const struct gguf *g, bool encode)
{
	struct vocab *v = xcalloc(1, sizeof *v);
	v->path = g->map.path;
	v->meta = g;
	const struct kind *k = read_kind(v);
	find_pieces(v);
	if (!k->merges) {
		v->scores = per_piece(v, "tokenizer.ggml.scores", GGUF_F32);
		if (!v->scores)
			die("%s: a %s vocabulary without tokenizer.ggml.scores", v->path, k->name);
	}
	/* Looked for here, before anything is written; encoding reads them. */
	const struct gguf_kv *merges = k->merges ? gguf_array(g, "tokenizer.ggml.merges", GGUF_STRING) : NULL;
	if (k->merges && !merges)
		die("%s: a %s vocabulary without merges (tokenizer.ggml.merges)", v->path, k->name);
	if (merges)
		v->merge_list = *merges;
	v->ignore_merges = v->bpe && v->pretok->ignore_merges;
	v->template = gguf_str(g, "tokenizer.chat_template");
	v->unk = id_key(v, "tokenizer.ggml.unknown_token_id", k->unk);
	v->bos = id_key(v, "tokenizer.ggml.bos_token_id", k->bos);
	v->eos = id_key(v, "tokenizer.ggml.eos_token_id", k->eos);
	read_pieces(v, encode && !v->bpe && !v->unigram);
	read_eog(v);
	v->bos_piece = v->bos;
	/* Files of Gemma 4 have said false of a model that wants it. */
	if (!v->hf && !gguf_bool(g, "tokenizer.ggml.add_bos_token", v->bpe ? v->pretok->add_bos : k->add_bos))
		v->bos = -1;
	v->space_prefix = !k->merges && gguf_bool(g, "tokenizer.ggml.add_space_prefix", k->space_prefix);
	if (v->unigram)
		sp_from_gguf(v);
	v->rstrip = is_phi3(g);
	return v;
}

struct vocab *
vocab_from_gguf(const struct gguf *g)
{
	return from_gguf(g, false);
}

/* Count tokenizer.bin's records, i32 longest { f32 score, i32 len, bytes } to the
 * end of the file, and note where they are if rec is not NULL. 0: it is none. */
static uint32_t
llama2c_records(struct map m, struct span *rec)
{
	uint32_t n = 0, longest = m.size >= 4 ? le32(m.data) : 0;
	if (longest == 0 || longest > m.size || m.size >= SPAN_SECOND)
		return 0;
	for (size_t at = 4; at < m.size; n++) {
		if (m.size - at < 8 || n == VOCAB_MAX)
			return 0;
		uint32_t len = le32(m.data + at + 4);
		at += 8;
		if (len > longest || len > m.size - at)
			return 0;
		if (rec)
			rec[n] = (struct span){(uint32_t)at, len};
		at += len;
	}
	return n;
}

struct vocab *
vocab_from_llama2c(struct map m)
{
	struct vocab *v = xcalloc(1, sizeof *v);
	v->path = m.path;
	v->n = llama2c_records(m, NULL);
	if (!v->n)
		die("%s: neither a model (GGUF, llama2.c) nor llama2.c's tokenizer.bin", m.path);
	v->llama2c = v->space_prefix = true;
	vocab_set_text(v, m.data, m.size);
	vocab_room(v);
	llama2c_records(m, v->at);
	v->type = xcalloc(v->n, 1);
	v->bos_piece = v->bos = v->n > 1 ? 1 : -1;
	v->unk = 0;
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t n;
		const unsigned char *p = piece(v, id, &n);
		v->type[id] = id == 0 ? PIECE_UNKNOWN : id < 3 ? PIECE_CONTROL :
			id < 259 && byte_spelling(p, n) >= 0 ? PIECE_BYTE : PIECE_NORMAL;
	}
	for (uint32_t id = 1; id < 3 && id < v->n; id++)
		vocab_mark_eog(v, id);
	return v;
}

/* tokenizer.bin in the folder of a llama2.c model; the caller owns it. */
static char *
beside(const char *path)
{
	static const char name[] = "tokenizer.bin";
	const char *slash = strrchr(path, '/');
	size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
	char *s = xcalloc(dir + sizeof name, 1);
	memcpy(s, path, dir);
	memcpy(s + dir, name, sizeof name);
	return s;
}

struct vocab *
vocab_beside(const char *path)
{
	char *own = beside(path);
	if (access(own, R_OK) < 0) {
		xfree(own);
		return NULL;
	}
	struct vocab *v = vocab_from_llama2c(map_file(own));
	v->own_path = own;
	return v;
}

/* vocab_find(); encode: texts will be. */
static struct vocab *
find(const char *path, bool encode)
{
	if (folder_is(path))
		return vocab_from_folder(path, encode);
	struct map m = map_file(path);
	if (hf_is(m))
		return vocab_from_hf(m, folder_of(path), encode);
	if (gguf_is(m)) {
		struct gguf *g = gguf_open(m, false);
		if (!gguf_get(g, "tokenizer.ggml.tokens")) {
			gguf_free(g);
			return NULL;
		}
		struct vocab *v = from_gguf(g, encode);
		v->gguf = g;
		return v;
	}
	if (llama2c_is(m))
		return vocab_beside(path);
	return sp_is(m) ? vocab_from_sp(m, folder_of(path)) : vocab_from_llama2c(m);
}

struct vocab *
vocab_find(const char *path)
{
	return find(path, false);
}

static struct vocab *
must_find(const char *path, bool encode)
{
	struct vocab *v = find(path, encode);
	if (!v)
		die("%s: this model brings no vocabulary"
		    " (GGUF: tokenizer.ggml.tokens; a folder: tokenizer.json or tokenizer.model; llama2.c: %s)",
			path, beside(path));
	return v;
}

struct vocab *
vocab_open(const char *path)
{
	return must_find(path, false);
}

struct vocab *
vocab_open_to_encode(const char *path)
{
	return must_find(path, true);
}
