/* state.c - the state of a context in a file; see state.h. */
#include "state.h"

#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_VERSION "llm-state 1"

enum {
	HEADER_MAX = 1 << 15,
	ALIGN = 4096,		/* where the first array begins */
	LINE = 64,		/* and the others: a cache line */
	SLACK = 1024		/* tokens that a map has room for without being copied */
};

struct state {
	struct map map;		/* of the file when we came */
	bool writable, failed;
	struct context *c;
	uint64_t fits;
	const struct origin *origin;
	uint32_t *ids;		/* that the file holds */
	size_t n, cap;
};

/* What the header says, in its order. */
struct header {
	uint64_t fits;
	size_t tokens, room, arrays, apart, data;
	bool is_long;
	size_t end;		/* bytes of the header itself */
};

uint64_t
state_fits(const struct model *m, const struct adapted *adapters, size_t n_adapters, const struct kernels *k, enum kv_type kv)
{
	uint64_t h = weights_fingerprint(m->w);
	h = hash_more(h, VERSION, sizeof VERSION);
	h = hash_more(h, k->name, strlen(k->name));
	h = hash_more(h, &kv, sizeof kv); /* the order of bytes, too */
	for (const struct adapted *a = adapters; a < adapters + n_adapters; a++) {
		h = hash_more(h, &a->scale, sizeof a->scale);
		for (const struct factors *f = a->a->f; f < a->a->f + a->a->n; f++) {
			h = hash_more(h, f->name, strlen(f->name));
			h = hash_more(h, &f->scale, sizeof f->scale);
			h = hash_tensor(hash_tensor(h, &f->a), &f->b);
		}
	}
	return h;
}

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* From one array to the next; false: more than there can be. */
static bool
array_apart(const struct context *c, size_t room, size_t *apart)
{
	if (!context_array_bytes(c, room, apart) || !add_size(*apart, KV_RUN * sizeof(float) + LINE, apart))
		return false;
	*apart = *apart / LINE * LINE;
	return true;
}

/* Reading. */

static size_t
number(const struct map *m, const char *key, const char *value)
{
	char *end;
	errno = 0;
	unsigned long long n = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n > SIZE_MAX)
		die("%s: damaged: '%s %s' in its header; remove it", m->path, key, value);
	return (size_t)n;
}

static void
take_line(const struct map *m, struct header *h, char *line)
{
	const struct {
		const char *key;
		size_t *to;
	} numbers[] = {{"tokens", &h->tokens}, {"room", &h->room}, {"arrays", &h->arrays}, {"array_bytes", &h->apart}, {"data", &h->data}};
	char *value = strchr(line, ' ');
	if (!value)
		die("%s: damaged: '%s' in its header; remove it", m->path, line);
	*value++ = 0;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!strcmp(line, numbers[i].key))
			*numbers[i].to = number(m, line, value);
	if (!strcmp(line, "fits"))
		h->fits = strtoull(value, NULL, 16);
	if (!strcmp(line, "long"))
		h->is_long = !strcmp(value, "yes");
}

/* The lines up to the empty one. */
static struct header
take_header(const struct map *m)
{
	static const char magic[] = STATE_VERSION "\n";
	const char *text = (const char *)m->data;
	struct header h = {0};
	if (m->size < sizeof magic - 1 || memcmp(text, magic, 10))
		die("%s: not a state of llm-fwd; it is left as it is", m->path);
	if (memcmp(text, magic, sizeof magic - 1))
		die("%s: a state of another version than this program's, which is '" STATE_VERSION "'; remove it", m->path);
	for (size_t at = sizeof magic - 1;;) {
		const size_t left = (m->size < HEADER_MAX ? m->size : HEADER_MAX) - at;
		const char *end = memchr(text + at, '\n', left);
		if (!end)
			die("%s: truncated in its header; remove it", m->path);
		const size_t n = (size_t)(end - text) - at;
		char *line = xcalloc(n + 1, 1);
		memcpy(line, text + at, n);
		at += n + 1;
		if (n)
			take_line(m, &h, line);
		xfree(line);
		if (!n) {
			h.end = at;
			return h;
		}
	}
}

/* Die where the header's numbers are not what this context's would be. */
static void
check(const struct map *m, const struct header *h, const struct context *c)
{
	const size_t most = context_max(c);
	size_t apart, bytes, ids, size;
	if (h->tokens < 1 || h->tokens > most || h->room < h->tokens || h->room % KV_BLOCK || h->room > round_up(most, KV_BLOCK))
		die("%s: damaged: %zu tokens in room for %zu, in a context of %zu; remove it", m->path, h->tokens, h->room, most);
	if (h->arrays != context_arrays(c) || !array_apart(c, h->room, &apart) || h->apart != apart)
		die("%s: damaged: %zu arrays of %zu bytes are not this model's; remove it", m->path, h->arrays, h->apart);
	if (!mul_size(h->tokens, 4, &ids) || !add_size(h->end, ids, &ids) || h->data < ids || h->data % LINE ||
		!mul_size(apart, h->arrays, &bytes) || !add_size(h->data, bytes, &size) || size != m->size)
		die("%s: damaged or truncated: it has not the size that its header says; remove it", m->path);
}

