/* grapheme.c - grapheme clusters; see grapheme.h. */
#include "grapheme.h"

#include "unicode.h"

#include <stdbool.h>
#include <stdlib.h>

enum grapheme { OTHER, JOINS, PREPENDS, STANDS_ALONE, PICTURE, CR, LF, ZWJ, FLAG, HANGUL_L, HANGUL_V, HANGUL_T, HANGUL_LV, HANGUL_LVT };
#include "grapheme_tables.h"

static int
range_cmp(const void *key, const void *row)
{
	uint32_t cp = *(const uint32_t *)key;
	const struct grapheme_range *r = row;
	return cp < r->from ? -1 : cp > r->to;
}

static bool
within(uint32_t cp, uint32_t from, uint32_t to)
{
	return cp >= from && cp <= to;
}

static enum grapheme
kind(uint32_t cp)
{
	if (cp < 0x80)
		return cp == '\r' ? CR : cp == '\n' ? LF : cp < 0x20 || cp == 0x7F ? STANDS_ALONE : OTHER;
	if (cp == 0x200D)
		return ZWJ;
	if (within(cp, 0xAC00, 0xD7A3))
		return (cp - 0xAC00) % 28 ? HANGUL_LVT : HANGUL_LV;
	if (within(cp, 0x1100, 0x115F) || within(cp, 0xA960, 0xA97C))
		return HANGUL_L;
	if (within(cp, 0x1160, 0x11A7) || within(cp, 0xD7B0, 0xD7C6))
		return HANGUL_V;
	if (within(cp, 0x11A8, 0x11FF) || within(cp, 0xD7CB, 0xD7FB))
		return HANGUL_T;
	if (within(cp, 0x1F1E6, 0x1F1FF))
		return FLAG;
	const struct grapheme_range *r = bsearch(&cp, grapheme_ranges, sizeof grapheme_ranges / sizeof *r, sizeof *r, range_cmp);
	return r ? r->kind : OTHER;
}

/* What the rules ask of the characters before. */
struct state {
	enum grapheme last;
	bool picture;		/* a picture, and JOINS behind it */
	bool odd_flags;
};

static bool
goes_on(const struct state *st, enum grapheme next)
{
	enum grapheme last = st->last;
	if (last == CR)
		return next == LF;						/* GB3 */
	if (last == LF || last == STANDS_ALONE || next == CR || next == LF || next == STANDS_ALONE)
		return false;							/* GB4, GB5 */
	if (next == JOINS || next == ZWJ || last == PREPENDS)
		return true;							/* GB9, GB9a, GB9b */
	if (last == HANGUL_L)
		return next == HANGUL_L || next == HANGUL_V || next == HANGUL_LV || next == HANGUL_LVT; /* GB6 */
	if (last == HANGUL_V || last == HANGUL_LV)
		return next == HANGUL_V || next == HANGUL_T;			/* GB7 */
	if (last == HANGUL_T || last == HANGUL_LVT)
		return next == HANGUL_T;					/* GB8 */
	if (last == ZWJ && st->picture)
		return next == PICTURE;						/* GB11 */
	return last == FLAG && next == FLAG && st->odd_flags;			/* GB12, GB13 */
}

size_t
grapheme_next(const unsigned char *s, size_t n)
{
	struct state st = {OTHER, false, false};
	size_t i = 0;
	while (i < n) {
		uint32_t cp;
		size_t len = utf8_next(s + i, n - i, &cp);
		enum grapheme k = kind(cp);
		if (i && !goes_on(&st, k))
			break;
		st.picture = k == PICTURE || (st.picture && (k == JOINS || k == ZWJ) && st.last != ZWJ);
		st.odd_flags = k == FLAG && !st.odd_flags;
		st.last = k;
		i += len;
	}
	return i;
}
