/* kernels_tile.h - part of kernels_body.h: a tile, for kernel files that fill it themselves. */
#ifndef KERNELS_TILE_H
#define KERNELS_TILE_H

#include "codes.h"

/* What will be needed next: so many bytes from `at` on are asked for at each step. */
struct ahead {
	uintptr_t at;
	size_t step;
};

/* LANES rows of a matrix, CHUNK columns. */
struct tile {
	union {
		int32_t q[CHUNK / 4][LANES];	/* 4 weights of a row a word, plus BIAS each */
		float w[CHUNK][LANES];
	} u;
	float d[CHUNK / 16][LANES], m[CHUNK / 16][LANES];	/* of each block that shares a scale */
	int32_t acc[CHUNK / 16][LANES];		/* their sums, where they are made without the tile */
	struct ahead ahead;
	/* The same for a batch, while it meets the tile: so many rows yet, so many bytes of each. */
	uintptr_t row_at;
	size_t rows, rows_a_time, bytes, apart;
};

#endif
