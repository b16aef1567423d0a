/*
 * vocab_impl.h - what the parts of the vocabulary share; users read vocab.h.
 *
 *	vocab.c				the tables as the file holds them
 *	vocab_load.c vocab_sp.c vocab_hf.h	what files hold
 *	vocab_find.c			finding pieces by their bytes, and merging,
 *	vocab_merges.c			as a list says;
 *	vocab_pairs.c			by ids alone;
 *	vocab_long.c			where words are long
 *	vocab_cache.c vocab_cuts.c	what spares it
 *	vocab_spm.c vocab_bpe.c vocab_unigram.c vocab_sp_text.c		encoding
 *
 * Decoding needs no index, so nothing that encoding needs is built before the first text.
 */
#ifndef VOCAB_IMPL_H
#define VOCAB_IMPL_H

#include "charsmap.h"
#include "weights/gguf.h"
#include "unicode/normal.h"
#include "pretok.h"
#include "vocab.h"
#include "compat_chunk.h"
#include "spelled.h"
#include "vocab_table.h"

#include <string.h>

#define VOCAB_MAX ((1u << 24) - 1)
#define NO_ID UINT32_MAX
#define NO_RANK UINT32_MAX

/* U+2581, SentencePiece's visible space. */
#define SPM_SPACE "\xE2\x96\x81"
#define SPM_SPACE_LEN 3
static inline bool
is_spelled_space(const unsigned char *s, size_t n)
{
	return n >= SPM_SPACE_LEN && !memcmp(s, SPM_SPACE, SPM_SPACE_LEN);
}

/* Characters that were looked up last, each in a place of its own. */
struct char_memo {
	uint32_t bytes;		/* + 1; 0: nothing here */
	uint32_t id;
};
enum { CHARS = 1 << 13 };

/* Part of the text that may become a piece. */
struct symbol {
	uint32_t off, n;	/* its bytes in word.s; n 0: merged into the one before */
	uint32_t prev, next;	/* indices, NO_ID at the ends */
	uint32_t rank;		/* of the pair it makes with the next: lower first */
	uint32_t id;		/* its piece, or NO_ID */
	uint32_t both;		/* the piece of it and the next, where rank is one */
};

/* What a pair of symbols makes: its rank, or NO_RANK, and its piece, or NO_ID. */
struct pair {
	uint32_t rank, id;
};

/* Pairs of pieces that were looked up before, each in a place of its own. */
struct pair_memo {
	uint32_t left, right;	/* their ids + 1; 0: nothing here */
	struct pair pair;
};
/* What pairs of pieces make, by their ids (vocab_pairs.c): those that were met; and where a list of merges says what they make,
 * all of them, once so many were looked up that it pays. */
struct pairs {
	struct pair_memo *memo;	/* NULL: not made yet */
	size_t asked;		/* how many were looked up elsewhere */
	uint64_t *key;		/* of all pairs, left + 1 << 32 | right; NULL: not made yet. Each in its place or behind it, and then a free one */
	uint32_t *rank;		/* what is at the same place */
	uint64_t *may;		/* a bit for some more of the hash: most of the pairs that are not there are known by it, and it stays near */
	unsigned shift;		/* of a hash, to find a place */
	uint32_t *made;		/* the piece that a merge makes, or NO_ID */
	uint32_t *bytes;	/* ranks of the pairs of single bytes, NULL: there are no such pieces */
	struct bytes text;
};

/* What is merged at a time, and the room to do it in; used again and again. */
struct word {
	unsigned char *s;	/* its bytes, as pieces are spelled */
	size_t len, cap;
	struct symbol *sym;
	size_t n_sym, sym_cap;
	uint64_t *heap;		/* rank << 32 | left symbol, the least on top */
	size_t n_heap, heap_cap;
};

/* A piece that is found in the text before anything else is done. */
struct special {
	const unsigned char *p;
	uint32_t n, id;
};

/* Specials; those that begin with byte b are list[first[b]..first[b + 1]), in the order of their bytes once some text
 * had that byte. */
struct specials {
	bool built, sorted[256];
	struct special *list;
	uint32_t first[257];
};

/* What no piece holds, and is not emitted yet: unknown characters beside each other are one. */
struct unknown_run {
	bool open, lost;	/* lost: some of its bytes have no pieces */
	struct bytes text;	/* as long as all have */
};

/* Scores of a Unigram are wanted of that many places: more than the bytes of a piece. */
enum { UNIGRAM_NEAR = 2048 };

