/*
 * schema.c - JSON schemas to rules; see schema.h.
 *
 * A value has to be valid by several schemas at once: those that allOf and $ref add to one, those
 * that two of them have for one property. So it is always a set of schemas that a rule is made of; what
 * the members say of one keyword is looked at together.
 */
#include "schema_impl.h"

#include "ere.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { SET_MAX = 256, RULES_MAX = 1 << 14, PREFIX_MAX = 500, BRANCHES_MAX = 4096, NAMES_MAX = 4096, WORK_MAX = 1 << 24 };

/* A schema of a set. */
struct member {
	const struct json *v;
	bool branched;			/* its anyOf or oneOf is dealt with */
	size_t from;			/* the member that led to it, or itself */
};
struct set {
	struct member *m;
	size_t n, cap;
	bool never;			/* one of them is false */
};

/* A set that has a rule: the nodes, sorted. */
struct known {
	uint32_t *node;
	size_t n;
	uint32_t rule;
	bool built;
};

/* Diagnostics. */

static size_t
line_of(const struct schema *s, const struct json *at)
{
	/* Only strings and numbers know where they lie: the last one up to here, mostly the key. */
	size_t line = 1;
	while (at > s->d->node && (at->type < JSON_NUMBER || at->type > JSON_STRING || at->escaped))
		at--;
	for (size_t i = 0; at > s->d->node && i < at->off; i++)
		line += s->d->text[i] == '\n';
	return line;
}

/* Add a key to a JSON pointer (RFC 6901), or as much as there is room for. */
static void
point_to(char *where, size_t size, struct str key)
{
	size_t n = strlen(where);
	const char *const end = key.p + (key.n < 64 ? key.n : 64);
	for (n += (size_t)snprintf(where + n, size - n, "/"); key.p < end && n + 2 < size; key.p++) {
		if (*key.p == '~' || *key.p == '/')
			where[n++] = '~';
		where[n++] = *key.p == '~' ? '0' : *key.p == '/' ? '1' : *key.p;
		where[n] = 0;
	}
}

void
schema_bad(const struct schema *s, const struct json *at, const char *fmt, ...)
{
	char what[300], where[300] = "#";
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(what, sizeof what, fmt, ap);
	va_end(ap);
	/* The way down to the node, as a JSON pointer. */
	for (const struct json *v = s->d->node; v < at;) {
		const struct json *c = json_first(v);
		const size_t n = strlen(where);
		if (v->type < JSON_ARRAY)
			break;
		for (size_t i = 0; i < v->n; i++, c = json_next(c)) {
			const struct str key = v->type == JSON_OBJECT ? json_str(s->d, c) : (struct str){NULL, 0};
			const struct json *value = v->type == JSON_OBJECT ? json_next(c) : c;
			if (at < json_next(value)) {
				if (v->type == JSON_OBJECT)
					point_to(where, sizeof where, key);
				else
					snprintf(where + n, sizeof where - n, "/%zu", i);
				v = at < value ? at : value;
				break;
			}
			c = value;
		}
	}
	die("%s:%zu: %s: %s", s->g->name, line_of(s, at), where, what);
}

/* Keywords. */

static const char *const annotations[] = {
	"title", "description", "default", "examples", "example", "$schema", "$id", "$comment", "$defs", "definitions",
	"deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding", "$anchor", NULL
};
static const char *const keywords[] = {
	"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "required", "additionalProperties",
	"minProperties", "maxProperties", "unevaluatedProperties", "items", "prefixItems", "additionalItems", "minItems",
	"maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum",
	"exclusiveMinimum", "exclusiveMaximum", NULL
};
/* Those that say something of values of one type alone; which. */
static const struct typed {
	const char *name;
	unsigned types;
} typed[] = {
	{"properties", IS_OBJECT}, {"required", IS_OBJECT}, {"additionalProperties", IS_OBJECT}, {"minProperties", IS_OBJECT},
	{"maxProperties", IS_OBJECT}, {"unevaluatedProperties", IS_OBJECT}, {"items", IS_ARRAY}, {"prefixItems", IS_ARRAY},
	{"additionalItems", IS_ARRAY}, {"minItems", IS_ARRAY}, {"maxItems", IS_ARRAY}, {"uniqueItems", IS_ARRAY},
	{"minLength", IS_STRING}, {"maxLength", IS_STRING}, {"pattern", IS_STRING}, {"format", IS_STRING},
	{"minimum", IS_INTEGER | IS_NUMBER}, {"maximum", IS_INTEGER | IS_NUMBER},
	{"exclusiveMinimum", IS_INTEGER | IS_NUMBER}, {"exclusiveMaximum", IS_INTEGER | IS_NUMBER},
};
enum { N_TYPED = sizeof typed / sizeof *typed };

