/*
 * jinja_impl.h - what the parts of the interpreter share; users read jinja.h.
 *
 * jinja_lex.c and jinja_parse.c: text to a tree. jinja_value.c: values, what Python would print
 * for them, how they compare. jinja_eval.c: the tree, run. What a template can
 * call are rows of tables: jinja_string.c and jinja_method.c, methods; jinja_filter.c and
 * jinja_filter_text.c, filters; jinja_call.c, tests and functions; jinja_format.c: Python's formats.
 */
#ifndef JINJA_IMPL_H
#define JINJA_IMPL_H

#include "jinja.h"

typedef struct jinja_value val;
typedef struct jinja_str jstr;

enum { STEPS_MAX = 50000000, DEPTH_MAX = 500, NEST_MAX = 200, MEMORY_MAX = 128 << 20 };

struct jinja_list {
	size_t n, cap;
	val *v;
	bool tuple;
	bool lazy;		/* a generator in Python, which is true even if nothing comes of it */
	bool group;		/* a tuple whose items have names, too: grouper, list */
};
struct jinja_dict {
	size_t n, cap;
	val *key, *v;
};

struct frame {
	struct frame *up;
	struct jinja_dict vars;
};

/* What `loop` is. */
struct jinja_loop {
	const struct node *node;
	struct frame *around;		/* of the statement */
	const struct jinja_list *list;
	size_t i, depth;
	val changed;			/* what changed() was given last: a list, or nothing yet */
};

struct jinja_macro {
	const struct node *node;
	struct frame *frame;		/* where it was defined */
};

enum node_kind {
	/* expressions */
	N_LITERAL, N_NAME, N_LIST, N_TUPLE, N_DICT, N_NEGATE, N_NOT, N_BINARY, N_AND, N_OR, N_COMPARE, N_COND,
	N_ATTR, N_INDEX, N_SLICE, N_CALL, N_KWARG, N_FILTER, N_TEST, N_CAPTURED,
	/* statements */
	N_TEXT, N_OUTPUT, N_IF, N_FOR, N_SET, N_SET_BLOCK, N_MACRO, N_CALL_BLOCK, N_FILTER_BLOCK, N_WITH, N_BREAK,
	N_CONTINUE
};

/* Operators: of one character as it is. */
enum op { OP_FLOORDIV = 128, OP_POW, OP_EQ, OP_NE, OP_LE, OP_GE, OP_IN, OP_NOT_IN };

/* What a macro takes beside its parameters: what its body asks for by these names. */
enum macro_takes { TAKES_VARARGS = 1, TAKES_KWARGS = 2, TAKES_CALLER = 4 };

struct node {
	enum node_kind kind;
	int op;			/* enum op; of a test: 1 where it is negated; of a macro: enum macro_takes */
	size_t line;
	jstr s;			/* a name or text */
	val v;			/* a literal */
	struct node *a, *b, *c, *d;
	struct node *args;	/* a list through next */
	struct node *next;
};

struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t data[];
};

/* A string that grows. */
struct text {
	uint32_t *p;
	size_t n, cap;
};

struct jinja {
	const char *name;
	struct chunk *tree, *values;	/* memory of the template, and of a run */
	size_t memory, steps;
	int depth;
	struct node *root;
	const struct node *at;		/* what is evaluated, for diagnostics */
	size_t line;			/* while parsing */
	struct frame *globals, *frame;
	struct text *out;
	val captured;			/* of a filter block */
	enum { RUNS, BREAKS, CONTINUES } flow;
};

/* Arguments of a call, a filter or a test. */
struct args {
	size_t n, n_named;
	val v[16];
	jstr name[16];
	val named[16];
};