/* A Unigram model: the likeliest pieces are taken (vocab_unigram.c). */
struct unigram {
	double *scores;			/* of each id; owned */
	double unk_score;		/* of a character that no piece holds */
	bool single;			/* scores are added up as float32, as SentencePiece does */
	struct specials pieces;
	size_t longest;			/* bytes of the longest piece, and of a character */
	struct unigram_node {
		uint32_t id;		/* of the last piece, NO_ID: none holds that character */
		uint16_t back;		/* its bytes; 0: no way leads here */
		bool live;		/* some best way may come through here */
	} *nodes;			/* the best way to each place in a text from `base` on, which all go through */
	size_t base, n_nodes, nodes_cap;
	double score[UNIGRAM_NEAR];	/* of the ways to the places near `at`, where the search is */
	size_t at;
	size_t enough;			/* places between them to ask what is decided */
	struct bytes text;		/* of one that goes on: what was fed of it */
};

/* How SentencePiece normalizes text: of a tokenizer.model, and of Unigrams in GGUF files (vocab_sp_text.c). */
struct sp {
	struct charsmap map;
	bool dummy_prefix, remove_extra, escape;
	bool exact;			/* all comes back: so does U+2581 */
	bool cuts;			/* a text can be cut, as those of other vocabularies (vocab_cuts.c), */
	bool raw;			/* also before it is normalized, which changes nothing */
	uint32_t n_model;		/* pieces from here on are added tokens, which a text is cut at */
	struct specials user;		/* user-defined pieces, which nothing changes */
	size_t ahead;			/* so many bytes tell what becomes of the first, the rules aside */
	struct bytes text;		/* normalized, */
	struct str space;		/* with spaces spelled so */
	size_t enough;			/* of it to try what is certain */
	bool prefix, begun, after_space;	/* where in a text it is */
	struct bytes word;
	struct bytes added;		/* texts of added tokens */
	unsigned char *scores;		/* owned: what struct vocab points into, or NULL */
};

struct json_doc;

struct vocab {
	const char *path;
	bool bpe;			/* else SentencePiece */
	bool llama2c;			/* pieces hold spaces as they are, not U+2581 */
	bool space_prefix, rstrip;
	uint32_t n;
	int32_t bos, eos, unk;		/* or -1 */
	int32_t bos_piece;		/* the same as bos, but also where texts do not begin with it */

	/* Piece i is at[i] of text[]; its score is at scores + 4 * i or, with scores NULL, 8 bytes before it. Of a GGUF file at[i] is
	 * not there until it is asked for (its off is 0): mark says where every VOCAB_MARKth is, from which the others are reached. */
	const unsigned char *text[2];
	struct span *at;
	uint32_t *mark;			/* NULL: all are there */
	const unsigned char *tail;	/* the last bytes of text[0] (is_wide()) */
	bool printed;			/* the fingerprint is known */
	uint64_t print;
	const unsigned char *scores;
	uint8_t *type;			/* enum piece_type, | TYPE_EOG */
	uint32_t *eog;			/* sorted */
	size_t n_eog, eog_cap;
	char *said;			/* vocab_text()'s result */
	size_t said_cap;

	/* For encoding; built by the first. */
	bool ready;
	struct table pieces;
	uint32_t max_piece;		/* bytes of the longest in the table */
	size_t longest_symbol;		/* what merging makes is no longer; 0: not known */
	size_t tried;			/* bytes that were merged only to know what is certain of a word that goes on */
	uint32_t byte_id[256];		/* what stands for a byte, or NO_ID */
	bool all_bytes;			/* have one, as byte_pieces_index() saw it */
	struct unknown_run unknown;
	struct unigram *unigram;	/* or NULL */
	struct sp *sp;			/* or NULL */
	struct json_doc *config;	/* tokenizer_config.json, owned, or NULL */
	struct json_doc *template_doc;	/* chat_template.json, owned, where the template is from there */
	struct hf *hf;			/* how tokenizer.json wants it, or NULL; vocab_hf.h */
	struct str template;		/* for chats, or {NULL, 0} */
	struct gguf_kv merge_list;	/* "left right" each, of BPE, in a GGUF file */
	struct merge_list {		/* the same, or those of another file, the first first: left, gap, right */
		const unsigned char *text[2], *tail;
		struct str gap[2];	/* in each of the texts */
		struct span *at;
		size_t n;
	} merge;
	bool ignore_merges;		/* a word that is a piece is taken whole */
	const struct pretok *pretok;
	struct pretok_state cut;
	struct hf *steps;		/* where pretok is of regular expressions: they, owned; or NULL */
	struct spelled runs;		/* the merges that make each piece; first NULL: not known */
	struct table merges;		/* those that are not found so */
	uint32_t merge_first;		/* the piece that merge 0 of a GGUF file makes, or NO_ID */
	bool warned;
	struct pairs pairs;
	struct char_memo *chars;	/* CHARS of them, or NULL */
	struct word word;
	struct word_cache cache;
	uint8_t *joined;		/* vocab_cuts.c's table, NULL: not built */
	size_t met;			/* bytes of text that it would have been good for */
	uint32_t longest;		/* of all specials */
	uint8_t goes_on[2];		/* whether a text can be encoded while it comes, with specials or not: 1 yes, 2 no, 0 not known */
	struct specials special[4];	/* user-defined ones; control and unknown ones, too;
					 * 2 and 3: the same, of those that are found in normalized text */

