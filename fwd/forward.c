/*
 * forward.c - the forward pass of a transformer; see forward.h.
 *
 * Vaswani et al., arXiv:1706.03762, in the form of Llama (arXiv:2302.13971):
 * for each layer
 *
 *	x += O attention(rope(Q h), rope(K h), V h)	with h = norm(x)
 *	x += D (silu(G h) * U h)			with h = norm(x)
 *
 * and logits = E norm(x). Tokens are fed BATCH at a time: matrices meet all of
 * them at once, and causality is the length of the past that each one attends to.
 */
#include "forward.h"

#include <math.h>
#include <string.h>

enum {
	BATCH = 64,		/* tokens that go through the layers together */
	OUT_BATCH = 8,		/* tokens whose logits are made together */
	ROWS_CHUNK = 16		/* rows of a matrix that a thread takes at a time */
};

/* Keys and values of one layer: position x (n_kv_heads head_dim). */
struct kv {
	float *k, *v;
};

struct context {
	const struct model *m;
	const struct kernels *kern;
	struct pool *pool;
	size_t length, cap;	/* positions in use, positions that there is room for */
	uint32_t *tokens;
	size_t tokens_cap;
	struct kv *kv;		/* one a layer */
	/* The batch; every row is one token. */
	float *x;		/* residual stream, n_embd */
	float *h;		/* normed, n_embd */
	float *q;		/* queries, then what the heads answer: n_heads head_dim */
	float *att;		/* the heads' answers, n_heads head_dim */
	float *gate, *up;	/* n_ff */
	float *cos, *sin;	/* of the angles at the token's position, rope_dim / 2 */
	float *logits;		/* OUT_BATCH x n_vocab */
	float **scratch;	/* a thread: MATMUL_ROWS unpacked rows */
	float **score;		/* a thread: one for each position */
};

static float *
floats(size_t rows, size_t cols)
{
	size_t n;
	if (!mul_size(rows, cols, &n))
		die("out of memory");
	return xreallocarray(NULL, n, sizeof(float));
}

struct context *
context_new(const struct model *m, const struct kernels *k, struct pool *p)
{
	const struct shape *s = &m->shape;
	struct context *c = xcalloc(1, sizeof *c);
	const size_t heads = s->n_heads * s->head_dim;
	size_t widest = s->n_embd > s->n_ff ? s->n_embd : s->n_ff;
	widest = widest > heads ? widest : heads;
	c->m = m;
	c->kern = k;
	c->pool = p;
	c->kv = xcalloc(s->n_layers, sizeof *c->kv);
	c->x = floats(BATCH, s->n_embd);
	c->h = floats(BATCH, s->n_embd);
	c->q = floats(BATCH, heads);
	c->att = floats(BATCH, heads);
	c->gate = floats(BATCH, s->n_ff);
	c->up = floats(BATCH, s->n_ff);
	c->cos = floats(BATCH, s->rope_dim / 2);
	c->sin = floats(BATCH, s->rope_dim / 2);
	c->logits = floats(OUT_BATCH, s->n_vocab);
	c->scratch = xcalloc((size_t)pool_threads(p), sizeof *c->scratch);
	c->score = xcalloc((size_t)pool_threads(p), sizeof *c->score);
	for (int i = 0; i < pool_threads(p); i++)
		c->scratch[i] = floats(MATMUL_ROWS, widest);
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
	float *const rows[] = {c->x, c->h, c->q, c->att, c->gate, c->up, c->cos, c->sin, c->logits};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		xfree(rows[i]);
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
	for (size_t l = 0; l < s->n_layers; l++) {
		c->kv[l].k = xreallocarray(c->kv[l].k, n, sizeof(float));
		c->kv[l].v = xreallocarray(c->kv[l].v, n, sizeof(float));
	}
	for (int i = 0; i < pool_threads(c->pool); i++)
		c->score[i] = xreallocarray(c->score[i], cap, sizeof(float));
	c->cap = cap;
}

/* What the threads work on: n tokens of the batch in layer l. */
struct job {
	struct context *c;
	const struct layer *y;
	struct kv kv;
	size_t n;
	const struct tensor *w[3];	/* matrices that meet the same input, */
	const float *bias[3];
	float *out[3];			/* and where each leaves its output */
	const float *in;
};

