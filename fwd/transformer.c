/* transformer.c - a model's tensors, found by name; see transformer.h. */
#include "transformer.h"

#include "weights/shape.h"

#include <math.h>
#include <string.h>

enum need { OPTIONAL, REQUIRED, ABSENT };

/* What the row of an architecture says of a part. */
static enum need
need_if(const struct model *m, unsigned flag)
{
	return m->arch->flags & flag ? REQUIRED : ABSENT;
}

/* The tensor of that name, marked as used; its dimensions are for the caller to check. */
static const struct tensor *
get(struct model *m, const char *name, enum need need)
{
	const struct weights *w = m->w;
	const struct tensor *t = need == ABSENT ? NULL : weights_get(w, name);
	if (!t && need == REQUIRED && !m->base)
		die("%s: tensor %s is missing", w->path, name);
	if (!t)
		return NULL;
	if (!tensor_readable(t) && !m->base)
		die("%s: tensor %s is %s (type %u), which this version cannot read", w->path, name,
			tensor_format(t->type)->name, t->type);
	m->used[t - w->tensors] = true;
	return t;
}

/* The same of that shape; depth > 1: so many matrices. */
static const struct tensor *
find(struct model *m, const char *name, enum need need, size_t depth, size_t rows, size_t cols)
{
	const struct tensor *t = get(m, name, need);
	if (!t || (t->dim[0] == cols && t->dim[1] == rows && t->dim[2] == depth && t->dim[3] == 1))
		return t;
	if (m->base)
		die("%s: tensor %s is %zu x %zu x %zu, in %s %zu x %zu x %zu: an adapter of another model", m->w->path, name,
			t->dim[0], t->dim[1], t->dim[2], m->base->w->path, cols, rows, depth);
	die("%s: tensor %s is %zu x %zu x %zu x %zu, not %zu x %zu x %zu", m->w->path, name, t->dim[0],
		t->dim[1], t->dim[2], t->dim[3], cols, rows, depth);
}

/* Room for a vector that lives as long as the model. */
static float *
new_floats(struct model *m, size_t rows, size_t cols)
{
	size_t n;
	if (!mul_size(rows, cols, &n))
		die("out of memory");
	m->copied = grow(m->copied, &m->copied_cap, m->n_copied + 1, sizeof *m->copied);
	return m->copied[m->n_copied++] = xreallocarray(NULL, n, sizeof(float));
}

/* All numbers of a tensor as float32s, plus `more`. */
static const float *
copy(struct model *m, const struct tensor *t, float more)
{
	const size_t rows = tensor_rows(t), cols = t->dim[0];
	float *x = new_floats(m, rows, cols);
	for (size_t r = 0; r < rows; r++)
		tensor_unpack(t, r, x + r * cols);
	for (size_t i = 0; i < rows * cols && more != 0; i++)
		x[i] += more;
	return x;
}

/* All numbers of a tensor as float32s: in the map where they lie there, else a copy. */
static const float *
floats(struct model *m, const struct tensor *t)
{
	if (!t)
		return NULL;
	return tensor_floats(t) ? tensor_floats(t) : copy(m, t, 0);
}

/* Weights of a norm. */
static const float *
norm_weights(struct model *m, const struct tensor *t)
{
	return t && m->shape.norms_less_1 ? copy(m, t, 1) : floats(m, t);
}

static const size_t NO_LAYER = SIZE_MAX;

/* "<base><suffix>", with the number of the layer in front; valid until the next call. */
static const char *
name_of(size_t layer, const char *base, const char *suffix)
{
	static char name[128];
	if (layer == NO_LAYER)
		snprintf(name, sizeof name, "%s%s", base, suffix);
	else
		snprintf(name, sizeof name, "blk.%zu.%s%s", layer, base, suffix);
	return name;
}

