/*
 * json_flat.c - lists that are too large for nodes; see json.h.
 *
 * Such files are written by programs: what stands between two strings is most often what stood there before.
 */
#include "json_impl.h"

/* Whether the text goes on so. */
static inline bool
goes_on(const struct reader *r, struct str s)
{
	if (!s.n || (size_t)(r->end - r->p) < s.n)
		return false;
	if (s.n < 8)
		return !memcmp(r->p, s.p, s.n);
	uint64_t differ = 0;
	const unsigned char *p = (const unsigned char *)r->p, *q = (const unsigned char *)s.p;
	for (size_t i = 0; i + 8 < s.n; i += 8)
		differ |= le64(p + i) ^ le64(q + i);
	return !(differ | (le64(p + s.n - 8) ^ le64(q + s.n - 8)));
}

/* Whether n bytes are the same; a chunk can be read of both. */
static inline bool
same_bytes(const char *p, const char *q, size_t n)
{
	uint64_t same = CHUNK_MARKS;
	if (n < CHUNK)
		return chunk_begins(chunk_same(chunk_at(p), chunk_at(q)), n);
	for (size_t i = 0; i + CHUNK < n; i += CHUNK)
		same &= chunk_same(chunk_at(p + i), chunk_at(q + i));
	return (same & chunk_same(chunk_at(p + n - CHUNK), chunk_at(q + n - CHUNK))) == CHUNK_MARKS;
}

/* Go behind these signs and the blanks before them. */
static bool
behind(struct reader *r, const char *signs)
{
	for (; *signs; signs++) {
		json_blanks(r);
		if (r->p == r->end || *r->p++ != *signs)
			return false;
	}
	return true;
}

/* Go to the next string, behind these signs. *usual: what was there last time. */
static inline bool
to_string(struct reader *r, const char *signs, struct str *usual)
{
	const char *begin = r->p;
	if (goes_on(r, *usual)) {
		r->p += usual->n - 1;
		return true;
	}
	if (!behind(r, signs))
		return false;
	json_blanks(r);
	if (r->p == r->end || *r->p != '"')
		return false;
	*usual = (struct str){begin, (size_t)(r->p + 1 - begin)};
	return true;
}

static const char *
place(const struct reader *r, struct span s)
{
	return (s.off & SPAN_SECOND ? r->d->unescaped : r->d->text) + (s.off & ~SPAN_SECOND);
}

/* Take a string at its quote; *spaced: it holds a space. */
static inline struct span
take(struct reader *r, bool *spaced)
{
	const char *begin = ++r->p;
	const size_t n = json_quick(begin, (size_t)(r->end - begin), spaced);
	if (n != SIZE_MAX) {
		r->p += n + 1;
		return (struct span){(uint32_t)(begin - r->d->text), (uint32_t)n};
	}
	const struct span s = json_take_string(r);
	*spaced = s.n && memchr(place(r, s), ' ', s.n);
	return s;
}

/* Lists are long, or they would have nodes. */
static void
make_room(struct json_flat *f)
{
	enum { LARGE = 1 << 16 };
	if (f->string_cap < LARGE) {
		f->string = grow(f->string, &f->string_cap, f->n + 1, sizeof *f->string);
		return;
	}
	struct span *more = xlarge(4 * f->string_cap, sizeof *more);
	memcpy(more, f->string, f->n * sizeof *more);
	xfree(f->string);
	f->string = more;
	f->string_cap *= 4;
}

static inline void
add(struct json_flat *f, struct span s)
{
	if (f->n == f->string_cap)
		make_room(f);
	f->string[f->n++] = s;
}

/* The number of the string that was added last. */
static void
add_odd_number(struct json_flat *f, uint32_t x)
{
	const size_t i = f->n - 1;
	if (!f->number) {
		f->number = grow(NULL, &f->number_cap, f->string_cap, sizeof *f->number);
		for (size_t k = 0; k < i; k++)
			f->number[k] = (uint32_t)k;
	}
	f->number = grow(f->number, &f->number_cap, f->string_cap, sizeof *f->number);
	f->number[i] = x;
}

