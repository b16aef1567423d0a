/* lora.c - low-rank adapters beside the matrices of a model; see lora.h. */
#include "lora.h"

#include "weights/config.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
	LOW_FLOATS = 1 << 17,	/* a x of as many tokens as fit into so many, but of one at least */
	ROWS = 64,		/* outputs at a time */
	MANY = 32		/* tokens that are shared out, and not the few rows of a */
};

/* Hanging: a matrix of the model, and that of the adapter which has its place. */
struct hanger {
	struct model *m;
	const struct model *places;
	const struct adapter *a;
	float scale;
};

/*
 * The row of the adapter's matrix that belongs to row r of the model's, where rope turns
 * neighbours in the one and halves in the other: the two numbers of pair i of a head are rows
 * 2 i and 2 i + 1 there, i and dim / 2 + i here.
 */
static size_t
turned(const struct hanger *h, size_t r)
{
	const size_t dim = h->m->shape.head_dim, i = r % dim;
	if (h->m->shape.rope_halves == h->places->shape.rope_halves)
		return r;
	return r - i + (h->m->shape.rope_halves ? i % (dim / 2) * 2 + i / (dim / 2) : i % 2 * (dim / 2) + i / 2);
}

/* b's rows for a matrix of the model: in the map where they lie together in their order, else a copy. */
static struct tensor
rows_of(const struct hanger *h, const struct factors *f, const struct matrix *place, bool turns)
{
	struct tensor b = f->b;
	const size_t n = place->w.dim[1], bytes = tensor_row_bytes(&b);
	b.dim[1] = n;
	b.dim[2] = 1;
	b.n_dims = 2;
	if (!place->run && !(turns && h->m->shape.rope_halves != h->places->shape.rope_halves)) {
		tensor_skip(&b, place->first);
		return b;
	}
	unsigned char *copy = xreallocarray(NULL, n, bytes); /* stays, as the map does */
	for (size_t r = 0; r < n; r++) {
		const size_t in = turns ? turned(h, r) : r;
		const size_t row = place->first + (place->run ? in / place->run * place->apart + in % place->run : in);
		memcpy(copy + r * bytes, f->b.data + row * bytes, bytes);
	}
	b.data = copy;
	return b;
}

static void
hang(const struct hanger *h, struct matrix *to, const struct matrix *place, bool turns)
{
	if (!matrix_there(place))
		return;
	const struct factors *f = adapter_get(h->a, place->w.name);
	if (!matrix_there(to))
		die("%s: tensor %s: %s has no such matrix: an adapter of another model", h->a->path, f->name, h->m->w->path);
	const float scale = h->scale * f->scale;
	if (!(fabsf(scale) <= FLT_MAX))
		die("%s: tensor %s: a scale of %g times %g is no number to multiply by", h->a->path, f->name, (double)h->scale,
			(double)f->scale);
	if (scale == 0)
		return;
	struct lora *x = xcalloc(1, sizeof *x); /* lives as long as the process, as the adapter */
	x->a = f->a;
	if (to != &h->m->embd) {
		const size_t rank = f->b.dim[0], expert = place->first / f->b.dim[1];
		x->a.dim[2] = 1;
		tensor_skip(&x->a, expert * rank);
		x->b = rows_of(h, f, place, turns);
	} else
		x->b = f->b;
	x->scale = scale;
	size_t all = f->b.dim[0];
	const struct lora **end = &to->lora;
	for (; *end; end = (const struct lora **)&(*end)->next)
		all += (*end)->b.dim[0];
	*end = x;
	h->m->widest_lora = all > h->m->widest_lora ? all : h->m->widest_lora;
}

static void
hang_ffn(const struct hanger *h, struct ffn *to, const struct ffn *place)
{
	if (to->pairs != place->pairs && (matrix_there(&place->up) || matrix_there(&place->gate)))
		die("%s: tensor %s: rows of gate and up stand by turns in only one of it and %s, which is not supported", h->a->path,
			matrix_there(&place->up) ? place->up.w.name : place->gate.w.name, h->m->w->path);
	hang(h, &to->gate, &place->gate, false);
	hang(h, &to->up, &place->up, false);
	hang(h, &to->down, &place->down, false);
}

static void
hang_layer(const struct hanger *h, struct layer *to, const struct layer *place)
{
	hang(h, &to->q, &place->q, true);
	hang(h, &to->k, &place->k, true);
	hang(h, &to->v, &place->v, false);
	hang(h, &to->o, &place->o, false);
	hang(h, &to->router, &place->router, false);
	hang(h, &to->shared_gate, &place->shared_gate, false);
	hang_ffn(h, &to->ffn, &place->ffn);
	hang_ffn(h, &to->shared, &place->shared);
	for (size_t e = 0; to->experts && e < h->m->shape.n_experts; e++)
		hang_ffn(h, to->experts + e, place->experts + e);
}

/* The adapter as a file of weights, whose matrices are what is added. */
static struct weights
as_weights(const struct adapter *a)
{
	struct weights w = {.path = a->path, .n_tensors = a->n, .tensors = xcalloc(a->n, sizeof *w.tensors)};
	for (size_t i = 0; i < a->n; i++) {
		const struct factors *f = a->f + i;
		const bool embedding = !strcmp(f->name, "token_embd.weight");
		struct tensor *t = w.tensors + i;
		memcpy(t->name, f->name, sizeof t->name);
		t->type = T_COUNT;
		t->n_dims = 3;
		t->dim[0] = embedding ? f->b.dim[1] : f->a.dim[0];
		t->dim[1] = embedding ? f->a.dim[1] : f->b.dim[1];
		t->dim[2] = f->b.dim[2];
		t->dim[3] = 1;
		t->data = f->a.data; /* there */
	}
	return w;
}

