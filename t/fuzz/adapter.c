/*
 * adapter.c - adapters: reading, finding their places in a base, a forward pass.
 *
 * The input is a little-endian u16, so many bytes of the base in GGUF, and the adapter: GGUF, or
 * adapter_config.json, NUL, adapter_model.safetensors. It is the adapter that is mutated.
 */
#include "gguf_mutate.h"
#include "feed.h"
#include "words.h"

#include "lora.h"
#include "weights/gguf.h"

const size_t fuzz_base = 4 << 20;

struct files {
	struct map base, config, adapter;
};

static bool
split(struct files *f, const unsigned char *data, size_t n)
{
	const size_t base = n < 2 ? 0 : le16(data);
	if (!base || n < 2 + base + 4)
		return false;
	const unsigned char *rest = data + 2 + base, *end = data + n;
	f->base = (struct map){"base.gguf", data + 2, base};
	f->adapter = (struct map){"adapter.gguf", rest, (size_t)(end - rest)};
	f->config = (struct map){"adapter_config.json", NULL, 0};
	if (gguf_is(f->adapter))
		return true;
	const unsigned char *nul = memchr(rest, 0, (size_t)(end - rest));
	if (!nul || nul == rest || nul + 1 == end)
		return false;
	f->config = (struct map){"adapter_config.json", rest, (size_t)(nul - rest)};
	f->adapter = (struct map){"adapter_model.safetensors", nul + 1, (size_t)(end - nul - 1)};
	return true;
}

/* Change the JSON at p, of len bytes within data[0..size); what is behind moves. */
static size_t
change_json(unsigned char *data, size_t size, size_t max, unsigned char *p, size_t len, unsigned *seed, size_t *now)
{
	static const char *const words[] = {"0", "1", "2", "3", "4", "8", "16777216", "-1", "1e300", "null", "true", "false", "\"F32\"",
		"\"BF16\"", "\"F16\"", "\"LORA\"", "\"none\"", "\"gaussian\"", "\"pissa\"", "[]", "{}", "[1,1]", "[2,8]", "[8,2]",
		"{\"q_proj\":4}", "{\".*\":2}", "{\"(a|k_)proj\":1,\"x\":[]}", "{\"[a-z]+\":3}"};
	unsigned char part[16384], tail[16384];
	const size_t rest = size - (size_t)(p - data) - len, room = max - (size - len);
	*now = len;
	if (len > sizeof part || rest > sizeof tail)
		return size;
	memcpy(part, p, len);
	memcpy(tail, p + len, rest);
	const size_t most = room < sizeof part ? room : sizeof part;
	*now = fuzz_random(seed, 3) ? swap_words(part, len, most, words, sizeof words / sizeof *words, seed) :
		LLVMFuzzerMutate(part, len, most);
	memcpy(p, part, *now);
	memcpy(p + *now, tail, rest);
	return size - len + *now;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct files f;
	size_t now;
	if (!split(&f, data, size) || fuzz_random(&seed, 50) == 0)
		return LLVMFuzzerMutate(data, size, max);
	const size_t start = 2 + f.base.size;
	if (!f.config.data)
		return start + gguf_mutate(data + start, size - start, max - start, seed);
	if (fuzz_random(&seed, 2))
		return change_json(data, size, max, data + start, f.config.size, &seed, &now);
	const size_t head = (size_t)(f.adapter.data - data);
	const uint64_t n = f.adapter.size < 8 ? UINT64_MAX : le64(f.adapter.data);
	if (n > f.adapter.size - 8 || fuzz_random(&seed, 8) == 0)
		return head + LLVMFuzzerMutate(data + head, size - head, max - head);
	size = change_json(data, size, max, data + head + 8, (size_t)n, &seed, &now);
	put_number(data + head, 8, now);
	return size;
}

static void
feed(void *arg)
{
	const struct files *f = arg;
	const unsigned last = f->adapter.data[f->adapter.size - 1];
	struct weights *w = weights_read(f->base);
	struct model *m = model_new(w);
	const struct adapter *a = adapter_read("adapter", f->adapter, f->config, w);
	lora_hang(m, a, 1);
	lora_hang(m, a, 0.5f);
	feed_context(m, last);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	struct files f;
	if (split(&f, data, n))
		fuzz_try(feed, &f);
}
