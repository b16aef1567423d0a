/* rows.c - the logits stream; see rows.h and llm-logits(5). */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_VERSION "llm-logits 1"

enum { HEADER_MAX = 65536, HEAD = 16, WIDTH_MAX = 1 << 24, EOG_MAX = 4096 };

void
rows_header_write(int fd, const struct rows_header *h)
{
	char *buf = xreallocarray(NULL, HEADER_MAX, 1);
	size_t n = (size_t)snprintf(buf, HEADER_MAX, ROWS_VERSION "\n");
	n += origin_print(&h->origin, "", buf + n, HEADER_MAX / 2);
	n += (size_t)snprintf(buf + n, HEADER_MAX - n, "rows logits f32le %u\n", h->width);
	if (h->has_eog) {
		n += (size_t)snprintf(buf + n, HEADER_MAX - n, "eog");
		for (size_t i = 0; i < h->n_eog && i < 1024; i++)
			n += (size_t)snprintf(buf + n, HEADER_MAX - n, " %u", h->eog[i]);
		n += (size_t)snprintf(buf + n, HEADER_MAX - n, "\n");
	}
	if (h->reply)
		n += (size_t)snprintf(buf + n, HEADER_MAX - n, "reply %s\n", h->reply);
	n += (size_t)snprintf(buf + n, HEADER_MAX - n, "\n");
	write_all(fd, buf, n, "stdout");
	xfree(buf);
}

static void
put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

/* Whether a float32 lies in memory as it does in the stream. */
static bool
little_endian(void)
{
	const uint32_t one = 1;
	unsigned char first;
	memcpy(&first, &one, 1);
	return first == 1;
}

static void
swap_floats(void *x, size_t n)
{
	unsigned char *p = x;
	for (size_t i = 0; i < n; i++, p += 4) {
		unsigned char a = p[0], b = p[1];
		p[0] = p[3], p[1] = p[2], p[2] = b, p[3] = a;
	}
}

void
rows_write(int fd, const struct row_head *r, const float *x, uint32_t width)
{
	unsigned char head[HEAD];
	put32(head, r->sequence);
	put32(head + 4, r->position);
	put32(head + 8, r->token);
	put32(head + 12, r->flags);
	write_all(fd, head, HEAD, "stdout");
	if (little_endian()) {
		write_all(fd, x, (size_t)width * 4, "stdout");
		return;
	}
	float *le = xreallocarray(NULL, width, 4);
	memcpy(le, x, (size_t)width * 4);
	swap_floats(le, width);
	write_all(fd, le, (size_t)width * 4, "stdout");
	xfree(le);
}

/* n bytes, unless the stream ends before; returns how many. */
static size_t
fill(struct row_reader *r, void *buf, size_t n)
{
	size_t have = 0, got = 1;
	while (have < n && got) {
		got = read_some(r->in, r->out, (char *)buf + have, n - have, r->name);
		have += got;
	}
	return have;
}

/* "ID ID ...", the rest of an eog line. */
static void
eog_line(struct rows_header *h, const char *s, const char *name)
{
	size_t cap = 0;
	h->has_eog = true;
	h->n_eog = 0;
	while (*s) {
		char *end;
		unsigned long id = strtoul(s + (*s == ' '), &end, 10);
		if (s[*s == ' '] < '0' || s[*s == ' '] > '9' || (*end && *end != ' ') || id >= WIDTH_MAX || h->n_eog == EOG_MAX)
			die("%s: header: 'eog%s' is not a list of token ids", name, s);
		h->eog = grow(h->eog, &cap, h->n_eog + 1, sizeof *h->eog);
		h->eog[h->n_eog++] = (uint32_t)id;
		s = end;
	}
}

