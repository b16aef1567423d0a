/* chat.c - a conversation as the model's template writes it; see chat.h. */
#include "chat.h"

#include "jinja/jinja.h"
#include "unicode/unicode.h"

#include <string.h>

struct chat {
	const char *path, *system;
	struct str bos, eos;
	struct jinja *template;
	char *said;			/* the user's turns, one behind the other */
	size_t n_said, said_cap;
	size_t *end;			/* of each, in said */
	size_t n_turns, turns_cap;
	struct chat_text out;
	size_t text_cap, trusted_cap;
};

struct chat *
chat_new(const struct vocab *v, const char *path, const char *system)
{
	struct str t = vocab_chat_template(v);
	if (!t.p)
		die("%s: no chat template in it: a model that was not trained to chat continues text, without -c", path);
	struct chat *c = xcalloc(1, sizeof *c);
	c->path = path;
	c->system = system;
	c->bos = vocab_bos_spelling(v);
	c->eos = vocab_eos_spelling(v);
	c->template = jinja_parse(path, t.p, t.n);
	return c;
}

void
chat_free(struct chat *c)
{
	if (!c)
		return;
	jinja_free(c->template);
	xfree(c->said);
	xfree(c->end);
	xfree(c->out.text);
	xfree(c->out.trusted);
	xfree(c);
}

void
chat_end(struct chat *c)
{
	c->n_said = c->n_turns = 0;
}

static void
message(struct jinja *j, struct jinja_value list, const char *role, struct jinja_value content)
{
	struct jinja_value m = jinja_dict(j);
	jinja_put(j, m, "role", jinja_text(j, role, strlen(role), false));
	jinja_put(j, m, "content", content);
	jinja_push(j, list, m);
}

/* The conversation so far; turn i's answer is mark i. */
static struct jinja_value
messages(const struct chat *c)
{
	struct jinja *j = c->template;
	struct jinja_value list = jinja_list(j);
	if (c->system)
		message(j, list, "system", jinja_text(j, c->system, strlen(c->system), true));
	for (size_t i = 0, from = 0; i < c->n_turns; from = c->end[i++]) {
		message(j, list, "user", jinja_text(j, c->said + from, c->end[i] - from, true));
		if (i + 1 < c->n_turns)
			message(j, list, "assistant", jinja_mark(j, (uint32_t)i));
	}
	return list;
}

/* What transformers' apply_chat_template() gives a template. */
static struct jinja_value
variables(const struct chat *c)
{
	struct jinja *j = c->template;
	struct jinja_value v = jinja_dict(j);
	jinja_put(j, v, "messages", messages(c));
	jinja_put(j, v, "add_generation_prompt", jinja_bool(true));
	jinja_put(j, v, "tools", jinja_none());
	jinja_put(j, v, "documents", jinja_none());
	if (c->bos.p)
		jinja_put(j, v, "bos_token", jinja_text(j, c->bos.p, c->bos.n, false));
	if (c->eos.p)
		jinja_put(j, v, "eos_token", jinja_text(j, c->eos.p, c->eos.n, false));
	return v;
}

/* What follows the last of the answers; all where there was none yet. */
static struct jinja_str
behind_answer(const struct chat *c, struct jinja_str s)
{
	if (c->n_turns < 2)
		return s;
	const uint32_t mark = JINJA_MARK | ((uint32_t)(c->n_turns - 2) & (JINJA_MARK - 1));
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == mark)
			return (struct jinja_str){s.p + i + 1, s.n - i - 1};
	die("%s: its chat template leaves the last answer out, so that nothing can follow it; "
	    "put an empty line between the questions",
		c->path);
}

static void
put(struct chat *c, uint32_t ch)
{
	struct chat_text *o = &c->out;
	unsigned char utf8[4] = {(unsigned char)ch};
	size_t n = ch & JINJA_BYTE ? 1 : utf8_put(utf8, ch & ~JINJA_FOREIGN);
	o->text = grow(o->text, &c->text_cap, o->n + n, 1);
	o->trusted = grow(o->trusted, &c->trusted_cap, o->n + n, sizeof *o->trusted);
	memcpy(o->text + o->n, utf8, n);
	for (size_t i = 0; i < n; i++)
		o->trusted[o->n + i] = !(ch & JINJA_FOREIGN);
	o->n += n;
}

const struct chat_text *
chat_user(struct chat *c, const char *text, size_t len)
{
	c->said = grow(c->said, &c->said_cap, c->n_said + len, 1);
	memcpy(c->said + c->n_said, text, len);
	c->n_said += len;
	c->end = grow(c->end, &c->turns_cap, c->n_turns + 1, sizeof *c->end);
	c->end[c->n_turns++] = c->n_said;

	struct jinja_str s = behind_answer(c, jinja_render(c->template, variables(c)));
	c->out.n = 0;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] & JINJA_MARK))
			put(c, s.p[i]);
	jinja_reset(c->template);
	return &c->out;
}
