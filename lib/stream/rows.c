/* rows.c - the logits stream; see rows.h and llm-logits(5). */
#include "rows.h"

#include "compat.h"
#include "rows_text.h"

#include <float.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_VERSION "llm-logits 1"

enum { PAGE = 4096, HEADER_MAX = 65536, HEAD = 16, WIDTH_MAX = 1 << 24, EOG_MAX = 4096, SEQUENCES_MAX = 4096 };

static const char *const form_name[] = {"f32le", "text"};
static const char *const kind_name[] = {"logits", "hidden", "embedding"};

/* Append to a header's text of *n bytes. */
static void PRINTF_LIKE(3, 4)
say(char *buf, size_t *n, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int more = vsnprintf(buf + *n, HEADER_MAX - *n, fmt, ap);
	va_end(ap);
	if (more < 0 || (size_t)more >= HEADER_MAX - *n)
		die("stdout: the header would be longer than %d bytes", HEADER_MAX);
	*n += (size_t)more;
}

void
rows_header_write(int fd, const struct rows_header *h)
{
	char *buf = xreallocarray(NULL, HEADER_MAX, 1);
	size_t n = 0;
	say(buf, &n, ROWS_VERSION "\n");
	n += origin_print(&h->origin, "", buf + n, HEADER_MAX / 2);
	say(buf, &n, "rows %s %s %u\n", kind_name[h->kind], form_name[h->text], h->width);
	if (h->has_layer)
		say(buf, &n, "layer %u\n", h->layer);
	if (h->has_eog) {
		say(buf, &n, "eog");
		for (size_t i = 0; i < h->n_eog; i++)
			say(buf, &n, " %u", h->eog[i]);
		say(buf, &n, "\n");
	}
	if (h->sequences)
		say(buf, &n, "sequences %u\n", h->sequences);
	if (h->reply)
		say(buf, &n, "reply %s\n", h->reply);
	say(buf, &n, "%s\n", h->others ? h->others : "");
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

static void
put_head(unsigned char *p, const struct row_head *r)
{
	put32(p, r->sequence);
	put32(p + 4, r->position);
	put32(p + 8, r->token);
	put32(p + 12, r->flags);
}

void
rows_write(int fd, const struct row_head *r, size_t n, const float *x, uint32_t width)
{
	const size_t size = HEAD + (size_t)width * 4;
	unsigned char *buf = xreallocarray(NULL, n, size), *p = buf;
	for (size_t i = 0; i < n; i++, p += size) {
		put_head(p, r + i);
		memcpy(p + HEAD, x + i * width, (size_t)width * 4);
		if (!little_endian())
			swap_floats(p + HEAD, width);
	}
	write_all(fd, buf, n * size, "stdout");
	xfree(buf);
}

size_t
rows_apart(size_t width)
{
	size_t bytes;
	if (!mul_size(width, 4, &bytes) || !add_size(bytes, HEAD + PAGE - 1, &bytes))
		die("out of memory");
	return bytes / PAGE * PAGE / 4;
}

float *
rows_room(size_t n, size_t width)
{
	return (float *)xlarge(n, rows_apart(width) * 4) + HEAD / 4;
}

void
rows_room_free(float *x)
{
	if (x)
		xfree(x - HEAD / 4);
}

/* Put memory into the pipe as it lies; returns how much of it, which is all, or as much as the system liked. */
static size_t
lend(int fd, unsigned char *p, size_t n, struct rows_loan *loan)
{
	size_t done = 0;
	while (loan->on && done < n) {
		const ssize_t w = lend_to_pipe(fd, p + done, n - done);
		loan->on = w > 0;
		loan->lent = loan->lent || w > 0;
		done += w > 0 ? (size_t)w : 0;
	}
	return done;
}

void
row_write(int fd, const struct row_head *r, float *x, uint32_t width, struct rows_loan *loan)
{
	unsigned char *p = (unsigned char *)(x - HEAD / 4);
	const size_t size = HEAD + (size_t)width * 4;
	put_head(p, r);
	if (!little_endian())
		swap_floats(x, width);
	const size_t lent = loan && size > PAGE ? lend(fd, p, size, loan) : 0;
	write_all(fd, p + lent, size - lent, "stdout");
	if (!little_endian())
		swap_floats(x, width);
}

void
rows_wait_read(int fd, struct rows_loan *loan)
{
	enum { LONGEST_MS = 10 };
	struct pollfd p = {.fd = fd, .events = 0}; /* of which poll() tells that nobody will read it */
	for (int ms = 1; loan->lent && unread_bytes(fd) > 0 && !(p.revents & POLLERR); ms += ms < LONGEST_MS)
		poll(&p, 1, ms);
	loan->lent = false;
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

/* A whole number from min to max behind the first n bytes of s, up to its end. */
static bool
number_after(const char *s, size_t n, unsigned long min, unsigned long max, uint32_t *x)
{
	char *end;
	unsigned long v = strtoul(s + n, &end, 10);
	*x = (uint32_t)v;
	return s[n] >= '0' && s[n] <= '9' && !*end && v >= min && v <= max;
}

/* Which of the names the word at *s is, of n; n: none. *s goes behind it and its blank. */
static size_t
word(const char **s, const char *const name[], size_t n)
{
	const size_t len = strcspn(*s, " ");
	size_t i = 0;
	while (i < n && (strlen(name[i]) != len || strncmp(name[i], *s, len)))
		i++;
	*s += len + ((*s)[len] == ' ');
	return i;
}

/* "KIND FORM N", the rest of a rows line. */
static void
width_line(struct row_reader *r, const char *s)
{
	const char *rest = s;
	const size_t kind = word(&rest, kind_name, 3), form = word(&rest, form_name, 2);
	const enum rows_kind want = r->want == ROWS_ANY ? ROWS_LOGITS : r->want;
	if (kind == 3 || (r->want != ROWS_ANY && kind != r->want) || form == 2)
		die("%s: rows of '%s'; this program reads '%s f32le' or '%s text'%s", r->name, s, kind_name[want],
			kind_name[want], kind == ROWS_HIDDEN && form < 2 ? " (llm-fwd -l runs the other layers)" : "");
	if (!number_after(rest, 0, 1, WIDTH_MAX, &r->h.width))
		die("%s: header: '%s' is not a width from 1 to %d", r->name, rest, WIDTH_MAX);
	r->h.kind = (enum rows_kind)kind;
	r->h.text = form == 1;
}

/* Keep what is not known here for those behind us. */
static void
other_line(struct rows_header *h, const char *line)
{
	const size_t have = h->others ? strlen(h->others) : 0, n = strlen(line);
	h->others = xreallocarray(h->others, have + n + 2, 1);
	memcpy(h->others + have, line, n);
	memcpy(h->others + have + n, "\n", 2);
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
	} else if (strncmp(line, "sequences ", 10) == 0) {
		if (!number_after(line, 10, 1, SEQUENCES_MAX, &h->sequences))
			die("%s: header: '%s' is not a number of sequences", r->name, line);
	} else if (strncmp(line, "layer ", 6) == 0) {
		h->has_layer = true;
		if (!number_after(line, 6, 0, WIDTH_MAX, &h->layer))
			die("%s: header: '%s' is not a number of layers", r->name, line);
	} else if (!origin_line(&h->origin, line, r->name))
		other_line(h, line);
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
	return rows_open_kind(r, ROWS_LOGITS, in, out, name);
}

bool
rows_open_kind(struct row_reader *r, enum rows_kind kind, int in, int out, const char *name)
{
	memset(r, 0, sizeof *r);
	r->want = kind;
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
	if (r->h.kind == ROWS_LOGITS && r->h.origin.n_vocab && r->h.origin.n_vocab != r->h.width)
		die("%s: header: a vocabulary of %u and rows of %u contradict each other", name,
			r->h.origin.n_vocab, r->h.width);
	return true;
}

static bool
next_binary(struct row_reader *r)
{
	const size_t bytes = HEAD + (size_t)r->h.width * 4;
	if (!r->buf)
		r->buf = xlarge(bytes, 1); /* 16 bytes off a line, as malloc(3) has it, the pages of a pipe took twice as long */
	r->x = (float *)(void *)(r->buf + HEAD);
	const size_t n = fill(r, r->buf, bytes);
	if (n == 0)
		return false;
	if (n != bytes)
		die("%s: the stream ends within row %llu", r->name, (unsigned long long)r->n + 1);
	if (!little_endian())
		swap_floats(r->x, r->h.width);
	r->row = (struct row_head){le32(r->buf), le32(r->buf + 4), le32(r->buf + 8), le32(r->buf + 12)};
	r->n++;
	return true;
}

bool
rows_next(struct row_reader *r)
{
	return r->h.text ? rows_next_text(r) : next_binary(r);
}

bool
rows_ready(const struct row_reader *r)
{
	struct pollfd p = {.fd = r->in, .events = POLLIN};
	return r->at < r->have || poll(&p, 1, 0) > 0;
}

void
rows_bad(const struct row_reader *r, const char *what)
{
	die("%s: row %ju (sequence %u, position %u): %s", r->name, (uintmax_t)r->n,
		r->row.sequence, r->row.position, what);
}

/* Whether one is NaN or +infinity, which infect a sum. */
static bool
any_bad(const float *x, size_t n)
{
	bool bad = false;
	for (size_t i = 0; i < n; i++)
		bad |= !(x[i] <= FLT_MAX); /* NaN compares false */
	return bad;
}

/* Four numbers side by side, as vectors have them. */
struct four {
	float best[4], sum[4];
};

static inline void
meet(struct four *f, const float *x)
{
	for (int k = 0; k < 4; k++) {
		f->best[k] = x[k] > f->best[k] ? x[k] : f->best[k];
		f->sum[k] += x[k];
	}
}

float
rows_highest(const float *x, size_t n, bool *bad)
{
	struct four f[4];
	float best = -INFINITY, sum = 0;
	size_t i = 0;
	for (int j = 0; j < 4; j++)
		for (int k = 0; k < 4; k++)
			f[j].best[k] = -INFINITY, f[j].sum[k] = 0;
	for (; n - i >= 16; i += 16) { /* spelled out, so that all stay in registers */
		meet(f, x + i);
		meet(f + 1, x + i + 4);
		meet(f + 2, x + i + 8);
		meet(f + 3, x + i + 12);
	}
	for (; i < n; i++) {
		best = x[i] > best ? x[i] : best;
		sum += x[i];
	}
	for (int j = 0; j < 4; j++)
		for (int k = 0; k < 4; k++) {
			best = f[j].best[k] > best ? f[j].best[k] : best;
			sum += f[j].sum[k];
		}
	if (!(sum <= FLT_MAX)) /* or it has overflown */
		*bad |= any_bad(x, n);
	return best;
}

void
rows_check(const struct row_reader *r, float best, bool bad)
{
	if (bad)
		rows_bad(r, "a logit is NaN or infinite: the model or a filter is broken");
	if (best < -FLT_MAX)
		rows_bad(r, "every logit is -infinity: a filter left no token to choose");
}

float
rows_best(const struct row_reader *r)
{
	bool bad = false;
	const float best = rows_highest(r->x, r->h.width, &bad);
	rows_check(r, best, bad);
	return best;
}

void
rows_free(struct row_reader *r)
{
	xfree(r->h.origin.model);
	xfree(r->h.reply);
	xfree(r->h.others);
	xfree(r->h.eog);
	if (r->h.text)
		xfree(r->x);
	xfree(r->buf);
}