static void
width_line(struct row_reader *r, const char *s)
{
	char *end;
	if (strncmp(s, "logits f32le ", 13))
		die("%s: rows of '%s'; this program reads 'logits f32le'", r->name, s);
	unsigned long n = strtoul(s + 13, &end, 10);
	if (s[13] < '0' || s[13] > '9' || *end || n < 1 || n > WIDTH_MAX)
		die("%s: header: '%s' is not a width from 1 to %d", r->name, s + 13, WIDTH_MAX);
	r->h.width = (uint32_t)n;
}

static void
header_line(struct row_reader *r, const char *line)
{
	struct rows_header *h = &r->h;
	if (strncmp(line, "rows ", 5) == 0)
		width_line(r, line + 5);
	else if (strcmp(line, "eog") == 0 || strncmp(line, "eog ", 4) == 0) {
		xfree(h->eog);
		h->eog = NULL;
		eog_line(h, line + 3, r->name);
	} else if (strncmp(line, "reply ", 6) == 0) {
		xfree(h->reply);
		h->reply = xstrdup(line + 6);
	} else
		origin_line(&h->origin, line, r->name); /* unknown keys are skipped */
}

/* One header line without its newline into line[]; a byte at a time, since what
 * follows the header is not ours to buffer. False at the end of the stream. */
static bool
get_line(struct row_reader *r, char *line, size_t *total)
{
	for (size_t n = 0;; n++) {
		char c;
		if (read_some(r->in, r->out, &c, 1, r->name) == 0) {
			line[n] = 0;
			if (n || *total)
				die("%s: the stream ends within its header", r->name);
			return false;
		}
		if (++*total >= HEADER_MAX)
			die("%s: the header does not end: not a logits stream", r->name);
		line[n] = c;
		if (*total == 12 && memcmp(line, "llm-logits ", 11)) /* before binary data are taken for a line */
			die("%s: not a logits stream (it should begin with '" ROWS_VERSION "')", r->name);
		if (c == '\n') {
			line[n] = 0;
			if (strlen(line) != n)
				die("%s: a NUL byte in the header: not a logits stream", r->name);
			return true;
		}
	}
}

bool
rows_open(struct row_reader *r, int in, int out, const char *name)
{
	memset(r, 0, sizeof *r);
	r->in = in;
	r->out = out;
	r->name = name;
	char *line = xreallocarray(NULL, HEADER_MAX + 1, 1);
	size_t total = 0;
	bool some = get_line(r, line, &total);
	if (some && strcmp(line, ROWS_VERSION)) {
		if (strncmp(line, "llm-logits ", 11) == 0)
			die("%s: stream version '%s'; this program reads '" ROWS_VERSION "'", name, line);
		die("%s: not a logits stream (it should begin with '" ROWS_VERSION "')", name);
	}
	while (some && get_line(r, line, &total) && *line)
		header_line(r, line);
	xfree(line);
	if (!some)
		return false;
	if (!r->h.width)
		die("%s: the header lacks a 'rows' line", name);
	if (r->h.origin.n_vocab && r->h.origin.n_vocab != r->h.width)
		die("%s: header: a vocabulary of %u and rows of %u contradict each other", name,
			r->h.origin.n_vocab, r->h.width);
	return true;
}

bool
rows_next(struct row_reader *r)
{
	unsigned char head[HEAD];
	size_t n = fill(r, head, HEAD), bytes = (size_t)r->h.width * 4;
	if (n == 0)
		return false;
	if (!r->x)
		r->x = xreallocarray(NULL, r->h.width, sizeof *r->x);
	if (n == HEAD)
		n += fill(r, r->x, bytes);
	if (n != HEAD + bytes)
		die("%s: the stream ends within row %llu", r->name, (unsigned long long)r->n + 1);
	if (!little_endian())
		swap_floats(r->x, r->h.width);
	r->row = (struct row_head){le32(head), le32(head + 4), le32(head + 8), le32(head + 12)};
	r->n++;
	return true;
}

void
rows_free(struct row_reader *r)
{
	xfree(r->h.origin.model);
	xfree(r->h.reply);
	xfree(r->h.eog);
	xfree(r->x);
}
