/* jinja_test.c - render the template in file 1 with the variables of the JSON in file 2. */
#include "jinja/jinja.h"
#include "unicode/unicode.h"

const char progname[] = "jinja_test";
const char usage_text[] = "usage: jinja_test template variables.json\n";

int
main(int argc, char **argv)
{
	start();
	if (argc != 3)
		die_usage("a template and its variables are wanted");
	struct map t = map_file(argv[1]), m = map_file(argv[2]);
	struct json_doc *d = json_read(argv[2], (const char *)m.data, m.size);
	struct jinja *j = jinja_parse(argv[1], (const char *)t.data, t.size);
	struct jinja_str s = jinja_render(j, jinja_json(j, d, d->node));
	for (size_t i = 0; i < s.n; i++) {
		unsigned char utf8[4];
		fwrite(utf8, 1, utf8_put(utf8, s.p[i]), stdout);
	}
	jinja_free(j);
	json_free(d);
	return 0;
}
