/*
 * charset.h - sets of characters (code points): ranges, sorted once they are asked.
 */
#ifndef CHARSET_H
#define CHARSET_H

#include "util.h"

#define CHAR_MAX_CP 0x10FFFFu

struct charset {
	uint32_t (*range)[2];	/* first and last */
	size_t n, cap;
};

void charset_add(struct charset *s, uint32_t first, uint32_t last);
/* Sort, join what touches, leave out the surrogates, which no text has. */
void charset_tidy(struct charset *s);
/* All other characters; tidy afterwards. */
void charset_negate(struct charset *s);
/* Take the characters of a range out; tidy afterwards. */
void charset_remove(struct charset *s, uint32_t first, uint32_t last);
/* How many of the characters from first to last a tidy set has. */
uint32_t charset_count(const struct charset *s, uint32_t first, uint32_t last);
static inline bool
charset_has(const struct charset *s, uint32_t cp)
{
	return charset_count(s, cp, cp) != 0;
}
void charset_free(struct charset *s);

/* The value of a hexadecimal digit, or -1. */
static inline int
hex_digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

#endif
