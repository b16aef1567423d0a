/*
 * stage.h - a stage that starts late: rows of hidden states in, rows out.
 */
#ifndef STAGE_H
#define STAGE_H

#include "figures.h"
#include "forward.h"
#include "stream/rows.h"

struct stage {
	struct context *c;
	struct row_reader *in;	/* its header is read and checked */
	uint32_t n_vocab;
	uint32_t width;		/* floats of a row that is written */
	bool all;		/* a row for every token, not only where an answer is wanted */
	bool logits;		/* rows out are these */
	bool hidden;		/* for the stage that follows: all rows, with all flags */
	struct figures *figures;	/* or NULL */
};

/* Die where rows with that header cannot enter layer `first` of the model. */
void stage_check(const struct rows_header *h, const struct model *m, size_t first, const char *name);

/* Take rows to their ends until the stream ends, and write the rows that are wanted on descriptor 1. */
void stage_run(struct stage *s);

#endif
