/*
 * kernels_x86_iq.h - part of kernels_x86.h: tiles of the IQ formats with grids.
 *
 * Each row's vectors are fetched from their grid, 8 or 4 bytes a load, and laid down as if the file had
 * weights of 8 bits; columns() turns those of 8. What goes along with them, signs and scales, is
 * taken apart for all rows at once.
 */
#ifndef KERNELS_X86_IQ_H
#define KERNELS_X86_IQ_H

/* A superblock of LANES rows, a byte a weight; or a word of four. */
struct from_grid {
	_Alignas(64) unsigned char row[LANES][CHUNK];
};
struct words_from_grid {
	_Alignas(64) int32_t word[CHUNK / 4][LANES];
};

/* Words of LANES rows in memory, to be read one by one: compilers would take the vector apart. */
struct apart {
	_Alignas(64) int32_t word[LANES];
};

INLINE void
put_apart(struct apart *to, vi words)
{
	v_store(to->word, words);
	__asm__("" : "+m"(*to));
}

INLINE void
ask_superblock(struct ahead *ahead, size_t bytes)
{
	UNROLL for (size_t i = 0; i < bytes / 16; i++)
		ask(ahead);
}

/* A number by itself: compilers make vectors of many, only to take them apart again. */
INLINE uint64_t
alone(uint64_t i)
{
	__asm__("" : "+r"(i));
	return i;
}

INLINE void
fetch_one(unsigned char *to, const uint8_t entry[8])
{
	const uint64_t v = alone(eight_at(entry));
	memcpy(to, &v, sizeof v);
}

/* The numbers are those of all rows: they are not read again as soon as they are written. */
INLINE void
fetch(struct from_grid *g, const uint8_t (*grid)[8], uint16_t (*number)[32])
{
	for (size_t r = 0; r < LANES; r++)
		UNROLL for (size_t i = 0; i < 2; i++)
			UNROLL for (size_t k = 16 * i; k < 16 * i + 16; k++)
				fetch_one(g->row[r] + 8 * k, grid[alone(number[r][k])]);
}

/* 16 numbers: low bytes, and bits above them in 16 bits each. */
INLINE void
put_numbers(uint16_t *to, const unsigned char *low, __m256i high)
{
	const __m256i l = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)low));
	_mm256_storeu_si256((__m256i *)(void *)to, _mm256_or_si256(l, high));
}

/* Of 8 bytes, each 16 bits of the result get those at `from`, and at `from` + 4 in the second half. */
INLINE __m256i
spread(const unsigned char *p, __m128i from)
{
	const __m256i all = _mm256_set1_epi64x((long long)eight_at(p));
	return _mm256_shuffle_epi8(all, _mm256_set_m128i(_mm_add_epi8(from, _mm_set1_epi8(4)), from));
}

INLINE __m256i
times(__m256i v, int a, int b, int c, int d)
{
	return _mm256_mullo_epi16(v, _mm256_set1_epi64x((long long)((uint64_t)d << 48 | (uint64_t)c << 32 | (uint64_t)b << 16 |
		(uint64_t)a)));
}

/* Byte k of each lane in all four. */
INLINE vi
byte_everywhere(vi c, unsigned k)
{
	const __m128i lane = _mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c);
	return V(shuffle_epi8)(c, V(add_epi8)(v_table(lane), V(set1_epi8)((char)k)));
}

/* Bytes of seven signs get the eighth: their number is even. */
INLINE vi
evened(vi s)
{
	const __m128i odd = _mm_setr_epi8(0, -128, -128, 0, -128, 0, 0, -128, -128, 0, 0, -128, 0, -128, -128, 0);
	const vi folded = v_and(v_xor(s, V(srli_epi16)(s, 4)), V(set1_epi8)(15));
	return v_or(s, V(shuffle_epi8)(v_table(odd), folded));
}

