/* config.c - config.json of a Hugging Face folder; see config.h. */
#include "config.h"

#include "shape.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* How matrices and norms lie where GGUF has them otherwise. */
enum {
	HALVES = 1 << 0,	/* rope turns halves, though GGUF's rows are permuted for pairs */
	LESS_1 = 1 << 1,	/* weights of norms are stored less 1 */
	BY_GROUP = 1 << 2,	/* query_key_value: each head's, or group's, one behind the other */
	PAIRS = 1 << 3,		/* gate_up_proj: by turns */
	OWN_HEADS = 1 << 4	/* every head has keys of its own, whatever the file says */
};

/* `act` is the key of the activation, NULL: the architecture tells. The defaults are those of
 * transformers where another value is the usual one. */
struct config_row {
	const char *model_type, *arch;
	unsigned flags;
	const char *act, *defaults;
};

#define WINDOWS_OFF "\"use_sliding_window\":false,\"sliding_window\":4096"
#define GEMMA "\"head_dim\":256,\"rms_norm_eps\":1e-6,\"query_pre_attn_scalar\":256,\"sliding_window\":4096"

static const struct config_row rows[] = {
	{"llama", "llama", HALVES, "hidden_act", "{\"rms_norm_eps\":1e-6}"},
	{"mistral", "llama", HALVES, "hidden_act", "{\"rms_norm_eps\":1e-6,\"sliding_window\":4096}"},
	{"mixtral", "llama", HALVES, "hidden_act", "{\"rope_theta\":1e6,\"num_local_experts\":8,\"num_experts_per_tok\":2}"},
	{"ministral3", "mistral3", HALVES, "hidden_act", "{\"head_dim\":128}"},
	{"granite", "granite", HALVES, "hidden_act", "{\"rms_norm_eps\":1e-6,\"attention_multiplier\":1}"},
	{"granitemoe", "granitemoe", HALVES, "hidden_act", "{\"rms_norm_eps\":1e-6,\"attention_multiplier\":1}"},
	{"granitemoeshared", "granitemoe", HALVES, "hidden_act", "{\"rms_norm_eps\":1e-6,\"attention_multiplier\":1}"},
	{"smollm3", "smollm3", HALVES, "hidden_act",
		"{\"rms_norm_eps\":1e-6,\"rope_theta\":2e6,\"num_key_value_heads\":4," WINDOWS_OFF "}"},
	{"qwen2", "qwen2", 0, "hidden_act", "{\"rms_norm_eps\":1e-6,\"max_window_layers\":28," WINDOWS_OFF "}"},
	{"qwen2_moe", "qwen2moe", 0, "hidden_act", "{\"rms_norm_eps\":1e-6,\"max_window_layers\":28," WINDOWS_OFF
		",\"num_experts\":60,\"num_experts_per_tok\":4,\"moe_intermediate_size\":1408,\"norm_topk_prob\":false}"},
	{"qwen3", "qwen3", 0, "hidden_act",
		"{\"rms_norm_eps\":1e-6,\"head_dim\":128,\"max_window_layers\":28," WINDOWS_OFF "}"},
	{"qwen3_moe", "qwen3moe", 0, "hidden_act", "{\"rms_norm_eps\":1e-6," WINDOWS_OFF
		",\"num_experts\":128,\"num_experts_per_tok\":8,\"moe_intermediate_size\":768,\"norm_topk_prob\":false}"},
	{"olmo2", "olmo2", 0, "hidden_act", "{}"},
	{"olmo3", "olmo2", 0, "hidden_act", "{\"rope_theta\":5e5,\"sliding_window\":4096,\"sliding_window_pattern\":4}"},
	{"olmoe", "olmoe", 0, "hidden_act", "{\"num_experts\":64,\"num_experts_per_tok\":8,\"norm_topk_prob\":false}"},
	{"phi3", "phi3", 0, "hidden_act", "{\"original_max_position_embeddings\":4096}"},
	{"gemma", "gemma", LESS_1, "hidden_activation", "{\"head_dim\":256,\"rms_norm_eps\":1e-6}"},
	{"gemma2", "gemma2", LESS_1, "hidden_activation",
		"{" GEMMA ",\"attn_logit_softcapping\":50,\"final_logit_softcapping\":30}"},
	{"gemma3_text", "gemma3", LESS_1, "hidden_activation",
		"{" GEMMA ",\"hidden_size\":2304,\"intermediate_size\":9216,\"num_hidden_layers\":26,"
		"\"num_attention_heads\":8,\"num_key_value_heads\":4,\"max_position_embeddings\":131072,"
		"\"rope_theta\":1e6,\"rope_local_base_freq\":1e4}"},
	{"gpt_oss", "gpt-oss", PAIRS, NULL, "{\"rope_theta\":150000,\"head_dim\":64,\"sliding_window\":128,"
		"\"num_local_experts\":128,\"num_experts_per_tok\":4,\"swiglu_alpha\":1.702,\"swiglu_limit\":7}"},
	{"stablelm", "stablelm", 0, "hidden_act", "{\"partial_rotary_factor\":0.25}"},
	{"cohere", "command-r", 0, "hidden_act", "{\"rope_theta\":5e5,\"logit_scale\":0.0625}"},
	{"phi", "phi2", 0, "hidden_act", "{\"partial_rotary_factor\":0.5}"},
	{"gptj", "gptj", OWN_HEADS, "activation_function", "{\"rotary_dim\":64}"},
	{"gpt_neox", "gptneox", BY_GROUP | OWN_HEADS, "hidden_act",
		"{\"partial_rotary_factor\":0.25,\"use_parallel_residual\":true}"},
	{"falcon", "falcon", BY_GROUP, "activation",
		"{\"max_position_embeddings\":2048,\"multi_query\":true,\"parallel_attn\":true}"},
	{"starcoder2", "starcoder2", 0, "hidden_act", "{\"num_key_value_heads\":2}"},
	{"gpt2", "gpt2", OWN_HEADS, "activation_function", "{}"},
	{"mpt", "mpt", 0, NULL, "{\"attn_config\":{\"alibi\":true}}"},
	{"bloom", "bloom", BY_GROUP | OWN_HEADS, NULL, "{\"seq_length\":2048}"},
};

