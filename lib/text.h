/*
 * text.h - text that grows until it is written.
 */
#ifndef TEXT_H
#define TEXT_H

#include "util.h"

/* Freed by its owner with xfree(s). */
struct bytes {
	unsigned char *s;
	size_t n, cap;
};

void bytes_add(struct bytes *b, const void *p, size_t n);
/* Let the first n go. */
void bytes_drop(struct bytes *b, size_t n);
void bytes_print(struct bytes *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* p[0..n) as printf %b reads it: in one line, without tabs or anything that a terminal obeys. */
void bytes_escape(struct bytes *b, const void *p, size_t n);

#endif
