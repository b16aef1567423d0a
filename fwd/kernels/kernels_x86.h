/*
 * kernels_x86.h - part of the kernel files for x86-64: tiles straight from the file.
 *
 * 16 bytes of LANES rows are turned so that a register's lanes are rows, and then all is done for
 * so many rows at once: nibbles and bits become bytes, scales that lie in a head of 16 bytes
 * become floats. p is the first row's part.
 *
 * For one vector, or up to MOST_MET of some types, the tile is not even stored: what would be a word of it
 * meets theirs, x, at once: see kernels_x86_meet.h.
 *
 * A kernel file brings, for its width:
 *	vi, vf, V(op)	vectors of integers and floats, the intrinsic of that name
 *	v_and() ...	those whose names have the width in them
 *	rows_apart()	16 bytes of every fourth row
 *	low_halves()	half-precision numbers in the low halves of the lanes
 *	everywhere()	four bytes in each lane
 *	v_dot4()	each lane: acc + 4 bytes without sign . 4 with one. Those that lack it bring instead:
 *	SHIFT(x, least)	what is added to weights, of which that is the least, so that they have no sign: for x, in a tile
 *	BACK		the same for those of 5 bits without a sign, so that sums are small: see put_sum()
 *	SHIFT_LARGE	the same for those of 8 bits
 *	multiplier()	of block b, in 16 bits: its integer in a superblock (struct coding's `super`), else 1
 *	put_signed()	a word of weights of 8 bits into the tile
 *	put_scale()	that integer, put_scale_byte() from a byte
 *	scale_sum()	the sum of block b times that, where put_sum() was not asked for it
 *	input_sum()	the sum of the numbers of a block of inputs
 *	minima_sum()	two minima of blocks of 16 times the sums of the numbers of a block of inputs
 *
 * Of these, kernels_x86_meet.h makes what the types use:
 *	no_sum()	the sum of block b before its first word; weights less `centre` have the least size
 *	put_word()	a word of the tile, counted from block b on, or the sum with its product
 *	put_sum()	the sum of block b, plus `back` times the inputs
 *	..._large...	the same for weights of 8 bits
 *	put_minima()	the minima of four blocks of 16 of a superblock, byte by byte: of x the products, if it is there
 */
#ifndef KERNELS_X86_H
#define KERNELS_X86_H

#include "kernels_x86_turn.h"

/* The same from the file, while what lies ahead is asked for. */
INLINE struct columns
columns(const unsigned char *p, size_t stride, struct ahead *ahead)
{
	ask(ahead);
	return turned(p, stride);
}

static void
interleave(int32_t (*to)[LANES], const unsigned char *rows, size_t stride, size_t n, struct ahead *ahead)
{
	for (size_t i = 0; i < n; i += 4) {
		const struct columns x = columns(rows + 4 * i, stride, ahead);
		for (size_t j = 0; j < 4; j++)
			v_store(to[i + j], x.c[j]);
	}
}

/* Byte k of each lane, as a number. */
INLINE vf
byte_of(vi c, unsigned k)
{
	return V(cvtepi32_ps)(v_and(V(srli_epi32)(c, 8 * k), V(set1_epi32)(255)));
}

#include "kernels_x86_meet.h"

/* Columns of weights: not turned, where x is met by rows as they lie. */
INLINE struct columns
columns_for(const struct met *x, const unsigned char *p, size_t stride, struct ahead *ahead)
{
	ask(ahead);
	return meets_lying(x) ? lying(p, stride) : turned(p, stride);
}

/* The bits of `mask`, counted from bit `from`, of each byte, as bits from `to` on. */
INLINE vi
moved(vi c, unsigned from, int mask, unsigned to)
{
	c = from > to ? V(srli_epi16)(c, from - to) : from < to ? V(slli_epi16)(c, to - from) : c;
	return v_and(c, V(set1_epi8)((char)(mask << to)));
}

INLINE vi
field(vi c, unsigned from, int mask)
{
	return moved(c, from, mask, 0);
}

INLINE void
put_whole(struct tile *to, vf d, vf m)
{
	V(storeu_ps)(to->whole[0], d);
	V(storeu_ps)(to->whole[1], m);
}

/* Half-precision numbers in the high halves of the lanes. */
INLINE vf
high_halves(vi c)
{
	return low_halves(V(srli_epi32)(c, 16));
}

INLINE __m128i
word_at(const unsigned char *p)
{
	return _mm_cvtsi32_si128(int_at(p));
}