static inline void
add_number(struct json_flat *f, uint32_t x)
{
	if (f->number || x != f->n - 1)
		add_odd_number(f, x);
}

enum { NUMBER_DIGITS = 9, NUMBER_MAX = 999999999 };

/* A colon and a whole number of so many digits at most. */
static bool
take_number(struct reader *r, uint32_t *x)
{
	json_blanks(r);
	if (r->p == r->end || *r->p++ != ':')
		return false;
	json_blanks(r);
	const char *begin = r->p;
	for (*x = 0; r->p < r->end && *r->p >= '0' && *r->p <= '9' && r->p - begin < NUMBER_DIGITS; r->p++)
		*x = *x * 10 + (uint32_t)(*r->p - '0');
	const size_t n = (size_t)(r->p - begin);
	return n && (n == 1 || *begin != '0') && r->p < r->end && (*r->p == ',' || *r->p == '}' || *r->p <= ' ');
}

/* What stands behind a string, up to the next, if that has the number that is one more. */
struct counted {
	char s[64];		/* and a chunk of room */
	size_t n, digits, end;	/* where the number begins and ends; n 0: it is too long */
};

static void
count_up(struct counted *c)
{
	size_t i = c->end;
	for (; i > c->digits && c->s[i - 1] == '9'; i--)
		c->s[i - 1] = '0';
	if (i > c->digits) {
		c->s[i - 1]++;
		return;
	}
	memmove(c->s + i + 1, c->s + i, c->n - i);
	c->s[i] = '1';
	c->n++;
	c->end++;
}

/* p[0..) is what stood there, in which the number ends at `end`. */
static struct counted
counted(const char *p, const char *end, const char *next)
{
	const size_t n = (size_t)(next - p);
	struct counted c = {.n = n, .digits = (size_t)(end - p), .end = (size_t)(end - p)};
	if (n > sizeof c.s - CHUNK - NUMBER_DIGITS)
		return (struct counted){.n = 0};
	memcpy(c.s, p, n);
	while (c.s[c.digits - 1] >= '0' && c.s[c.digits - 1] <= '9')
		c.digits--;
	count_up(&c);
	return c;
}

/* At the quote of a string: over all that have the numbers which are due, from x on. */
static void
strings_due(struct reader *r, struct json_flat *f, struct counted *c, uint32_t x)
{
	const char *p = r->p + 1;
	while (x < NUMBER_MAX && (size_t)(r->end - p) > sizeof c->s) {
		bool spaced;
		const struct json_chunk k = json_chunk(chunk_at(p), 0);
		size_t n = k.wrong || !k.stop ? SIZE_MAX : chunk_before(k.stop);
		if (n == SIZE_MAX)
			n = json_quick(p, (size_t)(r->end - p), &spaced);
		if (n == SIZE_MAX || (size_t)(r->end - p) - n < sizeof c->s || !same_bytes(p + n, c->s, c->n))
			break;
		add(f, (struct span){(uint32_t)(p - r->d->text), (uint32_t)n});
		add_number(f, x++);
		p += n + c->n;
		count_up(c);
	}
	r->p = p - 1;
}

/* {"string": 0, ...} */
static bool
numbers(struct reader *r, struct json_flat *f)
{
	struct str first = {NULL, 0}, between = {NULL, 0};
	if (!to_string(r, "", &first))
		return false;
	for (;;) {
		bool spaced;
		uint32_t x;
		add(f, take(r, &spaced));
		const char *begin = r->p - 1;
		if (!take_number(r, &x))
			return false;
		add_number(f, x);
		const char *end = r->p;
		if (to_string(r, ",", &between)) {
			struct counted c = counted(begin, end, r->p + 1);
			if (c.n)
				strings_due(r, f, &c, x + 1);
			continue;
		}
		r->p = end;
		return behind(r, "}");
	}
}

