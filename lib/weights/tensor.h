/*
 * tensor.h - a matrix of weights as it lies in the mapped file, and the table
 * of the formats that its numbers may have.
 */
#ifndef TENSOR_H
#define TENSOR_H

#include "util.h"

/* The numbers are those of GGUF (ggml.h, enum ggml_type); those from 64 on are ours. */
enum tensor_type {
	T_F32 = 0, T_F16 = 1, T_Q4_0 = 2, T_Q4_1 = 3, T_Q5_0 = 6, T_Q5_1 = 7, T_Q8_0 = 8,
	T_Q2_K = 10, T_Q3_K = 11, T_Q4_K = 12, T_Q5_K = 13, T_Q6_K = 14, T_IQ2_XXS = 16, T_IQ2_XS = 17,
	T_IQ3_XXS = 18, T_IQ1_S = 19, T_IQ4_NL = 20, T_IQ3_S = 21, T_IQ2_S = 22, T_IQ4_XS = 23, T_IQ1_M = 29,
	T_BF16 = 30, T_TQ1_0 = 34, T_TQ2_0 = 35, T_MXFP4 = 39, T_NVFP4 = 40, T_Q1_0 = 41, T_Q2_0 = 42,
	T_LLAMA2C_Q8 = 64, T_MXFP4_SPLIT, T_COUNT
};

struct tensor {
	char name[65];			/* GGUF's names: "blk.3.attn_q.weight" */
	uint32_t type;			/* enum tensor_type; may be one the table lacks */
	uint32_t n_dims;		/* 1 to 4 */
	size_t dim[4];			/* dim[0] runs fastest: a row; unused ones are 1 */
	const unsigned char *data;	/* in the map; NULL if the type is unknown */
	const unsigned char *scale;	/* T_LLAMA2C_Q8: float32s, one a group; T_MXFP4_SPLIT: bytes, one a block */
	size_t group;			/* T_LLAMA2C_Q8: weights a group */
	size_t across;			/* not 0: it lies transposed, the numbers of a row this many apart; see tensor_column() */
};

/* One row of the table: weights come in blocks of `block` that take `bytes`. */
struct format {
	const char *name;
	uint32_t block, bytes;
};

/* The format of a type number; never NULL: an unknown one has block 0. How rows
 * unpack is in unpack.h. */
const struct format *tensor_format(uint32_t type);

/* Numbers [first, first + n) of column `col` of a matrix that lies transposed, whose
 * type has blocks of 1: those are what lies together there. */
void tensor_column(const struct tensor *t, size_t col, size_t first, size_t n, float *out);

/* Move the beginning of a matrix by so many rows. */
void tensor_skip(struct tensor *t, size_t rows);

/* Whether the type is one of the table. */
bool tensor_readable(const struct tensor *t);
/* out[0..dim[0]) = row number `row` of a readable tensor, which lies row by row, as float32. */
void tensor_unpack(const struct tensor *t, size_t row, float *out);
/* The numbers in place if they are float32s as this machine has them, else NULL. */
const float *tensor_floats(const struct tensor *t);

/* Rows of the matrix: everything but dim[0] multiplied. */
size_t tensor_rows(const struct tensor *t);

/* Bytes of the scales that lie elsewhere. */
size_t tensor_scale_bytes(const struct tensor *t);

/* Bytes of one row in the file, without scales that lie elsewhere. */
size_t tensor_row_bytes(const struct tensor *t);

#endif
