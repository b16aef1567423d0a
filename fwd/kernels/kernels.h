/*
 * kernels.h - the loops where the time goes, one file for each instruction set.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include "weights/tensor.h"

/*
 * 32 inputs of a product as integers, a cache line: x = d q. Each block is made of its
 * own 32 numbers alone, so what a token's products are does not depend on its neighbours.
 */
struct qblock {
	int8_t q[32];
	float d;		/* the largest |x| / 127 */
	float sum[3];		/* d times the sum of q: of the first half, the second, both */
	int32_t bias[3];	/* what kernels whose weights are shifted subtract, of the same three; theirs to define */
	int16_t half[2];	/* the sums of q of both halves */
};

enum { BLOCKS_TOGETHER = 8 };	/* of an input, and then of the next; fewer at the end of the inputs */

/* Where block number b of input j of n lies, whose width is `blocks` of them. */
static inline size_t
block_place(size_t blocks, size_t n, size_t j, size_t b)
{
	const size_t first = b / BLOCKS_TOGETHER * BLOCKS_TOGETHER;
	const size_t together = blocks - first < BLOCKS_TOGETHER ? blocks - first : BLOCKS_TOGETHER;
	return first * n + j * together + b % BLOCKS_TOGETHER;
}

/* What a matrix meets: n rows, one behind the other. */
struct inputs {
	const float *x;			/* a row: dim[0] numbers */
	const struct qblock *q;		/* the same in blocks, for types of weights with blocks: see block_place() */
	const uint16_t *rounded;	/* the same in BF16, as round_input() leaves them, for meets_rounded(); NULL: their matrices meet x, too */
	size_t n;
	const unsigned char *next;	/* where reading goes on behind the last row; NULL: in the same matrix */
};

enum {
	KV_BLOCK = 256,		/* positions that attention takes at a time */
	KV_RUN = 32,		/* numbers of a key or a value that lie together, and share a scale */
	ATTEND_ROWS = 48	/* the most queries at a time */
};

/* Numbers of the cache of keys and values: of single or half precision, or of 8 bits and a scale of
 * half precision for each KV_RUN. */
enum kv_type { KV_F16, KV_F32, KV_Q8 };

static inline size_t
kv_number_bytes(enum kv_type type)
{
	return type == KV_F32 ? 4 : type == KV_F16 ? 2 : 1;
}

/* Of a key or a value. */
static inline size_t
kv_row_bytes(enum kv_type type, size_t dim)
{
	return dim * kv_number_bytes(type) + (type == KV_Q8 ? (dim + KV_RUN - 1) / KV_RUN * 2 : 0);
}

/*
 * The keys and values of one head, in the order that attend() wants: the keys of as many
 * positions as a vector has lanes lie transposed, their scales behind them; of the values of
 * KV_BLOCK positions, KV_RUN numbers lie together, their scales behind them. There is room for
 * whole KV_BLOCKs, and KV_RUN numbers more.
 */
struct kv_head {
	enum kv_type type;
	size_t dim;
	unsigned char *k, *v;
};

/* One query: the positions that it sees, [begin, end), and how its scores are changed. */
struct query {
	size_t begin, end;
	float slope;			/* less so much a position of distance */
};

struct kernels {
	const char *name;
	size_t rows;			/* rows of a matrix are best taken in multiples of so many */

	/* Bytes that a thread's scratch needs for products of up to n vectors, and for attend(). It
	 * begins at a multiple of 64. */
	size_t (*scratch)(size_t n);

	/* Whether matrices of the type meet blocks: inputs.q, not inputs.x. */
	bool (*blocks)(uint32_t type);
	/* q[0 .. n / 32) = x[0 .. n); n is a multiple of 32. */
	void (*quantize)(struct qblock *q, const float *x, size_t n);
	/* x[0 .. n), rounded to the nearest number of BF16, of two as near the even one, two by two: numbers 2 i and 2 i + 1 at
	 * to + 2 i apart. n is a multiple of 32. NULL where no matrix meets such. */
	void (*round)(uint16_t *to, const float *x, size_t n, size_t apart);
	size_t together;		/* so many inputs take turns: two numbers of one, of the next ... */

	/*
	 * out[j * stride + i] = row i of w . vector j, for rows i in [first, last) and
	 * all vectors. Every product is summed in the same order, whatever the range
	 * and n: the bits do not depend on threads or batches.
	 */
	void (*matmul)(const struct tensor *w, size_t first, size_t last, const struct inputs *in, float *out,
		size_t stride, void *scratch);

	/* A position's key and value, dim floats each, into the cache. */
	void (*keep)(const struct kv_head *kv, size_t position, const float *k, const float *v);
	/*
	 * What `rows` queries, scaled already, get from the positions of block number `block`:
	 * a row of part is [the largest score, the sum of the shares, dim weighted sums of
	 * values]; the sum is 0 where a query sees nothing there. Scores are capped where cap > 0.
	 */
	void (*attend)(const struct kv_head *kv, size_t block, const float *q, const struct query *query, size_t rows,
		float cap, float *part, void *scratch);
	/* all += part, as if the scores had been in one block. */
	void (*merge)(float *all, const float *part, size_t dim);

	/* x[i] *= (up[i] (NULL: 1) + more) / (1 + e^-(by x[i] + cubed x[i]^3)) for i in [0, n) */
	void (*swish)(float *x, const float *up, size_t n, float by, float cubed, float more);
	/* out = (x - its mean if centred) / deviation * weight + bias (NULL: 0) */
	void (*norm)(float *out, const float *x, const float *weight, const float *bias, size_t n, float eps, bool centred);
	/* out[i] += a x[i] for i in [0, n) */
	void (*axpy)(float *out, float a, const float *x, size_t n);
};

/* Whether the matrix meets inputs.rounded. */
static inline bool
meets_rounded(const struct kernels *k, const struct tensor *w)
{
	return k->round && w->type == T_BF16 && w->dim[0] % 32 == 0;
}

/* Input j of n, dim numbers, in blocks at their places. */
static inline void
quantize_input(const struct kernels *k, struct qblock *q, const float *x, size_t dim, size_t n, size_t j)
{
	for (size_t b = 0, now; b < dim / 32; b += now) {
		now = dim / 32 - b < BLOCKS_TOGETHER ? dim / 32 - b : BLOCKS_TOGETHER;
		k->quantize(q + block_place(dim / 32, n, j, b), x + b * 32, now * 32);
	}
}

/* Input j of n, dim numbers, rounded and at its place. There is room for n + 1: behind the last one some numbers are read. */
static inline void
round_input(const struct kernels *k, uint16_t *rounded, const float *x, size_t dim, size_t n, size_t j)
{
	const size_t first = j / k->together * k->together, beside = n - first < k->together ? n - first : k->together;
	k->round(rounded + first * dim + 2 * (j - first), x, dim, beside);
}

/* NULL where the compiler or the machine lacks the instruction set. */
const struct kernels *kernels_portable(void);
const struct kernels *kernels_avx2(void);
const struct kernels *kernels_avxvnni(void);
const struct kernels *kernels_avx512(void);
const struct kernels *kernels_avx512bf16(void);
const struct kernels *kernels_amx(void);
/* Whether BF16 is multiplied faster than single precision there. */
bool avx512bf16_pays(void);
const struct kernels *kernels_neon(void);
const struct kernels *kernels_dotprod(void);

/* The best this machine has, or what $LLM_KERNELS names; dies on a name that is
 * unknown or not to be had here. */
const struct kernels *kernels_choose(void);

#endif
