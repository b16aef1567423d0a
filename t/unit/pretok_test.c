/* pretok_test.c - cut the NUL-ended records of stdin as the pre-tokenizer named on
 * the command line does; print the words' lengths in bytes, a line a record. */
#include <string.h>

#include "util.h"
#include "vocab/pretok.h"

const char progname[] = "pretok_test";
const char usage_text[] = "usage: pretok_test name <records\n";

int
main(int argc, char **argv)
{
	const struct pretok *p = argc == 2 ? pretok_find(argv[1], strlen(argv[1])) : NULL;
	if (!p)
		die_usage("the name of a pre-tokenizer is wanted: %s", pretok_names());
	struct pretok_state st = {.begun = false};
	char *in = NULL;
	size_t n = 0, cap = 0, got;
	do {
		in = grow(in, &cap, n + (1 << 16), 1);
		got = read_some(0, -1, in + n, cap - n, "stdin");
		n += got;
	} while (got);
	for (char *s = in, *end; s < in + n && (end = memchr(s, 0, (size_t)(in + n - s))); s = end + 1) {
		for (size_t len; s < end; s += len) {
			len = pretok_next(p, &st, (unsigned char *)s, (size_t)(end - s), in + n - end >= PRETOK_PAD);
			printf("%zu ", len);
		}
		putchar('\n');
	}
	pretok_free(&st);
	xfree(in);
	return 0;
}
