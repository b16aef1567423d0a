/* guide_end.c - how many tokens a text needs to end; see guide.h. */
#include "guide.h"

/* Texts of more bytes are not looked through for few tokens, if bytes are pieces; so many places are, for an end that
 * is not the one of the fewest bytes; so many nodes, for a long piece. */
enum { SEARCH_MAX = 4096, PLACES_MAX = 1024, NODES_MAX = 256 };

static void
want(struct guide *d, place at, bool prefix)
{
	d->todo = grow(d->todo, &d->cap_todo, d->n_todo + 1, sizeof *d->todo);
	d->todo[d->n_todo++] = (struct guide_goal){at, prefix};
}

/* The tokens behind a place if they are known; else they are wanted first. */
static bool
known(struct guide *d, place at, bool prefix, uint32_t *tokens)
{
	const place core = stacks_core(&d->stacks, at);
	const struct place_info *p = &d->stacks.place[core];
	*tokens = p->need;
	if (p->need == 0 || p->need == FOREVER || (d->covered && p->need > SEARCH_MAX))
		return true;
	*tokens = p->tokens[prefix] - 1;
	if (p->tokens[prefix])
		return true;
	want(d, core, prefix);
	return false;
}

/* FOREVER + 1 would be "not known": the most that can be said is one less. */
static void
learn(struct guide *d, struct guide_goal goal, uint32_t tokens)
{
	d->stacks.place[goal.at].tokens[goal.prefix] = tokens >= FOREVER - 1 ? FOREVER : tokens + 1;
}

/* Pieces first..last lead to that place: the better of `best` and what they make. */
static uint32_t
best_of(struct guide *d, const struct pieces *p, uint32_t first, uint32_t last, place to, uint32_t best)
{
	bool seen[2] = {false, false};
	for (uint32_t k = first; k < last; k++) {
		uint32_t tokens;
		if (seen[p->prefix[k]])
			continue;
		seen[p->prefix[k]] = true;
		if (known(d, to, p->prefix[k], &tokens) && tokens < FOREVER - 1 && tokens + 1 < best)
			best = tokens + 1;
	}
	return best;
}

/* The fewest tokens from a goal, by the pieces whose every byte is one less that is needed. Where a place they
 * lead to is not known yet, it is put on top of d->todo. */
static uint32_t
fewest(struct guide *d, struct guide_goal goal)
{
	const struct pieces *p = guide_pieces(d, goal.prefix);
	struct guide_step *path = d->path;
	uint32_t best = FOREVER;
	size_t n = 0;
	path[n++] = (struct guide_step){p->node[0].end, goal.at};
	best = best_of(d, p, p->node[0].first, p->node[1].first, goal.at, best);
	for (uint32_t i = 1; i < p->n_nodes;) {
		while (i >= path[n - 1].end)
			n--;
		const place from = path[n - 1].at;
		const place to = stacks_next(&d->stacks, from, d->stacks.g->class[p->byte[i]]);
		if (d->stacks.place[to].need != d->stacks.place[from].need - 1) {
			i = p->node[i].end;
			continue;
		}
		best = best_of(d, p, p->node[i].first, p->node[i + 1].first, to, best);
		path[n++] = (struct guide_step){p->node[i].end, stacks_core(&d->stacks, to)};
		i = d->stacks.place[to].need ? i + 1 : p->node[i].end;
	}
	return best;
}

/* Take the first of these pieces that leaves no prefix behind; false: there is none. */
static bool
pick(const struct pieces *p, uint32_t node, uint32_t *id)
{
	for (uint32_t k = p->node[node].first; k < p->node[node + 1].first; k++)
		if (!p->prefix[k]) {
			*id = p->id[k];
			return true;
		}
	return false;
}

/* Of these pieces the longest of the first ones, and where it leads; false: there is none. */
static bool
longest(struct guide *d, struct guide_goal from, place *to, uint32_t *id)
{
	const struct pieces *p = guide_pieces(d, from.prefix);
	const struct guide_below *below = d->below[from.prefix];
	struct guide_step *path = d->path;
	size_t n = 0, most = 0, left = NODES_MAX;
	path[n++] = (struct guide_step){p->node[0].end, from.at};
	const bool empty = pick(p, 0, id);
	*to = from.at;
	for (uint32_t i = 1; i < p->n_nodes && d->stacks.place[*to].need && (!most || --left);) {
		while (i >= path[n - 1].end)
			n--;
		const place at = path[n - 1].at;
		const place next = n + below[i].depth <= most ? PLACE_NONE
			: stacks_next(&d->stacks, at, d->stacks.g->class[p->byte[i]]);
		if (d->stacks.place[next].need != d->stacks.place[at].need - 1) {
			i = p->node[i].end;
			continue;
		}
		if (n > most && pick(p, i, id)) {
			most = n;
			*to = next;
		}
		path[n++] = (struct guide_step){p->node[i].end, stacks_core(&d->stacks, next)};
		i = d->stacks.place[next].need ? i + 1 : p->node[i].end;
	}
	return most || empty;
}

