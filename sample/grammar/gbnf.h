/*
 * gbnf.h - grammars in the notation of llama.cpp, GBNF: llm-sample(1), CONSTRAINTS.
 */
#ifndef GBNF_H
#define GBNF_H

#include "grammar.h"

/* Read n bytes of a grammar and finish it; dies with "name:line: what is wrong". `name` must live on. */
struct grammar *gbnf_read(const char *name, const char *text, size_t n);

#endif
