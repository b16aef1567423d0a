/* jinja.c - chat templates of any bytes, parsed and run: bounded, and foreign text stays foreign. */
#include "fuzz.h"

#include "jinja/jinja.h"

#include <string.h>

const size_t fuzz_base = (size_t)300 << 20;	/* what jinja.h allows a template */

struct input {
	const unsigned char *data;
	size_t n;
	struct jinja *j;
	struct jinja_str out;
};

static void
message(struct jinja *j, struct jinja_value list, const char *role, struct jinja_value content)
{
	struct jinja_value m = jinja_dict(j);
	jinja_put(j, m, "role", jinja_text(j, role, strlen(role), false));
	jinja_put(j, m, "content", content);
	jinja_push(j, list, m);
}

static void
render(void *arg)
{
	struct input *in = arg;
	struct jinja *j = in->j = jinja_parse("fuzz.jinja", (const char *)in->data, in->n);
	struct jinja_value v = jinja_dict(j), list = jinja_list(j);
	message(j, list, "system", jinja_text(j, "Be\x07 kind", 8, false));
	message(j, list, "user", jinja_text(j, "\x01\x02 \x03", 4, true));
	message(j, list, "assistant", jinja_mark(j, 0));
	message(j, list, "user", jinja_text(j, "\xff\x04", 2, true));
	jinja_put(j, v, "messages", list);
	jinja_put(j, v, "add_generation_prompt", jinja_bool(true));
	jinja_put(j, v, "tools", jinja_none());
	jinja_put(j, v, "bos_token", jinja_text(j, "<s>", 3, false));
	in->out = jinja_render(j, v);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct input in = {.data = data, .n = n};
	bool own = false; /* whether the template spells such characters itself, or could */
	for (size_t i = 0; i < n; i++)
		own |= data[i] == '\\' || data[i] == 1 || data[i] == 2 || data[i] == 3 || data[i] == 4;
	if (!fuzz_try(render, &in)) {
		CHECK(fuzz_err.n > 0);
		return;
	}
	for (size_t i = 0; i < in.out.n; i++) {
		uint32_t c = in.out.p[i];
		if ((c & ~JINJA_FOREIGN) >= 1 && (c & ~JINJA_FOREIGN) <= 4 && !own)
			CHECK(c & JINJA_FOREIGN);
	}
	jinja_reset(in.j);
}
