/* jinja_filter.c - filters; see jinja_impl.h. */
#include "jinja_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static val
lazy_list(struct jinja *j)
{
	val v = val_list(j);
	v.list->lazy = true;
	return v;
}

/* "a.b" of a value; "0" is an item's place. */
static val
attribute(struct jinja *j, val v, val name)
{
	static const uint32_t dot[] = {'.'};
	char buf[16];
	if (name.type != JINJA_STRING)
		return jinja_get(j, v, name);
	for (size_t from = 0, at; from <= name.s.n; from = at + 1) {
		at = jstr_find(j, name.s, (jstr){dot, 1}, from);
		if (at == SIZE_MAX)
			at = name.s.n;
		const jstr part = jstr_cut(name.s, from, at);
		const char *text = jstr_ascii(part, buf, sizeof buf);
		const bool whole = part.n && part.n < 10 && part.n == strspn(text, "0123456789");
		v = jinja_get(j, v, whole ? val_int(strtol(text, NULL, 10)) : val_str(part));
	}
	return v;
}

static val
f_join(struct jinja *j, val self, const struct args *a)
{
	const val *by = jinja_arg(a, 0, "d"), *of = jinja_arg(a, 1, "attribute");
	jstr sep = by ? val_string(j, *by) : (jstr){NULL, 0};
	struct jinja_list *l = val_iter(j, self);
	struct text t = {NULL, 0, 0};
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			text_put(j, &t, sep.p, sep.n);
		val_print(j, &t, of && of->type != JINJA_NONE ? attribute(j, l->v[i], *of) : l->v[i]);
	}
	return val_str((jstr){t.p, t.n});
}

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
	return val_str((jstr){t.p, t.n});
}

/* What f_sort() and others compare: a value or an attribute of it, small letters for capitals. */
static val
sort_key(struct jinja *j, val v, const val *of, const val *exact)
{
	if (of && of->type != JINJA_NONE)
		v = attribute(j, v, *of);
	return v.type == JINJA_STRING && !(exact && val_true(*exact)) ? string_lower(j, v.s) : v;
}

/* "a,b": first by a, then by b. A list, where what is undefined is equal, too. */
static val
sort_keys(struct jinja *j, val v, const val *of, const val *exact)
{
	static const uint32_t comma[] = {','};
	val all = val_list(j);
	const jstr names = of && of->type == JINJA_STRING ? of->s : (jstr){NULL, 0};
	if (!names.n)
		jinja_push(j, all, sort_key(j, v, of, exact));
	for (size_t from = 0, at; names.n && from <= names.n; from = at + 1) {
		at = jstr_find(j, names, (jstr){comma, 1}, from);
		if (at == SIZE_MAX)
			at = names.n;
		const val name = val_str(jstr_cut(names, from, at));
		jinja_push(j, all, sort_key(j, v, &name, exact));
	}
	return all;
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
	val out = dict_items(j, self);
	size_t n = out.list->n;
	val *key = jinja_alloc(j, n + 1, sizeof *key);
	for (size_t i = 0; i < n; i++)
		key[i] = sort_key(j, out.list->v[i].list->v[by_value], NULL, exact);
	sort_by(j, out.list->v, key, n, down && val_true(*down));
	return out;
}

static val
f_sort(struct jinja *j, val self, const struct args *a)
{
	const val *down = jinja_arg(a, 0, "reverse"), *exact = jinja_arg(a, 1, "case_sensitive"), *by = jinja_arg(a, 2, "attribute");
	val out = f_list(j, self, a);
	size_t n = out.list->n;
	val *key = jinja_alloc(j, n + 1, sizeof *key);
	for (size_t i = 0; i < n; i++)
		key[i] = sort_keys(j, out.list->v[i], by, exact);
	sort_by(j, out.list->v, key, n, down && val_true(*down));
	return out;
}

