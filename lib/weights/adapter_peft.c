/* adapter_peft.c - adapters as PEFT saves them (github.com/huggingface/peft); see adapter_peft.h. */
#include "adapter_peft.h"

#include "folder.h"
#include "names.h"
#include "regex.h"
#include "safetensors.h"

#include <math.h>
#include <string.h>

#define SHOW(s) (int)((s).n < 100 ? (s).n : 100), (s).p

enum { RANK_MAX = 1 << 24 };

/* What a configuration says. */
struct peft {
	struct json_doc *doc;
	size_t rank;
	double alpha;
	const struct json *parameters;		/* what is adapted though it is no module's own matrix: experts */
	const struct json *ranks, *alphas;	/* of modules that differ, by a pattern of their names */
	bool rslora;				/* divided by the root of the rank (arXiv:2312.03732) */
};

/* A key may say what it likes of how the adapter was trained, and where. */
static bool
is_harmless(struct str key)
{
	static const char *const keys[] = {"alpha_pattern", "auto_mapping", "base_model_name_or_path", "corda_config",
		"eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode", "layers_pattern", "layers_to_transform",
		"loftq_config", "lora_alpha", "lora_dropout", "lora_ga_config", "megatron_core", "peft_type", "peft_version",
		"qalora_group_size", "r", "rank_pattern", "revision", "runtime_config", "target_modules", "target_parameters", "task_type", "use_rslora"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (str_is(key, keys[i]))
			return true;
	return false;
}

/* Whether a value asks for nothing: null, false, 0, "", [], {}. */
static bool
is_off(const struct json_doc *d, const struct json *v)
{
	switch (v->type) {
	case JSON_TRUE: return false;
	case JSON_NUMBER: return json_float(d, v, "", 0) == 0;
	case JSON_STRING: case JSON_ARRAY: case JSON_OBJECT: return v->n == 0;
	default: return true;
	}
}

/* Some ways to begin change the base, too, and what was learned holds for the changed one. */
static bool
is_plain_start(const struct json_doc *d, const struct json *v)
{
	const struct str s = json_str(d, v);
	return v->type == JSON_TRUE || is_off(d, v) || str_is(s, "gaussian") || str_is(s, "eva") || str_is(s, "orthogonal");
}

/* Every key is known, or asks for nothing. */
static void
refuse(const struct json_doc *d)
{
	const struct json *root = d->node, *key = json_first(root);
	if (root->type != JSON_OBJECT)
		die("%s: no JSON object", d->name);
	const struct str type = json_str(d, json_get(d, root, "peft_type"));
	if (!str_is(type, "LORA"))
		die("%s: 'peft_type' is '%.*s'; LORA is known", d->name, SHOW(type));
	for (size_t i = 0; i < root->n; i++, key = json_next(json_next(key))) {
		const struct str k = json_str(d, key);
		const struct json *v = json_next(key);
		if (is_harmless(k) || is_off(d, v) || (str_is(k, "bias") && str_is(json_str(d, v), "none")))
			continue;
		if (str_is(k, "init_lora_weights")) {
			if (!is_plain_start(d, v))
				die("%s: 'init_lora_weights' is '%.*s', which changes the base, too: convert the adapter (PEFT's "
					"save_pretrained() does)", d->name, SHOW(json_str(d, v)));
			continue;
		}
		die("%s: '%.*s' is not supported", d->name, SHOW(k));
	}
}

static const struct json *
patterns(const struct json_doc *d, const char *key)
{
	const struct json *v = json_get(d, d->node, key);
	if (v && v->type != JSON_NULL && v->type != JSON_OBJECT)
		die("%s: '%s' is no object", d->name, key);
	return json_is(v, JSON_OBJECT) ? v : NULL;
}

static struct peft
read_config(struct map m)
{
	struct peft p = {.doc = json_read(m.path, (const char *)m.data, m.size)};
	const struct json *root = p.doc->node;
	refuse(p.doc);
	p.rank = (size_t)json_uint(p.doc, json_get(p.doc, root, "r"), "r", 8, 1, RANK_MAX);
	p.alpha = json_float(p.doc, json_get(p.doc, root, "lora_alpha"), "lora_alpha", 8);
	p.rslora = json_bool(p.doc, json_get(p.doc, root, "use_rslora"), "use_rslora", false);
	p.parameters = json_get(p.doc, root, "target_parameters");
	if (p.parameters && p.parameters->type != JSON_NULL && p.parameters->type != JSON_ARRAY)
		die("%s: 'target_parameters' is no list", p.doc->name);
	p.ranks = patterns(p.doc, "rank_pattern");
	p.alphas = patterns(p.doc, "alpha_pattern");
	return p;
}

/* Whether the pattern is plain text but for dots, which stand for any character. */
static bool
is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] == '.' || s.p[i] == '_' || (s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'z') ||
			(s.p[i] >= 'A' && s.p[i] <= 'Z')))
			return false;
	return true;
}

