/*
 * compat_chunk.h - text looked at in chunks: 16 bytes where the machine has registers for them, else 8 in a number.
 *
 * What is said of the bytes of a chunk is said in a number, a mark for each, the first byte's the lowest.
 */
#ifndef COMPAT_CHUNK_H
#define COMPAT_CHUNK_H

#include "swar.h"
#include "util.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>

#define CHUNK 16
#define MARK_STEP 1		/* bits from one mark to the next */
typedef __m128i chunk;

static inline chunk
chunk_at(const void *p)
{
	return _mm_loadu_si128((const __m128i *)p);
}
static inline uint64_t
marks(__m128i x)
{
	return (unsigned)_mm_movemask_epi8(x);
}
/* How many bytes stand before the first that is marked; there is one. */
static inline size_t
chunk_before(uint64_t marked)
{
	return bits_below(marked);
}
static inline uint64_t
chunk_is(chunk x, char c)
{
	return marks(_mm_cmpeq_epi8(x, _mm_set1_epi8(c)));
}
/* Bytes below 0x20; from 0x80; from c, which is at least 0x80, on. */
static inline uint64_t
chunk_controls(chunk x)
{
	return marks(_mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1F)), x));
}
static inline uint64_t
chunk_high(chunk x)
{
	return marks(x);
}
static inline uint64_t
chunk_from(chunk x, unsigned char c)
{
	return marks(_mm_cmpeq_epi8(_mm_max_epu8(x, _mm_set1_epi8((char)c)), x));
}
/* Bytes that follow the first of a character. */
static inline uint64_t
chunk_later(chunk x)
{
	return marks(_mm_cmplt_epi8(x, _mm_set1_epi8((char)0xC0)));
}
/* Bytes that no character begins with (0xC0, 0xC1, 0xF5 and so on), and those with rules for what follows (0xE0, 0xED, 0xF0 to 0xF4). */
static inline uint64_t
chunk_rare(chunk x)
{
	const __m128i none = _mm_cmpeq_epi8(_mm_and_si128(x, _mm_set1_epi8((char)0xFE)), _mm_set1_epi8((char)0xC0));
	const __m128i e0 = _mm_cmpeq_epi8(x, _mm_set1_epi8((char)0xE0)), ed = _mm_cmpeq_epi8(x, _mm_set1_epi8((char)0xED));
	const __m128i f0 = _mm_cmpeq_epi8(_mm_max_epu8(x, _mm_set1_epi8((char)0xF0)), x);
	return marks(_mm_or_si128(_mm_or_si128(none, e0), _mm_or_si128(ed, f0)));
}
/* The quote, the backslash, controls. */
static inline uint64_t
chunk_stops(chunk x)
{
	const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1F)), x), slash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
	return marks(_mm_or_si128(_mm_or_si128(low, slash), _mm_cmpeq_epi8(x, _mm_set1_epi8('"'))));
}
/* ASCII characters from lo to hi; capitals made small, and other characters something that is no letter. */
static inline uint64_t
chunk_within(chunk x, char lo, char hi)
{
	return marks(_mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8((char)(lo - 1))), _mm_cmplt_epi8(x, _mm_set1_epi8((char)(hi + 1)))));
}
static inline chunk
chunk_small(chunk x)
{
	return _mm_or_si128(x, _mm_set1_epi8(0x20));
}
static inline uint64_t
chunk_same(chunk x, chunk y)
{
	return marks(_mm_cmpeq_epi8(x, y));
}
#else
#define CHUNK 8
#define MARK_STEP 8
typedef uint64_t chunk;

static inline chunk
chunk_at(const void *p)
{
	return le64(p);
}
static inline size_t
chunk_before(uint64_t marked)
{
	return bytes_before(marked);
}
static inline uint64_t
chunk_is(chunk x, char c)
{
	x ^= EACH((uint64_t)(unsigned char)c);
	return ~((x & EACH(0x7F)) + EACH(0x7F)) & ~x & EACH(0x80);
}
static inline uint64_t
chunk_controls(chunk x)
{
	return ~((x & EACH(0x7F)) + EACH(0x60)) & ~x & EACH(0x80);
}
static inline uint64_t
chunk_high(chunk x)
{
	return x & EACH(0x80);
}
static inline uint64_t
chunk_from(chunk x, unsigned char c)
{
	return ((x & EACH(0x7F)) + EACH(UINT64_C(0x100) - c)) & x & EACH(0x80);
}
static inline uint64_t
chunk_later(chunk x)
{
	return x & ~(x << 1) & EACH(0x80);
}
static inline uint64_t
chunk_rare(chunk x)
{
	return (chunk_from(x, 0xC0) & ~chunk_from(x, 0xC2)) | chunk_is(x, (char)0xE0) | chunk_is(x, (char)0xED) | chunk_from(x, 0xF0);
}
static inline uint64_t
chunk_stops(chunk x)
{
	return chunk_controls(x) | chunk_is(x, '\\') | chunk_is(x, '"');
}
static inline uint64_t
chunk_within(chunk x, char lo, char hi)
{
	const uint64_t low = x & EACH(0x7F);
	return (low + EACH(UINT64_C(0x80) - (unsigned char)lo)) & ~(low + EACH(UINT64_C(0x7F) - (unsigned char)hi)) & ~x & EACH(0x80);
}
static inline chunk
chunk_small(chunk x)
{
	return x | EACH(0x20);
}
static inline uint64_t
chunk_same(chunk x, chunk y)
{
	return chunk_is(x ^ y, 0);
}
#endif

/* All bits of a chunk's marks; the marks of all its bytes; the bits of those before the first that is marked. */
#define CHUNK_ALL (~UINT64_C(0) >> (64 - CHUNK * MARK_STEP))
#define CHUNK_MARKS (MARK_STEP == 1 ? CHUNK_ALL : EACH(0x80))
static inline uint64_t
chunk_up_to(uint64_t marked)
{
	return marked ? (marked & (0 - marked)) - 1 : CHUNK_ALL;
}

/* Whether the first n bytes are all marked; n < CHUNK. */
static inline bool
chunk_begins(uint64_t marked, size_t n)
{
	return !(~marked & CHUNK_MARKS & ((UINT64_C(1) << n * MARK_STEP) - 1));
}

/* As many chunks as have their marks in one number. */
enum { CHUNKS = 64 / MARK_STEP / CHUNK, CHUNKS_BYTES = CHUNKS * CHUNK };
#define CHUNKS_MARKS (MARK_STEP == 1 ? ~UINT64_C(0) : EACH(0x80))
/* The marks of all but decimal digits among CHUNKS_BYTES bytes. */
static inline uint64_t
chunks_no_digits(const unsigned char *p)
{
	uint64_t digits = 0;
	for (unsigned k = 0; k < CHUNKS; k++)
		digits |= chunk_within(chunk_at(p + k * CHUNK), '0', '9') << k * CHUNK % 64;
	return ~digits & CHUNKS_MARKS;
}

/* How many bytes from byte `from` on are marked, and `from`; CHUNK: all to the end. */
static inline size_t
chunk_run(uint64_t marked, size_t from)
{
	const uint64_t out = ~marked & CHUNK_MARKS & CHUNK_ALL << from * MARK_STEP;
	return out ? chunk_before(out) : CHUNK;
}

/* A chunk of n bytes, zeros behind them. */
static inline chunk
chunk_of(const void *p, size_t n)
{
	unsigned char b[CHUNK] = {0};
	if (n >= CHUNK)
		return chunk_at(p);
	memcpy(b, p, n);
	return chunk_at(b);
}

#endif
