/* jinja_value.c - values of a template; see jinja_impl.h. */
#include "jinja_impl.h"

#include "unicode/unicode.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
jinja_die(const struct jinja *j, const char *fmt, ...)
{
	char what[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	die("%s: chat template, line %zu: %s", j->name, j->at ? j->at->line : j->line, what);
}

void
jinja_work(struct jinja *j, size_t steps)
{
	j->steps += steps;
	if (j->steps > STEPS_MAX)
		jinja_die(j, "it takes more than %d steps", STEPS_MAX);
}

static void *
alloc(struct jinja *j, struct chunk **list, size_t n, size_t size)
{
	enum { CHUNK = 1 << 16, ALIGN = sizeof(max_align_t) };
	if (!mul_size(n, size, &n) || n > MEMORY_MAX || j->memory > MEMORY_MAX - n)
		jinja_die(j, "it takes more than %d MB of memory", MEMORY_MAX >> 20);
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	struct chunk *c = *list;
	if (!c || c->size - c->used < n) {
		size_t room = n > CHUNK ? n : CHUNK;
		c = xcalloc(1, sizeof *c + room);
		c->size = room;
		c->next = *list;
		*list = c;
		j->memory += room;
	}
	void *p = (char *)c->data + c->used;
	c->used += n;
	return p;
}

void *
jinja_alloc(struct jinja *j, size_t n, size_t size)
{
	return alloc(j, &j->values, n, size);
}

void *
tree_alloc(struct jinja *j, size_t n, size_t size)
{
	return alloc(j, &j->tree, n, size);
}

void
chunks_free(struct chunk **list)
{
	for (struct chunk *c; (c = *list);) {
		*list = c->next;
		xfree(c);
	}
}

/* Characters and strings. */

uint32_t
ch_code(uint32_t c)
{
	return c & ~JINJA_FOREIGN;
}

/* What Python's str.isspace() says. */
bool
ch_space(uint32_t c)
{
	c = ch_code(c);
	return (c >= 0x1C && c <= 0x1F) || unicode_cat(c) == U_SPACE;
}

jstr
jstr_cut(jstr s, size_t from, size_t to)
{
	return (jstr){s.p ? s.p + from : NULL, to - from}; /* of nothing, nothing */
}

jstr
jstr_decode(struct jinja *j, const char *text, size_t n, bool foreign, bool tree)
{
	uint32_t *p = tree ? tree_alloc(j, n, sizeof *p) : jinja_alloc(j, n, sizeof *p);
	size_t n_out = 0;
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next((const unsigned char *)text + i, n - i, &cp);
		if (len == 1 && cp == CP_INVALID)
			cp = JINJA_BYTE | (unsigned char)text[i];
		p[n_out++] = cp | (foreign ? JINJA_FOREIGN : 0);
	}
	return (jstr){p, n_out};
}

jstr
jstr_of(struct jinja *j, const char *ascii)
{
	return jstr_decode(j, ascii, strlen(ascii), false, false);
}

bool
jstr_is(jstr s, const char *ascii)
{
	size_t i = 0;
	for (; i < s.n && ascii[i]; i++)
		if (ch_code(s.p[i]) != (unsigned char)ascii[i])
			return false;
	return i == s.n && !ascii[i];
}

bool
jstr_eq(jstr a, jstr b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ch_code(a.p[i]) != ch_code(b.p[i]))
			return false;
	return true;
}

size_t
jstr_find(struct jinja *j, jstr s, jstr what, size_t from)
{
	for (size_t i = from; i <= s.n && what.n <= s.n - i; i++) {
		size_t k = 0;
		while (k < what.n && ch_code(s.p[i + k]) == ch_code(what.p[k]))
			k++;
		if (k == what.n)
			return i;
		jinja_work(j, k / 16 + ((i & 15) == 0));
	}
	return SIZE_MAX;
}

static bool
strips(uint32_t c, const jstr *chars)
{
	if (!chars)
		return ch_space(c);
	for (size_t i = 0; i < chars->n; i++)
		if (ch_code(chars->p[i]) == ch_code(c))
			return true;
	return false;
}