/* The four bytes at p of each row. */
INLINE vi
words(const unsigned char *p, size_t stride)
{
	int32_t w[LANES];
	for (size_t r = 0; r < LANES; r++)
		w[r] = int_at(p + r * stride);
	return v_load(w);
}

/* The first two of each of 8. */
INLINE __m128i
halves_of_8(const unsigned char *p, size_t stride)
{
	__m128i low = word_at(p), high = word_at(p + 4 * stride);
	low = _mm_insert_epi16(low, le16(p + stride), 1);
	high = _mm_insert_epi16(high, le16(p + 5 * stride), 1);
	low = _mm_insert_epi16(low, le16(p + 2 * stride), 2);
	high = _mm_insert_epi16(high, le16(p + 6 * stride), 2);
	low = _mm_insert_epi16(low, le16(p + 3 * stride), 3);
	high = _mm_insert_epi16(high, le16(p + 7 * stride), 3);
	return _mm_unpacklo_epi64(low, high);
}

/* The half-precision numbers at p of each row. */
INLINE vf
first_halves(const unsigned char *p, size_t stride)
{
#if LANES == 8
	return _mm256_cvtph_ps(halves_of_8(p, stride));
#else
	return _mm512_cvtph_ps(_mm256_set_m128i(halves_of_8(p + 8 * stride, stride), halves_of_8(p, stride)));
#endif
}

/* The scales of blocks that begin with d, or d and m. */
INLINE void
put_head(struct tile *to, size_t b, const unsigned char *p, size_t stride, bool minima)
{
	if (!minima) {
		V(storeu_ps)(to->d[b], first_halves(p, stride));
		return;
	}
	const vi c = words(p, stride);
	V(storeu_ps)(to->d[b], low_halves(c));
	V(storeu_ps)(to->m[b], high_halves(c));
}

/* A table of 16 values in each quarter. */
INLINE vi
table_of(const int8_t *values, int shift)
{
	const __m128i t = _mm_loadu_si128((const __m128i *)(const void *)values);
	return V(add_epi8)(v_table(t), V(set1_epi8)((char)shift));
}

/* Weights that were counted from the least on. */
INLINE vi
shifted(const struct met *x, vi q, int least)
{
	return SHIFT(x, least) + least ? V(add_epi8)(q, V(set1_epi8)((char)(SHIFT(x, least) + least))) : q;
}

/* The four bytes of byte k of each lane. */
INLINE vi
four_times(vi c, unsigned k)
{
	return V(shuffle_epi8)(c, V(add_epi8)(V(set1_epi8)((char)k), v_table(_mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c))));
}

/* q + 16 where the bits are set that belong to word j: 4 j to 4 j + 3. */
INLINE vi
plus_16_by(vi q, vi bits, unsigned j)
{
	return plus_16_where(q, four_times(bits, j / 2), V(set1_epi32)(j % 2 ? (int)0x80402010 : 0x08040201));
}

/* Blocks of 32 weights in 16 bytes. */
struct nibbles {
	size_t bytes, at;	/* of a block; where its nibbles begin */
	size_t fifth;		/* > 0: where the fifth bits lie, which add 16 */
	const int8_t *numbers;	/* each is one of these, or */
	int least;		/* counted from the least on */
	int scales;		/* so many at the head of a block: d, m */
	bool large;		/* the numbers are, or sums are to be */
	bool super;
};

INLINE void
nibble_blocks(struct tile *to, const struct met *x, const unsigned char *p, size_t stride, size_t blocks, const struct nibbles *k)
{
	const int back = k->fifth && !k->least ? BACK : 0, centre = k->large ? SHIFT_LARGE : back - k->least;
	const vi values = k->numbers ? table_of(k->numbers, k->large ? SHIFT_LARGE : SHIFT(x, k->least)) : V(set1_epi8)(0);
	for (size_t b = 0; k->large && b < blocks; b++)
		prepare_large(to, x, b);
	struct ahead ahead = to->ahead; /* in registers */
	for (size_t b = 0; b < blocks; b++, p += k->bytes) {
		const struct columns c = columns_for(x, p + k->at, stride, &ahead);
		if (k->scales)
			put_head(to, b, p, stride, k->scales > 1);
		const vi bits = k->fifth ? words(p + k->fifth, stride) : c.c[0];
		struct sums acc = no_sum(x, b, 32, centre);
		UNROLL for (unsigned j = 0; j < 8; j++) {
			vi q = field(c.c[j % 4], j / 4 * 4, 15);
			q = k->numbers ? V(shuffle_epi8)(values, q) : shifted(x, q, k->least);
			if (k->fifth)
				q = plus_16_by(q, bits, j);
			acc = k->large ? put_large(to, x, b, j, q, acc, true, k->super) : put_word(to, x, b, j, q, acc);
		}
		if (k->large)
			put_large_sum(to, x, b, acc, k->super);
		else
			put_sum(to, x, b, 32, acc, back, k->super);
	}
	to->ahead = ahead;
}

