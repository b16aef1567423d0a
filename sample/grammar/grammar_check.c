/* grammar_check.c - what a grammar must be like before it can run; see grammar.h. */
#include "../heap.h"
#include "grammar.h"

#include <string.h>

void
grammar_bad(const struct grammar *g, const struct rule *r, const char *what)
{
	if (r->name && r->line)
		die("%s:%zu: rule '%s' %s", g->name, r->line, r->name, what);
	die("%s: %s%s%s %s", g->name, r->name ? "'" : "", r->name ? r->name : "it", r->name ? "'" : "", what);
}

/*
 * The fewest bytes from each state to the end of its rule: Knuth's generalization of Dijkstra's
 * algorithm ("A generalization of Dijkstra's algorithm", 1977). A call needs what its rule needs
 * and what comes after it.
 */
struct back {
	uint32_t *first, *list;		/* the states that lead to state i: list[first[i]..first[i + 1]) */
	uint32_t *caller_first, *caller;	/* the same of calls and rules */
};

/* Where state i leads, and through which rule; how many. */
static int
outs(const struct state *s, uint32_t out[2])
{
	out[0] = s->next;
	out[1] = s->x;
	return s->kind == STATE_END ? 0 : s->kind == STATE_EITHER ? 2 : 1;
}

static bool
is_empty(const struct byte_set *s)
{
	return !(s->bit[0] | s->bit[1] | s->bit[2] | s->bit[3]);
}

/* Lists of what leads where: counted, then filled from behind. */
static void
back_fill(const struct grammar *g, struct back *b)
{
	uint32_t out[2];
	b->first = xcalloc(g->n_states + 1, sizeof *b->first);
	b->list = xcalloc(g->n_states + 1, 2 * sizeof *b->list);
	b->caller_first = xcalloc(g->n_rules + 1, sizeof *b->caller_first);
	b->caller = xcalloc(g->n_states + 1, sizeof *b->caller);
	for (size_t i = 0; i < g->n_states; i++) {
		for (int k = outs(&g->state[i], out); k--;)
			b->first[out[k]]++;
		if (g->state[i].kind == STATE_CALL)
			b->caller_first[g->state[i].x]++;
	}
	for (size_t i = 1; i <= g->n_states; i++)
		b->first[i] += b->first[i - 1];
	for (size_t i = 1; i <= g->n_rules; i++)
		b->caller_first[i] += b->caller_first[i - 1];
	for (size_t i = 0; i < g->n_states; i++) {
		for (int k = outs(&g->state[i], out); k--;)
			b->list[--b->first[out[k]]] = (uint32_t)i;
		if (g->state[i].kind == STATE_CALL)
			b->caller[--b->caller_first[g->state[i].x]] = (uint32_t)i;
	}
}

static void
offer(const struct grammar *g, struct heap *h, uint32_t at, uint64_t need)
{
	if (need < g->need[at] && need < FOREVER)
		heap_put(h, need << 32 | at);
}

/* State `to` of need n was settled: what can state `at`, which leads to it, do with that? */
static void
settle(const struct grammar *g, struct heap *h, uint32_t at, uint32_t to)
{
	const struct state *s = &g->state[at];
	const uint64_t n = g->need[to];
	if (s->kind == STATE_BYTES && !is_empty(&g->set[s->x]))
		offer(g, h, at, n + 1);
	else if (s->kind == STATE_CALL && g->need[g->rule[s->x].start] != FOREVER)
		offer(g, h, at, n + g->need[g->rule[s->x].start]);
	else if (s->kind == STATE_EITHER)
		offer(g, h, at, n);
}

void
grammar_needs(struct grammar *g)
{
	struct heap h = {0}; /* need << 32 | state */
	struct back b;
	back_fill(g, &b);
	uint32_t *rule_of = xcalloc(g->n_states, sizeof *rule_of); /* + 1 of the rule that begins here */
	for (size_t i = 0; i < g->n_rules; i++)
		if (g->rule[i].start != NO_STATE)
			rule_of[g->rule[i].start] = (uint32_t)i + 1;
	g->need = xcalloc(g->n_states, sizeof *g->need);
	memset(g->need, 0xFF, g->n_states * sizeof *g->need);
	for (size_t i = 0; i < g->n_states; i++)
		if (g->state[i].kind == STATE_END)
			offer(g, &h, (uint32_t)i, 0);
	while (h.n) {
		const uint64_t top = heap_take(&h);
		const uint32_t at = (uint32_t)top;
		if (g->need[at] != FOREVER)
			continue;
		g->need[at] = (uint32_t)(top >> 32);
		for (uint32_t i = b.first[at]; i < b.first[at + 1]; i++)
			settle(g, &h, b.list[i], at);
		if (!rule_of[at])
			continue;
		for (uint32_t i = b.caller_first[rule_of[at] - 1]; i < b.caller_first[rule_of[at]]; i++)
			if (g->need[g->state[b.caller[i]].next] != FOREVER)
				offer(g, &h, b.caller[i], (uint64_t)g->need[at] + g->need[g->state[b.caller[i]].next]);
	}
	xfree(rule_of);
	xfree(h.v);
	xfree(b.first);
	xfree(b.list);
	xfree(b.caller_first);
	xfree(b.caller);
}

