/*
 * weigh.h - what logits weigh in a draw: e^((x - best) / t), in single precision and side by side, as vectors have
 * them; the same bits on every machine.
 */
#ifndef WEIGH_H
#define WEIGH_H

#include <stddef.h>

/* So many at most at once, so that the rounding of their sum stays below that of one. */
enum { WEIGH_MOST = 256 };

/* w[0 .. n) = e^((x - best) / t), none being above best: to 1e-7 of it near the best, 2e-6 far below, 0 under 2^-126.
 * Returns their sum. */
double weigh(float *w, const float *x, size_t n, float best, double t);

#endif