/* The end of the name, from a dot on, or all of it. */
static bool
ends_in(struct str name, struct str text)
{
	if (text.n > name.n || (text.n < name.n && name.p[name.n - text.n - 1] != '.'))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '.' && text.p[i] != name.p[name.n - text.n + i])
			return false;
	return true;
}

/* Python's re.match(r"(.*\.)?(PATTERN)$", name). */
static bool
fits(const struct peft *p, struct str pattern, struct str name)
{
	static const char front[] = "\\A(?:.*\\.)?(?:", back[] = ")\\z";
	size_t m[2];
	if (is_text(pattern))
		return ends_in(name, pattern);
	struct str all = {.n = sizeof front - 1 + pattern.n + sizeof back - 1};
	char *text = xreallocarray(NULL, all.n, 1);
	memcpy(text, front, sizeof front - 1);
	memcpy(text + sizeof front - 1, pattern.p, pattern.n);
	memcpy(text + sizeof front - 1 + pattern.n, back, sizeof back - 1);
	all.p = text;
	struct regex *r = regex_new(p->doc->name, all);
	regex_begin(r, (const unsigned char *)name.p, name.n);
	const bool found = regex_next(r, m);
	regex_free(r);
	xfree(text);
	return found;
}

/* The value of the first pattern that fits the module's name, or NULL. */
static const struct json *
value_for(const struct peft *p, const struct json *map, struct str module)
{
	const struct json *key = json_first(map);
	for (size_t i = 0; map && i < map->n; i++, key = json_next(json_next(key)))
		if (fits(p, json_str(p->doc, key), module))
			return json_next(key);
	return NULL;
}

/* What the configuration says is the rank of a module. */
static size_t
rank_of(const struct peft *p, struct str module)
{
	return (size_t)json_uint(p->doc, value_for(p, p->ranks, module), "rank_pattern", p->rank, 1, RANK_MAX);
}

static float
scale_of(const struct peft *p, struct str module, size_t rank)
{
	const double alpha = json_float(p->doc, value_for(p, p->alphas, module), "alpha_pattern", p->alpha);
	return (float)(alpha / (p->rslora ? sqrt((double)rank) : (double)rank));
}

/* Take `text` from the end of s. */
static bool
take_end(struct str *s, const char *text)
{
	const size_t n = strlen(text);
	if (s->n < n || memcmp(s->p + s->n - n, text, n) != 0)
		return false;
	s->n -= n;
	return true;
}

/* What the model itself calls a module. */
static struct str
own_name(struct str module)
{
	static const char front[] = "base_model.model.";
	const size_t n = sizeof front - 1;
	return module.n > n && !memcmp(module.p, front, n) ? (struct str){module.p + n, module.n - n} : module;
}

/* Both, one behind the other; the caller frees .p. */
static struct str
join(struct str a, const char *b)
{
	const size_t n = a.n + strlen(b);
	char *text = xreallocarray(NULL, n + 1, 1);
	memcpy(text, a.p, a.n);
	strcpy(text + a.n, b);
	return (struct str){text, n};
}