/* Other names of the same. */
static const char *const alias[][2] = {
	{"gemma3", "gemma3_text"}, {"mistral3", "mistral"}, {"RefinedWeb", "falcon"}, {"RefinedWebModel", "falcon"},
	{"stablelm_epoch", "stablelm"},
};

/* What is left out, by a word in its type. */
static const char *const later[][2] = {
	{"deepseek", "multi-head latent attention"}, {"mistral4", "multi-head latent attention"},
	{"kimi", "multi-head latent attention"}, {"minicpm3", "multi-head latent attention"},
	{"mamba", "state-space layers"}, {"jamba", "state-space layers"}, {"bamba", "state-space layers"},
	{"falcon_h1", "state-space layers"}, {"granitemoehybrid", "state-space layers"}, {"nemotron_h", "state-space layers"},
	{"qwen3_next", "gated delta layers"}, {"qwen3_5", "gated delta layers"}, {"rwkv", "recurrent layers"},
	{"lfm2", "convolutions"},
};

/* "%s" of a string that may hold anything: the text as a C string, cut where it is long. */
static const char *
shown(struct str s)
{
	static char buf[65];
	snprintf(buf, sizeof buf, "%.*s", (int)(s.n < 64 ? s.n : 64), s.p ? s.p : "");
	return buf;
}

static const struct config_row *
row_of(const char *path, struct str type)
{
	char known[1024] = "";
	for (size_t i = 0; i < sizeof alias / sizeof *alias; i++)
		if (str_is(type, alias[i][0]))
			type = (struct str){alias[i][1], strlen(alias[i][1])};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (str_is(type, rows[i].model_type))
			return rows + i;
		const size_t n = strlen(known);
		snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", rows[i].model_type);
	}
	for (size_t i = 0; i < sizeof later / sizeof *later; i++)
		if (strstr(shown(type), later[i][0]))
			die("%s: model_type '%s' has %s, which are not supported yet; known: %s", path, shown(type),
				later[i][1], known);
	die("%s: model_type '%s' is not known; known: %s", path, shown(type), known);
}

