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

/* The queries of a head of keys lie together: n tokens x the heads that share it. */
static size_t
group_of(const struct shape *s)
{
	return s->n_heads / s->n_kv_heads;
}

/* The run that a token of the batch belongs to. */
static const struct run *
run_of(const struct context *c, size_t token)
{
	const struct run *r = c->run;
	while (token >= r->first + r->n)
		r++;
	return r;
}

/* The cache of a run's context for this layer. */
static const struct kv_head *
cache_of(const struct job *j, const struct run *r)
{
	return r->c->kv + (size_t)(j->y - j->c->m->layer) * j->c->m->shape.n_kv_heads;
}

/* Queries of a run lie together, too; they are numbered from its first. */
static const float *
queries_of(const struct job *j, const struct run *r, size_t kv_head, size_t row)
{
	const struct shape *s = &j->c->m->shape;
	return j->c->queries + ((kv_head * j->c->batch + r->first) * group_of(s) + row) * s->head_dim;
}

/* What the queries of rows [first, first + n) of a head of keys see. */
static void
look(const struct job *j, const struct run *r, size_t kv_head, size_t first, size_t n, struct query *query)
{
	const struct shape *s = &j->c->m->shape;
	const size_t group = group_of(s);
	for (size_t i = 0; i < n; i++) {
		const size_t t = (first + i) / group, head = kv_head * group + (first + i) % group;
		const size_t end = r->position + t + 1;
		query[i].end = end;
		query[i].begin = j->y->window && end > j->y->window ? end - j->y->window : 0;
		query[i].slope = s->alibi > 0 ? slope(s, head) : 0;
	}
}

/* x = H x for each `width` of n numbers, a power of two, where H is Hadamard's matrix over the root of
 * the width, its own inverse. */
static void
rotate(float *x, size_t n, size_t width)
{
	for (size_t step = 1; step < width; step *= 2)
		for (size_t i = 0; i < n; i += 2 * step)
			for (size_t j = i; j < i + step; j++) {
				const float a = x[j], b = x[j + step];
				x[j] = a + b;
				x[j + step] = a - b;
			}
	for (size_t i = 0; width > 1 && i < n; i++)
		x[i] *= 1 / sqrtf((float)width);
}

/*
 * Blocks of 8 bits are the better the more alike their numbers are. Rotated, heads are without the
 * few large numbers that they have otherwise (arXiv:2404.00456), products of queries and keys are the
 * same, and what is answered is rotated back. So many numbers are rotated together; 1: none.
 */
static size_t
rotated(const struct context *c)
{
	const size_t dim = c->m->shape.head_dim;
	return c->kv_type == KV_Q8 ? dim & (~dim + 1) : 1;
}

/* The answer of a row is what all its blocks came to, divided by the sum of the shares; a
 * sink takes part in this and gives nothing. */
static void
answer(const struct job *j, const struct run *r, size_t kv_head, size_t row, const float *all)
{
	const struct shape *s = &j->c->m->shape;
	const size_t group = group_of(s), dim = s->head_dim, head = kv_head * group + row % group;
	float *out = j->c->att + ((r->first + row / group) * s->n_heads + head) * dim, sum = all[1], scale = 1;
	if (j->y->sinks) {
		const float sink = j->y->sinks[head], most = fmaxf(sink, all[0]);
		scale = expf(all[0] - most);
		sum = sum * scale + expf(sink - most);
	}
	for (size_t i = 0; i < dim; i++)
		out[i] = all[2 + i] * scale / sum;
	rotate(out, dim, rotated(j->c));
}

/* Blocks of the past that a token of a run sees. */
static size_t
first_block(const struct job *j, const struct run *r, size_t token)
{
	const size_t end = r->position + token + 1;
	return j->y->window && end > j->y->window ? (end - j->y->window) / KV_BLOCK : 0;
}

static size_t
last_block(const struct run *r, size_t token)
{
	return (r->position + token) / KV_BLOCK;
}