static void
take(struct state *s, const struct header *h)
{
	const unsigned char *ids = s->map.data + h->end;
	check(&s->map, h, s->c);
	s->ids = grow(s->ids, &s->cap, h->tokens, sizeof *s->ids);
	for (s->n = 0; s->n < h->tokens; s->n++) {
		s->ids[s->n] = le32(ids + 4 * s->n);
		if (s->ids[s->n] >= s->origin->n_vocab)
			die("%s: damaged: token id %u in it; remove it", s->map.path, s->ids[s->n]);
	}
	context_adopt(s->c, s->ids, s->n, h->is_long, h->room, (unsigned char *)s->map.data + h->data, h->apart);
}

struct state *
state_read(struct map m, bool writable, struct context *c, uint64_t fits, const struct origin *origin)
{
	struct state *s = xcalloc(1, sizeof *s);
	*s = (struct state){.map = m, .writable = writable, .c = c, .fits = fits, .origin = origin};
	if (!m.size)
		return s;
	const struct header h = take_header(&m);
	if (h.fits == fits)
		take(s, &h);
	else
		warn("%s: of another model, other options or another version: it is not used%s", m.path,
			writable ? ", and will be replaced" : "");
	return s;
}

struct state *
state_open(const char *path, struct context *c, uint64_t fits, const struct origin *origin)
{
	struct map m = {.path = path};
	bool writable;
	map_private(&m, path, &writable);
	return state_read(m, writable, c, fits, origin);
}

/* Writing. */

static bool
put(int fd, const void *p, size_t n, off_t at)
{
	for (const char *s = p; n;) {
		const ssize_t w = pwrite(fd, s, n, at);
		if (w < 0 && errno != EINTR)
			return false;
		if (w > 0) {
			s += w;
			n -= (size_t)w;
			at += w;
		}
	}
	return true;
}

/* The header, and the tokens behind it. */
static struct header
make_head(const struct state *s, struct bytes *text)
{
	struct header h = {.fits = s->fits, .tokens = s->n, .arrays = context_arrays(s->c), .is_long = context_is_long(s->c)};
	char lines[ORIGIN_MAX];
	const size_t most = round_up(context_max(s->c), KV_BLOCK);
	h.room = round_up(s->n + SLACK, KV_BLOCK);
	h.room = h.room < most ? h.room : most;
	if (!array_apart(s->c, h.room, &h.apart))
		die("out of memory");
	const size_t path = origin_print(s->origin, "", lines, sizeof lines);
	h.data = round_up(path + 512 + 4 * s->n, ALIGN);
	bytes_print(text, STATE_VERSION "\n%s", lines);
	bytes_print(text, "fits %016llx\ntokens %zu\nroom %zu\narrays %zu\narray_bytes %zu\ndata %zu\n%s\n",
		(unsigned long long)h.fits, h.tokens, h.room, h.arrays, h.apart, h.data, h.is_long ? "long yes\n" : "");
	h.end = text->n;
	for (size_t i = 0; i < s->n; i++) {
		const uint32_t id = s->ids[i];
		bytes_add(text, (unsigned char[]){(unsigned char)id, (unsigned char)(id >> 8), (unsigned char)(id >> 16),
			(unsigned char)(id >> 24)}, 4);
	}
	return h;
}

/* All of it into a file; what is not written is a hole. */
static bool
write_state(const struct state *s, int fd)
{
	struct bytes text = {NULL, 0, 0};
	const struct header h = make_head(s, &text);
	size_t used, size;
	if (!context_array_bytes(s->c, round_up(s->n, KV_BLOCK), &used) || !mul_size(h.apart, h.arrays, &size) ||
		!add_size(size, h.data, &size))
		die("out of memory");
	bool ok = ftruncate(fd, (off_t)size) == 0 && put(fd, text.s, text.n, 0);
	for (size_t i = 0; ok && i < h.arrays; i++)
		ok = put(fd, *context_array(s->c, i), used, (off_t)(h.data + i * h.apart));
	xfree(text.s);
	return ok && fsync(fd) == 0;
}

/* Beside the file, then in its place. Signals wait, so that nothing is left behind. */
static bool
replace(const struct state *s)
{
	const char *path = s->map.path;
	const size_t n = strlen(path);
	char *temp = xcalloc(n + 8, 1);
	sigset_t all, old;
	memcpy(temp, path, n);
	memcpy(temp + n, ".XXXXXX", 7);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	const int fd = mkstemp(temp);
	bool ok = fd >= 0 && write_state(s, fd);
	if (fd >= 0)
		ok = close(fd) == 0 && ok;
	ok = ok && rename(temp, path) == 0;
	if (!ok) {
		warn("%s: the state cannot be written:", path);
		if (fd >= 0)
			unlink(temp);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	xfree(temp);
	return ok;
}

/* Whether the file holds all that the context knows. */
static bool
holds_all(const struct state *s)
{
	const size_t n = context_known(s->c);
	for (size_t i = 0; i < n; i++)
		if (i == s->n || s->ids[i] != context_token(s->c, i))
			return false;
	return true;
}

bool
state_save(struct state *s)
{
	if (s->failed || !s->writable || holds_all(s))
		return !s->failed;
	s->n = context_known(s->c);
	s->ids = grow(s->ids, &s->cap, s->n, sizeof *s->ids);
	for (size_t i = 0; i < s->n; i++)
		s->ids[i] = context_token(s->c, i);
	context_pad(s->c);
	s->failed = !replace(s);
	return !s->failed;
}
