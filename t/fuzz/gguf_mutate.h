/*
 * gguf_mutate.h - a mutator that knows GGUF: it changes numbers where they stand,
 * drops and doubles keys and tensors, and keeps the counts and the alignment of the
 * data right, so that what is behind the parser is reached.
 */
#ifndef GGUF_MUTATE_H
#define GGUF_MUTATE_H

#include "fuzz.h"

#include <string.h>

struct stretch {
	size_t at, n;
};

/* What a file is made of; at most so many of each are looked at. */
struct parts {
	struct stretch number[2048], text[1024], kv[256], tensor[256];
	size_t n_numbers, n_texts, n_kv, n_tensors, end;
};

static inline bool
walk_number(struct parts *g, size_t size, size_t width)
{
	if (size - g->end < width)
		return false;
	if (g->n_numbers < 2048)
		g->number[g->n_numbers++] = (struct stretch){g->end, width};
	g->end += width;
	return true;
}

static inline bool
walk_text(struct parts *g, const unsigned char *p, size_t size)
{
	if (!walk_number(g, size, 8))
		return false;
	uint64_t n = le64(p + g->end - 8);
	if (n > size - g->end)
		return false;
	if (g->n_texts < 1024)
		g->text[g->n_texts++] = (struct stretch){g->end, (size_t)n};
	g->end += (size_t)n;
	return true;
}

static inline bool
walk_value(struct parts *g, const unsigned char *p, size_t size, uint32_t type)
{
	static const unsigned char width[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
	if (type == 8)
		return walk_text(g, p, size);
	if (type != 9)
		return type < sizeof width && walk_number(g, size, width[type]);
	if (!walk_number(g, size, 4) || !walk_number(g, size, 8))
		return false;
	uint32_t elem = le32(p + g->end - 12);
	uint64_t n = le64(p + g->end - 8);
	for (uint64_t i = 0; i < n; i++)
		if (elem == 9 || !walk_value(g, p, size, elem))
			return false;
	return true;
}

/* False: not GGUF all through. */
static inline bool
walk(struct parts *g, const unsigned char *p, size_t size)
{
	memset(g, 0, sizeof *g);
	g->end = 4;
	if (size < 24 || !walk_number(g, size, 4) || !walk_number(g, size, 8) || !walk_number(g, size, 8))
		return false;
	uint64_t tensors = le64(p + 8), kvs = le64(p + 16);
	for (; g->n_kv < kvs && g->n_kv < 256; g->n_kv++) {
		size_t at = g->end;
		if (!walk_text(g, p, size) || !walk_number(g, size, 4) || !walk_value(g, p, size, le32(p + g->end - 4)))
			return false;
		g->kv[g->n_kv] = (struct stretch){at, g->end - at};
	}
	for (; g->n_tensors < tensors && g->n_tensors < 256; g->n_tensors++) {
		size_t at = g->end;
		if (!walk_text(g, p, size) || !walk_number(g, size, 4))
			return false;
		uint32_t dims = le32(p + g->end - 4);
		for (uint32_t i = 0; i < dims; i++)
			if (!walk_number(g, size, 8))
				return false;
		if (!walk_number(g, size, 4) || !walk_number(g, size, 8))
			return false;
		g->tensor[g->n_tensors] = (struct stretch){at, g->end - at};
	}
	return g->n_kv == kvs && g->n_tensors == tensors;
}

static inline void
put_number(unsigned char *p, size_t width, uint64_t v)
{
	for (size_t i = 0; i < width; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static inline uint64_t
get_number(const unsigned char *p, size_t width)
{
	uint64_t v = 0;
	for (size_t i = width; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static inline uint64_t
odd_number(const struct parts *g, const unsigned char *p, size_t size, uint64_t old, unsigned *seed)
{
	static const uint64_t odd[] = {0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 16, 30, 31, 32, 33, 64, 127, 128, 255, 256, 65535,
		65536, 1 << 24, (1 << 24) + 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ull << 61,
		1ull << 62, INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX - 31, 0x7fc00000, 0x3f800000};
	switch (fuzz_random(seed, 8)) {
	case 0: return old + 1;
	case 1: return old - 1;
	case 2: return old * 2;
	case 3: return old ^ 1ull << fuzz_random(seed, 64);
	case 4: return size - fuzz_random(seed, 64);
	case 5: {
		const struct stretch *s = g->number + fuzz_random(seed, (unsigned)g->n_numbers);
		return get_number(p + s->at, s->n);
	}
	default: return odd[fuzz_random(seed, sizeof odd / sizeof *odd)];
	}
}

/* Take a key or tensor out, or put it in once more; the data move to where they belong. */
static inline size_t
cut_or_double(struct parts *g, unsigned char *p, size_t size, size_t max, bool twice, unsigned *seed)
{
	bool kv = g->n_kv && (!g->n_tensors || fuzz_random(seed, 2));
	size_t n = kv ? g->n_kv : g->n_tensors;
	if (!n)
		return size;
	struct stretch s = (kv ? g->kv : g->tensor)[fuzz_random(seed, (unsigned)n)];
	size_t data = (g->end + 31) / 32 * 32, bytes = size > data ? size - data : 0;
	size_t end = twice ? g->end + s.n : g->end - s.n, at = (end + 31) / 32 * 32;
	if (at + bytes > max)
		return size;
	if (twice)
		memmove(p + at, p + data, bytes);
	memmove(p + s.at + (twice ? s.n : 0), p + s.at + (twice ? 0 : s.n), g->end - s.at - (twice ? 0 : s.n));
	if (!twice)
		memmove(p + at, p + data, bytes);
	memset(p + end, 0, at - end);
	put_number(p + (kv ? 16 : 8), 8, twice ? n + 1 : n - 1);
	return at + bytes;
}

static inline size_t
gguf_mutate(unsigned char *p, size_t size, size_t max, unsigned seed)
{
	static struct parts g;
	if (!walk(&g, p, size))
		return LLVMFuzzerMutate(p, size, max);
	for (unsigned times = 1 + fuzz_random(&seed, 3); times--;)
		switch (fuzz_random(&seed, 12)) {
		case 0:
			return cut_or_double(&g, p, size, max, false, &seed);
		case 1:
			return cut_or_double(&g, p, size, max, true, &seed);
		case 2:
			return 1 + fuzz_random(&seed, (unsigned)size);
		case 3:
			return LLVMFuzzerMutate(p, size, max);
		case 4:
		case 5:
		case 6: { /* within a string, or within the data */
			struct stretch s = g.text[fuzz_random(&seed, (unsigned)g.n_texts)];
			if (fuzz_random(&seed, 3) == 0 && size > g.end)
				s = (struct stretch){g.end, size - g.end};
			if (g.n_texts && s.n)
				LLVMFuzzerMutate(p + s.at, s.n, s.n);
			break;
		}
		default: {
			/* lists of scores and the like are long: prefer what is not in them */
			const struct stretch *s = g.number + fuzz_random(&seed, (unsigned)g.n_numbers);
			if (fuzz_random(&seed, 2) && g.n_tensors) {
				struct stretch t = g.tensor[fuzz_random(&seed, (unsigned)g.n_tensors)];
				for (size_t i = 0; i < g.n_numbers; i++)
					if (g.number[i].at >= t.at && g.number[i].at < t.at + t.n && fuzz_random(&seed, 3) == 0)
						s = g.number + i;
			}
			put_number(p + s->at, s->n, odd_number(&g, p, size, get_number(p + s->at, s->n), &seed));
		}
		}
	return size;
}

#endif
