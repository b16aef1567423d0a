/* round.h - for harnesses of vocabularies: text to ids and back. */
#ifndef FUZZ_ROUND_H
#define FUZZ_ROUND_H

#include "fuzz.h"

#include "vocab/vocab_impl.h"

#include "../unit/parts.h"

#include <stdlib.h>
#include <string.h>

/* Whether every text comes back: a piece for every byte, and none that is written
 * otherwise than it is found. */
static inline bool
all_comes_back(const struct vocab *v)
{
	if (v->hf || v->sp) /* which may change text, and leave some out */
		return false;
	for (int b = 0; b < 256; b++)
		if (v->byte_id[b] == NO_ID)
			return false;
	for (uint32_t id = 0; id < v->n; id++)
		if (vocab_type(v, id) == PIECE_USER)
			return false;
	return true;
}

/* Encode and decode as llm-tok and llm-detok do; ids is the caller's to free. */
static inline void
round_trip(struct vocab *v, const char *text, size_t n, bool special, uint32_t **ids)
{
	size_t n_ids = 0, cap = 0, at = 0;
	bool prefix = vocab_space_prefix(v);
	vocab_encode(v, text, n, special, ids, &n_ids, &cap);
	bool exact = !special && all_comes_back(v);
	for (size_t i = 0; i < n_ids; i++) {
		size_t len;
		CHECK((*ids)[i] < vocab_size(v));
		const char *s = vocab_line_text(v, (*ids)[i], special, &prefix, &len);
		hash_bytes((const unsigned char *)s, len);
		if (exact)
			CHECK(len <= n - at && !memcmp(s, text + at, len));
		at += len;
	}
	CHECK(!exact || at == n);
	uint32_t *parts = NULL;
	size_t parts_cap = 0;
	for (size_t step = 1; step <= 256; step *= 5) {
		CHECK(encode_parts(v, text, n, special, step, &parts, &parts_cap) == n_ids);
		CHECK(!n_ids || !memcmp(parts, *ids, n_ids * sizeof *parts));
	}
	xfree(parts);
}

/* Whatever can be asked about every piece. */
static inline void
ask_pieces(struct vocab *v)
{
	size_t n_eog, eogs = 0;
	const uint32_t *eog = vocab_eog(v, &n_eog);
	CHECK(vocab_size(v) >= 1 && vocab_bos(v) < (int64_t)vocab_size(v));
	vocab_fingerprint(v);
	for (uint32_t id = 0; id < vocab_size(v); id++) {
		size_t n;
		const char *s = vocab_spelling(v, id, &n);
		hash_bytes((const unsigned char *)s, n); /* they can be read */
		s = vocab_text(v, id, id & 1, &n);
		hash_bytes((const unsigned char *)s, n);
		eogs += vocab_is_eog(v, id);
		CHECK(vocab_type(v, id) >= PIECE_NORMAL && vocab_type(v, id) <= PIECE_BYTE);
	}
	CHECK(eogs == n_eog);
	for (size_t i = 1; i < n_eog; i++)
		CHECK(eog[i - 1] < eog[i]);
}

/* The input of these harnesses: u8 n, n bytes of text, and the file. */
struct vocab_case {
	const char *text;
	size_t n;
	struct map map;
	unsigned char *copy; /* of the file: its very size */
};

static inline bool
vocab_case(struct vocab_case *c, const unsigned char *data, size_t n, const char *path)
{
	if (n < 3 || n < (size_t)data[0] + 2)
		return false;
	c->text = (const char *)data + 1;
	c->n = data[0];
	c->map = (struct map){path, data + 1 + c->n, n - 1 - c->n};
	c->map.data = c->copy = malloc(c->map.size);
	memcpy(c->copy, data + 1 + c->n, c->map.size);
	return true;
}

static inline void
use_vocab(struct vocab *v, const struct vocab_case *c)
{
	uint32_t *ids[3] = {0};
	ask_pieces(v);
	round_trip(v, c->text, c->n, false, &ids[0]);
	round_trip(v, c->text, c->n, true, &ids[1]);
	round_trip(v, "", 0, false, &ids[2]);
	for (int i = 0; i < 3; i++)
		xfree(ids[i]);
	vocab_free(v);
}

#endif
