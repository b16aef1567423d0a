/*
 * grammar.h - what a text must be: rules, and the network of states they become.
 *
 * Three notations are read into the same expressions (gbnf.h, ere.h, schema.h). Each rule
 * becomes a nondeterministic automaton over bytes in which a state may also call a rule: a
 * recursive transition network (Woods, "Transition network grammars for natural language
 * analysis", 1970). How it runs, all ways at once, is in stacks.h. Characters become sequences
 * of bytes here, because a piece of the vocabulary may hold half a character.
 *
 * A finished grammar has no rule that begins with itself and none but can end, and knows of each
 * state how many bytes are needed to the end of its rule.
 */
#ifndef GRAMMAR_H
#define GRAMMAR_H

#include "charset.h"

enum { GRAMMAR_STATES_MAX = 1 << 20, GRAMMAR_TIMES_MAX = 1 << 16 };
#define FOREVER UINT32_MAX	/* no most of a repetition; no end can be reached */

typedef uint32_t expr;		/* a part of a rule's right side; may stand in several places */
#define EXPR_EMPTY 0u		/* matches the empty text */
#define EXPR_NEVER 1u		/* matches nothing */

enum state_kind { STATE_BYTES, STATE_EITHER, STATE_CALL, STATE_END, STATE_BEGIN_MARK, STATE_END_MARK };
struct state {
	uint32_t kind : 3, x : 29;	/* BYTES: the set; EITHER: a state; CALL: the rule */
	uint32_t next;			/* not of END */
};

struct rule {
	const char *name;	/* for diagnostics, owned; or NULL */
	size_t line;		/* where it is defined; 0: nowhere yet */
	expr body;
	bool marks;		/* its body holds marks */
	uint32_t start;		/* its state, or NO_STATE: it is not compiled */
	uint32_t rank;		/* rules that it begins with have a higher one */
};
#define NO_STATE UINT32_MAX

struct byte_set {
	uint64_t bit[4];
};

struct grammar {
	const char *name;	/* of the file, or the option; not owned */
	struct node *node;
	size_t n_nodes, cap_nodes;
	expr *kid;
	size_t n_kids, cap_kids;
	unsigned char *text;
	size_t n_text, cap_text;
	struct charset *charset;
	size_t n_charsets, cap_charsets;

	struct rule *rule;
	size_t n_rules, cap_rules;
	uint32_t root;
	struct state *state;
	size_t n_states, cap_states;
	uint32_t *need;		/* of each state: bytes to the end of its rule, or FOREVER */
	struct byte_set *set;
	size_t n_sets, cap_sets;
	uint32_t *set_slot;	/* sets by their hash */
	size_t set_slots;

	/* Bytes that no set tells apart are of one class; class 0 is of those in no set. */
	uint8_t class[256];
	uint32_t n_classes;
	struct byte_set *classes;	/* of each set: the classes within */
	struct byte_set bytes;		/* that can be written */
};

/* Parts that a text is made of, in order, or that are alternatives. */
struct exprs {
	expr *e;
	size_t n, cap;
};
void exprs_add(struct exprs *l, expr e);

struct grammar *grammar_new(const char *name);
void grammar_free(struct grammar *g);

expr expr_text(struct grammar *g, const void *bytes, size_t n);
/* One character of a set, which is tidied. */
expr expr_char(struct grammar *g, struct charset *s);
expr expr_range(struct grammar *g, uint32_t first, uint32_t last);
/* These take the list and leave it empty. */
expr expr_all(struct grammar *g, struct exprs *l);
expr expr_either(struct grammar *g, struct exprs *l);
expr expr_pair(struct grammar *g, expr a, expr b);
expr expr_or(struct grammar *g, expr a, expr b);
/* least <= most; FOREVER: without end. */
expr expr_repeat(struct grammar *g, expr e, uint32_t least, uint32_t most);
/* The place where the rule's own text begins, or ends. */
expr expr_mark(struct grammar *g, bool end);

/* A new rule; name may be NULL. Its body and line are set when they are known. */
uint32_t grammar_rule(struct grammar *g, const char *name, size_t len);
void grammar_define(struct grammar *g, uint32_t rule, expr body, size_t line);
expr expr_rule(struct grammar *g, uint32_t rule);

/* Compile what the root reaches and check it; dies, naming file and line, where a rule begins
 * with itself, cannot end, or all is too large. With `strict`, no rule at all may be without an
 * end; else only the root, and ways that have none are left out. */
void grammar_finish(struct grammar *g, uint32_t root, bool strict);

/* Only these bytes can be written: the ways of others are closed, and the needs known anew. */
void grammar_restrict(struct grammar *g, const struct byte_set *bytes);

static inline bool
set_has(const struct byte_set *s, unsigned i)
{
	return s->bit[i / 64] >> (i % 64) & 1;
}
static inline void
set_put(struct byte_set *s, unsigned i)
{
	s->bit[i / 64] |= (uint64_t)1 << (i % 64);
}

/* grammar_check.c: ways to the end; rules that begin with themselves; classes of bytes. */
void grammar_needs(struct grammar *g);
void grammar_ranks(struct grammar *g);
void grammar_classes(struct grammar *g);
/* Die with a rule's place and name. */
_Noreturn void grammar_bad(const struct grammar *g, const struct rule *r, const char *what);

#endif