INLINE void
tile_q8_0(struct tile *to, const struct met *x, const unsigned char *p, size_t stride, size_t blocks)
{
	struct ahead ahead = to->ahead;
	for (size_t b = 0; b < blocks; b++)
		put_head(to, b, p + b * 34, stride, false);
	for (size_t b = 0; b < blocks; b++, p += 34) {
		struct sums acc = no_sum(x, b, 32, SHIFT_LARGE);
		UNROLL for (size_t h = 0; h < 2; h++) {
			const struct columns c = columns(p + 2 + 16 * h, stride, &ahead);
			UNROLL for (size_t j = 0; j < 4; j++)
				acc = put_large(to, x, b, h * 4 + j,
					V(add_epi8)(c.c[j], V(set1_epi8)((char)SHIFT_LARGE)), acc, false, false);
		}
		put_large_sum(to, x, b, acc, false);
	}
	to->ahead = ahead;
}

INLINE void
tile_q1_0(struct tile *to, const struct met *x, const unsigned char *p, size_t stride, size_t blocks)
{
	for (size_t b = 0; b < blocks; b += 4, p += 18) {
		const vf d = first_halves(p, stride);
		const struct columns c = columns(p + 2, stride, &to->ahead);
		UNROLL for (unsigned i = 0; i < 4; i++) {
			struct sums acc = no_sum(x, b + i, 32, 1);
			UNROLL for (unsigned j = 0; j < 8; j++)
				acc = put_word(to, x, b + i, j, shifted(x, V(srli_epi16)(plus_16_by(v_zero(), c.c[i], j), 3), -1), acc);
			V(storeu_ps)(to->d[b + i], d);
			put_sum(to, x, b + i, 32, acc, 0, false);
		}
	}
}

/* Of two bits in their place in a nibble, the number. */
INLINE void
tile_q2_0(struct tile *to, const struct met *x, const unsigned char *p, size_t stride, size_t blocks)
{
	static const int8_t number[16] = {-1, 0, 1, 2, 0, 0, 0, 0, 1, 0, 0, 0, 2};
	const vi values = table_of(number, SHIFT(x, -1)), low = V(set1_epi32)(0x0c03), high = V(set1_epi32)(0x0c030000);
	for (size_t b = 0; b < blocks; b += 2, p += 18) {
		const vf d = first_halves(p, stride);
		const struct columns c = columns(p + 2, stride, &to->ahead);
		UNROLL for (unsigned i = 0; i < 2; i++) {
			struct sums acc = no_sum(x, b + i, 32, 1);
			UNROLL for (unsigned j = 0; j < 8; j++) {
				const vi q = four_times(c.c[2 * i + j / 4], j % 4);
				acc = put_word(to, x, b + i, j,
					V(shuffle_epi8)(values, v_or(v_and(q, low), v_and(V(srli_epi16)(q, 4), high))), acc);
			}
			V(storeu_ps)(to->d[b + i], d);
			put_sum(to, x, b + i, 32, acc, 0, false);
		}
	}
}

/* 2^(e - 128), where that has less than all bits too: see e8m0_half(). */
INLINE vf
power_of(vi e)
{
	const vi one = V(set1_epi32)(1);
	return (vf)V(max_epi32)(V(slli_epi32)(V(sub_epi32)(e, one), 23), V(slli_epi32)(V(add_epi32)(e, one), 21));
}

INLINE void
tile_mxfp4(struct tile *to, const struct met *x, const unsigned char *p, size_t stride, size_t blocks)
{
	for (size_t b = 0; b < blocks; b++)
		V(storeu_ps)(to->d[b], power_of(v_and(words(p + b * 17, stride), V(set1_epi32)(255))));
	nibble_blocks(to, x, p, stride, blocks, &(struct nibbles){.bytes = 17, .at = 1, .numbers = fp4_values, .least = -12});
}

