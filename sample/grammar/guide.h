/*
 * guide.h - a grammar and a vocabulary: which pieces may come next, so that the text can be
 * finished, within as many tokens as there are.
 *
 * The tree of pieces is walked together with the grammar (stacks.h): what the grammar refuses is
 * skipped with all that begins alike, what a place takes without moving is taken at once. The
 * set that comes out is kept for the place. Where a walk would be long, the sampler asks about the likeliest tokens,
 * one at a time, which says the same. The tokens to an end are those of a text of the fewest bytes:
 * at each place on its way, the longest piece that lies on it.
 */
#ifndef GUIDE_H
#define GUIDE_H

#include "../constraint.h"
#include "pieces.h"
#include "stacks.h"

enum { GUIDE_SETS = 64, GUIDE_MEMORY = 64 << 20 };

/* A node of the tree on the way to the one that is looked at, and where it leads. */
struct guide_step {
	uint32_t end;
	place at;
};

/* A place whose tokens to an end are wanted. */
struct guide_goal {
	place at;
	bool prefix;
};

/* Tokens that end a text. */
struct guide_plan {
	uint32_t *id;
	size_t n, cap;
	size_t at;	/* so many have come */
};

struct guide {
	struct stacks stacks;
	struct vocab *vocab;
	uint32_t width;
	struct pieces pieces[2];	/* as they read without and with a space prefix due */
	struct guide_below {
		uint64_t loops;		/* LOOPS_ bits of all characters below a node */
		uint32_t n;		/* one behind the other, at most */
		uint32_t depth;		/* bytes, at most */
	} *below[2];
	bool covered;			/* each byte that may come is a piece: no more tokens than bytes are needed */
	struct guide_text *texts;	/* all that are under way */
	struct guide_set {
		place at;		/* 0: nothing is kept here */
		bool prefix;
		uint32_t worst;		/* tokens that suffice behind any of the pieces */
		uint64_t *set;
	} set[GUIDE_SETS];
	struct guide_step *path;	/* room for a search */
	struct guide_goal *todo;
	size_t cap_path, n_todo, cap_todo;
	uint32_t walks;
	struct guide_reached *reached;
	size_t n_reached, cap_reached;
};

/* The grammar is finished, and is restricted to the bytes of the vocabulary; both must live on. Rows have
 * `width` logits. */
struct guide *guide_new(struct grammar *g, struct vocab *v, uint32_t width);
void guide_free(struct guide *d);
/* As the sampler sees it. */
struct constraint guide_constraint(struct guide *d);

/* guide_end.c. So many tokens end the text from a place; FOREVER: the vocabulary has no pieces for it. */
uint32_t guide_tokens(struct guide *d, place at, bool prefix);
/* Which ones these are, where bytes are pieces. */
void guide_way(struct guide *d, place at, bool prefix, struct guide_plan *plan);
/* Look for an end within `budget` tokens beyond the texts of the fewest bytes; false: none was found. */
bool guide_find_end(struct guide *d, place at, bool prefix, uint32_t budget, struct guide_plan *plan);
/* Built when they are first asked for. */
const struct pieces *guide_pieces(struct guide *d, bool prefix);

#endif
