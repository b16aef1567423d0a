/*
 * vocab_text.c - any text through real vocabularies and back: the model that ships, those of t/fixtures,
 * and those of ../shared/vocab or $LLM_SHARED where they are.
 * Input: u8 which vocabulary and, in its highest bit, `special`; the text.
 */
#include "round.h"

#include <unistd.h>

const size_t fuzz_base = 0;

static struct vocab *vocabs[16];
static size_t n_vocabs;

int LLVMFuzzerInitialize(int *argc, char ***argv);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const names[] = {"deepseek-coder.gguf", "gpt-2.gguf", "llama-spm.gguf", "phi-3.gguf",
		"starcoder.gguf", "llama2-tokenizer.bin"};
	static const char *const ours[] = {"m.bin", "t/fixtures/sentencepiece/bpe_plain.model", "t/fixtures/sentencepiece/bpe_user.model",
		"t/fixtures/sentencepiece/unigram_bytes.model", "t/fixtures/sentencepiece/unigram_user.model"};
	const char *shared = getenv("LLM_SHARED");
	(void)argc;
	(void)argv;
	fuzz_keep_all();
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (access(ours[i], R_OK) == 0)
			vocabs[n_vocabs++] = vocab_open(ours[i]);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char *path = xcalloc(4096, 1);
		snprintf(path, 4096, "%s/vocab/%s", shared ? shared : "../shared", names[i]);
		if (access(path, R_OK) == 0)
			vocabs[n_vocabs++] = vocab_open(path);
	}
	return 0;
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	uint32_t *ids = NULL;
	if (!n || !n_vocabs)
		return;
	round_trip(vocabs[(data[0] & 127) % n_vocabs], (const char *)data + 1, n - 1, data[0] >> 7, &ids);
	xfree(ids);
}