/* Pairs of a key and a list of the values that have it, in the order of the keys. */
static val
f_groupby(struct jinja *j, val self, const struct args *a)
{
	const val *of = jinja_arg(a, 0, "attribute"), *missing = jinja_arg(a, 1, "default"), *exact = jinja_arg(a, 2, "case_sensitive");
	val all = f_list(j, self, &(struct args){.n = 0}), out = val_list(j), before = val_undefined();
	const size_t n = all.list->n;
	val *key = jinja_alloc(j, n + 1, sizeof *key);
	if (!of)
		jinja_die(j, "groupby wants the name of an attribute");
	for (size_t i = 0; i < n; i++) {
		key[i] = sort_key(j, all.list->v[i], of, exact);
		if (key[i].type == JINJA_UNDEFINED && missing)
			key[i] = *missing;
	}
	sort_by(j, all.list->v, key, n, false);
	for (size_t i = 0; i < n; before = key[i++]) {
		if (!i || !val_eq(j, key[i], before)) {
			val group = val_list(j), first = attribute(j, all.list->v[i], *of);
			group.list->tuple = group.list->group = true;
			jinja_push(j, group, first.type == JINJA_UNDEFINED ? key[i] : first);
			jinja_push(j, group, val_list(j));
			jinja_push(j, out, group);
		}
		jinja_push(j, out.list->v[out.list->n - 1].list->v[1], all.list->v[i]);
	}
	return out;
}

static val
f_unique(struct jinja *j, val self, const struct args *a)
{
	const val *exact = jinja_arg(a, 0, "case_sensitive"), *of = jinja_arg(a, 1, "attribute");
	struct jinja_list *l = val_iter(j, self);
	val out = lazy_list(j), seen = val_list(j);
	for (size_t i = 0; i < l->n; i++) {
		val key = sort_key(j, l->v[i], of, exact);
		if (val_in(j, key, seen))
			continue;
		jinja_push(j, seen, key);
		jinja_push(j, out, l->v[i]);
	}
	return out;
}

/* How many, and what fills the last one up. */
static size_t
parts_wanted(struct jinja *j, const struct args *a, const char *name, const val **fill)
{
	int64_t n = want_int(j, jinja_arg(a, 0, name), 0, "batch or slice");
	*fill = jinja_arg(a, 1, "fill_with");
	if (*fill && (*fill)->type == JINJA_NONE)
		*fill = NULL;
	if (n < 1 || n > INT32_MAX)
		jinja_die(j, "batch and slice want how many, from 1 on");
	return (size_t)n;
}

/* Lists of n values each. */
static val
f_batch(struct jinja *j, val self, const struct args *a)
{
	const val *fill;
	const size_t n = parts_wanted(j, a, "linecount", &fill);
	struct jinja_list *l = val_iter(j, self);
	val out = lazy_list(j), last = {.type = JINJA_NONE};
	for (size_t i = 0; i < l->n; i++) {
		if (i % n == 0)
			jinja_push(j, out, last = val_list(j));
		jinja_push(j, last, l->v[i]);
	}
	while (fill && l->n && last.list->n < n)
		jinja_push(j, last, *fill);
	return out;
}

/* n lists of about as many values each. */
static val
f_slice(struct jinja *j, val self, const struct args *a)
{
	const val *fill;
	const size_t n = parts_wanted(j, a, "slices", &fill);
	struct jinja_list *l = val_iter(j, self);
	val out = lazy_list(j);
	for (size_t i = 0, at = 0; i < n; i++) {
		val part = val_list(j);
		for (size_t k = l->n / n + (i < l->n % n); k > 0; k--)
			jinja_push(j, part, l->v[at++]);
		if (fill && i >= l->n % n)
			jinja_push(j, part, *fill);
		jinja_push(j, out, part);
	}
	return out;
}

