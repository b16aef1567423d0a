/* pretok.c - UTF-8, categories and the pre-tokenizers over any bytes. */
#include "fuzz.h"

#include "unicode/unicode.h"
#include "vocab/pretok.h"

#include <stdlib.h>
#include <string.h>

const size_t fuzz_base = 1 << 20;

static void
unicode(const unsigned char *s, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t cp;
		unsigned char back[4];
		len = utf8_next(s + i, n - i, &cp);
		CHECK(len >= 1 && len <= 4 && len <= n - i);
		CHECK(cp < 0x110000 && unicode_cat(cp) <= U_SPACE);
		if (cp != CP_INVALID || len != 1)
			CHECK(utf8_put(back, cp) == len && !memcmp(back, s + i, len));
	}
	if (n >= 4)
		CHECK(unicode_cat(le32(s)) <= U_SPACE);
}

/* What is cut the quick way is what the stages cut, whether something can be read behind the text or not. */
static void
words(const struct pretok *p, const unsigned char *s, size_t n)
{
	struct pretok_state st[3] = {{{0}}};
	struct pretok slow = *p;
	unsigned char *padded = malloc(n + PRETOK_PAD);
	memcpy(padded, s, n);
	memset(padded + n, n % 3 ? 'a' : ' ', PRETOK_PAD);
	slow.plain = PLAIN_NONE;
	for (size_t i = 0, len; i < n; i += len) {
		len = pretok_next(&slow, &st[0], s + i, n - i, false);
		CHECK(len > 0 && len <= n - i);
		CHECK(pretok_next(p, &st[1], s + i, n - i, false) == len);
		CHECK(pretok_next(p, &st[2], padded + i, n - i, true) == len);
	}
	free(padded);
}

/* The first byte says which one. */
void
fuzz_one(const unsigned char *data, size_t n)
{
	char *names = pretok_names();
	const struct pretok *row[64];
	size_t rows = 0;
	unicode(data, n);
	for (char *p = names, *end; *p; p = end + (*end == ' ')) {
		end = p + strcspn(p, " ");
		const struct pretok *found = pretok_find(p, (size_t)(end - p));
		CHECK(found && rows < sizeof row / sizeof *row);
		if (!rows || found != row[rows - 1])
			row[rows++] = found;
	}
	if (n && !row[data[0] % rows]->regex[0])
		words(row[data[0] % rows], data + 1, n - 1);
	xfree(names);
}
