/*
 * attention.c - attention over the past; see batch.h.
 *
 * Vaswani et al., arXiv:1706.03762, with heads that share keys and values
 * (arXiv:2305.13245), and what models have added: norms of queries and keys,
 * windows, biases by distance, caps, sinks.
 */
#include "batch.h"

#include <math.h>
#include <string.h>

/* Shares of n scores; a sink takes part and gets nothing. */
static void
softmax(float *x, size_t n, const float *sink)
{
	float max = sink ? *sink : x[0], sum = 0;
	for (size_t i = 0; i < n; i++)
		max = x[i] > max ? x[i] : max;
	for (size_t i = 0; i < n; i++)
		sum += x[i] = expf(x[i] - max);
	sum += sink ? expf(*sink - max) : 0;
	for (size_t i = 0; i < n; i++)
		x[i] /= sum;
}

/* A head's bias for each token of distance (ALiBi, arXiv:2108.12409): a geometric
 * series over the heads; those beyond a power of two lie between. */
static float
slope(const struct shape *s, size_t head)
{
	size_t n = 1;
	while (n * 2 <= s->n_heads)
		n *= 2;
	double exponent = head < n ? (double)(head + 1) : (double)(head - n) + 0.5;
	return (float)exp2(-(double)s->alibi / (double)n * exponent);
}

/* Items are (head, token) pairs: softmax(scale q K) V over what the token sees. */
static void
attend(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	const size_t dim = s->head_dim, width = s->n_kv_heads * dim, group = s->n_heads / s->n_kv_heads;
	const float scale = s->attn_scale > 0 ? s->attn_scale : 1 / sqrtf((float)dim), cap = s->attn_cap;
	for (size_t item = first; item < last; item++) {
		size_t head = item / j->n, t = item % j->n, end = c->length + t + 1;
		size_t begin = j->y->window && end > j->y->window ? end - j->y->window : 0;
		const float *q = c->q + (t * s->n_heads + head) * dim;
		const float *k = j->kv.k + head / group * dim, *v = j->kv.v + head / group * dim;
		float *out = c->att + (t * s->n_heads + head) * dim, *score = c->score[thread];
		const float bias = s->alibi > 0 ? slope(s, head) : 0;
		for (size_t p = begin; p < end; p++) {
			float x = c->kern->dot(q, k + p * width, dim) * scale;
			x = cap > 0 ? cap * tanhf(x / cap) : x;
			score[p] = bias > 0 ? x - bias * (float)(end - 1 - p) : x;
		}
		softmax(score + begin, end - begin, j->y->sinks ? j->y->sinks + head : NULL);
		memset(out, 0, dim * sizeof *out);
		for (size_t p = begin; p < end; p++)
			c->kern->axpy(out, score[p], v + p * width, dim);
	}
}

static void
clamp(float *x, size_t n, float most)
{
	for (size_t i = 0; i < n; i++)
		x[i] = fminf(fmaxf(x[i], -most), most);
}

/* Norm of each token's queries or keys, of each head or of all together. */
static void
head_norm(const struct model *m, const struct norm *norm, float *x, size_t n_tokens, size_t n_heads)
{
	const size_t all = n_heads * m->shape.head_dim;
	if (norm->weight && norm->n == all)
		apply_norm(m, norm, x, x, n_tokens);
	else if (norm->weight)
		apply_norm(m, norm, x, x, n_tokens * n_heads);
}

/* Queries far behind the context of the first training are scaled up (arXiv:2501.19399). */
static void
temper(const struct shape *s, float *q, size_t position)
{
	float by = 1 + s->temperature * logf(1 + floorf((float)position / (float)s->rope_original));
	for (size_t i = 0; i < s->n_heads * s->head_dim; i++)
		q[i] *= by;
}

void
attention(struct job *j, const float *h, float *out)
{
	struct context *c = j->c;
	const struct layer *y = j->y;
	const struct model *m = c->m;
	const struct shape *s = &m->shape;
	const size_t heads = s->n_heads * s->head_dim, width = s->n_kv_heads * s->head_dim, half = s->rope_dim / 2;
	float *k = j->kv.k + c->length * width, *v = j->kv.v + c->length * width;

	matmul(j, h, j->n, 3, (const struct matrix *const[]){&y->q, &y->k, &y->v}, (float *const[]){c->q, k, v});
	if (s->clamp > 0) {
		clamp(c->q, j->n * heads, s->clamp);
		clamp(k, j->n * width, s->clamp);
		clamp(v, j->n * width, s->clamp);
	}
	head_norm(m, &y->q_norm, c->q, j->n, s->n_heads);
	head_norm(m, &y->k_norm, k, j->n, s->n_kv_heads);
	for (size_t t = 0; y->rope && t < j->n; t++) {
		const float *cos = c->cos[y->rope - m->rope] + t * half, *sin = c->sin[y->rope - m->rope] + t * half;
		rope_turn(y->rope, c->q + t * heads, s->n_heads, s->head_dim, cos, sin);
		rope_turn(y->rope, k + t * width, s->n_kv_heads, s->head_dim, cos, sin);
	}
	for (size_t t = 0; s->temperature > 0 && t < j->n; t++)
		temper(s, c->q + t * heads, c->length + t);
	pool_run(c->pool, attend, j, s->n_heads * j->n, 4);
	matmul(j, c->att, j->n, 1, (const struct matrix *const[]){&y->o}, &out);
}
