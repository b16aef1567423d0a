/* times.h - how often a part is repeated, as regular expressions and GBNF say it: * + ? {2} {2,} {,5} {2,5}. */
#ifndef TIMES_H
#define TIMES_H

#include "grammar.h"

struct times {
	uint32_t least, most;
};

/* Take what stands at *p, with `blanks` between its parts if there may be some. False: it is no repetition; or, if
 * *why is set, it is a bad one: that is wrong at *p. */
bool times_read(const char **p, const char *end, bool blanks, struct times *t, const char **why);

#endif
