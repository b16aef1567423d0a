/* jinja_call.c - arguments; tests, and functions that a template can call; see jinja_impl.h. */
#include "jinja_impl.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Arguments. */

const val *
jinja_arg(const struct args *a, size_t i, const char *name)
{
	for (size_t k = 0; k < a->n_named; k++)
		if (jstr_is(a->name[k], name))
			return a->named + k;
	return i < a->n ? a->v + i : NULL;
}

jstr
want_str(struct jinja *j, const val *v, const char *what)
{
	if (!v || v->type != JINJA_STRING)
		jinja_die(j, "%s wants a string, not %s", what, v ? val_kind(*v) : "nothing");
	return v->s;
}

int64_t
want_int(struct jinja *j, const val *v, int64_t missing, const char *what)
{
	if (!v)
		return missing;
	if (v->type == JINJA_BOOL)
		return v->b;
	if (v->type != JINJA_INT)
		jinja_die(j, "%s wants a whole number, not %s", what, val_kind(*v));
	return v->i;
}

const char *
jstr_ascii(jstr s, char *buf, size_t size)
{
	size_t n = s.n < size - 1 ? s.n : size - 1;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = ch_code(s.p[i]);
		buf[i] = c && c < 0x80 ? (char)c : '?';
	}
	buf[n] = '\0';
	return buf;
}

/* Tests. */

static bool test_known(jstr name);

static bool
t_defined(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type != JINJA_UNDEFINED;
}
static bool
t_undefined(struct jinja *j, val v, const struct args *a)
{
	return !t_defined(j, v, a);
}
static bool
t_none(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_NONE;
}
static bool
t_string(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_STRING;
}
static bool
t_mapping(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_DICT;
}
static bool
t_iterable(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_UNDEFINED || v.type == JINJA_LOOP || (v.type >= JINJA_STRING && v.type <= JINJA_DICT);
}
static bool
t_number(struct jinja *j, val v, const struct args *a)
{
	double x;
	(void)j, (void)a;
	return val_number(v, &x);
}
static bool
t_integer(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_INT;
}
static bool
t_float(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_FLOAT;
}
static bool
t_boolean(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_BOOL;
}
static bool
t_true(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_BOOL && v.b;
}
static bool
t_false(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_BOOL && !v.b;
}
static bool
t_callable(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type >= JINJA_MACRO || v.type == JINJA_UNDEFINED;
}

static val
other(struct jinja *j, const struct args *a)
{
	if (!a->n)
		jinja_die(j, "the test wants a value to compare with");
	return a->v[0];
}
static bool
t_eq(struct jinja *j, val v, const struct args *a)
{
	return val_eq(j, v, other(j, a));
}
static bool
t_ne(struct jinja *j, val v, const struct args *a)
{
	return !val_eq(j, v, other(j, a));
}
static bool
t_lt(struct jinja *j, val v, const struct args *a)
{
	return val_cmp(j, v, other(j, a)) < 0;
}
static bool
t_le(struct jinja *j, val v, const struct args *a)
{
	return val_cmp(j, v, other(j, a)) <= 0;
}
static bool
t_gt(struct jinja *j, val v, const struct args *a)
{
	return val_cmp(j, v, other(j, a)) > 0;
}
static bool
t_ge(struct jinja *j, val v, const struct args *a)
{
	return val_cmp(j, v, other(j, a)) >= 0;
}
static bool
t_in(struct jinja *j, val v, const struct args *a)
{
	return val_in(j, v, other(j, a));
}
static bool
t_sameas(struct jinja *j, val v, const struct args *a)
{
	val o = other(j, a);
	return v.type == o.type && (v.type < JINJA_LIST ? val_eq(j, v, o) : v.list == o.list);
}
static bool
t_odd(struct jinja *j, val v, const struct args *a)
{
	double x;
	(void)a;
	if (!val_number(v, &x))
		jinja_die(j, "odd or even: %s is no number", val_kind(v));
	return v.type == JINJA_FLOAT ? x - 2 * floor(x / 2) == 1 : want_int(j, &v, 0, "odd") % 2 != 0;
}
static bool
t_even(struct jinja *j, val v, const struct args *a)
{
	return v.type == JINJA_FLOAT ? fmod(v.f, 2) == 0 : !t_odd(j, v, a);
}
static bool
t_lower(struct jinja *j, val v, const struct args *a)
{
	(void)a;
	return string_is_lower(val_string(j, v));
}
static bool
t_upper(struct jinja *j, val v, const struct args *a)
{
	(void)a;
	return string_is_upper(val_string(j, v));
}
static bool
t_filter(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_STRING && filter_known(v.s);
}
static bool
t_test(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)a;
	return v.type == JINJA_STRING && test_known(v.s);
}
static bool
t_escaped(struct jinja *j, val v, const struct args *a)
{
	(void)j, (void)v, (void)a;
	return false;
}
static bool
t_divisibleby(struct jinja *j, val v, const struct args *a)
{
	val by = other(j, a);
	int64_t n = want_int(j, &by, 1, "divisibleby");
	if (!n)
		jinja_die(j, "a division by zero");
	return want_int(j, &v, 0, "divisibleby") % n == 0;
}