/* Q4_K, and Q5_K, whose fifth bits lie between scales and nibbles. */
INLINE void
tile_q4_k(struct tile *to, const struct met *x, const unsigned char *p, size_t stride, bool five)
{
	const vi six = V(set1_epi8)(63), low = V(set1_epi8)(15), high = V(set1_epi8)(48);
	const struct columns c = columns(p, stride, &to->ahead); /* d and m, 12 bytes of scales: see k_scale() */
	const vf d = low_halves(c.c[0]), m = V(sub_ps)(V(setzero_ps)(), high_halves(c.c[0]));
	const vi s[2] = {v_and(c.c[1], six), v_or(v_and(c.c[3], low),
		v_and(V(srli_epi32)(c.c[1], 2), high))};
	const vi t[2] = {v_and(c.c[2], six), v_or(field(c.c[3], 4, 15),
		v_and(V(srli_epi32)(c.c[2], 2), high))};
	struct columns fifth[2];
	UNROLL for (unsigned b = 0; b < 8; b++) {
		V(storeu_ps)(to->d[b], V(mul_ps)(d, byte_of(s[b / 4], b % 4)));
		V(storeu_ps)(to->m[b], V(mul_ps)(m, byte_of(t[b / 4], b % 4)));
	}
	for (unsigned h = 0; five && h < 2; h++)
		fifth[h] = columns_for(x, p + 16 + 16 * h, stride, &to->ahead);
	UNROLL for (unsigned b = 0; b < 8; b += 2) {
		const int back = five ? BACK : 0;
		struct sums acc[2] = {no_sum(x, b, 32, back), no_sum(x, b + 1, 32, back)};
		UNROLL for (unsigned h = 0; h < 2; h++) {
			const struct columns q = columns_for(x, p + (five ? 48 : 16) + 16 * b + 16 * h, stride, &to->ahead);
			UNROLL for (unsigned j = 0; j < 4; j++)
				UNROLL for (unsigned k = 0; k < 2; k++) {
					vi v = shifted(x, field(q.c[j], 4 * k, 15), 0);
					if (five)
						v = v_or(v, moved(fifth[h].c[j], b + k, 1, 4));
					acc[k] = put_word(to, x, 0, (b + k) * 8 + h * 4 + j, v, acc[k]);
				}
		}
		put_sum(to, x, b, 32, acc[0], back, false);
		put_sum(to, x, b + 1, 32, acc[1], back, false);
	}
}

/* The 16 scales of a superblock, signed bytes in four words, times d. */
INLINE void
signed_scales(struct tile *to, const vi s[4], vf d)
{
	put_whole(to, d, d);
	UNROLL for (unsigned b = 0; b < 16; b++)
		put_scale_byte(to, b, s[b / 4], b % 4, true);
}

INLINE void
tile_q6_k(struct tile *to, const struct met *x, const unsigned char *p, size_t stride)
{
	const struct columns s = columns(p + 192, stride, &to->ahead);
	signed_scales(to, s.c, high_halves(words(p + 206, stride)));
	UNROLL for (unsigned half = 0; half < 2; half++)
		UNROLL for (unsigned i = 0; i < 2; i++) {
			const struct columns high = columns(p + 128 + 32 * half + 16 * i, stride, &to->ahead);
			UNROLL for (unsigned k = 0; k < 2; k++) {
				const struct columns low = columns(p + 64 * half + 32 * k + 16 * i, stride, &to->ahead);
				UNROLL for (unsigned n = 0; n < 2; n++) {
					const unsigned b = 8 * half + 4 * n + 2 * k + i;
					struct sums acc = no_sum(x, b, 16, 32);
					UNROLL for (unsigned j = 0; j < 4; j++) {
						const vi q = v_or(field(low.c[j], 4 * n, 15), moved(high.c[j], 4 * n + 2 * k, 3, 4));
						acc = put_word(to, x, 0, b * 4 + j, shifted(x, q, -32), acc);
					}
					put_sum(to, x, b, 16, acc, 0, true);
				}
			}
		}
}

/*
 * Where numbers of two bits meet inputs at once, the second and the fourth of a byte stay two bits higher, for shifts have half as
 * many units as multiplications: four times as large, as the others' scales are then, and the scale of all a quarter. Q2_K is 3 %
 * faster so on a Zen 3; Q3_K and TQ2_0 gained nothing by it.
 */
