/*
 * json_impl.h - what the parts of the reader share; users read json.h.
 *
 * json.c: documents. json_flat.c: lists that are too large for nodes. json_quick(): what both spend their time with.
 */
#ifndef JSON_IMPL_H
#define JSON_IMPL_H

#include "compat_chunk.h"
#include "json.h"

struct reader {
	struct json_doc *d;
	const char *p, *end;
	uint32_t open[JSON_DEPTH];	/* arrays and objects around p */
	size_t depth;
	uint32_t *slot;			/* keys of one object, by their hash */
	size_t slot_cap;
	struct json_flat *flat;		/* lists that are wanted without nodes */
	size_t n_flat;
};

/* Take a string that json_quick() does not, behind its opening quote; dies where it is none. */
struct span json_take_string(struct reader *r);
/* Append to the unescaped bytes. */
void json_keep(struct reader *r, const void *p, size_t n);
/* Take a list that is behind its opening bracket; false: it is no flat one, and nothing was taken. */
bool json_flat_list(struct reader *r, struct json_flat *f);

static inline void
json_blanks(struct reader *r)
{
	while (r->end - r->p >= 8 && le64((const unsigned char *)r->p) == EACH(' '))
		r->p += 8;
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

/* What a chunk of a string says: a mark where it stops, at a quote, an escape or a control; what is wrong before that, marked;
 * later bytes that are due at the beginning of the next chunk. */
struct json_chunk {
	uint64_t stop, wrong, due;
};

/* Of rare bytes among those `here`: what is wrong; *lead4: those that begin characters of four. */
uint64_t json_rare(chunk x, uint64_t here, uint64_t *lead4);

/* due: of the chunk before. Without a branch for what the bytes are, unless they are rare: most strings of a vocabulary are no
 * longer than a chunk, and no two alike. */
static inline struct json_chunk
json_chunk(chunk x, uint64_t due)
{
	const uint64_t stop = chunk_stops(x), here = chunk_up_to(stop), later = chunk_later(x) & here, rare = chunk_rare(x) & here;
	const uint64_t lead = chunk_high(x) & here & ~later, lead3 = chunk_from(x, 0xE0) & here;
	uint64_t lead4 = 0;
	const uint64_t wrong = rare ? json_rare(x, here, &lead4) : 0;
	const uint64_t calls = (lead << MARK_STEP | lead3 << 2 * MARK_STEP | lead4 << 3 * MARK_STEP | due) & CHUNK_ALL;
	due = lead >> (CHUNK - 1) * MARK_STEP | lead3 >> (CHUNK - 2) * MARK_STEP | lead4 >> (CHUNK - 3) * MARK_STEP;
	return (struct json_chunk){stop, wrong | (later ^ calls), due};
}

/* The bytes of the string at p[0..n), behind its quote, to the quote that ends it, or SIZE_MAX: it holds an escape, or what
 * is not allowed or takes a closer look. *spaced: it holds a space. */
static inline size_t
json_quick(const char *p, size_t n, bool *spaced)
{
	uint64_t wrong = 0, spaces = 0, due = 0;
	for (size_t i = 0; i < n; i += CHUNK) {
		const chunk x = chunk_of(p + i, n - i);
		const struct json_chunk k = json_chunk(x, due);
		spaces |= chunk_is(x, ' ') & chunk_up_to(k.stop);
		wrong |= k.wrong;
		due = k.due;
		if (k.stop) {
			*spaced = spaces != 0;
			return wrong || !(chunk_is(x, '"') & k.stop & (0 - k.stop)) ? SIZE_MAX : i + chunk_before(k.stop);
		}
	}
	return SIZE_MAX;
}

#endif