struct config *
config_read(struct map m)
{
	struct config *c = xcalloc(1, sizeof *c);
	c->doc = json_read(m.path, (const char *)m.data, m.size);
	const struct json *root = c->doc->node, *text = json_get(c->doc, root, "text_config");
	if (root->type != JSON_OBJECT)
		die("%s: no JSON object", m.path);
	c->wrapped = json_is(text, JSON_OBJECT);
	c->own = c->wrapped ? text : root;
	struct str type = json_str(c->doc, json_get(c->doc, c->own, "model_type"));
	if (!type.p) /* a part that does not say is of the whole's type */
		type = json_str(c->doc, json_get(c->doc, root, "model_type"));
	if (!type.p)
		die("%s: key 'model_type' is missing", m.path);
	c->row = row_of(m.path, type);
	c->defaults = json_read("defaults", c->row->defaults, strlen(c->row->defaults));
	const struct json *tied = json_get(c->doc, c->own, "tie_word_embeddings");
	tied = tied ? tied : json_get(c->doc, root, "tie_word_embeddings");
	c->tied = json_is(tied, JSON_TRUE) ? 1 : json_is(tied, JSON_FALSE) ? 0 : -1;
	return c;
}

void
config_free(struct config *c)
{
	json_free(c->doc);
	json_free(c->defaults);
	xfree(c);
}

const char *
config_arch(const struct config *c)
{
	return c->row->arch;
}

const char *
config_type(const struct config *c)
{
	return c->row->model_type;
}

/* A value, and where it stands. v is NULL where there is none, or null. */
struct value {
	const struct json_doc *d;
	const struct json *v;
	char key[64];
};

/* The value of the first key, of several with blanks between, that an object has. */
static struct value
of_object(const struct json_doc *d, const struct json *object, const char *keys)
{
	struct value x = {.d = d};
	for (size_t n; *keys; keys += n + (keys[n] == ' ')) {
		n = strcspn(keys, " ");
		snprintf(x.key, sizeof x.key, "%.*s", (int)n, keys);
		x.v = json_get(d, object, x.key);
		if (x.v)
			break;
	}
	if (json_is(x.v, JSON_NULL))
		x.v = NULL;
	return x;
}

/* The same of the file or, where the file has none of them, of the defaults. A null is a
 * value: none. */
static struct value
of_config(const struct config *c, const char *keys)
{
	for (const char *k = keys; *k; k += strcspn(k, " "), k += *k == ' ') {
		char key[64];
		snprintf(key, sizeof key, "%.*s", (int)strcspn(k, " "), k);
		if (json_get(c->doc, c->own, key))
			return of_object(c->doc, c->own, keys);
	}
	return of_object(c->defaults, c->defaults->node, keys);
}

static size_t
size_or(const struct config *c, const char *keys, size_t missing, size_t max)
{
	struct value x = of_config(c, keys);
	return (size_t)json_uint(x.d, x.v, x.key, missing, 0, max);
}

static size_t
size_of(const struct config *c, const char *keys, size_t max)
{
	const size_t n = size_or(c, keys, 0, max);
	if (!n)
		die("%s: key '%.*s' is missing or 0", c->doc->name, (int)strcspn(keys, " "), keys);
	return n;
}

/* A number of at least `min`; a missing one is not checked. */
static float
number(struct value x, double missing, double min)
{
	const double v = json_float(x.d, x.v, x.key, missing);
	if (x.v && !(v >= min && v < 1e30))
		die("%s: '%s' is %g", x.d->name, x.key, v);
	return (float)v;
}

static float
float_or(const struct config *c, const char *keys, double missing)
{
	return number(of_config(c, keys), missing, 0);
}

/* The same, but not zero. */
static float
positive(const struct config *c, const char *keys, double missing)
{
	return number(of_config(c, keys), missing, 1e-30);
}

static bool
is_true(const struct config *c, const char *key, bool missing)
{
	struct value x = of_config(c, key);
	return json_bool(x.d, x.v, key, missing);
}

