/* jinja_lex.c - a template's tags, a word at a time; see jinja_lex.h. */
#include "jinja_lex.h"

#include <stdlib.h>
#include <string.h>

uint32_t
lex_peek(const struct parser *p, size_t ahead)
{
	return p->at + ahead < p->s.n ? p->s.p[p->at + ahead] : 0;
}

size_t
lex_tag_end(const struct parser *p)
{
	size_t sign = lex_peek(p, 0) == '-' || lex_peek(p, 0) == '+';
	uint32_t c = lex_peek(p, sign);
	return (c == '%' || c == '}') && lex_peek(p, sign + 1) == '}' ? sign + 2 : 0;
}

static bool
name_char(uint32_t c)
{
	return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c >= 0x80;
}

static int
hex_digit(uint32_t c)
{
	return c >= '0' && c <= '9' ? (int)(c - '0') : (c | 32) >= 'a' && (c | 32) <= 'f' ? (int)((c | 32) - 'a') + 10 : -1;
}

/* Behind a backslash: the character, or -1 where the backslash stands for itself. */
static int64_t
escape(struct parser *p)
{
	static const char from[] = "ntr\\'\"abfv", to[] = "\n\t\r\\'\"\a\b\f\v";
	uint32_t c = lex_peek(p, 0);
	const char *e = c && c < 0x80 ? strchr(from, (int)c) : NULL;
	int64_t cp = 0;
	if (e) {
		p->at++;
		return to[e - from];
	}
	size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
	if (digits) {
		for (size_t i = 1; i <= digits; i++) {
			if (hex_digit(lex_peek(p, i)) < 0)
				jinja_die(p->j, "\\%c wants %zu hexadecimal digits", (int)c, digits);
			cp = cp << 4 | hex_digit(lex_peek(p, i));
		}
		if (cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
			jinja_die(p->j, "an escape is no character");
		p->at += digits + 1;
		return cp;
	}
	if (c < '0' || c > '7')
		return -1;
	for (int i = 0; i < 3 && lex_peek(p, 0) >= '0' && lex_peek(p, 0) <= '7'; i++)
		cp = cp << 3 | (lex_peek(p, 0) - '0'), p->at++;
	return cp;
}

static void
lex_string(struct parser *p)
{
	const uint32_t quote = p->s.p[p->at++];
	size_t end = p->at, n = 0;
	for (; end < p->s.n && p->s.p[end] != quote; end++)
		end += p->s.p[end] == '\\';
	if (end >= p->s.n)
		jinja_die(p->j, "a string has no end");
	uint32_t *out = tree_alloc(p->j, end - p->at, sizeof *out);
	while (p->at < end) {
		uint32_t c = p->s.p[p->at++];
		p->j->line += c == '\n';
		if (c == '\\' && lex_peek(p, 0) == '\n') { /* the string goes on in the next line */
			p->j->line++;
			p->at++;
			continue;
		}
		int64_t e = c == '\\' ? escape(p) : -1;
		out[n++] = e >= 0 ? (uint32_t)e : c;
	}
	p->at = end + 1;
	p->tok = T_STRING;
	p->text = (jstr){out, n};
}

/* Behind "0x", "0o", "0b": false, with nothing taken, if no digit follows. */
static bool
lex_base(struct parser *p, int base)
{
	uint64_t i = 0;
	size_t n = 0;
	for (int digit;; n++) {
		size_t line = lex_peek(p, 2 + n) == '_';
		digit = hex_digit(lex_peek(p, 2 + n + line));
		if (digit < 0 || digit >= base)
			break;
		if (i > (INT64_MAX - (uint64_t)digit) / (uint64_t)base)
			jinja_die(p->j, "a number is too large");
		i = i * (uint64_t)base + (uint64_t)digit;
		n += line;
	}
	if (!n)
		return false;
	p->at += 2 + n;
	p->tok = T_INT;
	p->i = (int64_t)i;
	return true;
}

static void
lex_number(struct parser *p)
{
	char buf[64];
	size_t n = 0;
	bool point = false;
	const uint32_t kind = lex_peek(p, 1) | 32;
	const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
	if (lex_peek(p, 0) == '0' && base && lex_base(p, base))
		return;
	for (uint32_t c; (c = lex_peek(p, 0)); p->at++) {
		bool digit = c >= '0' && c <= '9';
		bool dot = c == '.' && !point && lex_peek(p, 1) >= '0' && lex_peek(p, 1) <= '9';
		bool power = (c | 32) == 'e' && n && (hex_digit(lex_peek(p, 1)) >= 0 || lex_peek(p, 1) == '-' || lex_peek(p, 1) == '+');
		bool sign = (c == '-' || c == '+') && n && (buf[n - 1] | 32) == 'e';
		if (!digit && !dot && !power && !sign && c != '_')
			break;
		point |= dot || power;
		if (c != '_')
			buf[n++] = (char)c;
		if (n == sizeof buf)
			jinja_die(p->j, "a number of too many digits");
	}
	buf[n] = '\0';
	p->tok = point ? T_FLOAT : T_INT;
	p->f = strtod(buf, NULL);
	if (!point && p->f >= 0x1p63)
		jinja_die(p->j, "%s is too large", buf);
	p->i = point ? 0 : strtoll(buf, NULL, 10);
}

static void
lex_op(struct parser *p)
{
	static const struct {
		char text[3];
		int op;
	} two[] = {{"//", OP_FLOORDIV}, {"**", OP_POW}, {"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE}, {">=", OP_GE}};
	const uint32_t c = p->s.p[p->at];
	p->tok = T_OP;
	for (size_t i = 0; i < sizeof two / sizeof *two; i++)
		if (c == (unsigned char)two[i].text[0] && lex_peek(p, 1) == (unsigned char)two[i].text[1]) {
			p->op = two[i].op;
			p->at += 2;
			return;
		}
	if (c >= 0x80 || !strchr("+-*/%~()[]{},.:|=<>", (int)c))
		jinja_die(p->j, "'%c' has no meaning here", c < 0x7F && c > 0x20 ? (int)c : '?');
	p->brackets += c == '(' || c == '[' || c == '{';
	p->brackets -= p->brackets && (c == ')' || c == ']' || c == '}');
	p->op = (int)c;
	p->at++;
}

void
lex_next(struct parser *p)
{
	for (; ch_space(lex_peek(p, 0)) && p->at < p->s.n; p->at++)
		p->j->line += p->s.p[p->at] == '\n';
	p->begin = p->at;
	uint32_t c = lex_peek(p, 0);
	if (p->at == p->s.n)
		jinja_die(p->j, "a tag has no end");
	if (!p->brackets && lex_tag_end(p))
		p->tok = T_END;
	else if (c == '"' || c == '\'')
		lex_string(p);
	else if (c >= '0' && c <= '9')
		lex_number(p);
	else if (name_char(c)) {
		while (name_char(lex_peek(p, 0)))
			p->at++;
		p->tok = T_NAME;
		p->text = jstr_cut(p->s, p->begin, p->at);
	} else
		lex_op(p);
}
