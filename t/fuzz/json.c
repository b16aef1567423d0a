/* json.c - JSON of any bytes: what is read can be walked, and lies inside the text. */
#include "fuzz.h"

#include "json.h"

#include <string.h>

const size_t fuzz_base = 1 << 20;

struct input {
	const unsigned char *data;
	size_t n;
	struct json_doc *doc;
};

static void
read_it(void *arg)
{
	struct input *in = arg;
	in->doc = json_read("fuzz.json", (const char *)in->data, in->n);
}

static unsigned long
sum(struct str s)
{
	unsigned long x = 0;
	for (size_t i = 0; i < s.n; i++)
		x += (unsigned char)s.p[i];
	return x;
}

static void
walk(const struct json_doc *d)
{
	unsigned long total = 0;
	CHECK(d->node[0].skip == d->n_nodes);
	for (const struct json *v = d->node; v < d->node + d->n_nodes; v++) {
		const struct json *c = json_first(v);
		if (v->type == JSON_STRING)
			total += sum(json_str(d, v));
		if (v->type < JSON_ARRAY)
			continue;
		for (size_t i = 0; i < v->n * (v->type == JSON_OBJECT ? 2 : 1); i++, c = json_next(c))
			CHECK(c < d->node + d->n_nodes && (v->type == JSON_ARRAY || i % 2 || c->type == JSON_STRING));
		CHECK(c == v + v->skip);
	}
	json_path(d, "a.b.a");
	CHECK(total <= 255 * (unsigned long)(d->n_unescaped + fuzz_base));
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct input in = {data, n, NULL};
	if (fuzz_try(read_it, &in))
		walk(in.doc);
	else
		CHECK(fuzz_err.n > 0);
}
