/*
 * pieces.h - the texts of a vocabulary's pieces as a tree of their bytes.
 *
 * Nodes are in the order of a walk from the root, children by their byte, so that the tree
 * is read from front to back, and what begins with the same bytes is skipped or taken at once.
 */
#ifndef PIECES_H
#define PIECES_H

#include "vocab/vocab.h"

struct piece_node {
	uint32_t end;		/* the first node that is not below this one */
	uint32_t first;		/* pieces that end here: id[first] to the first of the next node */
};

struct pieces {
	struct piece_node *node;	/* 0: the root, whose pieces are of no bytes; one more than there are */
	unsigned char *byte;		/* that leads to each node */
	size_t n_nodes, cap_nodes;
	uint32_t *id;			/* in the order of their texts */
	uint8_t *prefix;		/* of each in id[]: vocab_line_text()'s state behind it */
	size_t n;
	bool plain;			/* these are all false */
	size_t depth;			/* bytes of the longest */
};

/* A piece as it is read with vocab_line_text() in the state *prefix; NULL: it is no text, as control and unknown pieces
 * and those that end a generation are none. */
const char *piece_text(struct vocab *v, uint32_t id, bool *prefix, size_t *n);
/* All pieces below id `width` that are text. */
void pieces_build(struct pieces *p, struct vocab *v, uint32_t width, bool prefix);
void pieces_free(struct pieces *p);

#endif
