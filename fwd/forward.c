/*
 * forward.c - the forward pass of a transformer; see forward.h.
 *
 * Vaswani et al., arXiv:1706.03762. For each layer
 *
 *	x += attention(norm(x))
 *	x += feed_forward(norm(x))
 *
 * or, side by side (GPT-J), x += attention(norm(x)) + feed_forward(norm(x)); and
 * logits = E norm(x). Tokens are fed BATCH at a time: matrices meet all of them at
 * once, and causality is the length of the past that each one attends to.
 */
#include "batch.h"

#include <math.h>
#include <string.h>

static float *
floats(size_t rows, size_t cols)
{
	size_t n;
	if (!mul_size(rows, cols, &n))
		die("out of memory");
	return xreallocarray(NULL, n, sizeof(float));
}

static size_t
max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

struct part
whole(const struct model *m)
{
	return (struct part){.last = m->shape.n_layers, .to = ROWS_LOGITS};
}

size_t
part_width(const struct model *m, const struct part *p)
{
	return p->to == ROWS_LOGITS ? m->shape.n_vocab : m->shape.n_embd;
}

struct context *
context_new(const struct model *m, const struct kernels *k, struct pool *p, const struct part *part)
{
	const struct shape *s = &m->shape;
	struct context *c = xcalloc(1, sizeof *c);
	const size_t heads = s->n_heads * s->head_dim;
	c->m = m;
	c->kern = k;
	c->pool = p;
	c->mine = *part;
	c->kv = xcalloc(s->n_layers, sizeof *c->kv);
	c->x = floats(BATCH, s->n_embd);
	c->h = floats(BATCH, s->n_embd);
	c->part = floats(BATCH, s->n_embd);
	c->part2 = floats(BATCH, s->n_embd);
	c->q = floats(BATCH, heads);
	c->att = floats(BATCH, heads);
	c->gate = floats(BATCH, m->widest_ffn);
	c->up = floats(BATCH, m->widest_ffn);
	if (s->n_experts) {
		c->gathered = floats(BATCH, s->n_embd);
		c->answer = floats(BATCH, s->n_embd);
		c->router = floats(BATCH, s->n_experts);
		c->route = xcalloc(BATCH * s->n_used, sizeof *c->route);
	}
	for (int i = 0; i < 2; i++) {
		c->cos[i] = floats(BATCH, s->rope_dim / 2 + 1);
		c->sin[i] = floats(BATCH, s->rope_dim / 2 + 1);
	}
	c->logits = floats(OUT_BATCH, s->n_vocab);
	c->scratch = xcalloc((size_t)pool_threads(p), sizeof *c->scratch);
	c->score = xcalloc((size_t)pool_threads(p), sizeof *c->score);
	for (int i = 0; i < pool_threads(p); i++)
		c->scratch[i] = floats(MATMUL_ROWS, max_size(max_size(s->n_embd, m->widest_ffn), heads));
	return c;
}

void
context_free(struct context *c)
{
	for (size_t l = 0; l < c->m->shape.n_layers; l++) {
		xfree(c->kv[l].k);
		xfree(c->kv[l].v);
	}
	for (int i = 0; i < pool_threads(c->pool); i++) {
		xfree(c->scratch[i]);
		xfree(c->score[i]);
	}
	float *const rows[] = {c->x, c->h, c->part, c->part2, c->q, c->att, c->gate, c->up, c->gathered, c->answer,
		c->router, c->cos[0], c->sin[0], c->cos[1], c->sin[1], c->logits};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		xfree(rows[i]);
	xfree(c->route);
	xfree(c->scratch);
	xfree(c->score);
	xfree(c->kv);
	xfree(c->tokens);
	xfree(c);
}

size_t
context_length(const struct context *c)
{
	return c->length;
}

size_t
context_max(const struct context *c)
{
	return c->m->shape.n_ctx;
}

size_t
context_batch(const struct context *c)
{
	(void)c;
	return BATCH;
}

