/* weigh.c - what logits weigh in a draw; see weigh.h. */
#include "weigh.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LANES = 4, RUN = 16 }; /* numbers in a vector; in vectors whose sums do not wait for each other */

/* w[k] = 2^((x[k] - best) * by), as 2^(n + f) with f from -1/2 to 1/2; sum[k] += w[k]. */
static inline void
weigh_lanes(float *w, float *restrict sum, const float *x, float best, float by)
{
	static const float round = 12582912; /* 1.5 * 2^23: adding it rounds to a whole number */
	float all[LANES], t[LANES], n[LANES], power[LANES];
	int32_t bits[LANES], whole[LANES];
	for (int k = 0; k < LANES; k++)
		all[k] = (x[k] - best) * by;
	for (int k = 0; k < LANES; k++)
		t[k] = all[k] > -126 ? all[k] : -126;
	for (int k = 0; k < LANES; k++)
		n[k] = t[k] + round;
	for (int k = 0; k < LANES; k++)
		t[k] -= n[k] - round;
	for (int k = 0; k < LANES; k++) /* a series, its terms paired so that few wait for others */
		power[k] = (1 + t[k] * 0.693147181f) + t[k] * t[k] * ((0.240226507f + t[k] * 0.0555041087f) +
			t[k] * t[k] * ((0.00961812911f + t[k] * 0.00133335581f) + t[k] * t[k] * 0.000154035304f));
	memcpy(bits, power, sizeof bits);
	memcpy(whole, n, sizeof whole);
	for (int k = 0; k < LANES; k++) /* the low bits of n are the whole number's */
		bits[k] = (int32_t)((uint32_t)bits[k] + ((uint32_t)whole[k] << 23));
	memcpy(power, bits, sizeof power);
	for (int k = 0; k < LANES; k++)
		w[k] = all[k] > -126 ? power[k] : 0;
	for (int k = 0; k < LANES; k++)
		sum[k] += w[k];
}

double
weigh(float *w, const float *x, size_t n, float best, double t)
{
	const float by = (float)fmin(1.4426950408889634 / t, FLT_MAX); /* log2(e) */
	float some[RUN] = {0}, last[RUN], w_last[RUN];
	double sum = 0;
	for (size_t i = 0; i < n; i += RUN) {
		const bool whole = n - i >= RUN;
		for (size_t k = 0; !whole && k < RUN; k++)
			last[k] = i + k < n ? x[i + k] : -INFINITY;
		for (size_t k = 0; k < RUN; k += LANES)
			weigh_lanes((whole ? w + i : w_last) + k, some + k, (whole ? x + i : last) + k, best, by);
		if (!whole)
			memcpy(w + i, w_last, (n - i) * sizeof *w);
	}
	for (int k = 0; k < RUN; k++)
		sum += (double)some[k];
	return sum;
}
