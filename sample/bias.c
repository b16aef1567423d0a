/* bias.c - what the user adds to the logits of single tokens; see bias.h. */
#include "bias.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
add(struct biases *b, uint32_t id, float value)
{
	b->of = grow(b->of, &b->cap, b->n + 1, sizeof *b->of);
	b->of[b->n++] = (struct bias){id, value};
}

void
bias_option(struct biases *b, const char *arg)
{
	const char *equals = strrchr(arg, '=');
	if (!equals || equals == arg)
		die_usage("-b '%s': it needs an id or a text, = and a number, as in -b 13=-2", arg);
	const float value = strcmp(equals + 1, "-inf") ? (float)arg_double('b', equals + 1, -1e6, 1e6) : -INFINITY;
	const size_t n = (size_t)(equals - arg);
	if (strspn(arg, "0123456789") >= n) {
		const unsigned long long id = strtoull(arg, NULL, 10);
		if (n > 10 || id > UINT32_MAX)
			die_usage("-b '%s': no vocabulary has that id", arg);
		add(b, (uint32_t)id, value);
		return;
	}
	b->texts = grow(b->texts, &b->texts_cap, b->n_texts + 1, sizeof *b->texts);
	struct bias_text *t = &b->texts[b->n_texts++];
	*t = (struct bias_text){xstrdup(arg), value};
	t->text[n] = '\0';
}

void
bias_find(struct biases *b, struct vocab *v, const char *model)
{
	for (size_t i = 0; i < b->n_texts; i++) {
		const struct bias_text *t = &b->texts[i];
		const size_t before = b->n, len = strlen(t->text);
		for (uint32_t id = 0; id < vocab_size(v); id++) {
			size_t n;
			const char *text = vocab_text(v, id, true, &n);
			if (n == len && !memcmp(text, t->text, n))
				add(b, id, t->add);
		}
		if (b->n == before)
			die("-b '%s': no single token of %s stands for this text; llm-tok shows those that it is cut into",
				t->text, model);
	}
}

void
bias_check(const struct biases *b, uint32_t width)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->of[i].id >= width)
			die("-b %u: no token has that id: the stream's rows have %u logits", b->of[i].id, width);
}

void
bias_apply(const struct biases *b, struct logits *row)
{
	for (size_t i = 0; i < b->n; i++)
		logits_set(row, b->of[i].id, row->x[b->of[i].id] + b->of[i].add);
}