static struct matrix
matrices(struct model *m, size_t l, const char *base, enum need need, size_t depth, size_t rows, size_t cols)
{
	struct matrix x = {.bias = NULL};
	const struct tensor *t = find(m, name_of(l, base, ".weight"), need, depth, rows, cols);
	if (!t)
		return x;
	x.w = *t;
	if (!m->base)
		x.bias = floats(m, find(m, name_of(l, base, ".bias"), OPTIONAL, 1, depth, rows));
	return x;
}

static struct matrix
matrix(struct model *m, size_t l, const char *base, enum need need, size_t rows, size_t cols)
{
	return matrices(m, l, base, need, 1, rows, cols);
}

/* Rows [first, first + rows) of a matrix. */
static struct matrix
view(const struct matrix *m, size_t first, size_t rows)
{
	struct matrix v = *m;
	tensor_skip(&v.w, first);
	v.first += first;
	v.w.dim[1] = rows;
	v.w.dim[2] = 1;
	v.w.n_dims = 2;
	v.bias = m->bias ? m->bias + first : NULL;
	return v;
}

/* Matrix number i of several one behind the other. */
static struct matrix
nth(const struct matrix *m, size_t i)
{
	const size_t rows = m->w.dim[1];
	struct matrix v = *m;
	if (!matrix_there(m))
		return v;
	v.w.data += i * rows * tensor_row_bytes(&m->w);
	v.first += i * rows;
	if (v.w.type == T_MXFP4_SPLIT)
		v.w.scale += i * rows * (v.w.dim[0] / 32);
	v.w.dim[2] = 1;
	v.w.n_dims = 2;
	v.bias = m->bias ? m->bias + i * rows : NULL;
	return v;
}

/* Of every `apart` rows of a matrix, `run` rows from `first` on; its bias is gathered. */
static struct matrix
every(struct model *m, const struct matrix *all, size_t first, size_t run, size_t apart)
{
	const size_t n = all->w.dim[1] / apart;
	struct matrix v = view(all, first, n * run);
	v.run = run;
	v.apart = apart;
	if (!all->bias)
		return v;
	float *bias = new_floats(m, n, run);
	for (size_t i = 0; i < n; i++)
		memcpy(bias + i * run, all->bias + i * apart + first, run * sizeof *bias);
	v.bias = bias;
	return v;
}

static struct norm
norm(struct model *m, size_t l, const char *base, enum need need, size_t n)
{
	struct norm x = {.width = n, .n = n};
	x.weight = norm_weights(m, find(m, name_of(l, base, ".weight"), need, 1, 1, n));
	if (x.weight)
		x.bias = floats(m, find(m, name_of(l, base, ".bias"), OPTIONAL, 1, 1, n));
	return x;
}

/* Norms that are a tensor a head. */
static struct norm
gather_norms(struct model *m, size_t l, const char *base, size_t n_heads)
{
	const size_t dim = m->shape.head_dim;
	if (n_heads > m->w->n_tensors)
		die("%s: %zu heads with norms, but only %zu tensors", m->w->path, n_heads, m->w->n_tensors);
	float *x = new_floats(m, n_heads, dim);
	for (size_t h = 0; h < n_heads; h++) {
		char suffix[40];
		snprintf(suffix, sizeof suffix, ".%zu.weight", h);
		tensor_unpack(find(m, name_of(l, base, suffix), REQUIRED, 1, 1, dim), 0, x + h * dim);
	}
	return (struct norm){.weight = x, .width = dim, .n = n_heads * dim};
}

