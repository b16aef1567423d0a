/* jinja_builtin.c - what a template can call: filters and methods; see jinja_impl.h. */
#include "jinja_impl.h"
#include "normal.h"
#include "unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static val
text_val(const struct text *t)
{
	return val_str((jstr){t->p, t->n});
}

/* Strings. */

static bool
letter(uint32_t c)
{
	return U_BIT(unicode_cat(c)) & SET_L;
}

static val
map_chars(struct jinja *j, jstr s, uint32_t (*fn)(uint32_t c, bool begins), bool (*inside)(uint32_t c))
{
	uint32_t *p = jinja_alloc(j, s.n, sizeof *p);
	bool begins = true;
	for (size_t i = 0; i < s.n; i++) {
		uint32_t c = ch_code(s.p[i]);
		p[i] = fn(c, begins) | (s.p[i] & JINJA_FOREIGN);
		begins = !inside(c);
		jinja_work(j, c < 0x80 ? 1 : 100); /* a capital is looked for */
	}
	return val_str((jstr){p, s.n});
}

struct case_pair {
	uint32_t small, capital;
};
static void
match_capital(uint32_t cp, void *arg)
{
	struct case_pair *p = arg;
	if (!p->capital && small_letter(cp) == p->small)
		p->capital = cp;
}

static uint32_t
upper_char(uint32_t c, bool begins)
{
	struct case_pair p = {c, 0};
	(void)begins;
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c - 32 : c;
	each_capital(match_capital, &p);
	return p.capital ? p.capital : c;
}
static uint32_t
lower_char(uint32_t c, bool begins)
{
	(void)begins;
	return small_letter(c);
}
static uint32_t
title_char(uint32_t c, bool begins)
{
	return begins ? upper_char(c, true) : lower_char(c, true);
}

static val
s_upper(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return map_chars(j, val_string(j, self), upper_char, letter);
}
static val
s_lower(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return map_chars(j, val_string(j, self), lower_char, letter);
}
static val
s_title(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return map_chars(j, val_string(j, self), title_char, letter);
}
/* Jinja's own: words begin behind blanks, dashes and brackets. */
static bool
in_word(uint32_t c)
{
	return !ch_space(c) && c != '-' && c != '(' && c != '{' && c != '[' && c != '<';
}
static val
f_title(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return map_chars(j, val_string(j, self), title_char, in_word);
}
static val
s_capitalize(struct jinja *j, val self, const struct args *a)
{
	val v = s_lower(j, self, a);
	if (!v.s.n)
		return v;
	val first = map_chars(j, jstr_cut(v.s, 0, 1), upper_char, letter);
	struct text t = {NULL, 0, 0};
	text_put(j, &t, first.s.p, 1);
	text_put(j, &t, v.s.p + 1, v.s.n - 1);
	return text_val(&t);
}

static val
strip(struct jinja *j, val self, const struct args *a, bool left, bool right)
{
	const val *chars = jinja_arg(a, 0, "chars");
	jstr s = val_string(j, self), set = {NULL, 0};
	if (chars && chars->type != JINJA_NONE)
		set = want_str(j, chars, "strip");
	return val_str(jstr_strip(s, chars && chars->type != JINJA_NONE ? &set : NULL, left, right));
}
static val
s_strip(struct jinja *j, val self, const struct args *a)
{
	return strip(j, self, a, true, true);
}
static val
s_lstrip(struct jinja *j, val self, const struct args *a)
{
	return strip(j, self, a, true, false);
}
static val
s_rstrip(struct jinja *j, val self, const struct args *a)
{
	return strip(j, self, a, false, true);
}

/* Parts between runs of blanks, at most `max` cuts; < 0: all. */
static val
split_blanks(struct jinja *j, jstr s, int64_t max)
{
	val out = val_list(j);
	for (size_t i = 0;;) {
		while (i < s.n && ch_space(s.p[i]))
			i++;
		if (i == s.n)
			return out;
		size_t end = i;
		if (max >= 0 && (int64_t)out.list->n >= max)
			end = s.n;
		while (end < s.n && !(max >= 0 && (int64_t)out.list->n >= max) && !ch_space(s.p[end]))
			end++;
		jinja_push(j, out, val_str(jstr_cut(s, i, end)));
		if (max >= 0 && (int64_t)out.list->n > max)
			return out;
		i = end;
	}
}