/* Items are (head of keys, up to ATTEND_ROWS queries) of j->run: block after block of the past. */
static void
attend_many(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	struct context *c = j->c;
	const struct run *r = j->run;
	const struct shape *s = &c->m->shape;
	const size_t group = group_of(s), rows = r->n * group, per_head = (rows + ATTEND_ROWS - 1) / ATTEND_ROWS;
	const size_t wide = 2 + s->head_dim;
	struct query query[ATTEND_ROWS];
	for (size_t item = first; item < last; item++) {
		const size_t head = item / per_head, row = item % per_head * ATTEND_ROWS;
		const size_t n = rows - row < ATTEND_ROWS ? rows - row : ATTEND_ROWS;
		float *all = c->answers[thread], *part = all + ATTEND_ROWS * wide;
		look(j, r, head, row, n, query);
		memset(all, 0, n * wide * sizeof *all);
		for (size_t b = first_block(j, r, row / group); b <= last_block(r, (row + n - 1) / group); b++) {
			c->kern->attend(cache_of(j, r) + head, b, queries_of(j, r, head, row), query, n, s->attn_cap, part,
				c->scratch[thread]);
			for (size_t i = 0; i < n; i++)
				c->kern->merge(all + i * wide, part + i * wide, s->head_dim);
		}
		for (size_t i = 0; i < n; i++)
			answer(j, r, head, row + i, all + i * wide);
	}
}

/* Whether a run's queries are few: its items are blocks of the past then, whose parts are merged. */
static bool
are_few(const struct job *j, const struct run *r)
{
	return r->n * group_of(&j->c->m->shape) <= ATTEND_ROWS;
}

static size_t
blocks_of(const struct job *j, const struct run *r)
{
	return are_few(j, r) ? last_block(r, r->n - 1) - first_block(j, r, 0) + 1 : 0;
}

/* For runs of few queries items are (run, head of keys, block of the past): the cache is read as it lies. */
static void
attend_few(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	const struct run *r = c->run;
	struct query query[ATTEND_ROWS];
	size_t before = 0, of_run = blocks_of(j, r) * s->n_kv_heads;
	for (size_t item = first; item < last; item++) {
		for (; item - before >= of_run; of_run = blocks_of(j, r) * s->n_kv_heads) {
			before += of_run;
			r++;
		}
		const size_t blocks = of_run / s->n_kv_heads, n = r->n * group_of(s), at = item - before, head = at / blocks;
		look(j, r, head, 0, n, query);
		c->kern->attend(cache_of(j, r) + head, first_block(j, r, 0) + at % blocks, queries_of(j, r, head, 0), query, n,
			s->attn_cap, c->parts + r->parts + at * n * (2 + s->head_dim), c->scratch[thread]);
	}
}

/* Items are the heads of each run of few queries: the parts of each query together, in order. */
static void
merge_few(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	const size_t wide = 2 + s->head_dim, group = group_of(s);
	(void)thread;
	for (size_t item = first; item < last; item++) {
		const struct run *r = c->run + item / s->n_heads;
		const size_t head = item % s->n_heads / group, blocks = blocks_of(j, r), rows = r->n * group;
		for (size_t i = item % group; blocks && i < rows; i += group) {
			float *all = c->parts + r->parts + (head * blocks * rows + i) * wide;
			for (size_t b = 1; b < blocks; b++)
				c->kern->merge(all, all + b * rows * wide, s->head_dim);
			answer(j, r, head, i, all);
		}
	}
}

/* att = softmax(q K) V */
static void
attend(struct job *j)
{
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	size_t items = 0, parts = 0;
	for (struct run *r = c->run; r < c->run + c->n_runs; r++) {
		const size_t rows = r->n * group_of(s), mine = blocks_of(j, r) * s->n_kv_heads;
		r->parts = parts;
		items += mine;
		parts += mine * rows * (2 + s->head_dim);
		j->run = r;
		if (!are_few(j, r))
			pool_run(c->pool, attend_many, j, s->n_kv_heads * ((rows + ATTEND_ROWS - 1) / ATTEND_ROWS), 1);
	}
	if (!items)
		return;
	c->parts = grow(c->parts, &c->parts_cap, parts, sizeof *c->parts);
	pool_run(c->pool, attend_few, j, items, 1);
	pool_run(c->pool, merge_few, j, c->n_runs * s->n_heads, 1 + 256 * s->n_kv_heads * c->n_runs / items);
}

/* Once keys and values are in the cache, the last layer has to do with tokens whose rows are wanted: runs become these. */
static void
leave_wanted(struct context *c)
{
	size_t n = 0;
	for (struct run *r = c->run; r < c->run + c->n_runs; r++)
		if (r->wanted < r->n) {
			c->run[n] = *r;
			c->run[n].first += r->wanted;
			c->run[n].position += r->wanted;
			c->run[n].n -= r->wanted;
			c->run[n++].wanted = 0;
		}
	c->n_runs = n;
}

static void
move_rows(float *x, size_t to, size_t from, size_t n, size_t width)
{
	if (to != from)
		memmove(x + to * width, x + from * width, n * width * sizeof *x);
}

