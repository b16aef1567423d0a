/* normal.c - Unicode's normalization forms; see normal.h. */
#include "normal.h"

#include "unicode.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

struct decomposition {
	uint32_t cp;
	uint16_t off, n;
};
struct combining {
	uint32_t from, to;
	uint8_t class;
};
struct composition {
	uint32_t a, b, cp;
};
struct mark {
	uint32_t from, to;
};
/* Every step-th letter, whose small letter is `delta` further on. */
struct capitals {
	uint32_t from, to, step;
	int32_t delta;
};
#include "unicode_normal.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { L = 0x1100, V = 0x1161, T = 0x11A7, S = 0xAC00, L_N = 19, V_N = 21, T_N = 28, S_N = L_N * V_N * T_N };

/* A character and its combining class; a byte of invalid UTF-8 is RAW | byte. */
#define RAW 0x40000000u
struct part {
	uint32_t cp, class, order;
};
struct parts {
	struct part *p;
	size_t n, cap;
};

static int
decomposition_cmp(const void *key, const void *row)
{
	uint32_t cp = *(const uint32_t *)key, r = ((const struct decomposition *)row)->cp;
	return (cp > r) - (cp < r);
}

static int
combining_cmp(const void *key, const void *row)
{
	uint32_t cp = *(const uint32_t *)key;
	const struct combining *r = row;
	return cp < r->from ? -1 : cp > r->to;
}

static int
composition_cmp(const void *a, const void *b)
{
	const struct composition *x = a, *y = b;
	return x->a != y->a ? (x->a > y->a) - (x->a < y->a) : (x->b > y->b) - (x->b < y->b);
}

static void
add(struct parts *t, uint32_t cp)
{
	const struct combining *c = cp < 0x300 ? NULL :
		bsearch(&cp, combining, COUNT(combining), sizeof *combining, combining_cmp);
	t->p = grow(t->p, &t->cap, t->n + 1, sizeof *t->p);
	t->p[t->n] = (struct part){cp, c ? c->class : 0, (uint32_t)t->n};
	t->n++;
}

static void
decompose(struct parts *t, uint32_t cp, bool compatible)
{
	const struct decomposition *d = NULL;
	if (cp >= S && cp < S + S_N) {
		uint32_t i = cp - S;
		add(t, L + i / (V_N * T_N));
		add(t, V + i % (V_N * T_N) / T_N);
		if (i % T_N)
			add(t, T + i % T_N);
		return;
	}
	if (cp >= 0xA0 && compatible)
		d = bsearch(&cp, decompositions_compatible, COUNT(decompositions_compatible), sizeof *d, decomposition_cmp);
	if (cp >= 0xA0 && !d)
		d = bsearch(&cp, decompositions_canonical, COUNT(decompositions_canonical), sizeof *d, decomposition_cmp);
	for (size_t i = 0; d && i < d->n; i++)
		add(t, decomposed[d->off + i]);
	if (!d)
		add(t, cp);
}

static int
class_cmp(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	return x->class != y->class ? (x->class > y->class) - (x->class < y->class) : (x->order > y->order) - (x->order < y->order);
}

/* Marks between two starters by their class, stable. */
static void
reorder(struct parts *t)
{
	for (size_t i = 0, end; i < t->n; i = end) {
		for (end = i + 1; end < t->n && t->p[i].class && t->p[end].class;)
			end++;
		if (t->p[i].class && end - i > 1)
			qsort(t->p + i, end - i, sizeof *t->p, class_cmp);
	}
}

/* The character that a and b make, or 0. */
static uint32_t
composed(uint32_t a, uint32_t b)
{
	if (a >= L && a < L + L_N && b >= V && b < V + V_N)
		return S + ((a - L) * V_N + (b - V)) * T_N;
	if (a >= S && a < S + S_N && (a - S) % T_N == 0 && b > T && b < T + T_N)
		return a + (b - T);
	struct composition key = {a, b, 0};
	const struct composition *c = bsearch(&key, compositions, COUNT(compositions), sizeof key, composition_cmp);
	return c ? c->cp : 0;
}

