/* figures.c - what a turn took; see figures.h. */
#include "figures.h"

#include "compat.h"
#include "text.h"

static void
count(const struct figures *f, struct turn_figures *t, uint64_t *of, size_t n)
{
	if (!f || !t->begun)
		return;
	t->last = seconds_now();
	if (t->first <= 0)
		t->first = t->last;
	*of += n;
}

void
figures_tokens(const struct figures *f, struct turn_figures *t, size_t n)
{
	count(f, t, &t->tokens, n);
}

void
figures_prompt(const struct figures *f, struct turn_figures *t, size_t n)
{
	count(f, t, &t->prompt, n);
}

/* Tokens a second, where there were any. */
static void
rate(struct bytes *line, const char *key, uint64_t tokens, double seconds)
{
	if (tokens && seconds > 0)
		bytes_print(line, " %s=%.2f", key, (double)tokens / seconds);
}

void
figures_end(struct figures *f, struct turn_figures *t, uint32_t sequence)
{
	struct bytes line = {NULL, 0, 0};
	const double first = t->first - t->start, all = t->last - t->start;
	if (!f || !t->begun)
		return;
	t->begun = false;
	bytes_print(&line, "turn=%ju sequence=%u", (uintmax_t)++f->turns, sequence);
	if (t->prompt) {
		bytes_print(&line, " prompt=%ju", (uintmax_t)t->prompt);
		rate(&line, "prompt_rate", t->prompt, first);
	}
	bytes_print(&line, " tokens=%ju", (uintmax_t)t->tokens);
	if (t->prompt || t->tokens)
		bytes_print(&line, " seconds=%.6f first=%.6f", all, first);
	rate(&line, "rate", t->tokens, t->prompt ? all - first : all);
	const size_t memory = resident_bytes();
	if (memory)
		bytes_print(&line, " memory=%zu", memory);
	warn("%.*s", (int)line.n, (const char *)line.s);
	xfree(line.s);
}
