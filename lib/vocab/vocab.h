/*
 * vocab.h - vocabularies: text to token ids and back.
 *
 * SentencePiece's BPE (GGUF's "llama", tokenizer.model, llama2.c's tokenizer.bin) and Unigram
 * (GGUF's "t5", tokenizer.model), byte-level BPE (GGUF's "gpt2"), and whatever a tokenizer.json
 * of Hugging Face says.
 */
#ifndef VOCAB_H
#define VOCAB_H

#include "util.h"

struct gguf;

/* What a piece is; the numbers are GGUF's tokenizer.ggml.token_type. */
enum piece_type {
	PIECE_NORMAL = 1, PIECE_UNKNOWN = 2, PIECE_CONTROL = 3, PIECE_USER = 4,
	PIECE_UNUSED = 5, PIECE_BYTE = 6
};

struct vocab;

/* The vocabulary of a model file or a folder, or a vocabulary itself, found by
 * content; of a llama2.c model: tokenizer.bin in the same folder. Dies, naming
 * the file, on bad ones. Lives until the process ends. */
struct vocab *vocab_open(const char *path);
/* The same for who is about to encode texts: what that takes is made while the file is read, where that is quicker.
 * Without it the first text makes it. */
struct vocab *vocab_open_to_encode(const char *path);
/* The same, but NULL where the file is a model that brings none. */
struct vocab *vocab_find(const char *path);
/* The tokenizer.bin in the folder of a llama2.c model; NULL if there is none. */
struct vocab *vocab_beside(const char *path);
/* The same from what is mapped already; gguf stays owned by the caller and must outlive it. */
struct vocab *vocab_from_gguf(const struct gguf *g);
struct vocab *vocab_from_llama2c(struct map m);
void vocab_free(struct vocab *v);

/* Number of pieces; at least 1, at most 2^24. */
uint32_t vocab_size(const struct vocab *v);

/* A hash of all pieces' bytes in the order of their ids (as the file holds them). */
uint64_t vocab_fingerprint(const struct vocab *v);

/* How text becomes pieces, in words: "byte-level BPE"; and what cuts it into words before that, by the names
 * that the file has for it, or "". */
const char *vocab_kind(const struct vocab *v);
struct str vocab_pre(const struct vocab *v);

/* Beginning-of-sequence id to put first, or -1. */
int32_t vocab_bos(const struct vocab *v);
/* How the BOS and the EOS token are spelled, added to texts or not; {NULL, 0}: there is none. */
struct str vocab_bos_spelling(const struct vocab *v);
struct str vocab_eos_spelling(const struct vocab *v);
/* The EOS token, and the one that stands for unknown characters, or -1. */
int32_t vocab_eos(const struct vocab *v);
int32_t vocab_unk(const struct vocab *v);
/* The chat template (jinja.h) that comes with the vocabulary, or {NULL, 0}; owned by it. */
struct str vocab_chat_template(const struct vocab *v);

/* Whether the id ends a generation (EOS, end of turn, ...). id < size. */
bool vocab_is_eog(const struct vocab *v, uint32_t id);
/* All of them, sorted, *n may be 0; owned by v. */
const uint32_t *vocab_eog(const struct vocab *v, size_t *n);
enum piece_type vocab_type(const struct vocab *v, uint32_t id);

/* The piece as the vocabulary spells it ("▁the", "Ġthe", "<0x0A>", "</s>"). id < size. */
const char *vocab_spelling(const struct vocab *v, uint32_t id, size_t *n);

/* The bytes that the id stands for in text; control tokens stand for none unless
 * `special`. id < size. The result is valid until the next call on v; *n may be 0. */
const char *vocab_text(struct vocab *v, uint32_t id, bool special, size_t *n);

/* Whether text begins with a space that is not its own (SentencePiece's dummy
 * prefix): the first text of a line, and the first behind a control or
 * user-defined piece, of which each is encoded as if it stood alone. */
bool vocab_space_prefix(const struct vocab *v);

/* vocab_text() without such spaces: what is left of a line's ids is the line's
 * text. *prefix is the state, vocab_space_prefix(v) where a line begins. */
const char *vocab_line_text(struct vocab *v, uint32_t id, bool special, bool *prefix, size_t *n);

/* Whether vocab_line_text() of id is the same wherever *prefix is false, and leaves it so. */
bool vocab_text_stays(const struct vocab *v, uint32_t id);

/*
 * The ids of a text (any bytes), without BOS, as the models' own tokenizers give
 * them; every byte string decodes to itself where the vocabulary has a piece for
 * each byte. To that end U+2581, SentencePiece's spelling of a space, is encoded
 * byte by byte; other tokenizers take it for a space.
 * User-defined pieces are found first, at each place the longest; with `special`
 * control and unknown pieces are, too.
 * Appends to *ids, an array of *cap elements that holds *n (grown with grow()).
 */
void vocab_encode(struct vocab *v, const char *text, size_t len, bool special,
	uint32_t **ids, size_t *n, size_t *cap);
/*
 * The same of a text that comes in parts: text[0..len) is the beginning of what was not taken yet, and more follows. Takes what
 * is certain and returns how many bytes are left, which stand at text[0] then and belong before what follows. All of them are left where
 * it takes more to know, or where the vocabulary has rules that ask for the whole text. *part begins with zeros; what a vocabulary changes
 * before it is encoded lies in v, so one text comes in parts at a time.
 */
struct vocab_part {
	bool begun;		/* something of what goes on was taken, */
	bool later;		/* of this text at all, */
	bool letter;		/* with a letter at its end */
	size_t enough;		/* bytes of the rest, with what follows, to try again */
	size_t context;		/* bytes of the rest that are, and only tell what the others belong to */
};
size_t vocab_encode_begun(struct vocab *v, struct vocab_part *part, char *text, size_t len, bool special,
	uint32_t **ids, size_t *n, size_t *cap);
/* And its end. */
void vocab_encode_rest(struct vocab *v, const struct vocab_part *part, const char *text, size_t len, bool special,
	uint32_t **ids, size_t *n, size_t *cap);
/* The same as vocab_encode() with `special`, but a control or unknown piece is found only where all its bytes are
 * trusted, trusted[i] for text[i]: what a stranger wrote into a text stays text. */
void vocab_encode_trusted(struct vocab *v, const char *text, size_t len, const bool *trusted,
	uint32_t **ids, size_t *n, size_t *cap);

#endif
