/*
 * progress.h - the progress of a long prompt, for who sits at a terminal: a line on standard error that is
 * written anew after each pass, and wiped at the end.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>

struct progress;

/* NULL: standard error is no terminal. */
struct progress *progress_new(void);

/* So many more tokens went through the model, so many are left. The first call, before any did, begins; the one
 * with none left ends. */
void progress_pass(void *progress, size_t fed, size_t left);

#endif
