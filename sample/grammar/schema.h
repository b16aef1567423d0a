/*
 * schema.h - JSON schemas (json-schema.org, 2020-12 and what draft 7 spells otherwise): llm-sample(1), CONSTRAINTS.
 *
 * What comes out is JSON that is valid by the schema; not all that is. What cannot be
 * guaranteed is refused by name.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "grammar.h"

/* Read n bytes of a schema and finish its grammar; dies with "name:line: where: what is wrong".
 * `name` must live on. */
struct grammar *schema_read(const char *name, const char *text, size_t n);

#endif