bool
context_is_long(const struct context *c)
{
	return c->m->rope[0].freq_short && !c->is_short;
}

uint32_t
context_token(const struct context *c, size_t position)
{
	return c->tokens[position];
}

void
context_rewind(struct context *c, size_t length)
{
	c->length = length;
}

/* Room for `need` positions: the cache doubles, up to the longest context. */
static void
reserve(struct context *c, size_t need)
{
	const struct shape *s = &c->m->shape;
	size_t width = s->n_kv_heads * s->head_dim, cap = c->cap ? c->cap : 128, n;
	c->tokens = grow(c->tokens, &c->tokens_cap, need, sizeof *c->tokens);
	if (need <= c->cap)
		return;
	while (cap < need)
		cap *= 2;
	cap = cap > s->n_ctx && need <= s->n_ctx ? s->n_ctx : cap;
	if (!mul_size(cap, width, &n))
		die("out of memory");
	for (size_t l = c->mine.first; l < c->mine.last; l++) {
		c->kv[l].k = xreallocarray(c->kv[l].k, n, sizeof(float));
		c->kv[l].v = xreallocarray(c->kv[l].v, n, sizeof(float));
	}
	for (int i = 0; i < pool_threads(c->pool); i++)
		c->score[i] = xreallocarray(c->score[i], cap, sizeof(float));
	c->cap = cap;
}

/* The rows as they are where there is no norm. */
static const float *
normed(struct job *j, const struct norm *norm, const float *x)
{
	if (!norm->weight)
		return x;
	apply_norm(j->c->m, norm, j->c->h, x, j->n);
	return j->c->h;
}

static void
add(struct job *j, const float *part)
{
	struct context *c = j->c;
	const float scale = c->m->shape.residual_scale > 0 ? c->m->shape.residual_scale : 1;
	for (size_t i = 0; i < j->n * c->m->shape.n_embd; i++)
		c->x[i] += part[i] * scale;
}

static void
layer(struct job *j)
{
	struct context *c = j->c;
	const struct layer *y = j->y;

	const float *h = normed(j, &y->attn_norm, c->x);
	attention(j, h, c->part);
	if (y->attn_post_norm.weight)
		apply_norm(c->m, &y->attn_post_norm, c->part, c->part, j->n);
	if (!y->parallel)
		add(j, c->part);
	if (y->ffn_norm.weight || !y->parallel)
		h = normed(j, &y->ffn_norm, c->x);
	feed_forward(j, h, c->part2);
	if (y->ffn_post_norm.weight)
		apply_norm(c->m, &y->ffn_post_norm, c->part2, c->part2, j->n);
	if (y->parallel)
		add(j, c->part);
	add(j, c->part2);
}

/* The first rows: a token's embedding, its position's where positions are learned. */
static void
embed(struct context *c, const uint32_t *ids, size_t n)
{
	const struct model *m = c->m;
	const size_t embd = m->shape.n_embd;
	float scale = m->arch->flags & EMBD_SQRT ? sqrtf((float)embd) : 1;
	scale = m->shape.embd_scale > 0 ? m->shape.embd_scale : scale;
	for (size_t t = 0; t < n; t++) {
		float *x = c->x + t * embd;
		tensor_unpack(&m->embd.w, ids[t], x);
		for (size_t i = 0; i < embd; i++)
			x[i] *= scale;
		if (matrix_there(&m->positions)) {
			tensor_unpack(&m->positions.w, c->length + t, c->h);
			for (size_t i = 0; i < embd; i++)
				x[i] += c->h[i];
		}
	}
	if (m->embd_norm.weight)
		apply_norm(m, &m->embd_norm, c->x, c->x, n);
}

