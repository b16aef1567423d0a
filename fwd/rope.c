/* rope.c - rotary positions; see rope.h. */
#include "rope.h"

#include <math.h>

static float *
frequencies(const char *path, const struct tensor *t, size_t n, float base)
{
	float *factor = NULL, *freq = xcalloc(n + !n, sizeof *freq);
	if (t)
		tensor_unpack(t, 0, factor = xcalloc(n, sizeof *factor));
	for (size_t i = 0; i < n; i++) {
		if (factor && !(factor[i] > 0))
			die("%s: tensor %s holds %g, which is no factor", path, t->name, (double)factor[i]);
		freq[i] = (float)pow((double)base, -(double)i / (double)n) / (factor ? factor[i] : 1);
	}
	xfree(factor);
	return freq;
}

/* The number of the pair that turns so many times in the original context. */
static double
pair_with(const struct shape *s, double turns)
{
	const double pi = 3.14159265358979323846;
	return (double)s->rope_dim * log((double)s->rope_original / (turns * 2 * pi)) / (2 * log((double)s->rope_base));
}

/* Llama 3's way: by how often a pair turns in the original context, not by its number. */
static void
llama3(const struct shape *s, float *freq)
{
	const double pi = 3.14159265358979323846, low = (double)s->low_turns, high = (double)s->high_turns;
	for (size_t i = 0; i < s->rope_dim / 2; i++) {
		const double turns = (double)s->rope_original * (double)freq[i] / (2 * pi);
		const double stays = fmin(fmax((turns - low) / (high - low), 0), 1);
		freq[i] *= (float)((1 - stays) / (double)s->rope_factor + stays);
	}
}

/* YaRN (arXiv:2309.00071): pairs that turn often stay, those that turn seldom are
 * stretched, with a ramp between. */
static void
yarn(const struct shape *s, bool rounded, float *freq)
{
	double low = pair_with(s, (double)s->yarn_fast), high = pair_with(s, (double)s->yarn_slow);
	const size_t n = s->rope_dim / 2;
	low = fmax(rounded ? floor(low) : low, 0);
	high = fmin(rounded ? ceil(high) : high, (double)s->rope_dim - 1);
	high = high == low ? high + 0.001 : high;
	for (size_t i = 0; i < n; i++) {
		double stretched = fmin(fmax(((double)i - low) / (high - low), 0), 1);
		freq[i] *= (float)(stretched / (double)s->rope_factor + 1 - stretched);
	}
}

struct rope
rope_new(const char *path, const struct shape *s, const struct arch *a, bool sliding, const struct tensor *factors,
	const struct tensor *short_factors)
{
	const size_t n = s->rope_dim / 2;
	const float base = sliding && s->rope_base_sliding > 0 ? s->rope_base_sliding : s->rope_base;
	const bool plain = sliding && (s->sliding_plain || a->flags & SLIDING_UNSTRETCHED);
	struct rope r = {.kind = s->rope_halves ? ROPE_HALVES : a->rope, .dim = s->rope_dim, .original = s->rope_original,
		.magnitude = plain ? 1 : s->rope_magnitude};
	if (s->rope_dim % 2)
		die("%s: rope turns %zu dimensions of a head, which is odd", path, s->rope_dim);
	r.freq = frequencies(path, factors, n, base);
	if (short_factors && s->rope_original < s->n_ctx)
		r.freq_short = frequencies(path, short_factors, n, base);
	for (size_t i = 0; s->rope_scaling == ROPE_LINEAR && !plain && i < n; i++)
		r.freq[i] /= s->rope_factor;
	if (s->rope_scaling == ROPE_LLAMA3 && !plain)
		llama3(s, r.freq);
	if (s->rope_scaling == ROPE_YARN && !plain) {
		yarn(s, !(s->yarn_unrounded || a->flags & YARN_UNROUNDED), r.freq);
		const float growth = 0.1f * logf(s->rope_factor);
		r.magnitude *= (1 + growth) / (1 + s->yarn_log * growth);
	}
	return r;
}

void
rope_free(struct rope *r)
{
	xfree(r->freq);
	xfree(r->freq_short);
}

void
rope_angles(const struct rope *r, bool is_short, size_t position, float *cos, float *sin)
{
	const float *freq = is_short && r->freq_short ? r->freq_short : r->freq;
	for (size_t i = 0; i < r->dim / 2; i++) {
		float angle = (float)position * freq[i];
		cos[i] = cosf(angle) * r->magnitude;
		sin[i] = sinf(angle) * r->magnitude;
	}
}

void
rope_turn(const struct rope *r, float *heads, size_t n, size_t head_dim, const float *cos, const float *sin)
{
	const size_t half = r->dim / 2;
	const size_t step = r->kind == ROPE_PAIRS ? 2 : 1, apart = r->kind == ROPE_PAIRS ? 1 : half;
	for (size_t h = 0; h < n; h++)
		for (size_t i = 0; i < half; i++) {
			float *a = heads + h * head_dim + i * step, *b = a + apart;
			float x = *a, y = *b;
			*a = x * cos[i] - y * sin[i];
			*b = x * sin[i] + y * cos[i];
		}
}
