/* vocab_json.c - tokenizer.json. */
#include "round.h"

#include "vocab/vocab_hf.h"

const size_t fuzz_base = (size_t)64 << 20;	/* 32 patterns at most */

static void
run(void *arg)
{
	struct vocab_case *c = arg;
	use_vocab(vocab_from_hf(c->map, "/nowhere", c->map.size & 1), c);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct vocab_case c;
	if (!vocab_case(&c, data, n, "tokenizer.json"))
		return;
	fuzz_try(run, &c);
	free(c.copy);
}
