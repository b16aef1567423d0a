/* gbnf.c - grammars in GBNF of any bytes: refused in a line, or they run. */
#include "grammar_walk.h"

#include "grammar/gbnf.h"

static struct grammar *
read_grammar(const unsigned char *data, size_t n)
{
	return gbnf_read("fuzz", (const char *)data, n);
}
