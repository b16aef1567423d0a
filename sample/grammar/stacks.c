/* stacks.c - where a text stands in its grammar; see stacks.h. */
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#define BOTTOM 0u	/* the frame behind the root's end */

static inline item
item_of(uint32_t state, uint32_t frame)
{
	return (item)state << 32 | frame;
}
static void
push(item **list, size_t *n, size_t *cap, item i)
{
	if (*n == *cap)
		*list = grow(*list, cap, *n + 1, sizeof **list);
	(*list)[(*n)++] = i;
}

static uint32_t
plus(uint32_t a, uint32_t b)
{
	return a > FOREVER - 1 - b || b == FOREVER ? FOREVER : a + b;
}

/* Sort, once each: by insertion, from afar first (Shell's sort, with Ciura's gaps). */
static size_t
sort(item *v, size_t n)
{
	static const size_t gaps[] = {367777, 163456, 72647, 32287, 14350, 6378, 2835, 1260, 701, 301, 132, 57, 23, 10, 4, 1};
	size_t kept = 0;
	for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
		for (size_t i = gaps[g]; i < n; i++) {
			const item x = v[i];
			size_t k = i;
			for (; k >= gaps[g] && v[k - gaps[g]] > x; k -= gaps[g])
				v[k] = v[k - gaps[g]];
			v[k] = x;
		}
	for (size_t i = 0; i < n; i++)
		if (!kept || v[kept - 1] != v[i])
			v[kept++] = v[i];
	return kept;
}

static uint64_t
hash(const item *v, size_t n)
{
	uint64_t h = n;
	for (size_t i = 0; i < n; i++)
		h = (h ^ v[i]) * 0x9E3779B97F4A7C15, h ^= h >> 32;
	return h ^ h >> 29;
}

/* Items. */

static size_t
keep_items(struct stacks *s, const item *v, size_t n)
{
	s->item = grow(s->item, &s->cap_items, s->n_items + n, sizeof *s->item);
	if (n)
		memcpy(s->item + s->n_items, v, n * sizeof *v);
	s->n_items += n;
	return s->n_items - n;
}

static uint32_t
need_of(const struct stacks *s, const item *v, size_t n)
{
	uint32_t need = FOREVER;
	for (size_t i = 0; i < n; i++) {
		const uint32_t q = state_of(v[i]);
		uint32_t one = q == NO_STATE ? 0 : plus(s->g->need[q], s->frame[frame_of(v[i])].need);
		need = one < need ? one : need;
	}
	return need;
}

/* How many states a place is; the largest of its frames stands for all of them. */
static uint32_t
ways_of(const struct stacks *s, const item *v, size_t n)
{
	size_t most = 0;
	for (size_t i = 0; i < n; i++)
		if (state_of(v[i]) != NO_STATE && s->frame[frame_of(v[i])].n > most)
			most = s->frame[frame_of(v[i])].n;
	return n + most < UINT32_MAX ? (uint32_t)(n + most) : UINT32_MAX;
}

/* Interning: slots hold a number + 1; `at` says where the items of a number are. */

static size_t
slot_for(const struct interned *t, uint64_t h)
{
	return (size_t)h & (t->n_slots - 1);
}

static void
frame_slot(struct stacks *s, uint32_t f)
{
	size_t at = slot_for(&s->frames, hash(s->item + s->frame[f].items, s->frame[f].n));
	while (s->frames.slot[at])
		at = (at + 1) & (s->frames.n_slots - 1);
	s->frames.slot[at] = f + 1;
}

static void
place_slot(struct stacks *s, place p)
{
	size_t at = slot_for(&s->places, hash(s->item + s->place[p].items, s->place[p].n));
	while (s->places.slot[at])
		at = (at + 1) & (s->places.n_slots - 1);
	s->places.slot[at] = p + 1;
}

/* Twice the slots, at least; all is put in anew. */
static void
room(struct stacks *s, struct interned *t, size_t n, void (*put)(struct stacks *, uint32_t))
{
	if (2 * n < t->n_slots)
		return;
	size_t slots = t->n_slots ? t->n_slots : 1024;
	while (slots <= 2 * n)
		slots *= 2;
	xfree(t->slot);
	t->slot = xcalloc(slots, sizeof *t->slot);
	t->n_slots = slots;
	for (size_t i = 0; i < n; i++)
		put(s, (uint32_t)i);
}