static int
bool_or_not(const struct config *c, const char *key)
{
	return of_config(c, key).v ? is_true(c, key, false) : -1;
}

static enum activation
activation(const struct config *c)
{
	static const struct {
		const char *name;
		enum activation act;
	} known[] = {
		{"silu", ACT_SILU}, {"swish", ACT_SILU}, {"gelu", ACT_GELU}, {"gelu_new", ACT_GELU_TANH},
		{"gelu_fast", ACT_GELU_TANH}, {"gelu_pytorch_tanh", ACT_GELU_TANH}, {"gelu_accurate", ACT_GELU_TANH},
		{"relu", ACT_RELU}, {"relu2", ACT_RELU2},
	};
	struct value x = {.v = NULL};
	if (c->row->act)
		x = of_config(c, c->row->act);
	if (!x.v)
		return ACT_UNSAID;
	struct str name = json_str(x.d, x.v);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_is(name, known[i].name))
			return known[i].act;
	die("%s: '%s' is '%s', an activation that is not known", c->doc->name, x.key, shown(name));
}

/* A bool a layer. */
static unsigned char *
new_bools(struct weights *w)
{
	w->owned = grow(w->owned, &w->owned_cap, w->n_owned + 1, sizeof *w->owned);
	return w->owned[w->n_owned++] = xcalloc(w->shape.n_layers, 1);
}

static const struct json *
list_of_layers(const struct config *c, const struct shape *s, const char *key)
{
	struct value x = of_config(c, key);
	if (x.v && (x.v->type != JSON_ARRAY || x.v->n < s->n_layers))
		die("%s: '%s' is no list of %zu layers", c->doc->name, key, s->n_layers);
	return x.v;
}

/* Which layers slide, and which have rope. */
static void
read_layers(const struct config *c, struct weights *w)
{
	struct shape *s = &w->shape;
	const struct json *types = list_of_layers(c, s, "layer_types"), *turns = list_of_layers(c, s, "no_rope_layers");
	s->window = is_true(c, "use_sliding_window", true) ? size_or(c, "sliding_window", 0, INT32_MAX) : 0;
	s->window_every = size_or(c, "sliding_window_pattern", 0, LAYERS_MAX);
	const size_t first = size_or(c, "max_window_layers", 0, LAYERS_MAX);
	const size_t every = size_or(c, "no_rope_layer_interval", 0, LAYERS_MAX);
	unsigned char *slides = types || first ? new_bools(w) : NULL, *has_rope = turns || every ? new_bools(w) : NULL;
	const struct json *type = types ? json_first(types) : NULL, *turn = turns ? json_first(turns) : NULL;
	for (size_t l = 0; l < s->n_layers; l++) {
		struct str t = json_str(c->doc, type);
		if (type && !str_is(t, "full_attention") && !str_is(t, "sliding_attention"))
			die("%s: layer %zu is of type '%s', which is not supported", c->doc->name, l, shown(t));
		if (slides)
			slides[l] = type ? str_is(t, "sliding_attention") : l >= first;
		if (has_rope) /* 1: it has, for all that the key's name says */
			has_rope[l] = turn ? json_uint(c->doc, turn, "no_rope_layers", 0, 0, 1) != 0 : (l + 1) % every != 0;
		type = type ? json_next(type) : NULL;
		turn = turn ? json_next(turn) : NULL;
	}
	s->slides = slides;
	s->turns = has_rope;
}

/* A list of factors, one for each pair. */
static void
read_factors(const struct json_doc *d, const struct json *v, const char *key, const struct shape *s, float *x)
{
	if (!json_is(v, JSON_ARRAY) || v->n != s->rope_dim / 2)
		die("%s: '%s' is no list of %zu factors", d->name, key, s->rope_dim / 2);
	const struct json *f = json_first(v);
	for (size_t i = 0; i < v->n; i++, f = json_next(f))
		x[i] = (float)json_float(d, f, key, 0);
}

typedef void add_fn(struct weights *w, const char *name, const float *x, size_t n);

