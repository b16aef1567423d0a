/*
 * unpack_k.h - part of unpack.h: superblocks of 256 weights, the K-quants and the
 * ternary formats.
 *
 * A superblock is 16 blocks of 16 weights or 8 of 32; each has a small scale (and a
 * minimum) of its own, s, next to the half-precision d and m of all. Quants of n bits
 * lie n bits apart in 32 bytes that hold 32 weights at each of the 8/n places. Every
 * product here is exact in float32 (11 bits of d, at most 7 of s, at most 5 of q):
 * only a subtraction of the minimum rounds, so the order of factors does not matter.
 */

/*	+-----------+----------+---+---+
 *	| s 4, t 4  | q 2 bits | d | m |	w = d s q - m t, a byte of s and t for 16 weights
 *	+----16-----+----64----+-2-+-2-+	*/
static inline void
unpack_q2_k(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 84) {
		const float d = half_at(p + 80), m = half_at(p + 82);
		for (int b = 0; b < 16; b++, out += 16) {
			const unsigned char *restrict q = p + 16 + b / 8 * 32 + b % 2 * 16;
			const float scale = d * (float)(p[b] & 15), min = m * (float)(p[b] >> 4);
			for (int i = 0; i < 16; i++)
				out[i] = scale * (float)(q[i] >> b / 2 % 4 * 2 & 3) - min;
		}
	}
}

/* The scale of block b in 12 bytes of 16 numbers of 6 bits: the low 4 bits of numbers 0
 * to 7 in the low nibbles of 8 bytes, those of 8 to 15 in the high ones; then the high 2
 * bits of numbers b, b + 4, b + 8, b + 12 in a byte. */
static inline int
q3_k_scale(const unsigned char *s, int b)
{
	return (s[b % 8] >> b / 8 * 4 & 15) | (s[8 + b % 4] >> b / 4 * 2 & 3) << 4;
}

/*	+-------+----------+----------+---+
 *	| third | q 2 bits | s 6 bits | d |	w = d (s - 32) (q - 4), or d (s - 32) q where
 *	+--32---+----64----+----12----+-2-+	bit b/2 of `third` is set (block b of 16)	*/
static inline void
unpack_q3_k(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 110) {
		const float d = half_at(p + 108);
		for (int b = 0; b < 16; b++, out += 16) {
			const unsigned char *restrict third = p + b % 2 * 16, *restrict q = third + 32 + b / 8 * 32;
			const float scale = d * (float)(q3_k_scale(p + 96, b) - 32);
			for (int i = 0; i < 16; i++)
				out[i] = scale * (float)((q[i] >> b / 2 % 4 * 2 & 3) + (third[i] >> b / 2 & 1) * 4 - 4);
		}
	}
}

/* Scale s and minimum t of block b in 12 bytes of 8 pairs of 6 bits: s of blocks 0 to 3,
 * t of 0 to 3 in the low 6 bits of 8 bytes, whose high 2 bits are those of s and t of
 * blocks 4 to 7; the low 4 bits of these share a byte, s below t. */
static inline void
k_scale(const unsigned char *p, int b, int *s, int *t)
{
	if (b < 4) {
		*s = p[b] & 63;
		*t = p[b + 4] & 63;
	} else {
		*s = (p[b + 4] & 15) | p[b - 4] >> 6 << 4;
		*t = p[b + 4] >> 4 | p[b] >> 6 << 4;
	}
}

/*	+---+---+-------------+----------+
 *	| d | m | s, t 6 bits | q 4 bits |	w = d s q - m t, blocks of 32
 *	+-2-+-2-+-----12------+---128----+	*/
static inline void
unpack_q4_k(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 144) {
		const float d = half_at(p), m = half_at(p + 2);
		for (int b = 0; b < 8; b++, out += 32) {
			const unsigned char *restrict q = p + 16 + b / 2 * 32;
			int s, u;
			k_scale(p + 4, b, &s, &u);
			const float scale = d * (float)s, min = m * (float)u;
			for (int i = 0; i < 32; i++)
				out[i] = scale * (float)(q[i] >> b % 2 * 4 & 15) - min;
		}
	}
}

