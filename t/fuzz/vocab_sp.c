/* vocab_sp.c - SentencePiece's tokenizer.model. */
#include "round.h"

const size_t fuzz_base = 4 << 20;	/* the cache of words is 2 MiB */

static void
run(void *arg)
{
	struct vocab_case *c = arg;
	if (sp_is(c->map))
		use_vocab(vocab_from_sp(c->map, "/nowhere"), c);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct vocab_case c;
	if (!vocab_case(&c, data, n, "tokenizer.model"))
		return;
	fuzz_try(run, &c);
	free(c.copy);
}
