/* charsmap.c - SentencePiece's normalization rules; see charsmap.h. */
#include "charsmap.h"

#include <string.h>

struct charsmap
charsmap_read(const char *path, const unsigned char *p, size_t n)
{
	struct charsmap c = {NULL, 0, NULL, 0};
	if (!n)
		return c;
	size_t trie = n > 4 ? le32(p) : SIZE_MAX;
	if (trie % 4 || !trie || trie >= n - 4)
		die("%s: precompiled_charsmap: a trie of %zu bytes in %zu", path, trie, n);
	if (p[n - 1])
		die("%s: precompiled_charsmap: its last text has no end", path);
	c.units = p + 4;
	c.n = trie / 4;
	c.texts = (const char *)p + 4 + trie;
	c.n_texts = n - 4 - trie;
	return c;
}

/* How far a node's children are away. */
static uint32_t
offset(uint32_t unit)
{
	return (unit >> 10) << ((unit & 1u << 9) >> 6);
}

static size_t
search(const struct charsmap *c, const unsigned char *s, size_t n, bool longest, struct str *to, bool *open)
{
	size_t found = 0, i;
	if (!c->n)
		return 0;
	uint32_t at = offset(le32(c->units));
	for (i = 0; i < n && s[i]; i++) {
		at ^= s[i];
		if (at >= c->n)
			break;
		uint32_t unit = le32(c->units + 4 * (size_t)at);
		if ((unit & 0x800000FFu) != s[i])
			break;
		at ^= offset(unit);
		if (!(unit & 1u << 8))
			continue;
		uint32_t text = at < c->n ? le32(c->units + 4 * (size_t)at) & 0x7FFFFFFFu : UINT32_MAX;
		if (text >= c->n_texts)
			break;
		*to = (struct str){c->texts + text, strlen(c->texts + text)};
		found = i + 1;
		if (!longest)
			break;
	}
	if (i == n)
		*open = true;
	return found;
}

size_t
charsmap_longest(const struct charsmap *c, const unsigned char *s, size_t n, struct str *to, bool *open)
{
	return search(c, s, n, true, to, open);
}

size_t
charsmap_shortest(const struct charsmap *c, const unsigned char *s, size_t n, struct str *to)
{
	bool open;
	return search(c, s, n, false, to, &open);
}