/* Of queries or keys: one for every head, one for each, or one for all together. */
static struct norm
head_norm(struct model *m, size_t l, const char *base, size_t n_heads)
{
	const size_t dim = m->shape.head_dim, all = n_heads * dim;
	const enum need need = m->arch->flags & QK_NORMS_MAYBE ? OPTIONAL : need_if(m, QK_NORMS);
	if (need == OPTIONAL && weights_get(m->w, name_of(l, base, ".0.weight")))
		return gather_norms(m, l, base, n_heads);
	const struct tensor *t = get(m, name_of(l, base, ".weight"), need);
	if (!t)
		return (struct norm){.width = dim};
	const size_t width = t->dim[0], n = width * t->dim[1];
	if (t->dim[2] != 1 || t->dim[3] != 1 || !(width == dim || width == all) || !(n == dim || n == all))
		die("%s: tensor %s is %zu x %zu: no norm of %zu heads of %zu", m->w->path, t->name, t->dim[0], t->dim[1],
			n_heads, dim);
	struct norm x = {.weight = norm_weights(m, t), .width = width, .n = n};
	x.bias = floats(m, find(m, name_of(l, base, ".bias"), OPTIONAL, 1, t->dim[1], width));
	return x;
}

static void
resolve_attention(struct model *m, size_t l)
{
	const struct shape *s = &m->shape;
	const size_t embd = s->n_embd, q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
	struct layer *y = m->layer + l;
	struct matrix all = matrix(m, l, "attn_qkv", OPTIONAL, q + 2 * kv, embd);
	if (matrix_there(&all) && s->qkv_by_group) {
		const size_t dim = s->head_dim, queries = q / s->n_kv_heads, group = queries + 2 * dim;
		y->q = every(m, &all, 0, queries, group);
		y->k = every(m, &all, queries, dim, group);
		y->v = every(m, &all, queries + dim, dim, group);
	} else if (matrix_there(&all)) {
		y->q = view(&all, 0, q);
		y->k = view(&all, q, kv);
		y->v = view(&all, q + kv, kv);
	} else {
		y->q = matrix(m, l, "attn_q", REQUIRED, q, embd);
		y->k = matrix(m, l, "attn_k", REQUIRED, kv, embd);
		y->v = matrix(m, l, "attn_v", REQUIRED, kv, embd);
	}
	y->o = matrix(m, l, "attn_output", REQUIRED, embd, q);
	if (m->base)
		return;
	y->q_norm = head_norm(m, l, "attn_q_norm", s->n_heads);
	y->k_norm = head_norm(m, l, "attn_k_norm", s->n_kv_heads);
	y->sinks = floats(m, find(m, name_of(l, "attn_sinks", ".weight"), need_if(m, SINKS), 1, 1, s->n_heads));
}

/* Gate and up that are one matrix: one behind the other, or their rows by turns. */
static void
part_ffn(struct model *m, struct ffn *f, const struct matrix *both)
{
	const size_t n_ff = both->w.dim[1] / 2;
	f->pairs = m->shape.gate_up_pairs;
	if (f->pairs && m->base && !m->base->shape.gate_up_pairs) {
		f->pairs = false;
		f->gate = every(m, both, 0, 1, 2);
		f->up = every(m, both, 1, 1, 2);
		return;
	}
	f->gate.w.data = NULL;
	f->up = *both;
	if (f->pairs)
		return;
	f->gate = view(both, 0, n_ff);
	f->up = view(both, n_ff, n_ff);
}

/* A feed-forward layer, or `depth` experts in the same matrices. Sets `both` where gate and up
 * are one. */
static struct ffn
resolve_ffn(struct model *m, size_t l, const char *suffix, size_t depth, size_t n_ff, struct matrix *both)
{
	const size_t embd = m->shape.n_embd;
	char name[4][48];
	static const char *const part[4] = {"ffn_gate", "ffn_up", "ffn_down", "ffn_gate_up"};
	for (int i = 0; i < 4; i++)
		snprintf(name[i], sizeof name[i], "%s%s", part[i], suffix);
	const struct tensor *up = weights_get(m->w, name_of(l, name[1], ".weight"));
	struct ffn f = {.down = matrices(m, l, name[2], REQUIRED, depth, embd, n_ff)};
	if (weights_get(m->w, name_of(l, name[3], ".weight")))
		*both = matrices(m, l, name[3], REQUIRED, depth, 2 * n_ff, embd);
	else if (up && depth == 1 && up->dim[1] == 2 * n_ff) /* Phi 3's */
		*both = matrix(m, l, name[1], REQUIRED, 2 * n_ff, embd);
	else {
		f.gate = matrices(m, l, name[0], m->arch->flags & UNGATED ? ABSENT : REQUIRED, depth, n_ff, embd);
		f.up = matrices(m, l, name[1], REQUIRED, depth, n_ff, embd);
	}
	const size_t widest = m->shape.gate_up_pairs ? 2 * n_ff : n_ff;
	m->widest_ffn = widest > m->widest_ffn ? widest : m->widest_ffn;
	return f;
}

