/* spelled.c - which strings of a list pairs of words spell; see spelled.h. */
#include "spelled.h"

#include <string.h>

void
spelled_init(struct spelled *s, const unsigned char *const text[2], const struct span *string, size_t n)
{
	*s = (struct spelled){.text = {text[0], text[1]}, .string = string, .n = n, .now = SPELLED_NONE, .patience = 1};
	s->first = xcalloc(n, sizeof *s->first);
}

void
spelled_free(struct spelled *s)
{
	xfree(s->first);
	xfree(s->other);
}

static bool
is(const struct spelled *s, uint32_t i, struct str l, struct str r)
{
	const struct str x = spelled_string(s, i);
	return x.n == l.n + r.n && !memcmp(x.p, l.p, l.n) && !memcmp(x.p + l.n, r.p, r.n);
}

/* The string that has no pairs yet and that these two spell, wherever it is. */
static uint32_t
look_everywhere(const struct spelled *s, struct str l, struct str r)
{
	uint32_t i = s->now;
	for (size_t left = s->n; left; left--) { /* the nearest */
		i = i + 1 < s->n ? i + 1 : 0;
		if (s->string[i].n == l.n + r.n && !s->first[i] && is(s, i, l, r))
			return i;
	}
	return SPELLED_NONE;
}

void
spelled_take(struct spelled *s, uint32_t m, struct str left, struct str right)
{
	if (spelled_goes_on(s, m) && is(s, s->now, left, right)) {
		s->end++;
		return;
	}
	uint32_t to = s->now + 1;
	if (!spelled_may_begin(s, to) || !is(s, to, left, right)) {
		to = SPELLED_NONE;
		if (++s->lost == s->patience) {
			to = look_everywhere(s, left, right);
			s->lost = 0;
			s->patience *= 4;
		}
	}
	if (to != SPELLED_NONE) {
		spelled_begin(s, to, m);
		return;
	}
	s->other = grow(s->other, &s->other_cap, s->n_other + 1, sizeof *s->other);
	s->other[s->n_other++] = m;
}
