/* jinja_format.c - Python's two ways to put values into a text, "%5.2f" and "{:5.2f}"; see jinja_impl.h. */
#include "jinja_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 10000, DIGITS_MAX = 1100 };

/* [[fill]align][sign][#][0][width][,][.precision][type] */
struct spec {
	uint32_t fill;
	char align, sign, group, type;	/* '\0': not given */
	bool alternate, zeros;
	int width, precision;		/* < 0: not given */
};

/* How far a format is read. */
struct cursor {
	jstr s;
	size_t at;
};

static uint32_t
look(const struct cursor *c, size_t ahead)
{
	return c->at + ahead < c->s.n ? ch_code(c->s.p[c->at + ahead]) : 0;
}

/* One of these characters, or 0. */
static char
take(struct cursor *c, const char *of)
{
	uint32_t ch = look(c, 0);
	if (!ch || ch >= 0x80 || !strchr(of, (int)ch))
		return '\0';
	c->at++;
	return (char)ch;
}

/* A number, or -1. */
static int
take_number(struct jinja *j, struct cursor *c)
{
	int n = -1;
	for (uint32_t d; (d = look(c, 0)) >= '0' && d <= '9'; c->at++) {
		n = (n < 0 ? 0 : n) * 10 + (int)(d - '0');
		if (n > WIDTH_MAX)
			jinja_die(j, "format: more than %d characters", WIDTH_MAX);
	}
	return n;
}

/* Put s, its first `sign` characters the sign and prefix of a number, into its field. */
static void
put_field(struct jinja *j, struct text *t, jstr s, size_t sign, const struct spec *f, char align)
{
	const uint32_t fill = f->fill ? f->fill : ' ';
	const size_t room = f->width > 0 && (size_t)f->width > s.n ? (size_t)f->width - s.n : 0;
	const size_t left = align == '^' ? room / 2 : align == '<' ? 0 : room;
	const jstr rest = jstr_cut(s, align == '=' ? sign : 0, s.n);
	text_put(j, t, s.p, s.n - rest.n);
	for (size_t i = 0; i < left; i++)
		text_put(j, t, &fill, 1);
	text_put(j, t, rest.p, rest.n);
	for (size_t i = left; i < room; i++)
		text_put(j, t, &fill, 1);
}

/* A number in ASCII, its sign and prefix first, its digits in groups if asked. */
static void
put_number(struct jinja *j, struct text *t, const char *sign, const char *digits, const struct spec *f, int size)
{
	struct text all = {NULL, 0, 0};
	char align = f->align ? f->align : f->zeros ? '=' : '>';
	struct spec with = *f;
	if (f->zeros && !f->fill)
		with.fill = '0';
	text_ascii(j, &all, sign);
	size_t whole = strspn(digits, "0123456789abcdefABCDEF");
	if (f->type && strchr("eEgG", f->type))
		whole = strspn(digits, "0123456789");
	if (f->group && align == '=' && with.fill == '0' && f->width > 0)
		jinja_die(j, "format: zeros in front of groups of digits are not known here");
	for (size_t i = 0; digits[i]; i++) {
		const char one[2] = {digits[i], '\0'}, comma[2] = {f->group, '\0'};
		if (f->group && i && i < whole && (whole - i) % (size_t)size == 0)
			text_ascii(j, &all, comma);
		text_ascii(j, &all, one);
	}
	put_field(j, t, (jstr){all.p, all.n}, strlen(sign), &with, align);
}

static void
put_int(struct jinja *j, struct text *t, int64_t i, const struct spec *f)
{
	char buf[DIGITS_MAX], *p = buf + sizeof buf, sign[4];
	const int base = f->type == 'b' ? 2 : f->type == 'o' ? 8 : f->type == 'x' || f->type == 'X' ? 16 : 10;
	const char *digits = f->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
	size_t n = 0;
	*--p = '\0';
	do
		*--p = digits[u % (unsigned)base];
	while (u /= (unsigned)base);
	while (p > buf && buf + sizeof buf - 1 - p < f->precision) /* of "%.3d" */
		*--p = '0';
	if (i < 0 || f->sign == '+' || f->sign == ' ')
		sign[n++] = i < 0 ? '-' : f->sign;
	if (f->alternate && base != 10) {
		sign[n++] = '0';
		sign[n++] = f->type;
	}
	sign[n] = '\0';
	put_number(j, t, sign, p, f, base == 10 ? 3 : 4);
}