	struct gguf *gguf;		/* owned, or NULL */
	const struct gguf *meta;	/* not owned, or NULL */
	char *own_path;
};
#define TYPE_EOG 0x80

/* Note where piece id is, and others near it. */
enum { VOCAB_MARK = 64 };
void vocab_locate(const struct vocab *v, uint32_t id);

/* Piece id's bytes, in the map. */
static inline const unsigned char *
piece(const struct vocab *v, uint32_t id, uint32_t *n)
{
	if (!v->at[id].off && v->mark)
		vocab_locate(v, id);
	*n = v->at[id].n;
	return span_at(v->text, v->at[id]);
}

/* All pieces, one after the other: *next is NULL before the first. Not one of them is noted. */
static inline const unsigned char *
next_piece(const struct vocab *v, uint32_t id, const unsigned char **next, uint32_t *n)
{
	if (!v->mark)
		return piece(v, id, n);
	if (!*next)
		*next = v->text[0];
	const struct str s = gguf_next_str(next);
	*n = (uint32_t)s.n;
	return (const unsigned char *)s.p;
}

/* Strings of which WIDE bytes can be read, however long they are: all but those in the tail of the first text; behind a second text
 * there is room. */
enum { WIDE = 32 };
static inline const unsigned char *
tail_of(const unsigned char *text, size_t n)
{
	return text + n - (n < WIDE ? n : WIDE - 1);
}
static inline bool
is_wide(const unsigned char *tail, const void *p)
{
	return (uintptr_t)p - (uintptr_t)tail >= WIDE;
}
static inline void
vocab_set_text(struct vocab *v, const unsigned char *p, size_t n)
{
	v->text[0] = p;
	v->tail = tail_of(p, n);
}
static inline bool
piece_is_wide(const struct vocab *v, const unsigned char *p)
{
	return is_wide(v->tail, p);
}

/* The fingerprint: begins as the number of pieces, takes each of them, and ends. */
static inline uint64_t
print_piece(uint64_t h, const unsigned char *p, size_t n, bool wide)
{
	const uint64_t k = 0x9E3779B97F4A7C15;
	uint64_t two[2] = {0, 0};
	h = (h ^ n) * k;
	for (; n >= 16; p += 8, n -= 8)
		h = ((h ^ h >> 32) ^ le64(p)) * k;
	if (wide) {
		two[0] = le64(p);
		two[1] = le64(p + 8);
	} else if (n)
		cache_key(p, n, false, two);
	/* 8 bytes and a rest, or a rest: which of them is hard to guess */
	const uint64_t more = 0 - (uint64_t)(n >= 8), rest = (two[0] ^ ((two[0] ^ two[1]) & more)) & ~(~UINT64_C(0) << 8 * (n & 7));
	h ^= (h ^ ((h ^ h >> 32) ^ two[0]) * k) & more;
	return ((h ^ h >> 32) ^ rest) * k;
}
static inline uint64_t
print_end(uint64_t h)
{
	return h ^ h >> 32;
}

/* The first id from this one on that is not of ordinary text, or v->n. */
static inline uint32_t
odd_piece(const struct vocab *v, uint32_t id)
{
	while (v->n - id >= 8 && le64(v->type + id) == EACH(PIECE_NORMAL))
		id += 8;
	while (id < v->n && v->type[id] == PIECE_NORMAL)
		id++;
	return id;
}

