/* kernels_tile.h - part of kernels_body.h: a tile, for kernel files that fill it themselves. */
#ifndef KERNELS_TILE_H
#define KERNELS_TILE_H

#include "codes.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL
#endif
#if defined(__GNUC__)
#define ALWAYS static inline __attribute__((always_inline))
#else
#define ALWAYS static inline
#endif

ALWAYS int32_t
int_at(const void *p)
{
	int32_t i;
	memcpy(&i, p, sizeof i);
	return i;
}

enum { MOST_MET = 4 };	/* inputs that rows meet at once without a tile */

/*
 * Rows that are read a few columns of each at a time: if more than so many bytes lie from one to the next, what is asked for
 * ahead are the same columns of the rows behind, else, as many lie in a page of memory, one line after the other. On a
 * Zen 3 with two threads, GB/s: rows of F16 of 576 bytes 13, the other way 16 to 20, of 2 KB 16 and 18, of 6 KB 22 and 17.
 */
enum { NEAR_ROWS = 2048 };

/* What will be needed next: so many bytes from `at` on are asked for at each step. */
struct ahead {
	uintptr_t at;
	size_t step;
};

/*
 * Meanwhile, memory ahead is asked for, a few lines at a time: the rows behind these, in the
 * order in which they lie. The loads of a tile jump from row to row, which no machine foresees.
 */
ALWAYS void
ask(struct ahead *a)
{
#if defined(__GNUC__)
	if (!a->step)
		return;
	UNROLL for (size_t i = 0; i <= LANES / 4; i++)
		__builtin_prefetch((const void *)(a->at + 64 * i), 0, 3);
#endif
	a->at += a->step;
}

/* Ask for what lies ahead, so much of it that all is evenly asked for. */
ALWAYS void
sweep(struct ahead *a)
{
#if defined(__GNUC__)
	const uintptr_t end = a->at + a->step;
	for (uintptr_t line = (a->at + 63) / 64 * 64; line < end; line += 64)
		__builtin_prefetch((const void *)line, 0, 2);
	a->at = end;
#else
	(void)a;
#endif
}

/* Rows that are met once: a line of each of these, or as many lines, at each step. */
struct behind {
	uintptr_t at;
	size_t apart, step;
};

ALWAYS struct behind
behind(const unsigned char *w, size_t stride, size_t rows)
{
	const bool far = stride > NEAR_ROWS;
	return (struct behind){(uintptr_t)w + rows * stride, far ? stride : 64, far ? 64 : rows * 64};
}

ALWAYS void
ask_rows(struct behind *b, const int rows)
{
#if defined(__GNUC__)
	UNROLL for (int r = 0; r < rows; r++)
		__builtin_prefetch((const void *)(b->at + (size_t)r * b->apart), 0, 2);
#else
	(void)rows;
#endif
	b->at += b->step;
}

/* LANES rows of a matrix, CHUNK columns; vectors in it do not cross lines of the cache. */
struct tile {
	_Alignas(64) union {
		struct {
			int32_t q[CHUNK / 4][LANES];	/* 4 weights of a row a word, as a kernel's products take them */
			int32_t sign[CHUNK / 4][LANES];	/* where these take sizes and signs */
			int32_t met[MOST_MET][CHUNK / 16][LANES];	/* sums of blocks of what rows met without a tile */
		};
		float w[CHUNK][LANES];
	} u;
	union {
		float d[CHUNK / 16][LANES];	/* of each block that shares a scale; see codes.h */
		int32_t twice[CHUNK / 16][LANES];	/* of a superblock, where sums are multiplied by it in 16 bits */
	};
	union {
		float m[CHUNK / 16][LANES];
		int32_t least[CHUNK / 32][LANES];	/* what both halves of 32 inputs are multiplied by to begin with */
		int32_t minima[CHUNK / 32][LANES];	/* of two blocks of 16 of a superblock, in 16 bits; or their products */
	};
	float whole[2][LANES];
	int32_t acc[CHUNK / 16][LANES];		/* where their sums begin */
	struct ahead ahead;
};

enum { TILED = 16 };	/* so many inputs meet two tiles at once */

/* sum[t][2 LANES] += two tiles . blocks of 32, of `count` inputs, a multiple of TILED, that lie `apart`, in the order of codes_times(). */
typedef void tiles_fn(const struct coding *c, struct tile *w, size_t n, const struct qblock *x, size_t count, size_t apart,
	float *sum);

#endif
