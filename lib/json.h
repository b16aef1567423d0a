/*
 * json.h - read JSON (RFC 8259): the small files of a Hugging Face folder, the
 * header of safetensors, tokenizer.json with its million strings.
 *
 * A document is one array of nodes in the order of the text; strings stay where
 * they lie unless they hold an escape. Everything is checked at once: UTF-8,
 * surrogates, numbers, depth (at most JSON_DEPTH), and that no object has a key
 * twice. NaN, Infinity and -Infinity are numbers, as Python's json writes them.
 */
#ifndef JSON_H
#define JSON_H

#include "spelled.h"
#include "util.h"

enum { JSON_DEPTH = 128, JSON_ROOM = 32 };
enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* A value. The children of an array follow it; those of an object are pairs, a
 * string and a value. */
struct json {
	uint32_t type : 3, escaped : 1, n : 28;	/* strings, numbers: bytes; else children, or pairs */
	uint32_t off;		/* strings: in the text or in the unescaped bytes; numbers: in the text */
	uint32_t skip;		/* nodes of this value and all inside it */
};

struct json_doc {
	const char *name;		/* of the file, for diagnostics; not owned */
	const char *text;		/* not owned; must outlive the document */
	char *unescaped;		/* and JSON_ROOM zeros behind them */
	size_t n_unescaped, unescaped_cap;
	struct json *node;		/* the root first */
	size_t n_nodes, node_cap;
};

/* Read n bytes of text; dies with name, the line and what is wrong. */
struct json_doc *json_read(const char *name, const char *text, size_t n);

/*
 * A list that would take too many nodes, {"inside": {"key": ...}} at the root of a document, or {"key": ...} where inside
 * is NULL: the document has an empty one there, and of its strings only the places are kept.
 *	JSON_OBJECT	of whole numbers of at most 9 digits; whether a key stands there twice was not looked at
 *	JSON_ARRAY	of pairs of words that are not empty and hold no space, "a b" or ["a", "b"]
 * A list that holds anything else has nodes, and n stays 0.
 */
struct json_flat {
	const char *inside, *key;
	enum json_type type;
	struct span *string;	/* keys, or pairs, in the text or the unescaped bytes; the caller's to free */
	size_t n, string_cap;
	uint32_t *number;	/* of each key, NULL: they are 0, 1, 2 ...; the caller's to free */
	size_t number_cap;
	const struct json_flat *spelling;	/* of pairs: a list before it whose keys they may spell, or NULL */
	struct spelled spelled;	/* which they do; n 0: not known; the caller's to free */
	struct str gap;		/* between the two of a pair in the text; in the unescaped bytes it is a space */
	bool later;		/* the list is passed over, not read and not checked: who wants it calls json_read_later() */
	struct str text;	/* of a list that was passed over, with its brackets; {NULL, 0}: there was none */
};
struct json_doc *json_read_flat(const char *name, const char *text, size_t n, struct json_flat *flat, size_t n_flat);
/* Read a list that was passed over in that text: as a document of its own, of which it is the root. */
struct json_doc *json_read_later(const char *name, const char *text, struct json_flat *flat);
void json_free(struct json_doc *d);

/* The value of an object's key; NULL where there is none, or where v is NULL or no
 * object. Linear: for large objects walk the pairs. */
const struct json *json_get(const struct json_doc *d, const struct json *v, const char *key);
/* The same of a path: "model.vocab". */
const struct json *json_path(const struct json_doc *d, const char *path);

/* Walk: the first child (the first key), and what follows a child on its level;
 * there are v->n of them, or 2 v->n for an object; none where v is NULL. */
static inline const struct json *
json_first(const struct json *v)
{
	return v ? v + 1 : NULL;
}
static inline const struct json *
json_next(const struct json *child)
{
	return child + child->skip;
}
static inline bool
json_is(const struct json *v, enum json_type type)
{
	return v && v->type == type;
}

/* The bytes of a string, {NULL, 0} where v is NULL or none; may hold NUL. */
struct str json_str(const struct json_doc *d, const struct json *v);
/* The same as a place in the text or the unescaped bytes; {0, 0} where it is none. */
struct span json_span(const struct json *v);
/* A number, or `missing` where v is NULL or null; dies, naming the key, where it is
 * something else. */
double json_float(const struct json_doc *d, const struct json *v, const char *key, double missing);
/* A whole number in [min, max] ("4096" and "4096.0" alike). */
uint64_t json_uint(const struct json_doc *d, const struct json *v, const char *key, uint64_t missing,
	uint64_t min, uint64_t max);
bool json_bool(const struct json_doc *d, const struct json *v, const char *key, bool missing);

#endif
