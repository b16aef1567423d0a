/* compat.c - what POSIX does not tell; see compat.h. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include "compat.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#endif
#if defined(__linux__) || defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
#include <sys/ioctl.h>
#endif

#if defined(__linux__)
/* The CPUs that a cgroup's quota amounts to, rounded up; 0: none is set. `path` is that of its
 * folder below /sys/fs/cgroup, and of its version. */
static long
quota_of(const char *folder, const char *name, const char *period_name)
{
	char path[4400];
	long quota = 0, period = 100000;
	snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder, name);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	int got = fscanf(f, "%ld %ld", &quota, &period); /* "max 100000", or -1 in version 1: none */
	fclose(f);
	if (got == 1 && period_name) {
		snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", folder, period_name);
		f = fopen(path, "r");
		got = f ? fscanf(f, "%ld", &period) : 0;
		if (f)
			fclose(f);
	}
	return got < 1 || quota < 1 || period < 1 ? 0 : quota / period + (quota % period > 0);
}

/* The least quota of this process's group and those that it lies in. */
static long
cgroup_cpus(void)
{
	char line[4200];
	long least = 0;
	FILE *f = fopen("/proc/self/cgroup", "r");
	while (f && fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = 0;
		const bool second = strncmp(line, "0::", 3) == 0;
		char *path = strchr(line, '/'), folder[4300];
		if (!path || (!second && !strstr(line, "cpu")))
			continue;
		for (;;) { /* a container's own view may lack the folder: then the root is its */
			snprintf(folder, sizeof folder, "%s%s", second ? "" : "/cpu", path);
			const long n = second ? quota_of(folder, "cpu.max", NULL) :
				quota_of(folder, "cpu.cfs_quota_us", "cpu.cfs_period_us");
			least = n && (!least || n < least) ? n : least;
			if (!*path)
				break;
			*strrchr(path, '/') = 0;
		}
	}
	if (f)
		fclose(f);
	return least;
}
#endif

int
cpu_count(void)
{
	long n = 0;
#if defined(__linux__)
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		n = CPU_COUNT(&set);
	const long quota = cgroup_cpus();
	n = quota && quota < n ? quota : n;
#endif
#if defined(_SC_NPROCESSORS_ONLN)
	if (n < 1)
		n = sysconf(_SC_NPROCESSORS_ONLN);
#endif
	return n < 1 ? 1 : n > 1024 ? 1024 : (int)n;
}

int
cpu_now(void)
{
#if defined(__linux__)
	return sched_getcpu();
#else
	return -1;
#endif
}

bool
thread_runs(pthread_t t)
{
#if defined(_POSIX_THREAD_CPUTIME) && _POSIX_THREAD_CPUTIME >= 0
	struct timespec a, b;
	clockid_t clock;
	if (pthread_getcpuclockid(t, &clock) == 0 && clock_gettime(clock, &a) == 0 && clock_gettime(clock, &b) == 0)
		return a.tv_sec != b.tv_sec || a.tv_nsec != b.tv_nsec;
#endif
	(void)t;
	return true;
}

void
thread_move(pthread_t t, int cpu, bool there)
{
#if defined(__linux__)
	cpu_set_t all, some;
	if (cpu < 0 || cpu >= CPU_SETSIZE || pthread_getaffinity_np(t, sizeof all, &all))
		return;
	CPU_ZERO(&some);
	CPU_SET(cpu, &some);
	if (!there)
		CPU_XOR(&some, &some, &all);
	if (pthread_setaffinity_np(t, sizeof some, &some) == 0)
		pthread_setaffinity_np(t, sizeof all, &all);
#else
	(void)t, (void)cpu, (void)there;
#endif
}

long
unread_bytes(int fd)
{
	int n;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
#if defined(TIOCOUTQ)
	if (S_ISSOCK(st.st_mode) && ioctl(fd, TIOCOUTQ, &n) == 0)
		return n;
#endif
#if defined(FIONREAD)
	if (S_ISFIFO(st.st_mode) && ioctl(fd, FIONREAD, &n) == 0)
		return n;
#endif
	(void)n;
	return -1;
}

size_t
resident_bytes(void)
{
	unsigned long pages = 0;
#if defined(__linux__)
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
#endif
	return pages * (size_t)sysconf(_SC_PAGESIZE);
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

ssize_t
lend_to_pipe(int fd, void *p, size_t n)
{
#if defined(__linux__)
	return vmsplice(fd, &(struct iovec){p, n}, 1, 0);
#else
	(void)fd, (void)p, (void)n;
	return -1;
#endif
}

void
want_large_pages(void *p, size_t bytes)
{
#if defined(MADV_HUGEPAGE)
	madvise(p, bytes, MADV_HUGEPAGE);
#else
	(void)p, (void)bytes;
#endif
}

bool
allow_tiles(void)
{
#if defined(__linux__) && defined(__x86_64__)
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
	return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
#else
	return false;
#endif
}