jstr
jstr_strip(jstr s, const jstr *chars, bool left, bool right)
{
	while (left && s.n && strips(s.p[0], chars))
		s.p++, s.n--;
	while (right && s.n && strips(s.p[s.n - 1], chars))
		s.n--;
	return s;
}

/* An array of a run that doubles. */
static void *
more(struct jinja *j, void *p, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return p;
	size_t old = *cap;
	*cap = need < 8 ? 8 : need > 2 * old ? need : 2 * old;
	void *q = jinja_alloc(j, *cap, size);
	if (old)
		memcpy(q, p, old * size);
	return q;
}

void
text_put(struct jinja *j, struct text *t, const uint32_t *p, size_t n)
{
	if (!n)
		return;
	jinja_work(j, n / 16);
	t->p = more(j, t->p, &t->cap, t->n + n, sizeof *t->p);
	memcpy(t->p + t->n, p, n * sizeof *p);
	t->n += n;
}

void
text_ascii(struct jinja *j, struct text *t, const char *s)
{
	for (; *s; s++) {
		uint32_t c = (unsigned char)*s;
		text_put(j, t, &c, 1);
	}
}

/* Values. */

val
val_str(jstr s)
{
	return (val){.type = JINJA_STRING, .s = s};
}
val
val_int(int64_t i)
{
	return (val){.type = JINJA_INT, .i = i};
}
val
val_float(double f)
{
	return (val){.type = JINJA_FLOAT, .f = f};
}
val
val_undefined(void)
{
	return (val){.type = JINJA_UNDEFINED};
}
val
jinja_bool(bool b)
{
	return (val){.type = JINJA_BOOL, .b = b};
}
val
jinja_none(void)
{
	return (val){.type = JINJA_NONE};
}
val
jinja_text(struct jinja *j, const char *text, size_t n, bool foreign)
{
	return val_str(jstr_decode(j, text, n, foreign, false));
}
val
jinja_mark(struct jinja *j, uint32_t mark)
{
	uint32_t *p = jinja_alloc(j, 1, sizeof *p);
	*p = JINJA_MARK | (mark & (JINJA_MARK - 1));
	return val_str((jstr){p, 1});
}
val
val_list(struct jinja *j)
{
	return (val){.type = JINJA_LIST, .list = jinja_alloc(j, 1, sizeof(struct jinja_list))};
}
val
jinja_list(struct jinja *j)
{
	return val_list(j);
}
val
jinja_dict(struct jinja *j)
{
	return (val){.type = JINJA_DICT, .dict = jinja_alloc(j, 1, sizeof(struct jinja_dict))};
}

void
list_push(struct jinja *j, struct jinja_list *l, val v)
{
	l->v = more(j, l->v, &l->cap, l->n + 1, sizeof *l->v);
	l->v[l->n++] = v;
}
void
jinja_push(struct jinja *j, val list, val v)
{
	list_push(j, list.list, v);
}

val *
dict_find(struct jinja *j, struct jinja_dict *d, val key)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->key[i].type == JINJA_STRING && key.type == JINJA_STRING ? jstr_eq(d->key[i].s, key.s) :
			val_eq(j, d->key[i], key))
			return d->v + i;
	jinja_work(j, d->n / 4);
	return NULL;
}

void
dict_set(struct jinja *j, struct jinja_dict *d, val key, val v)
{
	val *old = dict_find(j, d, key);
	if (old) {
		*old = v;
		return;
	}
	size_t cap = d->cap;
	d->key = more(j, d->key, &cap, d->n + 1, sizeof *d->key);
	d->v = more(j, d->v, &d->cap, d->n + 1, sizeof *d->v);
	d->key[d->n] = key;
	d->v[d->n++] = v;
}
void
jinja_put(struct jinja *j, val dict, const char *key, val v)
{
	dict_set(j, dict.dict, val_str(jstr_of(j, key)), v);
}

