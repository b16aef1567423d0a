/* ere.c - read regular expressions; see ere.h. */
#include "ere.h"

#include "times.h"
#include "unicode/unicode.h"

#include <string.h>

enum { DEPTH = 200 };

struct reader {
	struct grammar *g;
	const char *where;
	struct str s;
	size_t at;
	int depth;
	enum ere_kind kind;
	expr (*chars)(struct grammar *g, struct charset *s);
	struct charset doubtful[3];	/* of each in ecma[], once it is asked for */
};

static _Noreturn void
bad(const struct reader *r, const char *what)
{
	const size_t n = r->s.n - r->at < 20 ? r->s.n - r->at : 20;
	die("%s%s: byte %zu, at '%.*s': %s", r->g->name, r->where, r->at + 1, (int)n, r->s.p + r->at, what);
}

static int
peek(const struct reader *r)
{
	return r->at < r->s.n ? (unsigned char)r->s.p[r->at] : -1;
}

static bool
take(struct reader *r, const char *text)
{
	const size_t n = strlen(text);
	if (r->s.n - r->at < n || memcmp(r->s.p + r->at, text, n))
		return false;
	r->at += n;
	return true;
}

static uint32_t
character(struct reader *r)
{
	uint32_t cp;
	if (r->at == r->s.n)
		bad(r, "it ends too early");
	const size_t n = utf8_next((const unsigned char *)r->s.p + r->at, r->s.n - r->at, &cp);
	if (n == 1 && cp >= 0x80)
		bad(r, "a byte that is not UTF-8");
	r->at += n;
	return cp;
}

static void
add_text(struct charset *s, const char *ranges)
{
	for (; *ranges; ranges += 2)
		charset_add(s, (unsigned char)ranges[0], (unsigned char)ranges[1]);
}

static void
add_all(struct charset *s, const struct charset *from)
{
	for (size_t i = 0; i < from->n; i++)
		charset_add(s, from->range[i][0], from->range[i][1]);
}

/* Classes as in the POSIX locale, pairs of first and last. */
static const struct named {
	const char *name, *ranges;
} posix[] = {
	{"alpha", "AZaz"}, {"digit", "09"}, {"alnum", "09AZaz"}, {"upper", "AZ"}, {"lower", "az"},
	{"space", "\t\r  "}, {"blank", "\t\t  "}, {"punct", "!/:@[`{~"}, {"print", " ~"}, {"graph", "!~"},
	{"cntrl", "\1\x1F\x7F\x7F"}, {"xdigit", "09AFaf"},
};

/* ECMA's classes. Engines differ in other scripts (is an Arabic digit \d?): what is doubtful is in
 * neither \d nor \D, and within [^ ] in both, so that it never comes out. */
static const struct named ecma[] = {{"d", "09"}, {"w", "09AZaz__"}, {"s", "\t\r  "}};

static bool
is_doubtful(uint32_t cp, char class)
{
	const uint32_t bit = U_BIT(unicode_cat(cp));
	if (cp < 0x80)
		return class == 's' && cp >= 0x1C && cp <= 0x1F;
	if (class == 's')
		return bit & SET_SPACE || cp == 0x85 || cp == 0xFEFF;
	return bit & (class == 'd' ? SET_N : SET_L | SET_N | SET_M | U_BIT(U_PC));
}

static void
add_ecma(struct reader *r, struct charset *s, size_t class, bool negate, bool within_not)
{
	struct charset one = {0}, *doubtful = &r->doubtful[class];
	for (uint32_t cp = doubtful->n ? CHAR_MAX_CP + 1 : 0; cp <= CHAR_MAX_CP; cp++)
		if (is_doubtful(cp, ecma[class].name[0])) {
			if (doubtful->n && doubtful->range[doubtful->n - 1][1] == cp - 1)
				doubtful->range[doubtful->n - 1][1] = cp;
			else
				charset_add(doubtful, cp, cp);
		}
	add_text(&one, ecma[class].ranges);
	if (negate != within_not)
		add_all(&one, doubtful);
	if (negate)
		charset_negate(&one);
	add_all(s, &one);
	charset_free(&one);
}