INLINE void
tile_q2_k(struct tile *to, const struct met *x, const unsigned char *p, size_t stride)
{
	const struct columns s = columns(p, stride, &to->ahead);
	const vi dm = words(p + 80, stride), fours = V(set1_epi32)(x ? 0x00010004 : 0x00010001);
	const vf d = V(mul_ps)(low_halves(dm), V(set1_ps)(x ? 0.25f : 1)), m = V(sub_ps)(V(setzero_ps)(), high_halves(dm));
	put_whole(to, d, m);
	UNROLL for (unsigned b = 0; b < 16; b++)
		put_scale_byte(to, b, V(mullo_epi16)(field(s.c[b / 4], 0, 15), fours), b % 4, false);
	UNROLL for (unsigned i = 0; i < 4; i++)
		put_minima(to, x, i, field(s.c[i], 4, 15));
	UNROLL for (unsigned i = 0; i < 4; i++) {
		const struct columns q = columns(p + 16 + 16 * i, stride, &to->ahead);
		UNROLL for (unsigned n = 0; n < 4; n++) {
			const unsigned b = 8 * (i / 2) + 2 * n + i % 2;
			struct sums acc = no_sum(x, b, 16, 0);
			UNROLL for (unsigned j = 0; j < 4; j++) {
				const vi v = x ? field(q.c[j], n / 2 * 4, n % 2 ? 12 : 3) : field(q.c[j], 2 * n, 3);
				acc = put_word(to, x, 0, b * 4 + j, shifted(x, v, 0), acc);
			}
			put_sum(to, x, b, 16, acc, 0, true);
		}
	}
}

INLINE void
tile_q3_k(struct tile *to, const struct met *x, const unsigned char *p, size_t stride)
{
	const vi low = V(set1_epi8)(15), high = V(set1_epi8)(48), less = V(set1_epi8)(32);
	const vi a = words(p + 96, stride), b = words(p + 100, stride), c = words(p + 104, stride);
	vi s[4] = { /* see q3_k_scale() */
		v_or(v_and(a, low), v_and(V(slli_epi32)(c, 4), high)),
		v_or(v_and(b, low), v_and(V(slli_epi32)(c, 2), high)),
		v_or(field(a, 4, 15), v_and(c, high)),
		v_or(field(b, 4, 15), v_and(V(srli_epi32)(c, 2), high)),
	};
	for (int i = 0; i < 4; i++)
		s[i] = V(sub_epi8)(s[i], less);
	signed_scales(to, s, high_halves(words(p + 106, stride)));
	UNROLL for (unsigned i = 0; i < 2; i++) {
		const struct columns third = columns(p + 16 * i, stride, &to->ahead);
		UNROLL for (unsigned half = 0; half < 2; half++) {
			const struct columns q = columns(p + 32 + 32 * half + 16 * i, stride, &to->ahead);
			UNROLL for (unsigned n = 0; n < 4; n++) {
				const unsigned block = 8 * half + 2 * n + i;
				struct sums acc = no_sum(x, block, 16, 4);
				UNROLL for (unsigned j = 0; j < 4; j++) {
					const vi t = moved(third.c[j], 4 * half + n, 1, 2);
					acc = put_word(to, x, 0, block * 4 + j, shifted(x, v_or(field(q.c[j], 2 * n, 3), t), -4), acc);
				}
				put_sum(to, x, block, 16, acc, 0, true);
			}
		}
	}
}

INLINE void
tile_iq4_xs(struct tile *to, const struct met *x, const unsigned char *p, size_t stride)
{
	const vi low = words(p + 4, stride), head = words(p, stride);
	put_whole(to, low_halves(head), low_halves(head));
	for (unsigned b = 0; b < 8; b++) {
		const vi l = v_and(V(srli_epi32)(low, 4 * b), V(set1_epi32)(15));
		const vi h = v_and(V(srli_epi32)(head, 16 + 2 * b), V(set1_epi32)(3));
		const vi s = V(sub_epi32)(v_or(l, V(slli_epi32)(h, 4)), V(set1_epi32)(32));
		put_scale(to, b, s);
	}
	nibble_blocks(to, x, p, stride, 8, &(struct nibbles){.bytes = 16, .at = 8, .numbers = iq4_values, .large = true, .super = true});
}

/*
 * Byte k of each lane, a float of 8 bits: see ue4m3_half(). With no bits of an exponent it has no leading bit: min() takes it off.
 * To multiply floats of 32 bits that have none either costs a hundred cycles.
 */
INLINE vf
small_float(vi c, unsigned k)
{
	const vi bits = v_and(k < 3 ? V(slli_epi32)(c, 20 - 8 * k) : V(srli_epi32)(c, 4), V(set1_epi32)(127 << 20));
	const vf f = (vf)V(add_epi32)(bits, V(set1_epi32)(119 << 23));
	return V(min_ps)(f, V(fmadd_ps)(f, V(set1_ps)(2), V(set1_ps)(-0x1p-7f)));
}

