/* safetensors.c - read a safetensors file; see safetensors.h. */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_MAX = 100000000 };	/* the format's own limit */

/* What the format knows, but for numbers of less than a byte. */
static const struct dtype {
	const char *name;
	size_t bytes;
} dtypes[] = {
	{"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F64", 8}, {"U8", 1}, {"I8", 1}, {"U16", 2}, {"I16", 2}, {"U32", 4},
	{"I32", 4}, {"U64", 8}, {"I64", 8}, {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"C64", 8},
};

int
str_cmp(struct str a, struct str b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	const int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* For a diagnostic: "%.*s" of a string. */
#define SHOW(s) (int)((s).n < 100 ? (s).n : 100), (s).p

static const struct dtype *
dtype_of(const struct safetensors *s, const struct json *v, struct str name)
{
	struct str type = json_str(s->doc, json_get(s->doc, v, "dtype"));
	for (size_t i = 0; type.p && i < sizeof dtypes / sizeof *dtypes; i++)
		if (str_is(type, dtypes[i].name))
			return dtypes + i;
	if (!type.p)
		die("%s: tensor %.*s has no 'dtype'", s->map.path, SHOW(name));
	die("%s: tensor %.*s has dtype '%.*s', which is not known", s->map.path, SHOW(name), SHOW(type));
}

/* Sets the dimensions; returns the product, in bytes. */
static size_t
read_dims(const struct safetensors *s, const struct json *v, struct st_tensor *t, size_t bytes)
{
	const struct json *shape = json_get(s->doc, v, "shape");
	if (!json_is(shape, JSON_ARRAY) || shape->n > ST_DIMS)
		die("%s: tensor %.*s: its 'shape' is no list of at most %d numbers", s->map.path, SHOW(t->name), ST_DIMS);
	t->n_dims = shape->n;
	for (size_t i = 0; i < ST_DIMS; i++)
		t->dim[i] = 1;
	const struct json *x = json_first(shape);
	for (size_t i = t->n_dims; i--; x = json_next(x)) {
		if (x->type != JSON_NUMBER)
			die("%s: tensor %.*s: its 'shape' holds something else than numbers", s->map.path, SHOW(t->name));
		t->dim[i] = (size_t)json_uint(s->doc, x, "shape", 0, 0, SIZE_MAX / 2);
		if (!mul_size(bytes, t->dim[i], &bytes))
			die("%s: tensor %.*s is impossibly large", s->map.path, SHOW(t->name));
	}
	return bytes;
}

static void
read_tensor(struct safetensors *s, struct str name, const struct json *v, const unsigned char *data, size_t size)
{
	struct st_tensor *t = s->tensor + s->n++;
	t->name = name;
	if (v->type != JSON_OBJECT)
		die("%s: tensor %.*s: its entry is no object", s->map.path, SHOW(name));
	const struct dtype *type = dtype_of(s, v, name);
	t->dtype = type->name;
	t->bytes = read_dims(s, v, t, type->bytes);
	const struct json *at = json_get(s->doc, v, "data_offsets");
	if (!json_is(at, JSON_ARRAY) || at->n != 2 || json_first(at)->type != JSON_NUMBER ||
		json_next(json_first(at))->type != JSON_NUMBER)
		die("%s: tensor %.*s: its 'data_offsets' are not two numbers", s->map.path, SHOW(name));
	const double begin = json_float(s->doc, json_first(at), "data_offsets", 0);
	const double end = json_float(s->doc, json_next(json_first(at)), "data_offsets", 0);
	if (!(begin >= 0 && begin <= end && end <= (double)size))
		die("%s: tensor %.*s lies at %.0f to %.0f of %zu bytes of data (truncated?)", s->map.path, SHOW(name),
			begin, end, size);
	if (begin != (double)(size_t)begin || end - begin != (double)t->bytes)
		die("%s: tensor %.*s has %.0f bytes of data, but its shape and dtype take %zu", s->map.path, SHOW(name),
			end - begin, t->bytes);
	t->data = data + (size_t)begin;
}

static int
by_place(const void *a, const void *b)
{
	const struct st_tensor *x = a, *y = b;
	if (x->data != y->data)
		return x->data < y->data ? -1 : 1;
	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int
by_name(const void *a, const void *b)
{
	return str_cmp(((const struct st_tensor *)a)->name, ((const struct st_tensor *)b)->name);
}

/* Each tensor begins where the one before it ends. */
static void
check_places(struct safetensors *s, const unsigned char *data, size_t size)
{
	const unsigned char *at = data;
	qsort(s->tensor, s->n, sizeof *s->tensor, by_place);
	for (size_t i = 0; i < s->n; i++) {
		const struct st_tensor *t = s->tensor + i;
		if (t->data < at)
			die("%s: tensor %.*s overlaps another one", s->map.path, SHOW(t->name));
		if (t->data > at)
			die("%s: a hole before the data of tensor %.*s", s->map.path, SHOW(t->name));
		at += t->bytes;
	}
	if (at != data + size)
		die("%s: %zu bytes behind the last tensor", s->map.path, (size_t)(data + size - at));
}

struct safetensors *
safetensors_read(struct map m)
{
	struct safetensors *s = xcalloc(1, sizeof *s);
	s->map = m;
	if (m.size < 8)
		die("%s: %zu bytes are no safetensors file", m.path, m.size);
	const uint64_t n = le64(m.data);
	if (n > HEADER_MAX)
		die("%s: not a safetensors file: its header would have %llu bytes, and %d is the most", m.path,
			(unsigned long long)n, HEADER_MAX);
	if (n > m.size - 8)
		die("%s: truncated: a header of %llu bytes in a file of %zu", m.path, (unsigned long long)n, m.size);
	const unsigned char *data = m.data + 8 + n;
	const size_t size = m.size - 8 - (size_t)n;
	if (n == 0 || m.data[8] != '{')
		die("%s: not a safetensors file: its header is no JSON object", m.path);
	s->doc = json_read(m.path, (const char *)m.data + 8, (size_t)n);
	const struct json *root = s->doc->node, *key = json_first(root);
	s->tensor = xcalloc(root->n, sizeof *s->tensor);
	for (size_t i = 0; i < root->n; i++, key = json_next(json_next(key)))
		if (!str_is(json_str(s->doc, key), "__metadata__"))
			read_tensor(s, json_str(s->doc, key), json_next(key), data, size);
	check_places(s, data, size);
	qsort(s->tensor, s->n, sizeof *s->tensor, by_name);
	return s;
}

void
safetensors_free(struct safetensors *s)
{
	json_free(s->doc);
	xfree(s->tensor);
	xfree(s);
}

struct st_tensor *
safetensors_get(const struct safetensors *s, struct str name)
{
	const struct st_tensor want = {.name = name};
	return s->n ? bsearch(&want, s->tensor, s->n, sizeof *s->tensor, by_name) : NULL;
}