/* The frame of these items, which are sorted. */
static uint32_t
frame_intern(struct stacks *s, const item *v, size_t n)
{
	room(s, &s->frames, s->n_frames, frame_slot);
	size_t at = slot_for(&s->frames, hash(v, n));
	for (uint32_t f; (f = s->frames.slot[at]); at = (at + 1) & (s->frames.n_slots - 1))
		if (s->frame[f - 1].n == n && !memcmp(s->item + s->frame[f - 1].items, v, n * sizeof *v))
			return f - 1;
	if (s->n_frames >= UINT32_MAX - 1)
		die("%s: too many ways to go on", s->g->name);
	s->frame = grow(s->frame, &s->cap_frames, s->n_frames + 1, sizeof *s->frame);
	s->frame[s->n_frames] = (struct frame){keep_items(s, v, n), (uint32_t)n, need_of(s, v, n)};
	s->frames.slot[at] = (uint32_t)s->n_frames + 1;
	return (uint32_t)s->n_frames++;
}

/* The items of a place are the states that read bytes; that the text may end is one more: the
 * state NO_STATE. */
static place
place_intern(struct stacks *s, const item *v, size_t n)
{
	room(s, &s->places, s->n_places, place_slot);
	size_t at = slot_for(&s->places, hash(v, n));
	for (uint32_t p; (p = s->places.slot[at]); at = (at + 1) & (s->places.n_slots - 1))
		if (s->place[p - 1].n == n && !memcmp(s->item + s->place[p - 1].items, v, n * sizeof *v))
			return p - 1;
	if (s->n_places >= UINT32_MAX - 1)
		die("%s: too many ways to go on", s->g->name);
	s->place = grow(s->place, &s->cap_places, s->n_places + 1, sizeof *s->place);
	s->place[s->n_places] = (struct place_info){.items = keep_items(s, v, n), .n = (uint32_t)n,
		.need = need_of(s, v, n), .ways = ways_of(s, v, n), .base = (place)s->n_places};
	s->row = grow(s->row, &s->cap_row, (s->n_places + 1) * s->g->n_classes, sizeof *s->row);
	memset(s->row + s->n_places * s->g->n_classes, 0, s->g->n_classes * sizeof *s->row);
	s->places.slot[at] = (uint32_t)s->n_places + 1;
	return (uint32_t)s->n_places++;
}

/* From what was reached by a byte to all states that read the next one. */

static void
set_grow(struct item_set *s)
{
	const struct item_set old = *s;
	*s = (struct item_set){.now = 1, .n = old.n, .slots = old.slots ? 2 * old.slots : 1024};
	s->v = xcalloc(s->slots, sizeof *s->v);
	s->when = xcalloc(s->slots, sizeof *s->when);
	for (size_t i = 0; i < old.slots; i++) {
		if (old.when[i] != old.now)
			continue;
		size_t at = (size_t)hash(&old.v[i], 1) & (s->slots - 1);
		while (s->when[at])
			at = (at + 1) & (s->slots - 1);
		s->v[at] = old.v[i];
		s->when[at] = 1;
	}
	xfree(old.v);
	xfree(old.when);
}

/* Put an item in; whether it is new. */
static bool
set_add(struct item_set *s, item i)
{
	if (2 * s->n >= s->slots)
		set_grow(s);
	size_t at = (size_t)hash(&i, 1) & (s->slots - 1);
	for (; s->when[at] == s->now; at = (at + 1) & (s->slots - 1))
		if (s->v[at] == i)
			return false;
	s->v[at] = i;
	s->when[at] = s->now;
	s->n++;
	return true;
}

static void
set_clear(struct item_set *s)
{
	s->n = 0;
	if (!++s->now) {
		if (s->slots)
			memset(s->when, 0, s->slots * sizeof *s->when);
		s->now = 1;
	}
}

static void
set_free(struct item_set *s)
{
	xfree(s->v);
	xfree(s->when);
}

static void
note_call(struct stacks *s, uint32_t rule, item after)
{
	s->after = grow(s->after, &s->cap_after, s->n_after + 1, sizeof *s->after);
	s->after[s->n_after] = (struct after){after, rule};
	heap_put(&s->call, (uint64_t)s->g->rule[rule].rank << 32 | s->n_after++);
}