static val
s_split(struct jinja *j, val self, const struct args *a)
{
	const val *by = jinja_arg(a, 0, "sep");
	int64_t max = want_int(j, jinja_arg(a, 1, "maxsplit"), -1, "split");
	if (!by || by->type == JINJA_NONE)
		return split_blanks(j, self.s, max);
	jstr sep = want_str(j, by, "split"), s = self.s;
	if (!sep.n)
		jinja_die(j, "split wants a separator that is not empty");
	val out = val_list(j);
	size_t begin = 0;
	for (size_t at; (max < 0 || (int64_t)out.list->n < max) && (at = jstr_find(j, s, sep, begin)) != SIZE_MAX;
		begin = at + sep.n)
		jinja_push(j, out, val_str(jstr_cut(s, begin, at)));
	jinja_push(j, out, val_str(jstr_cut(s, begin, s.n)));
	return out;
}

static val
s_rsplit(struct jinja *j, val self, const struct args *a)
{
	int64_t max = want_int(j, jinja_arg(a, 1, "maxsplit"), -1, "rsplit");
	struct args all = {.n = a->n ? 1 : 0, .v = {a->v[0]}};
	val parts = s_split(j, self, &all), out = val_list(j);
	if (max < 0 || (int64_t)parts.list->n <= max + 1)
		return parts;
	size_t keep = parts.list->n - (size_t)max;
	jstr last = parts.list->v[keep - 1].s;
	jinja_push(j, out, val_str((jstr){self.s.p, (size_t)(last.p + last.n - self.s.p)}));
	for (size_t i = keep; i < parts.list->n; i++)
		jinja_push(j, out, parts.list->v[i]);
	return out;
}

static val
s_splitlines(struct jinja *j, val self, const struct args *a)
{
	val out = val_list(j);
	(void)a;
	for (size_t i = 0, end; i < self.s.n; i = end + 1) {
		end = i;
		while (end < self.s.n && ch_code(self.s.p[end]) != '\n' && ch_code(self.s.p[end]) != '\r')
			end++;
		jinja_push(j, out, val_str(jstr_cut(self.s, i, end)));
		if (end + 1 < self.s.n && ch_code(self.s.p[end]) == '\r' && ch_code(self.s.p[end + 1]) == '\n')
			end++;
	}
	return out;
}

static bool
affix(jstr s, jstr x, bool end)
{
	return x.n <= s.n && jstr_eq(end ? jstr_cut(s, s.n - x.n, s.n) : jstr_cut(s, 0, x.n), x);
}

/* One of a string, or of the strings of a tuple. */
static val
affixes(struct jinja *j, val self, const struct args *a, bool end)
{
	const val *x = jinja_arg(a, 0, "prefix");
	if (x && x->type == JINJA_LIST) {
		for (size_t i = 0; i < x->list->n; i++)
			if (affix(self.s, want_str(j, x->list->v + i, "startswith"), end))
				return jinja_bool(true);
		return jinja_bool(false);
	}
	return jinja_bool(affix(self.s, want_str(j, x, end ? "endswith" : "startswith"), end));
}
static val
s_startswith(struct jinja *j, val self, const struct args *a)
{
	return affixes(j, self, a, false);
}
static val
s_endswith(struct jinja *j, val self, const struct args *a)
{
	return affixes(j, self, a, true);
}
static val
s_removeprefix(struct jinja *j, val self, const struct args *a)
{
	jstr x = want_str(j, jinja_arg(a, 0, ""), "removeprefix");
	return affix(self.s, x, false) ? val_str(jstr_cut(self.s, x.n, self.s.n)) : self;
}
static val
s_removesuffix(struct jinja *j, val self, const struct args *a)
{
	jstr x = want_str(j, jinja_arg(a, 0, ""), "removesuffix");
	return affix(self.s, x, true) ? val_str(jstr_cut(self.s, 0, self.s.n - x.n)) : self;
}

static val
s_replace(struct jinja *j, val self, const struct args *a)
{
	jstr s = val_string(j, self), from = want_str(j, jinja_arg(a, 0, "old"), "replace"),
	     to = want_str(j, jinja_arg(a, 1, "new"), "replace");
	int64_t most = want_int(j, jinja_arg(a, 2, "count"), -1, "replace");
	struct text t = {NULL, 0, 0};
	size_t begin = 0, at;
	for (int64_t n = 0; (most < 0 || n < most) && (at = jstr_find(j, s, from, begin)) != SIZE_MAX; n++) {
		text_put(j, &t, s.p + begin, at - begin);
		text_put(j, &t, to.p, to.n);
		begin = at + from.n;
		if (!from.n) { /* between all characters */
			if (at == s.n)
				return text_val(&t);
			text_put(j, &t, s.p + begin++, 1);
		}
	}
	text_put(j, &t, s.p + begin, s.n - begin);
	return text_val(&t);
}

