/* jinja_filter_text.c - filters that make text; see jinja_impl.h. */
#include "jinja_impl.h"
#include "unicode/unicode.h"

#include <string.h>

static val
text_val(const struct text *t)
{
	return val_str((jstr){t->p, t->n});
}

/* The filter that is a string's method of the same name. */
static val
by_method(struct jinja *j, const char *name, val self, const struct args *a)
{
	return string_method(jstr_of(j, name))(j, val_str(val_string(j, self)), a);
}
static val
f_upper(struct jinja *j, val self, const struct args *a)
{
	return by_method(j, "upper", self, a);
}
static val
f_lower(struct jinja *j, val self, const struct args *a)
{
	return by_method(j, "lower", self, a);
}
static val
f_capitalize(struct jinja *j, val self, const struct args *a)
{
	return by_method(j, "capitalize", self, a);
}
static val
f_trim(struct jinja *j, val self, const struct args *a)
{
	return by_method(j, "strip", self, a);
}
static val
f_center(struct jinja *j, val self, const struct args *a)
{
	const val *width = jinja_arg(a, 0, "width");
	struct args one = {.n = 1, .v = {width ? *width : val_int(80)}};
	return by_method(j, "center", self, &one);
}
static val
f_replace(struct jinja *j, val self, const struct args *a)
{
	const val *from = jinja_arg(a, 0, "old"), *to = jinja_arg(a, 1, "new"), *count = jinja_arg(a, 2, "count");
	if (!from || !to)
		jinja_die(j, "replace wants what and by what");
	struct args all = {.n = 2, .v = {val_str(val_string(j, *from)), val_str(val_string(j, *to))}};
	if (count && count->type != JINJA_NONE)
		all.v[all.n++] = *count;
	return by_method(j, "replace", self, &all);
}

static val
f_string(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return val_str(val_string(j, self));
}
static val
f_title(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return string_title(j, val_string(j, self));
}
static val
f_pprint(struct jinja *j, val self, const struct args *a)
{
	struct text t = {NULL, 0, 0};
	(void)a;
	val_repr(j, &t, self);
	if (t.n > 78)
		jinja_die(j, "pprint of more than a line is not known here");
	return text_val(&t);
}

/* Python's s % values, which are the arguments. */
static val
f_format(struct jinja *j, val self, const struct args *a)
{
	val values = a->n_named ? jinja_dict(j) : val_list(j);
	if (a->n && a->n_named)
		jinja_die(j, "format wants values with names or without");
	for (size_t i = 0; i < a->n_named; i++)
		dict_set(j, values.dict, val_str(a->name[i]), a->named[i]);
	if (!a->n_named)
		values.list->tuple = true;
	for (size_t i = 0; i < a->n; i++)
		jinja_push(j, values, a->v[i]);
	return string_percent(j, val_string(j, self), values);
}

/* Blanks before every line but the first, and not before empty ones. */
static val
f_indent(struct jinja *j, val self, const struct args *a)
{
	static const uint32_t blank_char = ' ', newline = '\n';
	const val *first = jinja_arg(a, 1, "first"), *blank = jinja_arg(a, 2, "blank"), *width = jinja_arg(a, 0, "width");
	struct text lead = {NULL, 0, 0}, all = {NULL, 0, 0}, t = {NULL, 0, 0};
	if (width && width->type == JINJA_STRING)
		text_put(j, &lead, width->s.p, width->s.n);
	else
		for (int64_t n = want_int(j, width, 4, "indent"); n > 0; n--)
			text_put(j, &lead, &blank_char, 1);
	text_put(j, &all, want_str(j, &self, "indent").p, self.s.n);
	text_put(j, &all, &newline, 1);
	const struct jinja_list *lines = string_lines(j, (jstr){all.p, all.n}, false).list;
	for (size_t i = 0; i < lines->n; i++) {
		const jstr line = lines->v[i].s;
		if (i)
			text_put(j, &t, &newline, 1);
		if (i ? line.n || (blank && val_true(*blank)) : first && val_true(*first))
			text_put(j, &t, lead.p, lead.n);
		text_put(j, &t, line.p, line.n);
	}
	return text_val(&t);
}

