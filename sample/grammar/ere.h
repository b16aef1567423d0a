/*
 * ere.h - regular expressions: POSIX's extended ones (-e), and those of ECMA-262 that JSON
 * schemas have, as far as an automaton can be what they say.
 */
#ifndef ERE_H
#define ERE_H

#include "grammar.h"

enum ere_kind { ERE_POSIX, ERE_ECMA };

/*
 * Read a pattern, which g->name holds: a diagnostic begins with that and `where`. Characters of
 * a set become what `chars` makes of them (NULL: themselves); it empties the set. POSIX's must
 * match the whole text, ECMA's a part of it; the text is that of the rule this is put into.
 */
expr ere_expr(struct grammar *g, const char *where, struct str pattern, enum ere_kind kind,
	expr (*chars)(struct grammar *g, struct charset *s));

/* The grammar of -e; `name` must live on. */
struct grammar *ere_read(const char *name, const char *pattern);

#endif
