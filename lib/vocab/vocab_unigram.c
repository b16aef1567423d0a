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
	v->all_bytes = true;
	for (int b = 0; b < 256; b++)
		v->all_bytes &= v->byte_id[b] != NO_ID;
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
	u->longest = 4; /* a character that no piece holds */
	if (!u->scores)
		read_scores(v);
	byte_pieces_index(v);
	u->pieces.list = xcalloc(v->n, sizeof *u->pieces.list);
	for (uint32_t id = 0; id < v->n; id++) {
		uint32_t len;
		const unsigned char *p = piece(v, id, &len);
		if (!findable(v, id) || !len || len > PIECE_LONGEST)
			continue;
		u->pieces.list[n++] = (struct special){p, len, id};
		if (len > u->longest)
			u->longest = len;
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
	xfree(u->text.s);
	xfree(u);
}

static inline struct unigram_node *
node_at(struct unigram *u, size_t place)
{
	return u->nodes + (place - u->base);
}

/* The score of the best way to a place: only those within a piece's reach of the search are asked for. */
static inline double *
score_at(struct unigram *u, size_t place)
{
	return u->score + place % UNIGRAM_NEAR;
}

/* Nodes up to a place, those that are new not reached by any way yet. */
static inline void
make_nodes(struct unigram *u, size_t place)
{
	const size_t n = place - u->base + 1;
	if (n <= u->n_nodes)
		return;
	u->nodes = grow(u->nodes, &u->nodes_cap, n, sizeof *u->nodes);
	while (u->n_nodes < n)
		u->nodes[u->n_nodes++] = (struct unigram_node){NO_ID, 0, false};
}

/* A way of n bytes on from place `from` by a piece (or NO_ID). */
static void
way(struct unigram *u, size_t from, size_t n, double score, uint32_t id)
{
	struct unigram_node *node = node_at(u, from + n);
	double sum = *score_at(u, from) + score, *best = score_at(u, from + n);
	if (u->single)
		sum = (double)(float)sum;
	if (!node->back || sum > *best) {
		*node = (struct unigram_node){id, (uint16_t)n, false};
		*best = sum;
	}
}

/* Large sums would drown the scores: as SentencePiece, begin anew. What lies ahead is within a piece's reach. */
#define SCORE_RESET 100000
static void
reset_scores(struct unigram *u, size_t i)
{
	const size_t end = u->base + u->n_nodes;
	const double offset = *score_at(u, i);
	*score_at(u, i) = (double)((float)offset - (float)offset);
	for (size_t k = i + 1; k < end; k++)
		if (node_at(u, k)->back)
			*score_at(u, k) = (double)((float)*score_at(u, k) - (float)offset);
}

/* The ways that go on from place i; returns the bytes of the character there. */
static size_t
step(struct unigram *u, const unsigned char *s, size_t i, size_t n)
{
	uint32_t cp;
	bool single = false;
	struct prefix p = {0, 0, 0};
	const size_t len = utf8_next(s + i, n - i, &cp);
	if (u->single && fabs(*score_at(u, i)) > SCORE_RESET)
		reset_scores(u, i);
	while (p.n < n - i && specials_narrow(&u->pieces, &p, s[i + p.n])) {
		const struct special *found = u->pieces.list + p.lo;
		if (found->n != p.n)
			continue;
		while (found + 1 < u->pieces.list + p.hi && found[1].n == p.n)
			found++; /* the last of the same spelling */
		way(u, i, p.n, u->scores[found->id], found->id);
		single |= p.n == len;
	}
	if (!single)
		way(u, i, len, u->unk_score, NO_ID);
	return len;
}

