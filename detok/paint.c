/* paint.c - text painted by surprise; see paint.h, llm-detok(1). */
#include "paint.h"

#include "unicode/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From this log-probability down, a colour of the 256; the text on it is black. The
 * steps are 1, 2, 4, 6, 8 and 12 bits of surprise. */
static const struct {
	double note;
	int colour;
} levels[] = {{INFINITY, 0}, {-0.69, 230}, {-1.38, 228}, {-2.77, 221}, {-4.15, 215}, {-5.54, 209}, {-8.31, 205}};

/* What users say in their environment, by its name; NULL: nothing. */
static const char *
said(const char *name)
{
	const char *s = getenv(name);
	return s && *s ? s : NULL;
}

bool
paint_allowed(void)
{
	const char *force = said("CLICOLOR_FORCE"), *term = said("TERM");
	if (said("NO_COLOR"))
		return false;
	if (force && strcmp(force, "0"))
		return true;
	return isatty(1) && term && strcmp(term, "dumb");
}

static size_t
level_of(double note)
{
	size_t i = sizeof levels / sizeof *levels - 1;
	while (i > 0 && !(note <= levels[i].note))
		i--;
	return i;
}

/* Colours end with the line, or the rest of it would be painted on some terminals. */
static void
paint(struct paint *p, const char *s, size_t n, size_t level)
{
	for (size_t len; n; s += len, n -= len) {
		const char *newline = memchr(s, '\n', n);
		len = newline == s ? 1 : newline ? (size_t)(newline - s) : n;
		if (level && newline != s)
			bytes_print(&p->out, "\033[38;5;16;48;5;%dm", levels[level].colour);
		bytes_add(&p->out, s, len);
		if (level && newline != s)
			bytes_print(&p->out, "\033[m");
	}
}

struct str
paint_text(struct paint *p, const char *text, size_t n, double note)
{
	const size_t level = level_of(note);
	p->text.n = p->out.n = 0;
	bytes_add(&p->text, p->half, p->n_half);
	bytes_add(&p->text, text, n);
	p->level = p->n_half && p->level > level ? p->level : level;
	p->n_half = utf8_incomplete((char *)p->text.s, p->text.n);
	const size_t whole = p->text.n - p->n_half;
	if (p->n_half)
		memcpy(p->half, p->text.s + whole, p->n_half);
	paint(p, (char *)p->text.s, whole, p->level);
	if (whole)
		p->level = level;
	return (struct str){(char *)p->out.s, p->out.n};
}

struct str
paint_rest(struct paint *p)
{
	p->out.n = 0;
	paint(p, p->half, p->n_half, p->level);
	p->n_half = p->level = 0;
	return (struct str){(char *)p->out.s, p->out.n};
}
