/*
 * codes_iq.h - part of codes.h: the IQ formats whose quants are numbers of vectors in a grid.
 *
 * Here the grids are tables of bytes (codes_iq.c): what a format's pictures (lib/weights/unpack_iq.h) call
 * levels, as sizes. A load brings 8 weights, or 4 of IQ3, and their signs are set in a word.
 */
#ifndef CODES_IQ_H
#define CODES_IQ_H

extern const uint8_t bytes_iq2_xxs[256][8], bytes_iq2_xs[512][8], bytes_iq2_s[1024][8];
extern const uint8_t bytes_iq3_xxs[256][4], bytes_iq3_s[512][4];
extern const uint8_t bytes_iq1[2048][8];	/* levels are eighths: 0, 8, 16 */

static inline uint64_t
eight_at(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* Bit i of the signs makes byte i of the sizes negative; no size is 0. */
static inline void
put_signed8(int8_t *q, uint64_t sizes, unsigned signs)
{
	static const unsigned char bit[8] = {1, 2, 4, 8, 16, 32, 64, 128};
	const uint64_t all = 0x0101010101010101, set = (all * signs & eight_at(bit)) + all * 127;
	const uint64_t one = set >> 7 & all;
	sizes = (sizes ^ one * 255) + one; /* -x = ~x + 1 */
	memcpy(q, &sizes, sizeof sizes);
}

/* Two vectors of IQ3. */
static inline uint64_t
four_and_four(const uint8_t *a, const uint8_t *b)
{
	uint8_t both[8];
	memcpy(both, a, 4);
	memcpy(both + 4, b, 4);
	return eight_at(both);
}

static inline void
codes_iq2_xxs(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 66);
	(void)n;
	c->whole[0] = scale_at(p) * 0.125f;
	for (int k = 0; k < 32; k++) {
		const unsigned char *restrict q = p + 2 + k / 4 * 8;
		const uint32_t signs = le32(q + 4);
		c->d[k / 4] = (float)(2 * (signs >> 28) + 1);
		put_signed8(c->q + k * 8, eight_at(bytes_iq2_xxs[q[k % 4]]), even_signs(signs >> 7 * (k % 4) & 127));
	}
}

static inline void
codes_iq2_xs(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 74);
	(void)n;
	c->whole[0] = scale_at(p) * 0.125f;
	for (int b = 0; b < 16; b++)
		c->d[b] = (float)(2 * (p[66 + b / 2] >> b % 2 * 4 & 15) + 1);
	for (int k = 0; k < 32; k++) {
		const unsigned q = le16(p + 2 + k * 2);
		put_signed8(c->q + k * 8, eight_at(bytes_iq2_xs[q & 511]), even_signs(q >> 9));
	}
}

static inline void
codes_iq2_s(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 82);
	(void)n;
	c->whole[0] = scale_at(p) * 0.125f;
	for (int b = 0; b < 16; b++)
		c->d[b] = (float)(2 * (p[74 + b / 2] >> b % 2 * 4 & 15) + 1);
	for (int k = 0; k < 32; k++)
		put_signed8(c->q + k * 8, eight_at(bytes_iq2_s[p[2 + k] | (p[66 + k / 4] >> k % 4 * 2 & 3) << 8]), p[34 + k]);
}

static inline void
codes_iq3_xxs(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 98);
	(void)n;
	c->whole[0] = scale_at(p) * 0.25f;
	for (int k = 0; k < 32; k++) {
		const uint32_t block = le32(p + 66 + k / 4 * 4);
		c->d[k / 4] = (float)(2 * (block >> 28) + 1);
		put_signed8(c->q + k * 8, four_and_four(bytes_iq3_xxs[p[2 + 2 * k]], bytes_iq3_xxs[p[3 + 2 * k]]),
			even_signs(block >> k % 4 * 7 & 127));
	}
}

static inline void
codes_iq3_s(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 110);
	(void)n;
	c->whole[0] = scale_at(p);
	for (int b = 0; b < 8; b++)
		c->d[b] = (float)(2 * (p[106 + b / 2] >> b % 2 * 4 & 15) + 1);
	for (int k = 0; k < 32; k++) {
		const int high = p[66 + k / 4] >> k % 4 * 2;
		put_signed8(c->q + k * 8, four_and_four(bytes_iq3_s[p[2 + 2 * k] | (high & 1) << 8],
			bytes_iq3_s[p[3 + 2 * k] | (high & 2) << 7]), p[74 + k]);
	}
}

/* 8 weights of IQ1 in eighths: -1, 0 and 1, and an eighth more or less. */
static inline void
put_shifted8(int8_t *q, const uint8_t *levels, bool down)
{
	for (int i = 0; i < 8; i++)
		q[i] = (int8_t)(levels[i] - (down ? 9 : 7));
}

static inline void
codes_iq1_s(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 50);
	(void)n;
	c->whole[0] = scale_at(p) * 0.125f;
	for (int k = 0; k < 32; k++) {
		const unsigned block = le16(p + 34 + k / 4 * 2);
		c->d[k / 4] = (float)(2 * (block >> 12 & 7) + 1);
		put_shifted8(c->q + k * 8, bytes_iq1[p[2 + k] | (block >> k % 4 * 3 & 7) << 8], block >> 15);
	}
}

static inline void
codes_iq1_m(const struct tensor *t, size_t row, size_t first, size_t n, struct codes *restrict c)
{
	const unsigned char *restrict p = blocks_at(t, row, first, 256, 56);
	const uint64_t s = le64(p + 48);
	c->whole[0] = 0.125f * half_to_float((uint16_t)((s >> 12 & 0xf) | (s >> 24 & 0xf0) | (s >> 36 & 0xf00) |
		(s >> 48 & 0xf000)));
	(void)n;
	for (int k = 0; k < 32; k++) {
		const unsigned high = p[32 + k / 2] >> k % 2 * 4;
		const unsigned scale = (unsigned)(s >> (k / 8 * 16 + k / 2 % 4 * 3)) & 7;
		c->d[k / 2] = (float)(2 * scale + 1);
		put_shifted8(c->q + k * 8, bytes_iq1[p[k] | (high & 7) << 8], high & 8);
	}
}

#endif