static bool
is_one_of(struct str key, const char *const *names)
{
	while (*names && !str_is(key, *names))
		names++;
	return *names;
}

static void
check_keywords(const struct schema *s, const struct json *v)
{
	const struct json *k = json_first(v);
	for (size_t i = 0; i < v->n; i++, k = json_next(json_next(k))) {
		const struct str key = json_str(s->d, k);
		if (str_is(key, "$id") && v != s->d->node)
			schema_bad(s, k, "an $id within the schema is not taken");
		if (str_is(key, "multipleOf") && json_is(json_next(k), JSON_NUMBER) && json_float(s->d, json_next(k), "it", 0) == 1 &&
			str_is(json_str(s->d, json_get(s->d, v, "type")), "integer"))
			continue;
		if (!is_one_of(key, annotations) && !is_one_of(key, keywords))
			schema_bad(s, k, "'%.*s' is not taken: what it asks cannot be guaranteed", (int)(key.n < 64 ? key.n : 64), key.p);
	}
}

/* Sets. */

static const struct json *
get(const struct schema *s, const struct member *m, const char *key)
{
	return json_get(s->d, m->v, key);
}

static void
add(struct schema *s, struct set *set, const struct json *v, size_t from)
{
	if (json_is(v, JSON_TRUE))
		return;
	if (json_is(v, JSON_FALSE)) {
		set->never = true;
		return;
	}
	if (!json_is(v, JSON_OBJECT))
		schema_bad(s, v, "a schema is an object, true or false");
	for (size_t i = from; set->n && i < set->n; i = set->m[i].from) {
		if (set->m[i].v == v)
			schema_bad(s, v, "it leads back to itself and to nothing else");
		if (set->m[i].from == i)
			break;
	}
	for (size_t i = 0; i < set->n; i++)
		if (set->m[i].v == v)
			return;
	check_keywords(s, v);
	if (set->n == SET_MAX)
		schema_bad(s, v, "more than %d schemas for one value", SET_MAX);
	set->m = grow(set->m, &set->cap, set->n + 1, sizeof *set->m);
	set->m[set->n] = (struct member){v, false, from < set->n ? from : set->n};
	set->n++;
}

/* One step of a JSON pointer, its escapes undone, in place; returns its length. */
static size_t
unescape(char *p, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '%' && i + 2 < n && hex_digit(p[i + 1]) >= 0 && hex_digit(p[i + 2]) >= 0) {
			p[len++] = (char)(hex_digit(p[i + 1]) << 4 | hex_digit(p[i + 2]));
			i += 2;
		} else {
			p[len++] = p[i];
		}
	}
	n = len;
	len = 0;
	for (size_t i = 0; i < n; i++) {
		const bool tilde = p[i] == '~' && i + 1 < n && (p[i + 1] == '0' || p[i + 1] == '1');
		p[len++] = tilde ? (p[i + 1] == '0' ? '~' : '/') : p[i];
		i += tilde;
	}
	return len;
}

static const struct json *
child(const struct schema *s, const struct json *v, struct str step)
{
	const struct json *c = json_first(v);
	if (json_is(v, JSON_OBJECT)) {
		for (size_t i = 0; i < v->n; i++, c = json_next(json_next(c))) {
			const struct str key = json_str(s->d, c);
			if (key.n == step.n && !memcmp(key.p, step.p, key.n))
				return json_next(c);
		}
		return NULL;
	}
	size_t index = 0;
	for (size_t i = 0; i < step.n; i++) {
		if (step.p[i] < '0' || step.p[i] > '9' || index > 1 << 24)
			return NULL;
		index = index * 10 + (size_t)(step.p[i] - '0');
	}
	if (!json_is(v, JSON_ARRAY) || !step.n || index >= v->n)
		return NULL;
	while (index--)
		c = json_next(c);
	return c;
}