/*
 * Ranks: rules are sorted so that each comes before those that it can begin with, depth first. A
 * rule that is met again while it is still open begins with itself.
 */
struct walk {
	uint32_t *todo, *seen;	/* states of the rule on top to look at; when a state was seen */
	size_t n, cap;
	struct open {
		uint32_t rule;
		size_t from;	/* its states in todo */
	} *open;
	size_t n_open, cap_open;
};

static void
enter(const struct grammar *g, struct walk *w, uint32_t rule)
{
	w->open = grow(w->open, &w->cap_open, w->n_open + 1, sizeof *w->open);
	w->open[w->n_open++] = (struct open){rule, w->n};
	w->todo = grow(w->todo, &w->cap, w->n + 1, sizeof *w->todo);
	w->todo[w->n++] = g->rule[rule].start;
}

/* Go on from a state without reading a byte; the rule that is called there, or NO_STATE. */
static uint32_t
look(const struct grammar *g, struct walk *w, uint32_t at)
{
	const struct state *s = &g->state[at];
	if (w->seen[at] || g->need[at] == FOREVER)
		return NO_STATE;
	w->seen[at] = true;
	w->todo = grow(w->todo, &w->cap, w->n + 2, sizeof *w->todo);
	if (s->kind == STATE_EITHER) {
		w->todo[w->n++] = s->next;
		w->todo[w->n++] = s->x;
	}
	if (s->kind != STATE_CALL)
		return NO_STATE;
	if (!g->need[g->rule[s->x].start])
		w->todo[w->n++] = s->next;
	return s->x;
}

void
grammar_ranks(struct grammar *g)
{
	enum { NEW, OPEN, DONE };
	struct walk w = {.seen = xcalloc(g->n_states, sizeof *w.seen)};
	uint8_t *mark = xcalloc(g->n_rules, 1);
	uint32_t rank = (uint32_t)g->n_rules;
	for (size_t r = 0; r < g->n_rules; r++) {
		if (g->rule[r].start == NO_STATE || mark[r] != NEW)
			continue;
		enter(g, &w, (uint32_t)r);
		mark[r] = OPEN;
		while (w.n_open) {
			const struct open top = w.open[w.n_open - 1];
			if (w.n == top.from) {
				mark[top.rule] = DONE;
				g->rule[top.rule].rank = --rank;
				w.n_open--;
				continue;
			}
			const uint32_t to = look(g, &w, w.todo[--w.n]);
			if (to == NO_STATE || mark[to] == DONE)
				continue;
			if (mark[to] == OPEN)
				grammar_bad(g, &g->rule[g->rule[to].name ? to : top.rule],
					"begins with itself (left recursion): put what it begins with first");
			enter(g, &w, to);
			mark[to] = OPEN;
		}
	}
	xfree(w.seen);
	xfree(w.todo);
	xfree(w.open);
	xfree(mark);
}

/* Two bytes are told apart by the first set that has one of them alone. */
void
grammar_classes(struct grammar *g)
{
	uint32_t n = 1;
	uint16_t class[256] = {0};
	for (size_t i = 0; i < g->n_sets && n <= 256; i++) {
		uint16_t split[256] = {0}, in[256] = {0}, out[256] = {0};
		for (unsigned b = 0; b < 256; b++)
			(set_has(&g->set[i], b) ? in : out)[class[b]]++;
		for (unsigned b = 0; b < 256; b++) {
			const uint16_t c = class[b];
			if (!set_has(&g->set[i], b) || (!out[c] && c))
				continue;
			if (!split[c])
				split[c] = (uint16_t)n++;
			class[b] = split[c];
		}
	}
	/* If all 256 bytes are in sets, none is of class 0 and the numbers begin with 1. */
	bool zero = false;
	for (unsigned b = 0; b < 256; b++)
		zero |= !class[b];
	for (unsigned b = 0; b < 256; b++)
		g->class[b] = (uint8_t)(class[b] - !zero);
	g->n_classes = n - !zero;
	g->classes = xcalloc(g->n_sets + 1, sizeof *g->classes);
	for (size_t i = 0; i < g->n_sets; i++)
		for (unsigned b = 0; b < 256; b++)
			if (set_has(&g->set[i], b))
				set_put(&g->classes[i], g->class[b]);
}

void
grammar_restrict(struct grammar *g, const struct byte_set *bytes)
{
	for (size_t i = 0; i < g->n_sets; i++)
		for (int k = 0; k < 4; k++)
			g->set[i].bit[k] &= bytes->bit[k];
	g->bytes = *bytes;
	xfree(g->need);
	xfree(g->classes);
	grammar_needs(g);
	grammar_classes(g);
}