/* The two parts of merge m, or false: it is none. */
static inline bool
merge_parts(const struct merge_list *l, size_t m, struct str part[2])
{
	const struct span s = l->at[m];
	const struct str gap = l->gap[s.off >> 31];
	const unsigned char *p = span_at(l->text, s), *at = NULL;
	const uint64_t near = is_wide(l->tail, p) ? chunk_is(chunk_at(p + 1), gap.p[0]) : 0;
	if (near)
		at = p + 1 + chunk_before(near);
	else if (s.n > 1)
		at = memchr(p + 1, gap.p[0], s.n - 1);
	if (!at || (size_t)(at - p) + gap.n >= s.n)
		return false;
	part[0] = (struct str){(const char *)p, (size_t)(at - p)};
	part[1] = (struct str){(const char *)at + gap.n, s.n - part[0].n - gap.n};
	return true;
}

/* The byte that a piece spelled "<0x0A>" names, or -1. */
int byte_spelling(const unsigned char *p, size_t n);

/* Index all pieces that text may become: not control, unknown and byte pieces. */
void pieces_index(struct vocab *v);
/* Whether text may become piece id. */
bool odd_in_text(const struct vocab *v, uint32_t id, const unsigned char *p, uint32_t n);
static inline bool
piece_in_text(const struct vocab *v, uint32_t id, const unsigned char *p, uint32_t n)
{
	return n && (v->type[id] == PIECE_NORMAL || odd_in_text(v, id, p, n));
}
/* All pieces with these bytes: each is the next, in no order. */
struct piece_search {
	const unsigned char *p;
	size_t n;
	uint32_t hash;
	struct table_at at;
	uint32_t id;
};
struct piece_search pieces_search(const struct vocab *v, const unsigned char *p, size_t n);
bool pieces_next(struct vocab *v, struct piece_search *s);
/* The id of the last of them, or NO_ID. */
uint32_t pieces_find(struct vocab *v, const unsigned char *p, size_t n);
/* The same of a character. */
uint32_t pieces_char(struct vocab *v, const unsigned char *p, size_t n);

/* The longest of the specials at s, or NULL; n > 0. */
const struct special *specials_at(struct specials *t, const unsigned char *s, size_t n);
void specials_index(struct vocab *v, unsigned which);
/* Make a list of n, none of them empty, ready for searches. */
void specials_ready(struct specials *t, size_t n);

/* The specials list[lo..hi) that begin with n bytes; begin with zeros. False: none goes on with this byte. */
struct prefix {
	uint32_t lo, hi;
	size_t n;
};
bool specials_narrow(struct specials *t, struct prefix *p, unsigned char byte);

/* Empty the word; add bytes or a symbol of the last n bytes to it, and its piece or NO_ID. */
void word_clear(struct word *w);
void word_bytes(struct word *w, const void *p, size_t n);
void word_symbol(struct word *w, size_t n, uint32_t id);
void word_free(struct word *w);

/* What symbols l and r, next to each other in w->s, make. */
typedef struct pair pair_fn(struct vocab *v, const struct word *w, const struct symbol *l, const struct symbol *r);
/* Merge the pair of the lowest rank, the leftmost first, until there is none.
 * Symbols that are left have n > 0. O(n log n). */
void word_merge(struct vocab *v, struct word *w, pair_fn *pair);

/* Where ids are appended. */
struct ids {
	uint32_t **p;
	size_t *n, *cap;
};
void emit(struct ids *out, uint32_t id);

/* How words are encoded: the piece of a character, or NO_ID; what pairs make; what becomes of a symbol, spelled p, in the end. */
struct word_kind {
	uint32_t (*id)(struct vocab *v, const unsigned char *p, size_t n);
	pair_fn *pair;
	void (*put)(struct vocab *v, const unsigned char *p, const struct symbol *sym, struct ids *out);
};
/* Merge what was gathered in v->word and emit it. */
void word_encode(struct vocab *v, const struct word_kind *k, struct ids *out);
/* The same of a word that goes on, as far as it is certain; how many of its bytes that is. */
size_t word_encode_begun(struct vocab *v, const struct word_kind *k, struct ids *out);
/* So much text makes it worth to ask for that again, of which so much is left: what it takes is little then. */
static inline size_t
worth_another_try(struct vocab *v, size_t left)
{
	enum { DEAR = 1 << 16 };
	const size_t dear = v->tried < DEAR ? 0 : 8 * v->tried;
	v->tried = 0;
	return 2 * left > dear ? 2 * left : dear;
}
/* Add a symbol to a word for word_encode(), which takes those beyond WORD_WINDOW from its bytes. */
#ifndef WORD_WINDOW
#define WORD_WINDOW (1u << 15)
#endif
static inline void
word_add(struct word *w, size_t n, uint32_t id)
{
	if (w->n_sym < WORD_WINDOW)
		word_symbol(w, n, id);
}

