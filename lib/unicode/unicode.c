/* unicode.c - UTF-8 and general categories; see unicode.h. */
#include "unicode.h"

#include "unicode_tables.h"

#include <stdbool.h>

static size_t
invalid(uint32_t *cp)
{
	*cp = CP_INVALID;
	return 1;
}

static uint32_t
later(unsigned char c)
{
	return c & 0x3Fu;
}

static bool
follows(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

size_t
utf8_long(const unsigned char *s, size_t n, uint32_t *cp)
{
	const unsigned c = s[0];
	if (c < 0xC2 || c > 0xF4 || n < 2 || !follows(s[1]))
		return c < 0x80 ? (*cp = c, 1) : invalid(cp);
	if (c < 0xE0) {
		*cp = (c & 0x1F) << 6 | later(s[1]);
		return 2;
	}
	if (n < 3 || !follows(s[2]))
		return invalid(cp);
	if (c < 0xF0) {
		*cp = (c & 0xF) << 12 | later(s[1]) << 6 | later(s[2]);
		return *cp < 0x800 || (*cp >= 0xD800 && *cp < 0xE000) ? invalid(cp) : 3;
	}
	if (n < 4 || !follows(s[3]))
		return invalid(cp);
	*cp = (c & 7) << 18 | later(s[1]) << 12 | later(s[2]) << 6 | later(s[3]);
	return *cp < 0x10000 || *cp > 0x10FFFF ? invalid(cp) : 4;
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
