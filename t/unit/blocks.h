/* blocks.h - blocks of random bits of every format. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "weights/tensor.h"

/* splitmix64: a number that looks random from every number. */
static uint64_t
mix(uint64_t x)
{
	x = (x + 1) * 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Where a format's block has its half-precision numbers d and m, if it has; their
 * place + 1. */
static const unsigned char scales_at[T_COUNT][2] = {
	[T_F16] = {1}, [T_BF16] = {1}, [T_Q4_0] = {1}, [T_Q4_1] = {1, 3}, [T_Q5_0] = {1}, [T_Q5_1] = {1, 3},
	[T_Q8_0] = {1}, [T_Q2_K] = {81, 83}, [T_Q3_K] = {109}, [T_Q4_K] = {1, 3}, [T_Q5_K] = {1, 3},
	[T_Q6_K] = {209}, [T_TQ1_0] = {53}, [T_TQ2_0] = {65}, [T_Q1_0] = {1}, [T_Q2_0] = {1}, [T_IQ4_NL] = {1}, [T_IQ4_XS] = {1},
	[T_IQ2_XXS] = {1}, [T_IQ2_XS] = {1}, [T_IQ2_S] = {1}, [T_IQ3_XXS] = {1}, [T_IQ3_S] = {1}, [T_IQ1_S] = {1},
};

static void
put_half(unsigned char *p, uint32_t h)
{
	p[0] = h & 255;
	p[1] = h >> 8 & 255;
}

static void
make_block(uint32_t type, uint32_t number, unsigned char *p)
{
	const size_t bytes = tensor_format(type)->bytes;
	const unsigned d = scales_at[type][0], m = scales_at[type][1];
	for (size_t i = 0; i < bytes; i++)
		p[i] = (unsigned char)(mix((uint64_t)type << 48 | (uint64_t)number << 8 | i / 8) >> i % 8 * 8);
	if (d)
		put_half(p + d - 1, number);
	if (m)
		put_half(p + m - 1, number * 40503); /* odd: another order of all numbers of 16 bits */
	for (int i = 0; type == T_IQ1_M && i < 4; i++) /* four nibbles */
		p[49 + 2 * i] = (unsigned char)((p[49 + 2 * i] & 15) | (number >> 4 * i & 15) << 4);
}

#endif
