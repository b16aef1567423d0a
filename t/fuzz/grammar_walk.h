/*
 * grammar_walk.h - what the harnesses of gbnf, ere and schema share: a notation is refused in a line, or what was
 * read can run: the shortest text is as short as it says.
 */
#ifndef GRAMMAR_WALK_H
#define GRAMMAR_WALK_H

#include "fuzz.h"
#include "grammar/stacks.h"

/* What follows at a place's base follows there, too, and no later; so do the characters of its run. */
static void
check_base(struct stacks *s, place p)
{
	const place base = s->place[p].base;
	const struct run r = stacks_run(s, base);
	for (uint32_t c = 0; c < s->g->n_classes; c++) {
		const place to = stacks_next(s, p, c), from = stacks_next(s, base, c);
		CHECK(from == PLACE_NONE || s->place[to].need <= s->place[from].need);
	}
	for (unsigned b = 0; b < 0x80 && r.n; b++)
		CHECK(!(r.loops & LOOPS_ASCII(s->g->class[b])) || s->place[stacks_next(s, p, s->g->class[b])].need <= r.need);
}

static void
grammar_walk(const struct grammar *g, const unsigned char *data, size_t n)
{
	struct stacks s;
	stacks_init(&s, g);
	place p = stacks_start(&s);
	for (size_t i = 0; i < n && i < 64; i++) {
		place to = stacks_next(&s, p, g->class[data[i]]);
		if (to == PLACE_NONE)
			break;
		CHECK(s.place[p].need <= s.place[to].need || s.place[p].need == s.place[to].need + 1);
		p = to;
		if (i % 8 == 3)
			check_base(&s, p);
		if (i == 8) {
			place *keep[] = {&p};
			stacks_forget(&s, keep, 1);
		}
	}
	for (int i = 0; i < 200 && s.place[p].need && s.place[p].need != FOREVER; i++) {
		place best = PLACE_NONE;
		for (uint32_t c = 0; c < g->n_classes && best == PLACE_NONE; c++) {
			place to = stacks_next(&s, p, c);
			if (s.place[to].need == s.place[p].need - 1)
				best = to;
		}
		CHECK(best != PLACE_NONE);
		p = best;
	}
	stacks_free(&s);
}

const size_t fuzz_base = 1 << 29;

struct input {
	const unsigned char *data;
	size_t n;
	struct grammar *g;
};

/* The harness's own: read the bytes as a grammar, or die. */
static struct grammar *read_grammar(const unsigned char *data, size_t n);

static void
read_it(void *arg)
{
	struct input *in = arg;
	in->g = read_grammar(in->data, in->n);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct input in = {data, n, NULL};
	if (fuzz_try(read_it, &in))
		grammar_walk(in.g, data, n);
	else
		CHECK(fuzz_err.n > 0);
}

#endif