static struct ffn
resolve_one_ffn(struct model *m, size_t l, const char *suffix, size_t n_ff)
{
	struct matrix both = {.bias = NULL};
	struct ffn f = resolve_ffn(m, l, suffix, 1, n_ff, &both);
	if (matrix_there(&both))
		part_ffn(m, &f, &both);
	return f;
}

/* Experts: in the same matrices, or matrices each (ffn_up.7). */
static struct ffn *
each_expert(struct model *m, size_t l)
{
	const size_t n = m->shape.n_experts, n_ff = m->shape.n_ff_expert;
	struct matrix both = {.bias = NULL};
	struct ffn all = {.pairs = false};
	bool apart = !m->base && weights_get(m->w, name_of(l, "ffn_up.0", ".weight"));
	if (!apart)
		all = resolve_ffn(m, l, "_exps", n, n_ff, &both);
	else if (n > m->w->n_tensors)
		die("%s: %zu experts, but only %zu tensors", m->w->path, n, m->w->n_tensors);
	if (m->base) /* of which one expert may have some, and another none */
		apart = !matrix_there(&both) && !matrix_there(&all.gate) && !matrix_there(&all.up) && !matrix_there(&all.down);
	struct ffn *f = xcalloc(n, sizeof *f);
	for (size_t i = 0; i < n; i++) {
		char suffix[24];
		snprintf(suffix, sizeof suffix, ".%zu", i);
		f[i] = apart ? resolve_one_ffn(m, l, suffix, n_ff) : (struct ffn){
			.gate = nth(&all.gate, i), .up = nth(&all.up, i), .down = nth(&all.down, i)};
		struct matrix one = nth(&both, i);
		if (matrix_there(&one))
			part_ffn(m, f + i, &one);
	}
	return f;
}

static void
resolve_experts(struct model *m, size_t l)
{
	const struct shape *s = &m->shape;
	struct layer *y = m->layer + l;
	y->router = matrix(m, l, "ffn_gate_inp", REQUIRED, s->n_experts, s->n_embd);
	y->experts = each_expert(m, l);
	const struct weights *w = m->base ? m->base->w : m->w;
	const struct tensor *t = weights_get(w, name_of(l, "ffn_down_shexp", ".weight"));
	if (!t)
		return;
	if (t->dim[0] > SIZE_MAX / 2)
		die("%s: tensor %s is impossibly wide", w->path, t->name);
	y->shared = resolve_one_ffn(m, l, "_shexp", t->dim[0]);
	t = find(m, name_of(l, "ffn_gate_inp_shexp", ".weight"), OPTIONAL, 1, 1, s->n_embd);
	if (t)
		y->shared_gate.w = *t;
}

/* Which layers slide, and which have no rope. */
static void
resolve_positions(struct model *m, size_t l)
{
	const struct shape *s = &m->shape;
	const struct arch *a = m->arch;
	const size_t every = s->window_every ? s->window_every : a->window_every;
	bool slides = s->slides ? s->slides[l] != 0 : !every || (l + 1) % every != 0;
	m->layer[l].window = slides ? s->window : 0;
	const bool turns = s->turns ? s->turns[l] != 0 : !(a->no_rope_every && (l + 1) % a->no_rope_every == 0);
	if (a->rope != ROPE_NONE && turns)
		m->layer[l].rope = m->rope + (m->layer[l].window > 0);
}

