/*
 * kernels_x86_rows.h - part of kernels_x86.h: one vector and rows as they lie, of the IQ formats with grids and of Q8_0.
 *
 * Vectors from a grid need not be turned to meet one input: 32 weights of a row lie in a register as they come, and meet
 * 32 numbers at once. The sums of 8 rows are then added so that lanes are rows. Signs go to the input.
 */
#ifndef KERNELS_X86_ROWS_H
#define KERNELS_X86_ROWS_H

/* 32 bytes of four vectors: loads that repeat and blends, as what moves parts of registers has fewer units. */
INLINE __m256i
everywhere8(const uint8_t *entry)
{
	return _mm256_set1_epi64x((long long)eight_at(entry));
}

INLINE __m256i
four_of(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d)
{
	const __m256i ab = _mm256_blend_epi32(everywhere8(a), everywhere8(b), 0x0c);
	return _mm256_blend_epi32(ab, _mm256_blend_epi32(everywhere8(c), everywhere8(d), 0xc0), 0xf0);
}

/* Bit i of the signs makes number i of 32 negative. */
INLINE __m256i
signed_by(__m256i x, const int32_t *signs)
{
	const __m256i from = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
	const __m256i all = _mm256_shuffle_epi8(_mm256_set1_epi32(*signs), from);
	const __m256i minus = _mm256_cmpeq_epi8(_mm256_and_si256(all, bit), bit);
	return _mm256_sign_epi8(x, _mm256_or_si256(minus, _mm256_set1_epi8(1)));
}

/* Sums of eight rows: of columns 0 to 15 and of 16 to 31 of each, an integer a row. */
struct row_sums {
	__m256i low, high;
};

INLINE __m256i
two_rows(__m256i a, __m256i b)
{
	const __m256i s = _mm256_add_epi16(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
	return _mm256_madd_epi16(s, _mm256_set1_epi16(1));
}

INLINE __m256i
four_rows(const __m256i m[4])
{
	const __m256i a = two_rows(m[0], m[1]), b = two_rows(m[2], m[3]);
	return _mm256_add_epi32(_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
}

INLINE void
put_row_sums(int32_t *to, __m256i sums)
{
	_mm256_storeu_si256((__m256i *)(void *)to, sums);
}

/* The sums of eight rows' blocks of 32, or of two of 16. */
INLINE void
put_eight(struct tile *to, unsigned b, size_t r, const __m256i m[8], const unsigned share)
{
	const __m256i a = four_rows(m), c = four_rows(m + 4);
	const __m256i same = _mm256_blend_epi32(a, c, 0xf0), other = _mm256_permute2x128_si256(a, c, 0x21);
	if (share == 32) {
		put_row_sums(to->u.met[0][b] + r, _mm256_add_epi32(same, other));
		return;
	}
	put_row_sums(to->u.met[0][2 * b] + r, _mm256_blend_epi32(same, other, 0xf0));
	put_row_sums(to->u.met[0][2 * b + 1] + r, _mm256_blend_epi32(other, same, 0xf0));
}

INLINE void
scale_sums(struct tile *to, const size_t blocks)
{
	UNROLL for (size_t b = 0; b < blocks; b++)
		scale_sum(to, b);
}

INLINE __m256i
numbers_of(const struct qblock *x)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)x->q);
}

/* Eight rows at a time, and what their superblock has at its head. */
struct iq_rows {
	const unsigned char *p;
	size_t stride;
	const uint16_t *number;		/* of the entries of a grid: `numbers` a row */
	size_t numbers;
	const struct apart *signs;
};

/* 32 weights without signs: block b of a row. */
typedef __m256i levels_fn(const struct iq_rows *s, size_t row, unsigned b);

INLINE const unsigned char *
bytes_at(const struct iq_rows *s, size_t row, size_t at)
{
	return s->p + row * s->stride + at;
}

INLINE void
meet_rows(struct tile *to, const struct qblock *x, const struct iq_rows *s, levels_fn *levels, const bool has_signs,
	const unsigned share)
{
	for (unsigned b = 0; b < 8; b++) {
		const __m256i v = numbers_of(x + b);
		for (size_t r = 0; r < LANES; r += 8) {
			__m256i m[8];
			UNROLL for (size_t k = 0; k < 8; k++)
				m[k] = _mm256_maddubs_epi16(levels(s, r + k, b), has_signs ? signed_by(v, s->signs[b].word + r + k) : v);
			put_eight(to, b, r, m, share);
		}
	}
}

INLINE __m256i
levels_iq2_xxs(const struct iq_rows *s, size_t row, unsigned b)
{
	const unsigned char *q = bytes_at(s, row, 2 + 8 * b);
	return four_of(bytes_iq2_xxs[q[0]], bytes_iq2_xxs[q[1]], bytes_iq2_xxs[q[2]], bytes_iq2_xxs[q[3]]);
}