/* Through the layers: n <= BATCH tokens at positions length .. length + n - 1. */
static void
forward(struct context *c, const uint32_t *ids, const float *x, size_t n)
{
	const struct model *m = c->m;
	const size_t half = m->shape.rope_dim / 2;
	reserve(c, c->length + n);
	memmove(c->tokens + c->length, ids, n * sizeof *ids);
	for (size_t i = 0; m->arch->rope != ROPE_NONE && i < 2; i++)
		for (size_t t = 0; t < n; t++)
			rope_angles(m->rope + i, c->is_short, c->length + t, c->cos[i] + t * half, c->sin[i] + t * half);
	if (x)
		memcpy(c->x, x, n * m->shape.n_embd * sizeof *x);
	else
		embed(c, ids, n);
	for (size_t l = c->mine.first; l < c->mine.last; l++) {
		struct job j = {.c = c, .y = m->layer + l, .kv = c->kv[l], .n = n};
		layer(&j);
	}
}

static void
scale_logits(const struct model *m, float *x, size_t n)
{
	const struct shape *s = &m->shape;
	const float cap = s->logit_cap, scale = m->arch->flags & LOGITS_DIVIDED ? 1 / s->logit_scale : s->logit_scale;
	for (size_t i = 0; s->logit_scale > 0 && i < n; i++)
		x[i] *= scale;
	for (size_t i = 0; cap > 0 && i < n; i++)
		x[i] = cap * tanhf(x[i] / cap);
}

/* Rows of tokens [first, n) of the batch that just went through the layers. */
static void
output(struct context *c, size_t first, size_t n, rows_fn *fn, void *arg)
{
	const struct model *m = c->m;
	const size_t embd = m->shape.n_embd;
	if (c->mine.to == ROWS_HIDDEN) {
		fn(arg, c->length + first, n - first, c->x + first * embd);
		return;
	}
	for (size_t t = first; t < n; t += OUT_BATCH) {
		struct job j = {.c = c, .n = n - t < OUT_BATCH ? n - t : OUT_BATCH};
		apply_norm(m, &m->out_norm, c->h, c->x + t * embd, j.n);
		if (c->mine.to == ROWS_EMBEDDING) {
			fn(arg, c->length + t, j.n, c->h);
			continue;
		}
		matmul(&j, c->h, j.n, 1, (const struct matrix *const[]){&m->out}, &c->logits);
		scale_logits(m, c->logits, j.n * m->shape.n_vocab);
		fn(arg, c->length + t, j.n, c->logits);
	}
}

/*
 * A model with two sets of rope factors uses one up to its original context and the
 * other beyond (arXiv:2402.13753). When a sequence grows across that edge, or is
 * rewound behind it, the keys of its past are made anew, so that logits depend on
 * the tokens alone; and those of the stages behind this one, from the hidden states that
 * it tells them again. Returns how many of n tokens can be fed on this side.
 */
static size_t
keep_side(struct context *c, size_t n, rows_fn *fn, void *arg)
{
	const struct rope *r = &c->m->rope[0];
	if (!r->freq_short || c->mine.from_rows)
		return n;
	const bool is_short = c->length < r->original;
	const size_t length = c->length;
	if (is_short != c->is_short) {
		c->is_short = is_short;
		for (c->length = 0; c->length < length;) {
			size_t now = length - c->length < BATCH ? length - c->length : BATCH;
			forward(c, c->tokens + c->length, NULL, now);
			if (c->mine.to == ROWS_HIDDEN)
				output(c, 0, now, fn, arg);
			c->length += now;
		}
	}
	return is_short && r->original - length < n ? r->original - length : n;
}

void
context_feed(struct context *c, const struct feed *f, rows_fn *fn, void *arg)
{
	if (c->mine.from_rows)
		c->is_short = !f->is_long;
	for (size_t at = 0, now; at < f->n; at += now) {
		now = keep_side(c, f->n - at < BATCH ? f->n - at : BATCH, fn, arg);
		forward(c, f->ids + at, f->x ? f->x + at * c->m->shape.n_embd : NULL, now);
		if (f->wanted < at + now)
			output(c, f->wanted > at ? f->wanted - at : 0, now, fn, arg);
		c->length += now;
	}
}
