/*
 * unpack.h - how each number format unpacks to float32.
 *
 * Not a module but a body: lib/weights/tensor.c compiles it for any machine, and each
 * kernel file once more for its instruction set, where the loops become vectors.
 * Here are the numbers that stand alone, the blocks of 32, and the table of all;
 * unpack_k.h and unpack_iq.h hold the rest.
 *
 * The block formats are ggml's (ggml-common.h, ggml-quants.c). In the pictures a
 * box is a field, its byte count below; d and m are half-precision scales, q the
 * quants. Of 32 weights in nibbles, the low nibbles hold weights 0 to 15, the
 * high ones 16 to 31.
 */
#ifndef UNPACK_H
#define UNPACK_H

#include "tensor.h"

#include <string.h>

/* IEEE 754 half precision to single: exact, subnormals, infinities and NaN included.
 * Without a branch, so that a loop over it becomes vector code. */
static inline float
half_to_float(uint16_t h)
{
	uint32_t u = (uint32_t)(h & 0x7fff) << 13, v;
	float f;
	memcpy(&f, &u, sizeof f);
	f *= 0x1p112f; /* the difference of the exponents' biases */
	memcpy(&v, &f, sizeof v);
	v |= (h & 0x7c00) == 0x7c00 ? 0x7f800000u | u : 0;
	v |= (uint32_t)(h & 0x8000) << 16;
	memcpy(&f, &v, sizeof f);
	return f;
}

static inline const unsigned char *
row_of(const struct tensor *t, size_t row)
{
	return t->data + row * tensor_row_bytes(t);
}

static inline float
half_at(const unsigned char *p)
{
	return half_to_float(le16(p));
}

static inline void
unpack_f32(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t i = 0; i < t->dim[0]; i++)
		out[i] = lef32(p + 4 * i);
}

static inline void
unpack_f16(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t i = 0; i < t->dim[0]; i++)
		out[i] = half_at(p + 2 * i);
}

/* bfloat16: the upper half of a float32. */
static inline void
unpack_bf16(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t i = 0; i < t->dim[0]; i++) {
		uint32_t u = (uint32_t)le16(p + 2 * i) << 16;
		memcpy(out + i, &u, sizeof u);
	}
}

/*	+---+----------+
 *	| d | q 4 bits |	w = d (q - 8)
 *	+-2-+----16----+	*/
static inline void
unpack_q4_0(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 18, out += 32) {
		float d = half_at(p);
		for (int i = 0; i < 16; i++)
			out[i] = d * (float)((p[2 + i] & 15) - 8);
		for (int i = 0; i < 16; i++)
			out[i + 16] = d * (float)((p[2 + i] >> 4) - 8);
	}
}

/*	+---+---+----------+
 *	| d | m | q 4 bits |	w = d q + m
 *	+-2-+-2-+----16----+	*/
static inline void
unpack_q4_1(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 20, out += 32) {
		float d = half_at(p), m = half_at(p + 2);
		for (int i = 0; i < 16; i++)
			out[i] = d * (float)(p[4 + i] & 15) + m;
		for (int i = 0; i < 16; i++)
			out[i + 16] = d * (float)(p[4 + i] >> 4) + m;
	}
}

/*	+---+----------+----------+
 *	| d | fifth    | q 4 bits |	w = d (q - 16), bit i of `fifth` is bit 4 of q[i]
 *	+-2-+----4-----+----16----+	*/
static inline void
unpack_q5_0(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 22, out += 32) {
		float d = half_at(p);
		uint32_t fifth = le32(p + 2);
		for (int i = 0; i < 16; i++)
			out[i] = d * (float)((int)((p[6 + i] & 15) | (fifth >> i & 1) << 4) - 16);
		for (int i = 0; i < 16; i++)
			out[i + 16] = d * (float)((int)(p[6 + i] >> 4 | (fifth >> (i + 16) & 1) << 4) - 16);
	}
}

/*	+---+---+----------+----------+
 *	| d | m | fifth    | q 4 bits |	w = d q + m
 *	+-2-+-2-+----4-----+----16----+	*/
