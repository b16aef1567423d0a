/*
 * vocab_unigram.c - Unigram models (Kudo 2018, arXiv:1804.10959): of all ways to write a text in pieces the
 * one with the highest sum of scores is taken, which is found byte by byte: the best way to each place.
 */
#include "vocab_hf.h"
#include "vocab_impl.h"

#include "unicode.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Longer pieces are not looked for: the search would take that much a byte of text. */
#define PIECE_LONGEST 1024

void
byte_pieces_index(struct vocab *v)
{
	memset(v->byte_id, 0xFF, sizeof v->byte_id);
	for (uint32_t id = odd_piece(v, 0); id < v->n; id = odd_piece(v, id + 1)) {
		uint32_t n;
		const unsigned char *p = vocab_type(v, id) == PIECE_BYTE ? piece(v, id, &n) : NULL;
		if (p)
			v->byte_id[byte_spelling(p, n)] = id;
	}
}

/* Whether text can become this piece. */
static bool
findable(const struct vocab *v, uint32_t id)
{
	enum piece_type type = vocab_type(v, id);
	if (v->hf)
		return (type == PIECE_NORMAL || type == PIECE_USER) && hf_in_model(v, id);
	return type == PIECE_NORMAL || type == PIECE_USER;
}

/* The scores of a GGUF file or a tokenizer.model, and of what is not among them: as SentencePiece has it. */
static void
read_scores(struct vocab *v)
{
	struct unigram *u = v->unigram;
	float least = FLT_MAX;
	u->single = true;
	u->scores = xcalloc(v->n, sizeof *u->scores);
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t n;
		float f = lef32(v->scores + 4 * (size_t)id);
		piece(v, id, &n);
		if (vocab_type(v, id) == PIECE_USER) /* so that it is always taken */
			f = (float)(0.1 * ((double)n - 1));
		else if (vocab_type(v, id) == PIECE_NORMAL && f < least)
			least = f;
		u->scores[id] = f == f ? (double)f : -1e9;
	}
	u->unk_score = (double)(least - 10);
}

void
unigram_prepare(struct vocab *v)
{
	struct unigram *u = v->unigram;
	size_t n = 0;
	if (!u->scores)
		read_scores(v);
	byte_pieces_index(v);
	u->pieces.list = xcalloc(v->n, sizeof *u->pieces.list);
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t len;
		const unsigned char *p = piece(v, id, &len);
		if (findable(v, id) && len && len <= PIECE_LONGEST)
			u->pieces.list[n++] = (struct special){p, len, id};
	}
	specials_ready(&u->pieces, n);
}

void
unigram_free(struct unigram *u)
{
	if (!u)
		return;
	xfree(u->scores);
	xfree(u->pieces.list);
	xfree(u->nodes);
	xfree(u->ends);
	xfree(u);
}

/* A way to place `to` by a piece (or NO_ID) from place `from`. */
static void
way(struct unigram *u, size_t from, size_t to, double score, uint32_t id)
{
	struct unigram_node *node = u->nodes + to;
	double sum = u->nodes[from].score + score;
	if (u->single)
		sum = (double)(float)sum;
	if (node->from == SIZE_MAX || sum > node->score)
		*node = (struct unigram_node){sum, from, id};
}

/* Large sums would drown the scores: as SentencePiece, begin anew. What lies ahead is within a piece's reach. */
#define SCORE_RESET 100000
static void
reset_scores(struct unigram *u, size_t i, size_t n)
{
	const double offset = u->nodes[i].score;
	for (size_t k = i; k <= n && k - i <= PIECE_LONGEST; k++)
		if (k == i || u->nodes[k].from != SIZE_MAX)
			u->nodes[k].score = (double)((float)u->nodes[k].score - (float)offset);
}

static void
search(struct unigram *u, const unsigned char *s, size_t n)
{
	u->nodes = grow(u->nodes, &u->nodes_cap, n + 1, sizeof *u->nodes);
	for (size_t i = 0; i <= n; i++)
		u->nodes[i] = (struct unigram_node){0, SIZE_MAX, NO_ID};
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		bool single = false;
		if (u->single && fabs(u->nodes[i].score) > SCORE_RESET)
			reset_scores(u, i, n);
		struct prefix p = {0, 0, 0};
		len = utf8_next(s + i, n - i, &cp);
		while (p.n < n - i && specials_narrow(&u->pieces, &p, s[i + p.n])) {
			const struct special *found = u->pieces.list + p.lo;
			if (found->n != p.n)
				continue;
			while (found + 1 < u->pieces.list + p.hi && found[1].n == p.n)
				found++; /* the last of the same spelling */
			way(u, i, i + p.n, u->scores[found->id], found->id);
			single |= p.n == len;
		}
		if (!single)
			way(u, i, i + len, u->unk_score, NO_ID);
	}
}

void
unigram_encode(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	struct unigram *u = v->unigram;
	search(u, s, n);
	u->n_ends = 0;
	for (size_t i = n; i; i = u->nodes[i].from) {
		u->ends = grow(u->ends, &u->ends_cap, u->n_ends + 1, sizeof *u->ends);
		u->ends[u->n_ends++] = i;
	}
	size_t unknown = SIZE_MAX; /* where a run of unknown characters began */
	while (u->n_ends) {
		const size_t end = u->ends[--u->n_ends];
		const struct unigram_node *node = u->nodes + end;
		if (node->id == NO_ID && unknown == SIZE_MAX)
			unknown = node->from;
		if (unknown != SIZE_MAX && (node->id != NO_ID || !u->n_ends)) {
			size_t to = node->id == NO_ID ? end : node->from;
			emit_unknown(v, s + unknown, to - unknown, out);
			unknown = SIZE_MAX;
		}
		if (node->id != NO_ID)
			emit(out, node->id);
	}
}

void
emit_unknown(struct vocab *v, const unsigned char *p, size_t n, struct ids *out)
{
	for (size_t i = 0; i < n; i++)
		if (v->byte_id[p[i]] == NO_ID) {
			if (v->unk >= 0)
				emit(out, (uint32_t)v->unk);
			return;
		}
	for (size_t i = 0; i < n; i++)
		emit(out, v->byte_id[p[i]]);
}