static val
s_find(struct jinja *j, val self, const struct args *a)
{
	size_t at = jstr_find(j, self.s, want_str(j, jinja_arg(a, 0, "sub"), "find"), 0);
	return val_int(at == SIZE_MAX ? -1 : (int64_t)at);
}

static val
s_index(struct jinja *j, val self, const struct args *a)
{
	val at = s_find(j, self, a);
	if (at.i < 0)
		jinja_die(j, "index: the string is not there");
	return at;
}

static val
s_partition(struct jinja *j, val self, const struct args *a)
{
	jstr sep = want_str(j, jinja_arg(a, 0, "sep"), "partition"), s = self.s;
	size_t at = jstr_find(j, s, sep, 0), end;
	val out = val_list(j);
	out.list->tuple = true;
	at = at == SIZE_MAX ? s.n : at;
	end = at == s.n ? at : at + sep.n;
	jinja_push(j, out, val_str(jstr_cut(s, 0, at)));
	jinja_push(j, out, val_str(jstr_cut(s, at, end)));
	jinja_push(j, out, val_str(jstr_cut(s, end, s.n)));
	return out;
}

static val
s_rfind(struct jinja *j, val self, const struct args *a)
{
	jstr x = want_str(j, jinja_arg(a, 0, "sub"), "rfind");
	int64_t last = -1;
	for (size_t at = 0; (at = jstr_find(j, self.s, x, at)) != SIZE_MAX; at++)
		last = (int64_t)at;
	return val_int(last);
}

static val
s_count(struct jinja *j, val self, const struct args *a)
{
	jstr x = want_str(j, jinja_arg(a, 0, "sub"), "count");
	int64_t n = 0;
	if (!x.n)
		return val_int((int64_t)self.s.n + 1);
	for (size_t at = 0; (at = jstr_find(j, self.s, x, at)) != SIZE_MAX; at += x.n)
		n++;
	return val_int(n);
}

static val
all_chars(val self, bool (*fn)(uint32_t c))
{
	bool all = self.s.n > 0;
	for (size_t i = 0; all && i < self.s.n; i++)
		all = fn(ch_code(self.s.p[i]));
	return jinja_bool(all);
}
static bool
digit(uint32_t c)
{
	return U_BIT(unicode_cat(c)) & U_BIT(U_ND);
}
static bool
letter_or_digit(uint32_t c)
{
	return letter(c) || digit(c);
}
static val
s_isdigit(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, digit);
}
static val
s_isalpha(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, letter);
}
static val
s_isalnum(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, letter_or_digit);
}
static val
s_isspace(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, ch_space);
}

static val
f_join(struct jinja *j, val self, const struct args *a)
{
	const val *by = jinja_arg(a, 0, "d"), *attribute = jinja_arg(a, 1, "attribute");
	jstr sep = by ? val_string(j, *by) : (jstr){NULL, 0};
	struct jinja_list *l = val_iter(j, self);
	struct text t = {NULL, 0, 0};
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			text_put(j, &t, sep.p, sep.n);
		val_print(j, &t, attribute ? jinja_get(j, l->v[i], *attribute) : l->v[i]);
	}
	return text_val(&t);
}

/* "sep".join(list) */
static val
s_join(struct jinja *j, val self, const struct args *a)
{
	struct args sep = {.n = 1, .v = {self}};
	const val *l = jinja_arg(a, 0, "iterable");
	if (!l)
		jinja_die(j, "join wants a list");
	return f_join(j, *l, &sep);
}