/* GGUF's name of a module's matrix. False: of a part of the model that sees or hears. */
static bool
name_module(const char *path, const struct weights *base, struct str module, char gguf[65])
{
	struct str name = join(module, ".weight");
	enum name_kind kind = name_of_tensor(base->arch, module, gguf); /* a parameter without ".weight" */
	if (kind == NAME_UNKNOWN)
		kind = name_of_tensor(base->arch, name, gguf);
	xfree((char *)name.p);
	if (kind == NAME_OF_SENSES)
		return false;
	if (kind != NAME_KNOWN && kind != NAME_ACROSS)
		die("%s: module %.*s: in a model of architecture '%s' (%s) nothing of that name is known", path, SHOW(module),
			base->arch, base->path);
	return true;
}

/* A matrix of two dimensions. */
static struct tensor
matrix(const char *path, const struct st_tensor *from)
{
	struct tensor t = {.type = folder_type(path, from), .n_dims = 2, .data = from->data,
		.dim = {from->dim[0], from->dim[1], 1, 1}};
	if (from->n_dims != 2 || !from->dim[0] || !from->dim[1])
		die("%s: tensor %.*s is no matrix", path, SHOW(from->name));
	snprintf(t.name, sizeof t.name, "%.*s", SHOW(from->name));
	return t;
}

/* PEFT saves the whole embedding beside an adapter of it, and then also the output matrix. What
 * has the base's shape is taken for the base's. */
static bool
is_base(const char *path, const struct weights *base, const struct st_tensor *t)
{
	struct str module = t->name;
	char name[65];
	if (!take_end(&module, ".base_layer.weight") || !name_module(path, base, own_name(module), name))
		return false;
	const struct tensor *own = weights_get(base, name);
	own = own || strcmp(name, "output.weight") ? own : weights_get(base, "token_embd.weight"); /* tied */
	return own && t->n_dims == 2 && t->dim[0] == own->dim[0] && t->dim[1] == own->dim[1];
}

/* Half of a pair: which module's, and where the other half's name ends otherwise. */
static const char *
half_of(struct str *module, bool *embedding)
{
	*embedding = false;
	if (take_end(module, ".lora_A.weight"))
		return ".lora_B.weight";
	*embedding = true;
	return take_end(module, ".lora_embedding_A") ? ".lora_embedding_B" : NULL;
}

static const struct st_tensor *
other_half(const struct safetensors *s, struct str stem, const char *tail)
{
	struct str name = join(stem, tail);
	struct st_tensor *t = safetensors_get(s, name);
	xfree((char *)name.p);
	if (t)
		t->taken = true;
	return t;
}

/* Whether target_parameters names "<module>.<parameter>", or its end. */
static bool
is_target(const struct peft *p, struct str module, const char *parameter)
{
	struct str name = join(module, parameter);
	const struct json *v = json_first(p->parameters);
	bool found = false;
	for (size_t i = 0; json_is(p->parameters, JSON_ARRAY) && i < p->parameters->n; i++, v = json_next(v)) {
		const struct str s = json_str(p->doc, v);
		found |= s.p && s.n <= name.n && !memcmp(name.p + name.n - s.n, s.p, s.n) &&
			(s.n == name.n || name.p[name.n - s.n - 1] == '.');
	}
	xfree((char *)name.p);
	return found;
}

/*
 * Experts are parameters of one module, gate_up_proj and down_proj. PEFT wraps the module for each
 * of them, so the first becomes the inner one's, "experts.base_layer", if there are two. Returns
 * the parameter's name, which the caller frees, or the module's own.
 */
static struct str
parameter_of(const struct peft *p, struct str module)
{
	struct str outer = module, experts;
	const bool inner = take_end(&outer, ".base_layer");
	const bool up = is_target(p, outer, ".gate_up_proj"), down = is_target(p, outer, ".down_proj");
	experts = outer;
	if (!take_end(&experts, ".experts") || !(inner ? up && down : up || down))
		return join(module, is_target(p, module, ".weight") ? ".weight" : "");
	return join(outer, down && !inner ? ".down_proj" : ".gate_up_proj");
}

