/*
 * tokens.h - the token stream, llm-tokens(5): lines of decimal ids.
 */
#ifndef TOKENS_H
#define TOKENS_H

#include "util.h"

/* Which model, and which vocabulary, a stream belongs to; both streams say it. */
struct origin {
	char *model;		/* path, or NULL: unknown */
	uint32_t n_vocab;	/* pieces; 0: unknown */
	bool has_print;		/* whether `print` is known */
	uint64_t print;		/* the vocabulary's fingerprint */
};

/* Take "model ..." or "vocab N HEX", a header line of either stream without its
 * "# ", into o. False: it is neither. Dies, naming `name`, if it is malformed. */
bool origin_line(struct origin *o, const char *line, const char *name);
#define ORIGIN_MAX (1 << 14)
/* Print the two lines, each behind `lead`, into buf; returns the length. Dies if
 * the path cannot be said in one line. */
size_t origin_print(const struct origin *o, const char *lead, char *buf, size_t size);
/* Die if the stream's vocabulary and ours are not the same. */
void origin_check(const struct origin *stream, const struct origin *ours, const char *name);

/* What the reader found next. */
enum token_event {
	TOKENS_ID,	/* an id; r->id */
	TOKENS_REWIND,	/* "@N" first on a line; r->rewind */
	TOKENS_HEADER,	/* a header line was taken into r->origin */
	TOKENS_EOL,	/* a line ended; r->count ids were on it; r->cut: by the end of the stream */
	TOKENS_END	/* the end of the stream */
};

/* Which pipe: its device and its inode, as fstat(2) has them. */
struct pipe_id {
	uintmax_t device, inode;
};
/* That of a descriptor; of one that is no pipe, 0 0. */
struct pipe_id pipe_of(int fd);

/* A reader. It works on what has arrived: an id is told as soon as the blank or
 * newline behind it is there, and input is waited for only when none is left. */
struct token_reader {
	int in, out;		/* descriptors; out as in read_some() */
	const char *name;	/* for diagnostics */
	unsigned char *buf;
	size_t at, have;	/* in buf: the next byte, the end */
	bool any;		/* whether a byte was read at all */
	bool eof;
	bool inside;		/* a line has begun */
	size_t line;		/* number of the current line, from 1 */
	/* what token_next() found */
	struct origin origin;
	uint32_t id, rewind;
	double note;		/* of the id: its log-probability; NAN: none, or no number */
	size_t count;		/* ids on the current line so far */
	bool rewound;		/* the line began with @N */
	bool cut;		/* the line was ended by the end of the stream */
	uint32_t sequence;	/* whose lines follow, of several at once */
	bool last;		/* nobody waits for rows of the line that follows; the caller clears it */
	uint32_t sequences;	/* so many at once does the writer know to tell apart; 0: it did not say */
	struct pipe_id pipe;	/* that the writer reads, with read(2) and itself; 0: it did not say */
	/* Called before input is waited for, to flush what is ready; may be NULL. */
	void (*idle)(void *arg);
	void *idle_arg;
	/* Called before the program dies of what is wrong in the stream; may be NULL. */
	void (*last_words)(void *arg);
	void *last_words_arg;
};

/* The caller frees with token_reader_free(). */
void token_reader_init(struct token_reader *r, int in, int out, const char *name);
void token_reader_free(struct token_reader *r);
enum token_event token_next(struct token_reader *r);
/* The same if it is here already; false: it is not, or not whole. */
bool token_poll(struct token_reader *r, enum token_event *e);
/* Take what comes next, as long as it is ids without notes, a blank between two, and ends of lines (TOKEN_EOL), and is
 * here already: up to max of them, which are TOKENS_PLAIN at least. */
enum { TOKENS_PLAIN = 64 };
#define TOKEN_EOL UINT32_MAX
size_t token_plain(struct token_reader *r, uint32_t *ids, size_t max);
/* What is wrong will be said next: have the last words. */
void token_reader_fails(struct token_reader *r);

/* Write the stream's header to a descriptor. */
void token_header_write(int fd, const struct origin *o);

#endif
