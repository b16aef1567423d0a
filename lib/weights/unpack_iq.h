/*
 * unpack_iq.h - part of unpack.h: formats whose quants are numbers of entries in a
 * table: of values (FP4, IQ4), or of whole vectors of 4 or 8 values (the other IQ).
 *
 * s is a small scale, of a block of 16 or 32 weights. All products are exact in float32.
 */
#include "iq_grids.h"

/* Of 32 weights in nibbles (low ones first): d table[q]. */
static inline void
unpack_nibbles(const unsigned char *restrict q, int half, float d, const int8_t *restrict table, float *restrict out)
{
	for (int i = 0; i < half; i++)
		out[i] = d * (float)table[q[i] & 15];
	for (int i = 0; i < half; i++)
		out[i + half] = d * (float)table[q[i] >> 4];
}

/* The values of a 4-bit float (sign, 2 bits of exponent, 1 of mantissa), twice. */
static const int8_t fp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* Half of 2^(e - 127), because the table holds the values twice. */
static inline float
e8m0_half(unsigned e)
{
	const uint32_t u = e < 2 ? (uint32_t)0x200000 << e : (uint32_t)(e - 1) << 23;
	float f;
	memcpy(&f, &u, sizeof f);
	return f;
}

/*	+---+----------+
 *	| e | q 4 bits |	w = 2^(e - 127) q, q a 4-bit float
 *	+-1-+----16----+	*/
static inline void
unpack_mxfp4(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 17, out += 32)
		unpack_nibbles(p + 1, 16, e8m0_half(p[0]), fp4_values, out);
}

/* gpt-oss's own: the exponents are a tensor of their own, and a byte has two
 * neighbours, the first in its low nibble. */
static inline void
unpack_mxfp4_split(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row), *restrict e = t->scale + row * (t->dim[0] / 32);
	for (size_t b = t->dim[0] / 32; b--; p += 16, e++, out += 32) {
		const float d = e8m0_half(*e);
		for (int i = 0; i < 16; i++) {
			out[2 * i] = d * (float)fp4_values[p[i] & 15];
			out[2 * i + 1] = d * (float)fp4_values[p[i] >> 4];
		}
	}
}

/* Half of an 8-bit float without sign: 4 bits of exponent, bias 7, 3 of mantissa. Its
 * highest bit counts for nothing; NaN (0x7f) is taken for 0, as ggml does. */
static inline float
ue4m3_half(unsigned x)
{
	const unsigned e = x >> 3 & 15, m = x & 7;
	const uint32_t u = (e + 127 - 7 - 1) << 23 | m << 20;
	float f;
	memcpy(&f, &u, sizeof f);
	return x == 0x7f ? 0 : e ? f : (float)m * 0x1p-10f;
}

/*	+---------+----------+
 *	| 4 x s   | q 4 bits |	w = s q, s an 8-bit float, q 4-bit floats, in blocks of 16
 *	+----4----+----32----+	*/
static inline void
unpack_nvfp4(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 64; n--; p += 36)
		for (int b = 0; b < 4; b++, out += 16)
			unpack_nibbles(p + 4 + b * 8, 8, ue4m3_half(p[b]), fp4_values, out);
}

static const int8_t iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/*	+---+----------+
 *	| d | q 4 bits |	w = d iq4_values[q]
 *	+-2-+----16----+	*/
static inline void
unpack_iq4_nl(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t b = t->dim[0] / 32; b--; p += 18, out += 32)
		unpack_nibbles(p + 2, 16, half_at(p), iq4_values, out);
}

/*	+---+----------+---------+----------+
 *	| d | s high 2 | s low 4 | q 4 bits |	w = d (s - 32) iq4_values[q], 8 blocks of 32
 *	+-2-+----2-----+----4----+---128----+	*/