/* Follow an item until a byte must be read. */
static void
step(struct stacks *s, item i)
{
	const struct grammar *g = s->g;
	const uint32_t f = frame_of(i);
	if (state_of(i) == NO_STATE) {
		push(&s->found, &s->n_found, &s->cap_found, i);
		return;
	}
	const struct state *st = &g->state[state_of(i)];
	if (g->need[state_of(i)] == FOREVER)
		return;
	if (st->kind == STATE_BYTES) {
		push(&s->found, &s->n_found, &s->cap_found, i);
		return;
	}
	if (!set_add(&s->seen, i))
		return;
	switch (st->kind) {
	case STATE_EITHER:
		push(&s->todo, &s->n_todo, &s->cap_todo, item_of(st->next, f));
		push(&s->todo, &s->n_todo, &s->cap_todo, item_of(st->x, f));
		break;
	case STATE_CALL:
		note_call(s, st->x, item_of(st->next, f));
		if (!g->need[g->rule[st->x].start])
			push(&s->todo, &s->n_todo, &s->cap_todo, item_of(st->next, f));
		break;
	case STATE_END:
		for (uint32_t k = 0; k < s->frame[f].n; k++)
			push(&s->todo, &s->n_todo, &s->cap_todo, s->item[s->frame[f].items + k]);
		break;
	default:
		break;
	}
}

/* The frame for the calls of the rule on top of the heap: all of them are known, since rules that
 * begin with it come first. */
static void
enter_rule(struct stacks *s)
{
	const uint32_t rule = s->after[(uint32_t)s->call.v[0]].rule;
	s->n_content = 0;
	set_clear(&s->listed);
	while (s->call.n && s->after[(uint32_t)s->call.v[0]].rule == rule) {
		const item i = s->after[(uint32_t)heap_take(&s->call)].item;
		const struct frame *f = &s->frame[frame_of(i)];
		if (s->g->need[state_of(i)] == FOREVER)
			continue;
		if (s->g->state[state_of(i)].kind != STATE_END)
			push(&s->content, &s->n_content, &s->cap_content, i);
		else for (uint32_t k = 0; k < f->n; k++)
			if (set_add(&s->listed, s->item[f->items + k]))
				push(&s->content, &s->n_content, &s->cap_content, s->item[f->items + k]);
	}
	s->n_content = sort(s->content, s->n_content);
	if (s->n_content)
		push(&s->todo, &s->n_todo, &s->cap_todo, item_of(s->g->rule[rule].start, frame_intern(s, s->content, s->n_content)));
}

/* The place of what is in todo. */
static place
close_todo(struct stacks *s)
{
	set_clear(&s->seen);
	s->n_found = s->n_after = s->call.n = 0;
	for (;;) {
		while (s->n_todo)
			step(s, s->todo[--s->n_todo]);
		if (!s->call.n)
			break;
		enter_rule(s);
	}
	s->n_found = sort(s->found, s->n_found);
	return place_intern(s, s->found, s->n_found);
}

/* Frame BOTTOM, the places 0 and PLACE_NONE. */
static void
init_numbers(struct stacks *s)
{
	const item end = item_of(NO_STATE, BOTTOM);
	s->n_items = s->n_frames = s->n_places = 0;
	xfree(s->frames.slot);
	xfree(s->places.slot);
	s->frames = s->places = (struct interned){0};
	s->frame = grow(s->frame, &s->cap_frames, 1, sizeof *s->frame);
	s->frame[s->n_frames++] = (struct frame){keep_items(s, &end, 1), 1, 0};
	s->place = grow(s->place, &s->cap_places, 2, sizeof *s->place);
	const item no_place = item_of(NO_STATE, 1);
	s->place[s->n_places++] = (struct place_info){.items = keep_items(s, &no_place, 1), .n = 1, .need = FOREVER};
	s->place[s->n_places++] = (struct place_info){.need = FOREVER};
	s->row = grow(s->row, &s->cap_row, 2 * s->g->n_classes, sizeof *s->row);
	for (size_t i = 0; i < 2 * s->g->n_classes; i++)
		s->row[i] = PLACE_NONE;
}

void
stacks_init(struct stacks *s, const struct grammar *g)
{
	*s = (struct stacks){.g = g};
	init_numbers(s);
}

place
stacks_start(struct stacks *s)
{
	push(&s->todo, &s->n_todo, &s->cap_todo, item_of(s->g->rule[s->g->root].start, BOTTOM));
	return close_todo(s);
}

/* The base of a place that is new: where the base of the one before it leads, or that one itself if no
 * way was lost. */
static place
base_of(struct stacks *s, place p, uint32_t class, place to)
{
	const place base = s->place[p].base;
	if (base == p)
		return stacks_includes(s, to, p) ? p : to;
	const place next = stacks_next(s, base, class);
	return next == PLACE_NONE ? to : s->place[next].base;
}

