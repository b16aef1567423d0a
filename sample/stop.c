/* stop.c - texts that end a turn; see stop.h. */
#include "stop.h"

#include <string.h>

void
stop_option(struct stops *s, const char *text)
{
	if (!*text)
		die_usage("-u: an empty text is everywhere");
	s->text = grow(s->text, &s->cap, s->n + 1, sizeof *s->text);
	s->text[s->n++] = (struct str){text, strlen(text)};
}

void
stop_begin(const struct stops *s, struct held_back *h, bool at_start)
{
	h->n = h->text.n = 0;
	h->lines = 0;
	h->prefix = at_start && s->v && vocab_space_prefix(s->v);
}

/* Where the first text that ends the turn begins; h->text.n: nowhere. It ends behind `old`. */
static size_t
find_stop(const struct stops *s, struct held_back *h, size_t old)
{
	const unsigned char *p = h->text.s;
	size_t first = h->text.n;
	for (size_t i = 0; i < s->n; i++) {
		const struct str t = s->text[i];
		for (size_t at = old >= t.n ? old - t.n + 1 : 0; at < first && at + t.n <= h->text.n; at++)
			if (!memcmp(p + at, t.p, t.n))
				first = at;
	}
	for (size_t at = old; s->lines && at < first; at++)
		if (p[at] == '\n' && ++h->lines == s->lines)
			first = at;
	return first;
}

/* How many bytes at the end could be the beginning of such a text. */
static size_t
maybe(const struct stops *s, const struct held_back *h)
{
	size_t most = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct str t = s->text[i];
		size_t k = t.n - 1 < h->text.n ? t.n - 1 : h->text.n;
		while (k > most && memcmp(h->text.s + h->text.n - k, t.p, k))
			k--;
		most = k > most ? k : most;
	}
	return most;
}

bool
stop_take(const struct stops *s, struct held_back *h, struct held token, size_t *ready, size_t *rest)
{
	const size_t old = h->text.n;
	size_t n = 0;
	const char *text = token.id < vocab_size(s->v) ? vocab_line_text(s->v, token.id, false, &h->prefix, &n) : "";
	bytes_add(&h->text, text, n);
	token.end = h->text.n;
	h->token = grow(h->token, &h->cap, h->n + 1, sizeof *h->token);
	h->token[h->n++] = token;

	const size_t at = find_stop(s, h, old);
	const bool found = at < h->text.n;
	const size_t clear = found ? at : h->text.n - maybe(s, h);
	for (*ready = 0; *ready < h->n && h->token[*ready].end <= clear; ++*ready)
		;
	*rest = clear - (*ready ? h->token[*ready - 1].end : 0);
	return found;
}

void
stop_drop(struct held_back *h, size_t n)
{
	const size_t bytes = n ? h->token[n - 1].end : 0;
	h->n -= n;
	h->text.n -= bytes;
	if (h->text.n)
		memmove(h->text.s, h->text.s + bytes, h->text.n);
	for (size_t i = 0; i < h->n; i++) {
		h->token[i] = h->token[i + n];
		h->token[i].end -= bytes;
	}
}

void
stop_spell(const struct stops *s, const unsigned char *text, size_t n, uint32_t **ids, size_t *n_ids, size_t *cap)
{
	while (n) {
		size_t most = 0, len;
		uint32_t best = 0;
		for (uint32_t id = 0; id < vocab_size(s->v); id++) {
			const char *piece = vocab_text(s->v, id, false, &len);
			if (len > most && len <= n && !memcmp(piece, text, len)) {
				most = len;
				best = id;
			}
		}
		if (most) {
			*ids = grow(*ids, cap, *n_ids + 1, sizeof **ids);
			(*ids)[(*n_ids)++] = best;
		}
		text += most ? most : 1;
		n -= most ? most : 1;
	}
}

void
stop_free(struct held_back *h)
{
	xfree(h->token);
	xfree(h->text.s);
}
