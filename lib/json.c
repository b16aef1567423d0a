/* json.c - read JSON; see json.h. */
#include "json_impl.h"
#include "unicode/unicode.h"

#include <math.h>
#include <stdlib.h>

/* What a node's 28 bits can count. */
enum { LEN_MAX = (1 << 28) - 1 };

static _Noreturn void
bad(const struct reader *r, const char *at, const char *what)
{
	size_t line = 1;
	for (const char *q = r->d->text; q < at; q++)
		line += *q == '\n';
	die("%s: line %zu, byte %zu: not JSON: %s", r->d->name, line, (size_t)(at - r->d->text), what);
}

static struct json *
node(struct reader *r, enum json_type type, size_t off, size_t n)
{
	struct json_doc *d = r->d;
	if (n > LEN_MAX)
		bad(r, r->p, "a string or number of more than 256 MB");
	d->node = grow(d->node, &d->node_cap, d->n_nodes + 1, sizeof *d->node);
	struct json *v = d->node + d->n_nodes++;
	*v = (struct json){.type = type, .n = (uint32_t)n, .off = (uint32_t)off, .skip = 1};
	return v;
}

/* Four hex digits behind "\u". */
static uint32_t
hex4(struct reader *r)
{
	uint32_t u = 0;
	for (int i = 0; i < 4; i++, r->p++) {
		const unsigned c = r->p < r->end ? (unsigned char)*r->p : 0;
		if (!((c - '0' < 10) | ((c | 32) - 'a' < 6))) /* without a branch for which it is */
			bad(r, r->p, "\\u needs four hexadecimal digits");
		u = u << 4 | ((c & 0xF) + 9 * (c >> 6));
	}
	return u;
}

static uint32_t
escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *c = r->p < r->end && *r->p && *r->p != 'u' ? strchr(from, *r->p) : NULL;
	if (c) {
		r->p++;
		return (unsigned char)to[c - from];
	}
	if (r->p == r->end || *r->p++ != 'u')
		bad(r, r->p, "an escape that JSON does not have");
	uint32_t u = hex4(r);
	if (u >= 0xDC00 && u <= 0xDFFF)
		bad(r, r->p, "the second half of a surrogate pair alone");
	if (u < 0xD800 || u > 0xDFFF)
		return u;
	if (r->end - r->p < 2 || r->p[0] != '\\' || r->p[1] != 'u')
		bad(r, r->p, "the first half of a surrogate pair alone");
	r->p += 2;
	uint32_t low = hex4(r);
	if (low < 0xDC00 || low > 0xDFFF)
		bad(r, r->p, "the first half of a surrogate pair alone");
	return 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
}

uint64_t
json_rare(chunk x, uint64_t here, uint64_t *lead4)
{
	const uint64_t none = ((chunk_from(x, 0xC0) & ~chunk_from(x, 0xC2)) | chunk_from(x, 0xF5)) & here, last = CHUNK_MARKS & ~(CHUNK_MARKS >> MARK_STEP);
	const uint64_t e0 = chunk_is(x, (char)0xE0) & here, ed = chunk_is(x, (char)0xED) & here;
	const uint64_t f0 = chunk_is(x, (char)0xF0) & here, f4 = chunk_is(x, (char)0xF4) & here;
	const uint64_t a0 = chunk_from(x, 0xA0), x90 = chunk_from(x, 0x90);
	*lead4 = chunk_from(x, 0xF0) & here;
	return none | ((e0 | ed | f0 | f4) & last) |
		(((e0 << MARK_STEP & ~a0) | (ed << MARK_STEP & a0) | (f0 << MARK_STEP & ~x90) | (f4 << MARK_STEP & x90)) & CHUNK_ALL);
}

/* Go to the next quote or escape, if all before it is seen to be right in chunks. */
static bool
plain_chunks(struct reader *r)
{
	uint64_t due = 0;
	for (const char *p = r->p; r->end - p >= CHUNK; p += CHUNK) {
		const struct json_chunk k = json_chunk(chunk_at(p), due);
		if (k.wrong)
			return false;
		due = k.due;
		if (!k.stop)
			continue;
		r->p = p + chunk_before(k.stop);
		return *r->p == '"' || *r->p == '\\';
	}
	return false;
}

/* Bytes up to the next quote or escape, checked. */
static void
plain(struct reader *r)
{
	if (plain_chunks(r))
		return;
	while (r->p < r->end && *r->p != '"' && *r->p != '\\') {
		unsigned char c = (unsigned char)*r->p;
		uint32_t cp;
		size_t n = 1;
		if (c < 0x20)
			bad(r, r->p, "a control character within a string");
		if (c >= 0x80 && (n = utf8_next((const unsigned char *)r->p, (size_t)(r->end - r->p), &cp)) == 1)
			bad(r, r->p, "a byte that is not UTF-8");
		r->p += n;
	}
	if (r->p == r->end)
		bad(r, r->p, "a string has no end");
}

