/* shape.c - the shape of a model in a GGUF file; see shape.h. */
#include "shape.h"

#include "gguf.h"

#include <math.h>
#include <string.h>

/* "<arch>.<key>", valid until the next call. */
static const char *
arch_key(const struct weights *w, const char *key)
{
	static char name[128];
	snprintf(name, sizeof name, "%s.%s", w->arch, key);
	return name;
}

static size_t
uint_or(const struct weights *w, const char *key, size_t missing, size_t max)
{
	return (size_t)gguf_uint(w->gguf, arch_key(w, key), missing, missing ? 1 : 0, max);
}

static size_t
uint_of(const struct weights *w, const char *key, size_t max)
{
	size_t v = uint_or(w, key, 0, max);
	if (!v)
		die("%s: key '%s' is missing or 0", w->path, arch_key(w, key));
	return v;
}

/* A factor, a base and so on: not negative. */
static float
float_or(const struct weights *w, const char *key, double missing)
{
	double v = gguf_float(w->gguf, arch_key(w, key), missing);
	if (!(v >= 0 && v < (double)INFINITY))
		die("%s: key '%s' is %g", w->path, arch_key(w, key), v);
	return (float)v;
}

static float
positive(const struct weights *w, const char *key, double missing)
{
	float v = float_or(w, key, missing);
	if (!(v > 0))
		die("%s: key '%s' is not above zero", w->path, arch_key(w, key));
	return v;
}

/* A bool: 0 or 1; -1 where the file does not say. */
static int
bool_or_not(const struct weights *w, const char *key)
{
	return gguf_get(w->gguf, arch_key(w, key)) ? gguf_bool(w->gguf, arch_key(w, key), false) : -1;
}

static void
read_rope(const struct weights *w, struct shape *s)
{
	static const char *const known[] = {
		[ROPE_PLAIN] = "none", [ROPE_LINEAR] = "linear", [ROPE_YARN] = "yarn", [ROPE_LONG] = "longrope",
	};
	s->rope_base = positive(w, "rope.freq_base", 10000);
	s->rope_base_sliding = float_or(w, "rope.freq_base_swa", 0);
	s->rope_factor = positive(w, "rope.scale_linear", 1);
	s->rope_scaling = s->rope_factor == 1 ? ROPE_PLAIN : ROPE_LINEAR;
	s->rope_original = uint_or(w, "rope.scaling.original_context_length", s->n_ctx, INT32_MAX);
	s->rope_magnitude = positive(w, "rope.scaling.attn_factor", 1);
	s->yarn_fast = positive(w, "rope.scaling.yarn_beta_fast", 32);
	s->yarn_slow = positive(w, "rope.scaling.yarn_beta_slow", 1);
	s->yarn_log = float_or(w, "rope.scaling.yarn_log_multiplier", 0);
	struct str type = gguf_str(w->gguf, arch_key(w, "rope.scaling.type"));
	if (!type.p)
		return;
	size_t i = 0;
	while (i < sizeof known / sizeof *known && !str_is(type, known[i]))
		i++;
	if (i == sizeof known / sizeof *known)
		die("%s: rope scaling '%.*s'; none, linear, yarn and longrope are known", w->path,
			(int)(type.n < 64 ? type.n : 64), type.p);
	s->rope_scaling = (enum rope_scaling)i;
	s->rope_factor = positive(w, "rope.scaling.factor", 1);
}

/* Which layers slide: a bool for each, or a number. */
static void
read_windows(const struct weights *w, struct shape *s)
{
	s->window = uint_or(w, "attention.sliding_window", 0, INT32_MAX);
	const struct gguf_kv *kv = gguf_get(w->gguf, arch_key(w, "attention.sliding_window_pattern"));
	if (!kv)
		return;
	if (kv->type != GGUF_ARRAY) {
		s->window_every = uint_or(w, "attention.sliding_window_pattern", 0, LAYERS_MAX);
		return;
	}
	kv = gguf_array(w->gguf, arch_key(w, "attention.sliding_window_pattern"), GGUF_BOOL);
	if (kv->n < s->n_layers)
		die("%s: key '%s' has %zu values for %zu layers", w->path,
			arch_key(w, "attention.sliding_window_pattern"), kv->n, s->n_layers);
	s->slides = kv->data;
}