INLINE void
rows_iq2_xxs(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	struct apart signs[8];
	head_iq2_xxs(to, signs, p, stride);
	meet_rows(to, x, &(struct iq_rows){p, stride, NULL, 0, signs}, levels_iq2_xxs, true, 32);
	scale_sums(to, 8);
}

INLINE __m256i
levels_iq2_xs(const struct iq_rows *s, size_t row, unsigned b)
{
	const unsigned char *q = bytes_at(s, row, 2 + 8 * b);
	return four_of(bytes_iq2_xs[le16(q) & 511], bytes_iq2_xs[le16(q + 2) & 511], bytes_iq2_xs[le16(q + 4) & 511],
		bytes_iq2_xs[le16(q + 6) & 511]);
}

INLINE void
rows_iq2_xs(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	struct apart signs[8];
	head_iq2_xs(to, signs, p, stride);
	meet_rows(to, x, &(struct iq_rows){p, stride, NULL, 0, signs}, levels_iq2_xs, true, 16);
	scale_sums(to, 16);
}

/* Entries of eight weights by their numbers. */
INLINE __m256i
four_numbered(const uint8_t (*grid)[8], const struct iq_rows *s, size_t row, unsigned b)
{
	const uint16_t *n = s->number + row * s->numbers + 4 * b;
	return four_of(grid[n[0]], grid[n[1]], grid[n[2]], grid[n[3]]);
}

INLINE __m256i
levels_iq2_s(const struct iq_rows *s, size_t row, unsigned b)
{
	return four_numbered(bytes_iq2_s, s, row, b);
}

INLINE void
rows_iq2_s(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	struct apart signs[8];
	uint16_t number[LANES][32];
	head_iq2_s(to, number, signs, p, stride);
	meet_rows(to, x, &(struct iq_rows){p, stride, number[0], 32, signs}, levels_iq2_s, true, 16);
	scale_sums(to, 16);
}

INLINE __m256i
everywhere4(const uint8_t *entry)
{
	return _mm256_set1_epi32(int_at(entry));
}

INLINE __m256i
eight_of(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d, const uint8_t *e, const uint8_t *f,
	const uint8_t *g, const uint8_t *h)
{
	const __m256i ab = _mm256_blend_epi32(everywhere4(a), everywhere4(b), 0x02);
	const __m256i cd = _mm256_blend_epi32(everywhere4(c), everywhere4(d), 0x08);
	const __m256i ef = _mm256_blend_epi32(everywhere4(e), everywhere4(f), 0x20);
	const __m256i gh = _mm256_blend_epi32(everywhere4(g), everywhere4(h), 0x80);
	return _mm256_blend_epi32(_mm256_blend_epi32(ab, cd, 0x0c), _mm256_blend_epi32(ef, gh, 0xc0), 0xf0);
}

INLINE __m256i
levels_iq3_xxs(const struct iq_rows *s, size_t row, unsigned b)
{
	const uint8_t (*grid)[4] = bytes_iq3_xxs;
	const unsigned char *q = bytes_at(s, row, 2 + 8 * b);
	return eight_of(grid[q[0]], grid[q[1]], grid[q[2]], grid[q[3]], grid[q[4]], grid[q[5]], grid[q[6]], grid[q[7]]);
}

INLINE void
rows_iq3_xxs(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	struct apart signs[8];
	head_iq3_xxs(to, signs, p, stride);
	meet_rows(to, x, &(struct iq_rows){p, stride, NULL, 0, signs}, levels_iq3_xxs, true, 32);
	scale_sums(to, 8);
}

INLINE __m256i
levels_iq3_s(const struct iq_rows *s, size_t row, unsigned b)
{
	const uint8_t (*grid)[4] = bytes_iq3_s;
	const uint16_t *n = s->number + row * s->numbers + 8 * b;
	return eight_of(grid[n[0]], grid[n[1]], grid[n[2]], grid[n[3]], grid[n[4]], grid[n[5]], grid[n[6]], grid[n[7]]);
}

INLINE void
rows_iq3_s(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	struct apart signs[8];
	uint16_t number[LANES][64];
	head_iq3_s(to, number, signs, p, stride);
	meet_rows(to, x, &(struct iq_rows){p, stride, number[0], 64, signs}, levels_iq3_s, true, 32);
	scale_sums(to, 8);
}

/* Levels in eighths are 9 or 7 more than weights. */
INLINE __m256i
levels_iq1_s(const struct iq_rows *s, size_t row, unsigned b)
{
	return four_numbered(bytes_iq1, s, row, b);
}

