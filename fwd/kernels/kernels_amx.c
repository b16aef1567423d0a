/*
 * kernels_amx.c - for x86-64 with AMX (TILE, INT8, BF16): AVX-512's kernels, but for batches of blocks and for BF16.
 *
 * An instruction multiplies two tiles of up to 16 rows of 64 bytes, and adds to a third one: sums of integers of 8 bits, or
 * of BF16 in single precision.
 *
 * Blocks of 32 weights: the tile that AVX-512 unpacks, 4 weights of 16 rows a word, is what the instruction takes. It makes
 * the sums of a block for 16 inputs; these are exact, and are scaled and added as in codes_times(): the products have the bits of
 * AVX-512.
 *
 * BF16 meets inputs rounded to BF16, as with kernels_avx512bf16.c, in the order of the instruction: it adds pair by pair, and no
 * sum depends on the size of a tile. A single vector is met by it, too, so the bits do not depend on the batch. What is less than
 * a normal number is 0, of inputs, weights and sums.
 *
 * How near the limits, on an Emerald Rapids at 2.9 GHz (a guest beside others, so the best of many): the instruction takes 16.7
 * cycles, to load a tile of 1 KB 8.4 from the first-level cache and 21 from the second, to store it 17.6, which is not done
 * beside a product. So sums of 8192 multiply-adds take 36 cycles until they are stored, and 17 to be scaled: 53, of which
 * unpacking and all make 85 to 90; AVX-512 takes 105. In cache, 10^9 multiply-adds a second with 64 and 256 inputs: Q8_0 249 and
 * 273 (AVX-512 214 and 226), Q4_0 244 and 284 (219 and 228), Q4_K 244 and 264 (201 and 212), BF16 419 and 410 (AVX-512 56
 * and 56) of the 780 that loads from the second-level cache allow; blocks of 16 were slower. One vector of BF16 reads 32 GB/s in
 * cache (43), from memory with two threads 0.93 of what AVX-512 reads.
 * Tried: F16 as the sum of two numbers of BF16, exactly, and of inputs 16 bits: batches 1.7 times as fast as AVX-512, or more, but
 * to split weights takes so long that one vector reads 0.7 of what the memory gives.
 */
#include "kernels.h"

#include "compat.h"

#if defined(__AMXINT8__) && defined(__AMXBF16__) /* clang's names before version 15 */
#define __AMX_INT8__
#define __AMX_BF16__
#endif

#if defined(__AMX_INT8__) && defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include <cpuid.h>

#define LANES 16
#define FMA(acc, a, b) _mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(acc))

#include "kernels_avx512.h"
#include "kernels_vec.h"
#include "kernels_x86_turn.h"

enum {
	TILE = 2 * LANES,
	LINE = 64,
	PAIRS = 16	/* of numbers of BF16 in a line */
};

/* How tiles are laid out: of each so many rows of so many bytes. */
struct layout {
	uint8_t palette, start, reserved[14];
	uint16_t bytes[16];
	uint8_t rows[16];
};

static void
lay_out(struct layout l)
{
	l.palette = 1;
	__asm__ volatile("" : : "r"(&l) : "memory"); /* compilers think that a part of it is read */
	_tile_loadconfig(&l);
}

/* What was stored is in memory before tiles are loaded from there. */
ALWAYS void
stored(void)
{
	__asm__ volatile("" : : : "memory");
}

/*
 * Blocks of 32 weights that share a scale: inputs are the left one of both tiles, weights the right one.
 */

static struct layout
layout_of_blocks(void)
{
	return (struct layout){
		.rows = {TILED, TILED, TILED, TILED, 8, 8},
		.bytes = {LINE, LINE, 32, 32, LINE, LINE},
	};
}

#define SUM(c, a, b) do {                         \
		_tile_zero(c);                    \
		_tile_loadd(a, x, apart);         \
		_tile_loadd(b, w, LINE);          \
		_tile_dpbssd(c, a, b);            \
		_tile_stored(c, to, LINE);        \
	} while (0)

/* to[t] = a block of LANES rows . that of input t, which lie so many bytes apart. Tiles take turns. */
ALWAYS void
block_sums(int32_t (*to)[LANES], const int8_t *x, size_t apart, const int32_t (*w)[LANES], bool odd)
{
	if (odd)
		SUM(1, 3, 5);
	else
		SUM(0, 2, 4);
}

/* f[t] = f[t] + sums[t] of block b, scaled, and its minima */
ALWAYS void
add_block(vec *f, int32_t (*sums)[LANES], const struct tile *w, const struct qblock *x, size_t b, size_t apart, const bool minima,
	const bool super)
{
	const vec d = vec_load(w->d[b]);
	UNROLL for (size_t t = 0; t < TILED; t++) {
		const struct qblock *q = x + b + t * apart;
		veci n;
		memcpy(&n, sums[t], sizeof n);
		if (super)
			f[t] = vec_fma(f[t], vec_mul(vec_of_int(n), d), vec_set(q->d));
		else
			f[t] = vec_fma(f[t], vec_of_int(n), vec_mul(d, vec_set(q->d)));
	}
	if (minima) {
		const vec m = vec_load(w->m[b]);
		UNROLL for (size_t t = 0; t < TILED; t++)
			f[t] = vec_fma(f[t], m, vec_set(x[b + t * apart].sum[2]));
	}
}