/* Norms of the residual stream, before attention and feed-forward and of what they add. */
static void
resolve_norms(struct model *m, size_t l)
{
	const size_t embd = m->shape.n_embd;
	const unsigned flags = m->arch->flags;
	const enum need before = flags & NO_PRE_NORMS ? ABSENT : REQUIRED;
	struct layer *y = m->layer + l;
	y->parallel = m->shape.parallel >= 0 ? m->shape.parallel : (flags & PARALLEL) != 0;
	y->attn_norm = norm(m, l, "attn_norm", before, embd);
	y->attn_post_norm = norm(m, l, "post_attention_norm", need_if(m, POST_NORMS | POST_IS_FFN_NORM), embd);
	y->ffn_post_norm = norm(m, l, "post_ffw_norm", need_if(m, POST_NORMS), embd);
	if (flags & POST_IS_FFN_NORM) {
		y->ffn_norm = y->attn_post_norm;
		y->attn_post_norm.weight = NULL;
		return;
	}
	y->ffn_norm = norm(m, l, "ffn_norm", y->parallel || flags & PARALLEL_BY_NORM ? OPTIONAL : before, embd);
	if (flags & PARALLEL_BY_NORM)
		y->parallel = !y->ffn_norm.weight;
	struct norm second = norm(m, l, "attn_norm_2", y->parallel ? OPTIONAL : ABSENT, embd);
	if (second.weight) { /* Falcon's with two: the first is the feed-forward layer's */
		y->ffn_norm = y->attn_norm;
		y->attn_norm = second;
	}
}

/* Some models have layers without experts among those with. */
static bool
has_experts(const struct model *m, size_t l)
{
	if (m->base)
		return m->base->layer[l].experts != NULL;
	return m->shape.n_experts && !weights_get(m->w, name_of(l, "ffn_down", ".weight"));
}

static void
resolve_matrices(struct model *m, size_t l)
{
	resolve_attention(m, l);
	if (has_experts(m, l))
		resolve_experts(m, l);
	else
		m->layer[l].ffn = resolve_one_ffn(m, l, "", m->shape.n_ff);
}

static void
resolve_layer(struct model *m, size_t l)
{
	resolve_norms(m, l);
	resolve_matrices(m, l);
	resolve_positions(m, l);
}

static void
resolve_rope(struct model *m)
{
	const size_t n = m->shape.rope_dim / 2;
	const struct tensor *factors = find(m, "rope_freqs.weight", OPTIONAL, 1, 1, n), *short_factors = NULL;
	if (!factors) {
		factors = find(m, "rope_factors_long.weight", OPTIONAL, 1, 1, n);
		short_factors = find(m, "rope_factors_short.weight", OPTIONAL, 1, 1, n);
	}
	for (int i = 0; m->arch->rope != ROPE_NONE && i < 2; i++)
		m->rope[i] = rope_new(m->w->path, &m->shape, m->arch, i, factors, short_factors);
}

/* Where one layer has a bias, all have, of those with experts or of those without; a file that lost one would run
 * all the same. */
static void
refuse_uneven(const struct model *m, bool experts)
{
	const struct weights *w = m->w;
	char blk[40];
	size_t first = 0, n;
	while (first < m->shape.n_layers && (m->layer[first].experts != NULL) != experts)
		first++;
	if (experts && m->shape.n_experts && first == m->shape.n_layers)
		die("%s: %zu experts, and no layer with any", w->path, m->shape.n_experts);
	n = (size_t)snprintf(blk, sizeof blk, "blk.%zu.", first);
	for (size_t i = 0; i < w->n_tensors; i++)
		for (size_t l = first + 1; l < m->shape.n_layers && !strncmp(w->tensors[i].name, blk, n); l++) {
			const char *name = name_of(l, w->tensors[i].name + n, "");
			if ((m->layer[l].experts != NULL) == experts && !weights_get(w, name))
				die("%s: tensor %s is missing", w->path, name);
		}
}

