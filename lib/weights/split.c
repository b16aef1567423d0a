/* split.c - GGUF files in parts; see split.h. */
#include "split.h"

#include <string.h>

enum { PARTS_MAX = 65535 };

/* What the name of part `no` (0 is the first) of `count` ends in. */
static void
part_end(char end[40], size_t no, size_t count)
{
	snprintf(end, 40, "-%05zu-of-%05zu.gguf", no + 1, count);
}

static bool
is_part(const struct gguf *g, size_t no, size_t count)
{
	return gguf_uint(g, "split.no", PARTS_MAX, 0, PARTS_MAX) == no &&
		gguf_uint(g, "split.count", 1, 0, PARTS_MAX) == count;
}

/* Part `no`, beside the one whose name is `path`. */
static struct gguf *
read_part(const char *path, size_t stem, size_t no, size_t count)
{
	char end[40];
	part_end(end, no, count);
	const size_t size = stem + strlen(end) + 1;
	char *name = xreallocarray(NULL, size, 1); /* lives as long as the map */
	snprintf(name, size, "%.*s%s", (int)stem, path, end);
	struct map m = map_file(name);
	if (!gguf_is(m))
		die("%s: not a GGUF file, though %s is a part beside it", name, path);
	struct gguf *g = gguf_read(m);
	if (!is_part(g, no, count))
		die("%s: not part %zu of %zu, though its name says so", name, no + 1, count);
	return g;
}

struct gguf *
gguf_open(struct map m, bool tensors)
{
	struct gguf *named = gguf_read(m);
	const size_t count = (size_t)gguf_uint(named, "split.count", 1, 0, PARTS_MAX);
	if (count <= 1)
		return named;
	char end[40];
	const size_t no = (size_t)gguf_uint(named, "split.no", 0, 0, count - 1), n = strlen(m.path);
	part_end(end, no, count);
	if (n < strlen(end) || n > 4096 || strcmp(m.path + n - strlen(end), end) != 0)
		die("%s: part %zu of %zu: the parts' names must end in %s and so on: rename them", m.path, no + 1, count, end);
	const size_t stem = n - strlen(end);
	struct gguf *g = no == 0 ? named : read_part(m.path, stem, 0, count);
	const size_t total = (size_t)gguf_uint(g, "split.tensors.count", 0, 0, INT32_MAX);
	for (size_t i = 1; tensors && i < count; i++)
		gguf_join(g, i == no ? named : read_part(m.path, stem, i, count));
	if (!tensors && no != 0)
		gguf_free(named);
	if (tensors && total != g->n_tensors)
		die("%s: %zu tensors in %zu parts, not %zu: parts of different models?", m.path, g->n_tensors, count, total);
	return g;
}