/* Within the original context short factors hold, beyond it long ones. */
static void
read_long_rope(const struct config *c, struct weights *w, const struct json *rope, add_fn *add)
{
	const struct shape *s = &w->shape;
	const size_t n = s->rope_dim / 2;
	const struct json *a = json_get(c->doc, rope, "short_factor"), *b = json_get(c->doc, rope, "long_factor");
	if (!json_is(a, JSON_ARRAY) || a->n != n) /* before there is room for them */
		die("%s: 'short_factor' is no list of %zu factors", c->doc->name, n);
	float *x = xcalloc(n, sizeof *x);
	read_factors(c->doc, a, "short_factor", s, x);
	add(w, s->rope_original < s->n_ctx ? "rope_factors_short.weight" : "rope_factors_long.weight", x, n);
	read_factors(c->doc, b, "long_factor", s, x);
	if (s->rope_original < s->n_ctx)
		add(w, "rope_factors_long.weight", x, n);
	xfree(x);
}

/* What is multiplied where rope is stretched, as transformers has it. */
static float
magnitude(const struct config *c, const struct shape *s, const struct json *rope)
{
	const struct json_doc *d = c->doc;
	struct value given = of_object(d, rope, "attention_factor");
	const double growth = 0.1 * log(fmax((double)s->rope_factor, 1));
	double x = (double)number(given, 0, 0);
	if (s->rope_scaling == ROPE_LONG && !given.v)
		x = s->rope_factor <= 1 ? 1 : sqrt(1 + log((double)s->rope_factor) / log((double)s->rope_original));
	if (s->rope_scaling != ROPE_YARN)
		return (float)x;
	const double more = (double)number(of_object(d, rope, "mscale"), 0, 0);
	const double all = (double)number(of_object(d, rope, "mscale_all_dim"), 0, 0);
	if (!given.v)
		x = more > 0 && all > 0 ? (1 + more * growth) / (1 + all * growth) : 1 + growth;
	return (float)(x / (1 + growth)); /* the forward pass has YaRN's own */
}

static void
read_stretch(const struct config *c, struct weights *w, const struct json *rope, add_fn *add)
{
	static const struct {
		const char *name;
		enum rope_scaling scaling;
	} known[] = {
		{"default", ROPE_PLAIN}, {"dynamic", ROPE_PLAIN /* within n_ctx */}, {"linear", ROPE_LINEAR}, {"yarn", ROPE_YARN},
		{"longrope", ROPE_LONG}, {"su", ROPE_LONG}, {"llama3", ROPE_LLAMA3},
	};
	struct shape *s = &w->shape;
	const struct json_doc *d = c->doc;
	struct str type = json_str(d, of_object(d, rope, "rope_type type").v);
	size_t i = 0;
	while (type.p && i < sizeof known / sizeof *known && !str_is(type, known[i].name))
		i++;
	if (i == sizeof known / sizeof *known)
		die("%s: rope of type '%s'; default, dynamic, linear, yarn, longrope and llama3 are known", d->name, shown(type));
	s->rope_scaling = known[i].scaling;
	if (s->rope_scaling == ROPE_PLAIN)
		return;
	struct value original = of_config(c, "original_max_position_embeddings");
	original = original.v ? original : of_object(d, rope, "original_max_position_embeddings");
	s->rope_original = (size_t)json_uint(original.d, original.v, original.key, s->n_ctx, 1, INT32_MAX);
	s->rope_factor = number(of_object(d, rope, "factor"), (double)s->n_ctx / (double)s->rope_original, 1e-30);
	s->yarn_fast = number(of_object(d, rope, "beta_fast"), 32, 1e-30);
	s->yarn_slow = number(of_object(d, rope, "beta_slow"), 1, 1e-30);
	s->yarn_unrounded = !json_bool(d, of_object(d, rope, "truncate").v, "truncate", true);
	s->low_turns = number(of_object(d, rope, "low_freq_factor"), 1, 0);
	s->high_turns = number(of_object(d, rope, "high_freq_factor"), 4, 0);
	s->temperature = number(of_object(d, rope, "llama_4_scaling_beta"), 0, 0);
	if (s->rope_scaling == ROPE_LLAMA3 && !(s->high_turns > s->low_turns))
		die("%s: rope's high_freq_factor is not above its low_freq_factor", d->name);
	if (s->rope_scaling == ROPE_YARN || s->rope_scaling == ROPE_LONG)
		s->rope_magnitude = magnitude(c, s, rope);
	if (s->rope_scaling == ROPE_LONG)
		read_long_rope(c, w, rope, add);
}

