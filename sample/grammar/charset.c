/* charset.c - sets of characters; see charset.h. */
#include "charset.h"

#include <stdlib.h>

void
charset_add(struct charset *s, uint32_t first, uint32_t last)
{
	if (first > last)
		return;
	s->range = grow(s->range, &s->cap, s->n + 1, sizeof *s->range);
	s->range[s->n][0] = first;
	s->range[s->n++][1] = last;
}

static int
compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return x[0] < y[0] ? -1 : x[0] > y[0];
}

static void
join(struct charset *s)
{
	size_t n = 0;
	if (s->n)
		qsort(s->range, s->n, sizeof *s->range, compare);
	for (size_t i = 0; i < s->n; i++) {
		if (n && s->range[i][0] <= s->range[n - 1][1] + 1) {
			if (s->range[i][1] > s->range[n - 1][1])
				s->range[n - 1][1] = s->range[i][1];
		} else {
			s->range[n][0] = s->range[i][0];
			s->range[n++][1] = s->range[i][1];
		}
	}
	s->n = n;
}

void
charset_remove(struct charset *s, uint32_t first, uint32_t last)
{
	const size_t n = s->n;
	for (size_t i = 0; i < n; i++) {
		const uint32_t lo = s->range[i][0], hi = s->range[i][1];
		if (hi < first || lo > last)
			continue;
		/* What is left below stays here (if nothing is: an empty range), what is above is added. */
		s->range[i][0] = lo < first ? lo : 1;
		s->range[i][1] = lo < first ? first - 1 : 0;
		if (hi > last)
			charset_add(s, last + 1, hi);
	}
	size_t kept = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->range[i][0] > s->range[i][1])
			continue;
		s->range[kept][0] = s->range[i][0];
		s->range[kept++][1] = s->range[i][1];
	}
	s->n = kept;
	join(s);
}

void
charset_tidy(struct charset *s)
{
	join(s);
	charset_remove(s, 0xD800, 0xDFFF);
}

void
charset_negate(struct charset *s)
{
	struct charset all = {0};
	uint32_t from = 0;
	join(s);
	for (size_t i = 0; i < s->n; from = s->range[i++][1] + 1)
		if (s->range[i][0] > from)
			charset_add(&all, from, s->range[i][0] - 1);
	charset_add(&all, from, CHAR_MAX_CP);
	charset_tidy(&all);
	charset_free(s);
	*s = all;
}

uint32_t
charset_count(const struct charset *s, uint32_t first, uint32_t last)
{
	size_t lo = 0, hi = s->n;
	uint32_t count = 0;
	while (lo < hi) { /* the first range that does not end before */
		size_t mid = lo + (hi - lo) / 2;
		if (s->range[mid][1] < first)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < s->n && s->range[lo][0] <= last; lo++) {
		uint32_t a = s->range[lo][0] > first ? s->range[lo][0] : first;
		uint32_t b = s->range[lo][1] < last ? s->range[lo][1] : last;
		count += b - a + 1;
	}
	return count;
}

void
charset_free(struct charset *s)
{
	xfree(s->range);
	*s = (struct charset){0};
}
