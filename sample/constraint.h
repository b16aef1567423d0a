/*
 * constraint.h - what a text must be: whoever knows (a grammar, a regular
 * expression, a schema) says which tokens may come now, is told of each that was
 * drawn, and says whether the text may end here.
 *
 * The rules are shared by all sequences; each turn of each has a state of its own.
 */
#ifndef CONSTRAINT_H
#define CONSTRAINT_H

#include "candidates.h"
#include "sequence.h"

struct constraint {
	void *rules;
	/* A text begins, on a line behind these n tokens: its state, owned by the caller until end(). */
	void *(*begin)(void *rules, const struct seen *before, size_t n);
	/* Clear the bits of the ids that may not come now in set[], where all are set:
	 * id is bit id % 64 of set[id / 64]. Ids that end a generation are the caller's
	 * affair. `left` tokens at most will come, 0: as many as it takes. False: it would take more effort. */
	bool (*allow)(void *state, long left, enum effort effort, uint64_t *set);
	/* Whether the bit of that id would stay. */
	bool (*may_come)(void *state, long left, uint32_t id);
	/* Whether the text is complete as it stands. */
	bool (*may_end)(void *state);
	/* Whether nothing can follow. */
	bool (*must_end)(void *state);
	/* The token that was drawn; it was allowed. */
	void (*take)(void *state, uint32_t id);
	void (*end)(void *state);
};

#endif
