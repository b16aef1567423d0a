/* heap.h - numbers of which the least is at hand. */
#ifndef HEAP_H
#define HEAP_H

#include "util.h"

/* Begins as 0. */
struct heap {
	uint64_t *v;	/* v[0] is the least, if there are any */
	size_t n, cap;
};

void heap_put(struct heap *h, uint64_t v);
/* Take the least out. */
uint64_t heap_take(struct heap *h);

#endif
