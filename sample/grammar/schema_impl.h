/* schema_impl.h - what schema.c (schemas to rules) and schema_value.c (the values they end in) share. */
#ifndef SCHEMA_IMPL_H
#define SCHEMA_IMPL_H

#include "json.h"
#include "schema.h"

/* What a value may be. INTEGER is a number without a fraction, NUMBER one with it, too. */
enum { IS_NULL = 1, IS_BOOL = 2, IS_INTEGER = 4, IS_NUMBER = 8, IS_STRING = 16, IS_ARRAY = 32, IS_OBJECT = 64, IS_ANY = 127 };

struct schema {
	struct json_doc *d;
	struct grammar *g;
	struct known *known;		/* rules of sets of schemas */
	size_t n_known, cap_known;
	uint32_t value, character;	/* rules: any JSON, any character of a string */
	size_t work;			/* comparing the branches of oneOf */
	expr comma, colon;		/* with the space that may stand behind */
};

/* Die with the place of a node: "file:line: #/pointer: ...". */
_Noreturn void schema_bad(const struct schema *s, const struct json *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A string's characters as JSON has them; see ere.h. */
expr json_chars(struct grammar *g, struct charset *set);
/* A string with its quotes, escaped where it must be; any value. */
expr json_string(struct schema *s, struct str text);
expr json_literal(struct schema *s, const struct json *v);
/* A key that is none of the n names, of up to KEY_MAX bytes, with its quotes. */
enum { KEY_MAX = 200 };
expr json_other_key(struct schema *s, const struct str *name, size_t n);
/* Define s->value, s->character. */
void json_rules(struct schema *s);
bool json_equal(const struct schema *s, const struct json *a, const struct json *b);

/* A number as a decimal: m * 10^e. */
struct bound {
	const struct json *at;	/* where it stands */
	bool set, open;		/* open: the bound itself is outside */
	int64_t m;
	int e;
};
/* Of a JSON number; dies where it has more digits than 15. */
struct bound bound_read(const struct schema *s, const struct json *v, bool open);
bool bound_less(const struct bound *a, const struct bound *b);
expr json_numbers(struct schema *s, bool whole, const struct bound *low, const struct bound *high);
/* The text of a string of that format, without quotes; EXPR_NEVER: it is not known. */
expr json_format(struct schema *s, struct str format);

#endif