/* "{}", "{0}" and "{name}", without a format behind a colon. */
static val
s_format(struct jinja *j, val self, const struct args *a)
{
	struct text t = {NULL, 0, 0};
	char name[64], *end;
	size_t automatic = 0;
	jstr s = self.s;
	for (size_t i = 0; i < s.n; i++) {
		uint32_t c = ch_code(s.p[i]), d = i + 1 < s.n ? ch_code(s.p[i + 1]) : 0;
		if ((c != '{' && c != '}') || c == d) {
			i += c == d && (c == '{' || c == '}');
			text_put(j, &t, s.p + i, 1);
			continue;
		}
		size_t close = i + 1;
		while (close < s.n && ch_code(s.p[close]) != '}')
			close++;
		if (c == '}' || close == s.n)
			jinja_die(j, "format: a brace stands alone");
		jstr_ascii(jstr_cut(s, i + 1, close), name, sizeof name);
		size_t at = close == i + 1 ? automatic++ : (size_t)strtoul(name, &end, 10);
		const val *v = jinja_arg(a, close == i + 1 || *end == '\0' ? at : SIZE_MAX, close == i + 1 ? "{" : name);
		if (!v)
			jinja_die(j, "format: no value for {%s}", name);
		val_print(j, &t, *v);
		i = close;
	}
	return text_val(&t);
}

/* Lists and dicts. */

static val
pair(struct jinja *j, val a, val b)
{
	val v = val_list(j);
	v.list->tuple = true;
	jinja_push(j, v, a);
	jinja_push(j, v, b);
	return v;
}

static struct jinja_dict *
want_dict(struct jinja *j, val v, const char *what)
{
	if (v.type != JINJA_DICT)
		jinja_die(j, "%s wants a dict, not %s", what, val_kind(v));
	return v.dict;
}

static val
d_items(struct jinja *j, val self, const struct args *a)
{
	val out = val_list(j);
	(void)a;
	if (self.type == JINJA_UNDEFINED)
		return out;
	struct jinja_dict *d = want_dict(j, self, "items");
	for (size_t i = 0; i < d->n; i++)
		jinja_push(j, out, pair(j, d->key[i], d->v[i]));
	return out;
}
static val
d_keys(struct jinja *j, val self, const struct args *a)
{
	val out = val_list(j);
	(void)a;
	for (size_t i = 0; i < self.dict->n; i++)
		jinja_push(j, out, self.dict->key[i]);
	return out;
}
static val
d_values(struct jinja *j, val self, const struct args *a)
{
	val out = val_list(j);
	(void)a;
	for (size_t i = 0; i < self.dict->n; i++)
		jinja_push(j, out, self.dict->v[i]);
	return out;
}
static val
d_get(struct jinja *j, val self, const struct args *a)
{
	const val *key = jinja_arg(a, 0, "key"), *missing = jinja_arg(a, 1, "default");
	if (!key)
		jinja_die(j, "get wants a key");
	val *v = dict_find(j, self.dict, *key);
	return v ? *v : missing ? *missing : jinja_none();
}
static val
d_copy(struct jinja *j, val self, const struct args *a)
{
	val out = jinja_dict(j);
	(void)a;
	for (size_t i = 0; i < self.dict->n; i++)
		dict_set(j, out.dict, self.dict->key[i], self.dict->v[i]);
	return out;
}
static val
l_index(struct jinja *j, val self, const struct args *a)
{
	const val *x = jinja_arg(a, 0, "value");
	for (size_t i = 0; x && i < self.list->n; i++)
		if (val_eq(j, self.list->v[i], *x))
			return val_int((int64_t)i);
	jinja_die(j, "index: it is not in the list");
}
static val
immutable(struct jinja *j, val self, const struct args *a)
{
	(void)self, (void)a;
	jinja_die(j, "it tries to change a value in place, which templates may not");
}

