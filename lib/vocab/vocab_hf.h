/*
 * vocab_hf.h - vocabularies of Hugging Face folders: tokenizer.json; users read vocab.h.
 *
 * The format is that of the library huggingface/tokenizers, whose ids are right: text is
 * cut at added tokens, normalized, cut into words, and each word is encoded by
 * the model. vocab_hf_load.c reads the file, vocab_hf_normal.c normalizes, vocab_hf_text.c cuts,
 * vocab_hf.c encodes.
 */
#ifndef VOCAB_HF_H
#define VOCAB_HF_H

#include "charsmap.h"
#include "json.h"
#include "regex.h"
#include "unicode/normal.h"
#include "vocab_impl.h"

/* Of a piece: HF_MODEL ones are the model's, the others only added tokens. */
enum { HF_LSTRIP = 1, HF_RSTRIP = 2, HF_SINGLE_WORD = 4, HF_NORMALIZED = 8, HF_MODEL = 16 };

/* What becomes of the matches that a text is cut at. */
enum hf_behavior { HF_REMOVED, HF_ISOLATED, HF_WITH_PREVIOUS, HF_WITH_NEXT, HF_CONTIGUOUS };

enum hf_kind {
	/* normalizers */
	HF_NFC, HF_NFD, HF_NFKC, HF_NFKD, HF_REPLACE, HF_PREPEND, HF_STRIP, HF_LOWERCASE, HF_STRIP_ACCENTS,
	HF_CHARSMAP, HF_NMT, HF_SPELL,
	/* pre-tokenizers */
	HF_SPLIT, HF_BYTES, HF_METASPACE
};

/* A step of either kind. */
struct hf_step {
	enum hf_kind kind;
	struct str pattern;		/* of the regex; NULL: none */
	struct regex *regex;		/* what to find, */
	struct str literal;		/* or this, where regex is NULL */
	struct str text;		/* to put in its place, or in front */
	enum hf_behavior behavior;
	bool invert;			/* what is between the matches is what is cut at */
	bool goes_on;			/* it can cut a text that comes in parts: what hf_words_go_on() found */
	bool left, right;		/* HF_STRIP */
	enum { HF_NEVER, HF_FIRST, HF_ALWAYS } prefix; /* HF_METASPACE, HF_BYTES: whether one is put in front */
	bool split;			/* HF_METASPACE: into words */
	struct charsmap charsmap;	/* HF_CHARSMAP, in blob */
	unsigned char *blob;		/* owned */
	/* Of a normalizer, where a text comes in parts: */
	struct bytes rest;		/* what it is not sure of yet, */
	size_t enough;			/* and how much of that is worth another look */
	bool begun;			/* it took something */
	bool solid;			/* HF_STRIP: more than blanks */
};

struct hf_part {
	size_t begin, end;
	bool match;
};

/* How pieces are set beside each other when they are decoded: as they are; with a space between
 * them; with a space behind those that end with hf.suffix_text. */
enum hf_join { HF_JOIN, HF_JOIN_SPACED, HF_JOIN_SUFFIX };

struct hf {
	struct hf_step *normalizers, *pre;
	size_t n_normalizers, n_pre;
	struct bytes pre_names;		/* what the file calls the latter, with spaces between */
	bool byte_fallback, fuse_unk;
	bool spelled;			/* words are spelled in the characters that stand for bytes (bpe_char) */
	struct str suffix;		/* of a word's last character, or {NULL, 0} */
	struct str space;		/* how pieces spell a space, or {NULL, 0} */
	enum hf_join join;
	struct str suffix_text;
	uint8_t *flags;			/* of each id: HF_LSTRIP ... */
	uint32_t n_flags;
	uint8_t beside[2];		/* flags of all added tokens that are found in text, and with `special` of all */
	bool prefix_once;		/* only the first text of a line has a space of its own */
	struct json_doc *doc;		/* owned; strings above lie in it */
	struct json_flat merges;	/* which the first text reads; no key: they were read */
	struct json_doc *merges_doc;	/* owned: what struct vocab points into, or NULL */
	unsigned char *merges_text;	/* the same */
	unsigned char **added;		/* owned: spellings of added tokens in normalized text */
	size_t n_added, added_cap;
	const char *path;		/* of the file, for diagnostics */
	size_t room;			/* what a text may grow to */
	/* What is quick: the pre-tokenizer is one of pretok.h; or there is none, and the normalizer spells spaces as
	 * SPM_SPACE, with one in front where the vocabulary has space_prefix. */
	struct pretok pretok;
	bool known_words, only_spaces;
	bool exact;			/* the latter, and all comes back: U+2581 is no space */
	/* Used again and again. */
	struct bytes text[2];
	bool front;			/* the normalized text begins where the text does */
	struct bytes normal;		/* of a text that comes in parts: what is normalized and not encoded yet, */
	struct vocab_part of_normal;
	size_t enough;			/* and how much of it is worth a look */
	bool first;			/* its beginning is that of a line */
	/* Of a text that goes on, behind its words: what is known of the word that is not there yet, in open_text; it can be cut
	 * from `restart` on without a change for what follows. */
	struct hf_part open;
	const unsigned char *open_text;
	size_t restart;
	uint64_t match;			/* a bit for each step: or it lies in a match of that */
	unsigned joined;		/* 1: open_text is `joint`, text from which some was left out */
	struct bytes joint;
	size_t n_open_text;
	size_t lead;			/* bytes that are put in front of open_text */
	bool spells;			/* words are spelled in bytes' characters, other than it */
	bool inside;			/* of a word something was encoded, */
	bool unknown;			/* with characters at its end that are one unknown one with those behind */
	struct bytes spelling;
	struct hf_part *parts, *words, *old_words;
	size_t n_parts, parts_cap, n_words, words_cap, old_cap;
};

