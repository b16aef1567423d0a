/* list.c - the likeliest tokens of a row as lines of text; see list.h. */
#include "list.h"

#include <math.h>
#include <string.h>

void
list_header(void)
{
	static const char names[] = "# sequence\tposition\trank\tid\tlogprob\tpiece\n";
	write_all(1, names, sizeof names - 1, "stdout");
}

/* Bytes of the UTF-8 character (RFC 3629) at the front of s; 0: there is none. */
static size_t
utf8_length(const unsigned char *s, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char b = s[0];
	size_t len = b < 0x80 ? 1 : b < 0xc2 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 0;
	if (len < 2 || len > n)
		return len > n ? 0 : len;
	uint32_t c = b & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

/* Characters that a terminal obeys: C0, DEL and, as UTF-8, C1. */
static bool
is_control(const unsigned char *s, size_t len)
{
	return len == 1 ? s[0] < 32 || s[0] == 127 : s[0] == 0xc2 && s[1] < 0xa0;
}

/* One character or odd byte as printf %b reads it, into out; returns bytes taken. */
static size_t
escape(const unsigned char *s, size_t n, char *out, size_t size)
{
	size_t len = utf8_length(s, n);
	if (s[0] == '\\' || s[0] == '\n' || s[0] == '\t') {
		snprintf(out, size, "\\%c", s[0] == '\\' ? '\\' : s[0] == '\n' ? 'n' : 't');
		return 1;
	}
	if (len == 0 || is_control(s, len)) {
		snprintf(out, size, "\\0%03o", s[0]);
		return 1;
	}
	snprintf(out, size, "%.*s", (int)len, (const char *)s);
	return len;
}

static void
put(struct list *l, const char *s, size_t n)
{
	l->buf = grow(l->buf, &l->cap, l->have + n, 1);
	memcpy(l->buf + l->have, s, n);
	l->have += n;
}

static void
put_piece(struct list *l, uint32_t id)
{
	size_t n, taken;
	if (!l->vocab || id >= vocab_size(l->vocab))
		return;
	const unsigned char *s = (const unsigned char *)vocab_text(l->vocab, id, true, &n);
	for (char e[8]; n; s += taken, n -= taken) {
		taken = escape(s, n, e, sizeof e);
		put(l, e, strlen(e));
	}
}

void
list_row(struct list *l, const struct row_reader *r)
{
	candidates_load(&l->all, r);
	double norm = l->all.best.logit + log(candidates_weigh(&l->all));
	candidates_top(&l->all, l->n, true);
	l->have = 0;
	for (size_t i = 0; i < l->all.n; i++) {
		double p = l->all.c[i].logit - norm;
		char text[128];
		int n = snprintf(text, sizeof text, "%u\t%u\t%zu\t%u\t%.4f\t", r->row.sequence,
			r->row.position, i + 1, l->all.c[i].id, p > -0.00005 ? 0 : p);
		put(l, text, (size_t)n);
		put_piece(l, l->all.c[i].id);
		put(l, "\n", 1);
	}
	write_all(1, l->buf, l->have, "stdout");
}

void
list_free(struct list *l)
{
	candidates_free(&l->all);
	xfree(l->buf);
}
