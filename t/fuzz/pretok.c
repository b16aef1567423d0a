/* pretok.c - UTF-8, categories and every pre-tokenizer over any bytes. */
#include "fuzz.h"

#include "pretok.h"
#include "unicode.h"

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

static void
words(const struct pretok *p, const unsigned char *s, size_t n)
{
	struct pretok_state st = {.begun = false};
	while (n) {
		size_t len = pretok_next(p, &st, s, n, false);
		CHECK(len > 0 && len <= n);
		s += len;
		n -= len;
	}
	pretok_free(&st);
}

void
fuzz_one(const unsigned char *data, size_t n)
{
	char *names = pretok_names();
	const struct pretok *last = NULL;
	unicode(data, n);
	for (char *p = names, *end; *p; p = end + (*end == ' ')) {
		end = p + strcspn(p, " ");
		const struct pretok *row = pretok_find(p, (size_t)(end - p));
		CHECK(row);
		if (row != last)
			words(row, data, n);
		last = row;
	}
	xfree(names);
}
