/* pretok_test.c - cut the NUL-ended records of stdin as the pre-tokenizer named on
 * the command line does; print the words' lengths in bytes, a line a record. */
#include <string.h>

#include "util.h"
#include "vocab/vocab_hf.h"

const char progname[] = "pretok_test";
const char usage_text[] = "usage: pretok_test name <records\n";

/* The same of a row of regular expressions. */
static void
by_steps(struct hf *h, const unsigned char *s, size_t n)
{
	hf_set_room(h, n);
	hf_words(h, s, n, true, false, false);
	for (size_t i = 0; i < h->n_words; i++)
		printf("%zu ", h->words[i].end - h->words[i].begin);
}

int
main(int argc, char **argv)
{
	const struct pretok *p = argc == 2 ? pretok_find(argv[1], strlen(argv[1])) : NULL;
	if (!p)
		die_usage("the name of a pre-tokenizer is wanted: %s", pretok_names());
	struct pretok_state st = {{0}};
	struct hf *steps = p->regex[0] ? hf_from_pretok(p, p->names) : NULL;
	char *in = NULL;
	size_t n = 0, cap = 0, got;
	do {
		in = grow(in, &cap, n + (1 << 16), 1);
		got = read_some(0, -1, in + n, cap - n, "stdin");
		n += got;
	} while (got);
	for (char *s = in, *end; s < in + n && (end = memchr(s, 0, (size_t)(in + n - s))); s = end + 1) {
		if (steps)
			by_steps(steps, (unsigned char *)s, (size_t)(end - s));
		for (size_t len; !steps && s < end; s += len) {
			len = pretok_next(p, &st, (unsigned char *)s, (size_t)(end - s), in + n - end >= PRETOK_PAD);
			printf("%zu ", len);
		}
		putchar('\n');
	}
	hf_free(steps);
	xfree(in);
	return 0;
}
