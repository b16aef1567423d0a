/*
 * grapheme.h - extended grapheme clusters (UAX 29), what readers take for one character: a
 * letter with its accents, an emoji of several parts.
 */
#ifndef GRAPHEME_H
#define GRAPHEME_H

#include <stddef.h>

/* The bytes of the cluster that begins s[0..n), n > 0. Of the rules GB9c is left out (consonants of
 * Indic scripts that a linker joins). */
size_t grapheme_next(const unsigned char *s, size_t n);

#endif