/* A whole number without a point is an int, as in Python. */
static val
json_number(struct jinja *j, const struct json_doc *d, const struct json *v)
{
	const double f = json_float(d, v, "a number", 0);
	char buf[24];
	for (size_t i = 0; i < v->n; i++)
		if (strchr(".eE", d->text[v->off + i]))
			return val_float(f);
	if (v->n >= sizeof buf || !(fabs(f) < 0x1p63))
		jinja_die(j, "a number is too large");
	memcpy(buf, d->text + v->off, v->n);
	buf[v->n] = '\0';
	return val_int(strtoll(buf, NULL, 10));
}

val
jinja_json(struct jinja *j, const struct json_doc *d, const struct json *v)
{
	struct str s;
	val x, key;
	const struct json *c = json_first(v);
	switch ((enum json_type)v->type) {
	case JSON_TRUE:
	case JSON_FALSE:
		return jinja_bool(v->type == JSON_TRUE);
	case JSON_NUMBER:
		return json_number(j, d, v);
	case JSON_STRING:
		s = json_str(d, v);
		return jinja_text(j, s.p, s.n, false);
	case JSON_ARRAY:
		x = jinja_list(j);
		for (size_t i = 0; i < v->n; i++, c = json_next(c))
			jinja_push(j, x, jinja_json(j, d, c));
		return x;
	case JSON_OBJECT:
		x = jinja_dict(j);
		for (size_t i = 0; i < v->n; i++, c = json_next(json_next(c))) {
			key = jinja_json(j, d, c);
			dict_set(j, x.dict, key, jinja_json(j, d, json_next(c)));
		}
		return x;
	case JSON_NULL:
		break;
	}
	return jinja_none();
}

bool
val_true(val v)
{
	switch (v.type) {
	case JINJA_UNDEFINED:
	case JINJA_NONE:
		return false;
	case JINJA_BOOL:
		return v.b;
	case JINJA_INT:
		return v.i != 0;
	case JINJA_FLOAT:
		return v.f != 0;
	case JINJA_STRING:
		return v.s.n != 0;
	case JINJA_LIST:
		return v.list->n != 0 || v.list->lazy;
	case JINJA_DICT:
		return v.dict->n != 0;
	default:
		return true;
	}
}

bool
val_number(val v, double *x)
{
	if (v.type == JINJA_INT)
		*x = (double)v.i;
	else if (v.type == JINJA_FLOAT)
		*x = v.f;
	else if (v.type == JINJA_BOOL)
		*x = v.b;
	else
		return false;
	return true;
}

static bool
list_eq(struct jinja *j, const struct jinja_list *a, const struct jinja_list *b)
{
	bool same = a->n == b->n && a->tuple == b->tuple;
	for (size_t i = 0; same && i < a->n; i++)
		same = val_eq(j, a->v[i], b->v[i]);
	return same;
}

static bool
dict_eq(struct jinja *j, struct jinja_dict *a, struct jinja_dict *b)
{
	bool same = a->n == b->n;
	for (size_t i = 0; same && i < a->n; i++) {
		val *other = dict_find(j, b, a->key[i]);
		same = other && val_eq(j, a->v[i], *other);
	}
	return same;
}

bool
val_eq(struct jinja *j, val a, val b)
{
	double x, y;
	bool same;
	jinja_work(j, 1);
	if (++j->depth > DEPTH_MAX)
		jinja_die(j, "nested too deep");
	if (a.type == JINJA_INT && b.type == JINJA_INT)
		same = a.i == b.i;
	else if (val_number(a, &x) && val_number(b, &y))
		same = x == y;
	else if (a.type != b.type)
		same = false;
	else if (a.type == JINJA_STRING || a.type == JINJA_FUNCTION)
		same = jstr_eq(a.s, b.s);
	else if (a.type == JINJA_LIST)
		same = list_eq(j, a.list, b.list);
	else if (a.type == JINJA_DICT)
		same = dict_eq(j, a.dict, b.dict);
	else
		same = a.type <= JINJA_NONE || a.macro == b.macro;
	j->depth--;
	return same;
}

