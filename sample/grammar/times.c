/* times.c - how often a part is repeated; see times.h. */
#include "times.h"

struct cursor {
	const char *p, *end;
	bool blanks;
};

static void
skip_blanks(struct cursor *c)
{
	while (c->blanks && c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}

static bool
take(struct cursor *c, char what)
{
	skip_blanks(c);
	if (c->p == c->end || *c->p != what)
		return false;
	c->p++;
	return true;
}

/* What is wrong, or NULL. */
static const char *
count(struct cursor *c, uint32_t *n)
{
	skip_blanks(c);
	if (c->p == c->end || *c->p < '0' || *c->p > '9')
		return "a number should stand here";
	for (*n = 0; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
		if ((*n = *n * 10 + (uint32_t)(*c->p - '0')) > GRAMMAR_TIMES_MAX)
			return "a count of more than 65536";
	return NULL;
}

/* Behind the brace. */
static const char *
counts(struct cursor *c, struct times *t)
{
	const char *why;
	bool range = take(c, ',');
	if (!range) {
		if ((why = count(c, &t->least)))
			return why;
		range = take(c, ',');
		t->most = range ? FOREVER : t->least;
	}
	if (range && take(c, '}'))
		return NULL;
	if (range && (why = count(c, &t->most)))
		return why;
	if (!take(c, '}'))
		return "'}' is missing";
	return t->most < t->least ? "a repetition whose most is less than its least" : NULL;
}

bool
times_read(const char **p, const char *end, bool blanks, struct times *t, const char **why)
{
	struct cursor c = {*p, end, blanks};
	*why = NULL;
	*t = (struct times){0, FOREVER};
	if (take(&c, '+'))
		t->least = 1;
	else if (take(&c, '?'))
		t->most = 1;
	else if (take(&c, '{'))
		*why = counts(&c, t);
	else if (!take(&c, '*'))
		return false;
	*p = c.p;
	return !*why;
}
