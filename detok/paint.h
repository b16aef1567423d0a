/*
 * paint.h - text painted by how much each token surprised the model: llm-detok -C.
 */
#ifndef PAINT_H
#define PAINT_H

#include "text.h"

struct paint {
	char half[4];		/* the beginning of a character whose end is to come */
	size_t n_half, level;	/* its bytes; how surprising they were */
	struct bytes text, out;	/* room to work in */
};

/* Whether standard output may have colours. */
bool paint_allowed(void);

/* The text of a token of log-probability `note` (NAN: not known) with its colours, valid until the
 * next call. What is not yet a whole character waits for the next one. */
struct str paint_text(struct paint *p, const char *text, size_t n, double note);
/* What waits: no more of it will come. */
struct str paint_rest(struct paint *p);

#endif