/* One tile and TILED inputs: the sums of a block are made while those of the one before are scaled. */
ALWAYS void
tile_times(const struct tile *w, size_t n, const struct qblock *x, size_t apart, float *sum, struct ahead *ahead, const bool minima,
	const bool super)
{
	_Alignas(LINE) int32_t made[2][TILED][LANES];
	const size_t blocks = n / 32;
	vec f[TILED];
	UNROLL for (size_t t = 0; t < TILED; t++)
		f[t] = vec_set(0);
	block_sums(made[0], x->q, apart * sizeof *x, w->u.q, 0);
	for (size_t b = 0; b < blocks; b++) {
		sweep(ahead);
		if (b + 1 < blocks)
			block_sums(made[(b + 1) % 2], x[b + 1].q, apart * sizeof *x, w->u.q + 8 * (b + 1), (b + 1) % 2);
		add_block(f, made[b % 2], w, x, b, apart, minima, super);
	}
	UNROLL for (size_t t = 0; t < TILED; t++) {
		const vec before = vec_load(sum + t * TILE);
		vec_store(sum + t * TILE, super ? vec_fma(before, f[t], vec_load(w->whole[0])) : vec_add(before, f[t]));
	}
}

/* Whole chunks have code of their own, where all distances are known. */
#define TIMES(n, apart, minima, super)                                                                  \
	for (size_t t = 0; t < count; t += TILED)                                                       \
		for (size_t g = 0; g < 2; g++)                                                          \
			tile_times(w + g, n, x + t * (apart), apart, sum + t * TILE + g * LANES, ahead, \
				minima, super);

/* See tiles_fn. */
static void
tiles_times(const struct coding *c, struct tile *w, size_t n, const struct qblock *x, size_t count, size_t apart, float *sum)
{
	for (size_t g = 0; !c->minima && g < 2; g++) /* where weights have a sign, the tile has them plus 128 */
		for (size_t i = 0; i < n / 4; i++)
			v_store(w[g].u.q[i], v_xor(v_load(w[g].u.q[i]), _mm512_set1_epi8(-128)));
	stored();
	struct ahead *ahead = &w->ahead;
	ahead->step += ahead->step / 3; /* which is for 6 inputs and both tiles; here are steps of one tile and 16 */
	if (c->super) {
		TIMES(CHUNK, CHUNK / 32, false, true)
	} else if (n == CHUNK && c->minima) {
		TIMES(CHUNK, CHUNK / 32, true, false)
	} else if (n == CHUNK) {
		TIMES(CHUNK, CHUNK / 32, false, false)
	} else {
		if (c->minima)
			TIMES(n, apart, true, false)
		else
			TIMES(n, apart, false, false)
	}
}

/*
 * BF16: rows of the matrix are the left one of both tiles, as they lie, and of the right one a row is a pair of numbers of each of up
 * to TILED inputs.
 */

static void
round_inputs(uint16_t *to, const float *x, size_t n, size_t apart)
{
	for (; n >= LANES; n -= LANES, x += LANES) {
		uint32_t pairs[LANES / 2];
		const __m256i near = (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x));
		memcpy(pairs, &near, sizeof pairs);
		for (size_t i = 0; i < LANES / 2; i++, to += 2 * apart)
			memcpy(to, pairs + i, sizeof *pairs);
	}
}

/* Inputs [first, first + n) of a batch. */
struct some_inputs {
	const uint16_t *x;
	size_t first, n;
};

static struct some_inputs
inputs_from(const struct inputs *in, size_t dim, size_t first)
{
	const size_t left = first < in->n ? in->n - first : 0;
	return (struct some_inputs){in->rounded + (left ? first * dim : 0), first, left < TILED ? left : TILED};
}

/* out[input][row] = sum[row][input] */
static void
put_sums(float *out, size_t stride, float sum[LANES][LANES], size_t inputs, size_t rows)
{
	for (size_t i = 0; i < inputs; i += 4) {
		const struct columns c = turned((const unsigned char *)(sum[0] + i), LINE);
		for (size_t j = 0; j < 4 && i + j < inputs; j++)
			_mm512_mask_storeu_ps(out + (i + j) * stride, (__mmask16)((1u << rows) - 1), (__m512)c.c[j]);
	}
}