/* A number, not negative, as Python has it where no type is named: repr(), or so many digits and a point. */
static void
plain_float(struct jinja *j, char *buf, size_t size, double x, int precision)
{
	if (precision < 0) {
		struct text t = {NULL, 0, 0};
		val_print(j, &t, val_float(x));
		jstr_ascii((jstr){t.p, t.n}, buf, size);
		return;
	}
	precision = precision ? precision : 1;
	snprintf(buf, size, "%.*e", precision - 1, x);
	const char *e = strchr(buf, 'e');
	long power = e ? strtol(e + 1, NULL, 10) : 0;
	const bool exponent = power < -4 || power >= precision - 1;
	snprintf(buf, size, exponent ? "%.*e" : "%.*g", precision - exponent, x);
	char *end = strchr(buf, 'e'), *last = end ? end : buf + strlen(buf), *from = last;
	if (end && strchr(buf, '.')) { /* no zeros at the end of the digits */
		while (from[-1] == '0')
			from--;
		from -= from[-1] == '.';
		memmove(from, last, strlen(last) + 1);
	} else if (!end && !strchr(buf, '.'))
		memcpy(last, ".0", 3);
}

static void
put_float(struct jinja *j, struct text *t, double x, const struct spec *f)
{
	const char plus = f->sign == '+' || f->sign == ' ' ? f->sign : '\0';
	const char sign[2] = {signbit(x) && !isnan(x) ? '-' : plus, '\0'};
	char buf[DIGITS_MAX], how[8];
	char type = f->type == '%' ? 'f' : f->type == 'n' ? 'g' : f->type;
	if (f->precision > DIGITS_MAX / 2)
		jinja_die(j, "format: a precision of more than %d", DIGITS_MAX / 2);
	x = fabs(f->type == '%' ? x * 100 : x);
	if (isnan(x) || isinf(x))
		snprintf(buf, sizeof buf, type == 'F' || type == 'E' || type == 'G' ? "%F" : "%f", isnan(x) ? fabs(x) : x);
	else if (!type)
		plain_float(j, buf, sizeof buf - 8, x, f->precision);
	else {
		snprintf(how, sizeof how, f->alternate ? "%%#.*%c" : "%%.*%c", type);
		snprintf(buf, sizeof buf - 8, how, f->precision < 0 ? 6 : f->precision, x);
	}
	if (f->type == '%')
		memcpy(buf + strlen(buf), "%", 2);
	put_number(j, t, sign, buf, f, 3);
}

static void
put_str(struct jinja *j, struct text *t, jstr s, const struct spec *f)
{
	if (f->precision >= 0 && s.n > (size_t)f->precision)
		s.n = (size_t)f->precision;
	put_field(j, t, s, 0, f, f->align ? f->align : '<');
}

static jstr
repr(struct jinja *j, val v)
{
	struct text t = {NULL, 0, 0};
	val_repr(j, &t, v);
	return (jstr){t.p, t.n};
}

static val
character(struct jinja *j, val v)
{
	if (v.type != JINJA_INT || v.i < 0 || v.i > 0x10FFFF || (v.i >= 0xD800 && v.i < 0xE000))
		jinja_die(j, "format: no character's number");
	uint32_t *p = jinja_alloc(j, 1, sizeof *p);
	*p = (uint32_t)v.i;
	return val_str((jstr){p, 1});
}

static _Noreturn void
no_format(struct jinja *j, char type, val v)
{
	jinja_die(j, "format: '%c' is not for %s", type ? type : ' ', val_kind(v));
}

/* "{}" */

static struct spec
parse_spec(struct jinja *j, jstr s)
{
	struct cursor c = {s, 0};
	struct spec f = {.width = -1, .precision = -1};
	uint32_t second = look(&c, 1);
	if (second && second < 0x80 && strchr("<>^=", (int)second)) {
		f.fill = s.p[c.at++];
		f.align = take(&c, "<>^=");
	} else
		f.align = take(&c, "<>^=");
	f.sign = take(&c, "+- ");
	f.alternate = take(&c, "#");
	f.zeros = take(&c, "0");
	f.width = take_number(j, &c);
	f.group = take(&c, ",_");
	if (take(&c, ".") && (f.precision = take_number(j, &c)) < 0)
		jinja_die(j, "format: a point without a precision");
	f.type = take(&c, "bcdeEfFgGnosxX%");
	if (c.at != s.n)
		jinja_die(j, "format: what stands behind ':' is no format");
	return f;
}