void
lora_hang(struct model *m, const struct adapter *a, float scale)
{
	struct weights w = as_weights(a);
	struct shape s = m->shape;
	config_layout(a->peft ? m->w->arch : "", &s);
	struct model *places = model_places(m, &w, &s);
	const struct hanger h = {.m = m, .places = places, .a = a, .scale = scale};
	hang(&h, &m->embd, &places->embd, false);
	hang(&h, &m->out, &places->out, false);
	for (size_t l = 0; l < m->shape.n_layers; l++)
		hang_layer(&h, m->layer + l, places->layer + l);
	model_free(places);
	xfree(w.tensors);
}

size_t
lora_floats(const struct model *m)
{
	const size_t most = 3 * m->widest_lora; /* of all matrices of a job */
	return most > LOW_FLOATS || most == 0 ? most : LOW_FLOATS;
}

size_t
lora_thread_floats(const struct model *m, size_t batch)
{
	return m->widest_lora ? batch * ROWS : 0;
}

/* Some tokens of a job. */
struct some {
	struct job *j;
	size_t first, n;
};

/* c->low = a x for rows [first, last) of all a, one behind the other, and n of the tokens from t on. */
static void
narrow(const struct some *s, size_t first, size_t last, size_t t, size_t n, int thread)
{
	const struct job *j = s->j;
	size_t start = 0;
	for (size_t i = 0; j->w[i]; i++)
		for (const struct lora *x = j->w[i]->lora; x; x = x->next) {
			const size_t rank = x->a.dim[1], end = start + rank;
			const size_t from = first > start ? first : start, to = last < end ? last : end;
			const struct inputs in = {.x = j->in.x + (s->first + t) * x->a.dim[0], .n = n};
			if (from < to)
				j->c->kern->matmul(&x->a, from - start, to - start, &in, j->c->low + start * s->n + t * rank, rank,
					j->c->scratch[thread]);
			start = end;
		}
}

static void
narrow_rows(void *arg, size_t first, size_t last, int thread)
{
	const struct some *s = arg;
	narrow(s, first, last, 0, s->n, thread);
}

static void
narrow_tokens(void *arg, size_t first, size_t last, int thread)
{
	narrow(arg, 0, SIZE_MAX, first, last - first, thread);
}

/* Rows [from, from + n) of matrix number i gain scale b low, n <= ROWS; its low begins at rank `start`. */
static void
widen_rows(const struct some *s, size_t i, size_t start, size_t from, size_t n, int thread)
{
	const struct job *j = s->j;
	const struct kernels *k = j->c->kern;
	const size_t apart = job_apart(j, j->w[i]);
	float *part = j->c->wide[thread];
	for (const struct lora *x = j->w[i]->lora; x; x = x->next) {
		const struct inputs in = {.x = j->c->low + start * s->n, .n = s->n};
		struct tensor b = x->b;
		tensor_skip(&b, from);
		k->matmul(&b, 0, n, &in, part, ROWS, j->c->scratch[thread]);
		for (size_t t = 0; t < s->n; t++)
			k->axpy(j->out[i] + (s->first + t) * apart + from, x->scale, part + t * ROWS, n);
		start += x->a.dim[1];
	}
}

/* The ranks of all that is hung to a matrix. */
static size_t
ranks(const struct matrix *m)
{
	size_t n = 0;
	for (const struct lora *x = m->lora; x; x = x->next)
		n += x->a.dim[1];
	return n;
}

/* Items are rows of the job's matrices, one behind the other. */
static void
widen(void *arg, size_t first, size_t last, int thread)
{
	const struct some *s = arg;
	const struct matrix *m;
	for (size_t i = 0, start = 0, low = 0; (m = s->j->w[i]); start += m->w.dim[1], low += ranks(m), i++) {
		const size_t end = start + m->w.dim[1], to = last < end ? last : end;
		for (size_t from = first > start ? first : start, n; m->lora && from < to; from += n) {
			n = to - from < ROWS ? to - from : ROWS;
			widen_rows(s, i, low, from - start, n, thread);
		}
	}
}

void
lora_products(struct job *j)
{
	size_t low = 0, rows = 0;
	for (size_t i = 0; j->w[i]; i++) {
		low += ranks(j->w[i]);
		rows += j->w[i]->w.dim[1];
	}
	if (!low)
		return;
	const size_t most = lora_floats(j->c->m) / low;
	for (struct some s = {.j = j}; s.first < j->in.n; s.first += s.n) {
		s.n = j->in.n - s.first < most ? j->in.n - s.first : most;
		if (s.n >= MANY)
			pool_run(j->c->pool, narrow_tokens, &s, s.n, MANY);
		else
			pool_run(j->c->pool, narrow_rows, &s, low, j->c->kern->rows);
		pool_run(j->c->pool, widen, &s, rows, ROWS);
	}
}

void
lora_embedding(struct context *c, uint32_t id, float *x)
{
	for (const struct lora *y = c->m->embd.lora; y; y = y->next) {
		const size_t rank = y->b.dim[0], embd = y->b.dim[1];
		for (size_t r = 0; y->a.across && r < rank; r++)
			tensor_column(&y->a, r, id, 1, c->low + r);
		if (!y->a.across)
			tensor_unpack(&y->a, id, c->low);
		c->kern->matmul(&y->b, 0, embd, &(struct inputs){.x = c->low, .n = 1}, c->h, embd, c->scratch[0]);
		c->kern->axpy(x, y->scale, c->h, embd);
	}
}