/* rope_parameters, in version 4 rope_scaling; perhaps for each kind of layer. */
static void
read_rope(const struct config *c, struct weights *w, add_fn *add)
{
	struct shape *s = &w->shape;
	const struct json_doc *d = c->doc;
	const struct json *rope = of_object(d, c->own, "rope_parameters rope_scaling").v;
	const struct json *full = json_get(d, rope, "full_attention"), *sliding = json_get(d, rope, "sliding_attention");
	struct str type = json_str(d, of_object(d, sliding, "rope_type type").v);
	if (type.p && !str_is(type, "default"))
		die("%s: rope of sliding layers is of type '%s'; only default is supported", d->name, shown(type));
	s->sliding_plain = full && sliding;
	rope = full ? full : rope;
	s->rope_factor = s->rope_magnitude = 1;
	s->rope_original = s->n_ctx;
	struct value theta = of_object(d, rope, "rope_theta"), part = of_object(d, rope, "partial_rotary_factor");
	struct value local = of_object(d, sliding, "rope_theta");
	theta = theta.v ? theta : of_config(c, "rope_theta rotary_emb_base");
	part = part.v ? part : of_config(c, "partial_rotary_factor rotary_pct rope_pct");
	s->rope_base = number(theta, 10000, 1e-30);
	s->rope_base_sliding = number(local.v ? local : of_config(c, "rope_local_base_freq"), 0, 0);
	if (number(part, 1, 0) > 1)
		die("%s: '%s' is above 1", d->name, part.key);
	s->rope_dim = (size_t)((double)s->head_dim * json_float(part.d, part.v, part.key, 1));
	s->rope_dim = size_or(c, "rotary_dim", s->rope_dim, DIM_MAX);
	if (json_is(rope, JSON_OBJECT))
		read_stretch(c, w, rope, add);
}

static void
read_heads(const struct config *c, struct shape *s)
{
	const bool own = c->row->flags & OWN_HEADS;
	s->n_heads = size_of(c, "num_attention_heads n_head n_heads", DIM_MAX);
	s->n_kv_heads = own ? s->n_heads : size_or(c, "num_key_value_heads num_kv_heads n_head_kv", s->n_heads, DIM_MAX);
	s->head_dim = size_or(c, "head_dim", s->n_embd / s->n_heads, DIM_MAX);
}

static void
read_experts(const struct config *c, struct shape *s)
{
	s->n_experts = size_or(c, "num_local_experts num_experts", 0, EXPERTS_MAX);
	s->n_used = s->n_experts ? size_or(c, "num_experts_per_tok num_experts_per_token", 0, EXPERTS_MAX) : 0;
	s->n_ff_expert = size_or(c, "moe_intermediate_size", s->n_ff, DIM_MAX);
	s->renormalize = bool_or_not(c, "norm_topk_prob");
}

static void
read_scales(const struct config *c, struct shape *s)
{
	const float before = float_or(c, "query_pre_attn_scalar", 0);
	s->clamp = float_or(c, "clip_qkv", 0);
	s->embd_scale = float_or(c, "embedding_multiplier", 0);
	s->residual_scale = float_or(c, "residual_multiplier", 0);
	s->attn_scale = before > 0 ? 1 / sqrtf(before) : float_or(c, "attention_multiplier", 0);
	if (!is_true(c, "scale_attn_weights", true))
		s->attn_scale = 1;
	s->logit_scale = float_or(c, "logit_scale logits_scaling", 0);
	s->attn_cap = float_or(c, "attn_logit_softcapping", 0);
	s->logit_cap = float_or(c, "final_logit_softcapping", 0);
	s->parallel = bool_or_not(c, "use_parallel_residual");
}

