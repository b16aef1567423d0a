/* unicode.c - UTF-8 and general categories; see unicode.h. */
#include "unicode.h"

#include "unicode_tables.h"

size_t
utf8_next(const unsigned char *s, size_t n, uint32_t *cp)
{
	unsigned c = s[0], lo = 0x80, hi = 0xBF;
	size_t len = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
	uint32_t v = len < 2 ? c : c & (0x7Fu >> len);
	if (c == 0xE0)
		lo = 0xA0; /* shorter forms exist */
	else if (c == 0xED)
		hi = 0x9F; /* surrogates */
	else if (c == 0xF0)
		lo = 0x90;
	else if (c == 0xF4)
		hi = 0x8F; /* beyond U+10FFFF */
	if (len == 0 || len > n) {
		*cp = CP_INVALID;
		return 1;
	}
	for (size_t i = 1; i < len; i++, lo = 0x80, hi = 0xBF) {
		if (s[i] < lo || s[i] > hi) {
			*cp = CP_INVALID;
			return 1;
		}
		v = v << 6 | (s[i] & 0x3Fu);
	}
	*cp = v;
	return len;
}

size_t
utf8_incomplete(const char *s, size_t n)
{
	for (size_t back = 1; back <= 3 && back <= n; back++) {
		unsigned char c = (unsigned char)s[n - back];
		if (c < 0x80)
			return 0;
		if (c < 0xc0)
			continue; /* a later byte of a character */
		size_t need = c < 0xc2 || c > 0xf4 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		return need > back ? back : 0;
	}
	return 0;
}

size_t
utf8_put(unsigned char *out, uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (unsigned char)cp;
		return 1;
	}
	size_t len = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, cp >>= 6)
		out[i] = (unsigned char)(0x80 | (cp & 0x3F));
	out[0] = (unsigned char)(0xF00u >> len | cp);
	return len;
}

enum ucat
unicode_cat(uint32_t cp)
{
	if (cp >= 0x110000)
		return U_OTHER;
	uint32_t page = unicode_page[unicode_top[cp >> 12] * 64u + (cp >> 6 & 63)];
	uint64_t word = unicode_block[page * 4u + (cp >> 4 & 3)];
	return (enum ucat)(word >> (cp & 15) * 4 & 15);
}