/* The order of two values; dies where Python has none for them. */
int
val_cmp(struct jinja *j, val a, val b)
{
	double x, y;
	if (a.type == JINJA_INT && b.type == JINJA_INT)
		return (a.i > b.i) - (a.i < b.i);
	if (val_number(a, &x) && val_number(b, &y))
		return (x > y) - (x < y);
	if (a.type == JINJA_STRING && b.type == JINJA_STRING) {
		for (size_t i = 0; i < a.s.n && i < b.s.n; i++) {
			uint32_t c = ch_code(a.s.p[i]), d = ch_code(b.s.p[i]);
			if (c != d)
				return c < d ? -1 : 1;
		}
		return (a.s.n > b.s.n) - (a.s.n < b.s.n);
	}
	if (a.type == JINJA_LIST && b.type == JINJA_LIST) {
		for (size_t i = 0; i < a.list->n && i < b.list->n; i++)
			if (!val_eq(j, a.list->v[i], b.list->v[i]))
				return val_cmp(j, a.list->v[i], b.list->v[i]);
		return (a.list->n > b.list->n) - (a.list->n < b.list->n);
	}
	jinja_die(j, "%s and %s cannot be compared", val_kind(a), val_kind(b));
}

bool
val_in(struct jinja *j, val x, val in)
{
	if (in.type == JINJA_STRING && x.type == JINJA_STRING)
		return jstr_find(j, in.s, x.s, 0) != SIZE_MAX;
	if (in.type == JINJA_STRING)
		jinja_die(j, "'in' of a string wants a string, not %s", val_kind(x));
	if (in.type == JINJA_DICT)
		return dict_find(j, in.dict, x) != NULL;
	struct jinja_list *l = val_iter(j, in);
	for (size_t i = 0; i < l->n; i++)
		if (val_eq(j, l->v[i], x))
			return true;
	return false;
}

size_t
val_length(struct jinja *j, val v)
{
	switch (v.type) {
	case JINJA_UNDEFINED:
		return 0;
	case JINJA_STRING:
		return v.s.n;
	case JINJA_LIST:
		return v.list->n;
	case JINJA_DICT:
		return v.dict->n;
	default:
		jinja_die(j, "%s has no length", val_kind(v));
	}
}

struct jinja_list *
val_iter(struct jinja *j, val v)
{
	struct jinja_list *l = v.type == JINJA_LIST ? v.list : val_list(j).list;
	if (v.type == JINJA_STRING)
		for (size_t i = 0; i < v.s.n; i++)
			list_push(j, l, val_str(jstr_cut(v.s, i, i + 1)));
	else if (v.type == JINJA_DICT)
		for (size_t i = 0; i < v.dict->n; i++)
			list_push(j, l, v.dict->key[i]);
	else if (v.type != JINJA_LIST && v.type != JINJA_UNDEFINED)
		jinja_die(j, "%s cannot be iterated", val_kind(v));
	jinja_work(j, l->n / 8);
	return l;
}

const char *
val_kind(val v)
{
	static const char *const kinds[] = {"an undefined value", "None", "a bool", "a number", "a number", "a string",
		"a list", "a dict", "a namespace", "a macro", "a function", "a loop"};
	return kinds[v.type];
}

/* Printing. */

static void
print_float(struct jinja *j, struct text *t, double f)
{
	char buf[40];
	if (isnan(f) || isinf(f)) {
		text_ascii(j, t, isnan(f) ? "nan" : f > 0 ? "inf" : "-inf");
		return;
	}
	int digits = -1; /* the fewest behind the point that give the number back */
	do
		snprintf(buf, sizeof buf, "%.*e", ++digits, f);
	while (strtod(buf, NULL) != f && digits < 16);
	const int power = (int)strtol(strchr(buf, 'e') + 1, NULL, 10);
	if (power >= -4 && power < 16)
		snprintf(buf, sizeof buf, "%.*f", digits > power ? digits - power : 1, f);
	text_ascii(j, t, buf);
}

