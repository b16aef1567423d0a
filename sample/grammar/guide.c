/* guide.c - which pieces a grammar lets come next; see guide.h. */
#include "guide.h"

#include <string.h>

/* A walk of more nodes is dear, where a place that is new counts as so many of them and its states. One of more WORK is
 * too much: that is PLACE and STATE for each place it meets (`.*a.{20}': each a leads to another one) and its states;
 * where the end is near, FAR for the place and 1 for each node. What can be said of all below a node is asked of a place
 * itself where so many are below. */
enum { CHEAP = 1 << 11, NEW = 64, WORK = 200000, PLACE = 128, STATE = 16, FAR = 256, WORTH = 1 << 10 };

struct guide_text {
	struct guide *d;
	place at;
	bool prefix;		/* vocab_line_text()'s state */
	struct guide_plan plan;	/* of an end, if another way to it is hard to find */
	struct guide_text *next, **link;
};

/* How many bytes a character lacks behind a byte, `lack` before it; BROKEN: this is no UTF-8. */
enum { BROKEN = 4 };

static unsigned
lacking(unsigned lack, unsigned char before, unsigned char b)
{
	const bool more = (b & 0xC0) == 0x80;
	if (lack == BROKEN || (lack > 0) != more)
		return BROKEN;
	if ((before == 0xE0 && b < 0xA0) || (before == 0xED && b > 0x9F) || (before == 0xF0 && b < 0x90) ||
		(before == 0xF4 && b > 0x8F))
		return BROKEN;
	if (more)
		return lack - 1;
	return b < 0x80 ? 0 : b < 0xC2 || b > 0xF4 ? BROKEN : b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3;
}

/* Of each node: which characters are below it, and how many at most one behind the other. Behind a
 * node stand those below it: from the back, each gives its own to the one above. */
static struct guide_below *
find_below(const struct pieces *p, const uint8_t *class)
{
	struct guide_below *below = xcalloc(p->n_nodes + 1, sizeof *below);
	uint32_t *above = xcalloc(p->n_nodes + 1, sizeof *above);
	uint8_t *lack = xcalloc(p->n_nodes + 1, 1);
	for (uint32_t i = 1, up = 0; i < p->n_nodes; up = i++) {
		while (up && i >= p->node[up].end)
			up = above[up];
		above[i] = up;
		lack[i] = (uint8_t)lacking(lack[up], up ? p->byte[up] : 0, p->byte[i]);
	}
	for (size_t i = p->n_nodes; i-- > 1;) {
		uint64_t own = p->byte[i] < 0x80 ? LOOPS_ASCII(class[p->byte[i]]) : LOOPS_OTHERS;
		if (lack[i])
			own = lack[i] == BROKEN || p->node[i].first < p->node[i + 1].first ? LOOPS_NEVER : 0;
		struct guide_below *up = below + above[i];
		const uint32_t n = below[i].n + ((p->byte[i] & 0xC0) != 0x80);
		up->loops |= below[i].loops | own;
		up->n = n > up->n ? (n < RUN_FOREVER ? n : RUN_FOREVER) : up->n;
		up->depth = below[i].depth >= up->depth ? below[i].depth + 1 : up->depth;
		if (lack[i])
			below[i].loops |= LOOPS_NEVER;
	}
	xfree(above);
	xfree(lack);
	return below;
}

const struct pieces *
guide_pieces(struct guide *d, bool prefix)
{
	struct pieces *p = &d->pieces[prefix];
	if (!p->node)
		pieces_build(p, d->vocab, d->width, prefix);
	if (!d->below[prefix]) {
		d->below[prefix] = find_below(p, d->stacks.g->class);
		d->path = grow(d->path, &d->cap_path, p->depth + 2, sizeof *d->path);
	}
	return p;
}

/* Close the ways of bytes that no piece has; whether each of the others is a piece that leaves no
 * prefix behind. */
static bool
restrict_bytes(struct grammar *g, const struct pieces *p)
{
	struct byte_set any = {{0}}, alone = {{0}};
	bool covered = true;
	for (uint32_t i = 1; i < p->n_nodes; i++)
		set_put(&any, p->byte[i]);
	for (uint32_t i = 1; i < p->n_nodes; i = p->node[i].end)
		for (uint32_t k = p->node[i].first; k < p->node[i + 1].first; k++)
			if (!p->prefix[k])
				set_put(&alone, p->byte[i]);
	grammar_restrict(g, &any);
	for (size_t i = 0; i < g->n_sets; i++)
		for (int k = 0; k < 4; k++)
			covered &= !(g->set[i].bit[k] & ~alone.bit[k]);
	return covered;
}

