/* batch.c - matrices and norms over the tokens of a batch; see batch.h. */
#include "batch.h"

#include "lora.h"

#include <string.h>

enum { ACROSS = 16 };	/* outputs at a time */

/* Rows [first, last) of w . in where w lies transposed: a column of numbers that lie
 * together at a time. Slower than rows, as each output is read and written for each input. */
static void
across(const struct job *j, const struct matrix *m, size_t first, size_t last, float *out)
{
	float part[ACROSS];
	const struct tensor *w = &m->w;
	const size_t apart = job_apart(j, m), cols = w->dim[0];
	for (size_t n; first < last; first += n) {
		n = last - first < ACROSS ? last - first : ACROSS;
		for (size_t t = 0; t < j->in.n; t++)
			memset(out + t * apart + first, 0, n * sizeof *out);
		for (size_t col = 0; col < cols; col++) {
			tensor_column(w, col, first, n, part);
			for (size_t t = 0; t < j->in.n; t++)
				j->c->kern->axpy(out + t * apart + first, j->in.x[t * cols + col], part, n);
		}
	}
}

/* Rows [first, last) of w . in, where only `run` rows lie together. */
static void
runs(const struct job *j, const struct matrix *m, const struct inputs *in, size_t first, size_t last, float *out,
	void *scratch)
{
	for (size_t n; first < last; first += n) {
		const size_t in_run = first % m->run;
		struct tensor w = m->w;
		n = last - first < m->run - in_run ? last - first : m->run - in_run;
		tensor_skip(&w, first / m->run * m->apart + in_run);
		j->c->kern->matmul(&w, 0, n, in, out + first, job_apart(j, m), scratch);
	}
}

static size_t
total_rows(const struct matrix *const w[])
{
	size_t n = 0;
	for (; *w; w++)
		n += (*w)->w.dim[1];
	return n;
}

/* Where a row of several matrices lies. */
static const unsigned char *
place_of(const struct matrix *const w[], size_t row)
{
	for (; *w && row >= (*w)->w.dim[1]; w++)
		row -= (*w)->w.dim[1];
	return !*w || (*w)->w.across || (*w)->run ? NULL : (*w)->w.data + row * tensor_row_bytes(&(*w)->w);
}

/* What a thread reads next: row `last`, or its first row of the matrices that come after. */
static const unsigned char *
next_place(const struct job *j, size_t last, int thread)
{
	const struct pool *p = j->c->pool;
	const size_t chunk = j->c->kern->rows;
	if (last < pool_share(p, total_rows(j->w), chunk, thread + 1))
		return place_of(j->w, last);
	return place_of(j->after, pool_share(p, total_rows(j->after), chunk, thread));
}

/* Rows [first, last) of the matrices one after the other: out = w in (+ bias). */
static void
matmul_rows(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	const struct matrix *m;
	for (size_t i = 0, start = 0; (m = j->w[i]); start += m->w.dim[1], i++) {
		const size_t apart = job_apart(j, m), end = start + m->w.dim[1];
		size_t a = first > start ? first : start, b = last < end ? last : end;
		if (a >= b)
			continue;
		struct inputs in = j->in;
		in.next = next_place(j, b, thread);
		if (m->w.across)
			across(j, m, a - start, b - start, j->out[i]);
		else if (m->run)
			runs(j, m, &in, a - start, b - start, j->out[i], j->c->scratch[thread]);
		else
			j->c->kern->matmul(&m->w, a - start, b - start, &in, j->out[i], apart, j->c->scratch[thread]);
		for (size_t t = 0; m->bias && t < in.n; t++)
			for (size_t r = a - start; r < b - start; r++)
				j->out[i][t * apart + r] += m->bias[r];
	}
}

/* Items are tokens of the input, in the forms that its matrices meet. */
static void
convert(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	const size_t dim = j->w[0]->w.dim[0];
	(void)thread;
	for (size_t t = first; j->in.q && t < last; t++)
		quantize_input(j->c->kern, j->c->blocks, j->in.x + t * dim, dim, j->in.n, t);
	for (size_t t = first; j->in.rounded && t < last; t++)
		round_input(j->c->kern, j->c->rounded, j->in.x + t * dim, dim, j->in.n, t);
}

void
matmul(struct job *j, const float *in, size_t n, size_t n_out, const struct matrix *const w[], float *const out[])
{
	const struct kernels *k = j->c->kern;
	j->in = (struct inputs){.x = in, .n = n};
	for (size_t i = 0; i < n_out; i++) {
		j->w[i] = w[i];
		j->out[i] = out[i];
		if (k->blocks(w[i]->w.type))
			j->in.q = j->c->blocks;
		if (meets_rounded(k, &w[i]->w))
			j->in.rounded = j->c->rounded;
	}
	j->w[n_out] = NULL;
	if (j->in.q || j->in.rounded)
		pool_run(j->c->pool, convert, j, n, 4);
	pool_run(j->c->pool, matmul_rows, j, total_rows(j->w), k->rows);
	if (j->c->low)
		lora_products(j);
	j->after[0] = NULL;
}

/* Items are vectors. */
static void
norms(void *arg, size_t first, size_t last, int thread)
{
	const struct job *j = arg;
	const struct norm *y = j->norm;
	const struct model *m = j->c->m;
	(void)thread;
	for (size_t t = first; t < last; t++)
		for (size_t i = 0, at = t * y->n; i < y->n; i += y->width)
			j->c->kern->norm(j->out[0] + at + i, j->in.x + at + i, y->weight + i, y->bias ? y->bias + i : NULL,
				y->width, m->shape.norm_eps, m->arch->norm == NORM_LAYER);
}

void
apply_norm(struct context *c, const struct norm *norm, float *out, const float *x, size_t n)
{
	struct job j = {.c = c, .norm = norm, .in.x = x, .out = {out}};
	pool_run(c->pool, norms, &j, n, 4096 / norm->n + 1);
}
