/*
 * lookup.h - where the last tokens of a sequence have stood before, and what followed them there.
 *
 * As in the search for matches of LZ77: places where the same two tokens end are chained, the
 * latest first, and of the first few of a chain the one counts behind which most of what comes
 * before is the same, too. A token costs the same however long the sequence is.
 */
#ifndef LOOKUP_H
#define LOOKUP_H

#include "util.h"

enum {
	LOOKUP_LEAST = 2, LOOKUP_MOST = 16	/* tokens that are compared */
};

struct lookup {
	uint32_t *token;	/* the sequence */
	uint32_t *before;	/* of each: the place before it where the same two end, + 1; 0: none */
	uint32_t *last;		/* of each hash: the last place where these end, + 1 */
	size_t n, token_cap, before_cap, n_last;
};

void lookup_free(struct lookup *l);
void lookup_add(struct lookup *l, uint32_t id);
/* Forget all but the first n tokens. */
void lookup_cut(struct lookup *l, size_t n);
/* How many of the last tokens have stood together before, LOOKUP_LEAST to LOOKUP_MOST, and the place
 * behind them; 0: none that are worth telling. */
size_t lookup_find(const struct lookup *l, size_t *place);
/* Token i of those that would follow if all went on as it did from `place` < n on. */
uint32_t lookup_token(const struct lookup *l, size_t place, size_t i);

#endif