static void
read_falcon(const struct config *c, struct shape *s)
{
	const bool newer = is_true(c, "new_decoder_architecture", false);
	if (!newer)
		s->n_kv_heads = is_true(c, "multi_query", true) ? 1 : s->n_heads;
	s->parallel = newer || is_true(c, "parallel_attn", true);
	if (is_true(c, "alibi", false))
		die("%s: a Falcon with 'alibi' is not supported", c->doc->name);
}

static void
read_mpt(const struct config *c, struct shape *s)
{
	struct value x = of_config(c, "attn_config");
	const struct json_doc *d = x.d;
	struct value heads = of_object(d, x.v, "kv_n_heads");
	s->n_kv_heads = (size_t)json_uint(d, heads.v, heads.key, s->n_heads, 1, DIM_MAX);
	s->clamp = number(of_object(d, x.v, "clip_qkv"), 0, 0);
	s->attn_scale = number(of_object(d, x.v, "softmax_scale"), 0, 0);
	if (json_bool(d, of_object(d, x.v, "alibi").v, "alibi", true))
		s->alibi = number(of_object(d, x.v, "alibi_bias_max"), 8, 1e-30);
	s->logit_scale = 0; /* transformers has no use for it */
}

/* What would change numbers and is not done here. */
static void
refuse(const struct config *c)
{
	static const char *const off[] = {"scale_attn_by_inverse_layer_idx", "add_cross_attention",
		"apply_residual_connection_post_layernorm", "use_bidirectional_attention"};
	for (size_t i = 0; i < sizeof off / sizeof *off; i++)
		if (is_true(c, off[i], false))
			die("%s: '%s' is not supported", c->doc->name, off[i]);
	if (c->row->flags & PAIRS && (float_or(c, "swiglu_alpha", 0) != 1.702f || float_or(c, "swiglu_limit", 0) != 7))
		die("%s: 'swiglu_alpha' other than 1.702 or 'swiglu_limit' other than 7 is not supported", c->doc->name);
	const struct json *q = json_get(c->doc, c->doc->node, "quantization_config");
	struct str method = json_str(c->doc, json_get(c->doc, q, "quant_method"));
	if (json_is(q, JSON_OBJECT) && !(c->row->flags & PAIRS && str_is(method, "mxfp4")))
		die("%s: its weights are quantized by '%s'; of folders F32, F16, BF16 and gpt-oss's MXFP4 are read: "
			"for others take a GGUF file", c->doc->name, shown(method));
}

static void
lay(struct shape *s, unsigned flags)
{
	s->rope_halves = flags & HALVES;
	s->norms_less_1 = flags & LESS_1;
	s->qkv_by_group = flags & BY_GROUP;
	s->gate_up_pairs = flags & PAIRS;
}

/* Rows of one architecture agree in this. */
void
config_layout(const char *arch, struct shape *s)
{
	unsigned flags = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		flags |= strcmp(rows[i].arch, arch) ? 0 : rows[i].flags;
	lay(s, flags);
}

void
config_shape(const struct config *c, struct weights *w, add_fn *add)
{
	struct shape *s = &w->shape;
	refuse(c);
	s->n_ctx = size_of(c, "max_position_embeddings n_positions max_seq_len seq_length n_ctx", INT32_MAX);
	s->n_embd = size_of(c, "hidden_size n_embd n_embed d_model", DIM_MAX);
	s->n_layers = size_of(c, "num_hidden_layers n_layer n_layers", LAYERS_MAX);
	s->n_ff = size_or(c, "ffn_hidden_size intermediate_size n_inner", 0, DIM_MAX);
	s->n_ff = s->n_ff ? s->n_ff : size_or(c, "expansion_ratio", 4, 1 << 16) * s->n_embd;
	s->norm_eps = positive(c, "rms_norm_eps layer_norm_eps layer_norm_epsilon norm_epsilon norm_eps", 1e-5);
	s->act = activation(c);
	read_heads(c, s);
	read_experts(c, s);
	read_scales(c, s);
	if (strcmp(c->row->arch, "falcon") == 0)
		read_falcon(c, s);
	if (strcmp(c->row->arch, "mpt") == 0)
		read_mpt(c, s);
	read_layers(c, w);
	read_rope(c, w, add);
	shape_check(c->doc->name, s);
	lay(s, c->row->flags);
}