/* What finds the ids of a word. */
typedef void word_fn(struct vocab *v, const unsigned char *s, size_t n, struct ids *out);
/* Words that come one behind the other: they are looked up some at a time, for memory is slow to answer; a new one
 * is given to `word`. */
enum { WORDS_AT_ONCE = 16 };
struct word_queue {
	word_fn *word;
	struct sought sought[WORDS_AT_ONCE];
	size_t n;
};
static inline void
words_begin(struct word_queue *q, word_fn *word)
{
	q->word = word;
	q->n = 0;
}
void words_flush(struct vocab *v, struct word_queue *q, struct ids *out);
/* wide: 16 bytes can be read from s on. The text stays where it is until words_flush(). */
static inline void
words_add(struct vocab *v, struct word_queue *q, const unsigned char *s, size_t n, bool wide, struct ids *out)
{
	if (q->n == WORDS_AT_ONCE)
		words_flush(v, q, out);
	cache_seek(&v->cache, s, n, wide, &q->sought[q->n++]);
}

/* A text that is encoded: with trusted == NULL all of it may be control pieces or none, as `special` says. */
struct source {
	const unsigned char *s;
	size_t len;
	bool special;
	const bool *trusted;
	bool more;			/* text follows that is not here */
	struct vocab_part part;		/* what stood before it */
};

/* What was taken of a text that goes on: n bytes, but n_head bytes from `head` on stay in front of the rest, of which then
 * `context` bytes are taken. */
struct taken {
	size_t n, head, n_head, context;
	bool begun;	/* the rest is not the beginning of a stretch */
	bool letter;	/* a letter stands before the rest */
};
/* Let what was taken of text[0..len) go; returns how much is left. */
size_t taken_away(struct taken k, struct vocab_part *part, unsigned char *text, size_t len);
/* Encode what is certain of a stretch without specials, of which the first `context` bytes are taken already. */
struct taken bpe_encode_begun(struct vocab *v, const unsigned char *s, size_t n, size_t context, struct ids *out);
struct taken spm_encode_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out);
/* The rest of one. */
void bpe_encode_rest(struct vocab *v, const unsigned char *s, size_t n, size_t context, struct ids *out);

/* Encode a text that holds no specials word by word, which merging does not reach across; one that is new
 * is given to `word`. prefix: a space stands before the first. False: this text cannot be cut, or it does not pay yet. */
size_t cuts_last(struct vocab *v, const unsigned char *s, size_t n); /* the last place to cut a text that goes on, or 0 */
size_t next_spelled_space(const unsigned char *s, size_t n); /* U+2581, or n */
bool cuts_encode(struct vocab *v, const unsigned char *s, size_t n, bool prefix, word_fn *word, struct ids *out);

/* Encode text that holds no specials. */
void spm_prepare(struct vocab *v);
void spm_encode(struct vocab *v, const unsigned char *s, size_t n, bool prefix, struct ids *out);
void bpe_prepare(struct vocab *v);
void bpe_encode(struct vocab *v, const unsigned char *s, size_t n, struct ids *out);
/* One word, as the pre-tokenizer cut it; of one that goes on, or is the rest of one (`inside`), how many bytes are certain; the rest. */
word_fn bpe_word;
size_t bpe_word_begun(struct vocab *v, const unsigned char *s, size_t n, bool inside, struct ids *out);
word_fn bpe_word_rest;

/* Make ready, and ask, what the list of merges says. */
void merges_prepare(struct vocab *v);
pair_fn merges_pair;
/* The piece that merge m makes of its two parts, or NO_ID. */
uint32_t merged_piece(struct vocab *v, uint32_t m, struct str left, struct str right);

/* What two pieces make, if it is known here; note what was found elsewhere. */
void pairs_make(struct vocab *v);
void pairs_seek(const struct pairs *p, uint32_t left, uint32_t right); /* begin to look */
bool pairs_find(const struct pairs *p, uint32_t left, uint32_t right, struct pair *pair);
void pairs_note(struct vocab *v, uint32_t left, uint32_t right, struct pair pair);
void pairs_free(struct pairs *p);
/* Merge the n pieces of a short word, n <= FEW, of which s are the bytes, if they are pieces of single bytes, or NULL; all
 * pairs must be there (key). How many are left, or 0: a merge makes what is no piece. */
