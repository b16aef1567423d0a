/*
 * figures.h - what each turn took, as a line of key=value on standard error: -v of all programs, the
 * section FIGURES of their man pages.
 *
 * Where a program was not asked for figures its pointer is NULL, and all of these do nothing.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include "util.h"

/* Of a program. Begins as 0. */
struct figures {
	uint64_t turns;
};

/* Of a turn. Begins as 0. */
struct turn_figures {
	bool begun;
	double start, first, last;	/* when its first input came, its first and its last token */
	uint64_t prompt, tokens;
};

/* Input of a turn is here: it begins, if it has not yet. */
static inline void
figures_begin(const struct figures *f, struct turn_figures *t)
{
	if (f && !t->begun)
		*t = (struct turn_figures){.begun = true, .start = seconds_now()};
}
/* So many tokens of it are done. */
void figures_tokens(const struct figures *f, struct turn_figures *t, size_t n);
/* So many tokens of its prompt are. */
void figures_prompt(const struct figures *f, struct turn_figures *t, size_t n);
/* It is over, if it has begun: say what it took. */
void figures_end(struct figures *f, struct turn_figures *t, uint32_t sequence);

#endif
