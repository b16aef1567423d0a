/*
 * rows.h - the logits stream, llm-logits(5): a text header, then rows, binary or text.
 */
#ifndef ROWS_H
#define ROWS_H

#include "tokens.h"

#define ROW_ANSWER 1u	/* the last token of a line: an answer is wanted here */
#define ROW_REPLY 2u	/* the token came from the sampler */
#define ROW_FULL 4u	/* the context is full: no token can follow */
#define ROW_LONG 8u	/* hidden states: positions were turned as in a long context */
#define ROW_AGAIN 16u	/* hidden states: made anew, to be answered no more */
#define ROW_MORE 32u	/* an answer, and the next line of its sequence has been read */

/* What the floats of a row are. */
enum rows_kind {
	ROWS_LOGITS, ROWS_HIDDEN, ROWS_EMBEDDING,
	ROWS_ANY	/* for readers */
};

/* Four little-endian u32 precede the floats of a row. */
struct row_head {
	uint32_t sequence;	/* from 0; an empty line begins the next */
	uint32_t position;	/* of the token in its sequence, from 0 */
	uint32_t token;		/* just fed; the logits are for the one after it */
	uint32_t flags;		/* ROW_... */
};

struct rows_header {
	struct origin origin;
	enum rows_kind kind;
	bool text;		/* the rows are lines of text */
	uint32_t width;		/* floats a row; at least 1 */
	uint32_t layer;		/* of hidden states: they went through so many layers */
	bool has_layer;
	uint32_t sequences;	/* so many may be under way at once; 0: one */
	char *reply;		/* path of the reply channel, or NULL */
	uint32_t *eog;		/* ids that end a generation */
	size_t n_eog;
	bool has_eog;		/* whether the header says which */
	char *others;		/* lines of keys that are not known here, or NULL */
};

/* Write the header to descriptor fd. */
void rows_header_write(int fd, const struct rows_header *h);
/* Write n rows of `width` floats, one behind the other, all at once. */
void rows_write(int fd, const struct row_head *r, size_t n, const float *x, uint32_t width);

/*
 * Memory for n rows of logits that are written one at a time: each begins a page with its head, as
 * it goes out, since the pages of a pipe are copied twice as fast from the beginning of a page.
 * Returns the floats of the first; those of the next lie rows_apart() floats behind. To be freed
 * with rows_room_free().
 */
float *rows_room(size_t n, size_t width);
size_t rows_apart(size_t width);
void rows_room_free(float *x);

/*
 * A pipe may be lent the memory of large rows and not be given a copy (Linux: vmsplice(2)). For
 * that the reader must take them with read(2), as a tee(2) or splice(2) would hold the memory on, and
 * rows that lie in the pipe must not change.
 */
struct rows_loan {
	bool on;		/* the reader has said so */
	bool lent;		/* rows may be in the pipe still */
};

/* Write a row that lies in a rows_room(); it is lent if `loan` (NULL: none) is on. */
void row_write(int fd, const struct row_head *r, float *x, uint32_t width, struct rows_loan *loan);
/* Wait until the reader has all that was lent, or has left: the memory is ours again. */
void rows_wait_read(int fd, struct rows_loan *loan);

/* Write one row as a line of text. */
void rows_write_text(int fd, const struct row_head *r, const float *x, uint32_t width);
/* Print x with the fewest digits that strtof(3) reads as x, nine at most; returns the length. */
enum { FLOAT_TEXT = 32 };
size_t float_print(char s[FLOAT_TEXT], float x);

struct row_reader {
	int in, out;		/* as in read_some() */
	const char *name;
	enum rows_kind want;	/* the kind that is read here */
	struct rows_header h;
	uint64_t n;		/* rows read */
	struct row_head row;
	float *x;		/* h.width floats of the last row, in buf or of its own */
	unsigned char *buf;	/* the last row as it came; of text: what was read ahead */
	size_t at, have;
};

/* Read the header. False: the input ended before it began. Dies on any other
 * trouble: not our stream, another version, malformed, other rows than logits. */
bool rows_open(struct row_reader *r, int in, int out, const char *name);
/* The same for rows of that kind, or any. */
bool rows_open_kind(struct row_reader *r, enum rows_kind kind, int in, int out, const char *name);
/* Read the next row into r->row and r->x. False at the end; dies if cut in a row. */
bool rows_next(struct row_reader *r);
/* Whether a row, or its beginning, is there already. */
bool rows_ready(const struct row_reader *r);
/* The highest of n numbers, -INFINITY of none; *bad is set where one is NaN or +infinity. */
float rows_highest(const float *x, size_t n, bool *bad);
/* Die, naming the last row, if its logits are `bad` or the best one is -INFINITY. */
void rows_check(const struct row_reader *r, float best, bool bad);
/* The highest logit of the last row. Dies, naming the row, where one is NaN or +infinity
 * or none is finite. */
float rows_best(const struct row_reader *r);
/* Die of what is wrong with the last row. */
_Noreturn void rows_bad(const struct row_reader *r, const char *what);
void rows_free(struct row_reader *r);

#endif