/* Rows of two tiles, from w[0] and w[1] on, . one or two tiles of inputs. The tiles: 0 to 3 sums, 4 and 5 rows, 6 and 7 inputs. */
ALWAYS void
rows_meet(float (*sum)[LANES][LANES], const unsigned char *const w[2], size_t stride, size_t dim, const struct some_inputs in[2],
	struct ahead *ahead, const bool two)
{
	const size_t line[2] = {4 * in[0].n, 4 * in[1].n};
	const uint16_t *x = in[0].x, *y = in[1].x;
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t k = 0; k < dim; k += 2 * PAIRS, x += 2 * PAIRS * in[0].n) {
		sweep(ahead);
		_tile_loadd(4, w[0] + 2 * k, stride);
		_tile_loadd(6, x, line[0]);
		_tile_loadd(5, w[1] + 2 * k, stride);
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 5, 6);
		if (two) {
			_tile_loadd(7, y, line[1]);
			_tile_dpbf16ps(2, 4, 7);
			_tile_dpbf16ps(3, 5, 7);
			y += 2 * PAIRS * in[1].n;
		}
	}
	_tile_stored(0, sum[0], LINE);
	_tile_stored(1, sum[1], LINE);
	if (two) {
		_tile_stored(2, sum[2], LINE);
		_tile_stored(3, sum[3], LINE);
	}
	stored();
}

/* The rows that meet inputs, then the next inputs, and so on, while they stay in the second-level cache. */
static size_t
rows_at_once(size_t bytes, size_t n)
{
	const size_t rows = ((size_t)256 << 10) / bytes / TILE * TILE;
	return n > 2 * TILED && rows ? rows : TILE;
}

/* Rows [first, last) . inputs [j, j + 2 TILED). What fills a last tile are rows before its own, if there are as many. */
static void
some_rows(const struct tensor *t, size_t first, size_t last, size_t tile, const struct inputs *in, size_t j, struct ahead *ahead,
	float *out, size_t stride)
{
	_Alignas(LINE) float sum[4][LANES][LANES];
	const size_t dim = t->dim[0], bytes = tensor_row_bytes(t);
	const struct some_inputs x[2] = {inputs_from(in, dim, j), inputs_from(in, dim, j + TILED)};
	for (size_t row = first; row < last; row += 2 * tile) {
		size_t at[2];
		const unsigned char *w[2];
		for (size_t g = 0; g < 2; g++) {
			at[g] = row + g * tile + tile <= last ? row + g * tile : last - tile;
			w[g] = row_of(t, at[g]);
		}
		if (x[1].n)
			rows_meet(sum, w, bytes, dim, x, ahead, true);
		else
			rows_meet(sum, w, bytes, dim, x, ahead, false);
		for (size_t i = 0; i < 4; i++)
			put_sums(out + x[i / 2].first * stride + at[i % 2], stride, sum[i], x[i / 2].n, tile);
	}
}

static void
rounded_matmul(const struct tensor *t, size_t first, size_t last, const struct inputs *in, float *out, size_t stride)
{
	const size_t bytes = tensor_row_bytes(t), steps = t->dim[0] / (2 * PAIRS) * ((in->n + 2 * TILED - 1) / (2 * TILED));
	const size_t most = rows_at_once(bytes, in->n), tile = last - first < LANES ? last - first : LANES;
	const uint16_t line = 4 * (in->n < TILED ? (uint16_t)in->n : TILED);
	const uint8_t r = (uint8_t)tile;
	lay_out((struct layout){.rows = {r, r, r, r, r, r, PAIRS, PAIRS}, .bytes = {line, line, line, line, LINE, LINE, line, line}});
	for (size_t row = first, next; row < last; row = next) {
		next = last - row < most + LANES ? last : row + most;
		const bool jumps = next == last && in->next;
		struct ahead ahead = {jumps ? (uintptr_t)in->next : (uintptr_t)row_of(t, next), bytes * TILE / steps + 1};
		for (size_t j = 0; j < in->n; j += 2 * TILED)
			some_rows(t, row, next, tile, in, j, &ahead, out, stride);
	}
	_tile_release();
}

static struct kernels table;		/* AVX-512's, with what is here */
static const struct kernels *avx512;

static void
matmul(const struct tensor *t, size_t first, size_t last, const struct inputs *in, float *out, size_t stride, void *scratch)
{
	const bool tiles = in->n >= TILED && coding_of(t->type)->share == 32;
	if (in->rounded && meets_rounded(&table, t)) {
		rounded_matmul(t, first, last, in, out, stride);
		return;
	}
	if (tiles)
		lay_out(layout_of_blocks());
	avx512->matmul(t, first, last, in, out, stride, scratch);
	if (tiles)
		_tile_release();
}

/* Leaf 7: what __builtin_cpu_supports() of older compilers has no name for. */
static bool
has_amx(void)
{
	const unsigned tile = 1 << 24, int8 = 1 << 25, bf16 = 1 << 22, all = tile | int8 | bf16;
	unsigned a, b, c, d, a1;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & all) == all && __get_cpuid_count(7, 1, &a1, &b, &c, &d) && a1 & 1 << 5;
}

const struct kernels *
kernels_amx(void)
{
	if (!has_amx() || !allow_tiles())
		return NULL;
	avx512 = kernels_avx512_with(tiles_times);
	if (!avx512)
		return NULL;
	table = *avx512;
	table.name = "amx";
	table.round = round_inputs;
	table.together = TILED;
	table.matmul = matmul;
	return &table;
}
#else
const struct kernels *
kernels_amx(void)
{
	return NULL;
}
#endif
