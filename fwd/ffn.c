/* ffn.c - the feed-forward layer and its experts; see batch.h. */
#include "batch.h"

#include <math.h>
#include <string.h>

static float
sigmoid(float x)
{
	return 1 / (1 + expf(-x));
}

/* act(x), times `up` where there is a gate. */
static float
unit(enum activation act, float x, float up)
{
	switch (act) {
	case ACT_RELU:
		return fmaxf(x, 0) * up;
	case ACT_RELU2:
		return fmaxf(x, 0) * fmaxf(x, 0) * up;
	case ACT_SILU:
		return x / (1 + expf(-x)) * up;
	case ACT_GELU:
		return 0.5f * x * (1 + erff(x * 0.70710678f)) * up;
	case ACT_GELU_TANH:
		return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x))) * up;
	default: /* ACT_SWIGLU_OAI */
		x = fminf(x, 7);
		return x * sigmoid(1.702f * x) * (fminf(fmaxf(up, -7), 7) + 1);
	}
}

/* Items are units: gate = act(gate) up, or up = act(up). */
static void
activate(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	const enum activation act = j->c->m->act;
	const struct kernels *k = j->c->kern;
	float *gate = j->gate + first, *up = j->up ? j->up + first : NULL;
	const size_t n = last - first;
	(void)thread;
	if (act == ACT_SILU)
		k->swish(gate, up, n, 1, 0, 0);
	else if (act == ACT_GELU_TANH)
		k->swish(gate, up, n, 2 * 0.79788456f, 2 * 0.79788456f * 0.044715f, 0);
	else
		for (size_t i = 0; i < n; i++)
			gate[i] = unit(act, gate[i], up ? up[i] : 1);
}

/* The same where gate and up lie by turns in `up`. */
static void
activate_pairs(void *arg, size_t first, size_t last, int thread)
{
	struct job *j = arg;
	(void)thread;
	for (size_t i = first; i < last; i++)
		j->gate[i] = unit(j->c->m->act, j->up[2 * i], j->up[2 * i + 1]);
}

/* out = f in, for n tokens. */
static void
dense(struct job *j, const struct ffn *f, const float *in, size_t n, float *out)
{
	struct context *c = j->c;
	const bool gated = matrix_there(&f->gate);
	j->gate = gated || f->pairs ? c->gate : c->up;
	j->up = gated || f->pairs ? c->up : NULL;
	comes_after(j, &f->down, NULL, NULL);
	matmul(j, in, n, gated ? 2 : 1, (const struct matrix *const[]){gated ? &f->gate : &f->up, &f->up},
		(float *const[]){gated ? c->gate : c->up, c->up});
	pool_run(c->pool, f->pairs ? activate_pairs : activate, j, n * f->down.w.dim[0], 4096);
	if (j->y + 1 < c->m->layer + c->m->shape.n_layers)
		comes_after(j, &j->y[1].q, &j->y[1].k, &j->y[1].v);
	else
		comes_after(j, &c->m->out, NULL, NULL);
	matmul(j, j->gate, n, 1, (const struct matrix *const[]){&f->down}, &out);
}

/* The k experts of the highest logits, by number; their weights are shares of all
 * experts or, renormalized, of those k. */
static void
choose(const struct model *m, uint32_t token, float *logit, struct route *route)
{
	const struct shape *s = &m->shape;
	const bool renormalize = s->renormalize >= 0 ? s->renormalize : !(m->arch->flags & NOT_RENORMALIZED);
	float max = logit[0], sum = 0, chosen = 0;
	for (size_t e = 1; e < s->n_experts; e++)
		max = logit[e] > max ? logit[e] : max;
	for (size_t e = 0; e < s->n_experts; e++) {
		sum += logit[e] = expf(logit[e] - max);
		logit[e] = logit[e] >= 0 ? logit[e] : 0; /* not a number: each expert is chosen once all the same */
	}
	for (size_t i = 0; i < s->n_used; i++) {
		size_t best = 0;
		for (size_t e = 1; e < s->n_experts; e++)
			best = logit[e] > logit[best] ? e : best;
		route[i] = (struct route){token, (uint32_t)best, logit[best]};
		chosen += logit[best];
		logit[best] = -1;
	}
	for (size_t i = 0; i < s->n_used; i++) {
		route[i].weight /= renormalize ? chosen : sum;
		route[i].weight *= s->expert_scale > 0 ? s->expert_scale : 1;
	}
}

/* out += what one expert says to the tokens that go to it, times their weights. */
static void
ask_expert(struct job *j, uint32_t expert, const float *in, float *out)
{
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	const size_t embd = s->n_embd, n_routes = j->n * s->n_used;
	size_t n = 0;
	for (size_t i = 0; i < n_routes; i++)
		if (c->route[i].expert == expert)
			memcpy(c->gathered + n++ * embd, in + c->route[i].token * embd, embd * sizeof *in);
	if (!n)
		return;
	dense(j, j->y->experts + expert, c->gathered, n, c->answer);
	n = 0;
	for (size_t i = 0; i < n_routes; i++)
		if (c->route[i].expert == expert)
			c->kern->axpy(out + c->route[i].token * embd, c->route[i].weight, c->answer + n++ * embd, embd);
}

/* A mixture of experts (arXiv:1701.06538), with one for all tokens where there is one. */
static void
mixture(struct job *j, const float *in, float *out)
{
	struct context *c = j->c;
	const struct shape *s = &c->m->shape;
	const struct layer *y = j->y;
	matmul(j, in, j->n, 1, (const struct matrix *const[]){&y->router}, &c->router);
	for (size_t t = 0; t < j->n; t++)
		choose(c->m, (uint32_t)t, c->router + t * s->n_experts, c->route + t * s->n_used);
	memset(out, 0, j->n * s->n_embd * sizeof *out);
	for (uint32_t e = 0; e < s->n_experts; e++)
		ask_expert(j, e, in, out);
	if (!matrix_there(&y->shared.up))
		return;
	dense(j, &y->shared, in, j->n, c->answer);
	if (matrix_there(&y->shared_gate))
		matmul(j, in, j->n, 1, (const struct matrix *const[]){&y->shared_gate}, &c->router);
	for (size_t t = 0; t < j->n; t++)
		c->kern->axpy(out + t * s->n_embd, matrix_there(&y->shared_gate) ? sigmoid(c->router[t]) : 1,
			c->answer + t * s->n_embd, s->n_embd);
}

void
feed_forward(struct job *j, const float *h, float *out)
{
	if (j->y->experts)
		mixture(j, h, out);
	else
		dense(j, &j->y->ffn, h, j->n, out);
}
