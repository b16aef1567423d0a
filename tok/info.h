/*
 * info.h - what a vocabulary is: llm-tok -i.
 */
#ifndef INFO_H
#define INFO_H

#include "vocab/vocab.h"

/* Write on stdout lines of a key and a value, an empty line, a table of the special tokens. Returns 0. */
int info(const struct vocab *v, const char *path);

#endif