static void
compose_parts(struct parts *t)
{
	size_t n = 0, starter = SIZE_MAX;
	uint32_t last = 0; /* the class before, since the starter */
	for (size_t i = 0; i < t->n; i++) {
		struct part x = t->p[i];
		uint32_t c = starter != SIZE_MAX && (n == starter + 1 || last < x.class) ? composed(t->p[starter].cp, x.cp) : 0;
		if (c && !(n > starter + 1 && x.class == 0)) {
			t->p[starter].cp = c;
			continue;
		}
		if (x.class == 0) {
			starter = n;
			last = 0;
		} else
			last = x.class;
		t->p[n++] = x;
	}
	t->n = n;
}

void
normalize(const unsigned char *s, size_t n, bool compatible, bool compose, struct bytes *out)
{
	struct parts t = {NULL, 0, 0};
	size_t ascii = 0;
	while (ascii < n && s[ascii] < 0x80)
		ascii++;
	if (ascii == n) {
		bytes_add(out, s, n);
		return;
	}
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		len = utf8_next(s + i, n - i, &cp);
		decompose(&t, len == 1 && cp == CP_INVALID ? RAW | s[i] : cp, compatible);
	}
	reorder(&t);
	if (compose)
		compose_parts(&t);
	for (size_t i = 0; i < t.n; i++) {
		unsigned char utf8[4] = {(unsigned char)t.p[i].cp};
		bytes_add(out, utf8, t.p[i].cp & RAW ? 1 : utf8_put(utf8, t.p[i].cp));
	}
	xfree(t.p);
}

/* Whether a starter may become one with the starter before it. */
static bool
joins(uint32_t cp)
{
	bool is = (cp >= V && cp < V + V_N) || (cp > T && cp < T + T_N);
	for (size_t i = 0; i < COUNT(compositions); i++)
		is |= compositions[i].b == cp;
	return is;
}

size_t
normal_cut(const unsigned char *s, size_t n, bool compatible, bool compose)
{
	struct parts t = {NULL, 0, 0};
	size_t i = n - utf8_incomplete((const char *)s, n);
	bool cut = false;
	while (i && !cut) {
		uint32_t cp;
		i--;
		if ((s[i] & 0xC0) == 0x80)
			continue;
		t.n = 0;
		if (s[i] >= 0x80) {
			utf8_next(s + i, n - i, &cp);
			decompose(&t, cp, compatible);
		}
		cut = !t.n || (!t.p->class && !(compose && joins(t.p->cp)));
	}
	xfree(t.p);
	return i;
}

static int
mark_cmp(const void *key, const void *row)
{
	uint32_t cp = *(const uint32_t *)key;
	const struct mark *r = row;
	return cp < r->from ? -1 : cp > r->to;
}

bool
is_mark(uint32_t cp)
{
	return cp >= 0x300 && bsearch(&cp, marks, COUNT(marks), sizeof *marks, mark_cmp);
}

static int
capitals_cmp(const void *key, const void *row)
{
	uint32_t cp = *(const uint32_t *)key;
	const struct capitals *r = row;
	return cp < r->from ? -1 : cp > r->to;
}

uint32_t
small_letter(uint32_t cp)
{
	if (cp < 0xC0)
		return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
	const struct capitals *c = bsearch(&cp, capitals, COUNT(capitals), sizeof *c, capitals_cmp);
	return c && (cp - c->from) % c->step == 0 ? (uint32_t)((int32_t)cp + c->delta) : cp;
}

void
each_capital(void (*fn)(uint32_t cp, void *arg), void *arg)
{
	for (size_t i = 0; i < COUNT(capitals); i++)
		for (uint32_t cp = capitals[i].from; cp <= capitals[i].to; cp += capitals[i].step)
			fn(cp, arg);
}

void
lowercase(const unsigned char *s, size_t n, struct bytes *out)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp, low;
		unsigned char utf8[4];
		len = utf8_next(s + i, n - i, &cp);
		if (cp == 0x130)
			bytes_add(out, "i\xCC\x87", 3);
		else if ((low = small_letter(cp)) == cp)
			bytes_add(out, s + i, len); /* as it is, if it is no UTF-8 */
		else
			bytes_add(out, utf8, utf8_put(utf8, low));
	}
}