/* Where bytes are pieces, any piece leads on: the longest each time. */
static uint32_t
tokens_by_longest(struct guide *d, struct guide_goal at)
{
	uint32_t tokens, id;
	place to = at.at;
	for (bool prefix = at.prefix; !known(d, to, prefix, &tokens); prefix = false)
		if (!longest(d, d->todo[d->n_todo - 1], &to, &id)) {
			learn(d, d->todo[--d->n_todo], tokens = FOREVER);
			break;
		}
	while (d->n_todo)
		learn(d, d->todo[--d->n_todo], tokens += tokens < FOREVER);
	return tokens;
}

uint32_t
guide_tokens(struct guide *d, place at, bool prefix)
{
	uint32_t tokens;
	d->n_todo = 0;
	if (d->covered)
		return tokens_by_longest(d, (struct guide_goal){at, prefix});
	if (known(d, at, prefix, &tokens))
		return tokens;
	while (d->n_todo) {
		const struct guide_goal goal = d->todo[d->n_todo - 1];
		const size_t before = d->n_todo;
		const bool seen = d->stacks.place[goal.at].tokens[goal.prefix];
		const uint32_t best = seen ? 0 : fewest(d, goal);
		if (d->n_todo > before)
			continue;
		if (!seen)
			learn(d, goal, best);
		d->n_todo--;
	}
	known(d, at, prefix, &tokens);
	return tokens >= FOREVER - 1 ? FOREVER : tokens;
}

void
guide_way(struct guide *d, place at, bool prefix, struct guide_plan *plan)
{
	uint32_t id;
	plan->n = plan->at = 0;
	while (d->stacks.place[at].need) {
		const struct guide_goal from = {stacks_core(&d->stacks, at), prefix};
		if (!longest(d, from, &at, &id))
			return;
		plan->id = grow(plan->id, &plan->cap, plan->n + 1, sizeof *plan->id);
		plan->id[plan->n++] = id;
		prefix = false;
	}
}

/*
 * Where the text of the fewest bytes takes too many tokens, another may do: breadth first, all
 * pieces, token by token.
 */
struct guide_reached {
	place at;
	bool prefix;
	uint32_t id;		/* of the piece that leads here */
	uint32_t from;		/* the one before it */
	uint32_t level;		/* tokens up to here */
};

/* Pieces first..last lead to that place. Whether it is an end. */
static bool
reach(struct guide *d, const struct pieces *p, uint32_t first, uint32_t last, place to, uint32_t from)
{
	const bool ends = d->stacks.place[to].need == 0;
	for (uint32_t k = first; k < last; k++) {
		const bool prefix = p->prefix[k];
		if (d->stacks.place[to].reached[prefix])
			continue;
		d->stacks.place[to].reached[prefix] = true;
		d->reached = grow(d->reached, &d->cap_reached, d->n_reached + 1, sizeof *d->reached);
		d->reached[d->n_reached] = (struct guide_reached){to, prefix, p->id[k], from, d->reached[from].level + 1};
		d->n_reached++;
		if (ends)
			return true;
	}
	return false;
}

/* All places that one more token leads to from the one of that number, if `left` tokens may lead on
 * to an end. Whether one of them is an end. */
static bool
expand(struct guide *d, uint32_t number, uint32_t left)
{
	const struct guide_reached r = d->reached[number];
	const struct pieces *p = guide_pieces(d, r.prefix);
	struct guide_step *path = d->path;
	size_t n = 0;
	path[n++] = (struct guide_step){p->node[0].end, r.at};
	if (reach(d, p, p->node[0].first, p->node[1].first, r.at, number))
		return true;
	for (uint32_t i = 1; i < p->n_nodes;) {
		while (i >= path[n - 1].end)
			n--;
		const place to = stacks_next(&d->stacks, path[n - 1].at, d->stacks.g->class[p->byte[i]]);
		if (to == PLACE_NONE) {
			i = p->node[i].end;
			continue;
		}
		if (d->stacks.place[to].need <= (uint64_t)left * p->depth &&
			reach(d, p, p->node[i].first, p->node[i + 1].first, to, number))
			return true;
		path[n++] = (struct guide_step){p->node[i].end, to};
		i++;
	}
	return false;
}

bool
guide_find_end(struct guide *d, place at, bool prefix, uint32_t budget, struct guide_plan *plan)
{
	bool found = false;
	d->reached = grow(d->reached, &d->cap_reached, 1, sizeof *d->reached);
	d->reached[0] = (struct guide_reached){.at = at, .prefix = prefix};
	d->n_reached = 1;
	for (uint32_t i = 0; !found && i < d->n_reached && i < PLACES_MAX; i++)
		if (d->reached[i].level < budget)
			found = expand(d, i, budget - d->reached[i].level - 1);
	for (size_t i = 0; i < d->n_reached; i++)
		d->stacks.place[d->reached[i].at].reached[d->reached[i].prefix] = false;
	if (!found)
		return false;
	uint32_t i = (uint32_t)d->n_reached - 1;
	plan->at = 0;
	plan->n = d->reached[i].level;
	plan->id = grow(plan->id, &plan->cap, plan->n, sizeof *plan->id);
	for (; i; i = d->reached[i].from)
		plan->id[d->reached[i].level - 1] = d->reached[i].id;
	return true;
}
