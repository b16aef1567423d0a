/*
 * normal.h - Unicode's normalization forms (UAX 15), marks and small letters, of the Unicode
 * versions that Hugging Face's tokenizers have (t/gen/normal.py).
 */
#ifndef NORMAL_H
#define NORMAL_H

#include "text.h"

/* Append the form of s[0..n) to out: decomposed, canonically or by compatibility, and composed again
 * if `compose`. Bytes that are no UTF-8 stay as they are. O(n log n) at worst. */
void normalize(const unsigned char *s, size_t n, bool compatible, bool compose, struct bytes *out);

/* The last place to cut a text that goes on behind s[0..n): the forms of both sides are that of the whole, whatever follows. 0: there is none. */
size_t normal_cut(const unsigned char *s, size_t n, bool compatible, bool compose);

/* Whether a character is a combining mark. */
bool is_mark(uint32_t cp);
/* A character's small letter, or itself; U+0130 has two and is left as it is. */
uint32_t small_letter(uint32_t cp);
/* Call fn for each character that has a small letter. */
void each_capital(void (*fn)(uint32_t cp, void *arg), void *arg);
/* Append s[0..n) in small letters, each character for itself: Unicode's rules for U+03A3 at
 * a word's end are not asked. */
void lowercase(const unsigned char *s, size_t n, struct bytes *out);

#endif
