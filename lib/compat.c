/* compat.c - what POSIX does not tell; see compat.h. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "compat.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
#include <sys/ioctl.h>
#endif

int
cpu_count(void)
{
	long n = 0;
#if defined(__linux__)
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = CPU_COUNT(&set);
#endif
#if defined(_SC_NPROCESSORS_ONLN)
	if (n < 1)
		n = sysconf(_SC_NPROCESSORS_ONLN);
#endif
	return n < 1 ? 1 : n > 1024 ? 1024 : (int)n;
}

long
unread_bytes(int fd)
{
	int n = -1;
	struct stat st;
#if defined(TIOCOUTQ)
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		return ioctl(fd, TIOCOUTQ, &n) == 0 ? n : -1;
#endif
#if defined(FIONREAD)
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		return ioctl(fd, FIONREAD, &n) == 0 ? n : -1;
#endif
	(void)fd;
	(void)st;
	return n;
}

void
enlarge_pipe(int fd, size_t bytes)
{
#if defined(F_SETPIPE_SZ)
	if (bytes > 1 << 20)
		bytes = 1 << 20;
	if (bytes > 1 << 16)
		(void)fcntl(fd, F_SETPIPE_SZ, (int)bytes);
#else
	(void)fd;
	(void)bytes;
#endif
}
