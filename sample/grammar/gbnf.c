/* gbnf.c - read GBNF; see gbnf.h. */
#include "gbnf.h"

#include "times.h"
#include "unicode/unicode.h"

#include <string.h>

enum { DEPTH = 200 };

struct reader {
	struct grammar *g;
	const char *p, *end;
	uint32_t *slot;			/* rules by the hash of their names, + 1 */
	size_t n_slots;
	size_t *used;			/* where each rule is first used: its line */
	size_t cap_used;
	int depth;
	const char *counted;		/* lines up to here */
	size_t lines;
};

/* The line of what is read now. */
static size_t
line_of(struct reader *r)
{
	for (; r->counted < r->p; r->counted++)
		r->lines += *r->counted == '\n';
	return r->lines;
}

static _Noreturn void
bad(struct reader *r, const char *what)
{
	const size_t n = r->end - r->p < 20 ? (size_t)(r->end - r->p) : 20;
	const char *eol = n ? memchr(r->p, '\n', n) : NULL;
	die("%s:%zu: at '%.*s': %s", r->g->name, line_of(r), (int)(eol ? (size_t)(eol - r->p) : n), r->p, what);
}

static int
peek(const struct reader *r)
{
	return r->p < r->end ? (unsigned char)*r->p : -1;
}

static bool
take(struct reader *r, const char *text)
{
	const size_t n = strlen(text);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n))
		return false;
	r->p += n;
	return true;
}

/* Blanks and comments, across lines if `lines`. */
static void
blanks(struct reader *r, bool lines)
{
	for (int c; (c = peek(r)) == ' ' || c == '\t' || c == '#' || (lines && (c == '\n' || c == '\r')); r->p++)
		while (c == '#' && r->p + 1 < r->end && r->p[1] != '\n' && r->p[1] != '\r')
			r->p++;
}

static bool
is_name(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

/* The rule of the name that stands here. */
static uint32_t
name(struct reader *r)
{
	const char *from = r->p;
	while (is_name(peek(r)))
		r->p++;
	const size_t n = (size_t)(r->p - from);
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)from[i]) * 16777619u;
	for (h ^= h >> 15;; h++) {
		uint32_t at = r->slot[h & (r->n_slots - 1)];
		const char *known = at ? r->g->rule[at - 1].name : NULL;
		if (known && strlen(known) == n && !memcmp(known, from, n))
			return at - 1;
		if (!at)
			break;
	}
	if (2 * r->g->n_rules >= r->n_slots)
		bad(r, "more rules than there is room for");
	const uint32_t rule = grammar_rule(r->g, from, n);
	r->slot[h & (r->n_slots - 1)] = rule + 1;
	r->used = grow(r->used, &r->cap_used, rule + 1, sizeof *r->used);
	r->used[rule] = line_of(r);
	return rule;
}

static uint32_t
hex(struct reader *r, int digits)
{
	uint32_t x = 0;
	for (int i = 0; i < digits; i++, r->p++) {
		const int digit = hex_digit(peek(r));
		if (digit < 0)
			bad(r, "\\x needs 2 hexadecimal digits, \\u 4, \\U 8");
		x = x << 4 | (uint32_t)digit;
	}
	if (x > CHAR_MAX_CP || (x >= 0xD800 && x <= 0xDFFF))
		bad(r, "there is no such character in Unicode");
	return x;
}

/* A character of a text or a class. */
static uint32_t
character(struct reader *r)
{
	static const char from[] = "nrt\\\"[]", to[] = "\n\r\t\\\"[]";
	if (take(r, "\\")) {
		const int c = peek(r);
		const char *at = c > 0 ? strchr(from, c) : NULL;
		if (r->p < r->end)
			r->p++;
		if (at)
			return (unsigned char)to[at - from];
		if (c == 'x' || c == 'u' || c == 'U')
			return hex(r, c == 'x' ? 2 : c == 'u' ? 4 : 8);
		bad(r, "an escape that is none of \\n \\r \\t \\\\ \\\" \\[ \\] \\x \\u \\U");
	}
	if (r->p == r->end)
		bad(r, "it ends within a text or a class");
	uint32_t cp;
	const size_t n = utf8_next((const unsigned char *)r->p, (size_t)(r->end - r->p), &cp);
	if (n == 1 && cp >= 0x80)
		bad(r, "a byte that is not UTF-8");
	r->p += n;
	return cp;
}