/* The same of four times seven signs that lie together. */
INLINE vi
four_evened(vi s)
{
	const vi low = v_or(v_and(s, V(set1_epi32)(0x7f)), v_and(V(slli_epi32)(s, 1), V(set1_epi32)(0x7f00)));
	const vi high = v_or(v_and(V(slli_epi32)(s, 2), V(set1_epi32)(0x7f0000)), v_and(V(slli_epi32)(s, 3), V(set1_epi32)(0x7f000000)));
	return evened(v_or(low, high));
}

/*
 * Two words of sizes up to `most` and their signs, the same bits in each byte. A tile has weights that were counted
 * from -most on.
 */
INLINE void
put_sizes(struct tile *to, size_t word, vi a, vi b, vi signs, int most)
{
	const vi first = V(set1_epi32)(0x08040201), last = V(set1_epi32)((int)0x80402010);
	const vi shift = V(set1_epi8)((char)SHIFT(NULL, -most));
	(void)most;
	v_store(to->u.q[word], V(add_epi8)(minus_where(a, signs, first), shift));
	v_store(to->u.q[word + 1], V(add_epi8)(minus_where(b, signs, last), shift));
}

INLINE void
put_sizes_of_32(struct tile *to, const struct from_grid *g, unsigned b, vi signs)
{
	UNROLL for (unsigned i = 0; i < 2; i++) {
		const struct columns c = turned(g->row[0] + 32 * b + 16 * i, CHUNK);
		UNROLL for (unsigned k = 0; k < 2; k++)
			put_sizes(to, b * 8 + i * 4 + 2 * k, c.c[2 * k], c.c[2 * k + 1], byte_everywhere(signs, 2 * i + k), 43);
	}
}

/* 2 s + 1, s in `bits` bits from bit `shift` on. */
INLINE vi
odd(vi s, unsigned shift, unsigned bits)
{
	const vi twice_s = shift ? V(srli_epi32)(s, shift - 1) : V(slli_epi32)(s, 1);
	return v_or(v_and(twice_s, V(set1_epi32)((1 << (bits + 1)) - 2)), V(set1_epi32)(1));
}

INLINE void
put_whole_by(struct tile *to, vf d, float by)
{
	put_whole(to, V(mul_ps)(d, V(set1_ps)(by)), d);
}

/* Scales into the tile, and the signs of each block. */
INLINE void
head_iq2_xxs(struct tile *to, struct apart signs[8], const unsigned char *p, size_t stride)
{
	put_whole_by(to, low_halves(words(p, stride)), 0.125f);
	UNROLL for (unsigned b = 0; b < 8; b += 2) {
		const struct columns c = columns(p + 2 + 8 * b, stride, &to->ahead);
		UNROLL for (unsigned i = 0; i < 2; i++) {
			put_scale(to, b + i, odd(c.c[2 * i + 1], 28, 4));
			put_apart(&signs[b + i], four_evened(c.c[2 * i + 1]));
		}
	}
}

INLINE void
tile_iq2_xxs(struct tile *to, const unsigned char *p, size_t stride)
{
	struct from_grid g;
	struct apart signs[8];
	head_iq2_xxs(to, signs, p, stride);
	for (size_t r = 0; r < LANES; r++)
		UNROLL for (size_t b = 0; b < 8; b++)
			UNROLL for (size_t k = 0; k < 4; k++)
				fetch_one(g.row[r] + 32 * b + 8 * k, bytes_iq2_xxs[alone(p[r * stride + 2 + 8 * b + k])]);
	UNROLL for (unsigned b = 0; b < 8; b++)
		put_sizes_of_32(to, &g, b, v_load(signs[b].word));
}

/* IQ2_XS and IQ2_S, 16 scales of 4 bits: what is left once the vectors are fetched. */
INLINE void
small_scales(struct tile *to, const unsigned char *p, size_t stride, vf d)
{
	const vi s[2] = {words(p, stride), words(p + 4, stride)};
	put_whole_by(to, d, 0.125f);
	UNROLL for (unsigned b = 0; b < 16; b++)
		put_scale(to, b, odd(s[b / 8], b % 8 * 4, 4));
}