/* The last place that the best ways to all places from i on have in common: what is before it is decided. */
static size_t
decided(struct unigram *u, size_t i)
{
	size_t k, ways = 0;
	for (k = u->base + u->n_nodes - 1; k > i; k--)
		if (node_at(u, k)->back) {
			node_at(u, k)->live = true;
			ways++;
		}
	node_at(u, i)->live = true;
	for (k = u->base + u->n_nodes - 1, ways++; ways > 1; k--) {
		struct unigram_node *from, *node = node_at(u, k);
		if (!node->live)
			continue;
		node->live = false;
		from = node_at(u, k - node->back);
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
put_way(struct vocab *v, const unsigned char *s, size_t to, struct ids *out)
{
	struct unigram *u = v->unigram;
	struct unigram_node way = *node_at(u, to);
	for (size_t i = to; i > u->base;) { /* turn it round: where a piece begins stands what ended there */
		struct unigram_node *from = node_at(u, i -= way.back);
		const struct unigram_node before = *from;
		*from = way;
		way = before;
	}
	for (size_t i = u->base; i < to; i += way.back) {
		way = *node_at(u, i);
		if (way.id == NO_ID)
			unknown_add(v, s + i, way.back, out);
		else {
			unknown_end(v, out);
			emit(out, way.id);
		}
	}
	u->n_nodes -= to - u->base;
	memmove(u->nodes, node_at(u, to), u->n_nodes * sizeof *u->nodes);
	u->base = to;
}

/* So many places are searched before it is asked what is decided. */
#define WINDOW (WORD_WINDOW / 2)

/* Search from the last place on, up to a place, or the next one, of s[0..n). */
static void
search(struct vocab *v, const unsigned char *s, size_t to, size_t n, struct ids *out)
{
	struct unigram *u = v->unigram;
	while (u->at < to) {
		if (u->at - u->base >= u->enough) {
			put_way(v, s, decided(u, u->at), out);
			u->enough = 2 * (u->at - u->base) > WINDOW ? 2 * (u->at - u->base) : WINDOW;
		}
		make_nodes(u, n - u->at > u->longest ? u->at + u->longest : n);
		u->at += step(u, s, u->at, n);
	}
}

static void
begin(struct unigram *u)
{
	u->base = u->at = u->n_nodes = 0;
	u->enough = WINDOW;
	*score_at(u, 0) = 0;
	make_nodes(u, 0);
}

static void
end(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	search(v, s, n, n, out);
	put_way(v, s, n, out);
	unknown_end(v, out);
}

void
unigram_encode(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	begin(v->unigram);
	end(v, s, n, out);
}

/* Let the text go that is emitted; what is left stays where its scores are. */
static void
let_go(struct unigram *u)
{
	const size_t n = u->base - u->base % UNIGRAM_NEAR;
	if (n < u->text.n / 2)
		return;
	bytes_drop(&u->text, n);
	u->base -= n;
	u->at -= n;
}

void
unigram_feed(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	struct unigram *u = v->unigram;
	if (!n)
		return;
	if (!u->text.n)
		begin(u);
	bytes_add(&u->text, s, n);
	if (u->text.n > u->longest)
		search(v, u->text.s, u->text.n - u->longest, u->text.n, out);
	let_go(u);
}

void
unigram_forget(struct unigram *u)
{
	u->text.n = 0;
}

size_t
unigram_begun(struct vocab *v, const unsigned char *s, size_t n, bool inside, struct ids *out)
{
	size_t last = 1;
	if (!inside && n < WORD_WINDOW)
		return 0;
	if (!inside)
		unigram_forget(v->unigram);
	while (last < 4 && last < n && (s[n - last] & 0xC0) == 0x80)
		last++;
	unigram_feed(v, s, n - last, out); /* so that what is left begins with some of the word */
	return n - last;
}

void
unigram_end(struct vocab *v, const unsigned char *s, size_t n, struct ids *out)
{
	struct unigram *u = v->unigram;
	if (!u->text.n) {
		unigram_encode(v, s, n, out);
		return;
	}
	bytes_add(&u->text, s, n);
	end(v, u->text.s, u->text.n, out);
	u->text.n = 0;
}

void
unknown_add(struct vocab *v, const unsigned char *p, size_t n, struct ids *out)
{
	struct unknown_run *u = &v->unknown;
	if (v->all_bytes) {
		for (size_t i = 0; i < n; i++)
			emit(out, v->byte_id[p[i]]);
		return;
	}
	u->open = true;
	for (size_t i = 0; i < n && !u->lost; i++)
		u->lost = v->byte_id[p[i]] == NO_ID;
	if (!u->lost)
		bytes_add(&u->text, p, n);
}

void
unknown_end(struct vocab *v, struct ids *out)
{
	struct unknown_run *u = &v->unknown;
	if (!u->open)
		return;
	for (size_t i = 0; !u->lost && i < u->text.n; i++)
		emit(out, v->byte_id[u->text.s[i]]);
	if (u->lost && v->unk >= 0)
		emit(out, (uint32_t)v->unk);
	unknown_forget(v);
}

void
unknown_forget(struct vocab *v)
{
	v->unknown.text.n = 0;
	v->unknown.open = v->unknown.lost = false;
}

void
emit_unknown(struct vocab *v, const unsigned char *p, size_t n, struct ids *out)
{
	unknown_add(v, p, n, out);
	unknown_end(v, out);
}
