/* regex.c - regular expressions of any bytes on any text: matches go on, and the two ways to find
 * them (side by side; by what can still match) find the same. */
#include "fuzz.h"

#include "regex_impl.h"

#include <stdlib.h>
#include <string.h>

const size_t fuzz_base = 16 << 20;	/* what a program of REGEX_MAX steps takes */

/* u8 n, n bytes of a pattern, the text */
struct input {
	struct str pattern;
	const unsigned char *text;
	size_t n;
	struct regex *r;
};

static void
compile(void *arg)
{
	struct input *in = arg;
	in->r = regex_new("fuzz", in->pattern);
}

static size_t
all(struct input *in, bool tables, size_t *ends, size_t room)
{
	size_t m[2], last = 0, n = 0;
	regex_begin(in->r, in->text, in->n);
	if (tables)
		in->r->spent = SIZE_MAX;
	for (; regex_next(in->r, m); n++) {
		CHECK(m[0] >= last && m[1] >= m[0] && m[1] <= in->n);
		CHECK(n == 0 || m[1] > last || m[0] < m[1]);
		last = m[1];
		if (n < room)
			ends[n] = m[0] * 65536 + m[1];
	}
	return n;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	if (n < 1 || n < (size_t)data[0] + 1)
		return;
	size_t length = n - 1 - data[0] < 2000 ? n - 1 - data[0] : 2000;
	unsigned char *text = malloc(length + 1); /* its very size, but for none */
	char *pattern = malloc((size_t)data[0] + 1);
	memcpy(text, data + 1 + data[0], length);
	memcpy(pattern, data + 1, data[0]);
	struct input in = {{pattern, data[0]}, text, length, NULL};
	if (fuzz_try(compile, &in)) {
		size_t ends[2][64];
		size_t a = all(&in, false, ends[0], 64), b = all(&in, true, ends[1], 64);
		CHECK(a == b && !memcmp(ends[0], ends[1], (a < 64 ? a : 64) * sizeof **ends));
		regex_free(in.r);
	} else
		CHECK(fuzz_err.n > 0);
	free(text);
	free(pattern);
}
