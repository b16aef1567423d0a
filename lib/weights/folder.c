/* folder.c - a model in a Hugging Face folder; see folder.h. */
#include "folder.h"

#include "config.h"
#include "names.h"
#include "safetensors.h"
#include "shape.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SHARDS_MAX = 10000 };

#define SHOW(s) (int)((s).n < 100 ? (s).n : 100), (s).p

/* What the work goes over. */
struct shards {
	const struct config *c;
	struct safetensors **s;
	size_t n, n_tensors;
};

bool
folder_is(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* "<folder>/<name>", which lives as long as w. */
static char *
path_in(struct weights *w, const char *folder, struct str name)
{
	const size_t n = strlen(folder) + name.n + 2;
	char *path = xreallocarray(NULL, n, 1);
	const bool slash = *folder && folder[strlen(folder) - 1] == '/';
	snprintf(path, n, "%s%s%.*s", folder, slash ? "" : "/", (int)name.n, name.p);
	w->owned = grow(w->owned, &w->owned_cap, w->n_owned + 1, sizeof *w->owned);
	return w->owned[w->n_owned++] = path;
}

static struct str
text(const char *s)
{
	return (struct str){s, strlen(s)};
}

static const struct json *
weight_map(const struct json_doc *d)
{
	const struct json *map = json_get(d, d->node, "weight_map");
	if (!json_is(map, JSON_OBJECT) || map->n == 0)
		die("%s: no object 'weight_map' that names tensors", d->name);
	return map;
}

/* The name of a shard: of a file in this folder, not of one elsewhere. */
static struct str
shard_name(const struct json_doc *d, const struct json *v)
{
	struct str s = json_str(d, v);
	s.p = s.p ? s.p : "";
	if ( s.n == 0 || s.n > 255 || s.p[0] == '.' || memchr(s.p, '/', s.n) || memchr(s.p, 0, s.n))
		die("%s: '%.*s' is not the name of a file beside it", d->name, SHOW(s));
	return s;
}

/* Map each shard that the index names, once. */
static struct map *
map_shards(struct weights *w, const char *folder, const struct json_doc *d, size_t *n)
{
	const struct json *map = weight_map(d), *key = json_first(map);
	struct str *seen = NULL;
	struct map *shard = NULL;
	size_t cap = 0, seen_cap = 0;
	for (size_t i = 0; i < map->n; i++, key = json_next(json_next(key))) {
		struct str name = shard_name(d, json_next(key));
		size_t at = *n;
		while (at > 0 && str_cmp(seen[at - 1], name) != 0)
			at--;
		if (at > 0)
			continue;
		if (*n == SHARDS_MAX)
			die("%s: more than %d files", d->name, SHARDS_MAX);
		seen = grow(seen, &seen_cap, *n + 1, sizeof *seen);
		shard = grow(shard, &cap, *n + 1, sizeof *shard);
		seen[*n] = name;
		shard[(*n)++] = map_file(path_in(w, folder, name));
	}
	xfree(seen);
	return shard;
}

void
folder_open(struct weights *w, const char *path)
{
	struct stat st;
	struct map index = {.data = NULL}, config, *shard;
	size_t n = 0;
	const char *name = path_in(w, path, text("config.json"));
	if (stat(name, &st) < 0)
		die("%s: a folder without config.json: %s", path, stat(path_in(w, path, text("adapter_config.json")), &st) < 0 ?
			"not a model of Hugging Face" : "an adapter, which llm-fwd -L adds to a model");
	config = map_file(name);
	name = path_in(w, path, text("model.safetensors.index.json"));
	if (stat(name, &st) == 0) {
		index = map_file(name);
		struct json_doc *d = json_read(index.path, (const char *)index.data, index.size);
		shard = map_shards(w, path, d, &n);
		json_free(d);
	} else {
		name = path_in(w, path, text("model.safetensors"));
		if (stat(name, &st) < 0)
			die("%s: neither model.safetensors nor model.safetensors.index.json in this folder "
				"(a pytorch_model.bin must be converted)", path);
		shard = xcalloc(1, sizeof *shard);
		shard[n++] = map_file(name);
	}
	folder_read(w, config, index, shard, n);
	xfree(shard);
}

/* The end of a path. */
static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Every tensor that the index names is in the shard that it says, and every one there is named. */
static void
check_index(struct map index, const struct shards *all)
{
	struct json_doc *d = json_read(index.path, (const char *)index.data, index.size);
	const struct json *map = weight_map(d), *key = json_first(map);
	size_t at = 0;
	for (size_t i = 0; i < map->n; i++, key = json_next(json_next(key))) {
		struct str name = json_str(d, key), file = shard_name(d, json_next(key));
		for (size_t tried = 0; !str_is(file, base_name(all->s[at]->map.path)); at = (at + 1) % all->n)
			if (++tried > all->n)
				die("%s: names the file %.*s, which is not here", d->name, SHOW(file));
		struct st_tensor *t = safetensors_get(all->s[at], name);
		if (!t)
			die("%s: tensor %.*s is not in %.*s", d->name, SHOW(name), SHOW(file));
		t->taken = true;
	}
	for (size_t i = 0; i < all->n; i++)
		for (size_t j = 0; j < all->s[i]->n; j++)
			if (!all->s[i]->tensor[j].taken)
				die("%s: tensor %.*s is not in the index", all->s[i]->map.path, SHOW(all->s[i]->tensor[j].name));
	json_free(d);
}

/* The tensor that has the exponents of one that has the blocks of MXFP4. */
static const struct st_tensor *
exponents_of(const struct shards *all, struct str blocks)
{
	static const char tail[] = "_scales";
	const size_t stem = blocks.n - strlen("_blocks");
	char *name = xreallocarray(NULL, stem + sizeof tail, 1);
	const struct st_tensor *t = NULL;
	memcpy(name, blocks.p, stem);
	memcpy(name + stem, tail, sizeof tail);
	for (size_t i = 0; i < all->n && !t; i++)
		t = safetensors_get(all->s[i], (struct str){name, stem + sizeof tail - 1});
	xfree(name);
	return t;
}

/* gpt-oss: 16 bytes a block, of 32 numbers, and the exponents elsewhere. */
static void
join_mxfp4(const struct shards *all, const char *path, const struct st_tensor *from, struct tensor *t)
{
	const struct st_tensor *e = exponents_of(all, from->name);
	if (strcmp(from->dtype, "U8") != 0 || from->n_dims != 4 || from->dim[0] != 16)
		die("%s: tensor %.*s holds no blocks of MXFP4", path, SHOW(from->name));
	if (!e || strcmp(e->dtype, "U8") != 0 || e->n_dims != 3 || e->dim[0] != from->dim[1] || e->dim[1] != from->dim[2] ||
		e->dim[2] != from->dim[3])
		die("%s: tensor %.*s has no exponents ('_scales') of its shape", path, SHOW(from->name));
	t->type = T_MXFP4_SPLIT;
	t->n_dims = 3;
	t->dim[0] = from->dim[1] * 32;
	t->dim[1] = from->dim[2];
	t->dim[2] = from->dim[3];
	t->dim[3] = 1;
	t->scale = e->data;
}

uint32_t
folder_type(const char *path, const struct st_tensor *from)
{
	if (strcmp(from->dtype, "F32") == 0)
		return T_F32;
	if (strcmp(from->dtype, "F16") == 0)
		return T_F16;
	if (strcmp(from->dtype, "BF16") == 0)
		return T_BF16;
	die("%s: tensor %.*s is %s; F32, F16 and BF16 are read", path, SHOW(from->name), from->dtype);
}

/* One tensor as GGUF would have it; those that hold no weights are left out. */
static void
add_tensor(struct weights *w, const struct shards *all, const char *path, const struct st_tensor *from)
{
	struct tensor *t = w->tensors + w->n_tensors;
	const enum name_kind kind = name_of_tensor(config_arch(all->c), from->name, t->name);
	if (kind == NAME_UNKNOWN)
		die("%s: tensor %.*s: in a model of type '%s' nothing of that name is known", path, SHOW(from->name),
			config_type(all->c));
	if (kind == NAME_LEFT_OUT || (strcmp(t->name, "output.weight") == 0 && all->c->tied == 1))
		return;
	if (kind == NAME_OF_SENSES && !all->c->wrapped)
		die("%s: tensor %.*s: a model of type '%s' reads text alone", path, SHOW(from->name), config_type(all->c));
	if (kind == NAME_OF_SENSES)
		return;
	t->data = from->data;
	t->n_dims = (uint32_t)from->n_dims;
	if (kind == NAME_MXFP4)
		join_mxfp4(all, path, from, t);
	else {
		t->type = folder_type(path, from);
		if (from->n_dims < 1 || from->n_dims > 4)
			die("%s: tensor %.*s has %zu dimensions", path, SHOW(from->name), from->n_dims);
		memcpy(t->dim, from->dim, sizeof t->dim);
	}
	for (size_t i = 0; i < 4; i++)
		if (t->dim[i] == 0)
			die("%s: tensor %.*s is empty", path, SHOW(from->name));
	if (kind == NAME_ACROSS && t->n_dims > 1) {
		t->across = t->dim[0];
		t->dim[0] = t->dim[1];
		t->dim[1] = t->across;
	}
	w->n_tensors++;
}

/* A vector of the configuration, as GGUF has it. There is room: config_shape() has at most two. */
static void
add_vector(struct weights *w, const char *name, const float *x, size_t n)
{
	struct tensor *t = w->tensors + w->n_tensors++;
	unsigned char *p = xreallocarray(NULL, n, sizeof *x);
	for (size_t i = 0; i < n; i++) {
		uint32_t u;
		memcpy(&u, x + i, sizeof u);
		for (size_t b = 0; b < 4; b++)
			p[4 * i + b] = (unsigned char)(u >> (8 * b));
	}
	*t = (struct tensor){.type = T_F32, .n_dims = 1, .dim = {n, 1, 1, 1}, .data = p};
	snprintf(t->name, sizeof t->name, "%s", name);
	w->owned = grow(w->owned, &w->owned_cap, w->n_owned + 1, sizeof *w->owned);
	w->owned[w->n_owned++] = p;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

static void
sort(struct weights *w)
{
	qsort(w->tensors, w->n_tensors, sizeof *w->tensors, by_name);
	for (size_t i = 1; i < w->n_tensors; i++)
		if (strcmp(w->tensors[i - 1].name, w->tensors[i].name) == 0)
			die("%s: two tensors for what GGUF calls %s", w->path, w->tensors[i].name);
}

void
folder_read(struct weights *w, struct map config, struct map index, const struct map *shard, size_t n_shards)
{
	struct config *c = config_read(config);
	struct shards all = {.c = c, .s = xcalloc(n_shards, sizeof *all.s), .n = n_shards};
	for (size_t i = 0; i < n_shards; i++) {
		all.s[i] = safetensors_read(shard[i]);
		all.n_tensors += all.s[i]->n;
	}
	if (index.data)
		check_index(index, &all);
	w->folder = true;
	w->said = (struct str){(const char *)config.data, config.size};
	snprintf(w->arch, sizeof w->arch, "%s", config_arch(c));
	w->tensors = xcalloc(all.n_tensors + 2, sizeof *w->tensors);
	for (size_t i = 0; i < n_shards; i++)
		for (size_t j = 0; j < all.s[i]->n; j++)
			add_tensor(w, &all, shard[i].path, all.s[i]->tensor + j);
	config_shape(c, w, add_vector);
	sort(w);
	const struct tensor *embd = weights_get(w, "token_embd.weight");
	if (!embd)
		die("%s: no tensor holds the embeddings (embed_tokens.weight)", shard[0].path);
	w->shape.n_vocab = embd->dim[1];
	if (w->shape.n_vocab > DIM_MAX)
		die("%s: a vocabulary of %zu pieces is more than %d", shard[0].path, w->shape.n_vocab, DIM_MAX);
	if (c->tied == 0 && !weights_get(w, "output.weight"))
		die("%s: tensor lm_head.weight is missing, and 'tie_word_embeddings' is false", shard[0].path);
	for (size_t i = 0; i < n_shards; i++)
		safetensors_free(all.s[i]);
	xfree(all.s);
	config_free(c);
}