typedef bool test_fn(struct jinja *j, val v, const struct args *a);
static const struct {
	const char *name;
	test_fn *fn;
} tests[] = {
	{"defined", t_defined}, {"undefined", t_undefined}, {"none", t_none}, {"string", t_string},
	{"mapping", t_mapping}, {"iterable", t_iterable}, {"sequence", t_iterable}, {"number", t_number},
	{"integer", t_integer}, {"float", t_float}, {"boolean", t_boolean}, {"true", t_true}, {"false", t_false},
	{"callable", t_callable}, {"eq", t_eq}, {"equalto", t_eq}, {"==", t_eq}, {"ne", t_ne}, {"!=", t_ne},
	{"lt", t_lt}, {"lessthan", t_lt}, {"<", t_lt}, {"le", t_le}, {"<=", t_le}, {"gt", t_gt},
	{"greaterthan", t_gt}, {">", t_gt}, {"ge", t_ge}, {">=", t_ge}, {"in", t_in}, {"sameas", t_sameas},
	{"odd", t_odd}, {"even", t_even}, {"divisibleby", t_divisibleby},
	{"lower", t_lower}, {"upper", t_upper}, {"filter", t_filter}, {"test", t_test}, {"escaped", t_escaped},
};

static test_fn *
test_find(jstr name)
{
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		if (jstr_is(name, tests[i].name))
			return tests[i].fn;
	return NULL;
}

static bool
test_known(jstr name)
{
	return test_find(name) != NULL;
}

bool
call_test(struct jinja *j, jstr name, val self, const struct args *a)
{
	char buf[64];
	test_fn *fn = test_find(name);
	if (!fn)
		jinja_die(j, "test '%s' is not known", jstr_ascii(name, buf, sizeof buf));
	return fn(j, self, a);
}

/* Functions. */

static val
g_range(struct jinja *j, const struct args *a)
{
	int64_t from = a->n > 1 ? want_int(j, a->v, 0, "range") : 0;
	int64_t to = a->n ? want_int(j, a->v + (a->n > 1), 0, "range") : 0;
	int64_t step = a->n > 2 ? want_int(j, a->v + 2, 1, "range") : 1;
	enum { MOST = 100000 };
	val out = val_list(j);
	if (!a->n || !step || step > INT32_MAX || step < -INT32_MAX)
		jinja_die(j, "range wants an end, and a step that is not 0");
	for (int64_t i = from; step > 0 ? i < to : i > to; i += step) {
		if (out.list->n == MOST)
			jinja_die(j, "range of more than %d", MOST);
		jinja_push(j, out, val_int(i));
	}
	return out;
}

static val
g_dict(struct jinja *j, const struct args *a)
{
	val v = jinja_dict(j);
	for (size_t i = 0; a->n && a->v[0].type == JINJA_DICT && i < a->v[0].dict->n; i++)
		dict_set(j, v.dict, a->v[0].dict->key[i], a->v[0].dict->v[i]);
	for (size_t i = 0; i < a->n_named; i++)
		dict_set(j, v.dict, val_str(a->name[i]), a->named[i]);
	return v;
}

static val
g_namespace(struct jinja *j, const struct args *a)
{
	val v = g_dict(j, a);
	v.type = JINJA_NAMESPACE;
	return v;
}

static val
g_raise_exception(struct jinja *j, const struct args *a)
{
	char what[400];
	struct text t = {NULL, 0, 0};
	if (a->n)
		val_print(j, &t, a->v[0]);
	jinja_die(j, "the template refuses: %s", jstr_ascii((jstr){t.p, t.n}, what, sizeof what));
}

static val
g_strftime_now(struct jinja *j, const struct args *a)
{
	char format[128], out[512];
	time_t now = time(NULL);
	struct tm tm;
	jstr_ascii(want_str(j, jinja_arg(a, 0, "format"), "strftime_now"), format, sizeof format);
	for (const char *p = format; (p = strchr(p, '%')); p += 2)
		if (!p[1] || !strchr("aAbBcdDeFHIjmMpSTuUwWxXyYZz%", p[1]))
			jinja_die(j, "strftime_now: '%s' is no format", format);
	if (!localtime_r(&now, &tm))
		jinja_die(j, "strftime_now: the clock has no time");
	size_t n = strftime(out, sizeof out, format, &tm);
	return jinja_text(j, out, n, false);
}

static const struct {
	const char *name;
	val (*fn)(struct jinja *j, const struct args *a);
} functions[] = {
	{"range", g_range}, {"dict", g_dict}, {"namespace", g_namespace}, {"raise_exception", g_raise_exception},
	{"strftime_now", g_strftime_now},
};

bool
function_known(jstr name)
{
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (jstr_is(name, functions[i].name))
			return true;
	return false;
}

val
call_function(struct jinja *j, jstr name, const struct args *a)
{
	char buf[64];
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (jstr_is(name, functions[i].name))
			return functions[i].fn(j, a);
	jinja_die(j, "'%s' cannot be called", jstr_ascii(name, buf, sizeof buf));
}
