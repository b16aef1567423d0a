/* reply.c - the way back to the model; see reply.h. */
#include "reply.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELLO "# llm-tokens 1\n"

static _Noreturn void
refuse(const char *path, const char *why)
{
	die("reply channel %s: %s: refused (is it a recording? take the header's reply line out)",
		path, why);
}

/* Nothing but what we mean: not "", and no way to somewhere else. */
static bool
plain_name(const char *s)
{
	return *s && strcmp(s, ".") && strcmp(s, "..");
}

/* The directory of an absolute path as a descriptor, -1 if it does not exist. The
 * path is cut in place; *name is the last part. */
static int
open_dir(char *cut, const char *path, const char **name)
{
	struct stat st;
	char *slash = strrchr(cut, '/');
	if (*cut != '/' || !plain_name(slash + 1))
		refuse(path, "not the absolute path of a file");
	*name = slash + 1;
	while (slash > cut && *slash == '/') /* "dir/" would follow a link */
		*slash-- = 0;
	const char *last = strrchr(cut, '/');
	if (last && last[1] && !plain_name(last + 1))
		refuse(path, "not a plain path");
	if (slash == cut && *slash == '/')
		refuse(path, "a directory that others write to");
	int fd = open(cut, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		refuse(path, errno == ELOOP || errno == ENOTDIR ? "not in a directory (a link is none)"
			: strerror(errno));
	if (st.st_uid != geteuid())
		refuse(path, "in a directory of another user");
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		refuse(path, "in a directory that others may write to");
	return fd;
}

static void
check_fifo(const struct stat *st, const char *path)
{
	if (S_ISLNK(st->st_mode))
		refuse(path, "a symbolic link");
	if (!S_ISFIFO(st->st_mode))
		refuse(path, "not a FIFO");
	if (st->st_uid != geteuid())
		refuse(path, "of another user");
}

/* The channel as a descriptor, -1 if it does not exist or nobody reads. */
static int
open_channel(const char *path)
{
	struct stat st;
	const char *name;
	char *cut = xstrdup(path);
	int fd = -1, dir = open_dir(cut, path, &name);
	bool there = dir >= 0 && fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (dir >= 0 && !there && errno != ENOENT)
		refuse(path, strerror(errno));
	if (there) {
		check_fifo(&st, path);
		fd = openat(dir, name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
		if (fd < 0 && errno != ENOENT && errno != ENXIO)
			refuse(path, strerror(errno));
	}
	if (fd >= 0) {
		if (fstat(fd, &st) < 0)
			refuse(path, strerror(errno));
		check_fifo(&st, path);
	}
	if (dir >= 0)
		close(dir);
	xfree(cut);
	return fd;
}

/*
 * If the other end is gone, that is for the rows to tell: they end because the
 * model ended, which then has said why, or they go on and lack the reply.
 */
static void
say(struct reply *r, const char *s, size_t n)
{
	if (r->fd < 0)
		return;
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	while (n) {
		ssize_t w = write(r->fd, s, n);
		if (w >= 0) {
			s += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			struct pollfd p = {.fd = r->fd, .events = POLLOUT};
			poll(&p, 1, -1);
		} else if (errno == EPIPE) {
			reply_close(r);
			break;
		} else if (errno != EINTR) {
			die("%s:", r->path);
		}
	}
	signal(SIGPIPE, before);
}

void
reply_open(struct reply *r, const char *path, uint32_t sequences, int in)
{
	char hello[160];
	const struct pipe_id pipe = pipe_of(in);
	*r = (struct reply){.path = path, .sequences = sequences};
	r->fd = path ? open_channel(path) : -1;
	r->kind = r->fd >= 0 ? REPLY_CHANNEL : REPLY_NONE;
	int n = snprintf(hello, sizeof hello, HELLO);
	if (sequences)
		n += snprintf(hello + n, sizeof hello - (size_t)n, "# sequences %u\n", sequences);
	if (pipe.inode)
		n += snprintf(hello + n, sizeof hello - (size_t)n, "# pipe %ju %ju\n", pipe.device, pipe.inode);
	say(r, hello, (size_t)n);
}

void
reply_open_file(struct reply *r, const char *path)
{
	*r = (struct reply){.path = path, .kind = REPLY_HAND};
	do
		r->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	while (r->fd < 0 && errno == EINTR);
	if (r->fd < 0)
		die("-r: %s:", path);
	say(r, HELLO, strlen(HELLO));
}

void
reply_to(struct reply *r, uint32_t sequence)
{
	char line[32];
	if (r->kind != REPLY_CHANNEL || !r->sequences || r->sequence == sequence)
		return;
	const int n = snprintf(line, sizeof line, "# sequence %u\n", sequence);
	say(r, line, (size_t)n);
	r->sequence = sequence;
}

void
reply_token(struct reply *r, uint32_t id)
{
	char line[16];
	int n = snprintf(line, sizeof line, "%u\n", id);
	say(r, line, (size_t)n);
}

void
reply_last(struct reply *r)
{
	say(r, "# last\n", 7);
}

void
reply_instead(struct reply *r, uint32_t position, const uint32_t *ids, size_t n)
{
	char text[16];
	for (size_t i = 0; i <= n; i++) {
		const int len = snprintf(text, sizeof text, i ? " %u" : "@%u", i ? ids[i - 1] : position);
		say(r, text, (size_t)len);
	}
	say(r, "\n", 1);
}

void
reply_end(struct reply *r)
{
	if (r->kind == REPLY_HAND)
		reply_close(r);
	else
		say(r, "\n", 1);
}

void
reply_close(struct reply *r)
{
	if (r->fd < 0)
		return;
	int fd = r->fd;
	r->fd = -1;
	close_out(fd, r->path);
}