/*	+---+---+-------------+-------+----------+
 *	| d | m | s, t 6 bits | fifth | q 4 bits |	as Q4_K; bit b of fifth[i] is bit 4 of
 *	+-2-+-2-+-----12------+--32---+---128----+	q of weight i in block b	*/
static inline void
unpack_q5_k(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 176) {
		const float d = half_at(p), m = half_at(p + 2);
		for (int b = 0; b < 8; b++, out += 32) {
			const unsigned char *restrict fifth = p + 16, *restrict q = p + 48 + b / 2 * 32;
			int s, u;
			k_scale(p + 4, b, &s, &u);
			const float scale = d * (float)s, min = m * (float)u;
			for (int i = 0; i < 32; i++)
				out[i] = scale * (float)((q[i] >> b % 2 * 4 & 15) | (fifth[i] >> b & 1) << 4) - min;
		}
	}
}

/*	+----------+----------+--------+---+
 *	| low 4    | high 2   | s int8 | d |	w = d s (q - 32), q = low + 16 high; 16 weights
 *	+---128----+----64----+---16---+-2-+	a scale. 64 bytes of `low` hold 128 weights	*/
static inline void
unpack_q6_k(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 210) {
		const float d = half_at(p + 208);
		for (int b = 0; b < 16; b++, out += 16) {
			const unsigned char *restrict low = p + b / 8 * 64 + b % 4 * 16;
			const unsigned char *restrict high = p + 128 + b / 8 * 32 + b % 2 * 16;
			const float scale = d * (float)(int8_t)p[192 + b];
			for (int i = 0; i < 16; i++)
				out[i] = scale * (float)((low[i] >> b / 4 % 2 * 4 & 15) +
					(high[i] >> b / 2 % 4 * 2 & 3) * 16 - 32);
		}
	}
}

/* n weights, each the first of the ternary digits that are left of q[i] after those of
 * the `power` 1, 3, 9 ...: a byte is a fraction in units of 1/256, so its digits come out by
 * multiplying with 3. */
static inline void
ternary(const unsigned char *restrict q, int n, int power, float d, float *restrict out)
{
	for (int i = 0; i < n; i++)
		out[i] = d * (float)(((q[i] * power & 255) * 3 >> 8) - 1);
}

/*	+-------------+-------------+-------------+---+
 *	| 5 x 32      | 5 x 16      | 4 x 4       | d |	w = d (q - 1); 5 ternary digits a byte,
 *	+-----32------+-----16------+------4------+-2-+	first those that come first	*/
static inline void
unpack_tq1_0(const struct tensor *t, size_t row, float *restrict out)
{
	static const unsigned char power[5] = {1, 3, 9, 27, 81};
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 54) {
		const float d = half_at(p + 52);
		for (int k = 0; k < 5; k++, out += 32)
			ternary(p, 32, power[k], d, out);
		for (int k = 0; k < 5; k++, out += 16)
			ternary(p + 32, 16, power[k], d, out);
		for (int k = 0; k < 4; k++, out += 4)
			ternary(p + 48, 4, power[k], d, out);
	}
}

/*	+----------+---+
 *	| q 2 bits | d |	w = d (q - 1)
 *	+----64----+-2-+	*/
static inline void
unpack_tq2_0(const struct tensor *t, size_t row, float *restrict out)
{
	const unsigned char *restrict p = row_of(t, row);
	for (size_t n = t->dim[0] / 256; n--; p += 66) {
		const float d = half_at(p + 64);
		for (int b = 0; b < 8; b++, out += 32)
			for (int i = 0; i < 32; i++)
				out[i] = d * (float)((p[b / 4 * 32 + i] >> b % 4 * 2 & 3) - 1);
	}
}
