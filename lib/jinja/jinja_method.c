/* jinja_method.c - methods of lists, dicts and loops, and which value has which method; see jinja_impl.h. */
#include "jinja_impl.h"

static val
pair(struct jinja *j, val a, val b)
{
	val v = val_list(j);
	v.list->tuple = true;
	jinja_push(j, v, a);
	jinja_push(j, v, b);
	return v;
}

val
dict_items(struct jinja *j, val self)
{
	val out = val_list(j);
	struct jinja_dict *d = self.dict;
	if (self.type != JINJA_DICT)
		jinja_die(j, "items wants a dict, not %s", val_kind(self));
	for (size_t i = 0; i < d->n; i++)
		jinja_push(j, out, pair(j, d->key[i], d->v[i]));
	return out;
}
static val
d_items(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return dict_items(j, self);
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
static val
l_count(struct jinja *j, val self, const struct args *a)
{
	const val *x = jinja_arg(a, 0, "value");
	int64_t n = 0;
	for (size_t i = 0; x && i < self.list->n; i++)
		n += val_eq(j, self.list->v[i], *x);
	return val_int(n);
}
static val
l_copy(struct jinja *j, val self, const struct args *a)
{
	val out = val_list(j);
	(void)a;
	for (size_t i = 0; i < self.list->n; i++)
		jinja_push(j, out, self.list->v[i]);
	return out;
}

/* loop */

val
loop_attribute(const struct jinja_loop *l, jstr name)
{
	const size_t n = l->list->n, left = n - l->i;
	const struct {
		const char *name;
		val v;
	} rows[] = {
		{"index", val_int((int64_t)l->i + 1)}, {"index0", val_int((int64_t)l->i)}, {"first", jinja_bool(l->i == 0)},
		{"last", jinja_bool(left == 1)}, {"length", val_int((int64_t)n)}, {"revindex", val_int((int64_t)left)},
		{"revindex0", val_int((int64_t)left - 1)}, {"depth", val_int((int64_t)l->depth + 1)},
		{"depth0", val_int((int64_t)l->depth)},
		{"previtem", l->i ? l->list->v[l->i - 1] : val_undefined()},
		{"nextitem", left > 1 ? l->list->v[l->i + 1] : val_undefined()},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (jstr_is(name, rows[i].name))
			return rows[i].v;
	return val_undefined();
}

static val
loop_cycle(struct jinja *j, val self, const struct args *a)
{
	if (!a->n)
		jinja_die(j, "cycle wants values");
	return a->v[self.loop->i % a->n];
}

/* Whether its values are others than the last time. */
static val
loop_changed(struct jinja *j, val self, const struct args *a)
{
	val now = val_list(j);
	for (size_t i = 0; i < a->n; i++)
		jinja_push(j, now, a->v[i]);
	bool same = self.loop->changed.type == JINJA_LIST && val_eq(j, self.loop->changed, now);
	self.loop->changed = now;
	return jinja_bool(!same);
}

method_fn *
method_in(const struct method *rows, size_t n, jstr name)
{
	for (size_t i = 0; i < n; i++)
		if (jstr_is(name, rows[i].name))
			return rows[i].fn;
	return NULL;
}

static method_fn *
method_find(val self, jstr name)
{
	static const struct method of_dicts[] = {
		{"items", d_items}, {"keys", d_keys}, {"values", d_values}, {"get", d_get}, {"copy", d_copy}, {"update", immutable},
		{"pop", immutable}, {"popitem", immutable}, {"setdefault", immutable}, {"clear", immutable},
	}, of_lists[] = {
		{"index", l_index}, {"count", l_count}, {"copy", l_copy}, {"append", immutable}, {"extend", immutable},
		{"insert", immutable}, {"pop", immutable}, {"remove", immutable}, {"reverse", immutable}, {"sort", immutable},
		{"clear", immutable},
	}, of_loops[] = {
		{"cycle", loop_cycle}, {"changed", loop_changed},
	};
	enum { OF_TUPLES = 2 }; /* of those of lists */
	switch (self.type) {
	case JINJA_STRING:
		return string_method(name);
	case JINJA_DICT:
		return method_in(of_dicts, sizeof of_dicts / sizeof *of_dicts, name);
	case JINJA_LIST:
		return method_in(of_lists, self.list->tuple ? OF_TUPLES : sizeof of_lists / sizeof *of_lists, name);
	case JINJA_LOOP:
		return method_in(of_loops, sizeof of_loops / sizeof *of_loops, name);
	default:
		return NULL;
	}
}

bool
method_known(val self, jstr name)
{
	return method_find(self, name) != NULL;
}

bool
method_changes(val self, jstr name)
{
	return method_find(self, name) == immutable;
}

val
call_method(struct jinja *j, val self, jstr name, const struct args *a)
{
	return method_find(self, name)(j, self, a);
}