/* Both words of a pair, in the unescaped bytes. */
static struct span
join(struct reader *r, const struct span word[2])
{
	const size_t off = r->d->n_unescaped, n = (size_t)word[0].n + 1 + word[1].n;
	r->d->unescaped = grow(r->d->unescaped, &r->d->unescaped_cap, off + n, 1); /* where the words may lie, too */
	json_keep(r, place(r, word[0]), word[0].n);
	json_keep(r, " ", 1);
	json_keep(r, place(r, word[1]), word[1].n);
	return (struct span){(uint32_t)off | SPAN_SECOND, (uint32_t)n};
}

/* The words of ["a", "b"]. */
static bool
pair(struct reader *r, struct json_flat *f, struct str *usual, struct span *s)
{
	struct span word[2];
	bool spaced[2];
	word[0] = take(r, &spaced[0]);
	if (!to_string(r, ",", usual))
		return false;
	const struct str gap = {usual->p - 1, usual->n + 1}; /* with the quote that ended the first */
	if (!f->gap.n)
		f->gap = gap;
	word[1] = take(r, &spaced[1]);
	if (spaced[0] || spaced[1] || !word[0].n || !word[1].n)
		return false;
	const bool same = gap.n == f->gap.n && (gap.p == f->gap.p || !memcmp(gap.p, f->gap.p, gap.n));
	if (same && !((word[0].off | word[1].off) & SPAN_SECOND))
		*s = (struct span){word[0].off, word[1].off + word[1].n - word[0].off};
	else
		*s = join(r, word);
	return true;
}

/* "a b" */
static bool
words(struct reader *r, struct span *s)
{
	bool spaced;
	*s = take(r, &spaced);
	const char *p = place(r, *s), *end = p + s->n, *gap = spaced ? memchr(p, ' ', s->n) : NULL;
	return gap && gap > p && gap + 1 < end && !memchr(gap + 1, ' ', (size_t)(end - gap) - 1);
}

static struct str
string_at(const struct reader *r, struct span s)
{
	return (struct str){place(r, s), s.n};
}

/* Which of the strings before it the last pair spells. */
static void
spell(const struct reader *r, struct json_flat *f, struct span s)
{
	const struct str gap = s.off & SPAN_SECOND ? (struct str){" ", 1} : f->gap, both = string_at(r, s);
	const char *at = memchr(both.p, gap.p[0], both.n), *right = at + gap.n;
	f->spelled.text[1] = (const unsigned char *)r->d->unescaped;
	spelled_take(&f->spelled, (uint32_t)(f->n - 1), (struct str){both.p, (size_t)(at - both.p)}, (struct str){right, (size_t)(both.p + both.n - right)});
}

/* The pair that is due: a string x cut in two, with a gap between whose first byte x does not hold, and what ends the pair. */
struct due {
	struct str x, gap, end;	/* behind which a chunk can be read, but for a gap of one byte */
	size_t n;		/* bytes of all */
};

/* x becomes string i; none, if there is none or pairs of words cannot spell it as it stands there. */
static inline void
set_due(struct due *d, const struct spelled *s, uint32_t i)
{
	const struct str x = spelled_string(s, i);
	const bool plain = x.n && !(s->string[i].off & SPAN_SECOND);
	const bool spaced = plain && (x.n < CHUNK ? !chunk_begins(~chunk_is(chunk_at(x.p), ' '), x.n) : memchr(x.p, ' ', x.n) != NULL);
	d->x = plain && !spaced ? x : (struct str){"", 0};
	d->n = d->x.n + d->gap.n + d->end.n;
}

/* Whether it stands at p[0..left). Its strings were checked, so nothing is asked of it but that it is not cut within a character. */
static inline bool
is_due(const struct due *d, const char *p, size_t left)
{
	if (left < d->n + 2 * CHUNK || !d->x.n)
		return false;
	const chunk first = chunk_at(p);
	const uint64_t here = chunk_is(first, d->gap.p[0]);
	const char *at = here ? p + chunk_before(here) : memchr(p + CHUNK, d->gap.p[0], d->x.n);
	const size_t n = at ? (size_t)(at - p) : 0;
	if (!n || n >= d->x.n || (d->x.p[n] & 0xC0) == 0x80)
		return false;
	return (here ? chunk_begins(chunk_same(first, chunk_at(d->x.p)), n) : same_bytes(p, d->x.p, n)) &&
		same_bytes(at + d->gap.n, d->x.p + n, d->x.n - n) && (d->gap.n == 1 || same_bytes(at, d->gap.p, d->gap.n)) &&
		same_bytes(p + d->gap.n + d->x.n, d->end.p, d->end.n);
}