/* \u00e9, and two of them for what UTF-16 spells so. */
static void
print_hex(struct jinja *j, struct text *t, uint32_t c)
{
	char hex[16];
	if (c >= 0x10000)
		snprintf(hex, sizeof hex, "\\u%04x\\u%04x", 0xD7C0 + (c >> 10), 0xDC00 + (c & 0x3FF));
	else
		snprintf(hex, sizeof hex, "\\u%04x", c);
	text_ascii(j, t, hex);
}

enum escape { PYTHON, JSON, JSON_ASCII };

static void
print_escaped(struct jinja *j, struct text *t, jstr s, uint32_t quote, enum escape how)
{
	const bool json = how != PYTHON;
	static const char from[] = "\n\r\t\\\b\f", to[] = "nrt\\bf";
	char hex[16];
	text_put(j, t, &quote, 1);
	for (size_t i = 0; i < s.n; i++) {
		uint32_t c = ch_code(s.p[i]), foreign = s.p[i] & JINJA_FOREIGN, pair[2] = {'\\' | foreign, s.p[i]};
		const char *e = c && c < 0x80 ? strchr(from, (int)c) : NULL;
		if (e && (json || e - from < 4))
			pair[1] = (unsigned char)to[e - from] | foreign;
		if ((e && (json || e - from < 4)) || c == quote)
			text_put(j, t, pair, 2);
		else if (json && (c < 0x20 || (c >= 0x7F && how == JSON_ASCII)))
			print_hex(j, t, c);
		else if (c < 0x20 || (!json && c == 0x7F)) {
			snprintf(hex, sizeof hex, "\\x%02x", c);
			text_ascii(j, t, hex);
		} else
			text_put(j, t, s.p + i, 1);
	}
	text_put(j, t, &quote, 1);
}

void
val_repr(struct jinja *j, struct text *t, val v)
{
	static const uint32_t single[] = {'\''}, twice[] = {'"'};
	if (v.type != JINJA_STRING) {
		if (v.type == JINJA_UNDEFINED)
			text_ascii(j, t, "Undefined");
		val_print(j, t, v);
		return;
	}
	bool has_single = jstr_find(j, v.s, (jstr){single, 1}, 0) != SIZE_MAX;
	bool has_double = jstr_find(j, v.s, (jstr){twice, 1}, 0) != SIZE_MAX;
	print_escaped(j, t, v.s, has_single && !has_double ? '"' : '\'', PYTHON);
}

static void
print_list(struct jinja *j, struct text *t, const struct jinja_list *l)
{
	text_ascii(j, t, l->tuple ? "(" : "[");
	for (size_t i = 0; i < l->n; i++) {
		text_ascii(j, t, i ? ", " : "");
		val_repr(j, t, l->v[i]);
	}
	text_ascii(j, t, l->tuple ? l->n == 1 ? ",)" : ")" : "]");
}

static void
print_dict(struct jinja *j, struct text *t, const struct jinja_dict *d)
{
	text_ascii(j, t, "{");
	for (size_t i = 0; i < d->n; i++) {
		text_ascii(j, t, i ? ", " : "");
		val_repr(j, t, d->key[i]);
		text_ascii(j, t, ": ");
		val_repr(j, t, d->v[i]);
	}
	text_ascii(j, t, "}");
}

void
val_print(struct jinja *j, struct text *t, val v)
{
	char buf[32];
	jinja_work(j, 1);
	if (++j->depth > DEPTH_MAX)
		jinja_die(j, "nested too deep");
	switch (v.type) {
	case JINJA_UNDEFINED:
		break;
	case JINJA_NONE:
		text_ascii(j, t, "None");
		break;
	case JINJA_BOOL:
		text_ascii(j, t, v.b ? "True" : "False");
		break;
	case JINJA_INT:
		snprintf(buf, sizeof buf, "%lld", (long long)v.i);
		text_ascii(j, t, buf);
		break;
	case JINJA_FLOAT:
		print_float(j, t, v.f);
		break;
	case JINJA_STRING:
		text_put(j, t, v.s.p, v.s.n);
		break;
	case JINJA_LIST:
		print_list(j, t, v.list);
		break;
	case JINJA_DICT:
		print_dict(j, t, v.dict);
		break;
	default:
		jinja_die(j, "%s cannot be printed", val_kind(v));
	}
	j->depth--;
}