/* Make room for n unescaped bytes more. */
static inline void
room(struct reader *r, size_t n)
{
	struct json_doc *d = r->d;
	if (n >= SPAN_SECOND || d->n_unescaped >= SPAN_SECOND - n)
		die("%s: not JSON: strings with escapes of more than 2 GB", d->name);
	if (n > d->unescaped_cap - d->n_unescaped)
		d->unescaped = grow(d->unescaped, &d->unescaped_cap, d->n_unescaped + n, 1);
}

void
json_keep(struct reader *r, const void *p, size_t n)
{
	if (!n)
		return;
	room(r, n);
	memcpy(r->d->unescaped + r->d->n_unescaped, p, n);
	r->d->n_unescaped += n;
}

struct span
json_take_string(struct reader *r)
{
	enum { UTF8_MAX = 4 };
	struct json_doc *d = r->d;
	const char *begin = r->p;
	if (r->p == r->end || *r->p != '\\')
		plain(r);
	if (*r->p == '"')
		return (struct span){(uint32_t)(begin - d->text), (uint32_t)(r->p++ - begin)};
	const size_t off = d->n_unescaped;
	json_keep(r, begin, (size_t)(r->p - begin));
	while (*r->p == '\\') {
		r->p++;
		room(r, UTF8_MAX);
		d->n_unescaped += utf8_put((unsigned char *)d->unescaped + d->n_unescaped, escape(r));
		begin = r->p;
		if (r->p == r->end || *r->p != '\\')
			plain(r);
		json_keep(r, begin, (size_t)(r->p - begin));
	}
	r->p++;
	return (struct span){(uint32_t)off | SPAN_SECOND, (uint32_t)(d->n_unescaped - off)};
}

static void
string(struct reader *r)
{
	const char *begin = ++r->p;
	bool spaced;
	const size_t n = json_quick(begin, (size_t)(r->end - begin), &spaced);
	if (n != SIZE_MAX) {
		r->p += n + 1;
		node(r, JSON_STRING, (size_t)(begin - r->d->text), n);
		return;
	}
	const struct span s = json_take_string(r);
	node(r, JSON_STRING, s.off & ~SPAN_SECOND, s.n)->escaped = s.off >> 31;
}

static size_t
digits(struct reader *r)
{
	size_t n = 0;
	for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++)
		n++;
	return n;
}

static bool
word(struct reader *r, const char *text)
{
	size_t n = strlen(text);
	if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n) != 0)
		return false;
	r->p += n;
	return true;
}

static void
number(struct reader *r)
{
	const char *begin = r->p;
	if (*r->p == '-')
		r->p++;
	if (!word(r, "Infinity") && !word(r, "NaN")) {
		bool zero = r->p < r->end && *r->p == '0';
		size_t n = digits(r);
		if (n == 0 || (zero && n > 1))
			bad(r, begin, "a value cannot begin like that");
		if (r->p < r->end && *r->p == '.' && (r->p++, !digits(r)))
			bad(r, r->p, "a number ends with its point");
		if (r->p < r->end && (*r->p | 32) == 'e') {
			r->p++;
			if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
				r->p++;
			if (!digits(r))
				bad(r, r->p, "an exponent without digits");
		}
	}
	node(r, JSON_NUMBER, (size_t)(begin - r->d->text), (size_t)(r->p - begin));
}

static _Noreturn void
twice(const struct reader *r, struct str key)
{
	die("%s: not JSON: key \"%.*s\" stands twice in one object", r->d->name, (int)(key.n < 64 ? key.n : 64), key.p);
}

/* Of a few keys, which most often differ in their lengths. */
enum { FEW = 16 };
static void
few_unique_keys(const struct reader *r, const struct json *object)
{
	struct str s[FEW];
	const struct json *key = json_first(object);
	for (size_t i = 0; i < object->n; i++, key = json_next(json_next(key))) {
		s[i] = json_str(r->d, key);
		for (size_t k = 0; k < i; k++)
			if (s[k].n == s[i].n && !memcmp(s[k].p, s[i].p, s[i].n))
				twice(r, s[i]);
	}
}

