/* regex_impl.h - what regex.c (pattern to program) and regex_run.c (its run) share. */
#ifndef REGEX_IMPL_H
#define REGEX_IMPL_H

#include "regex.h"

/* A class of characters: those of the categories, the ranges and the classes within that are also
 * in class `and`; with `fold` those that differ from one of them in case alone, too. */
struct set {
	uint32_t cats;			/* U_BIT()s */
	bool negate, fold;
	uint32_t (*range)[2];
	size_t n, cap;
	uint32_t *sub;			/* classes within, << 1 | negate */
	size_t n_sub, sub_cap;
	uint32_t and;			/* or NO_SET */
	uint64_t ascii[2];		/* answers for the first 128 characters */
};
#define NO_SET UINT32_MAX

enum code {
	CHAR, SPLIT, JUMP, MATCH,
	/* what stands before and behind */
	AHEAD, NOT_AHEAD, BEHIND, NOT_BEHIND, TEXT_START, TEXT_END, LINE_START, LINE_END, WORD_EDGE, NOT_WORD_EDGE,
	LOOK, NOT_LOOK
};

struct step {
	enum code code;
	uint32_t x, y;		/* CHAR, AHEAD ...: the set; JUMP: to x; SPLIT: x is preferred to y; LOOK: its number */
};

/* A look of more than one character: the program of what is looked for ends with MATCH. */
struct look {
	uint32_t from, to;	/* its steps */
	bool behind;
	uint8_t *at;		/* a bit for each byte of the text: whether it is there */
	size_t cap;
};

struct thread {
	uint32_t pc;
	size_t begin;
};
struct threads {
	struct thread *t;
	size_t n;
};

struct regex {
	const char *name;
	struct step *step;
	size_t n, cap;
	uint32_t start;		/* the step to begin with */
	struct set *set;
	size_t n_sets, sets_cap;
	struct look *look;
	size_t n_looks, looks_cap;
	uint32_t word;		/* the set \w */
	bool empty;		/* it may match nothing; else a match begins with a character beyond ASCII or one of */
	uint64_t first[2];

	/* The text, and how far it was searched. */
	const unsigned char *s;
	size_t len, from, last;	/* last: the end of the match before, or SIZE_MAX */

	size_t *seen;		/* when a step was last added: at which turn */
	size_t turn;
	struct threads now, next;
	uint32_t *stack;
	uint32_t *pred, *pred_at;	/* the steps that lead to step q without a character: pred[pred_at[q]..pred_at[q + 1]) */
	size_t open;		/* from here on more text may change what was found; SIZE_MAX: nowhere */
	uint32_t *kept[2];	/* steps, the first their number */
	size_t spent;		/* characters read since regex_begin() */

	/* From which steps a match can be reached: a row of n bytes; of block boundaries, and of
	 * all places of one block. */
	bool tabled;
	uint8_t *row[2];
	uint8_t *mark, *block;	/* rows of row_size bytes */
	size_t *mark_at, n_marks, mark_cap, row_size;
	size_t loaded;		/* the block whose rows are there, or SIZE_MAX */
};

bool set_has_slow(const struct regex *r, const struct set *s, uint32_t cp);
static inline bool
set_has(const struct regex *r, uint32_t set, uint32_t cp)
{
	const struct set *s = r->set + set;
	return cp < 128 ? s->ascii[cp / 64] >> (cp % 64) & 1 : set_has_slow(r, s, cp);
}

#endif
