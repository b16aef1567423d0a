/*
 * swar.h - eight bytes at a time, as one number: the first byte is the lowest.
 *
 * What is said of a byte is said by its highest bit.
 */
#ifndef SWAR_H
#define SWAR_H

#include <stddef.h>
#include <stdint.h>

#define EACH(x) ((x) * UINT64_C(0x0101010101010101))

/* How many of 8 bytes stand before the first that is marked; high is not 0. */
static inline size_t
bytes_before(uint64_t high)
{
	const uint64_t below = ((high & (0 - high)) >> 7) - 1;
	return (size_t)(((below & EACH(1)) * EACH(1)) >> 56);
}

/* How many bytes are marked. */
static inline size_t
bytes_marked(uint64_t high)
{
	return (size_t)((high >> 7) * EACH(1) >> 56);
}

/* Which bytes are c: the first of them is right, those behind it may be marked wrongly. */
static inline uint64_t
first_byte_is(uint64_t x, unsigned char c)
{
	x ^= EACH((uint64_t)c);
	return (x - EACH(1)) & ~x & EACH(0x80);
}

/* Which bytes are c, an ASCII character, all of them. */
static inline uint64_t
bytes_are(uint64_t x, unsigned char c)
{
	x ^= EACH((uint64_t)c);
	return ~((x & EACH(0x7F)) + EACH(0x7F)) & ~x & EACH(0x80);
}

#endif
