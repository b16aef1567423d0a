/* text.c - text that grows until it is written; see text.h. */
#include "text.h"

#include "unicode/unicode.h"

#include <stdarg.h>
#include <string.h>

void
bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (!n)
		return;
	b->s = grow(b->s, &b->cap, b->n + n, 1);
	memcpy(b->s + b->n, p, n);
	b->n += n;
}

void
bytes_drop(struct bytes *b, size_t n)
{
	if (!n)
		return;
	b->n -= n;
	memmove(b->s, b->s + n, b->n);
}

void
bytes_print(struct bytes *b, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	const int n = vsnprintf(NULL, 0, fmt, ap);
	b->s = grow(b->s, &b->cap, b->n + (size_t)n + 1, 1);
	vsnprintf((char *)b->s + b->n, (size_t)n + 1, fmt, again);
	b->n += (size_t)n;
	va_end(again);
	va_end(ap);
}

/* Characters that a terminal obeys: C0, DEL and C1. */
static bool
is_control(uint32_t cp)
{
	return cp < 32 || (cp >= 127 && cp < 0xa0);
}

void
bytes_escape(struct bytes *b, const void *p, size_t n)
{
	const unsigned char *s = p;
	uint32_t cp;
	for (size_t len; n; s += len, n -= len) {
		len = utf8_next(s, n, &cp);
		if (*s == '\\' || *s == '\n' || *s == '\t') {
			bytes_print(b, "\\%c", *s == '\\' ? '\\' : *s == '\n' ? 'n' : 't');
		} else if (is_control(cp) || (cp == CP_INVALID && len == 1)) {
			for (size_t i = 0; i < len; i++)
				bytes_print(b, "\\0%03o", s[i]);
		} else {
			bytes_add(b, s, len);
		}
	}
}
