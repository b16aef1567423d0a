/*
 * compat.h - what POSIX does not tell: each has a portable answer where the
 * system has none of its own.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Ask for memory that will be wanted soon. */
#if defined(__GNUC__)
#define prefetch(p) __builtin_prefetch(p)
#else
#define prefetch(p) ((void)(p))
#endif

/* How many bits of x stand below the lowest that is set; x is not 0. */
static inline unsigned
bits_below(uint64_t x)
{
#if defined(__GNUC__)
	return (unsigned)__builtin_ctzll(x);
#else
	unsigned n = 0;
	for (; !(x & 0xFF); x >>= 8)
		n += 8;
	for (; !(x & 1); x >>= 1)
		n++;
	return n;
#endif
}

/* CPUs that this process may run on; at least 1. */
int cpu_count(void);

/* The CPU that this thread runs on; -1: not known. */
int cpu_now(void);
/* Whether a thread is on a CPU now; true where the system does not tell. */
bool thread_runs(pthread_t t);
/* Move a thread to a CPU, or away from it, where the system lets us; from there it may go as before. For that, which
 * CPUs it may use is changed for a moment: not by two at once. */
void thread_move(pthread_t t, int cpu, bool there);

/* Bytes written to a pipe or socket that its reader has not read yet; -1 where
 * the system does not tell. */
long unread_bytes(int fd);

/* Bytes of main memory that this process has, pages of mapped files among them; 0 where the system does not tell. */
size_t resident_bytes(void);

/* Ask that the mapped memory be kept in large pages: their addresses are found faster. Linux (6 and later, most file systems)
 * does so with what it reads from disk from now on, for all who map that file. */
void want_large_pages(void *p, size_t bytes);

/* Ask for a larger pipe buffer: fewer switches for large rows. */
void enlarge_pipe(int fd, size_t bytes);

/* Put memory into a pipe as it lies, uncopied: it must not change before it is read. Returns how many bytes; -1: none, and
 * why does not matter, since write(2) is always the other way. */
ssize_t lend_to_pipe(int fd, void *p, size_t n);

/* Ask for the tiles of x86-64's AMX, for all threads of this process; false: there are none to be had. */
bool allow_tiles(void);

#endif
