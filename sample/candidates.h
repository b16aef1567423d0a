/*
 * candidates.h - the tokens of a row that may be drawn, or the likeliest of them, as a list that steps shorten
 * and reshape.
 */
#ifndef CANDIDATES_H
#define CANDIDATES_H

#include "heap.h"
#include "logits.h"

struct candidate {
	float logit;	/* finite */
	uint32_t id;
	double p;	/* weight, not normalized; valid where a step says so */
};

/* `best` is the one that sorts first: the likelier, the lower id among equals. */
struct candidates {
	struct candidate *c;
	size_t n, cap;
	struct candidate best;
	/* room to load in */
	uint32_t *top;
	uint64_t *yes, *no;
	struct heap heap;
	size_t top_cap, yes_cap, no_cap;
};

/* Who says which ids are allowed: one; or all, a bit each, NULL if that takes more effort; at least one of them is
 * known in the end. */
enum { ASK_MOST = 512 };
enum effort { EFFORT_CHEAP, EFFORT_DEAR, EFFORT_END };
struct allowed {
	bool (*one)(void *arg, uint32_t id);
	const uint64_t *(*all)(void *arg, enum effort effort);
	void *arg;
};

/* Take a row's logits into the list, in the order of their ids, without those of -infinity
 * and those that are not allowed (NULL: all are); where no more than the `most` likeliest
 * are wanted, less likely ones may be left out; where no effort is enough to know which are allowed,
 * these are looked for among the ASK_MOST likeliest. The row's blocks are not known any more.
 * False: none of those allowed is finite. */
bool candidates_load(struct candidates *l, struct logits *row, const struct allowed *allowed, size_t most);
/* Only what candidates_load() would take of a whole row is left in the row. False: nothing. */
bool candidates_keep(struct candidates *l, struct logits *row, const struct allowed *allowed);
/* Take those of at least that logit into the list. */
void candidates_above(struct candidates *l, const struct logits *row, double least);
/* Find the best one anew, where logits have changed or it may be gone. */
void candidates_best(struct candidates *l);
/* Keep the n likeliest, in their order if `sort`. */
void candidates_top(struct candidates *l, size_t n, bool sort);
/* Bring the likeliest of c[0 .. n) to the front, unordered, until there are `need` of them or, with
 * `mass`, until their p sum to `need`; returns how many. */
size_t candidates_first(struct candidate *c, size_t n, double need, bool mass);
/* Set every p to the probability relative to the best one's; returns their sum. */
double candidates_weigh(struct candidates *l);
void candidates_free(struct candidates *l);

#endif