typedef val method_fn(struct jinja *j, val self, const struct args *a);
static const struct method {
	enum jinja_type of;
	const char *name;
	method_fn *fn;
} methods[] = {
	{JINJA_STRING, "upper", s_upper}, {JINJA_STRING, "lower", s_lower}, {JINJA_STRING, "title", s_title},
	{JINJA_STRING, "capitalize", s_capitalize}, {JINJA_STRING, "strip", s_strip},
	{JINJA_STRING, "lstrip", s_lstrip}, {JINJA_STRING, "rstrip", s_rstrip}, {JINJA_STRING, "split", s_split},
	{JINJA_STRING, "rsplit", s_rsplit}, {JINJA_STRING, "splitlines", s_splitlines},
	{JINJA_STRING, "startswith", s_startswith}, {JINJA_STRING, "endswith", s_endswith},
	{JINJA_STRING, "removeprefix", s_removeprefix}, {JINJA_STRING, "removesuffix", s_removesuffix},
	{JINJA_STRING, "replace", s_replace}, {JINJA_STRING, "find", s_find}, {JINJA_STRING, "rfind", s_rfind},
	{JINJA_STRING, "count", s_count}, {JINJA_STRING, "join", s_join}, {JINJA_STRING, "format", s_format},
	{JINJA_STRING, "isdigit", s_isdigit}, {JINJA_STRING, "isnumeric", s_isdigit},
	{JINJA_STRING, "isalpha", s_isalpha}, {JINJA_STRING, "isspace", s_isspace},
	{JINJA_STRING, "isalnum", s_isalnum}, {JINJA_STRING, "index", s_index}, {JINJA_STRING, "partition", s_partition},
	{JINJA_DICT, "items", d_items}, {JINJA_DICT, "keys", d_keys}, {JINJA_DICT, "values", d_values},
	{JINJA_DICT, "get", d_get}, {JINJA_DICT, "copy", d_copy}, {JINJA_DICT, "update", immutable},
	{JINJA_DICT, "pop", immutable}, {JINJA_DICT, "setdefault", immutable}, {JINJA_DICT, "clear", immutable},
	{JINJA_LIST, "index", l_index}, {JINJA_LIST, "append", immutable}, {JINJA_LIST, "extend", immutable},
	{JINJA_LIST, "insert", immutable}, {JINJA_LIST, "pop", immutable}, {JINJA_LIST, "remove", immutable},
	{JINJA_LIST, "reverse", immutable}, {JINJA_LIST, "sort", immutable},
};

static const struct method *
method_find(val self, jstr name)
{
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
		if (methods[i].of == self.type && jstr_is(name, methods[i].name))
			return methods + i;
	return NULL;
}

bool
method_known(val self, jstr name)
{
	return method_find(self, name) != NULL;
}

val
call_method(struct jinja *j, val self, jstr name, const struct args *a)
{
	return method_find(self, name)->fn(j, self, a);
}

/* Filters. */

static val
f_length(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return val_int((int64_t)val_length(j, self));
}

static val
f_default(struct jinja *j, val self, const struct args *a)
{
	const val *v = jinja_arg(a, 0, "default_value"), *empty = jinja_arg(a, 1, "boolean");
	if (self.type == JINJA_UNDEFINED || (empty && val_true(*empty) && !val_true(self)))
		return v ? *v : val_str((jstr){NULL, 0});
	(void)j;
	return self;
}

static val
f_string(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return val_str(val_string(j, self));
}

static val
f_same(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return self;
}

static val
f_list(struct jinja *j, val self, const struct args *a)
{
	struct jinja_list *l = val_iter(j, self);
	val out = val_list(j);
	(void)a;
	for (size_t i = 0; i < l->n; i++)
		jinja_push(j, out, l->v[i]);
	return out;
}

/* As transformers has it. */
static val
f_tojson(struct jinja *j, val self, const struct args *a)
{
	const val *ascii = jinja_arg(a, 0, "ensure_ascii"), *indent = jinja_arg(a, 1, "indent"), *between = jinja_arg(a, 2, "separators"),
		*sort = jinja_arg(a, 3, "sort_keys");
	int64_t n = indent && indent->type != JINJA_NONE ? want_int(j, indent, -1, "tojson") : -1;
	struct json_style style = {n > 64 ? 64 : (int)n, sort && val_true(*sort), ascii && val_true(*ascii), {NULL, 0}, {NULL, 0}};
	struct text t = {NULL, 0, 0};
	if (between && between->type != JINJA_NONE) {
		if (between->type != JINJA_LIST || between->list->n != 2)
			jinja_die(j, "tojson wants two separators");
		style.item = want_str(j, between->list->v, "tojson");
		style.key = want_str(j, between->list->v + 1, "tojson");
	}
	val_json(j, &t, self, &style, 0);
	return text_val(&t);
}