static const struct json *
resolve(const struct schema *s, const struct json *ref)
{
	const struct str text = json_str(s->d, ref);
	const struct json *v = s->d->node;
	if (!json_is(ref, JSON_STRING) || !text.n || text.p[0] != '#' || (text.n > 1 && text.p[1] != '/'))
		schema_bad(s, ref, "only references within the file are taken: #/...");
	char *copy = xcalloc(text.n + 1, 1);
	memcpy(copy, text.p, text.n);
	for (char *p = copy + 1, *end; v && *p; p = end) {
		p++;
		end = p + strcspn(p, "/");
		v = child(s, v, (struct str){p, unescape(p, (size_t)(end - p))});
	}
	xfree(copy);
	if (!v)
		schema_bad(s, ref, "there is nothing at '%.*s'", (int)(text.n < 64 ? text.n : 64), text.p);
	return v;
}

/* Add what $ref and allOf of the members lead to. */
static void
complete(struct schema *s, struct set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct json *ref = get(s, &set->m[i], "$ref"), *all = get(s, &set->m[i], "allOf"), *c = json_first(all);
		if (ref)
			add(s, set, resolve(s, ref), i);
		if (all && !json_is(all, JSON_ARRAY))
			schema_bad(s, all, "allOf is an array of schemas");
		for (size_t k = 0; all && k < all->n; k++, c = json_next(c))
			add(s, set, c, i);
	}
}

