/*
 * vocab_hf.h - vocabularies of Hugging Face folders: tokenizer.json; users read vocab.h.
 *
 * The format is that of the library huggingface/tokenizers, whose ids are right: text is
 * cut at added tokens, normalized, cut into words, and each word is encoded by
 * the model. vocab_hf_load.c reads the file, vocab_hf.c encodes.
 */
#ifndef VOCAB_HF_H
#define VOCAB_HF_H

#include "json.h"
#include "normal.h"
#include "regex.h"
#include "vocab_impl.h"

/* Of an added token. */
enum { HF_LSTRIP = 1, HF_RSTRIP = 2, HF_SINGLE_WORD = 4, HF_NORMALIZED = 8 };

/* What becomes of the matches that a text is cut at. */
enum hf_behavior { HF_REMOVED, HF_ISOLATED, HF_WITH_PREVIOUS, HF_WITH_NEXT, HF_CONTIGUOUS };

enum hf_kind {
	/* normalizers */
	HF_NFC, HF_NFD, HF_NFKC, HF_NFKD, HF_REPLACE, HF_PREPEND, HF_STRIP,
	/* pre-tokenizers */
	HF_SPLIT, HF_BYTES, HF_METASPACE
};

/* A step of either kind. */
struct hf_step {
	enum hf_kind kind;
	struct regex *regex;		/* what to find, */
	struct str literal;		/* or this, where regex is NULL */
	struct str text;		/* to put in its place, or in front */
	enum hf_behavior behavior;
	bool invert;			/* what is between the matches is what is cut at */
	bool left, right;		/* HF_STRIP */
	enum { HF_NEVER, HF_FIRST, HF_ALWAYS } prefix; /* HF_METASPACE, HF_BYTES: whether one is put in front */
	bool split;			/* HF_METASPACE: into words */
};

struct hf_part {
	size_t begin, end;
	bool match;
};

struct hf {
	struct hf_step *normalizers, *pre;
	size_t n_normalizers, n_pre;
	bool unigram, byte_fallback, fuse_unk;
	double *scores;			/* of a Unigram's pieces */
	double unk_score;
	uint8_t *flags;			/* of each id: HF_LSTRIP ... */
	uint32_t n_flags;
	bool prefix_once;		/* only the first text of a line has a space of its own */
	struct json_doc *doc, *config;	/* owned; strings above lie in them */
	unsigned char *pieces, *merges;	/* owned: what struct vocab points into */
	char *paths;
	/* Used again and again. */
	struct bytes text[2];
	struct hf_part *parts, *words;
	size_t n_parts, parts_cap, n_words, words_cap;
	struct hf_node {
		double score;
		size_t from;
		uint32_t id;
	} *nodes;
	size_t nodes_cap;
};

/* The vocabulary of a folder, or of a tokenizer.json itself; NULL: path is neither, or
 * the folder has none. Dies with what is wrong. */
struct vocab *hf_vocab_find(const char *path);
void hf_free(struct hf *h);

static inline bool
hf_normalized(const struct vocab *v, uint32_t id)
{
	return v->hf && id < v->hf->n_flags && v->hf->flags[id] & HF_NORMALIZED;
}
static inline bool
hf_prefix_once(const struct vocab *v)
{
	return v->hf && v->hf->prefix_once;
}

void hf_prepare(struct vocab *v);
void hf_encode(struct vocab *v, const struct source *t, struct ids *out);

#endif
