/* tokens.c - the token stream; see tokens.h and llm-tokens(5). */
#include "tokens.h"

#include "compat_chunk.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TOKENS_VERSION "llm-tokens 1"

enum { BUF = 1 << 16, COMMENT_MAX = 8192, ID_MAX = 0x7fffffff };

/* "N" or "N HEX" of a vocab line. */
static void
vocab_line(struct origin *o, const char *s, const char *name)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || n < 1 || n > ID_MAX || (*end && *end != ' '))
		die("%s: header: 'vocab %s' is not a size and a fingerprint", name, s);
	o->n_vocab = (uint32_t)n;
	o->has_print = *end == ' ';
	if (!o->has_print)
		return;
	const char *hex = end + 1;
	if (strspn(hex, "0123456789abcdef") != 16 || hex[16])
		die("%s: header: '%s' is not a fingerprint of 16 hex digits", name, hex);
	o->print = strtoull(hex, NULL, 16);
}

bool
origin_line(struct origin *o, const char *line, const char *name)
{
	if (strncmp(line, "model ", 6) == 0 && line[6]) {
		xfree(o->model);
		o->model = xstrdup(line + 6);
		return true;
	}
	if (strncmp(line, "vocab ", 6) == 0) {
		vocab_line(o, line + 6, name);
		return true;
	}
	return false;
}

size_t
origin_print(const struct origin *o, const char *lead, char *buf, size_t size)
{
	size_t n = 0;
	buf[0] = 0;
	if (o->model) {
		if (strchr(o->model, '\n') || strlen(o->model) > size / 2)
			die("%s: a model's path must fit into one line of a header", o->model);
		n += (size_t)snprintf(buf + n, size - n, "%smodel %s\n", lead, o->model);
	}
	if (o->n_vocab)
		n += (size_t)snprintf(buf + n, size - n, "%svocab %u", lead, o->n_vocab);
	if (o->n_vocab && o->has_print)
		n += (size_t)snprintf(buf + n, size - n, " %016llx", (unsigned long long)o->print);
	if (o->n_vocab)
		n += (size_t)snprintf(buf + n, size - n, "\n");
	return n;
}

void
origin_check(const struct origin *stream, const struct origin *ours, const char *name)
{
	const char *a = stream->model ? stream->model : "another model";
	const char *b = ours->model ? ours->model : "this model";
	if (!stream->n_vocab || !ours->n_vocab)
		return;
	if (stream->n_vocab != ours->n_vocab)
		die("%s: the stream is in the vocabulary of %s (%u pieces), not of %s (%u): use one model throughout",
			name, a, stream->n_vocab, b, ours->n_vocab);
	if (stream->has_print && ours->has_print && stream->print != ours->print)
		die("%s: the stream is in the vocabulary of %s, not of %s (same size, other pieces): use one model throughout",
			name, a, b);
}

void
token_header_write(int fd, const struct origin *o)
{
	char buf[ORIGIN_MAX + 64];
	size_t n = (size_t)snprintf(buf, sizeof buf, "# " TOKENS_VERSION "\n");
	n += origin_print(o, "# ", buf + n, sizeof buf - n);
	write_all(fd, buf, n, "stdout");
}

void
token_reader_init(struct token_reader *r, int in, int out, const char *name)
{
	memset(r, 0, sizeof *r);
	r->in = in;
	r->out = out;
	r->name = name;
	r->line = 1;
	/* numbers are read from their ends, and chunks may reach over the end */
	r->buf = (unsigned char *)xcalloc(DIGITS_LONGEST + BUF + CHUNKS_BYTES, 1) + DIGITS_LONGEST;
}

void
token_reader_free(struct token_reader *r)
{
	xfree(r->buf - DIGITS_LONGEST);
	xfree(r->origin.model);
}

/* The next byte, left in place; -1 at the end of the stream. */
static int
peek(struct token_reader *r)
{
	if (r->at == r->have && !r->eof) {
		if (r->idle)
			r->idle(r->idle_arg);
		r->at = 0;
		r->have = read_some(r->in, r->out, r->buf, BUF, r->name);
		r->eof = r->have == 0;
		r->any = r->any || r->have;
	}
	return r->at < r->have ? r->buf[r->at] : -1;
}

void
token_reader_fails(struct token_reader *r)
{
	void (*last_words)(void *arg) = r->last_words;
	r->last_words = NULL;
	if (last_words)
		last_words(r->last_words_arg);
}

