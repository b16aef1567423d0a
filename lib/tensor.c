/*
 * tensor.c - the table of number formats, and how each unpacks to float32.
 *
 * The block formats are ggml's (ggml-common.h, ggml-quants.c). In the pictures a
 * box is a field, its byte count below; d and m are half-precision scales, q the
 * quants. Of 32 weights in nibbles, the low nibbles hold weights 0 to 15, the
 * high ones 16 to 31.
 */
#include "tensor.h"

#include <string.h>

size_t
tensor_rows(const struct tensor *t)
{
	return t->dim[1] * t->dim[2] * t->dim[3];
}

size_t
tensor_row_bytes(const struct tensor *t)
{
	const struct format *f = tensor_format(t->type);
	return f->block ? t->dim[0] / f->block * f->bytes : 0;
}

static const unsigned char *
row_of(const struct tensor *t, size_t row)
{
	return t->data + row * tensor_row_bytes(t);
}

float
half_to_float(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, man = h & 0x3ff, u;
	float f;
	if (exp == 31)
		u = sign | 0x7f800000 | man << 13;
	else if (exp)
		u = sign | (exp + 112) << 23 | man << 13;
	else {
		f = (float)man * 0x1p-24f; /* subnormal: exact */
		memcpy(&u, &f, sizeof u);
		u |= sign;
	}
	memcpy(&f, &u, sizeof f);
	return f;
}

static float
half_at(const unsigned char *p)
{
	return half_to_float(le16(p));
}

static void
unpack_f32(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t i = 0; i < t->dim[0]; i++)
		out[i] = lef32(p + 4 * i);
}

static void
unpack_f16(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t i = 0; i < t->dim[0]; i++)
		out[i] = half_at(p + 2 * i);
}

/* bfloat16: the upper half of a float32. */
static void
unpack_bf16(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t i = 0; i < t->dim[0]; i++) {
		uint32_t u = (uint32_t)le16(p + 2 * i) << 16;
		memcpy(out + i, &u, sizeof u);
	}
}

/*	+---+----------+
 *	| d | q 4 bits |	w = d (q - 8)
 *	+-2-+----16----+	*/
static void
unpack_q4_0(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 18, out += 32) {
		float d = half_at(p);
		for (int i = 0; i < 16; i++) {
			out[i] = d * (float)((p[2 + i] & 15) - 8);
			out[i + 16] = d * (float)((p[2 + i] >> 4) - 8);
		}
	}
}

/*	+---+---+----------+
 *	| d | m | q 4 bits |	w = d q + m
 *	+-2-+-2-+----16----+	*/
static void
unpack_q4_1(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 20, out += 32) {
		float d = half_at(p), m = half_at(p + 2);
		for (int i = 0; i < 16; i++) {
			out[i] = d * (float)(p[4 + i] & 15) + m;
			out[i + 16] = d * (float)(p[4 + i] >> 4) + m;
		}
	}
}

/*	+---+----------+----------+
 *	| d | fifth    | q 4 bits |	w = d (q - 16), bit i of `fifth` is bit 4 of q[i]
 *	+-2-+----4-----+----16----+	*/
static void
unpack_q5_0(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 22, out += 32) {
		float d = half_at(p);
		uint32_t fifth = le32(p + 2);
		for (int i = 0; i < 16; i++) {
			out[i] = d * (float)((int)((p[6 + i] & 15) | (fifth >> i & 1) << 4) - 16);
			out[i + 16] = d * (float)((int)(p[6 + i] >> 4 | (fifth >> (i + 16) & 1) << 4) - 16);
		}
	}
}

/*	+---+---+----------+----------+
 *	| d | m | fifth    | q 4 bits |	w = d q + m
 *	+-2-+-2-+----4-----+----16----+	*/
static void
unpack_q5_1(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 24, out += 32) {
		float d = half_at(p), m = half_at(p + 2);
		uint32_t fifth = le32(p + 4);
		for (int i = 0; i < 16; i++) {
			out[i] = d * (float)((p[8 + i] & 15) | (fifth >> i & 1) << 4) + m;
			out[i + 16] = d * (float)(p[8 + i] >> 4 | (fifth >> (i + 16) & 1) << 4) + m;
		}
	}
}

/*	+---+----------+
 *	| d | q int8   |	w = d q
 *	+-2-+----32----+	*/
static void
unpack_q8_0(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 34, out += 32) {
		float d = half_at(p);
		for (int i = 0; i < 32; i++)
			out[i] = d * (float)(int8_t)p[2 + i];
	}
}

/* llama2.c version 2: int8 in groups, the float32 scales of all groups after all
 * quants of the tensor. A group may cross rows. */
static void
unpack_llama2c_q8(const struct tensor *t, size_t row, float *out)
{
	const unsigned char *p = row_of(t, row);
	size_t first = row * t->dim[0];
	for (size_t i = 0; i < t->dim[0]; i++)
		out[i] = lef32(t->scale + (first + i) / t->group * 4) * (float)(int8_t)p[i];
}

const struct format *
tensor_format(uint32_t type)
{
	static const struct format unknown = {"unknown", 0, 0, NULL};
	static const struct format table[T_COUNT] = {
		[T_F32] = {"F32", 1, 4, unpack_f32},
		[T_F16] = {"F16", 1, 2, unpack_f16},
		[T_BF16] = {"BF16", 1, 2, unpack_bf16},
		[T_Q4_0] = {"Q4_0", 32, 18, unpack_q4_0},
		[T_Q4_1] = {"Q4_1", 32, 20, unpack_q4_1},
		[T_Q5_0] = {"Q5_0", 32, 22, unpack_q5_0},
		[T_Q5_1] = {"Q5_1", 32, 24, unpack_q5_1},
		[T_Q8_0] = {"Q8_0", 32, 34, unpack_q8_0},
		[T_LLAMA2C_Q8] = {"llama2.c int8", 1, 1, unpack_llama2c_q8},
		/* known by name, for a diagnostic */
		[10] = {"Q2_K", 256, 84, NULL},
		[11] = {"Q3_K", 256, 110, NULL},
		[12] = {"Q4_K", 256, 144, NULL},
		[13] = {"Q5_K", 256, 176, NULL},
		[14] = {"Q6_K", 256, 210, NULL},
		[16] = {"IQ2_XXS", 256, 66, NULL},
		[17] = {"IQ2_XS", 256, 74, NULL},
		[18] = {"IQ3_XXS", 256, 98, NULL},
		[19] = {"IQ1_S", 256, 50, NULL},
		[20] = {"IQ4_NL", 32, 18, NULL},
		[21] = {"IQ3_S", 256, 110, NULL},
		[22] = {"IQ2_S", 256, 82, NULL},
		[23] = {"IQ4_XS", 256, 136, NULL},
		[29] = {"IQ1_M", 256, 56, NULL},
		[34] = {"TQ1_0", 256, 54, NULL},
		[35] = {"TQ2_0", 256, 66, NULL},
		[39] = {"MXFP4", 32, 17, NULL},
	};
	return type < T_COUNT && table[type].name ? &table[type] : &unknown;
}