/* And their rows move together, at the beginning of the batch. */
static void
close_ranks(struct job *j)
{
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	j->n = 0;
	for (struct run *r = c->run; r < c->run + c->n_runs; j->n += r->n, r++) {
		move_rows(c->x, j->n, r->first, r->n, s->n_embd);
		move_rows(c->h, j->n, r->first, r->n, s->n_embd);
		move_rows(c->att, j->n, r->first, r->n, s->n_heads * s->head_dim);
		r->first = j->n;
	}
}

static void
clamp(float *x, size_t n, float most)
{
	for (size_t i = 0; i < n; i++)
		x[i] = fminf(fmaxf(x[i], -most), most);
}

/* Norm of each token's queries or keys, of each head or of all together; clamped before or behind it. */
static void
norm_and_clamp(struct context *c, const struct norm *norm, float *x, size_t n_tokens, size_t n_heads)
{
	const size_t all = n_heads * c->m->shape.head_dim;
	const float most = c->m->shape.clamp;
	const bool normed = c->m->arch->flags & CLAMP_NORMED;
	if (most > 0 && !normed)
		clamp(x, n_tokens * all, most);
	if (norm->weight && norm->n == all)
		apply_norm(c, norm, x, x, n_tokens);
	else if (norm->weight)
		apply_norm(c, norm, x, x, n_tokens * n_heads);
	if (most > 0 && normed)
		clamp(x, n_tokens * all, most);
}

/* Queries far behind the context of the first training are scaled up (arXiv:2501.19399). */
static void
temper(const struct shape *s, float *q, size_t position)
{
	float by = 1 + s->temperature * logf(1 + floorf((float)position / (float)s->rope_original));
	for (size_t i = 0; i < s->n_heads * s->head_dim; i++)
		q[i] *= by;
}

/* Items are tokens: positions are turned into queries and keys, which enter the cache. */
static void
place(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	struct context *c = j->c;
	const struct layer *y = j->y;
	const struct shape *s = &c->m->shape;
	const size_t dim = s->head_dim, half = s->rope_dim / 2, group = group_of(s), width = rotated(c);
	const float scale = s->attn_scale > 0 ? s->attn_scale : 1 / sqrtf((float)dim);
	(void)thread;
	for (size_t t = first; t < last; t++) {
		const struct run *r = run_of(c, t);
		const size_t position = r->position + t - r->first;
		float *q = c->q + t * s->n_heads * dim, *k = c->k + t * s->n_kv_heads * dim, *v = c->v + t * s->n_kv_heads * dim;
		if (y->rope) {
			const float *cos = c->cos[y->rope - c->m->rope] + t * half, *sin = c->sin[y->rope - c->m->rope] + t * half;
			rope_turn(y->rope, q, s->n_heads, dim, cos, sin);
			rope_turn(y->rope, k, s->n_kv_heads, dim, cos, sin);
		}
		if (s->temperature > 0)
			temper(s, q, position);
		for (size_t h = 0; h < s->n_heads; h++) {
			float *to = c->queries + ((h / group * c->batch + t) * group + h % group) * dim;
			for (size_t i = 0; i < dim; i++)
				to[i] = q[h * dim + i] * scale;
			rotate(to, dim, width);
		}
		rotate(k, s->n_kv_heads * dim, width);
		rotate(v, s->n_kv_heads * dim, width);
		for (size_t h = 0; h < s->n_kv_heads; h++)
			c->kern->keep(cache_of(j, r) + h, position, k + h * dim, v + h * dim);
	}
}

void
attention(struct job *j, const float *h, float *out)
{
	struct context *c = j->c;
	const struct layer *y = j->y;
	const struct shape *s = &c->m->shape;
	const size_t width = s->n_kv_heads * s->head_dim;

	comes_after(j, &y->o, NULL, NULL);
	matmul(j, h, j->n, 3, (const struct matrix *const[]){&y->q, &y->k, &y->v}, (float *const[]){c->q, c->k, c->v});
	if (s->clamp > 0)
		clamp(c->v, j->n * width, s->clamp);
	norm_and_clamp(c, &y->q_norm, c->q, j->n, s->n_heads);
	norm_and_clamp(c, &y->k_norm, c->k, j->n, s->n_kv_heads);
	pool_run(c->pool, place, j, j->n, 4);
	if (j->last)
		leave_wanted(c);
	attend(j);
	if (j->last)
		close_ranks(j);
	if (!j->n)
		return;
	if (!y->experts && matrix_there(&y->ffn.gate))
		comes_after(j, &y->ffn.gate, &y->ffn.up, NULL);
	matmul(j, c->att, j->n, 1, (const struct matrix *const[]){&y->o}, &out);
}