struct pipe_id
pipe_of(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		return (struct pipe_id){0, 0};
	return (struct pipe_id){(uintmax_t)st.st_dev, (uintmax_t)st.st_ino};
}

/* "pipe DEVICE INODE" */
static void
pipe_line(struct pipe_id *p, const char *line)
{
	struct pipe_id said;
	char end;
	if (sscanf(line, "pipe %ju %ju%c", &said.device, &said.inode, &end) == 2)
		*p = said;
}

/* "last", "sequence N", "sequences N" or "pipe DEVICE INODE" of the reply channel. */
static void
reply_line(struct token_reader *r, const char *line)
{
	static const char said[] = "sequence ", known[] = "sequences ";
	uint32_t *to = NULL;
	if (strncmp(line, said, sizeof said - 1) == 0) {
		to = &r->sequence;
		line += sizeof said - 1;
	} else if (strncmp(line, known, sizeof known - 1) == 0) {
		to = &r->sequences;
		line += sizeof known - 1;
	}
	char *end;
	r->last = r->last || strcmp(line, "last") == 0;
	pipe_line(&r->pipe, line);
	if (to && *line >= '0' && *line <= '9') {
		const unsigned long n = strtoul(line, &end, 10);
		if (!*end && n <= UINT32_MAX)
			*to = (uint32_t)n;
	}
}

/* A comment, behind its '#', to its newline. True: it was a line of the header. */
static bool
comment(struct token_reader *r)
{
	char line[COMMENT_MAX];
	size_t n = 0;
	int c;
	for (r->at++; (c = peek(r)) >= 0; r->at++) {
		if (c == '\n')
			break;
		if (n < sizeof line - 1)
			line[n++] = (char)c;
	}
	line[n] = 0;
	if (c == '\n') {
		r->at++;
		r->line++;
	}
	if (n == sizeof line - 1 || strlen(line) != n || line[0] != ' ')
		return false;
	if (strncmp(line + 1, "llm-tokens ", 11) == 0 && strcmp(line + 1, TOKENS_VERSION)) {
		token_reader_fails(r);
		die("%s: line %zu: stream version '%s'; this program reads '" TOKENS_VERSION "'", r->name,
			r->line - 1, line + 1);
	}
	reply_line(r, line + 1);
	return origin_line(&r->origin, line + 1, r->name);
}

/* Complain about the word that begins with the digits of v, if any, and byte c. */
static _Noreturn void
bad_word(struct token_reader *r, int c)
{
	token_reader_fails(r);
	if (c < 0)
		die("%s: line %zu: the stream ends where a number should be", r->name, r->line);
	if (c > 32 && c < 127)
		die("%s: line %zu: '%c' where a token id should be (is this text? llm-tok makes ids of it)",
			r->name, r->line, c);
	die("%s: line %zu: byte 0x%02x where a token id should be: not a token stream", r->name, r->line, c);
}

static uint32_t
number(struct token_reader *r)
{
	uint64_t v = 0;
	int c = peek(r);
	if (c < '0' || c > '9')
		bad_word(r, c);
	for (; c >= '0' && c <= '9'; r->at++, c = peek(r)) {
		v = v * 10 + (uint64_t)(c - '0');
		if (v > ID_MAX) {
			token_reader_fails(r);
			die("%s: line %zu: a token id of %llu... is too large", r->name, r->line,
				(unsigned long long)v);
		}
	}
	return (uint32_t)v;
}

static bool
ends_word(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c < 0;
}

/* A note "/NUMBER" behind an id is for whom it concerns: what is no number is skipped. */
static void
take_note(struct token_reader *r)
{
	char text[64], *end;
	size_t n = 0;
	int c = peek(r);
	r->note = NAN;
	if (c == '/') {
		for (r->at++; (c = peek(r)) >= 0 && strchr("+-.0123456789eEinfa", c) && c; r->at++)
			if (n < sizeof text - 1)
				text[n++] = (char)c;
		text[n] = 0;
		const double note = strtod(text, &end);
		if (n && !*end)
			r->note = note;
	}
	if (!ends_word(c))
		bad_word(r, c);
}

static enum token_event
line_ends(struct token_reader *r, bool cut)
{
	r->cut = cut;
	r->inside = false;
	if (!cut) {
		r->at++;
		r->line++;
	}
	return TOKENS_EOL;
}

