/* vocab_gguf.c - vocabularies in GGUF files, SentencePiece and byte-level BPE. */
#include "gguf_mutate.h"
#include "round.h"

const size_t fuzz_base = 4 << 20;	/* the cache of words is 2 MiB */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	if (!size || size < (size_t)data[0] + 2 || fuzz_random(&seed, 16) == 0)
		return LLVMFuzzerMutate(data, size, max);
	size_t text = data[0], before = 1 + text;
	if (fuzz_random(&seed, 3))
		return before + gguf_mutate(data + before, size - before, max - before, seed);
	if (text && fuzz_random(&seed, 3)) { /* the text in place */
		LLVMFuzzerMutate(data + 1, text, text);
		return size;
	}
	/* ... or longer, with a piece of the file */
	size_t more = 1 + fuzz_random(&seed, 12), at = fuzz_random(&seed, (unsigned)(size - before));
	if (text + more > 255 || more > size - before - at || size + more > max)
		return size;
	memmove(data + before + more, data + before, size - before);
	memcpy(data + before, data + before + more + at, more);
	data[0] = (unsigned char)(text + more);
	return size + more;
}

static void
run(void *arg)
{
	struct vocab_case *c = arg;
	struct gguf *g = gguf_read(c->map);
	use_vocab(vocab_from_gguf(g), c);
	gguf_free(g);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct vocab_case c;
	if (!vocab_case(&c, data, n, "vocab.gguf"))
		return;
	fuzz_try(run, &c);
	free(c.copy);
}
