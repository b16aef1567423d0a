/* tensor.c - the table of number formats; see tensor.h and unpack.h. */
#include "tensor.h"

#include "unpack.h"

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

size_t
tensor_scale_bytes(const struct tensor *t)
{
	const size_t n = t->dim[0] * tensor_rows(t);
	return !t->scale ? 0 : t->type == T_MXFP4_SPLIT ? n / tensor_format(t->type)->block : n / t->group * 4;
}

const struct format *
tensor_format(uint32_t type)
{
	static const struct format unknown = {"of unknown type", 0, 0};
	static const struct format table[T_COUNT] = {
		[T_F32] = {"F32", 1, 4},
		[T_F16] = {"F16", 1, 2},
		[T_BF16] = {"BF16", 1, 2},
		[T_Q4_0] = {"Q4_0", 32, 18},
		[T_Q4_1] = {"Q4_1", 32, 20},
		[T_Q5_0] = {"Q5_0", 32, 22},
		[T_Q5_1] = {"Q5_1", 32, 24},
		[T_Q8_0] = {"Q8_0", 32, 34},
		[T_LLAMA2C_Q8] = {"llama2.c-int8", 1, 1},
		[T_MXFP4_SPLIT] = {"MXFP4-in-two-tensors", 32, 16},
		[T_Q2_K] = {"Q2_K", 256, 84},
		[T_Q3_K] = {"Q3_K", 256, 110},
		[T_Q4_K] = {"Q4_K", 256, 144},
		[T_Q5_K] = {"Q5_K", 256, 176},
		[T_Q6_K] = {"Q6_K", 256, 210},
		[T_IQ2_XXS] = {"IQ2_XXS", 256, 66},
		[T_IQ2_XS] = {"IQ2_XS", 256, 74},
		[T_IQ3_XXS] = {"IQ3_XXS", 256, 98},
		[T_IQ1_S] = {"IQ1_S", 256, 50},
		[T_IQ4_NL] = {"IQ4_NL", 32, 18},
		[T_IQ3_S] = {"IQ3_S", 256, 110},
		[T_IQ2_S] = {"IQ2_S", 256, 82},
		[T_IQ4_XS] = {"IQ4_XS", 256, 136},
		[T_IQ1_M] = {"IQ1_M", 256, 56},
		[T_TQ1_0] = {"TQ1_0", 256, 54},
		[T_TQ2_0] = {"TQ2_0", 256, 66},
		[T_MXFP4] = {"MXFP4", 32, 17},
		[T_NVFP4] = {"NVFP4", 64, 36},
		[T_Q1_0] = {"Q1_0", 128, 18},
		[T_Q2_0] = {"Q2_0", 64, 18},
	};
	return type < T_COUNT && table[type].name ? &table[type] : &unknown;
}

bool
tensor_readable(const struct tensor *t)
{
	return unpacker(t->type) != NULL;
}

void
tensor_unpack(const struct tensor *t, size_t row, float *out)
{
	unpacker(t->type)(t, row, out);
}

void
tensor_column(const struct tensor *t, size_t col, size_t first, size_t n, float *out)
{
	struct tensor part = *t;
	part.data += (col * t->across + first) * tensor_format(t->type)->bytes;
	part.dim[0] = n;
	tensor_unpack(&part, 0, out);
}

void
tensor_skip(struct tensor *t, size_t rows)
{
	const struct format *f = tensor_format(t->type);
	t->data += t->across ? rows * f->bytes : rows * tensor_row_bytes(t);
	if (t->type == T_MXFP4_SPLIT)
		t->scale += rows * (t->dim[0] / f->block);
}

const float *
tensor_floats(const struct tensor *t)
{
	const uint32_t one = 1;
	unsigned char first;
	memcpy(&first, &one, 1);
	if (t->type != T_F32 || t->across || (uintptr_t)t->data % sizeof(float) || first != 1)
		return NULL;
	return (const float *)(const void *)t->data;
}
