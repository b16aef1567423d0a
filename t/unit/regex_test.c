/* regex_test.c - matches of regular expressions: stdin holds pairs of a pattern and a text, each ended by
 * NUL; for each pair a line of the matches, "begin-end" in bytes. With -q: only how many there are. */
#include "regex.h"

#include <string.h>
#include <unistd.h>

const char progname[] = "regex_test";
const char usage_text[] = "usage: regex_test [-q] <pairs\n";

static void
show(struct regex *r, const char *text, size_t n, bool quiet)
{
	size_t m[2], count = 0;
	for (regex_begin(r, (const unsigned char *)text, n); regex_next(r, m); count++)
		if (!quiet)
			printf("%s%zu-%zu", count ? " " : "", m[0], m[1]);
	if (quiet)
		printf("%zu", count);
	putchar('\n');
}

int
main(int argc, char **argv)
{
	bool quiet = getopt(argc, argv, "q") == 'q';
	char *in = NULL, *text;
	size_t n = 0, cap = 0, got;
	do {
		in = grow(in, &cap, n + (1 << 16), 1);
		got = read_some(0, -1, in + n, cap - n, "stdin");
		n += got;
	} while (got);
	for (char *s = in, *end; s < in + n; s = end + 1) {
		text = memchr(s, 0, (size_t)(in + n - s));
		end = text ? memchr(text + 1, 0, (size_t)(in + n - text - 1)) : NULL;
		if (!end)
			die("stdin: a pattern or a text has no end");
		struct regex *r = regex_new("regex", (struct str){s, (size_t)(text - s)});
		show(r, text + 1, (size_t)(end - text - 1), quiet);
		regex_free(r);
	}
	xfree(in);
	return 0;
}
