/*
 * rows_text.h - rows of the logits stream as lines of text; for rows.c.
 */
#ifndef ROWS_TEXT_H
#define ROWS_TEXT_H

#include "rows.h"

/* rows_next() of rows in that form. */
bool rows_next_text(struct row_reader *r);

#endif
