/* batch.c - matrices and norms over the tokens of a batch; see batch.h. */
#include "batch.h"

#include <math.h>
#include <string.h>

/* Rows [first, last) of w . in where w lies transposed: a column of numbers that lie
 * together at a time. Slower than rows, as each output is read and written for each input. */
static void
across(const struct job *j, const struct tensor *w, size_t first, size_t last, float *out)
{
	float part[ROWS_CHUNK];
	const size_t rows = w->dim[1], cols = w->dim[0];
	for (size_t n; first < last; first += n) {
		n = last - first < ROWS_CHUNK ? last - first : ROWS_CHUNK;
		for (size_t t = 0; t < j->n_in; t++)
			memset(out + t * rows + first, 0, n * sizeof *out);
		for (size_t col = 0; col < cols; col++) {
			tensor_column(w, col, first, n, part);
			for (size_t t = 0; t < j->n_in; t++)
				j->c->kern->axpy(out + t * rows + first, j->in[t * cols + col], part, n);
		}
	}
}

/* Rows [first, last) of w . in, where only `run` rows lie together. */
static void
runs(const struct job *j, const struct matrix *m, size_t first, size_t last, float *out, float *scratch)
{
	for (size_t n; first < last; first += n) {
		const size_t in_run = first % m->run;
		struct tensor w = m->w;
		n = last - first < m->run - in_run ? last - first : m->run - in_run;
		tensor_skip(&w, first / m->run * m->apart + in_run);
		j->c->kern->matmul(&w, 0, n, j->in, j->n_in, out + first, m->w.dim[1], scratch);
	}
}

/* Rows [first, last) of the matrices one after the other: out = w in (+ bias). */
static void
matmul_rows(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	for (size_t i = 0, start = 0; i < 3 && j->w[i]; i++) {
		const struct matrix *m = j->w[i];
		size_t rows = m->w.dim[1], end = start + rows;
		size_t a = first > start ? first : start, b = last < end ? last : end;
		if (a < b) {
			if (m->w.across)
				across(j, &m->w, a - start, b - start, j->out[i]);
			else if (m->run)
				runs(j, m, a - start, b - start, j->out[i], j->c->scratch[thread]);
			else
				j->c->kern->matmul(&m->w, a - start, b - start, j->in, j->n_in, j->out[i], rows,
					j->c->scratch[thread]);
			for (size_t t = 0; m->bias && t < j->n_in; t++)
				for (size_t r = a - start; r < b - start; r++)
					j->out[i][t * rows + r] += m->bias[r];
		}
		start = end;
	}
}

void
matmul(struct job *j, const float *in, size_t n, size_t n_out, const struct matrix *const w[], float *const out[])
{
	size_t rows = 0;
	j->in = in;
	j->n_in = n;
	for (size_t i = 0; i < 3; i++) {
		j->w[i] = i < n_out ? w[i] : NULL;
		j->out[i] = i < n_out ? out[i] : NULL;
		rows += i < n_out ? w[i]->w.dim[1] : 0;
	}
	pool_run(j->c->pool, matmul_rows, j, rows, ROWS_CHUNK);
}

/* One vector, or part of one, of norm->width numbers. */
static void
norm_one(const struct model *m, const float *weight, const float *bias, float *out, const float *x, size_t n)
{
	double mean = 0, sum = 0;
	for (size_t i = 0; m->arch->norm == NORM_LAYER && i < n; i++)
		mean += (double)x[i];
	mean /= (double)n;
	for (size_t i = 0; i < n; i++)
		sum += ((double)x[i] - mean) * ((double)x[i] - mean);
	const float scale = 1 / sqrtf((float)(sum / (double)n) + m->shape.norm_eps), centre = (float)mean;
	for (size_t i = 0; i < n; i++)
		out[i] = weight[i] * ((x[i] - centre) * scale) + (bias ? bias[i] : 0);
}

void
apply_norm(const struct model *m, const struct norm *norm, float *out, const float *x, size_t n)
{
	for (size_t t = 0; t < n; t++, x += norm->n, out += norm->n)
		for (size_t i = 0; i < norm->n; i += norm->width)
			norm_one(m, norm->weight + i, norm->bias ? norm->bias + i : NULL, out + i, x + i, norm->width);
}
