/*
 * pool.h - threads that share out the items of a loop.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

struct pool;

/* Work on items [first, last); `thread` is 0 .. threads-1. */
typedef void pool_fn(void *arg, size_t first, size_t last, int thread);

/* `threads` counts the caller; at least 1. Dies where threads cannot be made. */
struct pool *pool_new(int threads);
int pool_threads(const struct pool *p);

/* Call fn on all of [0, n), in one or more pieces of `chunk` at a time, and return when all are done. Which
 * thread gets which pieces, and how many together, is chance: results must not depend on it. */
void pool_run(struct pool *p, pool_fn *fn, void *arg, size_t n, size_t chunk);

/* Where the part of such a loop begins that a thread works on first, from piece to piece; that of
 * `threads`: its end. */
size_t pool_share(const struct pool *p, size_t n, size_t chunk, int thread);

/* Ends the threads. */
void pool_free(struct pool *p);

#endif