/* Rows [first, last) of the matrices one after the other: out = w in (+ bias). */
static void
matmul_rows(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	for (size_t i = 0, start = 0; i < 3 && j->w[i]; i++) {
		size_t rows = j->w[i]->dim[1], end = start + rows;
		size_t a = first > start ? first : start, b = last < end ? last : end;
		if (a < b) {
			j->c->kern->matmul(j->w[i], a - start, b - start, j->in, j->n, j->out[i], rows,
				j->c->scratch[thread]);
			for (size_t t = 0; j->bias[i] && t < j->n; t++)
				for (size_t r = a - start; r < b - start; r++)
					j->out[i][t * rows + r] += j->bias[i][r];
		}
		start = end;
	}
}

/* out = w in + bias for all tokens, up to three matrices over the same input. */
static void
matmul(struct job *j, const float *in, size_t n_out, const struct tensor *const w[],
	const float *const bias[], float *const out[])
{
	size_t rows = 0;
	j->in = in;
	for (size_t i = 0; i < 3; i++) {
		j->w[i] = i < n_out ? w[i] : NULL;
		j->bias[i] = i < n_out ? bias[i] : NULL;
		j->out[i] = i < n_out ? out[i] : NULL;
		rows += i < n_out ? w[i]->dim[1] : 0;
	}
	pool_run(j->c->pool, matmul_rows, j, rows, ROWS_CHUNK);
}

/* Root mean square norm (arXiv:1910.07467): h = x / rms(x) * weight. */
static void
norm(const struct model *m, float *h, const float *x, const float *weight)
{
	const size_t n = m->shape.n_embd;
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	float scale = 1 / sqrtf((float)(sum / (double)n) + m->shape.norm_eps);
	for (size_t i = 0; i < n; i++)
		h[i] = weight[i] * (x[i] * scale);
}

/* Turn each head of a token by the angles of its position. */
static void
rotate(const struct model *m, float *heads, size_t n_heads, const float *cos, const float *sin)
{
	const size_t half = m->shape.rope_dim / 2, dim = m->shape.head_dim;
	const size_t step = m->arch->rope == ROPE_PAIRS ? 2 : 1, apart = m->arch->rope == ROPE_PAIRS ? 1 : half;
	for (size_t h = 0; h < n_heads; h++)
		for (size_t i = 0; i < half; i++) {
			float *a = heads + h * dim + i * step, *b = a + apart;
			float x = *a, y = *b;
			*a = x * cos[i] - y * sin[i];
			*b = x * sin[i] + y * cos[i];
		}
}

static void
angles(struct context *c, size_t n)
{
	const size_t half = c->m->shape.rope_dim / 2;
	for (size_t t = 0; t < n; t++)
		for (size_t i = 0; i < half; i++) {
			float angle = (float)(c->length + t) * c->m->rope_freq[i];
			c->cos[t * half + i] = cosf(angle);
			c->sin[t * half + i] = sinf(angle);
		}
}

static void
softmax(float *x, size_t n)
{
	float max = x[0], sum = 0;
	for (size_t i = 1; i < n; i++)
		max = x[i] > max ? x[i] : max;
	for (size_t i = 0; i < n; i++)
		sum += x[i] = expf(x[i] - max);
	for (size_t i = 0; i < n; i++)
		x[i] /= sum;
}

/* Items are (head, token) pairs: softmax(q K / sqrt(head_dim)) V over the past. */
static void
attend(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	const size_t dim = s->head_dim, width = s->n_kv_heads * dim, group = s->n_heads / s->n_kv_heads;
	const float scale = 1 / sqrtf((float)dim);
	float *score = c->score[thread];
	for (size_t item = first; item < last; item++) {
		size_t head = item / j->n, t = item % j->n, past = c->length + t + 1;
		const float *q = c->q + (t * s->n_heads + head) * dim;
		const float *k = j->kv.k + head / group * dim, *v = j->kv.v + head / group * dim;
		float *out = c->att + (t * s->n_heads + head) * dim;
		for (size_t p = 0; p < past; p++)
			score[p] = c->kern->dot(q, k + p * width, dim) * scale;
		softmax(score, past);
		memset(out, 0, dim * sizeof *out);
		for (size_t p = 0; p < past; p++)
			c->kern->axpy(out, score[p], v + p * width, dim);
	}
}