INLINE void
head_iq2_xs(struct tile *to, struct apart signs[8], const unsigned char *p, size_t stride)
{
	small_scales(to, p + 66, stride, low_halves(words(p, stride)));
	UNROLL for (unsigned i = 0; i < 8; i += 2) {
		const struct columns q = columns(p + 2 + 8 * i, stride, &to->ahead);
		UNROLL for (unsigned k = 0; k < 2; k++) {
			const vi u = q.c[2 * k], v = q.c[2 * k + 1];
			const vi low = v_or(v_and(V(srli_epi32)(u, 9), V(set1_epi32)(0x7f)), v_and(V(srli_epi32)(u, 17), V(set1_epi32)(0x7f00)));
			const vi high = v_or(v_and(V(slli_epi32)(v, 7), V(set1_epi32)(0x7f0000)),
				v_and(V(srli_epi32)(v, 1), V(set1_epi32)(0x7f000000)));
			put_apart(&signs[i + k], evened(v_or(low, high)));
		}
	}
}

INLINE void
tile_iq2_xs(struct tile *to, const unsigned char *p, size_t stride)
{
	struct from_grid g;
	struct apart signs[8];
	head_iq2_xs(to, signs, p, stride);
	for (size_t r = 0; r < LANES; r++) {
		const unsigned char *row = p + r * stride;
		UNROLL for (size_t i = 0; i < 4; i++)
			UNROLL for (size_t k = 0; k < 8; k++)
				fetch_one(g.row[r] + 64 * i + 8 * k, bytes_iq2_xs[alone(le16(row + 2 + 16 * i + 2 * k) & 511)]);
	}
	UNROLL for (unsigned b = 0; b < 8; b++)
		put_sizes_of_32(to, &g, b, v_load(signs[b].word));
}

INLINE void
head_iq2_s(struct tile *to, uint16_t (*number)[32], struct apart signs[8], const unsigned char *p, size_t stride)
{
	small_scales(to, p + 74, stride, low_halves(words(p, stride)));
	for (size_t r = 0; r < LANES; r++) {
		const unsigned char *row = p + r * stride;
		UNROLL for (size_t i = 0; i < 2; i++) {
			const __m128i from = _mm_setr_epi8(0, -128, 0, -128, 0, -128, 0, -128, 1, -128, 1, -128, 1, -128, 1, -128);
			const __m256i low = _mm256_set1_epi32(int_at(row + 66 + 4 * i));
			const __m256i high = _mm256_shuffle_epi8(low, _mm256_set_m128i(_mm_add_epi8(from, _mm_set1_epi16(2)), from));
			put_numbers(number[r] + 16 * i, row + 2 + 16 * i,
				_mm256_and_si256(times(high, 256, 64, 16, 4), _mm256_set1_epi16(0x300)));
		}
	}
	UNROLL for (unsigned i = 0; i < 2; i++) {
		const struct columns c = turned(p + 34 + 16 * i, stride);
		UNROLL for (unsigned j = 0; j < 4; j++)
			put_apart(&signs[4 * i + j], c.c[j]);
	}
	ask_superblock(&to->ahead, 82);
}

INLINE void
tile_iq2_s(struct tile *to, const unsigned char *p, size_t stride)
{
	struct from_grid g;
	struct apart signs[8];
	uint16_t number[LANES][32];
	head_iq2_s(to, number, signs, p, stride);
	fetch(&g, bytes_iq2_s, number);
	UNROLL for (unsigned b = 0; b < 8; b++)
		put_sizes_of_32(to, &g, b, v_load(signs[b].word));
}

INLINE void
put_sizes_of_words(struct tile *to, const struct words_from_grid *g, unsigned b, vi signs, int most)
{
	UNROLL for (unsigned k = 0; k < 4; k++) {
		const unsigned word = b * 8 + 2 * k;
		put_sizes(to, word, v_load(g->word[word]), v_load(g->word[word + 1]), byte_everywhere(signs, k), most);
	}
}

