/* progress.c - the progress of a long prompt; see progress.h. */
#include "progress.h"

#include "util.h"

#include <unistd.h>

enum { LONG = 2, LINE = 80 };	/* seconds that are worth a word; bytes */

struct progress {
	double since;
	size_t fed;
	int shown;		/* columns of the line that stands there */
};

struct progress *
progress_new(void)
{
	return isatty(2) ? xcalloc(1, sizeof(struct progress)) : NULL;
}

/* The line becomes this text. */
static void
show(struct progress *p, const char *text, int n)
{
	char line[3 * LINE];
	const int all = snprintf(line, sizeof line, "\r%-*s\r%s", p->shown, "", text);
	if (write(2, line, (size_t)all) < 0)
		return; /* nobody needs it */
	p->shown = n;
}

void
progress_pass(void *progress, size_t fed, size_t left)
{
	struct progress *p = progress;
	char text[LINE];
	if (!fed)
		*p = (struct progress){.since = seconds_now()};
	p->fed += fed;
	const double seconds = p->fed ? (seconds_now() - p->since) * (double)left / (double)p->fed : 0;
	if (!left && p->shown)
		show(p, "", 0);
	else if (left && (p->shown || seconds > LONG)) {
		const int n = snprintf(text, sizeof text, "%s: %zu of %zu tokens, %.0f s left", progname, p->fed, p->fed + left, seconds);
		show(p, text, n < LINE ? n : LINE - 1);
	}
}
