/*
 * util.h - errors, memory, numbers and files: the helpers every program uses.
 *
 * A diagnostic is one line on stderr, "prog: what is wrong"; the exit status is
 * 1 when the work failed and 2 when the command line was wrong.
 */
#ifndef UTIL_H
#define UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__)
#define PRINTF_LIKE(a, b) __attribute__((format(printf, a, b)))
#else
#define PRINTF_LIKE(a, b)
#endif

/* The program's name as diagnostics show it; each main file defines it. */
extern const char progname[];
/* The text of -h, each main file defines it; ends with a newline. */
extern const char usage_text[];

/*
 * First call of every main. Makes sure that descriptors 0 to 2 are open, so
 * that no file is ever opened as a standard stream by accident: a closed one
 * stays unusable, as the user asked.
 */
void start(void);

/* -h and -V: print on stdout, exit 0. */
_Noreturn void help(void);
_Noreturn void version(void);

/* Print "prog: <message>" on stderr and exit 1; a format that ends with ':'
 * gets " strerror(errno)" appended. Control characters are shown as '?'. */
_Noreturn void die(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The same without exiting. */
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A wrong command line: the message, a hint at -h, exit 2. */
_Noreturn void die_usage(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* What getopt(3) with a leading ':' in its letters could not take: c is what it
 * returned, opt its optopt. */
_Noreturn void die_option(int c, int opt);

/* Allocation never returns NULL: it dies. Sizes multiply with overflow checked.
 * The caller owns the result; xfree() gives it back. */
void *xcalloc(size_t n, size_t size); /* zeroed */
void *xreallocarray(void *p, size_t n, size_t size);
/* Not zeroed, from the beginning of a page on, for what is used all over: in large pages where the system has them. */
void *xlarge(size_t n, size_t size);
void xfree(void *p);
char *xstrdup(const char *s);

/* Make room for at least `need` elements in a growing array of *cap elements;
 * doubles. Returns the array, perhaps moved. */
void *grow(void *p, size_t *cap, size_t need, size_t size);

/* A string that is not NUL-terminated, owned by what it lies in. */
struct str {
	const char *p;
	size_t n;
};
bool str_is(struct str s, const char *text);

/* A string in one of two texts of at most 2 GB: the first or, with off's highest bit, the second. */
struct span {
	uint32_t off, n;
};
#define SPAN_SECOND 0x80000000u
static inline const unsigned char *
span_at(const unsigned char *const text[2], struct span s)
{
	return text[s.off >> 31] + (s.off & ~SPAN_SECOND);
}

/* *r = a * b, or a + b; false, *r untouched, if that overflows. */
bool mul_size(size_t a, size_t b, size_t *r);
bool add_size(size_t a, size_t b, size_t *r);

/* The value of option `opt` (a letter) from its text, within [min, max], or
 * die_usage(). */
long arg_long(int opt, const char *s, long min, long max);
double arg_double(int opt, const char *s, double min, double max);
uint64_t arg_u64(int opt, const char *s);

/* Seconds of a clock that only goes forward. */
double seconds_now(void);

/* Write all n bytes to descriptor fd or die naming `name`; EINTR and EAGAIN
 * are waited out. */
void write_all(int fd, const void *buf, size_t n, const char *name);

/* Close a descriptor that was written to: a full disk is noticed here. */
void close_out(int fd, const char *name);

/*
 * Wait until `in` can be read. If the reader of `out` (a pipe or socket) goes
 * away meanwhile, the process ends as SIGPIPE would end it: nobody is left to
 * work for, and the rest of the pipeline must not wait for our input to end.
 */
void wait_input(int in, int out);

/* read(2) with EINTR and EAGAIN waited out, after wait_input(in, out) if
 * out >= 0. Returns 0 at the end; dies, naming `name`, on an error. */
size_t read_some(int in, int out, void *buf, size_t n, const char *name);

/* A file mapped read-only. Lives until the process ends. */
struct map {
	const char *path;	/* as given; not owned */
	const unsigned char *data;
	size_t size;		/* bytes; never 0 */
};

/* Map a whole regular file; dies, naming it, where that cannot be. A file that
 * shrinks while it is mapped ends the program with a diagnostic, not a signal. */
struct map map_file(const char *path);
/* The same, but its pages may be written, and what is written stays here. False: there is no such file, or it
 * is empty. *writable: somebody has the permission to write it. */
bool map_private(struct map *m, const char *path, bool *writable);

/* Little-endian numbers at any alignment. */
static inline uint16_t
le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t
le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t
le64(const unsigned char *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}
float lef32(const unsigned char *p);

#endif
