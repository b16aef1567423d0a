/* tiny.h - for harnesses of what runs over a model: a tiny one. */
#ifndef FUZZ_TINY_H
#define FUZZ_TINY_H

#include <string.h>

enum { DIM = 2, VOCAB = 11, CONTEXT = 40 };

/* A llama2.c model of one layer. */
static inline size_t
tiny_model(unsigned char *p)
{
	static const uint32_t header[] = {DIM, 3, 1, 1, 1, VOCAB, CONTEXT};
	size_t n = 28 + 4 * (DIM * VOCAB + 2 * DIM + 4 * DIM * DIM + 3 * 3 * DIM + DIM + CONTEXT * DIM);
	for (size_t i = 0; i < 28; i++)
		p[i] = (unsigned char)(header[i / 4] >> i % 4 * 8);
	for (size_t i = 0; i < (n - 28) / 4; i++) {
		float f = (float)(i * 7 % 19) / 16 - 0.5f;
		memcpy(p + 28 + 4 * i, &f, 4);
	}
	return n;
}

#endif
