/*
 * regex.h - the regular expressions of tokenizer.json, over Unicode characters.
 *
 * The syntax of Oniguruma, which Hugging Face's tokenizers have: classes with classes within
 * and &&, \p{L} and other properties, \s \d \w \h, groups, (?i) (?m), alternatives, greedy and
 * lazy repetition, {m,n}, lookahead and lookbehind, ^ $ \A \z \b. Possessive repetition and
 * atomic groups where they repeat one character. What needs more than a finite automaton (back
 * references, other atomic groups) is refused by name. Without case, letters are compared one by
 * one: that "ss" is "\u00DF" is not known.
 *
 * A pattern becomes a program of at most REGEX_MAX steps, which runs as in Pike's VM (Cox,
 * "Regular Expression Matching: the Virtual Machine Approach", 2009): all alternatives side
 * by side, in the order of a backtracking engine. Where a pattern reads far ahead again and again
 * without a match, what can still match is found once, from the end of the text: all matches of
 * a text of n characters take O(steps x n), whatever the pattern.
 */
#ifndef REGEX_H
#define REGEX_H

#include "util.h"

enum { REGEX_MAX = 2048 };

struct regex;

/* Compile; `name` is for diagnostics and must live on. Dies with what cannot be read. The
 * caller frees. */
struct regex *regex_new(const char *name, struct str pattern);
void regex_free(struct regex *r);

/* Begin to search s[0..n), which must stay until the last regex_next(). */
void regex_begin(struct regex *r, const unsigned char *s, size_t n);
/* The next match, the leftmost behind the one before, and there the one that a backtracking
 * engine would take: its begin and end in m. One of no characters is none at the end of
 * the one before. */
bool regex_next(struct regex *r, size_t m[2]);

/* Of a text that goes on behind s[0..n): the last regex_next() may be another from this place on; SIZE_MAX: it is certain. */
size_t regex_open(const struct regex *r);
/* Of a match that begins at `from` and is open: where it ends at the earliest, or `from`: it may be none. The steps that the end of the
 * text is in are kept as [which]; regex_same() says whether both are the same, so that the same follows. */
size_t regex_reach(struct regex *r, size_t from, unsigned which);
bool regex_same(const struct regex *r);
/* Whether a text can be searched in parts, of which each begins with the place that was open or behind a match: what a match is depends on
 * nothing before it. Behind a match a part may begin with one of no characters, unless the pattern has none (`whole`). */
bool regex_goes_on(const struct regex *r, bool whole);

#endif