/* Scales are such floats, 127 is none, of 16 weights in 8 bytes: low nibbles come first. */
INLINE void
tile_nvfp4(struct tile *to, const struct met *x, const unsigned char *p, size_t stride, size_t n)
{
	const vi values = table_of(fp4_values, SHIFT(x, -12)), most = V(set1_epi8)(127), one = V(set1_epi8)(1);
	struct ahead ahead = to->ahead;
	for (unsigned b = 0; b < n / 16; b += 4, p += 36) {
		const vi scale = words(p, stride), number = V(sub_epi8)(v_zero(), V(min_epu8)(v_xor(scale, most), one));
		UNROLL for (unsigned i = 0; i < 4; i++)
			V(storeu_ps)(to->d[b + i], small_float(v_and(scale, number), i));
		UNROLL for (unsigned h = 0; h < 2; h++) {
			const struct columns c = columns(p + 4 + 16 * h, stride, &ahead);
			UNROLL for (unsigned k = 0; k < 2; k++) {
				const unsigned i = b + 2 * h + k;
				struct sums acc = no_sum(x, i, 16, 12);
				UNROLL for (unsigned j = 0; j < 4; j++)
					acc = put_word(to, x, b / 2, 8 * h + 4 * k + j,
						V(shuffle_epi8)(values, field(c.c[2 * k + j % 2], j / 2 * 4, 15)), acc);
				put_sum(to, x, i, 16, acc, 0, false);
			}
		}
	}
	to->ahead = ahead;
}

INLINE void
one_scale(struct tile *to, const unsigned char *p, size_t stride)
{
	const vf d = high_halves(words(p - 2, stride));
	put_whole(to, d, d);
	for (unsigned b = 0; b < 8; b++)
		put_scale(to, b, V(set1_epi32)(1));
}

INLINE void
tile_tq2_0(struct tile *to, const struct met *x, const unsigned char *p, size_t stride)
{
	one_scale(to, p + 64, stride);
	UNROLL for (unsigned b = 0; b < 8; b += 4) {
		struct sums acc[4];
		UNROLL for (unsigned n = 0; n < 4; n++)
			acc[n] = no_sum(x, b + n, 32, 1);
		UNROLL for (unsigned h = 0; h < 2; h++) {
			const struct columns q = columns_for(x, p + 8 * b + 16 * h, stride, &to->ahead);
			UNROLL for (unsigned n = 0; n < 4; n++)
				UNROLL for (unsigned j = 0; j < 4; j++)
					acc[n] = put_word(to, x, 0, (b + n) * 8 + 4 * h + j, shifted(x, field(q.c[j], 2 * n, 3), -1), acc[n]);
		}
		UNROLL for (unsigned n = 0; n < 4; n++)
			put_sum(to, x, b + n, 32, acc[n], 0, true);
	}
}

/* Words `apart` from `word` on from the first `n` digits to the base of 3: bytes are fractions. */
INLINE void
digits(struct tile *to, const struct met *x, vi fraction, size_t word, size_t apart, size_t n, struct sums acc[8])
{
	UNROLL for (size_t k = 0; k < n; k++, word += apart) {
		const vi less = V(subs_epu8)(fraction, V(set1_epi8)(1)); /* 3/4 of that, rounded down */
		const vi q = field(V(avg_epu8)(less, V(avg_epu8)(less, v_zero())), 6, 3);
		acc[word / 8] = put_word(to, x, 0, word, shifted(x, q, -1), acc[word / 8]);
		fraction = V(add_epi8)(fraction, V(add_epi8)(fraction, fraction));
	}
}

INLINE void
tile_tq1_0(struct tile *to, const struct met *x, const unsigned char *p, size_t stride)
{
	const vi last = words(p + 48, stride);
	struct sums acc[8];
	one_scale(to, p + 52, stride);
	UNROLL for (unsigned b = 0; b < 8; b++)
		acc[b] = no_sum(x, b, 32, 1);
	UNROLL for (unsigned i = 0; i < 3; i++) {
		const struct columns c = columns(p + 16 * i, stride, &to->ahead);
		UNROLL for (unsigned j = 0; j < 4; j++)
			digits(to, x, c.c[j], (i < 2 ? 4 * i : 40) + j, i < 2 ? 8 : 4, 5, acc);
	}
	digits(to, x, last, 60, 1, 4, acc);
	UNROLL for (unsigned b = 0; b < 8; b++)
		put_sum(to, x, b, 32, acc[b], 0, true);
}

#include "kernels_x86_iq.h"
#include "kernels_x86_rows.h"

