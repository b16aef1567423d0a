/*
 * swar.h - eight bytes at a time, as one number: the first byte is the lowest.
 *
 * What is said of a byte is said by its highest bit.
 */
#ifndef SWAR_H
#define SWAR_H

#include "compat.h"

#define EACH(x) ((x) * UINT64_C(0x0101010101010101))

/* How many of 8 bytes stand before the first that is marked; high is not 0. */
static inline size_t
bytes_before(uint64_t high)
{
	return bits_below(high) / 8;
}

/* The number that ends there, its last digit the highest byte, of n decimal digits, 0 < n <= DIGITS_LONGEST. */
enum { DIGITS_LONGEST = 8 };
static inline uint32_t
digits_value(uint64_t x, size_t n)
{
	x ^= EACH((uint64_t)'0');
	x &= ~UINT64_C(0) << 8 * (8 - n); /* zeros in front; then pairs of digits, of these, of those */
	x = (x * 10 + (x >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
	x = (x * 100 + (x >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
	return (uint32_t)(x * 10000 + (x >> 32));
}

#endif