jstr
val_string(struct jinja *j, val v)
{
	struct text t = {NULL, 0, 0};
	if (v.type == JINJA_STRING)
		return v.s;
	val_print(j, &t, v);
	return (jstr){t.p, t.n};
}

static void
new_line(struct jinja *j, struct text *t, const struct json_style *style, int level)
{
	if (style->indent < 0)
		return;
	text_ascii(j, t, "\n");
	for (int i = 0; i < style->indent * level; i++)
		text_ascii(j, t, " ");
}

/* What stands before item i. */
static void
next_item(struct jinja *j, struct text *t, const struct json_style *style, int level, size_t i)
{
	if (i && style->item.p)
		text_put(j, t, style->item.p, style->item.n);
	else if (i)
		text_ascii(j, t, style->indent < 0 ? ", " : ",");
	new_line(j, t, style, level + 1);
}

/* What stands for a key: no list, and None and the like as JSON spells them. */
static jstr
json_key(struct jinja *j, val key)
{
	static const struct json_style plain = {.indent = -1};
	struct text t = {NULL, 0, 0};
	if (key.type == JINJA_STRING)
		return key.s;
	if (key.type == JINJA_LIST || key.type == JINJA_UNDEFINED)
		jinja_die(j, "%s is no key in JSON", val_kind(key));
	val_json(j, &t, key, &plain, 0);
	return (jstr){t.p, t.n};
}

static void
json_dict(struct jinja *j, struct text *t, const struct jinja_dict *d, const struct json_style *style, int level)
{
	size_t *order = jinja_alloc(j, d->n + 1, sizeof *order);
	for (size_t i = 0; i < d->n; i++) {
		size_t k = i;
		for (; style->sort && k && val_cmp(j, d->key[order[k - 1]], d->key[i]) > 0; k--)
			order[k] = order[k - 1];
		order[k] = i;
		jinja_work(j, i - k);
	}
	text_ascii(j, t, "{");
	for (size_t i = 0; i < d->n; i++) {
		next_item(j, t, style, level, i);
		print_escaped(j, t, json_key(j, d->key[order[i]]), '"', style->ascii ? JSON_ASCII : JSON);
		if (style->key.p)
			text_put(j, t, style->key.p, style->key.n);
		else
			text_ascii(j, t, ": ");
		val_json(j, t, d->v[order[i]], style, level + 1);
	}
	if (d->n)
		new_line(j, t, style, level);
	text_ascii(j, t, "}");
}

void
val_json(struct jinja *j, struct text *t, val v, const struct json_style *style, int level)
{
	jinja_work(j, 1);
	if (++j->depth > DEPTH_MAX)
		jinja_die(j, "nested too deep");
	if (v.type == JINJA_STRING)
		print_escaped(j, t, v.s, '"', style->ascii ? JSON_ASCII : JSON);
	else if (v.type == JINJA_NONE)
		text_ascii(j, t, "null");
	else if (v.type == JINJA_BOOL)
		text_ascii(j, t, v.b ? "true" : "false");
	else if (v.type == JINJA_INT || v.type == JINJA_FLOAT)
		val_print(j, t, v);
	else if (v.type == JINJA_DICT)
		json_dict(j, t, v.dict, style, level);
	else if (v.type == JINJA_LIST) {
		text_ascii(j, t, "[");
		for (size_t i = 0; i < v.list->n; i++) {
			next_item(j, t, style, level, i);
			val_json(j, t, v.list->v[i], style, level + 1);
		}
		if (v.list->n)
			new_line(j, t, style, level);
		text_ascii(j, t, "]");
	} else
		jinja_die(j, "%s has no JSON", val_kind(v));
	j->depth--;
}