enum { FEW = 64 };
size_t merge_few(const struct pairs *p, const unsigned char *s, uint32_t *id, size_t n);

/* Pieces and how likely they are; v->byte_id says which bytes have pieces of their own. */
void unigram_prepare(struct vocab *v);
void unigram_encode(struct vocab *v, const unsigned char *s, size_t n, struct ids *out);
/* The same of a text that comes in parts: emit what is certain; and the last part. */
void unigram_feed(struct vocab *v, const unsigned char *s, size_t n, struct ids *out);
void unigram_end(struct vocab *v, const unsigned char *s, size_t n, struct ids *out);
void unigram_forget(struct unigram *u); /* what was fed */
/* The beginning of a word that goes on, or of the rest of one (`inside`): how many bytes of it were fed. */
size_t unigram_begun(struct vocab *v, const unsigned char *s, size_t n, bool inside, struct ids *out);
void unigram_free(struct unigram *u);
/* The pieces <0x00> ... in v->byte_id. */
void byte_pieces_index(struct vocab *v);
/* What no piece holds: its byte pieces, if it has them all, else the unknown piece. */
void emit_unknown(struct vocab *v, const unsigned char *p, size_t n, struct ids *out);
/* The same of characters that are one with those beside them, emitted when it is known what stands behind. */
void unknown_add(struct vocab *v, const unsigned char *p, size_t n, struct ids *out);
void unknown_end(struct vocab *v, struct ids *out);
void unknown_forget(struct vocab *v);

/* BPE of text that sp normalized; unknown characters at its end are not emitted yet. Of one that goes on: how many bytes are certain. */
void spm_encode_normalized(struct vocab *v, const unsigned char *s, size_t n, struct ids *out);
size_t spm_begun_normalized(struct vocab *v, const unsigned char *s, size_t n, struct ids *out);

/* The rules of a tokenizer.model; whether a file is one; its vocabulary. */
bool sp_is(struct map m);
struct vocab *vocab_from_sp(struct map m, const char *dir);
/* A Unigram of a GGUF file. */
void sp_from_gguf(struct vocab *v);
void sp_prepare(struct vocab *v);
/* A text, or the end of one that is begun; of one that goes on how many bytes were taken. */
void sp_encode(struct vocab *v, const unsigned char *s, size_t n, bool prefix, bool begun, struct ids *out);
size_t sp_encode_begun(struct vocab *v, const unsigned char *s, size_t n, bool prefix, bool begun, struct ids *out);
void sp_free(struct sp *sp);

/* What lies beside a vocabulary in a folder (vocab_folder.c). The file of that name, {NULL} if it is not there; its path lives on. */
struct map file_beside(const char *dir, const char *name);
struct json_doc *json_beside(const char *dir, const char *name);
/* BOS and EOS, the chat template, what ends a generation: tokenizer_config.json, chat_template.jinja (or .json),
 * generation_config.json, config.json. The pieces are there already. */
void vocab_read_beside(struct vocab *v, const char *dir);
/* How many ids a vocabulary of n pieces has: the weights may have rows for more than there are pieces, and
 * config.json's vocab_size says so. What is behind the pieces is unused. */
uint32_t vocab_padded(const char *dir, uint32_t n);
/* The folder that a file lies in; lives until the process ends. */
const char *folder_of(const char *path);
/* The vocabulary of a folder; NULL: it has none. */
struct vocab *vocab_from_folder(const char *dir, bool encode);
/* The first piece spelled so, or -1. */
int32_t vocab_id_of(const struct vocab *v, struct str s);
/* Room for where pieces are, and the end of it. */
void vocab_room(struct vocab *v);

/* Note that id ends generations; sort them when all are known. */
void vocab_mark_eog(struct vocab *v, int64_t id);
void vocab_sort_eog(struct vocab *v);
/* A piece with a meaning known by its spelling: 0 none, 1 control, 2 ends a generation, too. */
int vocab_known_piece(const unsigned char *p, uint32_t n);

/* GPT-2's spelling of a byte: the code point that stands for it; and back, -1
 * if it stands for none. */
uint32_t bpe_char(unsigned byte);
int bpe_byte(uint32_t cp);
/* Whether a spelling and the bytes it stands for are the same. */
bool bpe_plain(const unsigned char *p, size_t n);

#endif