INLINE void
head_iq3_xxs(struct tile *to, struct apart signs[8], const unsigned char *p, size_t stride)
{
	put_whole_by(to, low_halves(words(p, stride)), 0.25f);
	UNROLL for (unsigned b = 0; b < 8; b += 4) {
		const struct columns c = turned(p + 66 + 4 * b, stride);
		UNROLL for (unsigned i = 0; i < 4; i++) {
			put_scale(to, b + i, odd(c.c[i], 28, 4));
			put_apart(&signs[b + i], four_evened(c.c[i]));
		}
	}
	ask_superblock(&to->ahead, 98);
}

INLINE void
tile_iq3_xxs(struct tile *to, const unsigned char *p, size_t stride)
{
	struct words_from_grid g;
	struct apart signs[8];
	head_iq3_xxs(to, signs, p, stride);
	for (size_t r = 0; r < LANES; r++)
		UNROLL for (size_t i = 0; i < 4; i++)
			UNROLL for (size_t k = 16 * i; k < 16 * i + 16; k++)
				g.word[k][r] = int_at(bytes_iq3_xxs[alone(p[r * stride + 2 + k])]);
	UNROLL for (unsigned b = 0; b < 8; b++)
		put_sizes_of_words(to, &g, b, v_load(signs[b].word), 62);
}

INLINE void
head_iq3_s(struct tile *to, uint16_t (*number)[64], struct apart signs[8], const unsigned char *p, size_t stride)
{
	const __m256i bit = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, -32768);
	const vi scales = words(p + 106, stride);
	put_whole_by(to, low_halves(words(p, stride)), 1);
	for (size_t r = 0; r < LANES; r++) {
		const unsigned char *row = p + r * stride;
		UNROLL for (size_t i = 0; i < 4; i++) {
			const __m256i ninth = _mm256_and_si256(_mm256_set1_epi16((short)le16(row + 66 + 2 * i)), bit);
			put_numbers(number[r] + 16 * i, row + 2 + 16 * i,
				_mm256_and_si256(_mm256_cmpeq_epi16(ninth, bit), _mm256_set1_epi16(256)));
		}
	}
	UNROLL for (unsigned i = 0; i < 2; i++) {
		const struct columns c = turned(p + 74 + 16 * i, stride);
		UNROLL for (unsigned j = 0; j < 4; j++) {
			put_scale(to, 4 * i + j, odd(scales, 4 * (4 * i + j), 4));
			put_apart(&signs[4 * i + j], c.c[j]);
		}
	}
	ask_superblock(&to->ahead, 110);
}

INLINE void
tile_iq3_s(struct tile *to, const unsigned char *p, size_t stride)
{
	struct words_from_grid g;
	struct apart signs[8];
	uint16_t number[LANES][64];
	head_iq3_s(to, number, signs, p, stride);
	for (size_t r = 0; r < LANES; r++)
		UNROLL for (size_t i = 0; i < 4; i++)
			UNROLL for (size_t k = 16 * i; k < 16 * i + 16; k++)
				g.word[k][r] = int_at(bytes_iq3_s[alone(number[r][k])]);
	UNROLL for (unsigned b = 0; b < 8; b++)
		put_sizes_of_words(to, &g, b, v_load(signs[b].word), 15);
}

/* Levels in eighths are 9 more than weights that are shifted down, all ones in `down`, and 7 more than others. */
INLINE vi
nine_or_seven(vi down)
{
	return V(add_epi32)(V(set1_epi32)(7), v_and(down, V(set1_epi32)(2)));
}

/* What levels lack as weights that were counted from -9 on. */
INLINE vi
lift(vi down)
{
	return shifted(NULL, V(add_epi8)(V(add_epi8)(down, down), V(set1_epi8)(2)), -9);
}