/* Blanks before every line but the first, and not before empty ones. */
static val
f_indent(struct jinja *j, val self, const struct args *a)
{
	const val *first = jinja_arg(a, 1, "first"), *blank = jinja_arg(a, 2, "blank"), *width = jinja_arg(a, 0, "width");
	jstr s = val_string(j, self), lead = {NULL, 0};
	if (width && width->type == JINJA_STRING)
		lead = width->s;
	else {
		int64_t n = want_int(j, width, 4, "indent");
		uint32_t *p = jinja_alloc(j, n > 0 ? (size_t)n : 0, sizeof *p);
		for (int64_t i = 0; i < n; i++)
			p[i] = ' ';
		lead = (jstr){p, n > 0 ? (size_t)n : 0};
	}
	struct text t = {NULL, 0, 0};
	for (size_t i = 0; i < s.n; i++) {
		bool begins = i ? ch_code(s.p[i - 1]) == '\n' : first && val_true(*first);
		if (begins && (ch_code(s.p[i]) != '\n' || (blank && val_true(*blank))))
			text_put(j, &t, lead.p, lead.n);
		text_put(j, &t, s.p + i, 1);
	}
	return text_val(&t);
}

static val
lower_key(struct jinja *j, val v, bool fold)
{
	static const struct args none;
	return fold && v.type == JINJA_STRING ? s_lower(j, v, &none) : v;
}

/* Values sorted in place by keys, stable; both arrays have n elements. */
static void
sort_by(struct jinja *j, val *v, val *key, size_t n, bool down)
{
	for (size_t width = 1; width < n; width *= 2) { /* merge sort */
		val *to = jinja_alloc(j, n, sizeof *to), *to_key = jinja_alloc(j, n, sizeof *to);
		for (size_t lo = 0; lo < n; lo += 2 * width) {
			size_t a = lo, mid = lo + width < n ? lo + width : n, b = mid;
			size_t end = mid + width < n ? mid + width : n;
			for (size_t k = lo; k < end; k++) {
				int c = a < mid && b < end ? val_cmp(j, key[a], key[b]) : a < mid ? -1 : 1;
				bool left = a < mid && b < end ? (down ? c >= 0 : c <= 0) : a < mid;
				to_key[k] = left ? key[a] : key[b];
				to[k] = left ? v[a++] : v[b++];
			}
		}
		memcpy(v, to, n * sizeof *v);
		memcpy(key, to_key, n * sizeof *v);
		jinja_work(j, n);
	}
}

static val
f_dictsort(struct jinja *j, val self, const struct args *a)
{
	const val *exact = jinja_arg(a, 0, "case_sensitive"), *by = jinja_arg(a, 1, "by"), *down = jinja_arg(a, 2, "reverse");
	bool by_value = by && by->type == JINJA_STRING && jstr_is(by->s, "value");
	want_dict(j, self, "dictsort");
	val out = d_items(j, self, a);
	size_t n = out.list->n;
	val *key = jinja_alloc(j, n + 1, sizeof *key);
	for (size_t i = 0; i < n; i++)
		key[i] = lower_key(j, out.list->v[i].list->v[by_value], !(exact && val_true(*exact)));
	sort_by(j, out.list->v, key, n, down && val_true(*down));
	return out;
}

/* "a.b" of a value. */
static val
attribute(struct jinja *j, val v, val name)
{
	if (name.type != JINJA_STRING)
		return jinja_get(j, v, name);
	static const uint32_t dot[] = {'.'};
	for (size_t from = 0, at; from <= name.s.n; from = at + 1) {
		at = jstr_find(j, name.s, (jstr){dot, 1}, from);
		if (at == SIZE_MAX)
			at = name.s.n;
		v = jinja_get(j, v, val_str(jstr_cut(name.s, from, at)));
	}
	return v;
}

static val
f_sort(struct jinja *j, val self, const struct args *a)
{
	const val *down = jinja_arg(a, 0, "reverse"), *exact = jinja_arg(a, 1, "case_sensitive"), *by = jinja_arg(a, 2, "attribute");
	val out = f_list(j, self, a);
	size_t n = out.list->n;
	val *key = jinja_alloc(j, n + 1, sizeof *key);
	for (size_t i = 0; i < n; i++)
		key[i] = lower_key(j, by ? attribute(j, out.list->v[i], *by) : out.list->v[i],
			!(exact && val_true(*exact)));
	sort_by(j, out.list->v, key, n, down && val_true(*down));
	return out;
}

static val
f_unique(struct jinja *j, val self, const struct args *a)
{
	struct jinja_list *l = val_iter(j, self);
	val out = val_list(j), seen = val_list(j);
	(void)a;
	for (size_t i = 0; i < l->n; i++) {
		val key = lower_key(j, l->v[i], true);
		if (val_in(j, key, seen))
			continue;
		jinja_push(j, seen, key);
		jinja_push(j, out, l->v[i]);
	}
	return out;
}