static void
read_experts(const struct weights *w, struct shape *s)
{
	s->n_experts = uint_or(w, "expert_count", 0, EXPERTS_MAX);
	s->n_used = uint_or(w, "expert_used_count", 0, EXPERTS_MAX);
	s->n_ff_expert = uint_or(w, "expert_feed_forward_length", s->n_ff, DIM_MAX);
	s->renormalize = bool_or_not(w, "expert_weights_norm");
	s->expert_scale = float_or(w, "expert_weights_scale", 0);
}

/* Factors that change numbers on their way. */
static void
read_scales(const struct weights *w, struct shape *s)
{
	s->alibi = float_or(w, "attention.max_alibi_bias", 0);
	s->clamp = float_or(w, "attention.clamp_kqv", 0);
	s->embd_scale = float_or(w, "embedding_scale", 0);
	s->residual_scale = float_or(w, "residual_scale", 0);
	s->attn_scale = float_or(w, "attention.scale", 0);
	s->logit_scale = float_or(w, "logit_scale", 0);
	s->attn_cap = float_or(w, "attn_logit_softcapping", 0);
	s->logit_cap = float_or(w, "final_logit_softcapping", 0);
	s->temperature = float_or(w, "attention.temperature_scale", 0);
	s->parallel = bool_or_not(w, "use_parallel_residual");
}

static void
read_heads(const struct weights *w, struct shape *s)
{
	s->n_heads = uint_of(w, "attention.head_count", DIM_MAX);
	s->n_kv_heads = uint_or(w, "attention.head_count_kv", s->n_heads, DIM_MAX);
	s->head_dim = uint_or(w, "attention.key_length", s->n_embd / s->n_heads, DIM_MAX);
	if (uint_or(w, "attention.value_length", s->head_dim, DIM_MAX) != s->head_dim)
		die("%s: keys and values of different length are not supported", w->path);
	s->rope_dim = uint_or(w, "rope.dimension_count", s->head_dim, DIM_MAX);
}

void
shape_check(const char *path, const struct shape *s)
{
	if (!s->n_heads || !s->n_kv_heads || !s->head_dim || s->n_heads % s->n_kv_heads || s->rope_dim > s->head_dim)
		die("%s: its heads (%zu, %zu for keys and values, width %zu, rope %zu) contradict each other", path,
			s->n_heads, s->n_kv_heads, s->head_dim, s->rope_dim);
	if (s->n_used > s->n_experts || (s->n_experts && !s->n_used))
		die("%s: %zu of %zu experts for a token", path, s->n_used, s->n_experts);
}

struct shape
shape_read(const struct weights *w)
{
	struct shape shape = {.n_vocab = 0}, *s = &shape;
	const struct tensor *embd = weights_get(w, "token_embd.weight");
	if (!embd)
		die("%s: tensor token_embd.weight is missing", w->path);
	s->n_vocab = embd->dim[1];
	if (s->n_vocab > DIM_MAX)
		die("%s: a vocabulary of %zu pieces is more than %d", w->path, s->n_vocab, DIM_MAX);
	s->n_ctx = uint_of(w, "context_length", INT32_MAX);
	s->n_embd = uint_of(w, "embedding_length", DIM_MAX);
	s->n_layers = uint_of(w, "block_count", LAYERS_MAX);
	s->n_ff = uint_of(w, "feed_forward_length", DIM_MAX);
	s->norm_eps = positive(w, gguf_get(w->gguf, arch_key(w, "attention.layer_norm_epsilon")) ?
		"attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 1e-5);
	read_heads(w, s);
	read_experts(w, s);
	shape_check(w->path, s);
	read_windows(w, s);
	read_scales(w, s);
	read_rope(w, s);
	return shape;
}