INLINE void
head_iq1_s(struct tile *to, uint16_t (*number)[32], struct apart down[8], const unsigned char *p, size_t stride)
{
	put_whole_by(to, low_halves(words(p, stride)), 0.125f);
	const struct columns high = turned(p + 34, stride);
	for (size_t r = 0; r < LANES; r++) {
		const unsigned char *row = p + r * stride;
		UNROLL for (size_t i = 0; i < 2; i++) {
			const __m256i h = spread(row + 34 + 8 * i, _mm_setr_epi8(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3));
			const __m256i up = times(h, 256, 32, 4, 0);
			const __m256i fourth = _mm256_mulhi_epu16(h, _mm256_set1_epi64x((long long)0x8000000000000000));
			put_numbers(number[r] + 16 * i, row + 2 + 16 * i,
				_mm256_and_si256(_mm256_or_si256(up, fourth), _mm256_set1_epi16(0x700)));
		}
	}
	UNROLL for (unsigned b = 0; b < 8; b++) {
		const vi block = high.c[b / 2];
		put_scale(to, b, odd(block, b % 2 * 16 + 12, 3));
		v_store(down[b].word, V(srai_epi32)(b % 2 ? block : V(slli_epi32)(block, 16), 31));
	}
	ask_superblock(&to->ahead, 50);
}

INLINE void
tile_iq1_s(struct tile *to, const unsigned char *p, size_t stride)
{
	struct from_grid g;
	struct apart down[8];
	uint16_t number[LANES][32];
	head_iq1_s(to, number, down, p, stride);
	fetch(&g, bytes_iq1, number);
	UNROLL for (unsigned b = 0; b < 8; b++) {
		const vi more = lift(v_load(down[b].word));
		UNROLL for (unsigned h = 0; h < 2; h++) {
			const struct columns c = turned(g.row[0] + 32 * b + 16 * h, CHUNK);
			UNROLL for (unsigned j = 0; j < 4; j++)
				v_store(to->u.q[b * 8 + h * 4 + j], V(add_epi8)(c.c[j], more));
		}
	}
}

INLINE void
head_iq1_m(struct tile *to, uint16_t (*number)[32], const unsigned char *p, size_t stride)
{
	const vi s[2] = {words(p + 48, stride), words(p + 52, stride)};
	const vi half = v_or(v_or(v_and(V(srli_epi32)(s[0], 12), V(set1_epi32)(0xf)),
		v_and(V(srli_epi32)(s[0], 24), V(set1_epi32)(0xf0))),
		v_or(v_and(V(srli_epi32)(s[1], 4), V(set1_epi32)(0xf00)), v_and(V(srli_epi32)(s[1], 16), V(set1_epi32)(0xf000))));
	put_whole_by(to, low_halves(half), 0.125f);
	for (size_t r = 0; r < LANES; r++) {
		const unsigned char *row = p + r * stride;
		UNROLL for (size_t i = 0; i < 2; i++) {
			const __m256i h = spread(row + 32 + 8 * i,
				_mm_setr_epi8(0, -128, 0, -128, 1, -128, 1, -128, 2, -128, 2, -128, 3, -128, 3, -128));
			put_numbers(number[r] + 16 * i, row + 16 * i,
				_mm256_and_si256(times(h, 256, 16, 256, 16), _mm256_set1_epi16(0x700)));
		}
	}
	UNROLL for (unsigned b = 0; b < 16; b++)
		put_scale(to, b, odd(s[b / 8], b / 4 % 2 * 16 + b % 4 * 3, 3));
	ask_superblock(&to->ahead, 56);
}

INLINE void
tile_iq1_m(struct tile *to, const unsigned char *p, size_t stride)
{
	struct from_grid g;
	uint16_t number[LANES][32];
	const struct columns high = turned(p + 32, stride);
	head_iq1_m(to, number, p, stride);
	fetch(&g, bytes_iq1, number);
	UNROLL for (unsigned b = 0; b < 16; b++) {
		const struct columns c = turned(g.row[0] + 16 * b, CHUNK);
		UNROLL for (unsigned k = 0; k < 2; k++) {
			const vi more = lift(V(srai_epi32)(V(slli_epi32)(high.c[b / 4], 28 - 4 * (b % 4 * 2 + k)), 31));
			UNROLL for (unsigned j = 0; j < 2; j++)
				v_store(to->u.q[b * 4 + k * 2 + j], V(add_epi8)(c.c[k * 2 + j], more));
		}
	}
}

#endif