static inline void
unpack_iq4_xs(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 136) {
		const float d = half_at(p);
		const unsigned high = le16(p + 2);
		for (int b = 0; b < 8; b++, out += 32) {
			int s = (p[4 + b / 2] >> b % 2 * 4 & 15) | (int)(high >> 2 * b & 3) << 4;
			unpack_nibbles(p + 8 + b * 16, 16, d * (float)(s - 32), iq4_values, out);
		}
	}
}

/* The eighth sign of 8 weights in 7 bits: their number is even. */
static inline unsigned
even_signs(unsigned s)
{
	unsigned p = s ^ s >> 4;
	p ^= p >> 2;
	return (s & 127) | ((p ^ p >> 1) & 1) << 7;
}

/* +-1: bit i of the signs. */
static inline int
sign(unsigned signs, int i)
{
	return 1 - (int)(signs >> i & 1) * 2;
}

/* 8 weights from a grid of IQ2: the levels are worth 8, 25 and 43. */
static inline void
unpack_iq2(unsigned levels, unsigned signs, float scale, float *restrict out)
{
	for (int i = 0; i < 8; i++) {
		const int q = (int)(levels >> 2 * i & 3);
		out[i] = scale * (float)((8 + 17 * q + (q >> 1)) * sign(signs, i));
	}
}

/*	+---+----------------------------------+
 *	| d | 8 x (4 x q 8, 4 x signs 7, s 4)  |	w = d (s + 1/2)/4 grid[q], of 8 weights;
 *	+-2-+----------------64----------------+	blocks of 32, the number of minus signs even	*/
static inline void
unpack_iq2_xxs(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 66) {
		const float d = half_at(p);
		for (int b = 0; b < 8; b++) {
			const unsigned char *restrict q = p + 2 + b * 8;
			const uint32_t signs = le32(q + 4);
			const float scale = d * ((float)(signs >> 28) + 0.5f) * 0.25f;
			for (int k = 0; k < 4; k++, out += 8)
				unpack_iq2(grid_iq2_xxs[q[k]], even_signs(signs >> 7 * k & 127), scale, out);
		}
	}
}

/*	+---+------------------------+---------+
 *	| d | 32 x (q 9, signs 7)    | 16 x s4 |	as IQ2_XXS; blocks of 16
 *	+-2-+-----------64-----------+----8----+	*/
static inline void
unpack_iq2_xs(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 74) {
		const float d = half_at(p);
		for (int k = 0; k < 32; k++, out += 8) {
			const unsigned q = le16(p + 2 + k * 2);
			const int s = p[66 + k / 4] >> k / 2 % 2 * 4 & 15;
			unpack_iq2(grid_iq2_xs[q & 511], even_signs(q >> 9), d * ((float)s + 0.5f) * 0.25f, out);
		}
	}
}

/*	+---+------------+------------+------------+---------+
 *	| d | 32 x q low | 32 x signs | q's high 2 | 16 x s4 |	as IQ2_XXS, but for 8 free
 *	+-2-+-----32-----+-----32-----+-----8------+----8----+	signs; blocks of 16	*/
static inline void
unpack_iq2_s(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 82) {
		const float d = half_at(p);
		for (int k = 0; k < 32; k++, out += 8) {
			const int q = p[2 + k] | (p[66 + k / 4] >> k % 4 * 2 & 3) << 8;
			const int s = p[74 + k / 4] >> k / 2 % 2 * 4 & 15;
			unpack_iq2(grid_iq2_s[q], p[34 + k], d * ((float)s + 0.5f) * 0.25f, out);
		}
	}
}

/*	+---+----------+------------------------+
 *	| d | 64 x q 8 | 8 x (4 x signs 7, s 4) |	w = d (s + 1/2)/2 grid[q], of 4 weights;
 *	+-2-+----64----+-----------32-----------+	levels 4, 12 ... 52, 62; blocks of 32	*/
