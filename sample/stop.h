/*
 * stop.h - texts that end a turn: what the user named with -u, and the end of line number -N.
 *
 * A text may lie across tokens, so those that could be the beginning of one are held back until
 * it is clear that they are not.
 */
#ifndef STOP_H
#define STOP_H

#include "text.h"
#include "vocab/vocab.h"

/* Shared by all sequences. */
struct stops {
	struct str *text;	/* none is empty */
	size_t n, cap;
	long lines;		/* 0: no limit */
	struct vocab *v;	/* set before the first turn */
};

/* A token that is not written yet. */
struct held {
	uint32_t id;
	double note;		/* NAN: none */
	size_t end;		/* of its text in held_back.text */
};

/* A turn's. Begins as 0. */
struct held_back {
	struct held *token;
	size_t n, cap;
	struct bytes text;
	long lines;		/* newlines so far */
	bool prefix;		/* see vocab_line_text() */
};

/* Dies on an empty text. */
void stop_option(struct stops *s, const char *text);
static inline bool
stops_any(const struct stops *s)
{
	return s->n || s->lines;
}

/* A turn begins; `at_start`: of a line of output. */
void stop_begin(const struct stops *s, struct held_back *h, bool at_start);
/*
 * A token was drawn. *ready = how many of those held back may be written. True: the turn ends, what is
 * behind these belongs to the text that ends it, but for the first *rest bytes of the next one's.
 */
bool stop_take(const struct stops *s, struct held_back *h, struct held token, size_t *ready, size_t *rest);
/* The first n were written. */
void stop_drop(struct held_back *h, size_t n);
/* Append the ids of pieces that together are just this text, as long ones as there are; where it has none for
 * a byte, that is left out. */
void stop_spell(const struct stops *s, const unsigned char *text, size_t n, uint32_t **ids, size_t *n_ids, size_t *cap);
void stop_free(struct held_back *h);

#endif
