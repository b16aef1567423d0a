/*
 * jinja.h - the Jinja templates in which models say how a conversation is written.
 *
 * The language of jinja.palletsprojects.com as Hugging Face's apply_chat_template()
 * runs it: trim_blocks and lstrip_blocks, break and continue, immutable values,
 * tojson() as Python's json.dumps() with ensure_ascii off, raise_exception(),
 * strftime_now(). What is left out is refused by name: see llm-models(7).
 *
 * A template is hostile input. Its steps, its depth and the memory it takes are
 * bounded; there is nothing outside of it that it could reach.
 *
 * A string is an array of characters, not of bytes, and a character remembers where it came from:
 * what is cut, joined and trimmed on its way through a template is known, in what
 * comes out, as the template's own or as somebody's text.
 */
#ifndef JINJA_H
#define JINJA_H

#include "json.h"
#include "util.h"

/* A character: a code point, or a byte of invalid UTF-8, or one that no text can
 * hold, with which a caller marks a place; and whether it is foreign text. */
#define JINJA_FOREIGN 0x80000000u
#define JINJA_BYTE 0x40000000u
#define JINJA_MARK 0x20000000u

enum jinja_type {
	JINJA_UNDEFINED, JINJA_NONE, JINJA_BOOL, JINJA_INT, JINJA_FLOAT, JINJA_STRING, JINJA_LIST,
	JINJA_DICT, JINJA_NAMESPACE, JINJA_MACRO, JINJA_FUNCTION, JINJA_LOOP
};

struct jinja_str {
	const uint32_t *p;
	size_t n;
};

/* A value; what it points to belongs to the template it was made with. */
struct jinja_value {
	enum jinja_type type;
	union {
		bool b;
		int64_t i;
		double f;
		struct jinja_str s;	/* of a function: its name */
		struct jinja_list *list;
		struct jinja_dict *dict;
		struct jinja_macro *macro;
		struct jinja_loop *loop;
	};
};

struct jinja;

/* Parse a template; `name` (not owned) is for diagnostics. Dies with the line and what is wrong. */
struct jinja *jinja_parse(const char *name, const char *text, size_t n);
void jinja_free(struct jinja *j);

/* Values; all are gone with jinja_reset(). */
struct jinja_value jinja_text(struct jinja *j, const char *text, size_t n, bool foreign);
struct jinja_value jinja_mark(struct jinja *j, uint32_t mark);	/* a string of that one mark */
struct jinja_value jinja_bool(bool b);
struct jinja_value jinja_none(void);
struct jinja_value jinja_list(struct jinja *j);
void jinja_push(struct jinja *j, struct jinja_value list, struct jinja_value v);
struct jinja_value jinja_dict(struct jinja *j);
void jinja_put(struct jinja *j, struct jinja_value dict, const char *key, struct jinja_value v);
struct jinja_value jinja_json(struct jinja *j, const struct json_doc *d, const struct json *v);

/* Run the template with the variables of a dict; the result is valid until the reset. Dies with
 * what the template raises or where it fails. */
struct jinja_str jinja_render(struct jinja *j, struct jinja_value variables);
void jinja_reset(struct jinja *j);

#endif