/* Matrices of experts: a has the ranks of one behind those of another, b's columns have for each
 * rank all experts. */
static void
part_experts(const char *path, struct factors *f, size_t rank)
{
	const size_t n = f->a.dim[1] / rank, rows = f->b.dim[1], bytes = tensor_format(f->b.type)->bytes;
	if (f->a.dim[1] % rank || f->b.dim[0] != f->a.dim[1])
		die("%s: tensor %s: %zu and %zu ranks of experts, and each has %zu", path, f->name, f->a.dim[1], f->b.dim[0], rank);
	unsigned char *copy = xreallocarray(NULL, rows * f->b.dim[0], bytes); /* stays, as the map does */
	for (size_t e = 0; e < n; e++)
		for (size_t r = 0; r < rows; r++)
			for (size_t k = 0; k < rank; k++)
				memcpy(copy + ((e * rows + r) * rank + k) * bytes, f->b.data + (r * rank * n + k * n + e) * bytes, bytes);
	f->b.data = copy;
	f->a.dim[1] = f->b.dim[0] = rank;
	f->a.dim[2] = f->b.dim[2] = n;
}

/* The two matrices as GGUF has them. */
static void
set_matrices(struct factors *f, const struct peft *p, const char *path, struct str module, const struct st_tensor *a,
	const struct st_tensor *b, bool embedding)
{
	static const char experts[] = "_exps.weight";
	const size_t rank = rank_of(p, module), n = strlen(f->name);
	f->a = matrix(path, a);
	f->b = matrix(path, b);
	if (embedding) {
		f->a.across = f->a.dim[0];
		f->a.dim[0] = f->a.dim[1];
		f->a.dim[1] = f->a.across;
	}
	if (n > sizeof experts - 1 && !strcmp(f->name + n - (sizeof experts - 1), experts))
		part_experts(path, f, rank);
	if (f->b.dim[0] != rank)
		die("%s: module %.*s: a rank of %zu, and %s says %zu", path, SHOW(module), f->b.dim[0], p->doc->name, rank);
	f->scale = scale_of(p, module, rank);
}

/* The pair that begins with this A. */
static void
add_pair(struct adapter *a, const struct peft *p, const struct safetensors *s, struct st_tensor *from,
	const struct weights *base)
{
	struct str stem = from->name;
	bool embedding;
	const char *tail = half_of(&stem, &embedding), *path = s->map.path;
	if (!tail)
		return;
	from->taken = true;
	const struct st_tensor *other = other_half(s, stem, tail);
	if (!other)
		die("%s: tensor %.*s: its other half is missing", path, SHOW(from->name));
	const struct str module = parameter_of(p, own_name(stem));
	struct factors *f = a->f + a->n;
	if (name_module(path, base, module, f->name)) {
		if (embedding != !strcmp(f->name, "token_embd.weight"))
			die("%s: module %.*s is adapted as %s", path, SHOW(module),
				embedding ? "an embedding, which it is not" : "a matrix, and it is the embedding");
		set_matrices(f, p, path, module, from, other, embedding);
		a->n++;
	}
	xfree((char *)module.p);
}

void
peft_read(struct adapter *a, struct map file, struct map config, const struct weights *base)
{
	const struct peft p = read_config(config);
	struct safetensors *s = safetensors_read(file);
	a->f = xcalloc(s->n, sizeof *a->f);
	for (size_t i = 0; i < s->n; i++)
		add_pair(a, &p, s, s->tensor + i, base);
	for (size_t i = 0; i < s->n; i++)
		if (!s->tensor[i].taken && !is_base(file.path, base, s->tensor + i))
			die("%s: tensor %.*s is no half of a pair of lora_A and lora_B", file.path, SHOW(s->tensor[i].name));
	safetensors_free(s);
	json_free(p.doc);
}
