/*
 * charsmap.h - SentencePiece's normalization rules: precompiled_charsmap.
 *
 *	u32 bytes of the trie, the trie, texts each ended by NUL
 *
 * The trie is a double array of u32 units as Darts-clone has it (github.com/s-yata/darts-clone,
 * include/darts.h), its values are places in the texts. Little-endian.
 */
#ifndef CHARSMAP_H
#define CHARSMAP_H

#include "util.h"

struct charsmap {
	const unsigned char *units;	/* in the blob, which must outlive it */
	size_t n;			/* units; 0: no rules */
	const char *texts;
	size_t n_texts;			/* bytes, the last one NUL */
};

/* Read the n bytes of a blob, of which none is no rule; dies, naming `path`, where it is none. Nothing else
 * in it is trusted: whatever lies outside ends a search. */
struct charsmap charsmap_read(const char *path, const unsigned char *p, size_t n);

/* The longest prefix of s[0..n) (or the shortest) that a rule replaces: its length, and the text
 * for it in *to; 0: there is none. *open is set where more behind s[0..n) might make it longer. */
size_t charsmap_longest(const struct charsmap *c, const unsigned char *s, size_t n, struct str *to, bool *open);
size_t charsmap_shortest(const struct charsmap *c, const unsigned char *s, size_t n, struct str *to);

#endif
