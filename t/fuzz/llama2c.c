/* llama2c.c - models of llama2.c: reading, resolving, a forward pass. */
#include "weights/llama2c.h"
#include "feed.h"

#include <string.h>

const size_t fuzz_base = 1 << 20;

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static void
put32(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

/* The size that fits a header, as llama2.c's export.py writes it. */
static uint64_t
fitting_size(const unsigned char *p)
{
	bool new = le32(p) == 0x616b3432;
	const unsigned char *q = new ? p + 8 : p;
	uint64_t dim = le32(q), hidden = le32(q + 4), layers = le32(q + 8), heads = le32(q + 12);
	uint64_t kv = le32(q + 16), vocab = le32(q + 20), seq = le32(q + 24), group = new ? le32(p + 37) : 1;
	bool quant = new && le32(p + 4) == 2, tied = new ? p[36] : vocab < 1u << 31;
	if (!new && !tied)
		vocab = (uint32_t)-vocab;
	if (!dim || !heads || !group)
		return 0;
	uint64_t norms = dim * (2 * layers + 1);
	uint64_t rest = dim * (vocab * (tied ? 1 : 2) + layers * (2 * dim + 2 * (dim / heads * kv) + 3 * hidden));
	if (!new)
		return 28 + 4 * (norms + rest + seq * (dim / heads));
	return 256 + 4 * norms + (quant ? rest + rest / group * 4 : 4 * rest);
}

/* Change the header and make the file as long as it then says. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const uint32_t odd[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 100, 255, 1 << 20, 1 << 24, (1 << 24) + 1,
		0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0};
	bool new = size >= 256 && le32(data) == 0x616b3432;
	if (size < 28 || fuzz_random(&seed, 4) == 0)
		return LLVMFuzzerMutate(data, size, max);
	for (unsigned times = 1 + fuzz_random(&seed, 3); times--;) {
		size_t at = 4 * fuzz_random(&seed, 7) + (new ? 8 : 0);
		if (new && fuzz_random(&seed, 4) == 0)
			at = fuzz_random(&seed, 2) ? 37 : 4;
		put32(data + at, odd[fuzz_random(&seed, fuzz_random(&seed, 3) ? 11 : sizeof odd / sizeof *odd)]);
		if (new && fuzz_random(&seed, 4) == 0)
			data[36] ^= 1;
	}
	uint64_t fit = fitting_size(data);
	if (fit < 28 || fit > max || fuzz_random(&seed, 16) == 0)
		return size;
	if (fit > size)
		memset(data + size, 0x3c, (size_t)fit - size); /* floats of 0.011 */
	return (size_t)fit;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct map m = {"model.bin", data, n};
	if (!n)
		return;
	fuzz_try(feed_model, &m);
}