/* n weights of LANES rows from p on, into the tile or, if `meets`, to x. */
INLINE void
any_tile(struct tile *to, const uint32_t type, const unsigned char *p, size_t stride, size_t n, const struct met *x, bool meets)
{
	const size_t blocks = n / 32;
	x = meets ? x : NULL;
	if (meets && !x)
		__builtin_unreachable();
	switch (type) {
#define NIBBLES(...) nibble_blocks(to, x, p, stride, blocks, &(struct nibbles){__VA_ARGS__}); break
	case T_Q4_0: NIBBLES(.bytes = 18, .at = 2, .scales = 1, .least = -8);
	case T_Q4_1: NIBBLES(.bytes = 20, .at = 4, .scales = 2);
	case T_Q5_0: NIBBLES(.bytes = 22, .at = 6, .fifth = 2, .scales = 1, .least = -16);
	case T_Q5_1: NIBBLES(.bytes = 24, .at = 8, .fifth = 4, .scales = 2);
	case T_IQ4_NL: NIBBLES(.bytes = 18, .at = 2, .scales = 1, .numbers = iq4_values, .large = true);
#undef NIBBLES
	case T_Q8_0:
#if defined(HAVE_SHORTS)
		if (count_met(x) == 1) {
			rows_q8_0(to, x->q, p, stride, blocks);
			break;
		}
#endif
		tile_q8_0(to, x, p, stride, blocks);
		break;
	case T_Q1_0: tile_q1_0(to, x, p, stride, blocks); break;
	case T_Q2_0: tile_q2_0(to, x, p, stride, blocks); break;
	case T_MXFP4: tile_mxfp4(to, x, p, stride, blocks); break;
	case T_Q2_K: tile_q2_k(to, x, p, stride); break;
	case T_Q3_K: tile_q3_k(to, x, p, stride); break;
	case T_Q4_K: tile_q4_k(to, x, p, stride, false); break;
	case T_Q5_K: tile_q4_k(to, x, p, stride, true); break;
	case T_Q6_K: tile_q6_k(to, x, p, stride); break;
	case T_IQ4_XS: tile_iq4_xs(to, x, p, stride); break;
	case T_NVFP4: tile_nvfp4(to, x, p, stride, n); break;
	case T_TQ1_0: tile_tq1_0(to, x, p, stride); break;
	case T_TQ2_0: tile_tq2_0(to, x, p, stride); break;
	case T_IQ2_XXS: x ? rows_iq2_xxs(to, x->q, p, stride) : tile_iq2_xxs(to, p, stride); break;
	case T_IQ2_XS: x ? rows_iq2_xs(to, x->q, p, stride) : tile_iq2_xs(to, p, stride); break;
	case T_IQ2_S: x ? rows_iq2_s(to, x->q, p, stride) : tile_iq2_s(to, p, stride); break;
	case T_IQ3_XXS: x ? rows_iq3_xxs(to, x->q, p, stride) : tile_iq3_xxs(to, p, stride); break;
	case T_IQ3_S: x ? rows_iq3_s(to, x->q, p, stride) : tile_iq3_s(to, p, stride); break;
	case T_IQ1_S: x ? rows_iq1_s(to, x->q, p, stride) : tile_iq1_s(to, p, stride); break;
	case T_IQ1_M: x ? rows_iq1_m(to, x->q, p, stride) : tile_iq1_m(to, p, stride); break;
	}
}

/*
 * One input is met by rows of these as they lie: it is loaded for 16 columns at once, and the sums of a block are joined by fewer
 * shuffles than its weights are turned by. With blocks of 16 (Q6_K) that gained nothing.
 */
INLINE bool
lies(uint32_t type)
{
	return type == T_Q4_0 || type == T_Q4_1 || type == T_Q4_K || type == T_Q5_K || type == T_MXFP4 || type == T_TQ2_0 ||
		type == T_IQ4_NL || type == T_IQ4_XS;
}

/*
 * TILE rows from p on . `count` vectors. Meanwhile the rows behind those that are read are asked for: a step is what one
 * call of columns() and its share of what lies between takes.
 */
