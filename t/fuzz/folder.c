/*
 * folder.c - Hugging Face folders: the JSON of configuration and index, safetensors, names,
 * resolving by architecture, a forward pass.
 *
 * The input is config.json, NUL, the index (empty: none), NUL, model.safetensors.
 */
#include "feed.h"
#include "words.h"

#include "weights/folder.h"

#include <string.h>

const size_t fuzz_base = 4 << 20;

struct files {
	struct map config, index, shard;
};

static bool
split(struct files *f, const unsigned char *data, size_t n)
{
	const unsigned char *a = n ? memchr(data, 0, n) : NULL;
	const unsigned char *b = a ? memchr(a + 1, 0, (size_t)(data + n - a - 1)) : NULL;
	if (!b || a == data || b + 1 == data + n)
		return false;
	f->config = (struct map){"config.json", data, (size_t)(a - data)};
	f->index = (struct map){"model.safetensors.index.json", b == a + 1 ? NULL : a + 1, (size_t)(b - a - 1)};
	f->shard = (struct map){"model.safetensors", b + 1, (size_t)(data + n - b - 1)};
	return true;
}

static const char *const words[] = {"0", "1", "2", "3", "4", "8", "16777216", "65536", "-1", "1e300", "null", "true", "false",
	"\"F32\"", "\"BF16\"", "\"F16\"", "\"yarn\"", "\"longrope\"", "\"llama3\"", "\"linear\"", "\"falcon\"", "\"gpt2\"", "\"gpt_oss\"",
	"\"gemma3_text\"", "\"mixtral\"", "\"bloom\"", "\"stablelm\"", "\"olmo3\"", "\"mpt\"", "\"gptj\"", "[]", "{}", "[1,1]"};

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct files f;
	if (!split(&f, data, size) || f.shard.size < 8 || fuzz_random(&seed, 8) == 0)
		return LLVMFuzzerMutate(data, size, max);
	const size_t head = (size_t)(f.shard.data - data), text = head + 8;
	const uint64_t n = le64(f.shard.data);
	if (n > size - text)
		return LLVMFuzzerMutate(data, size, max);
	/* one of configuration, index, header; the header's length is kept right */
	const unsigned which = fuzz_random(&seed, 4);
	unsigned char *p = which < 2 ? data : data + text;
	size_t len = which < 2 ? (which ? head - 2 : f.config.size) : (size_t)n;
	unsigned char part[16384], tail[16384];
	if (len > sizeof part || size - (size_t)(p - data) - len > sizeof tail)
		return LLVMFuzzerMutate(data, size, max);
	const size_t rest = size - (size_t)(p - data) - len, room = max - (size - len);
	const size_t most = room < sizeof part ? room : sizeof part;
	memcpy(part, p, len);
	memcpy(tail, p + len, rest);
	size_t now = fuzz_random(&seed, 3) ? swap_words(part, len, most, words, sizeof words / sizeof *words, &seed) :
		LLVMFuzzerMutate(part, len, most);
	memcpy(p, part, now);
	memcpy(p + now, tail, rest);
	for (size_t i = 0; which >= 2 && i < 8; i++)
		data[head + i] = (unsigned char)((uint64_t)now >> (8 * i));
	return size - len + now;
}

static void
feed(void *arg)
{
	struct files *f = arg;
	struct weights *w = xcalloc(1, sizeof *w);
	w->path = "folder";
	folder_read(w, f->config, f->index, &f->shard, 1);
	feed_weights(w, f->shard.data[f->shard.size - 1]);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct files f;
	if (split(&f, data, n))
		fuzz_try(feed, &f);
}