/* Die if the object that ends here has a key twice. */
static void
unique_keys(struct reader *r, const struct json *object)
{
	size_t slots = 4, probes = 0;
	if (object->n <= FEW) {
		few_unique_keys(r, object);
		return;
	}
	while (slots < 2 * (size_t)object->n)
		slots *= 2;
	r->slot = grow(r->slot, &r->slot_cap, slots, sizeof *r->slot);
	memset(r->slot, 0, slots * sizeof *r->slot);
	const struct json *key = json_first(object);
	for (size_t i = 0; i < object->n; i++, key = json_next(json_next(key))) {
		struct str s = json_str(r->d, key);
		uint32_t h = 2166136261u;
		for (size_t j = 0; j < s.n; j++)
			h = (h ^ (unsigned char)s.p[j]) * 16777619u;
		for (h ^= h >> 15;; h++) {
			uint32_t at = r->slot[h & (slots - 1)];
			if (!at)
				break;
			struct str other = json_str(r->d, r->d->node + at);
			if (other.n == s.n && memcmp(other.p, s.p, s.n) == 0)
				twice(r, s);
			if (++probes > 64 * (size_t)object->n + 4096)
				die("%s: its keys are made to collide", r->d->name);
		}
		r->slot[h & (slots - 1)] = (uint32_t)(key - r->d->node);
	}
}

/* Whether the value that opens here is the one that f says: {"inside": {"key": or {"key": */
static bool
is_flat(const struct reader *r, const struct json_flat *f)
{
	const struct json *node = r->d->node;
	if (node[0].type != JSON_OBJECT || r->depth != (f->inside ? 2 : 1))
		return false;
	if (f->inside && (node[r->open[1]].type != JSON_OBJECT || !str_is(json_str(r->d, node + r->open[1] - 1), f->inside)))
		return false;
	return str_is(json_str(r->d, node + r->d->n_nodes - 1), f->key);
}

/* The list among those wanted without nodes that would open here, or NULL. */
static struct json_flat *
flat_here(const struct reader *r, enum json_type type)
{
	for (size_t i = 0; r->depth && i < r->n_flat; i++)
		if (r->flat[i].type == type && is_flat(r, r->flat + i))
			return r->flat + i;
	return NULL;
}

/* What opens or is whole here. */
static void
value(struct reader *r)
{
	json_blanks(r);
	if (r->p == r->end)
		bad(r, r->p, "it ends too early");
	if (*r->p == '{' || *r->p == '[') {
		if (r->depth == JSON_DEPTH)
			bad(r, r->p, "nested more than 128 deep");
		const enum json_type type = *r->p++ == '{' ? JSON_OBJECT : JSON_ARRAY;
		struct json_flat *flat = flat_here(r, type);
		if (!flat || !json_flat_list(r, flat))
			r->open[r->depth++] = (uint32_t)r->d->n_nodes;
		node(r, type, 0, 0);
	} else if (*r->p == '"')
		string(r);
	else if (word(r, "null"))
		node(r, JSON_NULL, 0, 0);
	else if (word(r, "false"))
		node(r, JSON_FALSE, 0, 0);
	else if (word(r, "true"))
		node(r, JSON_TRUE, 0, 0);
	else
		number(r);
}

static void
close_innermost(struct reader *r)
{
	struct json *v = r->d->node + r->open[--r->depth];
	v->skip = (uint32_t)(r->d->n_nodes - r->open[r->depth]);
	if (v->type == JSON_OBJECT)
		unique_keys(r, v);
	r->p++;
}

static void
key(struct reader *r)
{
	json_blanks(r);
	if (r->p == r->end || *r->p != '"')
		bad(r, r->p, "a key, in quotes, should stand here");
	string(r);
	json_blanks(r);
	if (r->p == r->end || *r->p++ != ':')
		bad(r, r->p, "':' should stand behind a key");
}

/* The next child of what is open, or its end. */
static void
inside(struct reader *r)
{
	const uint32_t at = r->open[r->depth - 1];
	const bool object = r->d->node[at].type == JSON_OBJECT;
	const char end = object ? '}' : ']';
	json_blanks(r);
	if (r->p < r->end && *r->p == end) {
		close_innermost(r);
		return;
	}
	if (r->d->node[at].n && (r->p == r->end || *r->p++ != ','))
		bad(r, r->p, object ? "',' or '}' should stand here" : "',' or ']' should stand here");
	if (r->d->node[at].n == LEN_MAX)
		bad(r, r->p, "more than 2^28 values in one");
	r->d->node[at].n++;
	if (object)
		key(r);
	value(r);
}

/* Behind the unescaped bytes there is room to read some more. */
static void
read_end(struct reader *r)
{
	struct json_doc *d = r->d;
	if (d->n_unescaped) {
		d->unescaped = grow(d->unescaped, &d->unescaped_cap, d->n_unescaped + JSON_ROOM, 1);
		memset(d->unescaped + d->n_unescaped, 0, JSON_ROOM);
	}
	xfree(r->slot);
}

