/*
 * reply.h - the way back to the model: the reply channel of llm-logits(5), or the
 * file of -r.
 */
#ifndef REPLY_H
#define REPLY_H

#include "stream/tokens.h"

enum reply_kind {
	REPLY_NONE,	/* a recording: nobody listens */
	REPLY_CHANNEL,	/* the FIFO that llm-fwd made */
	REPLY_HAND	/* -r: what the user made; one turn, then it is closed */
};

struct reply {
	enum reply_kind kind;
	int fd;			/* -1: none, or closed by either end */
	const char *path;	/* not owned */
	uint32_t sequences;	/* so many at once may be replied to; 0: one */
	uint32_t sequence;	/* to which the lines belong that were written last */
};

/*
 * Open the channel that a stream's header names, or take the stream for a
 * recording if nothing is there (path NULL: none named) or nobody reads from it.
 * The path is not trusted: dies where it leads to anything else than a FIFO of
 * this user in a directory of this user. Says hello, that several sequences are told apart, and which pipe
 * `in` is, that of the rows.
 */
void reply_open(struct reply *r, const char *path, uint32_t sequences, int in);
/* Open the user's own file, which must exist; waits for the reader of a FIFO. */
void reply_open_file(struct reply *r, const char *path);

/* What follows is for that sequence. */
void reply_to(struct reply *r, uint32_t sequence);

/* All of these do nothing where fd is -1, and set it so when the other end has
 * closed: what that means, the rows will tell. */
void reply_token(struct reply *r, uint32_t id);
/* Of what follows up to the end of the turn nobody waits for the rows. */
void reply_last(struct reply *r);
/* The context goes back to its first `position` tokens, and on with these. */
void reply_instead(struct reply *r, uint32_t position, const uint32_t *ids, size_t n);
/* The turn is over: an empty line, or by hand the end. */
void reply_end(struct reply *r);
void reply_close(struct reply *r);

#endif