/* Whether a file begins as JSON does; the vocabulary of a tokenizer.json, and of what lies beside it in
 * the folder dir. Dies with what is wrong. */
bool hf_is(struct map m);
struct vocab *vocab_from_hf(struct map m, const char *dir, bool encode);
/* Read the merges, if that was not done. */
void hf_read_merges(struct vocab *v);
void hf_free(struct hf *h);

static inline bool
hf_has(const struct vocab *v, uint32_t id, uint8_t flag)
{
	return v->hf && id < v->hf->n_flags && v->hf->flags[id] & flag;
}
static inline bool
hf_normalized(const struct vocab *v, uint32_t id)
{
	return hf_has(v, id, HF_NORMALIZED);
}
static inline bool
hf_in_model(const struct vocab *v, uint32_t id)
{
	return hf_has(v, id, HF_MODEL);
}
static inline bool
hf_prefix_once(const struct vocab *v)
{
	return v->hf && v->hf->prefix_once;
}

void hf_prepare(struct vocab *v);
/* Compile the patterns of pre-tokenizers that were thought to be known ones. */
void hf_compile(struct hf *h);
struct taken hf_encode(struct vocab *v, const struct source *t, struct ids *out);
/* Text without added tokens, cut by the steps of h; of what goes on (`more`) as much as is certain. */
struct taken hf_encode_words(struct vocab *v, struct hf *h, const unsigned char *s, size_t n, struct vocab_part part, bool first,
	bool more, struct ids *out);
/* Whether a text can be encoded while it comes. */
bool hf_goes_on(struct vocab *v, bool special);
/* How an added token is spelled in normalized text. */
struct str hf_added_text(struct vocab *v, struct str text);

/* The text after all normalizers, in one of the two buffers or s itself. */
const unsigned char *hf_normalize(struct hf *h, const unsigned char *s, size_t *n);
/* The same of a text that comes in parts, `more` behind this one: what is certain is added to h->normal. Begins with hf_forget(). */
void hf_forget(struct hf *h);
void hf_normalize_part(struct hf *h, const unsigned char *s, size_t n, bool more);
/* Whether a normalizer is ever sure of anything before the end of a text. */
bool hf_step_goes_on(const struct hf_step *step);
/* s[0..n) as parts that match and parts that do not, in h->parts; a match may be empty. Returns where the last part ends: where more
 * stands behind, only what does not depend on that. */
size_t hf_matches(struct hf *h, const struct hf_step *step, const unsigned char *s, size_t n, bool more);
/* Texts of n bytes may grow so much: die if one does more. */
void hf_set_room(struct hf *h, size_t n);
void hf_check_room(const struct hf *h, const struct bytes *out);
/* Bytes become the characters that stand for them. */
void hf_spell(const unsigned char *s, size_t n, struct bytes *out);
/* Cut s[0..n) into h->words; returns the text that they lie in. `first`: nothing of the line
 * stands before it; `begun`: it is the rest of a text. Where `more` stands behind they are those that are certain, h->open begins where
 * they end, and hf_words_go_on() was asked before. */
const unsigned char *hf_words(struct hf *h, const unsigned char *s, size_t n, bool first, bool begun, bool more);
bool hf_words_go_on(struct hf *h);
/* Where h->open lies in a match: so many of its first bytes are enough for what follows to be cut as it is, if all between them and open_text[at]
 * is left out, which lies in it up to `end` at least. 0: none are. */
size_t hf_head(struct hf *h, size_t at, size_t end);
/* How many bytes of what hf_words() was given are in open_text[0..to). */
size_t hf_unwritten(const struct hf *h, const unsigned char *s, size_t to);
/* Steps that cut as a row of regular expressions does. */
struct hf *hf_from_pretok(const struct pretok *p, const char *path);
/* BPE of a text as one word, its spaces spelled as SPM_SPACE and what has no piece byte by byte: Gemma's, where no file says so. */
struct hf *hf_spaced(const char *path);

#endif