static expr
text(struct reader *r)
{
	unsigned char *s = NULL;
	size_t n = 0, cap = 0;
	while (!take(r, "\"")) {
		if (peek(r) == '\n')
			bad(r, "a text has no closing quote on its line");
		s = grow(s, &cap, n + 4, 1);
		n += utf8_put(s + n, character(r));
	}
	expr e = expr_text(r->g, s, n);
	xfree(s);
	return e;
}

static expr
class(struct reader *r)
{
	struct charset s = {0};
	const bool negate = take(r, "^");
	while (!take(r, "]")) {
		const uint32_t first = character(r);
		uint32_t last = first;
		if (peek(r) == '-' && r->p + 1 < r->end && r->p[1] != ']') {
			r->p++;
			last = character(r);
		}
		if (last < first)
			bad(r, "a range that ends before it begins");
		charset_add(&s, first, last);
	}
	if (negate)
		charset_negate(&s);
	else
		charset_tidy(&s);
	if (!s.n)
		bad(r, "a class without a character");
	return expr_char(r->g, &s);
}

static expr alternatives(struct reader *r, bool nested);

static expr
one(struct reader *r, bool nested)
{
	const int c = peek(r);
	if (c == '<' || c == '!')
		bad(r, "tokens (<...>) are not taken: a grammar is about text");
	if (take(r, "\""))
		return text(r);
	if (take(r, "["))
		return class(r);
	if (take(r, "."))
		return expr_range(r->g, 0, CHAR_MAX_CP);
	if (is_name(c))
		return expr_rule(r->g, name(r));
	if (!take(r, "("))
		bad(r, nested ? "')' or a part of the rule should stand here" : "a rule should go on or end here");
	if (++r->depth > DEPTH)
		bad(r, "parentheses nested more than 200 deep");
	expr e = alternatives(r, true);
	if (!take(r, ")"))
		bad(r, "')' is missing");
	r->depth--;
	return e;
}

/* What is repeated here, if it is. */
static expr
repeated(struct reader *r, expr e, bool nested)
{
	struct times t;
	const char *why;
	for (blanks(r, nested); times_read(&r->p, r->end, true, &t, &why); blanks(r, nested))
		e = expr_repeat(r->g, e, t.least, t.most);
	if (why)
		bad(r, why);
	return e;
}

static expr
sequence(struct reader *r, bool nested)
{
	struct exprs l = {0};
	for (int c; blanks(r, nested), (c = peek(r)) != -1 && c != '|' && c != ')' && c != '\n' && c != '\r';)
		exprs_add(&l, repeated(r, one(r, nested), nested));
	return expr_all(r->g, &l);
}

static expr
alternatives(struct reader *r, bool nested)
{
	struct exprs l = {0};
	blanks(r, true);
	exprs_add(&l, sequence(r, nested));
	while (take(r, "|")) {
		blanks(r, true);
		exprs_add(&l, sequence(r, nested));
	}
	return expr_either(r->g, &l);
}

static void
rule(struct reader *r)
{
	if (!is_name(peek(r)))
		bad(r, "a rule should begin here: name ::= ...");
	const size_t line = line_of(r);
	const uint32_t id = name(r);
	if (r->g->rule[id].line)
		die("%s:%zu: rule '%s' is defined twice, first on line %zu", r->g->name, line, r->g->rule[id].name,
			r->g->rule[id].line);
	blanks(r, false);
	if (!take(r, "::="))
		bad(r, "'::=' should stand behind the name of a rule");
	expr e = alternatives(r, false);
	if (r->p < r->end && peek(r) != '\n' && peek(r) != '\r')
		bad(r, "a rule should end with its line");
	grammar_define(r->g, id, e, line);
}

struct grammar *
gbnf_read(const char *file, const char *text, size_t n)
{
	struct reader r = {.g = grammar_new(file), .p = text, .end = text + n, .counted = text, .lines = 1};
	uint32_t root = NO_STATE;
	for (r.n_slots = 1024; r.n_slots < n; r.n_slots *= 2)
		;
	r.slot = xcalloc(r.n_slots, sizeof *r.slot);
	for (blanks(&r, true); r.p < r.end; blanks(&r, true))
		rule(&r);
	for (size_t i = 0; i < r.g->n_rules; i++) {
		const struct rule *one = &r.g->rule[i];
		if (one->name && !one->line)
			die("%s:%zu: there is no rule '%s'", file, r.used[i], one->name);
		if (one->name && !strcmp(one->name, "root"))
			root = (uint32_t)i;
	}
	if (root == NO_STATE)
		die("%s: there is no rule 'root'", file);
	grammar_finish(r.g, root, true);
	xfree(r.slot);
	xfree(r.used);
	return r.g;
}
