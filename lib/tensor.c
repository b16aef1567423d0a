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
		[T_LLAMA2C_Q8] = {"llama2.c int8", 1, 1},
		/* known by name, for a diagnostic; unpack.h lacks them */
		[10] = {"Q2_K", 256, 84},
		[11] = {"Q3_K", 256, 110},
		[12] = {"Q4_K", 256, 144},
		[13] = {"Q5_K", 256, 176},
		[14] = {"Q6_K", 256, 210},
		[16] = {"IQ2_XXS", 256, 66},
		[17] = {"IQ2_XS", 256, 74},
		[18] = {"IQ3_XXS", 256, 98},
		[19] = {"IQ1_S", 256, 50},
		[20] = {"IQ4_NL", 32, 18},
		[21] = {"IQ3_S", 256, 110},
		[22] = {"IQ2_S", 256, 82},
		[23] = {"IQ4_XS", 256, 136},
		[29] = {"IQ1_M", 256, 56},
		[34] = {"TQ1_0", 256, 54},
		[35] = {"TQ2_0", 256, 66},
		[39] = {"MXFP4", 32, 17},
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

const float *
tensor_floats(const struct tensor *t)
{
	const uint32_t one = 1;
	unsigned char first;
	memcpy(&first, &one, 1);
	if (t->type != T_F32 || (uintptr_t)t->data % sizeof(float) || first != 1)
		return NULL;
	return (const float *)(const void *)t->data;
}
