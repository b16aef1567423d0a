/* vocab_bin.c - llama2.c's tokenizer.bin. */
#include "round.h"

const size_t fuzz_base = 4 << 20;	/* the cache of words is 2 MiB */

static void
run(void *arg)
{
	struct vocab_case *c = arg;
	use_vocab(vocab_from_llama2c(c->map), c);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct vocab_case c;
	if (!vocab_case(&c, data, n, "tokenizer.bin"))
		return;
	fuzz_try(run, &c);
	free(c.copy);
}
