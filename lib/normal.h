/*
 * normal.h - Unicode's normalization forms (UAX 15).
 */
#ifndef NORMAL_H
#define NORMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Growing UTF-8, freed by its owner with xfree(s). */
struct bytes {
	unsigned char *s;
	size_t n, cap;
};
void bytes_add(struct bytes *b, const void *p, size_t n);

/* Append the form of s[0..n) to out: decomposed, canonically or by compatibility, and composed again
 * if `compose`. Bytes that are no UTF-8 stay as they are. O(n log n) at worst. */
void normalize(const unsigned char *s, size_t n, bool compatible, bool compose, struct bytes *out);

#endif
