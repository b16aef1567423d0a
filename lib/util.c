/* util.c - errors, memory, numbers and files; see util.h. */
#include "util.h"
#include "compat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "unknown"
#endif

void
start(void)
{
	/* A descriptor opened the wrong way round fails on use, like a closed one. */
	static const int mode[3] = {O_WRONLY, O_RDONLY, O_WRONLY};
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode[fd]) != fd)
			_exit(1);
	signal(SIGPIPE, SIG_DFL); /* a parent may have ignored it; a pipe ends in silence */
}

void
help(void)
{
	write_all(1, usage_text, strlen(usage_text), "stdout");
	close_out(1, "stdout");
	exit(0);
}

void
version(void)
{
	char buf[128];
	int n = snprintf(buf, sizeof buf, "%s (llmutils) " VERSION "\n", progname);
	write_all(1, buf, (size_t)n, "stdout");
	close_out(1, "stdout");
	exit(0);
}

/* One write(2), so that lines of programs that share stderr do not mix. */
static void
say(const char *fmt, va_list ap, const char *tail)
{
	int err = errno;
	char buf[1024];
	size_t len = strlen(fmt);
	int n = snprintf(buf, sizeof buf, "%s: ", progname);
	int m = vsnprintf(buf + n, sizeof buf - (size_t)n, fmt, ap);
	size_t used = m < 0 ? (size_t)n : (size_t)n + (size_t)m;
	if (used > sizeof buf - 128) /* a very long path, say */
		used = sizeof buf - 128;
	if (len && fmt[len - 1] == ':')
		used += (size_t)snprintf(buf + used, sizeof buf - used, " %s", strerror(err));
	if (used > sizeof buf - 2)
		used = sizeof buf - 2;
	used += (size_t)snprintf(buf + used, sizeof buf - used, "%s", tail);
	if (used > sizeof buf - 2)
		used = sizeof buf - 2;
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)buf[i] < 32 || buf[i] == 127)
			buf[i] = '?';
	buf[used++] = '\n';
	if (write(2, buf, used) < 0)
		return; /* stderr is the last resort: nowhere left to say it */
}

void
warn(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, "");
	va_end(ap);
}

void
die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, "");
	va_end(ap);
	exit(1);
}

void
die_usage(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, " (-h shows the usage)");
	va_end(ap);
	exit(2);
}

void
die_option(int c, int opt)
{
	if (c == ':')
		die_usage("-%c needs a value", opt);
	die_usage("-%c: there is no such option", opt);
}

bool
mul_size(size_t a, size_t b, size_t *r)
{
	if (b && a > SIZE_MAX / b)
		return false;
	*r = a * b;
	return true;
}

bool
add_size(size_t a, size_t b, size_t *r)
{
	if (a > SIZE_MAX - b)
		return false;
	*r = a + b;
	return true;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);
	if (!p)
		die("out of memory");
	return p;
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;
	if (!mul_size(n, size, &bytes))
		die("out of memory");
	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		die("out of memory");
	return p;
}

void *
xlarge(size_t n, size_t size)
{
	enum { SMALL = 1 << 12, PAGE = 1 << 21, LARGE = PAGE / 2 };
	size_t bytes;
	void *p;
	if (!mul_size(n, size, &bytes) || bytes > SIZE_MAX - PAGE)
		die("out of memory");
	const bool large = bytes >= LARGE;
	if (large)
		bytes = (bytes + PAGE - 1) / PAGE * PAGE;
	if (posix_memalign(&p, large ? PAGE : SMALL, bytes + !bytes))
		die("out of memory");
	if (large)
		want_large_pages(p, bytes);
	return p;
}

void
xfree(void *p)
{
	free(p);
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;
	return memcpy(xreallocarray(NULL, n, 1), s, n);
}

void *
grow(void *p, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return p;
	size_t n = *cap ? *cap : 16;
	while (n < need)
		n = n > SIZE_MAX / 2 ? need : n * 2;
	p = xreallocarray(p, n, size);
	*cap = n;
	return p;
}