/* A tensor that the forward pass does not use would be left out in silence. */
static void
refuse_unused(const struct model *m)
{
	for (size_t i = 0; i < m->w->n_tensors; i++)
		if (!m->used[i] && m->base)
			die("%s: tensor %s: %s has no matrix of that name to add to: an adapter of another model", m->w->path,
				m->w->tensors[i].name, m->base->w->path);
		else if (!m->used[i])
			die("%s: tensor %s: architecture '%s' as known here has no place for it", m->w->path,
				m->w->tensors[i].name, m->arch->name);
}

struct model *
model_new(const struct weights *w)
{
	struct model *m = xcalloc(1, sizeof *m);
	const struct shape *s = &m->shape;
	m->w = w;
	m->used = xcalloc(w->n_tensors, sizeof *m->used);
	m->arch = arch_of(w);
	m->shape = w->gguf ? shape_read(w) : w->shape;
	m->act = s->act != ACT_UNSAID ? s->act : m->arch->act;
	if (!(s->alibi > 0))
		m->shape.alibi = m->arch->alibi;
	if (!(s->rope_base_sliding > 0))
		m->shape.rope_base_sliding = m->arch->sliding_base;
	if (!(s->attn_scale > 0) && m->arch->wide_layers && s->n_layers == m->arch->wide_layers)
		m->shape.attn_scale = 1 / sqrtf((float)(s->n_embd / s->n_heads));
	m->embd = matrix(m, NO_LAYER, "token_embd", REQUIRED, s->n_vocab, s->n_embd);
	m->embd_norm = norm(m, NO_LAYER, "token_embd_norm", need_if(m, EMBD_NORM), s->n_embd);
	m->positions = matrix(m, NO_LAYER, "position_embd",
		m->arch->rope == ROPE_NONE && !(s->alibi > 0) ? REQUIRED : ABSENT, s->n_ctx, s->n_embd);
	m->out_norm = norm(m, NO_LAYER, "output_norm", REQUIRED, s->n_embd);
	m->out = matrix(m, NO_LAYER, "output", OPTIONAL, s->n_vocab, s->n_embd);
	if (!matrix_there(&m->out)) { /* tied */
		m->out = m->embd;
		m->out.bias = floats(m, find(m, "output.bias", OPTIONAL, 1, 1, s->n_vocab));
	}
	if (s->n_layers > w->n_tensors)
		die("%s: %zu layers, but only %zu tensors", w->path, s->n_layers, w->n_tensors);
	m->layer = xcalloc(s->n_layers, sizeof *m->layer);
	for (size_t l = 0; l < s->n_layers; l++)
		resolve_layer(m, l);
	resolve_rope(m);
	refuse_unused(m);
	refuse_uneven(m, false);
	refuse_uneven(m, true);
	return m;
}

struct model *
model_places(const struct model *base, const struct weights *w, const struct shape *s)
{
	struct model *m = xcalloc(1, sizeof *m);
	m->w = w;
	m->used = xcalloc(w->n_tensors, sizeof *m->used);
	m->arch = base->arch;
	m->shape = *s;
	m->base = base;
	m->embd = matrix(m, NO_LAYER, "token_embd", OPTIONAL, s->n_vocab, s->n_embd);
	m->out = matrix(m, NO_LAYER, "output", OPTIONAL, s->n_vocab, s->n_embd);
	m->layer = xcalloc(s->n_layers, sizeof *m->layer);
	for (size_t l = 0; l < s->n_layers; l++)
		resolve_matrices(m, l);
	refuse_unused(m);
	return m;
}

void
model_free(struct model *m)
{
	for (size_t i = 0; i < m->n_copied; i++)
		xfree(m->copied[i]);
	for (size_t l = 0; l < m->shape.n_layers; l++)
		xfree(m->layer[l].experts);
	for (int i = 0; i < 2; i++)
		rope_free(m->rope + i);
	xfree(m->copied);
	xfree(m->used);
	xfree(m->layer);
	xfree(m);
}