static int
compare_nodes(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* The rule of a set, which is taken and left empty; its body is made later. */
static expr
rule_of(struct schema *s, struct set *set)
{
	uint32_t *node = xcalloc(set->n + 1, sizeof *node);
	const size_t n = set->n;
	for (size_t i = 0; i < n; i++)
		node[i] = (uint32_t)(set->m[i].v - s->d->node);
	if (n)
		qsort(node, n, sizeof *node, compare_nodes);
	xfree(set->m);
	if (set->never || !n) {
		xfree(node);
		return set->never ? EXPR_NEVER : expr_rule(s->g, s->value);
	}
	*set = (struct set){0};
	for (size_t i = 0; i < s->n_known; i++)
		if (s->known[i].n == n && !memcmp(s->known[i].node, node, n * sizeof *node)) {
			xfree(node);
			return expr_rule(s->g, s->known[i].rule);
		}
	if (s->n_known == RULES_MAX)
		die("%s: too large: more than %d values of their own", s->g->name, RULES_MAX);
	s->known = grow(s->known, &s->cap_known, s->n_known + 1, sizeof *s->known);
	s->known[s->n_known++] = (struct known){node, n, grammar_rule(s->g, NULL, 0), false};
	return expr_rule(s->g, s->known[s->n_known - 1].rule);
}

/* A count that a schema gives: 3, 3.0. */
static uint32_t
read_count(const struct schema *s, const struct json *v, bool most)
{
	const double x = json_is(v, JSON_NUMBER) && v->n < 32 ? json_float(s->d, v, "it", 0) : -1;
	if (!(x >= 0 && x < FOREVER && x == (double)(uint32_t)x))
		schema_bad(s, v, "a count is a whole number from 0 up");
	if (x > GRAMMAR_TIMES_MAX && !most)
		schema_bad(s, v, "a count of more than %d", GRAMMAR_TIMES_MAX);
	return (uint32_t)x;
}

/* A count that members give: the largest with `most` false, the smallest with true. */
static uint32_t
count(struct schema *s, const struct set *set, const char *key, bool most)
{
	uint32_t n = most ? FOREVER : 0;
	for (size_t i = 0; i < set->n; i++) {
		const struct json *v = get(s, &set->m[i], key);
		const uint32_t one = v ? read_count(s, v, most) : n;
		n = most == (one < n) ? one : n;
	}
	return n == FOREVER || n < GRAMMAR_TIMES_MAX ? n : GRAMMAR_TIMES_MAX;
}

/* The only member with a keyword, or NULL; two cannot both be kept. */
static const struct json *
only(struct schema *s, const struct set *set, const char *key)
{
	const struct json *found = NULL;
	for (size_t i = 0; i < set->n; i++) {
		const struct json *v = get(s, &set->m[i], key);
		if (v && found && !json_equal(s, v, found))
			schema_bad(s, v, "two of '%s' for one value are not taken", key);
		found = v ? v : found;
	}
	return found;
}

/* Values of each type. */

static expr
strings(struct schema *s, const struct set *set)
{
	const struct json *pattern = only(s, set, "pattern"), *format = only(s, set, "format");
	const uint32_t least = count(s, set, "minLength", false), most = count(s, set, "maxLength", true);
	const expr quote = expr_text(s->g, "\"", 1);
	expr e;
	if (pattern && format)
		schema_bad(s, pattern, "'pattern' beside 'format' is not taken");
	if ((pattern || format) && (least || most != FOREVER))
		schema_bad(s, pattern ? pattern : format, "a length beside '%s' is not taken: let that say it",
			pattern ? "pattern" : "format");
	if (pattern) {
		char where[64];
		snprintf(where, sizeof where, ":%zu: pattern", line_of(s, pattern));
		if (!json_is(pattern, JSON_STRING))
			schema_bad(s, pattern, "a pattern is a string");
		const uint32_t rule = grammar_rule(s->g, NULL, 0);
		grammar_define(s->g, rule, ere_expr(s->g, where, json_str(s->d, pattern), ERE_ECMA, json_chars), 0);
		e = expr_rule(s->g, rule);
	} else if (format) {
		e = json_format(s, json_str(s->d, format));
		if (e == EXPR_NEVER)
			schema_bad(s, format, "this format is not known");
	} else if (least > most) {
		return EXPR_NEVER;
	} else {
		e = expr_repeat(s->g, expr_rule(s->g, s->character), least, most);
	}
	return expr_pair(s->g, quote, expr_pair(s->g, e, quote));
}

static expr
numbers(struct schema *s, const struct set *set, bool whole)
{
	struct bound low = {0}, high = {0};
	for (size_t i = 0; i < set->n; i++)
		for (int open = 0; open < 2; open++) {
			const struct json *lo = get(s, &set->m[i], open ? "exclusiveMinimum" : "minimum");
			const struct json *hi = get(s, &set->m[i], open ? "exclusiveMaximum" : "maximum");
			struct bound b = lo ? bound_read(s, lo, open) : low;
			if (lo && (!low.set || bound_less(&low, &b) || (open && !bound_less(&b, &low))))
				low = b;
			b = hi ? bound_read(s, hi, open) : high;
			if (hi && (!high.set || bound_less(&b, &high) || (open && !bound_less(&high, &b))))
				high = b;
		}
	return json_numbers(s, whole, &low, &high);
}

/* The rule of the item at a place; `rest`: of all behind those that prefixItems names. */
static expr
item(struct schema *s, const struct set *set, size_t at, bool rest)
{
	struct set of = {0};
	for (size_t i = 0; i < set->n; i++) {
		const struct json *items = get(s, &set->m[i], "items"), *list = get(s, &set->m[i], "prefixItems");
		if (!list && json_is(items, JSON_ARRAY)) {
			list = items;
			items = get(s, &set->m[i], "additionalItems");
		}
		const struct json *c = json_first(list);
		if (!rest && json_is(list, JSON_ARRAY) && at < list->n) {
			for (size_t k = 0; k < at; k++)
				c = json_next(c);
			add(s, &of, c, of.n);
		} else if (items) {
			add(s, &of, items, of.n);
		}
	}
	return rule_of(s, &of);
}

static size_t
prefix_items(const struct schema *s, const struct set *set)
{
	size_t n = 0;
	for (size_t i = 0; i < set->n; i++) {
		const struct json *list = get(s, &set->m[i], "prefixItems");
		if (!list && json_is(get(s, &set->m[i], "items"), JSON_ARRAY))
			list = get(s, &set->m[i], "items");
		if (list && !json_is(list, JSON_ARRAY))
			schema_bad(s, list, "prefixItems is an array of schemas");
		if (list && list->n > PREFIX_MAX)
			schema_bad(s, list, "more than %d items of their own", PREFIX_MAX);
		n = list && list->n > n ? list->n : n;
	}
	return n;
}

static expr
arrays(struct schema *s, const struct set *set)
{
	struct grammar *g = s->g;
	const uint32_t least = count(s, set, "minItems", false), most = count(s, set, "maxItems", true);
	uint32_t prefix = (uint32_t)prefix_items(s, set);
	expr e;
	for (size_t i = 0; i < set->n; i++)
		if (json_is(get(s, &set->m[i], "uniqueItems"), JSON_TRUE) && most > 1)
			schema_bad(s, get(s, &set->m[i], "uniqueItems"), "'uniqueItems' is not taken: it cannot be guaranteed");
	if (least > most)
		return EXPR_NEVER;
	prefix = prefix < most ? prefix : most;
	const expr one = item(s, set, 0, true), more = expr_pair(g, s->comma, one);
	if (!prefix) {
		e = expr_pair(g, one, expr_repeat(g, more, least ? least - 1 : 0, most == FOREVER ? most : most ? most - 1 : 0));
		e = !most ? EXPR_EMPTY : least ? e : expr_repeat(g, e, 0, 1);
	} else {
		e = expr_repeat(g, more, least > prefix ? least - prefix : 0, most == FOREVER ? most : most - prefix);
	}
	for (uint32_t i = prefix; i--;) {
		e = expr_pair(g, item(s, set, i, false), e);
		e = i ? expr_pair(g, s->comma, e) : e;
		e = i < least ? e : expr_repeat(g, e, 0, 1);
	}
	return expr_pair(g, expr_text(g, "[", 1), expr_pair(g, e, expr_text(g, "]", 1)));
}

/* The names of properties, in the order of the schemas. */
struct names {
	struct str *name;
	bool *required;
	const struct json *large;	/* the first with more bytes than KEY_MAX, or NULL */
	size_t n, cap, cap_required, n_required;
};

static void
add_name(const struct schema *s, struct names *l, const struct json *key, bool required)
{
	const struct str name = json_str(s->d, key);
	size_t i = 0;
	if (!json_is(key, JSON_STRING))
		schema_bad(s, key, "'required' is an array of names");
	while (i < l->n && !(l->name[i].n == name.n && !memcmp(l->name[i].p, name.p, name.n)))
		i++;
	if (i == NAMES_MAX)
		schema_bad(s, key, "more than %d properties", NAMES_MAX);
	if (i == l->n) {
		l->name = grow(l->name, &l->cap, l->n + 1, sizeof *l->name);
		l->required = grow(l->required, &l->cap_required, l->n + 1, sizeof *l->required);
		l->large = l->large || name.n <= KEY_MAX ? l->large : key;
		l->name[l->n] = name;
		l->required[l->n++] = false;
	}
	l->n_required += required && !l->required[i];
	l->required[i] |= required;
}

static struct names
names_of(const struct schema *s, const struct set *set)
{
	struct names l = {0};
	for (int required = 0; required < 2; required++)
		for (size_t i = 0; i < set->n; i++) {
			const struct json *v = get(s, &set->m[i], required ? "required" : "properties"), *c = json_first(v);
			if (v && v->type != (required ? JSON_ARRAY : JSON_OBJECT))
				schema_bad(s, v, required ? "'required' is an array of names" : "'properties' is an object");
			for (size_t k = 0; v && k < v->n; k++, c = json_next(required ? c : json_next(c)))
				add_name(s, &l, c, required);
		}
	return l;
}

/* The rule of the value of a property. */
static expr
property(struct schema *s, const struct set *set, struct str name)
{
	struct set of = {0};
	for (size_t i = 0; i < set->n; i++) {
		const struct json *list = get(s, &set->m[i], "properties");
		const struct json *v = list ? child(s, list, name) : NULL;
		v = v ? v : get(s, &set->m[i], "additionalProperties");
		if (v)
			add(s, &of, v, of.n);
	}
	return rule_of(s, &of);
}

/* A pair of a key without a name and its value; EXPR_NEVER: there is none. */
static expr
other_pair(struct schema *s, const struct set *set, const struct names *names)
{
	struct set of = {0};
	bool wanted = !names->n;
	for (size_t i = 0; i < set->n; i++) {
		const struct json *more = get(s, &set->m[i], "additionalProperties");
		const struct json *rest = get(s, &set->m[i], "unevaluatedProperties");
		if (rest && rest->type != JSON_FALSE && rest->type != JSON_TRUE)
			schema_bad(s, rest, "'unevaluatedProperties' is taken as true or false alone");
		of.never |= json_is(rest, JSON_FALSE);
		wanted |= more && more->type != JSON_FALSE;
		if (more)
			add(s, &of, more, of.n);
	}
	of.never |= !wanted;
	const expr value = rule_of(s, &of);
	if (value == EXPR_NEVER)
		return EXPR_NEVER;
	if (names->large)
		schema_bad(s, names->large, "a name of more than %d bytes, where others may come: shorten it, "
			"or set additionalProperties to false", KEY_MAX);
	return expr_pair(s->g, json_other_key(s, names->name, names->n), expr_pair(s->g, s->colon, value));
}

/* How many pairs there may be beside those with names. */
static void
check_pairs(struct schema *s, const struct set *set, const struct names *names, bool others, uint32_t *least, uint32_t *most)
{
	*least = count(s, set, "minProperties", false);
	*most = count(s, set, "maxProperties", true);
	if (*least <= names->n_required)
		*least = 0;
	if (*most >= names->n && !others)
		*most = FOREVER;
	if (*least > !names->n || (*least && !others))
		schema_bad(s, only(s, set, "minProperties"), "'minProperties' is taken up to the number of 'required', "
			"or 1 where no names are given: keys could be the same");
	if (*most != FOREVER && names->n)
		schema_bad(s, only(s, set, "maxProperties"), "'maxProperties' beside 'properties' is not taken");
}

/*
 * Pairs in the order of their names, with commas between them: for each place a rule of what can
 * follow if no pair was written yet, and one if some were.
 */
static expr
objects(struct schema *s, const struct set *set)
{
	struct grammar *g = s->g;
	struct names names = names_of(s, set);
	const expr other = other_pair(s, set, &names), more = expr_pair(g, s->comma, other);
	uint32_t least, most;
	check_pairs(s, set, &names, other != EXPR_NEVER, &least, &most);
	expr some = expr_repeat(g, more, 0, FOREVER);
	expr first = expr_pair(g, other, expr_repeat(g, more, 0, most == FOREVER ? FOREVER : most ? most - 1 : 0));
	first = !most ? EXPR_EMPTY : least ? first : expr_repeat(g, first, 0, 1);
	for (size_t i = names.n; i--;) {
		const uint32_t pair = grammar_rule(g, NULL, 0), rest = grammar_rule(g, NULL, 0), none = grammar_rule(g, NULL, 0);
		grammar_define(g, pair, expr_pair(g, json_string(s, names.name[i]),
			expr_pair(g, s->colon, property(s, set, names.name[i]))), 0);
		grammar_define(g, rest, some, 0);
		grammar_define(g, none, first, 0);
		const expr with = expr_pair(g, expr_rule(g, pair), expr_rule(g, rest));
		first = names.required[i] ? with : expr_or(g, with, expr_rule(g, none));
		some = expr_pair(g, s->comma, with);
		some = names.required[i] ? some : expr_or(g, some, expr_rule(g, rest));
	}
	xfree(names.name);
	xfree(names.required);
	return expr_pair(g, expr_text(g, "{", 1), expr_pair(g, first, expr_text(g, "}", 1)));
}

/* Types. */

static unsigned
type_named(const struct schema *s, const struct json *v)
{
	static const struct typed types[] = {
		{"null", IS_NULL}, {"boolean", IS_BOOL}, {"integer", IS_INTEGER}, {"number", IS_INTEGER | IS_NUMBER},
		{"string", IS_STRING}, {"array", IS_ARRAY}, {"object", IS_OBJECT},
	};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (str_is(json_str(s->d, v), types[i].name))
			return types[i].types;
	schema_bad(s, v, "this is no type");
}

static unsigned
declared(const struct schema *s, const struct json *v)
{
	const struct json *type = json_get(s->d, v, "type"), *c = json_first(type);
	unsigned types = 0;
	if (!type)
		return IS_ANY;
	if (type->type != JSON_ARRAY)
		return type_named(s, type);
	for (size_t i = 0; i < type->n; i++, c = json_next(c))
		types |= type_named(s, c);
	return types;
}

static unsigned
type_of(const struct schema *s, const struct json *v)
{
	static const unsigned of[] = {IS_NULL, IS_BOOL, IS_BOOL, IS_NUMBER, IS_STRING, IS_ARRAY, IS_OBJECT};
	if (v->type != JSON_NUMBER)
		return of[v->type];
	const double x = json_float(s->d, v, "it", 0);
	return x >= -1e15 && x <= 1e15 && x == (double)(int64_t)x ? IS_INTEGER : IS_NUMBER;
}

/* The types of a set; if none is given, those that its keywords are about. */
static unsigned
types_of(const struct schema *s, const struct set *set)
{
	unsigned types = IS_ANY, about = 0;
	for (size_t i = 0; i < set->n; i++) {
		types &= declared(s, set->m[i].v);
		for (size_t k = 0; k < N_TYPED; k++)
			if (get(s, &set->m[i], typed[k].name))
				about |= typed[k].types;
	}
	return types == IS_ANY && about ? about : types;
}

/* The values of an enum or a const: list[0..n), NULL: there is neither. */
static const struct json *
values(const struct schema *s, const struct json *v, size_t *n)
{
	const struct json *one = json_get(s->d, v, "const"), *list = json_get(s->d, v, "enum");
	if (one) {
		*n = 1;
		return one;
	}
	if (list && !json_is(list, JSON_ARRAY))
		schema_bad(s, list, "an enum is an array");
	*n = list ? list->n : 0;
	return list ? json_first(list) : NULL;
}

static bool
holds(const struct schema *s, const struct json *v, const struct json *value)
{
	size_t n;
	const struct json *one = values(s, v, &n), *list = json_get(s->d, v, "enum");
	for (size_t i = 0; i < n; i++, one = json_next(one))
		if (json_equal(s, one, value))
			return true;
	return !one && !list;
}

/* The values that all members have. */
static expr
listed(struct schema *s, const struct set *set, const struct json *list, size_t n)
{
	struct exprs any = {0};
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < N_TYPED; k++)
			if (get(s, &set->m[i], typed[k].name))
				schema_bad(s, get(s, &set->m[i], typed[k].name), "'%s' beside an enum or const is not taken: "
					"list the values", typed[k].name);
	for (size_t v = 0; v < n; v++, list = json_next(list)) {
		bool all = true;
		for (size_t i = 0; i < set->n; i++)
			all &= (declared(s, set->m[i].v) & type_of(s, list)) && holds(s, set->m[i].v, list);
		if (all)
			exprs_add(&any, json_literal(s, list));
	}
	return expr_either(s->g, &any);
}