static inline void
unpack_q5_1(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 24, out += 32) {
		float d = half_at(p), m = half_at(p + 2);
		uint32_t fifth = le32(p + 4);
		for (int i = 0; i < 16; i++)
			out[i] = d * (float)((p[8 + i] & 15) | (fifth >> i & 1) << 4) + m;
		for (int i = 0; i < 16; i++)
			out[i + 16] = d * (float)(p[8 + i] >> 4 | (fifth >> (i + 16) & 1) << 4) + m;
	}
}

/*	+---+----------+
 *	| d | q int8   |	w = d q
 *	+-2-+----32----+	*/
static inline void
unpack_q8_0(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 34, out += 32) {
		float d = half_at(p);
		for (int i = 0; i < 32; i++)
			out[i] = d * (float)(int8_t)p[2 + i];
	}
}

/*	+---+---------+
 *	| d | q 1 bit |	w = d (2 q - 1)
 *	+-2-+----16---+	*/
static inline void
unpack_q1_0(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 128; b--; p += 18, out += 128) {
		float d = half_at(p);
		for (int i = 0; i < 128; i++)
			out[i] = p[2 + i / 8] >> i % 8 & 1 ? d : -d;
	}
}

/*	+---+----------+
 *	| d | q 2 bits |	w = d (q - 1)
 *	+-2-+----16----+	*/
static inline void
unpack_q2_0(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 64; b--; p += 18, out += 64) {
		float d = half_at(p);
		for (int i = 0; i < 64; i++)
			out[i] = d * (float)((p[2 + i / 4] >> i % 4 * 2 & 3) - 1);
	}
}

/* llama2.c version 2: int8 in groups, the float32 scales of all groups after all
 * quants of the tensor. A group may cross rows. */
static inline void
unpack_llama2c_q8(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	size_t first = row * t->dim[0];
	for (size_t i = 0; i < t->dim[0]; i++)
		out[i] = lef32(t->scale + (first + i) / t->group * 4) * (float)(int8_t)p[i];
}

#include "unpack_k.h"
#include "unpack_iq.h"

/* Unpack one row of t: out[0..dim[0]). */
typedef void unpack_fn(const struct tensor *t, size_t row, float *restrict out);

/* The function of a type, or NULL: not a type that can be read. */
static inline unpack_fn *
unpacker(uint32_t type)
{
	static unpack_fn *const table[T_COUNT] = {
		[T_F32] = unpack_f32, [T_F16] = unpack_f16, [T_BF16] = unpack_bf16,
		[T_Q4_0] = unpack_q4_0, [T_Q4_1] = unpack_q4_1, [T_Q5_0] = unpack_q5_0,
		[T_Q5_1] = unpack_q5_1, [T_Q8_0] = unpack_q8_0, [T_Q1_0] = unpack_q1_0, [T_Q2_0] = unpack_q2_0,
		[T_LLAMA2C_Q8] = unpack_llama2c_q8,
		[T_Q2_K] = unpack_q2_k, [T_Q3_K] = unpack_q3_k, [T_Q4_K] = unpack_q4_k, [T_Q5_K] = unpack_q5_k,
		[T_Q6_K] = unpack_q6_k, [T_TQ1_0] = unpack_tq1_0, [T_TQ2_0] = unpack_tq2_0,
		[T_MXFP4] = unpack_mxfp4, [T_MXFP4_SPLIT] = unpack_mxfp4_split,
		[T_NVFP4] = unpack_nvfp4, [T_IQ4_NL] = unpack_iq4_nl,
		[T_IQ4_XS] = unpack_iq4_xs, [T_IQ2_XXS] = unpack_iq2_xxs, [T_IQ2_XS] = unpack_iq2_xs,
		[T_IQ2_S] = unpack_iq2_s, [T_IQ3_XXS] = unpack_iq3_xxs, [T_IQ3_S] = unpack_iq3_s,
		[T_IQ1_S] = unpack_iq1_s, [T_IQ1_M] = unpack_iq1_m,
	};
	return type < T_COUNT ? table[type] : NULL;
}

#endif
