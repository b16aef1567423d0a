/* score.c - how likely a token was; see score.h. */
#include "score.h"

#include "weigh.h"

#include <math.h>
#include <string.h>

double
score_norm(const struct row_reader *r)
{
	const float best = rows_best(r);
	const size_t n = r->h.width;
	float w[WEIGH_MOST];
	double sum = 0;
	for (size_t i = 0; i < n; i += WEIGH_MOST)
		sum += weigh(w, r->x + i, n - i < WEIGH_MOST ? n - i : WEIGH_MOST, best, 1);
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