long
arg_long(int opt, const char *s, long min, long max)
{
	char *end;
	errno = 0;
	long v = strtol(s, &end, 10);
	if (end == s || *end || errno || v < min || v > max)
		die_usage("-%c: '%s' is not a whole number from %ld to %ld", opt, s, min, max);
	return v;
}

double
arg_double(int opt, const char *s, double min, double max)
{
	char *end;
	errno = 0;
	double v = strtod(s, &end);
	if (end == s || *end || errno || !(v >= min && v <= max))
		die_usage("-%c: '%s' is not a number from %g to %g", opt, s, min, max);
	return v;
}

uint64_t
arg_u64(int opt, const char *s)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno)
		die_usage("-%c: '%s' is not a whole number from 0 to 2^64-1", opt, s);
	return v;
}

static void
wait_fd(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	poll(&p, 1, -1);
}

double
seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void
write_all(int fd, const void *buf, size_t n, const char *name)
{
	const char *p = buf;
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0) {
			if (errno == EAGAIN || errno == EWOULDBLOCK)
				wait_fd(fd, POLLOUT);
			else if (errno != EINTR)
				die("%s:", name);
			continue;
		}
		p += w;
		n -= (size_t)w;
	}
}

void
close_out(int fd, const char *name)
{
	if (close(fd) < 0 && errno != EINTR)
		die("%s:", name);
}

void
wait_input(int in, int out)
{
	struct pollfd p[2] = {{.fd = in, .events = POLLIN}, {.fd = out, .events = 0}};
	for (;;) {
		if (poll(p, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return; /* read(2) will tell what is wrong */
		}
		if (p[1].revents & POLLERR) {
			raise(SIGPIPE);
			exit(1); /* SIGPIPE is blocked */
		}
		if (p[0].revents)
			return;
		if (p[1].revents) /* a terminal hung up, say: let write(2) tell */
			p[1].fd = -1;
	}
}

size_t
read_some(int in, int out, void *buf, size_t n, const char *name)
{
	for (;;) {
		if (out >= 0)
			wait_input(in, out);
		ssize_t r = read(in, buf, n);
		if (r >= 0)
			return (size_t)r;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			wait_fd(in, POLLIN);
		else if (errno != EINTR)
			die("%s:", name);
	}
}

/* A mapped file was cut short under us: say so. Only write(2) and _exit(2) are
 * safe in a handler. */
static void
map_gone(int sig)
{
	static const char msg[] = ": a mapped file became shorter while in use\n";
	(void)sig;
	if (write(2, progname, strlen(progname)) < 0 || write(2, msg, sizeof msg - 1) < 0)
		_exit(1);
	_exit(1);
}

/* Map a file that is not empty, with that protection. */
static struct map
map_open(const char *path, int fd, const struct stat *st, int protection, int flags)
{
	struct map m = {.path = path};
	if ((uintmax_t)st->st_size > SIZE_MAX)
		die("%s: too large to map on this machine", path);
	m.size = (size_t)st->st_size;
	void *p = mmap(NULL, m.size, protection, flags, fd, 0);
	if (p == MAP_FAILED)
		die("%s: mmap:", path);
	m.data = p;
	want_large_pages(p, m.size);
	close(fd);
	struct sigaction sa = {.sa_handler = map_gone};
	sigemptyset(&sa.sa_mask);
	sigaction(SIGBUS, &sa, NULL);
	return m;
}

struct map
map_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s:", path);
	if (!S_ISREG(st.st_mode))
		die("%s: not a regular file: a model is mapped, so it must be a file on disk", path);
	if (st.st_size == 0)
		die("%s: the file is empty, not a model", path);
	return map_open(path, fd, &st, PROT_READ, MAP_SHARED);
}

bool
map_private(struct map *m, const char *path, bool *writable)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	*writable = true;
	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s:", path);
	if (!S_ISREG(st.st_mode))
		die("%s: not a regular file, which could be mapped", path);
	*writable = st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH);
	if (st.st_size == 0) {
		close(fd);
		return false;
	}
	*m = map_open(path, fd, &st, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	return true;
}

bool
str_is(struct str s, const char *text)
{
	return s.p && s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

float
lef32(const unsigned char *p)
{
	uint32_t u = le32(p);
	float f;
	memcpy(&f, &u, sizeof f);
	return f;
}