static inline void
unpack_iq3_xxs(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 98)
		for (int k = 0; k < 32; k++, out += 8) {
			const uint32_t block = le32(p + 66 + k / 4 * 4);
			const uint32_t levels = grid_iq3_xxs[p[2 + 2 * k]] | (uint32_t)grid_iq3_xxs[p[3 + 2 * k]] << 16;
			const unsigned signs = even_signs(block >> k % 4 * 7 & 127);
			const float scale = half_at(p) * ((float)(block >> 28) + 0.5f) * 0.5f;
			for (int i = 0; i < 8; i++) {
				const int q = (int)(levels >> 4 * i & 7);
				out[i] = scale * (float)((4 + 8 * q + (q == 7) * 2) * sign(signs, i));
			}
		}
}

/*	+---+------------+----------+------------+--------+
 *	| d | 64 x q low | q's high | 32 x signs | 8 x s4 |	w = d (2 s + 1) grid[q], of 4 weights;
 *	+-2-+-----64-----+----8-----+-----32-----+---4----+	levels 1, 3 ... 15; blocks of 32	*/
static inline void
unpack_iq3_s(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 110)
		for (int k = 0; k < 32; k++, out += 8) {
			const int high = p[66 + k / 4] >> k % 4 * 2, s = p[106 + k / 8] >> k / 4 % 2 * 4 & 15;
			const uint32_t levels = grid_iq3_s[p[2 + 2 * k] | (high & 1) << 8] |
				(uint32_t)grid_iq3_s[p[3 + 2 * k] | (high & 2) << 7] << 16;
			const float scale = half_at(p) * (float)(2 * s + 1);
			for (int i = 0; i < 8; i++)
				out[i] = scale * (float)(((int)(levels >> 4 * i & 7) * 2 + 1) * sign(p[74 + k], i));
		}
}

/* 8 weights from the grid of IQ1: the levels are worth -1, 0 and 1, all shifted by an eighth. */
static inline void
unpack_iq1(unsigned levels, bool down, float scale, float *restrict out)
{
	for (int i = 0; i < 8; i++)
		out[i] = scale * ((float)(levels >> 2 * i & 3) + (down ? -1.125f : -0.875f));
}

/*	+---+------------+--------------------------------+
 *	| d | 32 x q low | 8 x (4 x q high 3, s 3, shift) |	w = d (2 s + 1) (grid[q] +- 1/8),
 *	+-2-+-----32-----+---------------16---------------+	- if shift; blocks of 32	*/
static inline void
unpack_iq1_s(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 50) {
		const float d = half_at(p);
		for (int k = 0; k < 32; k++, out += 8) {
			const unsigned block = le16(p + 34 + k / 4 * 2);
			const unsigned q = p[2 + k] | (block >> k % 4 * 3 & 7) << 8;
			unpack_iq1(grid_iq1[q], block >> 15, d * (float)(2 * (block >> 12 & 7) + 1), out);
		}
	}
}

/*	+------------+------------------------+----------------------+
 *	| 32 x q low | 32 x (q high 3, shift) | 4 x (4 x s 3, d's 4) |	as IQ1_S; blocks of 16. d is in
 *	+-----32-----+-----------16-----------+----------8-----------+	four nibbles, the lowest first	*/
static inline void
unpack_iq1_m(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 56) {
		const uint64_t s = le64(p + 48);
		const float d = half_to_float((uint16_t)((s >> 12 & 0xf) | (s >> 24 & 0xf0) | (s >> 36 & 0xf00) |
			(s >> 48 & 0xf000)));
		for (int k = 0; k < 32; k++, out += 8) {
			const unsigned high = p[32 + k / 2] >> k % 2 * 4, q = p[k] | (high & 7) << 8;
			const unsigned scale = (unsigned)(s >> (k / 8 * 16 + k / 2 % 4 * 3)) & 7;
			unpack_iq1(grid_iq1[q], high & 8, d * (float)(2 * scale + 1), out);
		}
	}
}