static void
put_formatted(struct jinja *j, struct text *t, val v, jstr spec)
{
	if (!spec.n) {
		val_print(j, t, v);
		return;
	}
	struct spec f = parse_spec(j, spec);
	const bool whole = v.type == JINJA_INT || v.type == JINJA_BOOL;
	double x;
	if (v.type == JINJA_STRING) {
		if ((f.type && f.type != 's') || f.sign || f.group || f.alternate || f.align == '=')
			no_format(j, f.type ? f.type : '=', v);
		if (f.zeros && !f.fill)
			f.fill = '0';
		put_str(j, t, v.s, &f);
	} else if (whole && f.type == 'c')
		put_str(j, t, character(j, v).s, &f);
	else if (whole && (!f.type || strchr("bdnoxX", f.type))) {
		if (f.precision >= 0 || (f.group == ',' && f.type && f.type != 'd'))
			no_format(j, '.', v);
		put_int(j, t, v.type == JINJA_BOOL ? v.b : v.i, &f);
	} else if (val_number(v, &x) && (!f.type || strchr("eEfFgGn%", f.type)))
		put_float(j, t, x, &f);
	else
		no_format(j, f.type, v);
}

/* What the name of a field stands for: "0", "name", "0.attribute[item]"; "" is the next one. */
static val
field(struct jinja *j, jstr name, const struct args *a, long *automatic)
{
	char buf[64];
	struct cursor c = {name, 0};
	while (c.at < name.n && look(&c, 0) != '.' && look(&c, 0) != '[')
		c.at++;
	const jstr first = jstr_cut(name, 0, c.at);
	const char *text = jstr_ascii(first, buf, sizeof buf);
	const bool digits = first.n == strspn(text, "0123456789");
	if (digits && ((first.n == 0) == (*automatic < 0)) && *automatic != 0)
		jinja_die(j, "format: numbered fields and others together");
	if (digits)
		*automatic = first.n ? -1 : *automatic + 1;
	const size_t at = !digits ? SIZE_MAX : first.n ? (size_t)strtoul(text, NULL, 10) : (size_t)*automatic - 1;
	const val *v = jinja_arg(a, at, digits ? "{" : text);
	if (!v)
		jinja_die(j, "format: no value for {%s}", text);
	val x = *v;
	while (c.at < name.n) {
		const bool item = look(&c, 0) == '[';
		size_t from = ++c.at;
		while (c.at < name.n && (item ? look(&c, 0) != ']' : look(&c, 0) != '.' && look(&c, 0) != '['))
			c.at++;
		const jstr key = jstr_cut(name, from, c.at);
		if (!key.n || (item && c.at == name.n))
			jinja_die(j, "format: a field's name has no end");
		text = jstr_ascii(key, buf, sizeof buf);
		if (item && key.n == strspn(text, "0123456789") && key.n < 10)
			x = jinja_get(j, x, val_int(strtol(text, NULL, 10)));
		else
			x = item ? jinja_get(j, x, val_str(key)) : jinja_attr(j, x, key);
		c.at += item;
	}
	return x;
}

static void put_template(struct jinja *j, struct text *t, jstr s, const struct args *a, long *automatic, int depth);

/* A field, "name!r:format", without its braces. */
static void
put_braces(struct jinja *j, struct text *t, jstr s, const struct args *a, long *automatic, int depth)
{
	struct cursor c = {s, 0};
	bool item = false;
	for (; c.at < s.n && (item || (look(&c, 0) != '!' && look(&c, 0) != ':')); c.at++)
		item = look(&c, 0) == '[' || (item && look(&c, 0) != ']');
	val v = field(j, jstr_cut(s, 0, c.at), a, automatic);
	if (take(&c, "!")) {
		const char how = take(&c, "rs");
		if (!how)
			jinja_die(j, "format: !r and !s are known");
		v = val_str(how == 'r' ? repr(j, v) : val_string(j, v));
	}
	const bool colon = take(&c, ":");
	if (!colon && c.at < s.n)
		jinja_die(j, "format: ':' should stand behind '!r'");
	jstr spec = jstr_cut(s, c.at, s.n);
	struct text inner = {NULL, 0, 0};
	if (depth < 2)
		put_template(j, &inner, spec, a, automatic, depth + 1);
	put_formatted(j, t, v, depth < 2 ? (jstr){inner.p, inner.n} : spec);
}

static void
put_template(struct jinja *j, struct text *t, jstr s, const struct args *a, long *automatic, int depth)
{
	struct cursor c = {s, 0};
	for (; c.at < s.n; c.at++) {
		const uint32_t ch = look(&c, 0);
		if (ch != '{' && ch != '}') {
			text_put(j, t, s.p + c.at, 1);
			continue;
		}
		const size_t from = c.at + 1;
		if (ch == look(&c, 1) && depth == 0) {
			text_put(j, t, s.p + c.at++, 1);
			continue;
		}
		int open = 0;
		if (ch == '{')
			for (open = 1; open && ++c.at < s.n;)
				open += (look(&c, 0) == '{') - (look(&c, 0) == '}');
		if (ch == '}' || open)
			jinja_die(j, "format: a brace stands alone");
		put_braces(j, t, jstr_cut(s, from, c.at), a, automatic, depth);
	}
}

