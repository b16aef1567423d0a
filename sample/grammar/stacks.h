/*
 * stacks.h - where a text stands in its grammar: all ways at once.
 *
 * A place is the set of all states in which the automata of the rules may be, each with its
 * stack of calls. Stacks are shared as in Tomita's graph-structured stack ("An efficient
 * augmented-context-free parsing algorithm", 1987): calls of a rule at the same place of the text have one frame, the
 * set of what comes after them. So ambiguous grammars cost a polynomial, as with Earley's parser,
 * and not an exponential. A call that ends its own rule leaves no frame behind.
 *
 * Frames and places are interned: the same set has the same number. So a place and a byte lead to
 * a place that needs to be found only once; what comes out is a deterministic automaton, made where
 * a text goes, as XGrammar (arXiv:2411.15100) and Outlines (arXiv:2307.09702) have one.
 */
#ifndef STACKS_H
#define STACKS_H

#include "../heap.h"
#include "grammar.h"

typedef uint32_t place;
#define PLACE_NONE 1u		/* no text goes on from here; 0 is no place at all */

/* A state and the frame to go on with when its rule ends: state << 32 | frame. */
typedef uint64_t item;

static inline uint32_t
state_of(item i)
{
	return (uint32_t)(i >> 32);
}
static inline uint32_t
frame_of(item i)
{
	return (uint32_t)i;
}

/* From a place, up to n characters of `loops`, LOOPS_ bits, lead to places that need no more than so many bytes to
 * an end. */
struct run {
	uint64_t loops;
	uint32_t need, n;
};
enum { RUN_MOST = 16, RUN_FOREVER = 255 };

struct place_info {
	size_t items;		/* where they begin */
	uint32_t n;
	uint32_t need;		/* bytes to the shortest end; FOREVER for PLACE_NONE */
	uint32_t ways;		/* how many states it is, with those to go on with */
	place core;		/* of its items that need no more bytes than the place does; 0: not known */
	place base;		/* one of fewer items, all of them here, too, that has a run; or itself */
	bool ran;		/* `run` is known */
	bool dear;		/* guide.c's: it takes long to look at all that may follow */
	uint32_t met, worth;	/* guide.c's: the last walk that came here; that found it worth a look at `run` */
	place step;		/* all characters of `loops`, LOOPS_ bits, lead to one that includes this; 0: not known */
	bool stays;		/* they lead back, and nowhere else */
	uint64_t loops;
	struct run run;
	uint32_t tokens[2];	/* guide_end.c's: tokens to an end, + 1; 0: not known */
	bool reached[2];	/* guide_end.c's, too */
};

/* Sets of characters: the ASCII bytes of class c, bit c % 62; all others as a whole. */
#define LOOPS_ASCII(class) ((uint64_t)1 << (class) % 62)
#define LOOPS_OTHERS ((uint64_t)1 << 62)
#define LOOPS_NEVER ((uint64_t)1 << 63)

struct interned {
	uint32_t *slot;
	size_t n_slots;		/* a power of two */
};

/* By their hash; cleared at once. */
struct item_set {
	item *v;
	uint32_t *when, now;	/* v[i] is in the set where when[i] is now */
	size_t n, slots;
};

struct frame {
	size_t items;
	uint32_t n, need;
};

struct stacks {
	const struct grammar *g;
	item *item;
	size_t n_items, cap_items;
	struct frame *frame;		/* 0: behind the end of the root */
	size_t n_frames, cap_frames;
	struct place_info *place;
	size_t n_places, cap_places;
	place *row;			/* of each place: where the n_classes lead, 0: not known yet */
	size_t cap_row;
	struct interned frames, places;

	/* Room to find a place in. */
	item *todo, *found;
	size_t n_todo, cap_todo, n_found, cap_found;
	struct heap call;		/* of rules, as rank << 32 | number in after */
	struct after {
		item item;		/* the state behind the call, the frame of the caller */
		uint32_t rule;
	} *after;
	size_t n_after, cap_after;
	item *content;
	size_t n_content, cap_content;
	struct item_set seen, listed;	/* that were followed; that came into content from frames */
};

void stacks_init(struct stacks *s, const struct grammar *g);
void stacks_free(struct stacks *s);
/* Where a text begins. */
place stacks_start(struct stacks *s);
/* Where a class of bytes leads from a place. */
place stacks_find(struct stacks *s, place p, uint32_t class);

static inline place
stacks_next(struct stacks *s, place p, uint32_t class)
{
	const place to = s->row[(size_t)p * s->g->n_classes + class];
	return to ? to : stacks_find(s, p, class);
}

/* Whether the text may end here. */
static inline bool
stacks_may_end(const struct stacks *s, place p)
{
	return s->place[p].need == 0;
}
/* Whether it can do nothing else. */
bool stacks_must_end(struct stacks *s, place p);
/* Whether whatever may follow at `some` may follow at `all`, too, because its items are there; false: perhaps. */
bool stacks_includes(const struct stacks *s, place all, place some);
/* The place without its items that need more bytes than others: shortest ends are the same. */
place stacks_core(struct stacks *s, place p);
/* What may follow without a look at each piece; stacks_run.c. */
struct run stacks_run(struct stacks *s, place p);

/* Bytes in use; forget all but the n places, which are renumbered. */
size_t stacks_size(const struct stacks *s);
void stacks_forget(struct stacks *s, place **keep, size_t n);

#endif
