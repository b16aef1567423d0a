/*
 * vocab_sp.c - models of SentencePiece: tokenizer.model, a protocol buffer (github.com/google/sentencepiece,
 * src/sentencepiece_model.proto).
 */
#include "json.h"
#include "vocab_impl.h"

#include <string.h>

/* The wire format: fields, a number and a type each, of which these are known. */
struct wire {
	const unsigned char *p, *end;
};
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
struct field {
	uint32_t number, type;
	uint64_t value;		/* of a number */
	struct wire bytes;
};

static bool
varint(struct wire *w, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64 && w->p < w->end; shift += 7) {
		unsigned char b = *w->p++;
		*value |= (uint64_t)(b & 0x7F) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

/* The next field; false: it is broken. */
static bool
field(struct wire *w, struct field *f)
{
	uint64_t key, n;
	if (!varint(w, &key) || !(key >> 3) || key >> 3 > UINT32_MAX)
		return false;
	f->number = (uint32_t)(key >> 3);
	f->type = key & 7;
	f->value = 0;
	f->bytes = (struct wire){w->p, w->p};
	if (f->type == VARINT)
		return varint(w, &f->value);
	n = f->type == FIXED32 ? 4 : 8;
	if (f->type == BYTES ? !varint(w, &n) : f->type != FIXED32 && f->type != FIXED64)
		return false;
	if (n > (uint64_t)(w->end - w->p))
		return false;
	f->bytes = (struct wire){w->p, w->p + n};
	w->p += n;
	if (f->type == FIXED32)
		f->value = le32(f->bytes.p);
	return true;
}

/* Fields of ModelProto, and of the messages in it. */
enum { MODEL_PIECES = 1, MODEL_TRAINER = 2, MODEL_NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_MODEL_TYPE = 3, TRAINER_SUFFIX = 24, TRAINER_UNK = 40, TRAINER_BOS = 41, TRAINER_EOS = 42 };
enum { NORM_CHARSMAP = 2, NORM_DUMMY_PREFIX = 3, NORM_REMOVE_EXTRA = 4, NORM_ESCAPE = 5 };
enum { TYPE_UNIGRAM = 1, TYPE_BPE = 2 };

bool
sp_is(struct map m)
{
	struct wire w = {m.data, m.data + m.size};
	struct field f;
	size_t pieces = 0;
	while (w.p < w.end) {
		if (!field(&w, &f))
			return false;
		pieces += f.number == MODEL_PIECES && f.type == BYTES;
	}
	return pieces > 0;
}

static void
next_field(const struct vocab *v, struct wire *w, struct field *f)
{
	if (!field(w, f))
		die("%s: broken (a field of the protocol buffer that cannot be read)", v->path);
}

/* What the file says of itself. */
struct model {
	const unsigned char *begin;	/* of the file */
	uint64_t type;
	int64_t bos, eos;
	bool suffix;
	struct wire charsmap;
};

static void
read_trainer(struct vocab *v, struct wire w, struct model *m)
{
	struct field f;
	while (w.p < w.end) {
		next_field(v, &w, &f);
		int64_t id = (int32_t)(uint32_t)f.value; /* -1 is written in ten bytes */
		if (f.number == TRAINER_MODEL_TYPE)
			m->type = f.value;
		else if (f.number == TRAINER_SUFFIX)
			m->suffix = f.value;
		else if (f.number == TRAINER_BOS)
			m->bos = id;
		else if (f.number == TRAINER_EOS)
			m->eos = id;
	}
}

static void
read_normalizer(struct vocab *v, struct wire w, struct model *m)
{
	struct field f;
	while (w.p < w.end) {
		next_field(v, &w, &f);
		if (f.number == NORM_CHARSMAP && f.type == BYTES)
			m->charsmap = f.bytes;
		else if (f.number == NORM_DUMMY_PREFIX)
			v->sp->dummy_prefix = f.value;
		else if (f.number == NORM_REMOVE_EXTRA)
			v->sp->remove_extra = f.value;
		else if (f.number == NORM_ESCAPE)
			v->sp->escape = f.value;
	}
}

static void
read_piece(struct vocab *v, uint32_t id, struct wire w, struct model *m)
{
	struct field f;
	uint64_t type = PIECE_NORMAL;
	while (w.p < w.end) {
		next_field(v, &w, &f);
		if (f.number == PIECE_TEXT && f.type == BYTES)
			v->at[id] = (struct span){(uint32_t)(f.bytes.p - m->begin), (uint32_t)(f.bytes.end - f.bytes.p)};
		else if (f.number == PIECE_SCORE && f.type == FIXED32)
			memcpy(v->sp->scores + 4 * (size_t)id, f.bytes.p, 4);
		else if (f.number == PIECE_TYPE)
			type = f.value;
	}
	uint32_t n;
	const unsigned char *p = piece(v, id, &n);
	if (!n)
		die("%s: piece %u is empty", v->path, (unsigned)id);
	if (type < PIECE_NORMAL || type > PIECE_BYTE || (type == PIECE_BYTE && byte_spelling(p, n) < 0))
		die("%s: piece %u is of type %llu", v->path, (unsigned)id, (unsigned long long)type);
	int known = type == PIECE_NORMAL ? 0 : vocab_known_piece(p, n);
	v->type[id] = (uint8_t)(known && type != PIECE_UNKNOWN ? PIECE_CONTROL : type);
	if (known == 2)
		vocab_mark_eog(v, id);
	if (type == PIECE_UNKNOWN)
		v->unk = (int32_t)id;
}

/* Added tokens, which lie beside the model: added_tokens.json {"<x>": id} and added_tokens_decoder
 * {"id": {"content": "<x>", "special": true}} of tokenizer_config.json. */
struct added {
	uint64_t id;
	struct str text;
	bool user;
};
struct added_list {
	struct added *a;
	size_t n, cap;
};

static void
added_token(struct vocab *v, struct added_list *list, uint64_t id, struct str text, bool user)
{
	if (id < v->n || !text.n)
		return;
	list->a = grow(list->a, &list->cap, list->n + 1, sizeof *list->a);
	list->a[list->n++] = (struct added){id, text, user};
}

static uint64_t
number(struct str s)
{
	uint64_t u = 0;
	for (size_t i = 0; i < s.n; i++)
		u = s.p[i] >= '0' && s.p[i] <= '9' && u < VOCAB_MAX ? u * 10 + (uint64_t)(s.p[i] - '0') : VOCAB_MAX;
	return s.n ? u : VOCAB_MAX;
}

static struct added_list
read_added(struct vocab *v, const struct json_doc *added)
{
	struct added_list list = {NULL, 0, 0};
	const struct json *c = added ? json_first(added->node) : NULL;
	for (size_t i = 0; added && json_is(added->node, JSON_OBJECT) && i < added->node->n; i++, c = json_next(json_next(c)))
		added_token(v, &list, json_uint(added, json_next(c), "an id", 0, 0, VOCAB_MAX - 1), json_str(added, c), false);
	const struct json *decoder = v->config ? json_get(v->config, v->config->node, "added_tokens_decoder") : NULL;
	c = decoder ? json_first(decoder) : NULL;
	for (size_t i = 0; json_is(decoder, JSON_OBJECT) && i < decoder->n; i++, c = json_next(json_next(c)))
		added_token(v, &list, number(json_str(v->config, c)), json_str(v->config, json_get(v->config, json_next(c), "content")),
			!json_bool(v->config, json_get(v->config, json_next(c), "special"), "special", false));
	return list;
}

/* Make room for the added tokens behind the model's own pieces, and for ids that are never used. */
static void
put_added(struct vocab *v, const struct added_list *list, const char *dir)
{
	const uint32_t own = v->n;
	uint32_t n = own;
	struct bytes *text = &v->sp->added;
	for (size_t i = 0; i < list->n; i++)
		if (list->a[i].id >= n)
			n = (uint32_t)list->a[i].id + 1;
	if (n >= VOCAB_MAX || n - v->n > list->n + 65536)
		die("%s: added tokens with ids up to %u beside %u pieces", v->path, (unsigned)n, (unsigned)v->n);
	n = vocab_padded(dir, n);
	v->type = xreallocarray(v->type, n, 1);
	v->sp->scores = xreallocarray(v->sp->scores, n, 4);
	v->n = n;
	vocab_room(v);
	memset(v->at + own, 0, (n - own) * sizeof *v->at);
	memset(v->type + own, PIECE_UNUSED, n - own);
	memset(v->sp->scores + 4 * (size_t)own, 0, 4 * (size_t)(n - own));
	for (size_t i = 0; i < list->n; i++) {
		const struct added *a = list->a + i;
		int known = a->text.n < 64 ? vocab_known_piece((const unsigned char *)a->text.p, (uint32_t)a->text.n) : 0;
		if (text->n + a->text.n >= SPAN_SECOND)
			die("%s: added tokens of more than 2 GB", v->path);
		v->at[a->id] = (struct span){(uint32_t)text->n | SPAN_SECOND, (uint32_t)a->text.n};
		bytes_add(text, a->text.p, a->text.n);
		v->type[a->id] = (uint8_t)((v->type[a->id] & TYPE_EOG) | (a->user && !known ? PIECE_USER : PIECE_CONTROL));
		if (known == 2)
			vocab_mark_eog(v, (int64_t)a->id);
	}
	bytes_add(text, (char[WIDE]){0}, WIDE);
	v->text[1] = text->s;
}

/* The messages of the file, the pieces among them numbered as they come. */
static void
read_model(struct vocab *v, struct wire w, struct model *m)
{
	struct field f;
	uint32_t id = 0;
	while (w.p < w.end) {
		next_field(v, &w, &f);
		if (f.type != BYTES)
			continue;
		if (f.number == MODEL_PIECES)
			read_piece(v, id++, f.bytes, m);
		else if (f.number == MODEL_TRAINER)
			read_trainer(v, f.bytes, m);
		else if (f.number == MODEL_NORMALIZER)
			read_normalizer(v, f.bytes, m);
	}
	if (m->type != TYPE_UNIGRAM && m->type != TYPE_BPE)
		die("%s: a model of type %llu is not known here; known: Unigram (1), BPE (2)", v->path, (unsigned long long)m->type);
	if (m->suffix)
		die("%s: treat_whitespace_as_suffix is not known here", v->path);
	if (v->unk < 0)
		die("%s: no unknown piece", v->path);
}

static uint32_t
count_pieces(struct map map)
{
	struct wire w = {map.data, map.data + map.size};
	struct field f;
	size_t n = 0;
	while (w.p < w.end && field(&w, &f))
		n += f.number == MODEL_PIECES && f.type == BYTES;
	if (n >= VOCAB_MAX)
		die("%s: %zu pieces are too many", map.path, n);
	return (uint32_t)n;
}

/* The id that the model names, if it is a control piece. */
static int32_t
control(const struct vocab *v, int64_t id)
{
	return id >= 0 && id < (int64_t)v->sp->n_model && vocab_type(v, (uint32_t)id) == PIECE_CONTROL ? (int32_t)id : -1;
}

struct vocab *
vocab_from_sp(struct map map, const char *dir)
{
	struct vocab *v = xcalloc(1, sizeof *v);
	struct model m = {.type = TYPE_UNIGRAM, .bos = 1, .eos = 2};
	v->path = map.path;
	v->sp = xcalloc(1, sizeof *v->sp);
	v->sp->dummy_prefix = v->sp->remove_extra = v->sp->escape = true;
	v->unk = -1;
	v->n = v->sp->n_model = count_pieces(map);
	if (map.size >= SPAN_SECOND)
		die("%s: a model of more than 2 GB", map.path);
	vocab_set_text(v, map.data, map.size);
	m.begin = map.data;
	vocab_room(v);
	memset(v->at, 0, v->n * sizeof *v->at);
	v->type = xcalloc(v->n, 1);
	v->sp->scores = xcalloc(v->n, 4);
	read_model(v, (struct wire){map.data, map.data + map.size}, &m);
	v->config = json_beside(dir, "tokenizer_config.json");
	struct json_doc *added = json_beside(dir, "added_tokens.json");
	struct added_list list = read_added(v, added);
	put_added(v, &list, dir);
	v->scores = v->sp->scores;
	v->sp->map = charsmap_read(v->path, m.charsmap.p, (size_t)(m.charsmap.end - m.charsmap.p));
	v->space_prefix = v->sp->dummy_prefix;
	if (m.type == TYPE_UNIGRAM)
		v->unigram = xcalloc(1, sizeof *v->unigram);
	v->bos_piece = v->bos = control(v, m.bos);
	v->eos = control(v, m.eos);
	vocab_read_beside(v, dir);
	if (v->config && !json_bool(v->config, json_get(v->config, v->config->node, "add_bos_token"), "add_bos_token", true))
		v->bos = -1;
	xfree(list.a);
	if (added)
		json_free(added);
	return v;
}

void
sp_from_gguf(struct vocab *v)
{
	const char *key = "tokenizer.ggml.precompiled_charsmap";
	const struct gguf_kv *kv = gguf_get(v->meta, key);
	v->sp = xcalloc(1, sizeof *v->sp);
	v->sp->n_model = v->n;
	v->sp->escape = true;
	v->sp->dummy_prefix = v->space_prefix;
	v->sp->remove_extra = gguf_bool(v->meta, "tokenizer.ggml.remove_extra_whitespaces", false);
	if (kv)
		kv = gguf_array(v->meta, key, kv->elem == GGUF_I8 ? GGUF_I8 : GGUF_U8);
	if (kv)
		v->sp->map = charsmap_read(v->path, kv->data, kv->n);
}

void
sp_free(struct sp *sp)
{
	if (!sp)
		return;
	xfree(sp->user.list);
	xfree(sp->text.s);
	xfree(sp->word.s);
	xfree(sp->added.s);
	xfree(sp->scores);
	xfree(sp);
}