/* At the first quote of a pair: over all that are due. */
static void
pairs_due(struct reader *r, struct json_flat *f, struct str between)
{
	struct spelled *s = &f->spelled;
	struct due d = {.gap = f->gap, .end = {between.p - 1, between.n + 1}}; /* with the quote that ends the pair */
	const char *p = r->p + 1;
	set_due(&d, s, s->now);
	for (;; p += d.n) {
		const uint32_t m = (uint32_t)f->n, next = s->now + 1;
		if (spelled_goes_on(s, m) && is_due(&d, p, (size_t)(r->end - p)))
			s->end++;
		else if (spelled_may_begin(s, next) && (set_due(&d, s, next), is_due(&d, p, (size_t)(r->end - p))))
			spelled_begin(s, next, m);
		else
			break;
		add(f, (struct span){(uint32_t)(p - r->d->text), (uint32_t)(d.n - d.end.n)});
	}
	r->p = p - 1;
}

/* ["a b", ...] or [["a", "b"], ...] */
static bool
pairs(struct reader *r, struct json_flat *f)
{
	const struct json_flat *of = f->spelling;
	if (of && of->n)
		spelled_init(&f->spelled, (const unsigned char *[]){(const unsigned char *)r->d->text, NULL}, of->string, of->n);
	struct str first = {NULL, 0}, between = {NULL, 0}, within = {NULL, 0};
	json_blanks(r);
	const bool nested = r->p < r->end && *r->p == '[';
	if (!nested)
		f->gap = (struct str){" ", 1};
	if (!to_string(r, nested ? "[" : "", &first))
		return false;
	for (;;) {
		struct span s;
		if (!(nested ? pair(r, f, &within, &s) : words(r, &s)))
			return false;
		add(f, s);
		if (f->spelled.n)
			spell(r, f, s);
		const char *end = r->p;
		if (to_string(r, nested ? "],[" : ",", &between)) {
			if (f->spelled.n)
				pairs_due(r, f, between);
			continue;
		}
		r->p = end;
		return behind(r, nested ? "]]" : "]");
	}
}

/* Whether a byte belongs to a string, its quotes aside, goes from byte to byte; and how deep the list is there. */
struct passing {
	const char *p;
	bool inside, escaped;
	size_t depth;
};

/* Over one byte; false: it ended the list. */
static bool
pass_byte(struct passing *s)
{
	const char c = *s->p++;
	if (s->escaped)
		s->escaped = false;
	else if (c == '"')
		s->inside = !s->inside;
	else if (s->inside)
		s->escaped = c == '\\';
	else if (c == '[' || c == '{')
		s->depth++;
	else if (c == ']' || c == '}')
		return --s->depth;
	return true;
}

