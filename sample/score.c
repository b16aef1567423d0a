/* score.c - how likely a token was; see score.h. */
#include "score.h"

#include <math.h>
#include <string.h>

enum { LANES = 16, RUN = 16 }; /* numbers side by side, as vectors have them; additions in single precision */

/* sum[k] += e^(x[k] - best) to about 1e-7, as 2^(n + f) with f from -1/2 to 1/2. */
static void
add_exp(float sum[LANES], const float *x, float best)
{
	static const float log2e = 1.44269504f, round = 12582912; /* 1.5 * 2^23: adding it rounds to a whole number */
	float t[LANES], n[LANES], power[LANES];
	int32_t bits[LANES], whole[LANES];
	for (int k = 0; k < LANES; k++)
		t[k] = (x[k] - best) * log2e;
	for (int k = 0; k < LANES; k++)
		t[k] = t[k] > -126 ? t[k] : -126;
	for (int k = 0; k < LANES; k++)
		n[k] = t[k] + round;
	for (int k = 0; k < LANES; k++)
		t[k] -= n[k] - round;
	for (int k = 0; k < LANES; k++)
		power[k] = 1 + t[k] * (0.693147181f + t[k] * (0.240226507f + t[k] * (0.0555041087f +
			t[k] * (0.00961812911f + t[k] * (0.00133335581f + t[k] * 0.000154035304f)))));
	memcpy(bits, power, sizeof bits);
	memcpy(whole, n, sizeof whole);
	for (int k = 0; k < LANES; k++) /* the low bits of n are the whole number's */
		bits[k] = (int32_t)((uint32_t)bits[k] + ((uint32_t)whole[k] << 23));
	memcpy(power, bits, sizeof power);
	for (int k = 0; k < LANES; k++)
		sum[k] += power[k];
}

double
score_norm(const struct row_reader *r)
{
	const float best = rows_best(r), *x = r->x;
	double sum = 0;
	for (size_t n = r->h.width; n;) {
		float some[LANES] = {0};
		for (int i = 0; i < RUN && n >= LANES; i++, n -= LANES, x += LANES)
			add_exp(some, x, best);
		for (int k = 0; k < LANES; k++)
			sum += (double)some[k];
		for (; n && n < LANES; n--)
			sum += exp((double)*x++ - best);
	}
	return best + log(sum);
}

void
score_keep(struct score *s, const struct row_reader *r)
{
	s->width = r->h.width;
	s->norm = score_norm(r);
	if (!s->x)
		s->x = xreallocarray(NULL, s->width, sizeof *s->x);
	memcpy(s->x, r->x, s->width * sizeof *s->x);
}

double
score_of(const struct score *s, uint32_t id)
{
	return id < s->width ? s->x[id] - s->norm : NAN;
}

void
score_free(struct score *s)
{
	xfree(s->x);
}

size_t
score_print(char text[SCORE_TEXT], uint32_t id, double logprob)
{
	if (isnan(logprob))
		return (size_t)snprintf(text, SCORE_TEXT, "%u ", id);
	return (size_t)snprintf(text, SCORE_TEXT, "%u/%.4f ", id, logprob > -0.00005 ? 0 : logprob);
}