static val
f_reverse(struct jinja *j, val self, const struct args *a)
{
	struct jinja_list *l = val_iter(j, self);
	val out = lazy_list(j);
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
extreme(struct jinja *j, val self, const struct args *a, int sign)
{
	const val *exact = jinja_arg(a, 0, "case_sensitive"), *of = jinja_arg(a, 1, "attribute");
	struct jinja_list *l = val_iter(j, self);
	val best = l->n ? l->v[0] : val_undefined();
	for (size_t i = 1; i < l->n; i++)
		if (val_cmp(j, sort_key(j, l->v[i], of, exact), sort_key(j, best, of, exact)) * sign > 0)
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
	return extreme(j, self, a, 1);
}
static val
f_min(struct jinja *j, val self, const struct args *a)
{
	return extreme(j, self, a, -1);
}

/* What Python's float() reads: no hexadecimal numbers. */
static bool
read_float(jstr s, double *x)
{
	char buf[400], *end;
	jstr_ascii(jstr_strip(s, NULL, true, true), buf, sizeof buf);
	*x = strtod(buf, &end);
	return end != buf && !*end && !strpbrk(buf, "xX(");
}

/* What Python's int(s, base) reads; false: it is none. */
static bool
read_int(struct jinja *j, jstr s, int64_t base, int64_t *i)
{
	char buf[400], *p = buf, *end;
	jstr_ascii(jstr_strip(s, NULL, true, true), buf, sizeof buf);
	const bool minus = *p == '-';
	p += *p == '-' || *p == '+';
	const char kind = p[0] == '0' ? (char)(p[1] | 32) : '\0';
	const int64_t prefix = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
	if (prefix && (base == prefix || base == 0))
		p += 2;
	if (base == 0)
		base = prefix ? prefix : 10;
	const bool digit = (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z');
	if (base < 2 || base > 36 || !digit || (base == 16 && (p[1] | 32) == 'x'))
		return false;
	const unsigned long long u = strtoull(p, &end, (int)base);
	if (*end)
		return false;
	if (u > INT64_MAX)
		jinja_die(j, "int: the number is too large");
	*i = minus ? -(int64_t)u : (int64_t)u;
	return true;
}

static val
f_int(struct jinja *j, val self, const struct args *a)
{
	const val *missing = jinja_arg(a, 0, "default");
	const val none = missing ? *missing : val_int(0);
	int64_t i;
	double x;
	if (self.type == JINJA_INT)
		return self;
	if (self.type == JINJA_STRING && read_int(j, self.s, want_int(j, jinja_arg(a, 1, "base"), 10, "int"), &i))
		return val_int(i);
	if (self.type == JINJA_STRING ? !read_float(self.s, &x) : !val_number(self, &x))
		return none;
	if (isnan(x) || (isinf(x) && self.type == JINJA_STRING))
		return none;
	if (!(fabs(x) < 0x1p63))
		jinja_die(j, "int: the number is too large");
	return val_int((int64_t)x);
}

static val
f_float(struct jinja *j, val self, const struct args *a)
{
	double x;
	const val *missing = jinja_arg(a, 0, "default");
	(void)j;
	if (val_number(self, &x) || (self.type == JINJA_STRING && read_float(self.s, &x)))
		return val_float(x);
	return missing ? *missing : val_float(0);
}

static val
f_abs(struct jinja *j, val self, const struct args *a)
{
	double x;
	(void)a;
	if (!val_number(self, &x))
		jinja_die(j, "abs of %s", val_kind(self));
	if (self.type == JINJA_FLOAT)
		return val_float(fabs(x));
	return self.type == JINJA_BOOL || self.i >= 0 ? val_int(self.type == JINJA_BOOL ? self.b : self.i) : jinja_negate(j, self);
}

/* To the nearest number of so many decimals. */
static val
f_round(struct jinja *j, val self, const struct args *a)
{
	const int64_t digits = want_int(j, jinja_arg(a, 0, "precision"), 0, "round");
	const val *method = jinja_arg(a, 1, "method");
	jstr way = method ? want_str(j, method, "round") : (jstr){NULL, 0};
	double x;
	char buf[400];
	if (!val_number(self, &x))
		jinja_die(j, "round of %s", val_kind(self));
	if (digits > 60 || digits < -60)
		jinja_die(j, "round wants a precision of -60 to 60");
	const double scale = pow(10, (double)digits);
	if (method && !jstr_is(way, "common")) {
		if (!jstr_is(way, "ceil") && !jstr_is(way, "floor"))
			jinja_die(j, "round: the method is common, ceil or floor");
		return val_float((jstr_is(way, "ceil") ? ceil(x * scale) : floor(x * scale)) / scale);
	}
	if (digits < 0)
		x = nearbyint(x / pow(10, (double)-digits)) * pow(10, (double)-digits);
	if (self.type != JINJA_FLOAT)
		return digits >= 0 ? val_int(self.type == JINJA_BOOL ? self.b : self.i) : val_int((int64_t)x);
	if (digits >= 0 && fabs(x) < 1e300) {
		snprintf(buf, sizeof buf, "%.*f", (int)digits, x);
		x = strtod(buf, NULL);
	}
	return val_float(x);
}

/* What a filter by tests asks of each value: an attribute of it or itself; "truth" without a name. */
static val
select_by(struct jinja *j, val self, const struct args *a, bool of_attribute, bool want)
{
	struct jinja_list *l = val_true(self) ? val_iter(j, self) : val_list(j).list;
	val out = lazy_list(j);
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
	val out = lazy_list(j);
	if (!of && !a->n)
		jinja_die(j, "map wants a filter or an attribute");
	for (size_t i = 0; i < rest.n; i++)
		rest.v[i] = a->v[i + 1];
	for (; !of && rest.n_named < a->n_named; rest.n_named++) {
		rest.name[rest.n_named] = a->name[rest.n_named];
		rest.named[rest.n_named] = a->named[rest.n_named];
	}
	for (size_t i = 0; i < l->n; i++) {
		val x = of ? attribute(j, l->v[i], *of) : call_filter(j, want_str(j, a->v, "map"), l->v[i], &rest);
		jinja_push(j, out, missing && x.type == JINJA_UNDEFINED ? *missing : x);
	}
	return out;
}

static val
f_items(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	val v = self.type == JINJA_UNDEFINED ? val_list(j) : dict_items(j, self);
	v.list->lazy = true;
	return v;
}

/* What getattr() gives: no items. */
static val
f_attr(struct jinja *j, val self, const struct args *a)
{
	const val *name = jinja_arg(a, 0, "name");
	jstr s = want_str(j, name, "attr");
	if (self.type == JINJA_NAMESPACE || self.type == JINJA_LOOP || method_known(self, s))
		return jinja_attr(j, self, s);
	return val_undefined();
}

static method_fn *
filter_find(jstr name)
{
	static const struct method rows[] = {
		{"abs", f_abs}, {"attr", f_attr}, {"batch", f_batch}, {"count", f_length}, {"d", f_default},
		{"default", f_default}, {"dictsort", f_dictsort}, {"first", f_first}, {"float", f_float}, {"groupby", f_groupby},
		{"int", f_int}, {"items", f_items}, {"join", f_join}, {"last", f_last}, {"length", f_length}, {"list", f_list},
		{"map", f_map}, {"max", f_max}, {"min", f_min}, {"reject", f_reject}, {"rejectattr", f_rejectattr},
		{"reverse", f_reverse}, {"round", f_round}, {"select", f_select}, {"selectattr", f_selectattr}, {"slice", f_slice},
		{"sort", f_sort}, {"sum", f_sum}, {"tojson", f_tojson}, {"unique", f_unique},
	};
	method_fn *fn = method_in(rows, sizeof rows / sizeof *rows, name);
	return fn ? fn : text_filter(name);
}

bool
filter_known(jstr name)
{
	return filter_find(name) != NULL;
}

val
call_filter(struct jinja *j, jstr name, val self, const struct args *a)
{
	char buf[64];
	method_fn *fn = filter_find(name);
	if (!fn)
		jinja_die(j, "filter '%s' is not known", jstr_ascii(name, buf, sizeof buf));
	if (++j->depth > DEPTH_MAX)
		jinja_die(j, "nested more than %d deep", DEPTH_MAX);
	val v = fn(j, self, a);
	j->depth--;
	return v;
}
