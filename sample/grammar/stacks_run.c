/* stacks_run.c - what may follow from a place without a look at each piece; see stacks.h. */
#include "stacks.h"

/* Whether each of n items is one of the others, or has a frame there that includes its own, `deep` frames down; both
 * are sorted by their states. *work: so many may be compared. */
static bool
include(const struct stacks *s, const item *all, size_t n_all, const item *some, size_t n, int deep, int *work)
{
	for (size_t i = 0, k = 0; i < n; i++) {
		const uint32_t state = state_of(some[i]);
		const struct frame *f = &s->frame[frame_of(some[i])];
		bool found = false;
		for (; k < n_all && state_of(all[k]) < state && *work > 0; --*work)
			k++;
		for (size_t j = k; !found && j < n_all && state_of(all[j]) == state && --*work > 0; j++) {
			const struct frame *of = &s->frame[frame_of(all[j])];
			found = all[j] == some[i] || (deep && state != NO_STATE && of->n >= f->n &&
				include(s, s->item + of->items, of->n, s->item + f->items, f->n, deep - 1, work));
		}
		if (!found)
			return false;
	}
	return true;
}

bool
stacks_includes(const struct stacks *s, place all, place some)
{
	const struct place_info *a = &s->place[all], *b = &s->place[some];
	int work = 1024;
	return all == some || (all != PLACE_NONE && include(s, s->item + a->items, a->n, s->item + b->items, b->n, 2, &work));
}

/* Where characters should lead. */
struct goal {
	place p;
	bool just;	/* there, and not to a place that includes it */
};

static bool
is_there(const struct stacks *s, place to, const struct goal *goal)
{
	return goal->just ? to == goal->p : stacks_includes(s, to, goal->p);
}

/* Whether all of `more` bytes, the first of them from lo to hi, lead from a place to the goal. */
static bool
all_lead(struct stacks *s, place from, const struct goal *goal, int more, unsigned lo, unsigned hi)
{
	int before = -1;
	for (unsigned b = lo; b <= hi; b++) {
		const int class = s->g->class[b];
		if (class == before || !set_has(&s->g->bytes, b))
			continue;
		before = class;
		const place to = stacks_next(s, from, (uint32_t)class);
		if (more == 1 ? !is_there(s, to, goal) : !all_lead(s, to, goal, more - 1, 0x80, 0xBF))
			return false;
	}
	return true;
}

/* Characters that are no ASCII, by their first bytes and what may be the second (Unicode, table 3-7). */
static bool
others_lead(struct stacks *s, place from, const struct goal *goal)
{
	static const unsigned char form[][4] = {
		{0xC2, 0xDF, 0x80, 0xBF}, {0xE0, 0xE0, 0xA0, 0xBF}, {0xE1, 0xEC, 0x80, 0xBF}, {0xED, 0xED, 0x80, 0x9F},
		{0xEE, 0xEF, 0x80, 0xBF}, {0xF0, 0xF0, 0x90, 0xBF}, {0xF1, 0xF3, 0x80, 0xBF}, {0xF4, 0xF4, 0x80, 0x8F},
	};
	for (size_t i = 0; i < sizeof form / sizeof *form; i++)
		for (unsigned b = form[i][0]; b <= form[i][1]; b++) {
			if (!set_has(&s->g->bytes, b))
				continue;
			const place to = stacks_next(s, from, s->g->class[b]);
			if (!all_lead(s, to, goal, b < 0xE0 ? 1 : b < 0xF0 ? 2 : 3, form[i][2], form[i][3]))
				return false;
		}
	return true;
}

/* The characters that lead from a place to the goal, LOOPS_ bits. */
static uint64_t
leading(struct stacks *s, place from, const struct goal *goal)
{
	uint64_t not = LOOPS_NEVER;
	if (goal->p == PLACE_NONE)
		return 0;
	for (unsigned b = 0; b < 0x80; b++)
		if (!is_there(s, stacks_next(s, from, s->g->class[b]), goal))
			not |= LOOPS_ASCII(s->g->class[b]);
	if (!others_lead(s, from, goal))
		not |= LOOPS_OTHERS;
	return ~not;
}

/* Where most ASCII characters lead: back, if any does. */
static place
most_lead(struct stacks *s, place p)
{
	place most = PLACE_NONE;
	int lead = 0; /* Boyer and Moore's majority vote */
	for (unsigned b = 0; b < 0x80; b++) {
		const place to = stacks_next(s, p, s->g->class[b]);
		if (stacks_includes(s, to, p))
			return p;
		if (to != PLACE_NONE && !lead)
			most = to;
		lead += to == PLACE_NONE ? 0 : to == most ? 1 : -1;
	}
	return most;
}

static void
find_step(struct stacks *s, place p)
{
	if (s->place[p].step)
		return;
	const place to = most_lead(s, p);
	const uint64_t loops = leading(s, p, &(struct goal){to, false});
	s->place[p].stays = to == p && loops == leading(s, p, &(struct goal){to, true});
	s->place[p].loops = loops;
	s->place[p].step = to;
}

struct run
stacks_run(struct stacks *s, place p)
{
	if (s->place[p].ran)
		return s->place[p].run;
	struct run r = {.loops = ~(uint64_t)0};
	for (place at = p; r.n < RUN_MOST;) {
		find_step(s, at);
		const struct place_info *i = &s->place[at];
		const uint32_t need = s->place[i->step].need;
		if (!(r.loops & i->loops))
			break;
		r.loops &= i->loops;
		r.need = need > r.need ? need : r.need;
		r.n = i->step == at ? RUN_FOREVER : r.n + 1;
		at = i->step;
	}
	s->place[p].ran = true;
	return s->place[p].run = r.n ? r : (struct run){0};
}