static val
f_truncate(struct jinja *j, val self, const struct args *a)
{
	static const uint32_t dots[] = {'.', '.', '.'}, blank = ' ';
	const int64_t length = want_int(j, jinja_arg(a, 0, "length"), 255, "truncate");
	const int64_t leeway = want_int(j, jinja_arg(a, 3, "leeway"), 5, "truncate");
	const val *kill = jinja_arg(a, 1, "killwords"), *with = jinja_arg(a, 2, "end");
	const jstr end = with ? want_str(j, with, "truncate") : (jstr){dots, 3}, s = want_str(j, &self, "truncate");
	if (length < (int64_t)end.n || leeway < 0 || leeway > INT32_MAX || length > INT32_MAX)
		jinja_die(j, "truncate: no room for the end");
	if ((int64_t)s.n <= length + leeway)
		return self;
	size_t n = (size_t)length - end.n, cut = n;
	while (cut && ch_code(s.p[cut - 1]) != blank)
		cut--;
	struct text t = {NULL, 0, 0};
	text_put(j, &t, s.p, cut && !(kill && val_true(*kill)) ? cut - 1 : n);
	text_put(j, &t, end.p, end.n);
	return text_val(&t);
}

static val
f_wordcount(struct jinja *j, val self, const struct args *a)
{
	const jstr s = val_string(j, self);
	method_fn *alnum = string_method(jstr_of(j, "isalnum"));
	int64_t n = 0;
	bool in = false;
	for (size_t i = 0; i < s.n; i++) {
		bool was = in;
		in = ch_code(s.p[i]) == '_' || alnum(j, val_str(jstr_cut(s, i, i + 1)), a).b;
		n += in && !was;
	}
	return val_int(n);
}

/* "4.2 MB" */
static val
f_filesizeformat(struct jinja *j, val self, const struct args *a)
{
	static const char units[] = "kMGTPEZY";
	const val *binary = jinja_arg(a, 0, "binary");
	const bool two = binary && val_true(*binary);
	const struct args none = {.n = 0};
	const double n = call_filter(j, jstr_of(j, "float"), self, &none).f, base = two ? 1024 : 1000;
	char buf[400];
	size_t i = 0;
	double unit = base * base;
	while (n >= unit && i + 1 < sizeof units - 1)
		unit *= base, i++;
	if (n == 1)
		return val_str(jstr_of(j, "1 Byte"));
	if (n < base)
		snprintf(buf, sizeof buf, "%.0f Bytes", n < 0 ? -(double)(int64_t)-n : (double)(int64_t)n);
	else
		snprintf(buf, sizeof buf, two ? "%.1f %ciB" : "%.1f %cB", base * n / unit, two && !i ? 'K' : units[i]);
	return val_str(jstr_of(j, buf));
}

static val
f_escape(struct jinja *j, val self, const struct args *a)
{
	static const struct {
		char c;
		const char *to;
	} rows[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}};
	jstr s = val_string(j, self);
	struct text t = {NULL, 0, 0};
	(void)a;
	for (size_t i = 0; i < s.n; i++) {
		size_t k = 0;
		while (k < 5 && ch_code(s.p[i]) != (unsigned char)rows[k].c)
			k++;
		if (k < 5)
			text_ascii(j, &t, rows[k].to);
		else
			text_put(j, &t, s.p + i, 1);
	}
	return text_val(&t);
}

/* What may not stand in an address as it is, as "%41". */
static val
f_urlencode(struct jinja *j, val self, const struct args *a)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~/";
	const jstr s = val_string(j, self);
	struct text t = {NULL, 0, 0};
	(void)a;
	if (self.type == JINJA_DICT || self.type == JINJA_LIST)
		jinja_die(j, "urlencode of %s is not known here", val_kind(self));
	for (size_t i = 0; i < s.n; i++) {
		const uint32_t c = ch_code(s.p[i]);
		unsigned char utf8[4] = {(unsigned char)c};
		char hex[8];
		if (c && c < 0x80 && strchr(plain, (int)c)) {
			text_put(j, &t, s.p + i, 1);
			continue;
		}
		for (size_t k = 0, n = c & JINJA_BYTE ? 1 : utf8_put(utf8, c); k < n; k++) {
			snprintf(hex, sizeof hex, "%%%02X", utf8[k]);
			text_ascii(j, &t, hex);
		}
	}
	return text_val(&t);
}

method_fn *
text_filter(jstr name)
{
	static const struct method rows[] = {
		{"capitalize", f_capitalize}, {"center", f_center}, {"e", f_escape}, {"escape", f_escape},
		{"filesizeformat", f_filesizeformat}, {"forceescape", f_escape}, {"format", f_format}, {"indent", f_indent},
		{"lower", f_lower}, {"pprint", f_pprint}, {"replace", f_replace}, {"safe", f_string}, {"string", f_string},
		{"title", f_title}, {"trim", f_trim}, {"truncate", f_truncate}, {"upper", f_upper}, {"urlencode", f_urlencode},
		{"wordcount", f_wordcount},
	};
	return method_in(rows, sizeof rows / sizeof *rows, name);
}
