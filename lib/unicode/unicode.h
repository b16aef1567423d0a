/*
 * unicode.h - UTF-8 and the general categories that pre-tokenizers ask for.
 */
#ifndef UNICODE_H
#define UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* The tables of unicode_tables.h. */
extern const uint8_t unicode_top[272];
extern const uint16_t unicode_page[];
extern const uint64_t unicode_block[];
extern const uint16_t unicode_ascii[256];

/* General categories, as far as they are told apart: U_P is P but for Pc, U_SPACE White_Space. */
enum ucat {
	U_OTHER, U_LU, U_LL, U_LT, U_LM, U_LO, U_MN, U_MC, U_ME, U_ND, U_NL, U_NO, U_PC, U_P, U_S, U_SPACE
};

/* Sets of them, for in_set(). */
#define U_BIT(cat) (1u << (cat))
#define SET_L (U_BIT(U_LU) | U_BIT(U_LL) | U_BIT(U_LT) | U_BIT(U_LM) | U_BIT(U_LO))
#define SET_M (U_BIT(U_MN) | U_BIT(U_MC) | U_BIT(U_ME))
#define SET_N (U_BIT(U_ND) | U_BIT(U_NL) | U_BIT(U_NO))
#define SET_P (U_BIT(U_PC) | U_BIT(U_P))
#define SET_S U_BIT(U_S)
#define SET_SPACE U_BIT(U_SPACE)
#define SET_ALL 0xFFFFu

/* What a byte that is no part of valid UTF-8 counts as: a character of its own,
 * treated like U+FFFD, which other tokenizers put in its place. */
#define CP_INVALID 0xFFFDu

/*
 * The character at s, n > 0 bytes long: its code point in *cp; returns the
 * bytes it takes. A byte that begins no valid character (the Unicode standard's
 * table 3-7: overlong forms and surrogates are invalid) is CP_INVALID, 1 byte.
 */
size_t utf8_long(const unsigned char *s, size_t n, uint32_t *cp); /* the same, out of line */
static inline size_t
utf8_next(const unsigned char *s, size_t n, uint32_t *cp)
{
	*cp = s[0];
	return s[0] < 0x80 ? 1 : utf8_long(s, n, cp);
}

static inline int
all_ascii(const unsigned char *s, size_t n)
{
	unsigned char all = 0;
	for (size_t i = 0; i < n; i++)
		all |= s[i];
	return all < 0x80;
}

/* How many bytes at the end of s[0..n) begin a character but do not end it. */
size_t utf8_incomplete(const char *s, size_t n);

/* Write cp as UTF-8 into out, which has room for 4 bytes; returns how many. */
size_t utf8_put(unsigned char *out, uint32_t cp);

/* The category of a code point; U_OTHER from 0x110000 on. */
static inline enum ucat
unicode_cat(uint32_t cp)
{
	if (cp >= 0x110000)
		return U_OTHER;
	uint32_t page = unicode_page[unicode_top[cp >> 12] * 64u + (cp >> 6 & 63)];
	uint64_t word = unicode_block[page * 4u + (cp >> 4 & 3)];
	return (enum ucat)(word >> (cp & 15) * 4 & 15);
}

/* The set of a byte that is a character, 0 of others. */
static inline uint32_t
ascii_set(unsigned char c)
{
	return unicode_ascii[c];
}

#endif