static val
f_reverse(struct jinja *j, val self, const struct args *a)
{
	struct jinja_list *l = val_iter(j, self);
	val out = val_list(j);
	(void)a;
	for (size_t i = l->n; i-- > 0;)
		jinja_push(j, out, l->v[i]);
	if (self.type != JINJA_STRING)
		return out;
	struct args none = {.n = 0};
	return f_join(j, out, &none);
}

static val
end_of(struct jinja *j, val self, bool last)
{
	struct jinja_list *l = val_iter(j, self);
	return l->n ? l->v[last ? l->n - 1 : 0] : val_undefined();
}
static val
f_first(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return end_of(j, self, false);
}
static val
f_last(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return end_of(j, self, true);
}

static val
extreme(struct jinja *j, val self, int sign)
{
	struct jinja_list *l = val_iter(j, self);
	val best = l->n ? l->v[0] : val_undefined();
	for (size_t i = 1; i < l->n; i++)
		if (val_cmp(j, lower_key(j, l->v[i], true), lower_key(j, best, true)) * sign > 0)
			best = l->v[i];
	return best;
}
static val
f_sum(struct jinja *j, val self, const struct args *a)
{
	const val *of = jinja_arg(a, 0, "attribute"), *start = jinja_arg(a, 1, "start");
	struct jinja_list *l = val_iter(j, self);
	val sum = start ? *start : val_int(0);
	for (size_t i = 0; i < l->n; i++)
		sum = jinja_add(j, sum, of && of->type != JINJA_NONE ? attribute(j, l->v[i], *of) : l->v[i]);
	return sum;
}

static val
f_max(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return extreme(j, self, 1);
}
static val
f_min(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return extreme(j, self, -1);
}

static val
f_int(struct jinja *j, val self, const struct args *a)
{
	char buf[64], *end;
	double x;
	const val *missing = jinja_arg(a, 0, "default");
	if (self.type == JINJA_STRING) {
		jstr_ascii(jstr_strip(self.s, NULL, true, true), buf, sizeof buf);
		x = strtod(buf, &end);
		if (end == buf || *end)
			return missing ? *missing : val_int(0);
	} else if (!val_number(self, &x))
		return missing ? *missing : val_int(0);
	if (!(fabs(x) < 0x1p62))
		jinja_die(j, "int: the number is too large");
	return val_int((int64_t)x);
}

static val
f_float(struct jinja *j, val self, const struct args *a)
{
	char buf[64], *end;
	double x;
	const val *missing = jinja_arg(a, 0, "default");
	(void)j;
	if (val_number(self, &x))
		return val_float(x);
	if (self.type == JINJA_STRING) {
		x = strtod(jstr_ascii(jstr_strip(self.s, NULL, true, true), buf, sizeof buf), &end);
		if (end != buf && !*end)
			return val_float(x);
	}
	return missing ? *missing : val_float(0);
}

static val
f_abs(struct jinja *j, val self, const struct args *a)
{
	double x;
	(void)a;
	if (!val_number(self, &x))
		jinja_die(j, "abs of %s", val_kind(self));
	return self.type == JINJA_FLOAT ? val_float(fabs(x)) : val_int(llabs((long long)x));
}

static val
f_round(struct jinja *j, val self, const struct args *a)
{
	double x, scale = pow(10, (double)want_int(j, jinja_arg(a, 0, "precision"), 0, "round"));
	const val *method = jinja_arg(a, 1, "method");
	jstr way = method ? want_str(j, method, "round") : (jstr){NULL, 0};
	if (!val_number(self, &x))
		jinja_die(j, "round of %s", val_kind(self));
	x *= scale;
	return val_float((jstr_is(way, "ceil") ? ceil(x) : jstr_is(way, "floor") ? floor(x) : nearbyint(x)) / scale);
}

