/*
 * vocab_test.c - encode the NUL-ended records of stdin, print their ids a line,
 * and make sure that they decode to what was encoded.
 *
 *	vocab_test [-s] [-r] [-p bytes] model <records
 *
 * -s: control pieces spelled in the text are taken as such. -r: records that do
 * not come back are no error. -p: compare with the ids of a text that comes so many bytes at a time, and print none.
 * Exit 1 if one does not come back, or has other ids.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parts.h"

const char progname[] = "vocab_test";
const char usage_text[] = "usage: vocab_test [-s] [-r] [-p bytes] model <records\n";

/* Whether the ids decode to text[0..n). */
static bool
comes_back(struct vocab *v, const uint32_t *ids, size_t n_ids, bool special, const char *text,
	size_t n)
{
	bool prefix = vocab_space_prefix(v);
	size_t at = 0;
	for (size_t i = 0; i < n_ids; i++) {
		size_t len;
		const char *p = vocab_line_text(v, ids[i], special, &prefix, &len);
		if (len > n - at || memcmp(p, text + at, len))
			return false;
		at += len;
	}
	return at == n;
}

/* The ids of a text that comes in parts, n_parts of them, are those of the whole. */
static void
compare(size_t n, size_t step, uint32_t *parts, size_t n_parts, const uint32_t *ids, size_t n_ids)
{
	if (n_parts != n_ids || (n_ids && memcmp(parts, ids, n_ids * sizeof *ids) != 0))
		die("a record of %zu bytes has %zu ids, others in parts of %zu bytes (%zu)", n, n_ids, step, n_parts);
	xfree(parts);
}

int
main(int argc, char **argv)
{
	bool special = false, lossy = false;
	size_t step = 0;
	for (int c; (c = getopt(argc, argv, "srp:")) != -1;)
		if (c == 'p')
			step = strtoul(optarg, NULL, 10);
		else
			*(c == 's' ? &special : c == 'r' ? &lossy : &(bool){false}) = true;
	if (optind + 1 != argc)
		die_usage("one model is wanted");
	struct vocab *v = vocab_open(argv[optind]);
	char *in = NULL;
	size_t n = 0, cap = 0, got, bad = 0;
	do {
		in = grow(in, &cap, n + (1 << 16), 1);
		got = read_some(0, -1, in + n, cap - n, "stdin");
		n += got;
	} while (got);
	uint32_t *ids = NULL;
	size_t n_ids, ids_cap = 0;
	for (char *p = in, *end; p < in + n; p = end + 1) {
		end = memchr(p, 0, (size_t)(in + n - p));
		if (!end)
			break;
		uint32_t *parts = NULL;
		size_t parts_cap = 0, n_parts = 0;
		if (step) /* first, so that nothing is left of the whole text */
			n_parts = encode_parts(v, p, (size_t)(end - p), special, step, &parts, &parts_cap);
		n_ids = 0;
		vocab_encode(v, p, (size_t)(end - p), special, &ids, &n_ids, &ids_cap);
		if (step)
			compare((size_t)(end - p), step, parts, n_parts, ids, n_ids);
		for (size_t i = 0; i < n_ids && !step; i++)
			printf("%s%u", i ? " " : "", (unsigned)ids[i]);
		if (!step)
			putchar('\n');
		if (!comes_back(v, ids, n_ids, special, p, (size_t)(end - p)))
			bad++;
	}
	if (bad && !lossy)
		die("%zu records do not come back", bad);
	vocab_free(v);
	xfree(ids);
	xfree(in);
	return 0;
}