struct guide *
guide_new(struct grammar *g, struct vocab *v, uint32_t width)
{
	struct guide *d = xcalloc(1, sizeof *d);
	d->vocab = v;
	d->width = width;
	pieces_build(&d->pieces[0], v, width, false);
	d->covered = restrict_bytes(g, &d->pieces[0]);
	stacks_init(&d->stacks, g);
	guide_pieces(d, vocab_space_prefix(v));
	guide_pieces(d, false);
	return d;
}

void
guide_free(struct guide *d)
{
	for (int i = 0; i < 2; i++) {
		pieces_free(&d->pieces[i]);
		xfree(d->below[i]);
	}
	for (size_t i = 0; i < GUIDE_SETS; i++)
		xfree(d->set[i].set);
	stacks_free(&d->stacks);
	xfree(d->path);
	xfree(d->todo);
	xfree(d->reached);
	xfree(d);
}

/* Sets. */

struct walk {
	const struct pieces *p;
	uint32_t budget;	/* tokens that may follow */
	uint32_t worst;		/* of the pieces that were taken */
	bool cut;		/* some were not, for want of budget */
	uint64_t *set;
	size_t nodes, most;	/* that were looked at, and that may be */
	size_t work;
	place at;		/* the one that was met last */
	bool far;		/* more bytes from an end than tokens may follow */
	uint32_t tokens;	/* behind it, if `known` */
	bool known;
	struct run run;		/* of its base; of a place that has none, once that is worth it */
};

static void
put(uint64_t *set, const uint32_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		set[id[i] / 64] |= (uint64_t)1 << id[i] % 64;
}

/* A piece leads to that place: so many tokens are enough behind it, or more than `budget`; FOREVER: no text ends there. */
static uint32_t
tokens_behind(struct guide *d, place to, bool prefix, uint32_t budget)
{
	const uint32_t need = d->stacks.place[to].need;
	if (need == FOREVER || (d->covered && !prefix && need <= budget))
		return need;
	return need > (uint64_t)budget * d->pieces[0].depth ? budget + 1 : guide_tokens(d, to, prefix);
}

/* Pieces first..last lead to the place that was met: take those from where an end can be reached. */
static void
take_pieces(struct guide *d, struct walk *w, uint32_t first, uint32_t last)
{
	for (uint32_t k = first; k < last; k++) {
		const bool prefix = w->p->prefix[k];
		if (prefix || !w->known)
			w->tokens = tokens_behind(d, w->at, prefix, w->budget);
		w->known = !prefix;
		if (w->tokens > w->budget) {
			w->cut |= w->tokens != FOREVER;
			continue;
		}
		w->worst = w->tokens > w->worst ? w->tokens : w->worst;
		put(w->set, &w->p->id[k], 1);
	}
}

static struct run
run_of(struct guide *d, const struct walk *w, place p)
{
	return w->p->plain && d->covered ? stacks_run(&d->stacks, p) : (struct run){0};
}

static bool
covers(const struct run *r, const struct guide_below *below)
{
	return !(below->loops & ~r->loops) && r->n >= below->n;
}

/* Whether something can be told of all below node i, which leads to the place that was met: it is taken, or, if that
 * stays there and no end is near, not. */
static bool
take_below(struct guide *d, struct walk *w, uint32_t i)
{
	const struct piece_node *node = &w->p->node[i];
	const struct guide_below *below = d->below[w->p == &d->pieces[1]] + i;
	const bool own = d->stacks.place[w->at].base == w->at;
	uint32_t tokens;
	if (node->end - i > WORTH && d->stacks.place[w->at].worth != d->walks) {
		d->stacks.place[w->at].worth = d->walks;
		w->run = own ? run_of(d, w, w->at) : w->run;
	}
	if (!covers(&w->run, below))
		return false;
	tokens = w->run.need;
	if (tokens > w->budget) {
		const bool worth = d->stacks.place[w->at].worth == d->walks;
		const struct run here = own || !worth ? w->run : run_of(d, w, w->at);
		if (!worth || !d->stacks.place[w->at].stays || !covers(&here, below))
			return false;
		tokens = guide_tokens(d, w->at, false);
	}
	if (tokens > w->budget) {
		w->cut = true;
		return true;
	}
	put(w->set, w->p->id + node[1].first, w->p->node[node->end].first - node[1].first);
	w->worst = tokens > w->worst ? tokens : w->worst;
	return true;
}

