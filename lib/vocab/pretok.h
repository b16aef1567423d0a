/*
 * pretok.h - pre-tokenizers: how text is cut into the words that byte-level BPE
 * works on, by the names of tokenizer.ggml.pre.
 *
 * Each is a row of a table: its names and up to 6 stages. A stage cuts what the
 * stage before left whole, as "Split, isolated" does in Hugging Face's
 * tokenizers: the matches of its regular expression and what lies between them.
 * A stage is written as a function that gives the length of the first part, so
 * nothing is stored and the time is linear; rows of rare models are the
 * regular expressions themselves, for whom cuts by such (vocab_hf.h).
 */
#ifndef PRETOK_H
#define PRETOK_H

#include <stdbool.h>
#include <stddef.h>

#define PRETOK_STAGES 6

/* The bytes of the first part of s[0..n), n > 0; 0 < result <= n. */
typedef size_t pretok_fn(const unsigned char *s, size_t n);

/* What needs no look at the stages, where only ASCII stands there and behind it. */
enum pretok_plain {
	PLAIN_NONE,
	PLAIN_LETTERS,		/* a blank or none, then letters: a word */
	PLAIN_CASED,		/* so, if no capital follows a small letter and no apostrophe the word */
	PLAIN_GPT2,		/* all that GPT-2's expression cuts; */
	PLAIN_GPT2_DIGITS,	/* the same behind a stage that isolates digits */
	PLAIN_LLAMA3,		/* all that the expressions of these two cut */
	PLAIN_QWEN2
};

struct pretok {
	const char *names;		/* separated by blanks */
	pretok_fn *stage[PRETOK_STAGES]; /* those that are not NULL, */
	bool ignore_merges;		/* a word that is a piece is taken whole */
	bool add_bos;			/* unless the file says otherwise */
	enum pretok_plain plain;
	bool joins;			/* a word may hold signs, and letters beside digits */
	const char *regex[PRETOK_STAGES]; /* or what stands here, of each */
};

/* The row of a name of n bytes, or NULL. */
const struct pretok *pretok_find(const char *name, size_t n);
/* All names, separated by blanks: for a message. The caller frees it with xfree(). */
char *pretok_names(void);

/* \p{N} and what Unicode 17 has more: the pre-tokenizer Digits. */
#define PRETOK_NUMBER "[\\p{N}\\x{11DE0}-\\x{11DE9}\\x{16FF4}-\\x{16FF6}]"

/* Add a stage that isolates the matches of a regular expression, which stays where it is. False: it is not one of those known. */
bool pretok_add(struct pretok *p, const char *regex, size_t n);

/* How far a text is cut: bytes of each stage's current part. Begin with zeros. */
struct pretok_state {
	size_t left[PRETOK_STAGES];
};
/* The bytes of the next word; s[0..n), n > 0, is all the text that is left, and stays until all of it is cut: then
 * another text may begin. PRETOK_PAD bytes behind it can be read, or `padded` is false, which takes longer.
 * Not for rows of regular expressions, nor is what follows: vocab_hf.h cuts as they say. */
#define PRETOK_PAD 16
size_t pretok_next(const struct pretok *p, struct pretok_state *st, const unsigned char *s, size_t n, bool padded);

/*
 * Where a text that goes on behind s[0..n) can be cut: what is before `cut` and what is behind it have the same words as if they
 * stood together. 0: nowhere; then perhaps it ends within a word that is longer than what is here, from `word` on, and where that ends
 * does not change if all between its first `head` bytes and some later place in s is left out; head 0: not even that.
 */
struct pretok_end {
	size_t cut, word, head;
};
struct pretok_end pretok_end(const struct pretok *p, struct pretok_state *st, const unsigned char *s, size_t n);

#endif