/* What a filter by tests asks of each value: an attribute of it or itself; "truth" without a name. */
static val
select_by(struct jinja *j, val self, const struct args *a, bool of_attribute, bool want)
{
	struct jinja_list *l = val_true(self) ? val_iter(j, self) : val_list(j).list;
	val out = val_list(j);
	size_t name = of_attribute;
	struct args rest = {.n = a->n > name + 1 ? a->n - name - 1 : 0};
	if (of_attribute && !a->n)
		jinja_die(j, "selectattr wants the name of an attribute");
	for (size_t i = 0; i < rest.n; i++)
		rest.v[i] = a->v[name + 1 + i];
	for (size_t i = 0; i < l->n; i++) {
		val x = of_attribute ? attribute(j, l->v[i], a->v[0]) : l->v[i];
		bool ok = a->n > name ? call_test(j, want_str(j, a->v + name, "a test's name"), x, &rest) : val_true(x);
		if (ok == want)
			jinja_push(j, out, l->v[i]);
	}
	return out;
}
static val
f_select(struct jinja *j, val self, const struct args *a)
{
	return select_by(j, self, a, false, true);
}
static val
f_reject(struct jinja *j, val self, const struct args *a)
{
	return select_by(j, self, a, false, false);
}
static val
f_selectattr(struct jinja *j, val self, const struct args *a)
{
	return select_by(j, self, a, true, true);
}
static val
f_rejectattr(struct jinja *j, val self, const struct args *a)
{
	return select_by(j, self, a, true, false);
}

static val
f_map(struct jinja *j, val self, const struct args *a)
{
	const val *of = jinja_arg(a, SIZE_MAX, "attribute"), *missing = jinja_arg(a, SIZE_MAX, "default");
	struct jinja_list *l = val_true(self) ? val_iter(j, self) : val_list(j).list;
	struct args rest = {.n = a->n ? a->n - 1 : 0};
	val out = val_list(j);
	if (!of && !a->n)
		jinja_die(j, "map wants a filter or an attribute");
	for (size_t i = 0; i < rest.n; i++)
		rest.v[i] = a->v[i + 1];
	for (size_t i = 0; i < l->n; i++) {
		val x = of ? attribute(j, l->v[i], *of) : call_filter(j, want_str(j, a->v, "map"), l->v[i], &rest);
		jinja_push(j, out, missing && x.type == JINJA_UNDEFINED ? *missing : x);
	}
	return out;
}

/* Python's "%s and %d" % values. */
static val
f_format(struct jinja *j, val self, const struct args *a)
{
	struct text t = {NULL, 0, 0};
	jstr s = val_string(j, self);
	const val *v = a->v;
	size_t n = a->n;
	if (n == 1 && v->type == JINJA_LIST && v->list->tuple) {
		n = v->list->n;
		v = v->list->v;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (ch_code(s.p[i]) != '%') {
			text_put(j, &t, s.p + i, 1);
			continue;
		}
		uint32_t c = i + 1 < s.n ? ch_code(s.p[i + 1]) : 0;
		if (c == '%')
			text_put(j, &t, s.p + i, 1);
		else if (!n || (c != 's' && c != 'd' && c != 'i'))
			jinja_die(j, "format: %%s, %%d and a value for each are known");
		else {
			val_print(j, &t, *v++);
			n--;
		}
		i++;
	}
	return text_val(&t);
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

static const struct {
	const char *name;
	method_fn *fn;
} filters[] = {
	{"abs", f_abs}, {"capitalize", s_capitalize}, {"count", f_length}, {"d", f_default}, {"default", f_default},
	{"dictsort", f_dictsort}, {"e", f_escape}, {"escape", f_escape}, {"first", f_first}, {"float", f_float},
	{"format", f_format}, {"indent", f_indent}, {"int", f_int}, {"items", d_items}, {"join", f_join},
	{"last", f_last}, {"length", f_length}, {"list", f_list}, {"lower", s_lower}, {"map", f_map},
	{"max", f_max}, {"min", f_min}, {"reject", f_reject}, {"rejectattr", f_rejectattr},
	{"replace", s_replace}, {"reverse", f_reverse}, {"round", f_round}, {"safe", f_same},
	{"select", f_select}, {"selectattr", f_selectattr}, {"sort", f_sort}, {"string", f_string}, {"sum", f_sum},
	{"title", f_title}, {"tojson", f_tojson}, {"trim", s_strip}, {"unique", f_unique}, {"upper", s_upper},
};

val
call_filter(struct jinja *j, jstr name, val self, const struct args *a)
{
	char buf[64];
	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
		if (jstr_is(name, filters[i].name)) {
			if (++j->depth > DEPTH_MAX)
				jinja_die(j, "nested more than %d deep", DEPTH_MAX);
			val v = filters[i].fn(j, self, a);
			j->depth--;
			return v;
		}
	jinja_die(j, "filter '%s' is not known", jstr_ascii(name, buf, sizeof buf));
}
