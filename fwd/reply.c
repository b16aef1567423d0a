/* reply.c - the reply channel; see reply.h. */
#include "reply.h"

#include "compat.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH = 1024, STEP_MS = 10 };

/* Signal handlers need these, so they are static. */
static char folder[PATH], fifo[PATH + 8];
static int fifo_fd = -1;
static long grace_ms = 1000;
static atomic_bool connected, foreign;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;

/* Remove the names. Safe in a signal handler, and to do twice: the folder's name
 * is ours alone until it is removed. */
static void
remove_names(void)
{
	int err = errno;
	unlink(fifo);
	rmdir(folder);
	errno = err;
}

static void
on_signal(int sig)
{
	remove_names();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
make_fifo(void)
{
	const char *tmp = getenv("TMPDIR");
	if (!tmp || !*tmp)
		tmp = "/tmp";
	char here[PATH] = "";
	if (*tmp != '/' && (!getcwd(here, sizeof here - 1) || !strcat(here, "/")))
		die("the current folder:");
	int n = snprintf(folder, sizeof folder, "%s%s/llm-fwd.XXXXXX", here, tmp);
	if (n < 0 || (size_t)n >= sizeof folder || strchr(folder, '\n'))
		die("TMPDIR is too long or has a newline in it");
	if (!mkdtemp(folder)) {
		folder[0] = 0;
		die("cannot make a reply channel in %s; set TMPDIR to a folder that can be written, or use -1:", tmp);
	}
	snprintf(fifo, sizeof fifo, "%s/reply", folder);
	atexit(remove_names);
	static const int sigs[] = {SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGQUIT, SIGXCPU, SIGXFSZ};
	for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
		struct sigaction old, sa = {.sa_handler = on_signal};
		sigemptyset(&sa.sa_mask);
		if (sigaction(sigs[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &sa, NULL);
	}
	if (mkfifo(fifo, 0600) < 0 || (fifo_fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		die("%s:", fifo);
}

static void
settle(atomic_bool *what)
{
	pthread_mutex_lock(&lock);
	atomic_store(what, true);
	pthread_cond_signal(&news);
	pthread_mutex_unlock(&lock);
}

/* The thread that watches: for the hello, and for the reader's end. A sampler behind
 * a filter that leaves between two turns only shows on the channel. */
static void *
watch(void *arg)
{
	struct pollfd p[2] = {{.fd = *(int *)arg, .events = 0}, {.fd = fifo_fd, .events = POLLIN}};
	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		bool left = atomic_load(&connected) && p[1].revents & POLLHUP;
		if (left || p[0].revents & (POLLERR | POLLHUP | POLLNVAL)) {
			kill(getpid(), SIGPIPE);
			return NULL;
		}
		if (p[1].revents) {
			remove_names();
			p[1].events = 0; /* from now on only POLLHUP */
			settle(&connected);
		}
	}
}

const char *
reply_open(int out, int patience)
{
	static int watched;
	struct stat st;
	pthread_t thread;
	sigset_t all, old;
	if (fstat(out, &st) < 0 || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		atomic_store(&foreign, true);
		return NULL;
	}
	make_fifo();
	watched = out;
	grace_ms = 1000 * (long)patience;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old); /* signals are the main thread's */
	if (pthread_create(&thread, NULL, watch, &watched))
		die("cannot start a thread");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return fifo;
}

static long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sleep until there is news, or for one step. */
static void
wait_step(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += STEP_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&lock);
	if (!atomic_load(&connected))
		pthread_cond_timedwait(&news, &lock, &t);
	pthread_mutex_unlock(&lock);
}

bool
reply_wait(int out)
{
	long drained = -1; /* when the pipe was first seen empty */
	if (atomic_load(&foreign))
		return false;
	while (!atomic_load(&connected)) {
		if (unread_bytes(out) > 0)
			drained = -1;
		else if (drained < 0)
			drained = now_ms();
		else if (now_ms() - drained >= grace_ms) {
			atomic_store(&foreign, true);
			remove_names();
			return false;
		}
		wait_step();
	}
	return true;
}

int
reply_fd(void)
{
	return fifo_fd;
}