/* Items are (token, unit) pairs of the feed-forward layer: gate = silu(gate) * up. */
static void
activate(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	float *gate = j->c->gate, *up = j->c->up;
	(void)thread;
	for (size_t i = first; i < last; i++)
		gate[i] = gate[i] / (1 + expf(-gate[i])) * up[i];
}

/* x += y */
static void
add(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

static void
attention_block(struct job *j)
{
	struct context *c = j->c;
	const struct layer *y = j->y;
	const struct shape *s = &c->m->shape;
	const size_t width = s->n_kv_heads * s->head_dim, half = s->rope_dim / 2;
	float *k = j->kv.k + c->length * width, *v = j->kv.v + c->length * width;

	for (size_t t = 0; t < j->n; t++)
		norm(c->m, c->h + t * s->n_embd, c->x + t * s->n_embd, y->attn_norm);
	matmul(j, c->h, 3, (const struct tensor *const[]){y->q, y->k, y->v},
		(const float *const[]){y->q_bias, y->k_bias, y->v_bias}, (float *const[]){c->q, k, v});
	for (size_t t = 0; t < j->n; t++) {
		const float *cos = c->cos + t * half, *sin = c->sin + t * half;
		rotate(c->m, c->q + t * s->n_heads * s->head_dim, s->n_heads, cos, sin);
		rotate(c->m, k + t * width, s->n_kv_heads, cos, sin);
	}
	pool_run(c->pool, attend, j, s->n_heads * j->n, 4);
	matmul(j, c->att, 1, &y->o, &y->o_bias, &c->h);
	add(c->x, c->h, j->n * s->n_embd);
}

static void
feed_forward_block(struct job *j)
{
	struct context *c = j->c;
	const struct layer *y = j->y;
	const struct shape *s = &c->m->shape;

	for (size_t t = 0; t < j->n; t++)
		norm(c->m, c->h + t * s->n_embd, c->x + t * s->n_embd, y->ffn_norm);
	matmul(j, c->h, 2, (const struct tensor *const[]){y->gate, y->up},
		(const float *const[]){y->gate_bias, y->up_bias}, (float *const[]){c->gate, c->up});
	pool_run(c->pool, activate, j, j->n * s->n_ff, 1024);
	matmul(j, c->gate, 1, &y->down, &y->down_bias, &c->h);
	add(c->x, c->h, j->n * s->n_embd);
}

/* Through all layers: n <= BATCH tokens at positions length .. length + n - 1. */
static void
forward(struct context *c, const uint32_t *ids, size_t n)
{
	const struct model *m = c->m;
	reserve(c, c->length + n);
	memcpy(c->tokens + c->length, ids, n * sizeof *ids);
	angles(c, n);
	for (size_t t = 0; t < n; t++)
		tensor_unpack(m->embd, ids[t], c->x + t * m->shape.n_embd);
	for (size_t l = 0; l < m->shape.n_layers; l++) {
		struct job j = {.c = c, .y = m->layer + l, .kv = c->kv[l], .n = n};
		attention_block(&j);
		feed_forward_block(&j);
	}
}

/* Logits of tokens [first, n) of the batch that just went through the layers. */
static void
output(struct context *c, size_t first, size_t n, logits_fn *fn, void *arg)
{
	const struct model *m = c->m;
	const size_t embd = m->shape.n_embd;
	static const float *const no_bias[1];
	for (size_t t = first; t < n; t += OUT_BATCH) {
		struct job j = {.c = c, .n = n - t < OUT_BATCH ? n - t : OUT_BATCH};
		for (size_t i = 0; i < j.n; i++)
			norm(m, c->h + i * embd, c->x + (t + i) * embd, m->out_norm);
		matmul(&j, c->h, 1, &m->out, no_bias, &c->logits);
		for (size_t i = 0; i < j.n; i++)
			fn(arg, c->length + t + i, c->tokens[c->length + t + i], c->logits + i * m->shape.n_vocab);
	}
}

void
context_feed(struct context *c, const uint32_t *ids, size_t n, bool all, logits_fn *fn, void *arg)
{
	while (n) {
		size_t now = n < BATCH ? n : BATCH;
		forward(c, ids, now);
		if (all || now == n)
			output(c, all ? 0 : now - 1, now, fn, arg);
		c->length += now;
		ids += now;
		n -= now;
	}
}