static void
meet(struct guide *d, struct walk *w, place p, size_t places)
{
	struct place_info *i = &d->stacks.place[p];
	w->nodes += (NEW + i->ways) * (d->stacks.n_places - places);
	if (i->met != d->walks)
		w->work += PLACE + STATE * (size_t)i->ways + (i->need > w->budget) * FAR;
	i->met = d->walks;
	w->at = p;
	w->known = false;
	w->run = i->base != p || i->worth == d->walks ? run_of(d, w, i->base) : (struct run){0};
	w->far = w->run.need > w->budget || d->stacks.place[p].need > w->budget;
}

/* False: it was too much. */
static bool
walk(struct guide *d, struct walk *w, place at, bool prefix)
{
	const struct pieces *p = w->p = guide_pieces(d, prefix);
	const uint8_t *class = d->stacks.g->class;
	struct guide_step *path = xcalloc(p->depth + 2, sizeof *path);
	bool much = false;
	size_t n = 0;
	d->walks++;
	path[n++] = (struct guide_step){p->node[0].end, at};
	w->at = at;
	take_pieces(d, w, p->node[0].first, p->node[1].first);
	for (uint32_t i = 1; i < p->n_nodes && !much; w->nodes++) {
		const struct piece_node *node = &p->node[i];
		const size_t places = d->stacks.n_places;
		while (i >= path[n - 1].end)
			n--;
		const place to = stacks_next(&d->stacks, path[n - 1].at, class[p->byte[i]]);
		if (to == PLACE_NONE) {
			i = node->end;
			continue;
		}
		if (to != w->at)
			meet(d, w, to, places);
		w->work += w->far;
		much = w->work > WORK || w->nodes > w->most;
		if (node->first < node[1].first)
			take_pieces(d, w, node->first, node[1].first);
		path[n++] = (struct guide_step){node->end, to};
		i = node->end > i + 1 && take_below(d, w, i) ? node->end : i + 1;
	}
	xfree(path);
	return !much;
}

static size_t
words(const struct guide *d)
{
	return ((size_t)d->width + 63) / 64;
}

static bool
any_of(const struct guide *d, const uint64_t *set)
{
	uint64_t any = 0;
	for (size_t i = 0; i < words(d); i++)
		any |= set[i];
	return any;
}

/* What may come at a place, if `budget` tokens may follow; NULL: that would be dear and need not be, or too much. */
static const uint64_t *
set_at(struct guide *d, place at, bool prefix, uint32_t budget, bool dear)
{
	struct guide_set *s = &d->set[(at * 2 + prefix) % GUIDE_SETS];
	if (s->at == at && s->prefix == prefix && s->worst <= budget)
		return s->set;
	if (!dear && d->stacks.place[at].dear)
		return NULL;
	if (!s->set)
		s->set = xcalloc(words(d), sizeof *s->set);
	struct walk w = {.budget = budget, .set = s->set, .most = dear ? SIZE_MAX : CHEAP};
	const size_t places = d->stacks.n_places;
	memset(s->set, 0, words(d) * sizeof *s->set);
	s->at = 0;
	if (!walk(d, &w, at, prefix)) {
		d->stacks.place[at].dear = d->stacks.n_places == places;
		return NULL;
	}
	s->at = w.cut ? 0 : at;
	s->prefix = prefix;
	s->worst = w.worst;
	return s->set;
}

/* The sampler's side. */

static void *
begin(void *rules, const struct seen *before, size_t n)
{
	struct guide *d = rules;
	struct guide_text *t = xcalloc(1, sizeof *t);
	size_t len;
	*t = (struct guide_text){d, stacks_start(&d->stacks), vocab_space_prefix(d->vocab), {0}, d->texts, &d->texts};
	if (t->next)
		t->next->link = &t->next;
	d->texts = t;
	for (size_t i = 0; i < n; i++)
		if (before[i].token < vocab_size(d->vocab))
			vocab_line_text(d->vocab, before[i].token, false, &t->prefix, &len);
	return t;
}

static void
end(void *state)
{
	struct guide_text *t = state;
	*t->link = t->next;
	if (t->next)
		t->next->link = t->link;
	xfree(t->plan.id);
	xfree(t);
}

