/* schema.c - JSON schemas of any bytes: refused in a line, or they run. */
#include "grammar_walk.h"

#include "grammar/schema.h"

static struct grammar *
read_grammar(const unsigned char *data, size_t n)
{
	return schema_read("fuzz", (const char *)data, n);
}
