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

/*
 * The bytes of the string at p[0..n), behind its quote, to the quote that ends it, or SIZE_MAX: it holds an escape, what is
 * not allowed, or a byte that takes a closer look. *spaced: it holds a space. Without a branch for what
 * the bytes are: most strings of a vocabulary are no longer than a chunk, and no two alike.
 */
static inline size_t
json_quick(const char *p, size_t n, bool *spaced)
{
	uint64_t due = 0, odd = 0, spaces = 0; /* due: later bytes that the last chunk calls for */
	for (size_t i = 0; i < n; i += CHUNK) {
		const chunk x = chunk_of(p + i, n - i);
		const uint64_t quote = chunk_is(x, '"'), stop = quote | chunk_rare(x), here = chunk_up_to(stop), later = chunk_later(x) & here;
		const uint64_t lead = chunk_high(x) & here & ~later, lead3 = chunk_from(x, 0xE0) & here;
		odd |= later ^ ((lead << MARK_STEP | lead3 << 2 * MARK_STEP | due) & CHUNK_ALL);
		due = lead >> (CHUNK - 1) * MARK_STEP | lead3 >> (CHUNK - 2) * MARK_STEP;
		spaces |= chunk_is(x, ' ') & here;
		if (stop) {
			*spaced = spaces != 0;
			return odd || !(quote & (stop & (0 - stop))) ? SIZE_MAX : i + chunk_before(stop);
		}
	}
	return SIZE_MAX;
}

#endif
