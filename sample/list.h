/*
 * list.h - the likeliest tokens of a row as lines of text.
 */
#ifndef LIST_H
#define LIST_H

#include "sampler.h"
#include "text.h"
#include "vocab/vocab.h"

struct list {
	size_t n;			/* lines a row */
	struct vocab *vocab;		/* for the pieces; NULL: they are left empty */
	struct logits row;
	struct candidates all;
	struct bytes text;
};

/* Write the line that names the columns to stdout. */
void list_header(void);
/* Write the reader's row to stdout: one write(2), since someone may be watching. */
void list_row(struct list *l, const struct row_reader *r);
void list_free(struct list *l);

#endif