place
stacks_find(struct stacks *s, place p, uint32_t class)
{
	const struct grammar *g = s->g;
	for (uint32_t i = 0; i < s->place[p].n; i++) {
		const item from = s->item[s->place[p].items + i];
		if (state_of(from) == NO_STATE)
			continue;
		const struct state *st = &g->state[state_of(from)];
		if (set_has(&g->classes[st->x], class))
			push(&s->todo, &s->n_todo, &s->cap_todo, item_of(st->next, frame_of(from)));
	}
	const size_t before = s->n_places;
	const place to = close_todo(s);
	s->row[(size_t)p * g->n_classes + class] = to;
	if (to >= before)
		s->place[to].base = base_of(s, p, class, to);
	return to;
}

bool
stacks_must_end(struct stacks *s, place p)
{
	for (uint32_t c = 0; c < s->g->n_classes; c++)
		if (stacks_next(s, p, c) != PLACE_NONE)
			return false;
	return true;
}

place
stacks_core(struct stacks *s, place p)
{
	if (s->place[p].core)
		return s->place[p].core;
	s->n_content = 0;
	for (uint32_t i = 0; i < s->place[p].n; i++) {
		const item it = s->item[s->place[p].items + i];
		if (need_of(s, &it, 1) == s->place[p].need)
			push(&s->content, &s->n_content, &s->cap_content, it);
	}
	const place core = place_intern(s, s->content, s->n_content);
	s->place[core].core = core;
	return s->place[p].core = core;
}

size_t
stacks_size(const struct stacks *s)
{
	return s->n_items * sizeof *s->item + s->n_frames * (sizeof *s->frame + 8) +
		s->n_places * (sizeof *s->place + 8 + s->g->n_classes * sizeof *s->row);
}

/* A frame holds frames of lower numbers only: they are marked from above and made anew from below. */
static void
mark(const struct stacks *s, uint32_t *new, size_t items, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (state_of(s->item[items + i]) != NO_STATE)
			new[frame_of(s->item[items + i])] = 1;
}

static void
renew(struct stacks *s, const struct stacks *old, const uint32_t *new, size_t items, uint32_t n)
{
	s->n_content = 0;
	for (uint32_t i = 0; i < n; i++) {
		const item it = old->item[items + i];
		push(&s->content, &s->n_content, &s->cap_content,
			state_of(it) == NO_STATE ? it : item_of(state_of(it), new[frame_of(it)]));
	}
	s->n_content = sort(s->content, s->n_content);
}

void
stacks_forget(struct stacks *s, place **keep, size_t n)
{
	struct stacks old = *s;
	uint32_t *new = xcalloc(old.n_frames, sizeof *new);
	s->item = NULL, s->frame = NULL, s->place = NULL, s->row = NULL;
	s->cap_items = s->cap_frames = s->cap_places = s->cap_row = 0;
	s->frames.slot = s->places.slot = NULL;
	init_numbers(s);
	for (size_t i = 0; i < n; i++) {
		const struct place_info *p = &old.place[*keep[i]], *base = &old.place[p->base];
		mark(&old, new, p->items, p->n);
		mark(&old, new, base->items, base->n);
	}
	for (size_t f = old.n_frames; f-- > 1;)
		if (new[f])
			mark(&old, new, old.frame[f].items, old.frame[f].n);
	new[BOTTOM] = BOTTOM;
	for (size_t f = 1; f < old.n_frames; f++) {
		if (!new[f])
			continue;
		renew(s, &old, new, old.frame[f].items, old.frame[f].n);
		new[f] = frame_intern(s, s->content, s->n_content);
	}
	for (size_t i = 0; i < n; i++) {
		const struct place_info *p = &old.place[*keep[i]], *base = &old.place[p->base];
		renew(s, &old, new, base->items, base->n);
		const place to = place_intern(s, s->content, s->n_content);
		renew(s, &old, new, p->items, p->n);
		*keep[i] = place_intern(s, s->content, s->n_content);
		s->place[*keep[i]].base = to;
	}
	xfree(old.item);
	xfree(old.frame);
	xfree(old.place);
	xfree(old.row);
	xfree(old.frames.slot);
	xfree(old.places.slot);
	xfree(new);
}

void
stacks_free(struct stacks *s)
{
	xfree(s->item);
	xfree(s->frame);
	xfree(s->place);
	xfree(s->row);
	xfree(s->frames.slot);
	xfree(s->places.slot);
	xfree(s->todo);
	xfree(s->found);
	xfree(s->call.v);
	xfree(s->after);
	xfree(s->content);
	set_free(&s->seen);
	set_free(&s->listed);
}
