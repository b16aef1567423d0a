/*
 * rope.h - rotary positions (RoFormer, arXiv:2104.09864): pair i of a head turns by
 * freq[i] radians a position.
 */
#ifndef ROPE_H
#define ROPE_H

#include "arch.h"

struct rope {
	enum rope_kind kind;
	size_t dim;		/* dimensions of a head that turn */
	float *freq;		/* dim / 2 */
	float *freq_short;	/* those of contexts of up to `original` tokens; NULL: the same */
	size_t original;
	float magnitude;	/* what turns is multiplied by it */
};

/*
 * The rope of a shape, of its sliding layers or of the others. The factors of each
 * pair's wavelength, dim/2 of them, are NULL where the model has none;
 * short_factors are those of short contexts. Dies where they make no sense.
 */
struct rope rope_new(const char *path, const struct shape *s, const struct arch *a, bool sliding,
	const struct tensor *factors, const struct tensor *short_factors);
void rope_free(struct rope *r);

/* Cosines and sines, dim / 2 each, of the angles at a position. */
void rope_angles(const struct rope *r, bool is_short, size_t position, float *cos, float *sin);

/* Turn n heads of width head_dim, one behind the other. */
void rope_turn(const struct rope *r, float *heads, size_t n, size_t head_dim, const float *cos, const float *sin);

#endif