INLINE void
rows_iq1_s(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	uint16_t number[LANES][32];
	struct apart down[8];
	head_iq1_s(to, number, down, p, stride);
	meet_rows(to, x, &(struct iq_rows){p, stride, number[0], 32, NULL}, levels_iq1_s, false, 32);
	UNROLL for (unsigned b = 0; b < 8; b++)
		v_store(to->u.met[0][b], V(sub_epi32)(v_load(to->u.met[0][b]), V(mullo_epi32)(nine_or_seven(v_load(down[b].word)), input_sum(x + b, 2))));
	scale_sums(to, 8);
}

/* Those of IQ1_M change every 8. */
INLINE __m256i
lifted(__m256i levels, const unsigned char *high)
{
	const __m256i from = _mm256_setr_epi64x(0, 0, 0x0101010101010101, 0x0101010101010101);
	const __m256i bit = _mm256_setr_epi64x(0x0808080808080808, (long long)0x8080808080808080, 0x0808080808080808,
		(long long)0x8080808080808080);
	const __m256i up = _mm256_andnot_si256(_mm256_shuffle_epi8(_mm256_set1_epi16((short)le16(high)), from), bit);
	return _mm256_add_epi8(levels, _mm256_min_epu8(up, _mm256_set1_epi8(2)));
}

INLINE __m256i
levels_iq1_m(const struct iq_rows *s, size_t row, unsigned b)
{
	return lifted(four_numbered(bytes_iq1, s, row, b), bytes_at(s, row, 32 + 2 * b));
}

INLINE void
rows_iq1_m(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride)
{
	uint16_t number[LANES][32];
	head_iq1_m(to, number, p, stride);
	meet_rows(to, x, &(struct iq_rows){p, stride, number[0], 32, NULL}, levels_iq1_m, false, 16);
	UNROLL for (unsigned b = 0; b < 16; b++)
		v_store(to->u.met[0][b], V(sub_epi32)(v_load(to->u.met[0][b]), V(mullo_epi32)(V(set1_epi32)(9), input_sum(x + b / 2, b % 2))));
	scale_sums(to, 16);
}

#if defined(HAVE_SHORTS)
/*
 * Rows of Q8_0 are met so, too: 32 weights of 8 rows take 25 cycles, turned ones 32. From memory that is 20 GB/s instead of
 * 16 with one thread, 33 to 39 instead of 28 with two. Nibbles so would need a shuffle more each: see lies() for those.
 */
/* The sum of each of eight. */
INLINE __m256i
eight_words(const __m256i m[8])
{
	const __m256i a = joined(m, false), c = joined(m + 4, false);
	return _mm256_add_epi32(_mm256_blend_epi32(a, c, 0xf0), _mm256_permute2x128_si256(a, c, 0x21));
}

/* The sum of all in each lane. */
INLINE __m256i
sum_of_words(__m256i a)
{
	a = _mm256_add_epi32(a, _mm256_permute2x128_si256(a, a, 1));
	a = _mm256_add_epi32(a, _mm256_shuffle_epi32(a, 0x4e));
	return _mm256_add_epi32(a, _mm256_shuffle_epi32(a, 0xb1));
}

/*
 * Inputs go in as their sizes, and their signs go to the weights, of which -128 may be one: w x = (w ^ s) |x| + |x| where
 * x < 0, s = -1, as -w = ~w + 1. The last is the same for all rows.
 */
INLINE void
rows_q8_0(struct tile *to, const struct qblock *x, const unsigned char *p, size_t stride, size_t blocks)
{
	const __m256i one = _mm256_set1_epi16(1);
	const size_t apart = stride > NEAR_ROWS ? stride : 64, step = stride > NEAR_ROWS ? 34 : 8 * 34;
	for (size_t b = 0; b < blocks; b++, p += 34, to->ahead.at += step) {
		const __m256i v = numbers_of(x + b), size = _mm256_abs_epi8(v), s = _mm256_cmpgt_epi8(_mm256_setzero_si256(), v);
		const __m256i less = sum_of_words(_mm256_madd_epi16(_mm256_maddubs_epi16(size, s), one));
		__m256i m[8];
		UNROLL for (size_t r = 0; r < 8; r++)
			__builtin_prefetch((const void *)(to->ahead.at + r * apart), 0, 3);
		V(storeu_ps)(to->d[b], first_halves(p, stride));
		UNROLL for (size_t r = 0; r < 8; r++) {
			const __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)(p + r * stride + 2));
			m[r] = _mm256_madd_epi16(_mm256_maddubs_epi16(size, _mm256_xor_si256(w, s)), one);
		}
		put_row_sums(to->u.met[0][b], _mm256_sub_epi32(eight_words(m), less));
	}
}
#endif

#endif
