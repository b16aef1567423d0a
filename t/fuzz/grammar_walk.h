/* grammar_walk.h - a grammar that was read is one that can run: the shortest text is as short as it says. */
#ifndef GRAMMAR_WALK_H
#define GRAMMAR_WALK_H

#include "fuzz.h"
#include "stacks.h"

static void
grammar_walk(const struct grammar *g, const unsigned char *data, size_t n)
{
	struct stacks s;
	stacks_init(&s, g);
	place p = stacks_start(&s);
	for (size_t i = 0; i < n && i < 64; i++) {
		place to = stacks_next(&s, p, g->class[data[i]]);
		if (to == PLACE_NONE)
			break;
		CHECK(s.place[p].need <= s.place[to].need || s.place[p].need == s.place[to].need + 1);
		p = to;
		if (i == 8) {
			place *keep[] = {&p};
			stacks_forget(&s, keep, 1);
		}
	}
	for (int i = 0; i < 200 && s.place[p].need && s.place[p].need != FOREVER; i++) {
		place best = PLACE_NONE;
		for (uint32_t c = 0; c < g->n_classes && best == PLACE_NONE; c++) {
			place to = stacks_next(&s, p, c);
			if (s.place[to].need == s.place[p].need - 1)
				best = to;
		}
		CHECK(best != PLACE_NONE);
		p = best;
	}
	stacks_free(&s);
}

#endif
