/*
 * regex.h - the regular expressions of tokenizer.json, over Unicode characters.
 *
 * The syntax of Oniguruma as far as such files use it: classes, \p{L} and the like,
 * \s \S, groups that capture nothing, (?i:...), alternatives, greedy and lazy repetition, {m,n},
 * lookahead and lookbehind of one character, ^ $. Anything else is refused by name.
 *
 * A pattern becomes a program of at most REGEX_MAX steps, which runs as in Pike's
 * VM (Cox, "Regular Expression Matching: the Virtual Machine Approach", 2009): all
 * alternatives side by side, in the order of a backtracking engine, so that no pattern
 * takes more than steps x characters for a match.
 */
#ifndef REGEX_H
#define REGEX_H

#include "util.h"

enum { REGEX_MAX = 4096 };

struct regex;

/* Compile; `name` is for diagnostics. Dies with what cannot be read. The caller frees. */
struct regex *regex_new(const char *name, struct str pattern);
void regex_free(struct regex *r);

/* The first match of s[0..n) at or behind `from`: its begin and end in m. Of several
 * there, the one that Perl would take. */
bool regex_find(struct regex *r, const unsigned char *s, size_t n, size_t from, size_t m[2]);

#endif