static expr
of_types(struct schema *s, const struct set *set)
{
	const unsigned types = types_of(s, set);
	struct exprs any = {0};
	for (size_t i = 0; i < set->n; i++) {
		size_t n;
		const struct json *list = values(s, set->m[i].v, &n);
		if (list || json_get(s->d, set->m[i].v, "enum"))
			return listed(s, set, list, n);
	}
	if (types & IS_NULL)
		exprs_add(&any, expr_text(s->g, "null", 4));
	if (types & IS_BOOL)
		exprs_add(&any, expr_or(s->g, expr_text(s->g, "true", 4), expr_text(s->g, "false", 5)));
	if (types & (IS_INTEGER | IS_NUMBER))
		exprs_add(&any, numbers(s, set, !(types & IS_NUMBER)));
	if (types & IS_STRING)
		exprs_add(&any, strings(s, set));
	if (types & IS_ARRAY)
		exprs_add(&any, arrays(s, set));
	if (types & IS_OBJECT)
		exprs_add(&any, objects(s, set));
	return expr_either(s->g, &any);
}

/* Whether no value can be valid by both, as far as types, lists of values and the required
 * properties of objects show it. */
static bool
disjoint(struct schema *s, const struct json *a, const struct json *b, int depth)
{
	size_t n_a, n_b;
	if (s->work++ > WORK_MAX)
		schema_bad(s, b, "too much to compare for oneOf");
	while (json_get(s->d, a, "$ref") && depth++ < 32)
		a = resolve(s, json_get(s->d, a, "$ref"));
	while (json_get(s->d, b, "$ref") && depth++ < 64)
		b = resolve(s, json_get(s->d, b, "$ref"));
	if (!json_is(a, JSON_OBJECT) || !json_is(b, JSON_OBJECT) || depth >= 32)
		return json_is(a, JSON_FALSE) || json_is(b, JSON_FALSE);
	unsigned both = declared(s, a) & declared(s, b);
	if (!both)
		return true;
	const struct json *va = values(s, a, &n_a), *vb = values(s, b, &n_b);
	if (va && vb) {
		bool common = false;
		for (size_t i = 0; i < n_a; i++, va = json_next(va))
			common |= holds(s, b, va);
		return !common;
	}
	const struct json *pa = json_get(s->d, a, "properties"), *pb = json_get(s->d, b, "properties"), *k = json_first(pa);
	if (both != IS_OBJECT || !json_is(pa, JSON_OBJECT) || !json_is(pb, JSON_OBJECT))
		return false;
	for (size_t i = 0; i < pa->n; i++, k = json_next(json_next(k))) {
		int required = 0;
		const struct json *other = child(s, pb, json_str(s->d, k));
		for (int side = 0; side < 2; side++) {
			const struct json *list = json_get(s->d, side ? b : a, "required"), *c = json_first(list);
			for (size_t r = 0; json_is(list, JSON_ARRAY) && r < list->n; r++, c = json_next(c))
				if (s->work++, json_equal(s, c, k)) {
					required++;
					break;
				}
		}
		if (required == 2 && other && disjoint(s, json_next(k), other, depth + 8))
			return true;
	}
	return false;
}

