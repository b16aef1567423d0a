/*
 * vocab_unigram.c - Unigram models (Kudo 2018, arXiv:1804.10959): of all ways to write a text in pieces the
 * one with the highest sum of scores is taken, which is found byte by byte: the best way to each place.
 */
#include "vocab_hf.h"
#include "vocab_impl.h"

#include "unicode/unicode.h"

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

static inline struct unigram_node *
node_at(struct unigram *u, size_t place)
{
	return u->nodes + (place - u->base);
}

/* Nodes up to a place, those that are new not reached by any way yet. */
static void
make_nodes(struct unigram *u, size_t place)
{
	const size_t n = place - u->base + 1;
	if (n <= u->n_nodes)
		return;
	u->nodes = grow(u->nodes, &u->nodes_cap, n, sizeof *u->nodes);
	while (u->n_nodes < n)
		u->nodes[u->n_nodes++] = (struct unigram_node){0, SIZE_MAX, NO_ID, false};
}

/* A way to place `to` by a piece (or NO_ID) from place `from`. */
static void
way(struct unigram *u, size_t from, size_t to, double score, uint32_t id)
{
	struct unigram_node *node = node_at(u, to);
	double sum = node_at(u, from)->score + score;
	if (u->single)
		sum = (double)(float)sum;
	if (node->from == SIZE_MAX || sum > node->score)
		*node = (struct unigram_node){sum, from, id, false};
}

/* Large sums would drown the scores: as SentencePiece, begin anew. What lies ahead is within a piece's reach. */
#define SCORE_RESET 100000
static void
reset_scores(struct unigram *u, size_t i)
{
	struct unigram_node *node = node_at(u, i), *const end = u->nodes + u->n_nodes;
	const double offset = node->score;
	node->score = (double)((float)offset - (float)offset);
	for (node++; node < end; node++)
		if (node->from != SIZE_MAX)
			node->score = (double)((float)node->score - (float)offset);
}

/* The ways that go on from place i; returns the bytes of the character there. */
static size_t
step(struct unigram *u, const unsigned char *s, size_t i, size_t n)
{
	uint32_t cp;
	bool single = false;
	struct prefix p = {0, 0, 0};
	const size_t len = utf8_next(s + i, n - i, &cp);
	if (u->single && fabs(node_at(u, i)->score) > SCORE_RESET)
		reset_scores(u, i);
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
	return len;
}

/* The last place that the best ways to all places from i on have in common: what is before it is decided. */
static size_t
decided(struct unigram *u, size_t i)
{
	size_t k, ways = 0;
	for (k = u->base + u->n_nodes - 1; k >= i; k--)
		if (node_at(u, k)->from != SIZE_MAX) {
			node_at(u, k)->live = true;
			ways++;
		}
	for (k = u->base + u->n_nodes - 1; ways > 1; k--) {
		struct unigram_node *from, *node = node_at(u, k);
		if (!node->live)
			continue;
		node->live = false;
		from = node_at(u, node->from);
		ways -= from->live;
		from->live = true;
	}
	while (!node_at(u, k)->live)
		k--;
	node_at(u, k)->live = false;
	return k;
}

/* Emit the best way to a place, and begin there. */
static void
put_way(struct vocab *v, const unsigned char *s, size_t to, bool last, struct ids *out)
{
	struct unigram *u = v->unigram;
	u->n_ends = 0;
	for (size_t i = to; i > u->base; i = node_at(u, i)->from) {
		u->ends = grow(u->ends, &u->ends_cap, u->n_ends + 1, sizeof *u->ends);
		u->ends[u->n_ends++] = i;
	}
	while (u->n_ends) {
		const size_t end = u->ends[--u->n_ends];
		const struct unigram_node *node = node_at(u, end);
		if (node->id == NO_ID && u->unknown == SIZE_MAX)
			u->unknown = node->from;
		if (u->unknown != SIZE_MAX && (node->id != NO_ID || (last && !u->n_ends))) {
			const size_t known = node->id == NO_ID ? end : node->from;
			emit_unknown(v, s + u->unknown, known - u->unknown, out);
			u->unknown = SIZE_MAX;
		}
		if (node->id != NO_ID)
			emit(out, node->id);
	}
	u->n_nodes -= to - u->base;
	memmove(u->nodes, node_at(u, to), u->n_nodes * sizeof *u->nodes);
	u->base = to;
}

/* So many places are searched before it is asked what is decided. */
enum { WINDOW = 1 << 14 };

void
unigram_encode(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	struct unigram *u = v->unigram;
	size_t enough = WINDOW;
	u->base = u->n_nodes = 0;
	u->unknown = SIZE_MAX;
	make_nodes(u, 0);
	for (size_t i = 0; i < n; i += step(u, s, i, n)) {
		if (i - u->base >= enough) {
			put_way(v, s, decided(u, i), false, out);
			enough = 2 * (i - u->base) > WINDOW ? 2 * (i - u->base) : WINDOW;
		}
		make_nodes(u, n - i > PIECE_LONGEST ? i + PIECE_LONGEST : n);
	}
	if (n)
		put_way(v, s, n, true, out);
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
