/* gguf.c - GGUF models: reading, resolving by architecture, a forward pass. */
#include "gguf_mutate.h"
#include "feed.h"

const size_t fuzz_base = 1 << 20;

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return gguf_mutate(data, size, max, seed);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct map m = {"model.gguf", data, n};
	if (n)
		fuzz_try(feed_model, &m);
}
