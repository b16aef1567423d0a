/* vocab_folder.c - what lies beside a vocabulary in a Hugging Face folder; see vocab_impl.h. */
#include "json.h"
#include "vocab_hf.h"
#include "vocab_impl.h"

#include <string.h>
#include <unistd.h>

struct map
file_beside(const char *dir, const char *name)
{
	struct map none = {NULL, NULL, 0};
	size_t n = strlen(dir);
	char *path = xcalloc(n + strlen(name) + 2, 1);
	snprintf(path, n + strlen(name) + 2, "%s%s%s", dir, n && dir[n - 1] != '/' ? "/" : "", name);
	if (access(path, R_OK) == 0)
		return map_file(path); /* whose name the map keeps */
	xfree(path);
	return none;
}

struct json_doc *
json_beside(const char *dir, const char *name)
{
	struct map m = file_beside(dir, name);
	return m.data ? json_read(m.path, (const char *)m.data, m.size) : NULL;
}

const char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) + 1 : 1;
	char *dir = xcalloc(n + 1, 1);
	memcpy(dir, slash ? path : ".", n);
	return dir;
}

int32_t
vocab_id_of(const struct vocab *v, struct str s)
{
	for (uint32_t id = 0; s.n && id < v->n; id++) {
		uint32_t n;
		if (!v->mark && v->at[id].n != s.n)
			continue;
		const unsigned char *p = piece(v, id, &n);
		if (n == s.n && !memcmp(p, s.p, n))
			return (int32_t)id;
	}
	return -1;
}

/* tokenizer_config.json without the tokens that are in tokenizer.json, too. */
static struct json_doc *
read_config(const char *dir)
{
	struct json_flat tokens = {.key = "added_tokens_decoder", .type = JSON_OBJECT, .later = true};
	struct map m = file_beside(dir, "tokenizer_config.json");
	return m.data ? json_read_flat(m.path, (const char *)m.data, m.size, &tokens, 1) : NULL;
}

/* "<s>" or {"content": "<s>"} */
static struct str
token_text(const struct json_doc *d, const char *key)
{
	const struct json *v = json_get(d, d->node, key);
	return json_is(v, JSON_OBJECT) ? json_str(d, json_get(d, v, "content")) : json_str(d, v);
}

/* A template alone, or the one called "default" of several. */
static struct str
template_text(const struct json_doc *d)
{
	const struct json *v = json_get(d, d->node, "chat_template");
	const struct json *c = v ? json_first(v) : NULL;
	for (size_t i = 0; json_is(v, JSON_ARRAY) && i < v->n; i++, c = json_next(c))
		if (str_is(json_str(d, json_get(d, c, "name")), "default"))
			return json_str(d, json_get(d, c, "template"));
	if (json_is(v, JSON_ARRAY))
		die("%s: of its chat templates none is named 'default'", d->name);
	return json_str(d, v);
}

/* eos_token_id: a number or several. */
static void
read_eos_ids(struct vocab *v, const char *dir, const char *name)
{
	struct json_doc *d = json_beside(dir, name);
	const struct json *list = d ? json_get(d, d->node, "eos_token_id") : NULL;
	const struct json *c = json_is(list, JSON_ARRAY) ? json_first(list) : list;
	for (size_t i = 0; list && i < (list->type == JSON_ARRAY ? list->n : 1); i++, c = json_next(c)) {
		uint64_t id = json_uint(d, c, "eos_token_id", VOCAB_MAX, 0, VOCAB_MAX);
		if (id < v->n)
			vocab_mark_eog(v, (int64_t)id);
	}
	if (d)
		json_free(d);
}

uint32_t
vocab_padded(const char *dir, uint32_t n)
{
	struct json_doc *d = json_beside(dir, "config.json");
	if (!d)
		return n;
	const struct json *size = json_get(d, d->node, "vocab_size");
	if (!size)
		size = json_get(d, json_get(d, d->node, "text_config"), "vocab_size");
	uint64_t rows = json_uint(d, size, "vocab_size", 0, 0, UINT64_MAX);
	if (rows >= VOCAB_MAX || rows / 4 > (uint64_t)n + 65536)
		die("%s: a vocab_size of %llu beside %u pieces", d->name, (unsigned long long)rows, (unsigned)n);
	json_free(d);
	return rows > n ? (uint32_t)rows : n;
}

void
vocab_read_beside(struct vocab *v, const char *dir)
{
	struct map jinja = file_beside(dir, "chat_template.jinja");
	struct json_doc *d = v->config ? v->config : read_config(dir);
	v->config = d;
	if (d) {
		int32_t eos = vocab_id_of(v, token_text(d, "eos_token"));
		v->eos = eos >= 0 ? eos : v->eos;
		if (v->bos_piece < 0)
			v->bos_piece = vocab_id_of(v, token_text(d, "bos_token"));
		v->template = template_text(d);
	}
	if (jinja.data)
		v->template = (struct str){(const char *)jinja.data, jinja.size};
	else if (!v->template.p && (v->template_doc = json_beside(dir, "chat_template.json")))
		v->template = template_text(v->template_doc);
	vocab_mark_eog(v, v->eos);
	read_eos_ids(v, dir, "generation_config.json");
	read_eos_ids(v, dir, "config.json");
	vocab_sort_eog(v);
}

struct vocab *
vocab_from_folder(const char *dir, bool encode)
{
	static const char *const models[] = {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model"};
	struct map m = file_beside(dir, "tokenizer.json");
	if (m.data)
		return vocab_from_hf(m, dir, encode);
	for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
		m = file_beside(dir, models[i]);
		if (m.data && !sp_is(m))
			die("%s: no model of SentencePiece, and there is no tokenizer.json beside it", m.path);
		if (m.data)
			return vocab_from_sp(m, dir);
	}
	return NULL;
}