INLINE void
any_rows(struct tile *w, const uint32_t type, const struct block_matrix *m, const unsigned char *p, const unsigned char *next,
	const struct inputs *in, float *out, size_t out_apart, const size_t count)
{
	const struct coding *c = coding_of(type);
	const size_t part = LANES * m->stride, bytes = tensor_format(m->t->type)->bytes, dim = m->t->dim[0];
	struct met x = {in->q, CHUNK / 32, count, count == 1 && lies(type)};
	vf sum[MOST_MET][2];
	MET(t, &x)
		sum[t][0] = sum[t][1] = V(setzero_ps)();
	for (size_t g = 0; g < 2; g++)
		w[g].ahead = (struct ahead){(uintptr_t)next + g * part, bytes < 16 ? LANES * 16 : LANES * bytes / (bytes / 16)};
	for (size_t k = 0; k < dim; k += CHUNK, p += m->chunk, x.q += count * CHUNK / 32) {
		const size_t n = dim - k < CHUNK ? dim - k : CHUNK;
		x.apart = n / 32;
		for (size_t g = 0; g < 2; g++)
			any_tile(w + g, type, p + g * part, m->stride, n, &x, true);
		MET(t, &x) {
			if (c->super)
				add_super(w, &x, t, c->share, c->minima, sum[t]);
			else
				add_scaled(w, &x, t, n, c->share, c->minima, sum[t]);
		}
	}
	MET(t, &x)
		UNROLL for (size_t g = 0; g < 2; g++)
			V(storeu_ps)(out + t * out_apart + g * LANES, sum[t][g]);
}

/*
 * Functions by themselves: compilers do worse with all types in one. Two inputs and more are met by the types for which that
 * is worth its code: each one more needs as many multiplications as in a tile, but a tile is unpacked in the time of 3.
 */
#define FAST_TYPES(F) F(Q4_0) F(Q4_1) F(Q5_0) F(Q5_1) F(Q8_0) F(Q1_0) F(Q2_0) F(MXFP4) F(NVFP4) F(Q2_K) F(Q3_K) F(Q4_K) \
	F(Q5_K) F(Q6_K) F(TQ1_0) F(TQ2_0) F(IQ4_NL) F(IQ4_XS) F(IQ2_XXS) F(IQ2_XS) F(IQ2_S) F(IQ3_XXS) F(IQ3_S) F(IQ1_S) F(IQ1_M)
#define TWO_TYPES(F) F(Q4_0) F(Q4_1) F(Q8_0) F(Q4_K)
#define FOUR_TYPES(F) F(Q8_0)
#define TILES(type) \
	static __attribute__((noinline)) void \
	tile_of_##type(struct tile *to, const unsigned char *p, size_t stride, size_t n) \
	{ \
		any_tile(to, T_##type, p, stride, n, NULL, false); \
	}
#define ROWS(type, name, count) \
	static __attribute__((noinline)) void \
	name##_of_##type(struct tile *w, const struct block_matrix *m, const unsigned char *p, const unsigned char *next, \
		const struct inputs *in, float *out, size_t out_apart) \
	{ \
		any_rows(w, T_##type, m, p, next, in, out, out_apart, count); \
	}
#define ONE(type) ROWS(type, rows, 1)
#define TWO(type) ROWS(type, two, 2)
#define FOUR(type) ROWS(type, three, 3) ROWS(type, four, 4)
#define TILE_ENTRY(type) [T_##type].tile = tile_of_##type, [T_##type].rows[0] = rows_of_##type,
#define TWO_ENTRY(type) [T_##type].rows[1] = two_of_##type,
#define FOUR_ENTRY(type) [T_##type].rows[2] = three_of_##type, [T_##type].rows[3] = four_of_##type,

FAST_TYPES(TILES)
FAST_TYPES(ONE)
TWO_TYPES(TWO)
FOUR_TYPES(FOUR)

typedef void rows_fn(struct tile *w, const struct block_matrix *m, const unsigned char *p, const unsigned char *next,
	const struct inputs *in, float *out, size_t out_apart);

static const struct fast_type {
	void (*tile)(struct tile *to, const unsigned char *p, size_t stride, size_t n);
	rows_fn *rows[MOST_MET];	/* of one input, two ... */
} fast_types[T_COUNT] = {FAST_TYPES(TILE_ENTRY) TWO_TYPES(TWO_ENTRY) FOUR_TYPES(FOUR_ENTRY)};

/* Both are false where the type needs the plain way. */
static bool
fast_tile(struct tile *to, const struct block_matrix *m, size_t row, size_t first, size_t n)
{
	const struct fast_type *f = &fast_types[m->t->type];
	if (f->tile)
		f->tile(to, m->t->data + row * m->stride + first / CHUNK * m->chunk, m->stride, n);
	return f->tile;
}

static bool
fast_rows(struct tile *w, const struct block_matrix *m, size_t row, size_t last, const struct inputs *in, float *out, size_t apart)
{
	const unsigned char *p = m->t->data + row * m->stride;
	rows_fn *rows = in->n <= MOST_MET ? fast_types[m->t->type].rows[in->n - 1] : NULL;
	if (rows)
		rows(w, m, p, row + TILE >= last && in->next ? in->next : p + TILE * m->stride, in, out, apart);
	return rows;
}

#endif
