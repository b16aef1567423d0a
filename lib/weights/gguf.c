/* gguf.c - read a GGUF file with a checked cursor over the map; see gguf.h. */
#include "gguf.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is left of the file to read. */
struct cursor {
	const char *path;
	const unsigned char *base, *p, *end;
};

/* n bytes from the cursor, or die: the one place where the file can end. */
static const unsigned char *
take(struct cursor *c, uint64_t n)
{
	if (n > (uint64_t)(c->end - c->p))
		die("%s: truncated: %llu bytes needed at offset %zu of %zu", c->path,
			(unsigned long long)n, (size_t)(c->p - c->base), (size_t)(c->end - c->base));
	const unsigned char *p = c->p;
	c->p += n;
	return p;
}

static uint32_t
take_u32(struct cursor *c)
{
	return le32(take(c, 4));
}

static uint64_t
take_u64(struct cursor *c)
{
	return le64(take(c, 8));
}

static struct str
take_str(struct cursor *c)
{
	uint64_t n = take_u64(c);
	return (struct str){(const char *)take(c, n), (size_t)n};
}

/* Bytes of one value of a type; 0: it is a string, an array, or no type. */
static size_t
type_size(uint32_t type)
{
	static const uint8_t size[] = {
		[GGUF_U8] = 1, [GGUF_I8] = 1, [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
		[GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
	};
	return type < sizeof size ? size[type] : 0;
}

/* n values of one type, which is no array. */
static void
take_values(struct cursor *c, struct gguf_kv *kv, uint32_t type, uint64_t n)
{
	size_t size = type_size(type);
	kv->data = c->p;
	if (size) {
		if (n > (uint64_t)(c->end - c->p) / size)
			die("%s: key '%.*s': %llu values do not fit into the file", c->path,
				(int)kv->key.n, kv->key.p, (unsigned long long)n);
		take(c, n * size);
	} else if (type == GGUF_STRING) {
		for (uint64_t i = 0; i < n; i++)
			take_str(c);
	} else
		die("%s: key '%.*s': unknown value type %u", c->path, (int)kv->key.n, kv->key.p, type);
	kv->n = (size_t)n;
	kv->bytes = (size_t)(c->p - kv->data);
}

static void
take_kv(struct cursor *c, struct gguf_kv *kv)
{
	kv->key = take_str(c);
	if (kv->key.n == 0 || kv->key.n > 65535)
		die("%s: a key of %zu bytes", c->path, kv->key.n);
	kv->type = take_u32(c);
	if (kv->type != GGUF_ARRAY) {
		take_values(c, kv, kv->type, 1);
		return;
	}
	kv->elem = take_u32(c);
	uint64_t n = take_u64(c);
	take_values(c, kv, kv->elem, n);
}

/* A tensor's description; its data pointer holds until place_tensor() the offset. */
static uint64_t
take_tensor(struct cursor *c, struct tensor *t)
{
	struct str name = take_str(c);
	if (name.n == 0 || name.n >= sizeof t->name || memchr(name.p, 0, name.n))
		die("%s: a tensor's name has %zu bytes, not 1 to %zu", c->path, name.n, sizeof t->name - 1);
	memcpy(t->name, name.p, name.n);
	t->n_dims = take_u32(c);
	if (t->n_dims < 1 || t->n_dims > 4)
		die("%s: tensor %s: %u dimensions, not 1 to 4", c->path, t->name, t->n_dims);
	size_t all = 1;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t d = i < t->n_dims ? take_u64(c) : 1;
		if (d == 0 || d > SIZE_MAX / 8 || !mul_size(all, (size_t)d, &all))
			die("%s: tensor %s: impossible dimension %llu", c->path, t->name, (unsigned long long)d);
		t->dim[i] = (size_t)d;
	}
	t->type = take_u32(c);
	if (t->type >= T_LLAMA2C_Q8) /* ours, for files that keep the scales apart */
		die("%s: tensor %s: unknown type %u", c->path, t->name, t->type);
	return take_u64(c);
}

/* Point a tensor to its data, `offset` bytes into the data section. */
static void
place_tensor(const struct cursor *c, struct tensor *t, const unsigned char *data, uint64_t offset, size_t align)
{
	const struct format *f = tensor_format(t->type);
	size_t bytes;
	if (offset % align)
		die("%s: tensor %s: offset %llu is not a multiple of %zu", c->path, t->name,
			(unsigned long long)offset, align);
	if (!tensor_readable(t))
		return; /* whoever wants it will say so */
	if (t->dim[0] % f->block)
		die("%s: tensor %s: rows of %zu are not whole blocks of %u (%s)", c->path, t->name,
			t->dim[0], f->block, f->name);
	if (!mul_size(tensor_row_bytes(t), tensor_rows(t), &bytes) || offset > (size_t)(c->end - data) ||
		bytes > (size_t)(c->end - data) - offset)
		die("%s: tensor %s: its data lie outside the file (truncated?)", c->path, t->name);
	t->data = data + offset;
}

static int
kv_cmp(const void *a, const void *b)
{
	const struct gguf_kv *x = a, *y = b;
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
	int c = memcmp(x->key.p, y->key.p, n);
	return c ? c : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

static int
tensor_cmp(const void *a, const void *b)
{
	return strcmp(((const struct tensor *)a)->name, ((const struct tensor *)b)->name);
}

static void
sort_unique(struct gguf *g)
{
	qsort(g->kv, g->n_kv, sizeof *g->kv, kv_cmp);
	for (size_t i = 1; i < g->n_kv; i++)
		if (kv_cmp(g->kv + i - 1, g->kv + i) == 0)
			die("%s: key '%.*s' stands twice", g->map.path, (int)g->kv[i].key.n, g->kv[i].key.p);
	qsort(g->tensors, g->n_tensors, sizeof *g->tensors, tensor_cmp);
	for (size_t i = 1; i < g->n_tensors; i++)
		if (tensor_cmp(g->tensors + i - 1, g->tensors + i) == 0)
			die("%s: tensor %s stands twice", g->map.path, g->tensors[i].name);
}

static int
place_cmp(const void *a, const void *b)
{
	const struct tensor *x = *(const struct tensor *const *)a, *y = *(const struct tensor *const *)b;
	return (x->data > y->data) - (x->data < y->data);
}

/* Tensors that share their bytes would let a small file ask for the work and the
 * memory of a large one. */
static void
refuse_overlap(const struct gguf *g)
{
	const struct tensor **t = xcalloc(g->n_tensors, sizeof *t);
	size_t n = 0;
	for (size_t i = 0; i < g->n_tensors; i++)
		if (g->tensors[i].data)
			t[n++] = g->tensors + i;
	qsort(t, n, sizeof *t, place_cmp);
	for (size_t i = 1; i < n; i++)
		if (tensor_row_bytes(t[i - 1]) * tensor_rows(t[i - 1]) > (size_t)(t[i]->data - t[i - 1]->data))
			die("%s: tensors %s and %s lie in the same place", g->map.path, t[i - 1]->name, t[i]->name);
	xfree(t);
}

bool
gguf_is(struct map m)
{
	return m.size >= 4 && memcmp(m.data, "GGUF", 4) == 0;
}

/* How many things a header announces: each takes at least `least` bytes of file. */
static size_t
take_count(struct cursor *c, const char *what, size_t least)
{
	uint64_t n = take_u64(c);
	if (n > (uint64_t)(c->end - c->p) / least)
		die("%s: %llu %s do not fit into a file of %zu bytes", c->path, (unsigned long long)n, what,
			(size_t)(c->end - c->base));
	return (size_t)n;
}

struct gguf *
gguf_read(struct map m)
{
	struct cursor c = {m.path, m.data, m.data, m.data + m.size};
	take(&c, 4);
	uint32_t version = take_u32(&c);
	if (version > 0xffff && (version & 0xffff) == 0)
		die("%s: a big-endian GGUF file; this program reads little-endian ones", m.path);
	if (version != 2 && version != 3)
		die("%s: GGUF version %u; versions 2 and 3 are known", m.path, version);
	struct gguf *g = xcalloc(1, sizeof *g);
	g->map = m;
	g->n_tensors = take_count(&c, "tensors", 32);
	g->n_kv = take_count(&c, "keys", 13);
	g->kv = xcalloc(g->n_kv, sizeof *g->kv);
	for (size_t i = 0; i < g->n_kv; i++)
		take_kv(&c, g->kv + i);
	if (g->n_tensors > (size_t)(c.end - c.p) / 32)
		die("%s: %zu tensors do not fit into the file", m.path, g->n_tensors);
	g->tensors = xcalloc(g->n_tensors, sizeof *g->tensors);
	uint64_t *offset = xcalloc(g->n_tensors, sizeof *offset);
	for (size_t i = 0; i < g->n_tensors; i++)
		offset[i] = take_tensor(&c, g->tensors + i);
	qsort(g->kv, g->n_kv, sizeof *g->kv, kv_cmp); /* gguf_uint() searches */
	size_t align = (size_t)gguf_uint(g, "general.alignment", 32, 1, 1 << 20);
	if (align & (align - 1))
		die("%s: general.alignment %zu is no power of two", m.path, align);
	size_t start = ((size_t)(c.p - c.base) + align - 1) / align * align;
	if (g->n_tensors && start > m.size)
		die("%s: truncated before the tensors' data", m.path);
	for (size_t i = 0; i < g->n_tensors; i++)
		place_tensor(&c, g->tensors + i, m.data + start, offset[i], align);
	xfree(offset);
	sort_unique(g);
	refuse_overlap(g);
	return g;
}

void
gguf_free(struct gguf *g)
{
	xfree(g->kv);
	xfree(g->tensors);
	xfree(g);
}

void
gguf_join(struct gguf *g, struct gguf *part)
{
	g->tensors = xreallocarray(g->tensors, g->n_tensors + part->n_tensors, sizeof *g->tensors);
	if (part->n_tensors)
		memcpy(g->tensors + g->n_tensors, part->tensors, part->n_tensors * sizeof *g->tensors);
	g->n_tensors += part->n_tensors;
	gguf_free(part);
	sort_unique(g);
}

const struct gguf_kv *
gguf_get(const struct gguf *g, const char *key)
{
	struct gguf_kv want = {.key = {key, strlen(key)}};
	return g->n_kv ? bsearch(&want, g->kv, g->n_kv, sizeof *g->kv, kv_cmp) : NULL;
}

uint64_t
gguf_uint(const struct gguf *g, const char *key, uint64_t missing, uint64_t min, uint64_t max)
{
	const struct gguf_kv *kv = gguf_get(g, key);
	uint64_t v = 0;
	bool negative = false;
	if (!kv)
		return missing;
	switch (kv->type) {
	case GGUF_U8: v = kv->data[0]; break;
	case GGUF_U16: v = le16(kv->data); break;
	case GGUF_U32: v = le32(kv->data); break;
	case GGUF_U64: v = le64(kv->data); break;
	case GGUF_I8: v = kv->data[0]; negative = v >> 7; break;
	case GGUF_I16: v = le16(kv->data); negative = v >> 15; break;
	case GGUF_I32: v = le32(kv->data); negative = v >> 31; break;
	case GGUF_I64: v = le64(kv->data); negative = v >> 63; break;
	default: die("%s: key '%s' is not a whole number", g->map.path, key);
	}
	if (negative || v < min || v > max)
		die("%s: key '%s' is out of range (%llu to %llu)", g->map.path, key,
			(unsigned long long)min, (unsigned long long)max);
	return v;
}

double
gguf_float(const struct gguf *g, const char *key, double missing)
{
	const struct gguf_kv *kv = gguf_get(g, key);
	double v;
	if (!kv)
		return missing;
	if (kv->type == GGUF_F32)
		v = (double)lef32(kv->data);
	else if (kv->type == GGUF_F64) {
		uint64_t u = le64(kv->data);
		memcpy(&v, &u, sizeof v);
	} else
		die("%s: key '%s' is not a floating-point number", g->map.path, key);
	if (!(fabs(v) <= FLT_MAX))
		die("%s: key '%s' is not a finite number", g->map.path, key);
	return v;
}

bool
gguf_bool(const struct gguf *g, const char *key, bool missing)
{
	const struct gguf_kv *kv = gguf_get(g, key);
	if (kv && kv->type != GGUF_BOOL)
		die("%s: key '%s' is not a bool", g->map.path, key);
	return kv ? kv->data[0] != 0 : missing;
}

struct str
gguf_str(const struct gguf *g, const char *key)
{
	const struct gguf_kv *kv = gguf_get(g, key);
	if (!kv)
		return (struct str){NULL, 0};
	if (kv->type != GGUF_STRING)
		die("%s: key '%s' is not a string", g->map.path, key);
	const unsigned char *p = kv->data;
	return gguf_next_str(&p);
}

const struct gguf_kv *
gguf_array(const struct gguf *g, const char *key, enum gguf_type elem)
{
	const struct gguf_kv *kv = gguf_get(g, key);
	if (!kv)
		return NULL;
	bool whole = (elem == GGUF_U32 || elem == GGUF_I32) && (kv->elem == GGUF_U32 || kv->elem == GGUF_I32);
	if (kv->type != GGUF_ARRAY || (kv->elem != (uint32_t)elem && !whole))
		die("%s: key '%s' is not an array of the right type", g->map.path, key);
	return kv;
}
