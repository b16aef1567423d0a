/*
 * bias.h - what the user adds to the logits of single tokens: -b ID=VALUE, -b TEXT=VALUE.
 */
#ifndef BIAS_H
#define BIAS_H

#include "logits.h"
#include "vocab/vocab.h"

struct biases {
	struct bias {
		uint32_t id;
		float add;	/* -INFINITY: never to be drawn */
	} *of;
	size_t n, cap;
	struct bias_text {
		char *text;	/* of the pieces that are meant */
		float add;
	} *texts;
	size_t n_texts, texts_cap;
};

/* Take the value of an option -b; dies on a bad one. */
void bias_option(struct biases *b, const char *arg);
/* Find the pieces that were given as text; dies where there is none. */
void bias_find(struct biases *b, struct vocab *v, const char *model);
/* Die where an id is not one of a row's `width`. */
void bias_check(const struct biases *b, uint32_t width);
/* Add them. */
void bias_apply(const struct biases *b, struct logits *row);

#endif
