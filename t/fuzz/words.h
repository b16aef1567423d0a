/* words.h - for mutators of JSON: values that mean something. */
#ifndef FUZZ_WORDS_H
#define FUZZ_WORDS_H

#include "fuzz.h"

#include <string.h>

/* One of the words takes the place of a value of p[0..n), which is JSON; returns its new length, at most max. */
static inline size_t
swap_words(unsigned char *p, size_t n, size_t max, const char *const *words, size_t n_words, unsigned *seed)
{
	size_t colon[512], count = 0;
	for (size_t i = 0; i + 1 < n && count < 512; i++)
		if (p[i] == ':' || p[i] == '[')
			colon[count++] = i + 1;
	if (!count)
		return n;
	const char *word = words[fuzz_random(seed, (unsigned)n_words)];
	size_t at = colon[fuzz_random(seed, (unsigned)count)], end = at;
	while (end < n && p[end] != ',' && p[end] != '}' && p[end] != ']' && p[end])
		end++;
	const size_t len = strlen(word);
	if (n - (end - at) + len > max)
		return n;
	memmove(p + at + len, p + end, n - end);
	memcpy(p + at, word, len);
	return n - (end - at) + len;
}

#endif