static uint32_t
hex(struct reader *r, int least, int most)
{
	uint32_t x = 0;
	int n = 0;
	for (int digit; n < most && (digit = hex_digit(peek(r))) >= 0; n++, r->at++)
		x = x << 4 | (uint32_t)digit;
	if (n < least || x > CHAR_MAX_CP)
		bad(r, "\\x needs 2 hexadecimal digits, \\u 4");
	return x;
}

static bool
is_alnum(int c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Behind a backslash, ECMA: a class, or else the character *cp. */
static bool
ecma_escape(struct reader *r, struct charset *s, uint32_t *cp, bool in_class, bool within_not)
{
	static const char from[] = "tnrfv0", to[] = "\t\n\r\f\v";
	const int c = peek(r);
	for (size_t i = 0; i < sizeof ecma / sizeof *ecma; i++)
		if ((c | 32) == ecma[i].name[0]) {
			r->at++;
			add_ecma(r, s, i, !(c & 32), within_not);
			return true;
		}
	const char *at = c > 0 ? strchr(from, c) : NULL;
	if (at || (c == 'b' && in_class)) {
		r->at++;
		*cp = at ? (unsigned char)to[at - from] : '\b';
	} else if (c == 'x' || c == 'u') {
		r->at++;
		*cp = hex(r, c == 'x' ? 2 : 4, c == 'x' ? 2 : 4);
		if (*cp >= 0xD800 && *cp <= 0xDFFF)
			bad(r, "half a surrogate pair: write the character itself");
	} else if (is_alnum(c)) {
		bad(r, c == 'b' || c == 'B' ? "word boundaries are not taken"
			: c >= '1' && c <= '9' ? "back references are not taken" : "this escape is not taken");
	} else {
		*cp = character(r);
	}
	return false;
}

/* [:name:], [=x=] or [.x.], behind "[". True: a class; else the character *cp. */
static bool
posix_named(struct reader *r, struct charset *s, uint32_t *cp)
{
	const char kind = r->s.p[r->at++], end[] = {kind, ']', 0};
	if (kind != ':') {
		*cp = character(r);
		if (!take(r, end))
			bad(r, "[= =] and [. .] hold one character each");
		return false;
	}
	for (size_t i = 0; i < sizeof posix / sizeof *posix; i++) {
		const size_t at = r->at;
		if (take(r, posix[i].name) && take(r, end)) {
			add_text(s, posix[i].ranges);
			return true;
		}
		r->at = at;
	}
	bad(r, "POSIX has no class of that name");
}

/* One element of a class. True: it was a class itself; else the character *cp. */
static bool
element(struct reader *r, struct charset *s, uint32_t *cp, bool within_not)
{
	const int next = r->at + 1 < r->s.n ? r->s.p[r->at + 1] : -1;
	if (r->kind == ERE_ECMA && take(r, "\\"))
		return ecma_escape(r, s, cp, true, within_not);
	if (r->kind == ERE_POSIX && peek(r) == '[' && (next == ':' || next == '=' || next == '.')) {
		r->at++;
		return posix_named(r, s, cp);
	}
	*cp = character(r);
	return false;
}

static expr
chars(struct reader *r, struct charset *s)
{
	charset_tidy(s);
	return r->chars ? r->chars(r->g, s) : expr_char(r->g, s);
}

/* Behind "[". */
static expr
class(struct reader *r)
{
	struct charset s = {0};
	const bool negate = take(r, "^");
	for (bool first = true; first ? !(r->kind == ERE_ECMA && peek(r) == ']') : peek(r) != ']'; first = false) {
		uint32_t lo, hi;
		if (element(r, &s, &lo, negate)) {
			if (peek(r) == '-' && r->at + 1 < r->s.n && r->s.p[r->at + 1] != ']' && r->kind == ERE_POSIX)
				bad(r, "a class begins no range");
			continue;
		}
		hi = lo;
		if (peek(r) == '-' && r->at + 1 < r->s.n && r->s.p[r->at + 1] != ']') {
			r->at++;
			if (element(r, &s, &hi, negate))
				bad(r, "a class ends no range");
			if (hi < lo)
				bad(r, "a range that ends before it begins");
		}
		charset_add(&s, lo, hi);
	}
	if (!take(r, "]"))
		bad(r, "']' is missing");
	if (negate)
		charset_negate(&s);
	if (r->kind == ERE_POSIX)
		charset_remove(&s, 0, 0); /* no text of C has it */
	return chars(r, &s);
}

static expr alternatives(struct reader *r);

static expr
group(struct reader *r)
{
	if (r->kind == ERE_ECMA && take(r, "?")) {
		if (take(r, "<")) {
			const char *end = memchr(r->s.p + r->at, '>', r->s.n - r->at);
			if (!end || peek(r) == '=' || peek(r) == '!')
				bad(r, "lookbehind is not taken");
			r->at = (size_t)(end - r->s.p) + 1;
		} else if (!take(r, ":")) {
			bad(r, "lookahead and flags are not taken");
		}
	}
	if (++r->depth > DEPTH)
		bad(r, "parentheses nested more than 200 deep");
	expr e = alternatives(r);
	if (!take(r, ")"))
		bad(r, "')' is missing");
	r->depth--;
	return e;
}

/* Something that can be repeated. */
static expr
one(struct reader *r)
{
	struct charset s = {0};
	uint32_t cp;
	if (take(r, "("))
		return group(r);
	if (take(r, "["))
		return class(r);
	if (take(r, ".")) {
		charset_add(&s, r->kind == ERE_POSIX, CHAR_MAX_CP);
		if (r->kind == ERE_ECMA) {
			charset_remove(&s, '\n', '\n');
			charset_remove(&s, '\r', '\r');
			charset_remove(&s, 0x2028, 0x2029);
		}
		return chars(r, &s);
	}
	if (peek(r) > 0 && strchr("*+?{", peek(r)))
		bad(r, "there is nothing to repeat");
	if (take(r, "\\")) {
		if (r->kind == ERE_ECMA && ecma_escape(r, &s, &cp, false, false))
			return chars(r, &s);
		if (r->kind == ERE_POSIX && is_alnum(peek(r)))
			bad(r, peek(r) <= '9' ? "back references are not taken"
				: "POSIX has no such escape (see [[:digit:]], [[:alpha:]], [[:space:]])");
		if (r->kind == ERE_POSIX)
			cp = character(r);
	} else {
		cp = character(r);
	}
	charset_add(&s, cp, cp);
	return chars(r, &s);
}

static expr
repeated(struct reader *r, expr e)
{
	const char *p = r->s.p + r->at, *why;
	struct times t;
	while (times_read(&p, r->s.p + r->s.n, false, &t, &why)) {
		r->at = (size_t)(p - r->s.p);
		e = expr_repeat(r->g, e, t.least, t.most);
		if (r->kind == ERE_ECMA)
			take(r, "?"); /* lazy: the same texts */
		p = r->s.p + r->at;
	}
	r->at = (size_t)(p - r->s.p);
	if (why)
		bad(r, why);
	return e;
}

static expr
alternatives(struct reader *r)
{
	struct exprs any = {0};
	do {
		struct exprs l = {0};
		for (int c; (c = peek(r)) != -1 && c != '|' && c != ')';) {
			if (c == '^' || c == '$') {
				r->at++;
				exprs_add(&l, expr_mark(r->g, c == '$'));
			} else {
				exprs_add(&l, repeated(r, one(r)));
			}
		}
		exprs_add(&any, expr_all(r->g, &l));
	} while (take(r, "|"));
	return expr_either(r->g, &any);
}

expr
ere_expr(struct grammar *g, const char *where, struct str pattern, enum ere_kind kind,
	expr (*make)(struct grammar *g, struct charset *s))
{
	struct reader r = {.g = g, .where = where, .s = pattern, .kind = kind, .chars = make};
	expr e = alternatives(&r);
	if (r.at < r.s.n)
		bad(&r, "')' without '('");
	for (int i = 0; i < 3; i++)
		charset_free(&r.doubtful[i]);
	if (kind == ERE_POSIX)
		return e;
	struct charset s = {0};
	charset_add(&s, 0, CHAR_MAX_CP);
	const expr any = expr_repeat(g, chars(&r, &s), 0, FOREVER);
	return expr_pair(g, any, expr_pair(g, e, any));
}

struct grammar *
ere_read(const char *name, const char *pattern)
{
	struct grammar *g = grammar_new(name);
	const uint32_t root = grammar_rule(g, NULL, 0);
	grammar_define(g, root, ere_expr(g, "", (struct str){pattern, strlen(pattern)}, ERE_POSIX, NULL), 0);
	grammar_finish(g, root, true);
	return g;
}
