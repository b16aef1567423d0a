/* ere.c - regular expressions of POSIX of any bytes: refused in a line, or they run. */
#include "grammar_walk.h"

#include "grammar/ere.h"

#include <string.h>

static struct grammar *
read_grammar(const unsigned char *data, size_t n)
{
	char *text = xcalloc(n + 1, 1);
	if (n)
		memcpy(text, data, n);
	return ere_read("fuzz", text);
}