_Noreturn void jinja_die(const struct jinja *j, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Zeroed memory of a run; `tree`: of the template. */
void *jinja_alloc(struct jinja *j, size_t n, size_t size);
void *tree_alloc(struct jinja *j, size_t n, size_t size);
void chunks_free(struct chunk **list);
/* Count work. */
void jinja_work(struct jinja *j, size_t steps);

/* jinja_value.c */
uint32_t ch_code(uint32_t c);
bool ch_space(uint32_t c);
jstr jstr_of(struct jinja *j, const char *ascii);
jstr jstr_cut(jstr s, size_t from, size_t to);
jstr jstr_decode(struct jinja *j, const char *text, size_t n, bool foreign, bool tree);
bool jstr_is(jstr s, const char *ascii);
bool jstr_eq(jstr a, jstr b);
size_t jstr_find(struct jinja *j, jstr s, jstr what, size_t from);	/* SIZE_MAX: not there */
jstr jstr_strip(jstr s, const jstr *chars, bool left, bool right);
void text_put(struct jinja *j, struct text *t, const uint32_t *p, size_t n);
void text_ascii(struct jinja *j, struct text *t, const char *s);
val val_str(jstr s);
val val_int(int64_t i);
val val_float(double f);
val val_undefined(void);
bool val_true(val v);
bool val_number(val v, double *x);
bool val_eq(struct jinja *j, val a, val b);
int val_cmp(struct jinja *j, val a, val b);
bool val_in(struct jinja *j, val x, val in);
val *dict_find(struct jinja *j, struct jinja_dict *d, val key);
void dict_set(struct jinja *j, struct jinja_dict *d, val key, val v);
void list_push(struct jinja *j, struct jinja_list *l, val v);
val val_list(struct jinja *j);
size_t val_length(struct jinja *j, val v);
/* A list of what iterating gives; dies where v cannot be iterated. */
struct jinja_list *val_iter(struct jinja *j, val v);
void val_print(struct jinja *j, struct text *t, val v);		/* as str() */
void val_repr(struct jinja *j, struct text *t, val v);		/* as repr() */
jstr val_string(struct jinja *j, val v);
/* As Python's json.dumps(). */
struct json_style {
	int indent;		/* < 0: on one line */
	bool sort, ascii;	/* keys in order; nothing but ASCII */
	jstr item, key;		/* what stands behind an item and a key; {NULL, 0}: as usual */
};
void val_json(struct jinja *j, struct text *t, val v, const struct json_style *style, int level);
const char *val_kind(val v);

/* jinja_parse.c */
struct node *jinja_parse_tree(struct jinja *j, jstr text);

/* jinja_eval.c */
val jinja_get(struct jinja *j, val v, val key);
val jinja_attr(struct jinja *j, val v, jstr name);
val jinja_add(struct jinja *j, val a, val b);
val jinja_negate(struct jinja *j, val v);
val jinja_call_macro(struct jinja *j, struct jinja_macro *m, const struct args *a);

/* jinja_call.c */
/* Argument i, or the one of that name; NULL: not given. */
const val *jinja_arg(const struct args *a, size_t i, const char *name);
/* What `what` needs; dies where it is something else. */
jstr want_str(struct jinja *j, const val *v, const char *what);
int64_t want_int(struct jinja *j, const val *v, int64_t missing, const char *what);
/* A string as bytes in the buffer, cut to its size; returns it. */
const char *jstr_ascii(jstr s, char *buf, size_t size);
bool call_test(struct jinja *j, jstr name, val self, const struct args *a);
val call_function(struct jinja *j, jstr name, const struct args *a);
bool function_known(jstr name);

/* Methods and filters are rows of tables. */
typedef val method_fn(struct jinja *j, val self, const struct args *a);
struct method {
	const char *name;
	method_fn *fn;
};
method_fn *method_in(const struct method *rows, size_t n, jstr name);	/* NULL: none of that name */

/* jinja_method.c */
val call_method(struct jinja *j, val self, jstr name, const struct args *a);
bool method_known(val self, jstr name);
bool method_changes(val self, jstr name);	/* the value itself, which a template may not */
val loop_attribute(const struct jinja_loop *l, jstr name);
val dict_items(struct jinja *j, val self);	/* (key, value) pairs */

/* jinja_string.c */
method_fn *string_method(jstr name);
val string_lower(struct jinja *j, jstr s);
val string_title(struct jinja *j, jstr s);	/* as the filter has it, not the method */
val string_lines(struct jinja *j, jstr s, bool with_ends);
bool string_is_lower(jstr s);
bool string_is_upper(jstr s);

/* jinja_format.c */
val string_format(struct jinja *j, val self, const struct args *a);	/* Python's str.format() */
val string_percent(struct jinja *j, jstr s, val values);	/* Python's s % values */

/* jinja_filter.c */
val call_filter(struct jinja *j, jstr name, val self, const struct args *a);
bool filter_known(jstr name);

/* jinja_filter_text.c */
method_fn *text_filter(jstr name);

#endif
