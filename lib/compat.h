/*
 * compat.h - what POSIX does not tell: each has a portable answer where the
 * system has none of its own.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <stddef.h>

/* Ask for memory that will be wanted soon. */
#if defined(__GNUC__)
#define prefetch(p) __builtin_prefetch(p)
#else
#define prefetch(p) ((void)(p))
#endif

/* CPUs that this process may run on; at least 1. */
int cpu_count(void);

/* Bytes written to a pipe or socket that its reader has not read yet; -1 where
 * the system does not tell. */
long unread_bytes(int fd);

/* Bytes of main memory that this process has, pages of mapped files among them; 0 where the system does not tell. */
size_t resident_bytes(void);

/* Ask for a larger pipe buffer: fewer switches for large rows. */
void enlarge_pipe(int fd, size_t bytes);

#endif