enum { COMMENT = -1 };

/* An event, or COMMENT. */
static int
next(struct token_reader *r)
{
	for (;;) {
		int c = peek(r);
		if (!r->inside && c >= 0) {
			if (c == '#')
				return comment(r) ? TOKENS_HEADER : COMMENT;
			r->inside = true;
			r->count = 0;
			r->rewound = false;
		}
		switch (c) {
		case -1:
			return r->inside ? line_ends(r, true) : TOKENS_END;
		case '\n':
			return line_ends(r, false);
		case ' ':
		case '\t':
			r->at++;
			continue;
		case '@':
			if (r->count || r->rewound) {
				token_reader_fails(r);
				die("%s: line %zu: '@' is only good first on a line", r->name, r->line);
			}
			r->at++;
			r->rewind = number(r);
			if (!ends_word(peek(r)))
				bad_word(r, peek(r));
			r->rewound = true;
			return TOKENS_REWIND;
		default:
			r->id = number(r);
			take_note(r);
			r->count++;
			return TOKENS_ID;
		}
	}
}

/* Where numbers end is seen of many bytes at once, so that none of them waits for the one before it. */
size_t
token_plain(struct token_reader *r, uint32_t *ids, size_t max)
{
	const unsigned char *buf = r->buf;
	const size_t have = r->have;
	size_t n_ids = 0, lines = 0, last = 0;		/* how many lines ended, and behind which of the ids */
	bool inside = r->inside;
	size_t from = r->at + inside;			/* behind a blank, or a line's beginning */
	bool more = !inside || (r->at < have && buf[r->at] == ' ');
	for (size_t base = from; more && base < have && max - n_ids >= TOKENS_PLAIN; base += CHUNKS_BYTES) {
		uint64_t ends = chunks_no_digits(buf + base);
		if (have - base < CHUNKS_BYTES)
			ends &= ~(~UINT64_C(0) << (have - base) * MARK_STEP);
		for (; ends; ends &= ends - 1) {
			const size_t end = base + chunk_before(ends), n = end - from;
			const bool number = n - 1 < DIGITS_LONGEST;
			if (number && buf[end] == ' ') { /* nearly always */
				ids[n_ids++] = digits_value(le64(buf + end - DIGITS_LONGEST), n);
				inside = true;
				from = end + 1;
				continue;
			}
			const bool newline = buf[end] == '\n';
			more = newline && (number || (!n && !inside));
			if (!more)
				break;
			if (number)
				ids[n_ids++] = digits_value(le64(buf + end - DIGITS_LONGEST), n);
			ids[n_ids++] = TOKEN_EOL;
			last = n_ids;
			lines++;
			inside = false;
			from = end + 1;
		}
	}
	if (lines || !r->inside) {
		r->count = 0;
		r->rewound = false;
	}
	r->count += n_ids - last;
	r->line += lines;
	r->inside = inside;
	r->at = from - inside;
	r->note = NAN;
	return n_ids;
}

enum token_event
token_next(struct token_reader *r)
{
	int e;
	while ((e = next(r)) == COMMENT)
		;
	return (enum token_event)e;
}

/* Whether what comes next is in buf up to its end, so that next() will not wait for it. */
static bool
is_whole(const struct token_reader *r)
{
	const unsigned char *p = r->buf + r->at, *end = r->buf + r->have;
	if (p < end && *p == '#' && !r->inside)
		return memchr(p, '\n', (size_t)(end - p)) != NULL;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < end && *p == '\n')
		return true;
	while (p < end && !ends_word(*p))
		p++;
	return p < end;
}

bool
token_poll(struct token_reader *r, enum token_event *e)
{
	for (;;) {
		while (!r->eof && !is_whole(r) && r->have - r->at < BUF) {
			struct pollfd p = {.fd = r->in, .events = POLLIN};
			if (poll(&p, 1, 0) <= 0)
				return false;
			memmove(r->buf, r->buf + r->at, r->have - r->at);
			r->have -= r->at;
			r->at = 0;
			const size_t n = read_some(r->in, r->out, r->buf + r->have, BUF - r->have, r->name);
			r->have += n;
			r->eof = n == 0;
			r->any = r->any || n;
		}
		const int found = next(r);
		if (found != COMMENT) {
			*e = (enum token_event)found;
			return true;
		}
	}
}