struct json_doc *
json_read_flat(const char *name, const char *text, size_t n, struct json_flat *flat, size_t n_flat)
{
	struct json_doc *d = xcalloc(1, sizeof *d);
	struct reader r = {.d = d, .p = text, .end = text + n, .flat = flat, .n_flat = n_flat};
	d->name = name;
	d->text = text;
	if (n > UINT32_MAX / 2)
		die("%s: JSON of %zu bytes; 2 GB is the most", name, n);
	value(&r);
	while (r.depth)
		inside(&r);
	json_blanks(&r);
	if (r.p != r.end)
		bad(&r, r.p, "something stands behind its end");
	read_end(&r);
	return d;
}

struct json_doc *
json_read_later(const char *name, const char *text, struct json_flat *flat)
{
	struct json_doc *d = xcalloc(1, sizeof *d);
	struct reader r = {.d = d, .p = flat->text.p, .end = flat->text.p + flat->text.n};
	d->name = name;
	d->text = text;
	flat->later = false;
	r.p++;
	if (json_flat_list(&r, flat))
		node(&r, flat->type, 0, 0);
	else {
		r.p--;
		value(&r);
	}
	while (r.depth)
		inside(&r);
	if (r.p != r.end)
		bad(&r, r.p, "something stands behind its end");
	read_end(&r);
	return d;
}

struct json_doc *
json_read(const char *name, const char *text, size_t n)
{
	return json_read_flat(name, text, n, NULL, 0);
}

void
json_free(struct json_doc *d)
{
	xfree(d->unescaped);
	xfree(d->node);
	xfree(d);
}

static const struct json *
get(const struct json_doc *d, const struct json *v, const char *name, size_t n)
{
	if (!json_is(v, JSON_OBJECT))
		return NULL;
	const struct json *k = json_first(v);
	for (size_t i = 0; i < v->n; i++, k = json_next(json_next(k))) {
		struct str s = json_str(d, k);
		if (s.n == n && memcmp(s.p, name, n) == 0)
			return json_next(k);
	}
	return NULL;
}

const struct json *
json_get(const struct json_doc *d, const struct json *v, const char *name)
{
	return get(d, v, name, strlen(name));
}

const struct json *
json_path(const struct json_doc *d, const char *path)
{
	const struct json *v = d->node;
	for (size_t n; v && *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		v = get(d, v, path, n);
	}
	return v;
}

struct str
json_str(const struct json_doc *d, const struct json *v)
{
	if (!json_is(v, JSON_STRING))
		return (struct str){NULL, 0};
	return (struct str){v->n ? (v->escaped ? d->unescaped : d->text) + v->off : "", v->n};
}

struct span
json_span(const struct json *v)
{
	return json_is(v, JSON_STRING) ? (struct span){v->off | (v->escaped ? SPAN_SECOND : 0), v->n} : (struct span){0, 0};
}

double
json_float(const struct json_doc *d, const struct json *v, const char *name, double missing)
{
	char buf[64], *end;
	if (!v || v->type == JSON_NULL)
		return missing;
	if (v->type != JSON_NUMBER || v->n >= sizeof buf)
		die("%s: '%s' is not a number", d->name, name);
	memcpy(buf, d->text + v->off, v->n);
	buf[v->n] = '\0';
	return strtod(buf, &end);
}

/* What some digits say; -1: it is not only digits. */
static double
plain_digits(const char *p, size_t n)
{
	double x = 0;
	for (; n; n--, p++) {
		if (*p < '0' || *p > '9')
			return -1;
		x = x * 10 + (*p - '0');
	}
	return x;
}

uint64_t
json_uint(const struct json_doc *d, const struct json *v, const char *name, uint64_t missing,
	uint64_t min, uint64_t max)
{
	if (!v || v->type == JSON_NULL)
		return missing;
	double x = v->type == JSON_NUMBER && v->n < 16 ? plain_digits(d->text + v->off, v->n) : -1;
	if (x < 0)
		x = json_float(d, v, name, 0);
	if (!(x >= (double)min && x <= (double)max && x < 0x1p63 && x == floor(x)))
		die("%s: '%s' is %g, not a whole number from %llu to %llu", d->name, name, x, (unsigned long long)min,
			(unsigned long long)max);
	return (uint64_t)x;
}

bool
json_bool(const struct json_doc *d, const struct json *v, const char *name, bool missing)
{
	if (!v || v->type == JSON_NULL)
		return missing;
	if (v->type != JSON_TRUE && v->type != JSON_FALSE)
		die("%s: '%s' is neither true nor false", d->name, name);
	return v->type == JSON_TRUE;
}