/* Begin anew with what is known of the grammar, where that has become too much. */
static void
forget(struct guide *d)
{
	size_t n = 0;
	for (struct guide_text *t = d->texts; t; t = t->next)
		n++;
	place **keep = xcalloc(n + 1, sizeof *keep);
	n = 0;
	for (struct guide_text *t = d->texts; t; t = t->next)
		keep[n++] = &t->at;
	stacks_forget(&d->stacks, keep, n);
	for (size_t i = 0; i < GUIDE_SETS; i++)
		d->set[i].at = 0;
	xfree(keep);
}

static place
follow(struct guide *d, place at, const char *text, size_t n)
{
	for (size_t i = 0; i < n && at != PLACE_NONE; i++)
		at = stacks_next(&d->stacks, at, d->stacks.g->class[(unsigned char)text[i]]);
	return at;
}

/* The tokens that may follow the next one. */
static uint32_t
budget_of(long left)
{
	return left > 0 && left < FOREVER ? (uint32_t)left - 1 : FOREVER - 1;
}

static bool
planned(const struct guide_text *t, uint32_t budget)
{
	return t->plan.at < t->plan.n && t->plan.n - t->plan.at - 1 <= budget;
}

/* Nothing may come as it seems: look for an end in another way. */
static void
make_plan(struct guide_text *t, uint32_t budget)
{
	struct guide *d = t->d;
	const uint32_t tokens = guide_tokens(d, t->at, t->prefix);
	if (tokens != FOREVER && tokens - 1 <= budget && d->covered)
		guide_way(d, t->at, t->prefix, &t->plan);
	else if (!guide_find_end(d, t->at, t->prefix, budget + 1, &t->plan) && tokens == FOREVER)
		die("%s: the vocabulary has no pieces for any text of it", d->stacks.g->name);
	if (!planned(t, budget))
		die("%s: its shortest text takes %u tokens, -n allows %u", d->stacks.g->name, tokens, budget + 1);
}

static bool
allow(void *state, long left, enum effort effort, uint64_t *set)
{
	struct guide_text *t = state;
	struct guide *d = t->d;
	const uint32_t budget = budget_of(left);
	if (stacks_size(&d->stacks) > GUIDE_MEMORY)
		forget(d);
	const uint64_t *may = effort == EFFORT_END ? NULL : set_at(d, t->at, t->prefix, budget, effort == EFFORT_DEAR);
	if (!may && effort != EFFORT_END)
		return false;
	for (size_t i = 0; i < words(d); i++)
		set[i] &= may ? may[i] : 0;
	if (!planned(t, budget) && !any_of(d, set) && !stacks_may_end(&d->stacks, t->at))
		make_plan(t, budget);
	if (planned(t, budget))
		put(set, &t->plan.id[t->plan.at], 1);
	return true;
}

static bool
may_come(void *state, long left, uint32_t id)
{
	struct guide_text *t = state;
	struct guide *d = t->d;
	const uint32_t budget = budget_of(left);
	bool prefix = t->prefix;
	size_t n;
	if (planned(t, budget) && t->plan.id[t->plan.at] == id)
		return true;
	if (stacks_size(&d->stacks) > GUIDE_MEMORY)
		forget(d);
	const char *text = id < d->width ? piece_text(d->vocab, id, &prefix, &n) : NULL;
	if (!text)
		return false;
	/* what may come at the base, may here */
	const place base = d->stacks.place[t->at].base;
	if (d->covered && !prefix && base != t->at && d->stacks.place[follow(d, base, text, n)].need <= budget)
		return true;
	return tokens_behind(d, follow(d, t->at, text, n), prefix, budget) <= budget;
}

static bool
may_end(void *state)
{
	const struct guide_text *t = state;
	return stacks_may_end(&t->d->stacks, t->at);
}

static bool
must_end(void *state)
{
	const struct guide_text *t = state;
	return stacks_must_end(&t->d->stacks, t->at);
}

static void
take(void *state, uint32_t id)
{
	struct guide_text *t = state;
	size_t n;
	const char *text = vocab_line_text(t->d->vocab, id, false, &t->prefix, &n);
	t->plan.at = t->plan.at < t->plan.n && t->plan.id[t->plan.at] == id ? t->plan.at + 1 : t->plan.n;
	t->at = follow(t->d, t->at, text, n);
}

struct constraint
guide_constraint(struct guide *d)
{
	return (struct constraint){d, begin, allow, may_come, may_end, must_end, take, end};
}
