/* json_test.c - stdin as JSON, its values printed again: what Python's json must read the same. */
#include "json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char progname[] = "json_test";
const char usage_text[] = "usage: json_test <file.json\n";

static void
put_str(struct str s)
{
	putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c == '"' || c == '\\')
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* Depth is bounded by JSON_DEPTH. */
static void
put(const struct json_doc *d, const struct json *v)
{
	static const char *const words[] = {"null", "false", "true"};
	const struct json *c = json_first(v);
	if (v->type <= JSON_TRUE)
		fputs(words[v->type], stdout);
	else if (v->type == JSON_NUMBER)
		printf("%.17g", json_float(d, v, "it", 0));
	else if (v->type == JSON_STRING)
		put_str(json_str(d, v));
	else {
		putchar(v->type == JSON_OBJECT ? '{' : '[');
		for (size_t i = 0; i < v->n; i++, c = json_next(c)) {
			if (i)
				putchar(',');
			if (v->type == JSON_OBJECT) {
				put(d, c);
				putchar(':');
				c = json_next(c);
			}
			put(d, c);
		}
		putchar(v->type == JSON_OBJECT ? '}' : ']');
	}
}

int
main(void)
{
	char *text = NULL;
	size_t have = 0, cap = 0;
	start();
	for (size_t got = 1; got; have += got) {
		text = grow(text, &cap, have + 65536, 1);
		got = read_some(0, -1, text + have, cap - have, "stdin");
	}
	struct json_doc *d = json_read("stdin", text, have);
	put(d, d->node);
	putchar('\n');
	return 0;
}