/* Over CHUNKS_BYTES at once; false: the list ended among them. */
static bool
pass_chunks(struct passing *s)
{
	const uint64_t first = CHUNKS_MARKS & (0 - CHUNKS_MARKS), last = UINT64_C(1) << 63;
	uint64_t quote = 0, escape = 0, open = 0, close = 0;
	for (unsigned k = 0; k < CHUNKS; k++) {
		const chunk x = chunk_at(s->p + k * CHUNK), braces = chunk_small(x); /* [ and {, ] and } become one */
		quote |= chunk_is(x, '"') << k * CHUNK % 64;
		escape |= chunk_is(x, '\\') << k * CHUNK % 64;
		open |= chunk_is(braces, '{') << k * CHUNK % 64;
		close |= chunk_is(braces, '}') << k * CHUNK % 64;
	}
	uint64_t escaped = s->escaped ? first : 0;
	s->escaped = false;
	for (uint64_t left = escape & ~escaped, next; left; left &= ~next & (left - 1)) {
		next = (left & (0 - left)) << MARK_STEP;
		escaped |= next;
		s->escaped = left == last;
	}
	quote &= ~escaped;
	uint64_t within = quote; /* from a quote on, up to the next */
	within ^= within << MARK_STEP;
	within ^= within << 2 * MARK_STEP;
	within ^= within << 4 * MARK_STEP;
	for (unsigned i = 8 * MARK_STEP; i < 64; i *= 2)
		within ^= within << i;
	within ^= s->inside ? CHUNKS_MARKS : 0;
	s->inside = within >> 63;
	for (uint64_t left = (open | close) & ~within; left; left &= left - 1)
		if (open & left & (0 - left))
			s->depth++;
		else if (!--s->depth) {
			s->p += chunk_before(left) + 1;
			return false;
		}
	s->p += CHUNKS_BYTES;
	return true;
}

/* Go back over the blanks before p; *line: a newline was among them, which is never within a string. */
static const char *
before_blanks(const char *p, const char *begin, bool *line)
{
	for (*line = false; p > begin && (p[-1] == ' ' || p[-1] == '\n' || p[-1] == '\r' || p[-1] == '\t'); p--)
		*line |= p[-1] == '\n';
	return p;
}

/* Whether a quote may be the last one of a string: not where it is escaped, or the first of its line. */
static bool
may_end(const char *quote, const char *begin)
{
	const char *p = quote;
	bool line;
	while (p > begin && p[-1] == '\\')
		p--;
	before_blanks(quote, begin, &line);
	return !line && (quote - p) % 2 == 0;
}

/* Where a list is written in lines, which takes no look at each byte: its end is the first bracket that has a brace, with a
 * newline between, behind it. Then the bracket is in no string; and an object that is closed before, or that the list is not the
 * last of, has a key: a quote that ends before a colon. NULL: not found so. */
static const char *
end_in_lines(const struct reader *r)
{
	const char *end = NULL;
	bool line;
	for (const char *p = r->p; !end && (p = memchr(p, '}', (size_t)(r->end - p))); p++) {
		const char *q = before_blanks(p, r->p, &line);
		if (line && q > r->p && q[-1] == ']')
			end = q;
	}
	for (const char *p = r->p; end && (p = memchr(p, ':', (size_t)(end - p))); p++) {
		const char *q = before_blanks(p, r->p, &line);
		if (q > r->p && q[-1] == '"' && may_end(q - 1, r->p))
			return NULL;
	}
	return end;
}

/* Go to the end of a list behind its opening bracket; false: it has none. */
static bool
pass_list(struct reader *r)
{
	const char *end = end_in_lines(r);
	if (end) {
		r->p = end;
		return true;
	}
	struct passing s = {.p = r->p, .depth = 1};
	while (r->end - s.p >= CHUNKS_BYTES)
		if (!pass_chunks(&s)) {
			r->p = s.p;
			return true;
		}
	while (s.p < r->end)
		if (!pass_byte(&s)) {
			r->p = s.p;
			return true;
		}
	return false;
}

bool
json_flat_list(struct reader *r, struct json_flat *f)
{
	const char *begin = r->p;
	const size_t n_unescaped = r->d->n_unescaped;
	if (f->string || (f->later && f->text.n))
		return false;
	if (f->later) {
		if (!pass_list(r))
			return false;
		f->text = (struct str){begin - 1, (size_t)(r->p + 1 - begin)};
		return true;
	}
	if (f->type == JSON_OBJECT ? numbers(r, f) : pairs(r, f))
		return true;
	r->p = begin;
	r->d->n_unescaped = n_unescaped;
	xfree(f->string);
	xfree(f->number);
	spelled_free(&f->spelled);
	*f = (struct json_flat){.inside = f->inside, .key = f->key, .type = f->type, .text = f->text};
	return false;
}
