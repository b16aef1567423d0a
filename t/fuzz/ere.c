/* ere.c - regular expressions of POSIX of any bytes: refused in a line, or they run. */
#include "grammar_walk.h"

#include "ere.h"

#include <string.h>

const size_t fuzz_base = 1 << 29;

struct input {
	const unsigned char *data;
	size_t n;
	struct grammar *g;
};

static void
read_it(void *arg)
{
	struct input *in = arg;
	char *text = xcalloc(in->n + 1, 1);
	if (in->n)
		memcpy(text, in->data, in->n);
	in->g = ere_read("fuzz", text);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct input in = {data, n, NULL};
	if (fuzz_try(read_it, &in))
		grammar_walk(in.g, data, n);
	else
		CHECK(fuzz_err.n > 0);
}
