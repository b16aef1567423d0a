/* hooks.c - the system below lib/util.c as a harness has it; see fuzz.h. */
#include "fuzz.h"

#include <errno.h>
#include <poll.h>
#include <sanitizer/asan_interface.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

const char progname[] = "fuzz", usage_text[] = "";

/* Blocks that are in use. Each has a poisoned head, so that neither side of it can
 * be written to unnoticed; `at` is its place in the list. */
struct head {
	size_t size, at;
	unsigned char pad[16];
};
static struct head **block;
static size_t n_blocks, cap_blocks, live, limit;
static bool keep;

static struct input {
	const unsigned char *p;
	size_t n, step;
} input[2];
static jmp_buf *back;
struct fuzz_text fuzz_out, fuzz_err;
bool fuzz_silent;

void
fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not true: %s\nstderr was: %.*s\n", file, line, what, (int)fuzz_err.n,
		fuzz_err.p ? (char *)fuzz_err.p : "");
	abort();
}

static struct head *
head_of(void *p)
{
	struct head *h = (struct head *)p - 1;
	__asan_unpoison_memory_region(h, sizeof *h);
	return h;
}

static void
set_at(struct head *h, size_t at)
{
	__asan_unpoison_memory_region(h, sizeof *h);
	h->at = at;
	__asan_poison_memory_region(h, sizeof *h);
}

void *
fuzz_calloc(size_t n, size_t size)
{
	size_t bytes = n * size;
	CHECK(size == 0 || bytes / size == n);
	live += bytes;
	CHECK(live <= limit || !limit);
	struct head *h = calloc(1, sizeof *h + bytes);
	if (!h)
		abort();
	h->size = bytes;
	if (n_blocks == cap_blocks) {
		cap_blocks = cap_blocks ? 2 * cap_blocks : 1024;
		block = realloc(block, cap_blocks * sizeof *block);
	}
	block[n_blocks] = h;
	set_at(h, n_blocks++);
	return h + 1;
}

void
fuzz_free(void *p)
{
	if (!p)
		return;
	struct head *h = head_of(p);
	live -= h->size;
	block[h->at] = block[--n_blocks];
	if (block[h->at] != h)
		set_at(block[h->at], h->at);
	free(h);
}

/* Always moves, and what is new is not zero: whoever relies on either is caught. */
void *
fuzz_realloc(void *p, size_t bytes)
{
	unsigned char *q = fuzz_calloc(bytes, 1);
	memset(q, 0xa5, bytes);
	if (p) {
		struct head *h = head_of(p);
		memcpy(q, p, h->size < bytes ? h->size : bytes);
		fuzz_free(p);
	}
	return q;
}

int
fuzz_posix_memalign(void **p, size_t align, size_t bytes)
{
	(void)align; /* which is asked for to be quick */
	*p = fuzz_realloc(NULL, bytes);
	return 0;
}

_Noreturn void
fuzz_exit(int status)
{
	CHECK(back && status == 1);
	longjmp(*back, 1);
}

/* As with the signal blocked: exit follows. */
int
fuzz_raise(int sig)
{
	return sig - sig;
}

ssize_t
fuzz_read(int fd, void *buf, size_t n)
{
	struct input *in = input + (fd != 0);
	n = n < in->step ? n : in->step;
	n = n < in->n ? n : in->n;
	if (n)
		memcpy(buf, in->p, n);
	in->p += n;
	in->n -= n;
	return (ssize_t)n;
}

ssize_t
fuzz_write(int fd, const void *buf, size_t n)
{
	struct fuzz_text *t = fd == 2 ? &fuzz_err : &fuzz_out;
	CHECK(fd == 1 || fd == 2);
	if (t->n + n > t->cap) {
		t->cap = 2 * (t->n + n);
		t->p = realloc(t->p, t->cap);
	}
	memcpy(t->p + t->n, buf, n);
	t->n += n;
	return (ssize_t)n;
}

int
fuzz_poll(struct pollfd *p, nfds_t n, int ms)
{
	(void)ms;
	for (nfds_t i = 0; i < n; i++)
		p[i].revents = p[i].events;
	return (int)n;
}

int
fuzz_close(int fd)
{
	(void)fd;
	return 0;
}

void
fuzz_input(int fd, const unsigned char *data, size_t n, size_t step)
{
	input[fd != 0] = (struct input){data, n, step ? step : 1};
}

static void
sweep(void)
{
	while (n_blocks && !keep)
		fuzz_free(block[n_blocks - 1] + 1);
	fuzz_out.n = fuzz_err.n = 0;
}

void
fuzz_keep_all(void)
{
	keep = true;
	limit = 0;
}

bool
fuzz_try(void (*fn)(void *arg), void *arg)
{
	jmp_buf here;
	volatile bool ok = false;
	sweep();
	back = &here;
	if (!setjmp(here)) {
		fn(arg);
		ok = true;
	}
	back = NULL;
	/* Diagnostics are whole lines of printable bytes, one where it died. */
	size_t lines = 0;
	for (size_t i = 0; i < fuzz_err.n; i++) {
		lines += fuzz_err.p[i] == '\n';
		CHECK(fuzz_err.p[i] == '\n' || (fuzz_err.p[i] >= 32 && fuzz_err.p[i] != 127));
	}
	CHECK(!fuzz_err.n || fuzz_err.p[fuzz_err.n - 1] == '\n');
	CHECK(ok || lines >= 1 || fuzz_silent);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size ? size : 1);
	if (size)
		memcpy(copy, data, size);
	__asan_poison_memory_region(copy + size, size ? 0 : 1);
	if (!keep)
		limit = fuzz_base + FUZZ_FACTOR * size;
	fuzz_one(copy, size);
	sweep();
	free(copy);
	return 0;
}