val
string_format(struct jinja *j, val self, const struct args *a)
{
	struct text t = {NULL, 0, 0};
	long automatic = 0;
	put_template(j, &t, self.s, a, &automatic, 0);
	return val_str((jstr){t.p, t.n});
}

/* "%" */

/* Values of a format: a tuple's, or one. */
struct values {
	const val *v;
	size_t n, used;
	val all;
};

static val
next_value(struct jinja *j, struct values *from)
{
	if (from->used >= from->n)
		jinja_die(j, "format: too few values");
	return from->v[from->used++];
}

/* "*" is the next value. */
static int
width_or_star(struct jinja *j, struct cursor *c, struct values *from)
{
	if (!take(c, "*"))
		return take_number(j, c);
	val v = next_value(j, from);
	int64_t n = want_int(j, &v, 0, "format: '*'");
	if (n > WIDTH_MAX || n < -WIDTH_MAX)
		jinja_die(j, "format: more than %d characters", WIDTH_MAX);
	return (int)n;
}

static void
put_percent(struct jinja *j, struct text *t, val v, struct spec *f)
{
	double x;
	const bool whole = v.type == JINJA_INT || v.type == JINJA_BOOL, left = f->align == '<';
	f->align = left ? '<' : '\0';
	f->zeros &= !left;
	if (f->type == 'i' || f->type == 'u')
		f->type = 'd';
	if (f->type == 's' || f->type == 'r' || f->type == 'c') {
		if (f->type == 'c' && !(v.type == JINJA_STRING && v.s.n == 1))
			v = character(j, v);
		f->align = left ? '<' : '>';
		put_str(j, t, f->type == 'r' ? repr(j, v) : val_string(j, v), f);
	} else if (strchr("doxX", f->type) && whole)
		put_int(j, t, v.type == JINJA_BOOL ? v.b : v.i, f);
	else if (f->type == 'd' && v.type == JINJA_FLOAT && fabs(v.f) < 0x1p62)
		put_int(j, t, (int64_t)v.f, f);
	else if (strchr("eEfFgG", f->type) && val_number(v, &x))
		put_float(j, t, x, f);
	else
		no_format(j, f->type, v);
}

/* Behind '%'. */
static void
put_conversion(struct jinja *j, struct text *t, struct cursor *c, struct values *from)
{
	struct spec f = {.width = -1, .precision = -1};
	bool named = take(c, "(");
	const size_t begin = c->at;
	val v;
	if (named) {
		while (c->at < c->s.n && look(c, 0) != ')')
			c->at++;
		if (from->all.type != JINJA_DICT)
			jinja_die(j, "format: a name wants a dict of values");
		const val *found = dict_find(j, from->all.dict, val_str(jstr_cut(c->s, begin, c->at)));
		if (!found)
			jinja_die(j, "format: a name without a value");
		v = *found;
		from->used = from->n;
		c->at++;
	}
	for (char flag; (flag = take(c, "#0- +"));) {
		f.alternate |= flag == '#';
		f.zeros |= flag == '0';
		f.align = flag == '-' ? '<' : f.align;
		f.sign = flag == '+' || (flag == ' ' && !f.sign) ? flag : f.sign;
	}
	f.width = width_or_star(j, c, from);
	if (f.width < -1) {
		f.align = '<';
		f.width = -f.width;
	}
	if (take(c, ".") && (f.precision = width_or_star(j, c, from)) < 0)
		f.precision = 0;
	take(c, "hlL");
	if (take(c, "%")) {
		text_ascii(j, t, "%");
		return;
	}
	f.type = take(c, "diouxXeEfFgGcrs");
	if (!f.type)
		jinja_die(j, "format: no such conversion");
	put_percent(j, t, named ? v : next_value(j, from), &f);
}

val
string_percent(struct jinja *j, jstr s, val values)
{
	struct text t = {NULL, 0, 0};
	struct cursor c = {s, 0};
	const bool tuple = values.type == JINJA_LIST && values.list->tuple;
	struct values from = {tuple ? values.list->v : &values, tuple ? values.list->n : 1, 0, values};
	while (c.at < s.n)
		if (take(&c, "%"))
			put_conversion(j, &t, &c, &from);
		else
			text_put(j, &t, s.p + c.at++, 1);
	if (from.used < from.n && values.type != JINJA_DICT && (tuple || values.type != JINJA_LIST))
		jinja_die(j, "format: more values than places");
	return val_str((jstr){t.p, t.n});
}