static void
check_one_of(struct schema *s, const struct json *list)
{
	const struct json *a = json_first(list);
	for (size_t i = 0; i < list->n; i++, a = json_next(a)) {
		const struct json *b = json_next(a);
		for (size_t k = i + 1; k < list->n; k++, b = json_next(b))
			if (!disjoint(s, a, b, 0))
				schema_bad(s, b, "a value might be valid by this and by number %zu of the oneOf, too: "
					"use anyOf, or a required property with a const of its own", i);
	}
}

/* All ways through the anyOf and oneOf of a set, which stays the caller's. */
static expr
branches(struct schema *s, struct set *set, size_t *budget)
{
	complete(s, set);
	if (set->never)
		return EXPR_NEVER;
	for (size_t i = 0; i < set->n; i++) {
		const struct json *any = get(s, &set->m[i], "anyOf"), *one = get(s, &set->m[i], "oneOf");
		const struct json *list = any ? any : one, *c = json_first(list);
		struct exprs l = {0};
		if (!list || set->m[i].branched)
			continue;
		if (any && one)
			schema_bad(s, any, "anyOf and oneOf in one schema are not taken");
		if (!json_is(list, JSON_ARRAY))
			schema_bad(s, list, "anyOf and oneOf are arrays of schemas");
		if (one)
			check_one_of(s, one);
		for (size_t k = 0; k < list->n; k++, c = json_next(c)) {
			struct set with = {.n = set->n, .never = set->never};
			if (!(*budget)--)
				schema_bad(s, list, "more than %d ways through anyOf and oneOf", BRANCHES_MAX);
			with.m = grow(NULL, &with.cap, set->n + 1, sizeof *with.m);
			memcpy(with.m, set->m, set->n * sizeof *with.m);
			with.m[i].branched = true;
			add(s, &with, c, i);
			exprs_add(&l, branches(s, &with, budget));
			xfree(with.m);
		}
		return expr_either(s->g, &l);
	}
	return of_types(s, set);
}

struct grammar *
schema_read(const char *name, const char *text, size_t n)
{
	struct schema s = {.g = grammar_new(name), .d = json_read(name, text, n)};
	struct set root = {0};
	json_rules(&s);
	add(&s, &root, s.d->node, 0);
	const expr all = rule_of(&s, &root);
	const uint32_t rule = grammar_rule(s.g, NULL, 0);
	grammar_define(s.g, rule, all, 0);
	for (size_t i = 0; i < s.n_known; i++) {
		struct set set = {0};
		size_t budget = BRANCHES_MAX;
		for (size_t k = 0; k < s.known[i].n; k++)
			add(&s, &set, s.d->node + s.known[i].node[k], k);
		const expr body = branches(&s, &set, &budget);
		grammar_define(s.g, s.known[i].rule, body, 0);
		xfree(set.m);
	}
	grammar_finish(s.g, rule, false);
	for (size_t i = 0; i < s.n_known; i++)
		xfree(s.known[i].node);
	xfree(s.known);
	json_free(s.d);
	return s.g;
}
