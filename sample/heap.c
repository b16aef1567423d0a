/* heap.c - numbers of which the least is at hand; see heap.h. */
#include "heap.h"

void
heap_put(struct heap *h, uint64_t v)
{
	size_t i = h->n++;
	h->v = grow(h->v, &h->cap, h->n, sizeof *h->v);
	for (; i && h->v[(i - 1) / 2] > v; i = (i - 1) / 2)
		h->v[i] = h->v[(i - 1) / 2];
	h->v[i] = v;
}

uint64_t
heap_take(struct heap *h)
{
	const uint64_t top = h->v[0], v = h->v[--h->n];
	size_t i = 0;
	for (size_t k; (k = 2 * i + 1) < h->n; i = k) {
		k += k + 1 < h->n && h->v[k + 1] < h->v[k];
		if (h->v[k] >= v)
			break;
		h->v[i] = h->v[k];
	}
	h->v[i] = v;
	return top;
}
