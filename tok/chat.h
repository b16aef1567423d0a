/*
 * chat.h - a conversation, written as the model's own template says (llm-tok -c).
 */
#ifndef CHAT_H
#define CHAT_H

#include "vocab/vocab.h"

struct chat;

/* With the template of a vocabulary; path, for diagnostics, and system, the system
 * message or NULL, must outlive it. Dies where the model has no template. */
struct chat *chat_new(const struct vocab *v, const char *path, const char *system);
void chat_free(struct chat *c);

/* What the model is to see next. */
struct chat_text {
	char *text;
	bool *trusted;		/* whether text[i] was written by the template, not by a person */
	size_t n;
};

/*
 * A user says text[0..len): all that stands before the answer, or behind the last
 * one. The answers themselves are not known here; the conversation is rendered with
 * a mark in the place of each, and what follows the last mark is taken. Dies with
 * what the template raises. Owned by c, valid until the next call.
 */
const struct chat_text *chat_user(struct chat *c, const char *text, size_t len);

/* The conversation is over; the next begins as the first did. */
void chat_end(struct chat *c);

#endif
