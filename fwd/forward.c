/*
 * forward.c - the forward pass of a transformer; see forward.h.
 *
 * Vaswani et al., arXiv:1706.03762. For each layer
 *
 *	x += attention(norm(x))
 *	x += feed_forward(norm(x))
 *
 * or, side by side (GPT-J), x += attention(norm(x)) + feed_forward(norm(x)); and
 * logits = E norm(x). Tokens are fed in batches: matrices meet all of them at
 * once, and causality is the length of the past that each one attends to.
 */
#include "batch.h"

#include "lora.h"

#include <math.h>
#include <string.h>

/* rows x cols numbers of so many bytes, in cache lines of their own, that live as long as the context. */
static void *
room(struct context *c, size_t rows, size_t cols, size_t size)
{
	size_t n;
	if (!mul_size(rows, cols, &n) || !mul_size(n, size, &n) || !add_size(n, 64, &n))
		die("out of memory");
	c->owned = grow(c->owned, &c->owned_cap, c->n_owned + 1, sizeof *c->owned);
	unsigned char *p = c->owned[c->n_owned++] = xreallocarray(NULL, n, 1);
	return p + (64 - (uintptr_t)p % 64) % 64;
}

static float *
floats(struct context *c, size_t rows, size_t cols)
{
	return room(c, rows, cols, sizeof(float));
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

/* How many tokens fit into BATCH_BYTES. */
static size_t
batch_size(const struct model *m)
{
	const struct shape *s = &m->shape;
	const double heads = (double)s->n_heads * (double)s->head_dim, kv = (double)s->n_kv_heads * (double)s->head_dim;
	const double floats = (s->n_experts ? 6 : 4) * (double)s->n_embd + 2 * heads + 2 * kv + 2 * (double)m->widest_ffn;
	const double blocks = fmax(fmax((double)s->n_embd, (double)m->widest_ffn), heads) / 2;
	const double n = BATCH_BYTES / (4 * (floats + blocks));
	return n < BATCH_LEAST ? BATCH_LEAST : n > BATCH_MOST ? BATCH_MOST : (size_t)n;
}

static void
make_threads(struct context *c)
{
	const size_t n = (size_t)pool_threads(c->pool), dim = c->m->shape.head_dim;
	c->scratch = xcalloc(n, sizeof *c->scratch);
	c->answers = xcalloc(n, sizeof *c->answers);
	for (size_t i = 0; i < n; i++) {
		c->scratch[i] = room(c, 1, 1, c->kern->scratch(c->batch));
		c->answers[i] = floats(c, ATTEND_ROWS * 2, dim + 2);
	}
}

/* What adapters work in. */
static void
make_lora(struct context *c)
{
	const size_t n = (size_t)pool_threads(c->pool);
	c->low = floats(c, 1, lora_floats(c->m));
	c->wide = xcalloc(n, sizeof *c->wide);
	for (size_t i = 0; i < n; i++)
		c->wide[i] = floats(c, 1, lora_thread_floats(c->m, c->batch));
}

/* An empty context without working memory. */
static struct context *
new_sequence(const struct model *m, enum kv_type kv_type)
{
	const struct shape *s = &m->shape;
	struct context *c = xcalloc(1, sizeof *c);
	c->m = m;
	c->kv_type = kv_type;
	c->kv = xcalloc(s->n_layers * s->n_kv_heads, sizeof *c->kv);
	for (size_t i = 0; i < s->n_layers * s->n_kv_heads; i++)
		c->kv[i] = (struct kv_head){.type = c->kv_type, .dim = s->head_dim};
	return c;
}

struct context *
context_beside(struct context *c)
{
	struct context *new = new_sequence(c->m, c->kv_type);
	new->kern = c->kern;
	new->pool = c->pool;
	new->mine = c->mine;
	new->batch = c->batch;
	new->beside = c->beside ? c->beside : c;
	return new;
}

struct context *
context_new(const struct model *m, const struct kernels *k, struct pool *p, enum kv_type kv_type,
	const struct part *part)
{
	const struct shape *s = &m->shape;
	struct context *c = new_sequence(m, kv_type);
	const size_t heads = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim, n = c->batch = batch_size(m);
	const size_t widest = max_size(max_size(s->n_embd, m->widest_ffn), heads);
	c->kern = k;
	c->pool = p;
	c->mine = *part;
	c->run = xcalloc(n, sizeof *c->run);
	c->x = floats(c, n, s->n_embd);
	c->h = floats(c, n, s->n_embd);
	c->part = floats(c, n, s->n_embd);
	c->part2 = floats(c, n, s->n_embd);
	c->q = floats(c, n, heads);
	c->k = floats(c, n, kv);
	c->v = floats(c, n, kv);
	c->queries = floats(c, n, heads);
	c->att = c->q; /* which are not needed once they are turned and in `queries` */
	c->gate = floats(c, n, m->widest_ffn);
	c->up = floats(c, n, m->widest_ffn);
	c->blocks = room(c, n, widest / 32, sizeof *c->blocks);
	c->rounded = room(c, k->round ? n + 1 : 0, widest, sizeof *c->rounded);
	if (s->n_experts) {
		c->gathered = floats(c, n, s->n_embd);
		c->answer = floats(c, n, s->n_embd);
		c->router = floats(c, n, s->n_experts);
		c->route = room(c, n, s->n_used, sizeof *c->route);
	}
	for (int i = 0; i < 2; i++) {
		c->cos[i] = floats(c, n, s->rope_dim / 2);
		c->sin[i] = floats(c, n, s->rope_dim / 2);
	}
	if (part->to == ROWS_LOGITS)
		c->logits = rows_room(OUT_BATCH, s->n_vocab);
	make_threads(c);
	if (m->widest_lora)
		make_lora(c);
	return c;
}

void
context_free(struct context *c)
{
	for (size_t i = 0; !c->adopted && i < c->m->shape.n_layers * c->m->shape.n_kv_heads; i++) {
		xfree(c->kv[i].k);
		xfree(c->kv[i].v);
	}
	for (size_t i = 0; i < c->n_owned; i++)
		xfree(c->owned[i]);
	rows_room_free(c->logits);
	xfree(c->owned);
	xfree(c->run);
	xfree(c->parts);
	xfree(c->scratch);
	xfree(c->answers);
	xfree(c->wide);
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
	return c->batch;
}

void
context_watch(struct context *c, void (*fn)(void *arg, size_t fed, size_t left), void *arg)
{
	c->watch = fn;
	c->watch_arg = arg;
}

void
context_before_rows(struct context *c, void (*fn)(void *arg), void *arg)
{
	c->before_rows = fn;
	c->before_rows_arg = arg;
}

size_t
context_left(const struct context *c)
{
	const struct rope *r = &c->m->rope[0];
	return (r->freq_short && c->length < r->original ? r->original : context_max(c)) - c->length;
}

bool
context_is_long(const struct context *c)
{
	return c->m->rope[0].freq_short && !c->is_short;
}

bool
context_array_bytes(const struct context *c, size_t positions, size_t *bytes)
{
	return mul_size(positions, kv_row_bytes(c->kv_type, c->m->shape.head_dim), bytes);
}

size_t
context_token_bytes(const struct context *c)
{
	size_t bytes = 0;
	context_array_bytes(c, 1, &bytes);
	return 2 * bytes * c->m->shape.n_kv_heads * (c->mine.last - c->mine.first);
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

void
context_forget(struct context *c)
{
	c->known = c->length;
}

size_t
context_known(const struct context *c)
{
	return c->known;
}

size_t
context_arrays(const struct context *c)
{
	return 2 * (c->mine.last - c->mine.first) * c->m->shape.n_kv_heads;
}

unsigned char **
context_array(struct context *c, size_t i)
{
	struct kv_head *h = c->kv + c->mine.first * c->m->shape.n_kv_heads + i / 2;
	return i % 2 ? &h->v : &h->k;
}

void
context_pad(struct context *c)
{
	float *zero = xcalloc(c->m->shape.head_dim, sizeof *zero);
	for (size_t p = c->known; p % KV_BLOCK; p++)
		for (size_t i = 0; i < context_arrays(c); i += 2)
			c->kern->keep(c->kv + c->mine.first * c->m->shape.n_kv_heads + i / 2, p, zero, zero);
	xfree(zero);
}

void
context_adopt(struct context *c, const uint32_t *ids, size_t n, bool is_long, size_t room, unsigned char *arrays, size_t apart)
{
	c->tokens = grow(c->tokens, &c->tokens_cap, n, sizeof *c->tokens);
	memcpy(c->tokens, ids, n * sizeof *ids);
	for (size_t i = 0; i < context_arrays(c); i++)
		*context_array(c, i) = arrays + i * apart;
	c->known = n;
	c->is_short = !is_long;
	c->cap = room;
	c->adopted = true;
}

/* Room for `need` positions: the cache doubles, up to the longest context. */
static void
reserve(struct context *c, size_t need)
{
	const struct shape *s = &c->m->shape;
	size_t cap = c->cap ? c->cap : KV_BLOCK, bytes, old;
	c->tokens = grow(c->tokens, &c->tokens_cap, need, sizeof *c->tokens);
	if (need <= c->cap)
		return;
	while (cap < need)
		cap *= 2;
	cap = cap > s->n_ctx && need <= s->n_ctx ? (s->n_ctx + KV_BLOCK - 1) / KV_BLOCK * KV_BLOCK : cap;
	if (!context_array_bytes(c, cap, &bytes) || !add_size(bytes, KV_RUN * sizeof(float), &bytes) ||
		!context_array_bytes(c, c->cap, &old))
		die("out of memory");
	for (size_t i = 0; i < context_arrays(c); i++) {
		unsigned char **p = context_array(c, i), *all = xreallocarray(c->adopted ? NULL : *p, bytes, 1);
		if (c->adopted)
			memcpy(all, *p, old);
		*p = all;
	}
	c->adopted = false;
	c->cap = cap;
}

/* The rows as they are where there is no norm. */
static const float *
normed(struct job *j, const struct norm *norm, const float *x)
{
	if (!norm->weight)
		return x;
	apply_norm(j->c, norm, j->c->h, x, j->n);
	return j->c->h;
}

/* Items are numbers of the residual stream. */
static void
add_some(void *arg, size_t first, size_t last, int thread)
{
	const struct job *j = arg;
	const float scale = j->c->m->shape.residual_scale;
	(void)thread;
	j->c->kern->axpy(j->c->x + first, scale > 0 ? scale : 1, j->in.x + first, last - first);
}

static void
add(struct job *j, const float *part)
{
	j->in.x = part;
	pool_run(j->c->pool, add_some, j, j->n * j->c->m->shape.n_embd, 8192);
}

static void
layer(struct job *j)
{
	struct context *c = j->c;
	const struct layer *y = j->y;

	const float *h = normed(j, &y->attn_norm, c->x);
	attention(j, h, c->part);
	if (!j->n)
		return;
	if (y->attn_post_norm.weight)
		apply_norm(c, &y->attn_post_norm, c->part, c->part, j->n);
	if (!y->parallel)
		add(j, c->part);
	if (y->ffn_norm.weight || !y->parallel)
		h = normed(j, &y->ffn_norm, c->x);
	feed_forward(j, h, c->part2);
	if (y->ffn_post_norm.weight)
		apply_norm(c, &y->ffn_post_norm, c->part2, c->part2, j->n);
	if (y->parallel)
		add(j, c->part);
	add(j, c->part2);
}

/* The first rows of a run: a token's embedding, its position's where positions are learned. */
static void
embed(struct context *c, const struct run *r)
{
	const struct model *m = c->m;
	const size_t embd = m->shape.n_embd;
	float scale = m->arch->flags & EMBD_SQRT ? sqrtf((float)embd) : 1;
	scale = m->shape.embd_scale > 0 ? m->shape.embd_scale : scale;
	for (size_t t = 0; t < r->n; t++) {
		float *x = c->x + (r->first + t) * embd;
		tensor_unpack(&m->embd.w, r->from->feed.ids[t], x);
		if (m->embd.lora)
			lora_embedding(c, r->from->feed.ids[t], x);
		for (size_t i = 0; i < embd; i++)
			x[i] *= scale;
		if (matrix_there(&m->positions)) {
			tensor_unpack(&m->positions.w, r->position + t, c->h);
			for (size_t i = 0; i < embd; i++)
				x[i] += c->h[i];
		}
	}
	if (m->embd_norm.weight)
		apply_norm(c, &m->embd_norm, c->x + r->first * embd, c->x + r->first * embd, r->n);
}

/* A run's tokens enter its context and the batch. */
static void
enter(struct context *c, const struct run *r)
{
	const struct model *m = c->m;
	const size_t half = m->shape.rope_dim / 2, embd = m->shape.n_embd;
	const struct feed *f = &r->from->feed;
	reserve(r->c, r->position + r->n);
	if (r->position + r->n > r->c->known || memcmp(r->c->tokens + r->position, f->ids, r->n * sizeof *f->ids))
		r->c->known = r->position + r->n;
	memmove(r->c->tokens + r->position, f->ids, r->n * sizeof *f->ids);
	for (size_t i = 0; m->arch->rope != ROPE_NONE && i < 2; i++)
		for (size_t t = 0, at = r->first * half; t < r->n; t++, at += half)
			rope_angles(m->rope + i, r->c->is_short, r->position + t, c->cos[i] + at, c->sin[i] + at);
	if (f->x)
		memcpy(c->x + r->first * embd, f->x, r->n * embd * sizeof *f->x);
	else
		embed(c, r);
}

/* Through all layers: what was fed of n contexts, <= c->batch tokens, where c has the working memory. */
static void
forward(struct context *c, const struct portion *s, size_t n)
{
	const struct model *m = c->m;
	size_t rows = 0;
	c->n_runs = n;
	for (size_t i = 0; i < n; rows += s[i].fed, i++) {
		c->run[i] = (struct run){.c = s[i].c, .first = rows, .n = s[i].fed, .position = s[i].c->length, .from = s + i,
			.wanted = s[i].feed.wanted};
		enter(c, c->run + i);
	}
	for (size_t l = c->mine.first; l < c->mine.last; l++) {
		struct job j = {.c = c, .y = m->layer + l, .n = rows, .last = l + 1 == c->mine.last};
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

/* A token of the batch whose row is wanted. */
struct place {
	const struct run *run;
	size_t token;		/* of the run */
};

/* Rows of up to OUT_BATCH tokens. */
static void
some_rows(struct context *c, const struct place *p, size_t n)
{
	const struct model *m = c->m;
	const bool logits = c->mine.to == ROWS_LOGITS;
	const size_t embd = m->shape.n_embd, apart = logits ? rows_apart(m->shape.n_vocab) : embd;
	float *rows = logits ? c->logits : c->h;
	struct job j = {.c = c, .n = n, .apart = apart};
	for (size_t i = 0; i < n; i++)
		memcpy(c->part + i * embd, c->x + (p[i].run->first + p[i].token) * embd, embd * sizeof *c->part);
	apply_norm(c, &m->out_norm, c->h, c->part, n);
	if (logits && c->before_rows)
		c->before_rows(c->before_rows_arg);
	if (logits)
		matmul(&j, c->h, n, 1, (const struct matrix *const[]){&m->out}, &rows);
	for (size_t i = 0; logits && i < n; i++)
		scale_logits(m, rows + i * apart, m->shape.n_vocab);
	for (size_t i = 0; i < n; i++) {
		const struct portion *s = p[i].run->from;
		s->fn(s->arg, p[i].run->position + p[i].token, 1, rows + i * apart);
	}
}

/* The rows that are wanted of the tokens of the batch, which just went through the layers. */
static void
output(struct context *c)
{
	struct place place[OUT_BATCH];
	size_t n = 0;
	for (const struct run *r = c->run; r < c->run + c->n_runs; r++) {
		const struct portion *s = r->from;
		if (c->mine.to == ROWS_HIDDEN && r->wanted < r->n)
			s->fn(s->arg, r->position + r->wanted, r->n - r->wanted, c->x + (r->first + r->wanted) * c->m->shape.n_embd);
		for (size_t t = r->wanted; c->mine.to != ROWS_HIDDEN && t < r->n; t++) {
			place[n++] = (struct place){r, t};
			if (n == OUT_BATCH) {
				some_rows(c, place, n);
				n = 0;
			}
		}
	}
	if (n)
		some_rows(c, place, n);
}

/* The context that has the working memory. */
static struct context *
work_of(struct context *c)
{
	return c->beside ? c->beside : c;
}

/*
 * A model with two sets of rope factors uses one up to its original context and the
 * other beyond (arXiv:2402.13753). When a sequence grows across that edge, or is
 * rewound behind it, the keys of its past are made anew, so that logits depend on
 * the tokens alone; and those of the stages behind this one, from the hidden states that
 * it tells them again. Returns how many of n tokens can be fed on this side.
 */
static size_t
keep_side(const struct portion *s, size_t n)
{
	struct context *c = s->c;
	const struct rope *r = &c->m->rope[0];
	if (!r->freq_short || c->mine.from_rows)
		return n;
	const bool is_short = c->length < r->original;
	const size_t length = c->length;
	if (is_short != c->is_short) {
		c->is_short = is_short;
		c->known = length;
		for (c->length = 0; c->length < length;) {
			const size_t now = length - c->length < c->batch ? length - c->length : c->batch;
			const bool told = c->mine.to == ROWS_HIDDEN;
			forward(work_of(c), &(struct portion){.c = c, .fn = s->fn, .arg = s->arg, .fed = now,
				.feed = {.ids = c->tokens + c->length, .n = now, .wanted = told ? 0 : now}}, 1);
			output(work_of(c));
			c->length += now;
		}
	}
	return is_short && r->original - length < n ? r->original - length : n;
}

/* How many of the tokens, of which no rows are wanted, are in the cache behind the context already. */
static size_t
known_already(const struct context *c, const struct feed *f)
{
	size_t n = 0;
	while (!f->x && n < f->wanted && n < f->n && c->length + n < c->known && c->tokens[c->length + n] == f->ids[n])
		n++;
	return n;
}

void
contexts_feed(struct portion *s, size_t n)
{
	struct context *c = work_of(s->c);
	size_t left = c->batch, some = 0;
	for (; some < n && left; left -= s[some++].fed) {
		const size_t all = s[some].feed.n < left ? s[some].feed.n : left;
		if (c->mine.from_rows)
			s[some].c->is_short = !s[some].feed.is_long;
		s[some].fed = keep_side(s + some, all);
	}
	for (size_t i = some; i < n; i++)
		s[i].fed = 0;
	forward(c, s, some);
	output(c);
	for (size_t i = 0; i < some; i++)
		s[i].c->length += s[i].fed;
}

void
context_feed(struct context *c, const struct feed *f, rows_fn *fn, void *arg)
{
	struct portion s = {.c = c, .feed = *f, .fn = fn, .arg = arg};
	const size_t known = known_already(c, f);
	c->length += known;
	s.feed.n -= known;
	s.feed.ids += known;
	s.feed.wanted -= known;
	const bool watched = c->watch && s.feed.n > c->batch;
	if (watched)
		c->watch(c->watch_arg, 0, s.feed.n);
	while (s.feed.n) {
		const size_t left = s.feed.n, batches = (left + c->batch - 1) / c->batch; /* of about one size */
		s.feed.n = (left + batches - 1) / batches;
		contexts_feed(&s, 1);
		s.feed.n = left - s.fed;
		if (watched)
			c->watch(c->watch_arg, s.fed, s.feed.n);
		s.feed.ids += s.fed;
		s.feed.x = s.feed.x ? s.feed.x + s.fed * c->m->shape.n_embd : NULL;
		s.feed.wanted = s.feed.wanted > s.fed ? s.feed.wanted - s.fed : 0;
	}
}
