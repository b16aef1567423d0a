/* schema_value.c - the values that schemas end in: strings, numbers, literals; see schema_impl.h. */
#include "schema_impl.h"

#include "ere.h"
#include "unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

/* Of numbers without bounds: digits of the whole part, and behind the point. */
enum { DIGITS = 15, PLACES = 4 };

/* The escape of a character that needs one; 0: it stands for itself. */
static size_t
escape(uint32_t cp, char out[8])
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = cp && cp < 0x80 ? strchr(from, (int)cp) : NULL;
	if (at)
		return (size_t)snprintf(out, 8, "\\%c", to[at - from]);
	return cp < 0x20 ? (size_t)snprintf(out, 8, "\\u%04x", cp) : 0;
}

expr
json_chars(struct grammar *g, struct charset *set)
{
	struct exprs any = {0};
	char text[8];
	charset_tidy(set);
	for (uint32_t cp = 0; cp < 0x80; cp++)
		if (escape(cp, text) && charset_has(set, cp))
			exprs_add(&any, expr_text(g, text, escape(cp, text)));
	charset_remove(set, 0, 0x1F);
	charset_remove(set, '"', '"');
	charset_remove(set, '\\', '\\');
	if (set->n)
		exprs_add(&any, expr_char(g, set));
	charset_free(set);
	return expr_either(g, &any);
}

expr
json_string(struct schema *s, struct str text)
{
	char *out = xcalloc(text.n + 1, 6), escaped[8];
	size_t n = 0;
	out[n++] = '"';
	for (size_t i = 0; i < text.n; i++) {
		const size_t len = escape((unsigned char)text.p[i], escaped);
		if (len)
			memcpy(out + n, escaped, len);
		else
			out[n] = text.p[i];
		n += len ? len : 1;
	}
	out[n++] = '"';
	expr e = expr_text(s->g, out, n);
	xfree(out);
	return e;
}

expr
json_literal(struct schema *s, const struct json *v)
{
	static const char *const words[] = {"null", "false", "true"};
	const bool object = v->type == JSON_OBJECT;
	const struct json *c = json_first(v);
	struct exprs l = {0};
	if (v->type <= JSON_TRUE)
		return expr_text(s->g, words[v->type], strlen(words[v->type]));
	if (v->type == JSON_STRING)
		return json_string(s, json_str(s->d, v));
	if (v->type == JSON_NUMBER) {
		const char *text = s->d->text + v->off;
		if (memchr(text, 'N', v->n) || memchr(text, 'I', v->n))
			schema_bad(s, v, "this is no number of JSON");
		return expr_text(s->g, text, v->n);
	}
	exprs_add(&l, expr_text(s->g, object ? "{" : "[", 1));
	for (size_t i = 0; i < v->n; i++, c = json_next(c)) {
		if (i)
			exprs_add(&l, s->comma);
		if (object) {
			exprs_add(&l, json_literal(s, c));
			exprs_add(&l, s->colon);
			c = json_next(c);
		}
		exprs_add(&l, json_literal(s, c));
	}
	exprs_add(&l, expr_text(s->g, object ? "}" : "]", 1));
	return expr_all(s->g, &l);
}

bool
json_equal(const struct schema *s, const struct json *a, const struct json *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == JSON_NUMBER)
		return json_float(s->d, a, "it", 0) == json_float(s->d, b, "it", 0);
	if (a->type == JSON_STRING) {
		struct str x = json_str(s->d, a), y = json_str(s->d, b);
		return x.n == y.n && !memcmp(x.p, y.p, x.n);
	}
	if (a->type < JSON_NUMBER)
		return true;
	if (a->n != b->n)
		return false;
	const struct json *x = json_first(a), *y = json_first(b);
	for (size_t i = 0; i < a->n * (a->type == JSON_OBJECT ? 2 : 1); i++, x = json_next(x), y = json_next(y))
		if (!json_equal(s, x, y))
			return false;
	return true;
}

/* Keys that are none of the names: at each character of a name, another one or an end leads away. */

static int
compare(const void *a, const void *b)
{
	const struct str *x = a, *y = b;
	const size_t n = x->n < y->n ? x->n : y->n;
	int c = n ? memcmp(x->p, y->p, n) : 0;
	return c ? c : x->n < y->n ? -1 : x->n > y->n;
}

/* Names that have `at` bytes in common, sorted; `rest`: any characters. */
static expr
other_than(struct schema *s, const struct str *name, size_t n, size_t at, expr rest)
{
	struct exprs any = {0};
	struct charset others = {0};
	charset_add(&others, 0x20, CHAR_MAX_CP);
	charset_remove(&others, '"', '"');
	charset_remove(&others, '\\', '\\');
	if (!n || name[0].n > at)
		exprs_add(&any, EXPR_EMPTY);
	for (size_t i = 0, k; i < n; i = k) {
		uint32_t cp, next;
		k = i + 1;
		if (name[i].n == at)
			continue;
		const size_t len = utf8_next((const unsigned char *)name[i].p + at, name[i].n - at, &cp);
		while (k < n && utf8_next((const unsigned char *)name[k].p + at, name[k].n - at, &next) && next == cp)
			k++;
		charset_remove(&others, cp, cp);
		exprs_add(&any, expr_pair(s->g, expr_text(s->g, name[i].p + at, len), other_than(s, name + i, k - i, at + len, rest)));
	}
	exprs_add(&any, expr_pair(s->g, expr_char(s->g, &others), rest));
	return expr_either(s->g, &any);
}

expr
json_other_key(struct schema *s, const struct str *name, size_t n)
{
	struct str *sorted = xcalloc(n + 1, sizeof *sorted);
	struct charset all = {0};
	char escaped[8];
	size_t kept = 0;
	charset_add(&all, 0x20, CHAR_MAX_CP);
	charset_remove(&all, '"', '"');
	charset_remove(&all, '\\', '\\');
	/* Keys are written without escapes: names that need one are other names anyway. */
	for (size_t i = 0; i < n; i++) {
		bool plain = true;
		for (size_t k = 0; k < name[i].n; k++)
			plain &= !escape((unsigned char)name[i].p[k], escaped);
		if (plain)
			sorted[kept++] = name[i];
	}
	if (kept)
		qsort(sorted, kept, sizeof *sorted, compare);
	const expr quote = expr_text(s->g, "\"", 1), rest = expr_repeat(s->g, expr_char(s->g, &all), 0, FOREVER);
	expr e = expr_pair(s->g, quote, expr_pair(s->g, other_than(s, sorted, kept, 0, rest), quote));
	xfree(sorted);
	return e;
}

/* A regular expression of POSIX's that is written here. */
static expr
ere(struct schema *s, const char *pattern)
{
	return ere_expr(s->g, "", (struct str){pattern, strlen(pattern)}, ERE_POSIX, NULL);
}

void
json_rules(struct schema *s)
{
	struct grammar *g = s->g;
	s->comma = ere(s, ", ?");
	s->colon = ere(s, ": ?");
	s->value = grammar_rule(g, NULL, 0);
	s->character = grammar_rule(g, NULL, 0);
	struct charset plain = {0};
	charset_add(&plain, 0x20, CHAR_MAX_CP);
	charset_remove(&plain, '"', '"');
	charset_remove(&plain, '\\', '\\');
	/* No halves of surrogate pairs: they are no characters. */
	grammar_define(g, s->character, expr_or(g, expr_char(g, &plain),
		ere(s, "\\\\([\"\\/bfnrt]|u([0-9a-cA-CefEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))")), 0);
	const expr quote = expr_text(g, "\"", 1), value = expr_rule(g, s->value);
	const expr string = expr_pair(g, quote, expr_pair(g, expr_repeat(g, expr_rule(g, s->character), 0, FOREVER), quote));
	const expr pair = expr_pair(g, string, expr_pair(g, s->colon, value));
	const expr values = expr_pair(g, value, expr_repeat(g, expr_pair(g, s->comma, value), 0, FOREVER));
	const expr pairs = expr_pair(g, pair, expr_repeat(g, expr_pair(g, s->comma, pair), 0, FOREVER));
	struct exprs any = {0};
	exprs_add(&any, ere(s, "true|false|null"));
	exprs_add(&any, string);
	exprs_add(&any, json_numbers(s, false, &(struct bound){0}, &(struct bound){0}));
	exprs_add(&any, expr_pair(g, expr_text(g, "[", 1), expr_pair(g, expr_repeat(g, values, 0, 1), expr_text(g, "]", 1))));
	exprs_add(&any, expr_pair(g, expr_text(g, "{", 1), expr_pair(g, expr_repeat(g, pairs, 0, 1), expr_text(g, "}", 1))));
	grammar_define(g, s->value, expr_either(g, &any), 0);
}

/* Numbers. */

struct bound
bound_read(const struct schema *s, const struct json *v, bool open)
{
	struct bound b = {.at = v, .set = true, .open = open};
	const char *p = s->d->text + v->off, *end = p + v->n;
	const bool minus = *p == '-';
	bool point = false;
	int digits = 0;
	if (v->type != JSON_NUMBER || memchr(p, 'N', v->n) || memchr(p, 'I', v->n))
		schema_bad(s, v, "a bound is a number");
	for (p += minus; p < end && (*p == '.' || (*p >= '0' && *p <= '9')); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		digits += digits || *p != '0';
		if (digits > DIGITS + 3)
			schema_bad(s, v, "a bound of more than 18 digits");
		b.m = b.m * 10 + (*p - '0');
		b.e -= point;
	}
	const long e = p < end ? strtol(p + 1, NULL, 10) : 0;
	if (b.m && (e > 30 || e < -30))
		schema_bad(s, v, "a bound beyond 10^30");
	for (b.e = b.m ? b.e + (int)e : 0; b.m && b.m % 10 == 0; b.e++)
		b.m /= 10;
	b.m = minus ? -b.m : b.m;
	return b;
}

/* m * 10^e; what overflows is the most there is. `up`: to the next whole number, else down. */
static int64_t
scaled(int64_t m, int e, bool up)
{
	for (; e > 0 && m; e--) {
		if (m > INT64_MAX / 10 || m < INT64_MIN / 10)
			return m < 0 ? INT64_MIN : INT64_MAX;
		m *= 10;
	}
	const bool minus = m < 0;
	bool rest = false;
	for (; e < 0; e++, m /= 10)
		rest |= m % 10 != 0;
	return m + (rest && up && !minus) - (rest && !up && minus);
}

bool
bound_less(const struct bound *a, const struct bound *b)
{
	const double x = (double)a->m, y = (double)b->m;
	int e = a->e - b->e;
	double scale = 1;
	for (; e > 0; e--)
		scale *= 10;
	if (a->e >= b->e)
		return x * scale < y;
	for (; e < 0; e++)
		scale *= 10;
	return x < y * scale;
}

/* n digits from a to b. */
static expr
digits(struct grammar *g, const char *a, const char *b, size_t n)
{
	static const char zeros[] = "0000000000000000000000", nines[] = "9999999999999999999999";
	struct exprs any = {0};
	if (!n)
		return EXPR_EMPTY;
	if (!memcmp(a, zeros, n) && !memcmp(b, nines, n))
		return expr_repeat(g, expr_range(g, '0', '9'), (uint32_t)n, (uint32_t)n);
	if (*a == *b)
		return expr_pair(g, expr_text(g, a, 1), digits(g, a + 1, b + 1, n - 1));
	exprs_add(&any, expr_pair(g, expr_text(g, a, 1), digits(g, a + 1, nines, n - 1)));
	if (*b - *a > 1)
		exprs_add(&any, expr_pair(g, expr_range(g, (unsigned char)*a + 1, (unsigned char)*b - 1), digits(g, zeros, nines, n - 1)));
	exprs_add(&any, expr_pair(g, expr_text(g, b, 1), digits(g, zeros, b + 1, n - 1)));
	return expr_either(g, &any);
}

/* The whole numbers from a to b, 0 <= a <= b, as decimals with so many places behind the point. */
static expr
decimals(struct grammar *g, uint64_t a, uint64_t b, int places)
{
	char lo[32], hi[32];
	struct exprs any = {0};
	uint64_t from = a;
	for (;;) {
		const int n = snprintf(lo, sizeof lo, "%0*ju", places + 1, (uintmax_t)from);
		uint64_t last = 9;
		for (int i = 1; i < n; i++)
			last = last > UINT64_MAX / 10 - 1 ? UINT64_MAX : last * 10 + 9;
		last = last < b ? last : b;
		snprintf(hi, sizeof hi, "%0*ju", n, (uintmax_t)last);
		const size_t whole = (size_t)(n - places);
		/* The point stands at the same place in all numbers of a length: cut there, the bounds of
		 * the front alone decide whether those of the rest count. */
		if (!places) {
			exprs_add(&any, digits(g, lo, hi, whole));
		} else if (!memcmp(lo, hi, whole)) {
			expr e = expr_pair(g, expr_text(g, ".", 1), digits(g, lo + whole, hi + whole, (size_t)places));
			exprs_add(&any, expr_pair(g, expr_text(g, lo, whole), e));
		} else {
			static const char zeros[] = "0000000000000000000000", nines[] = "9999999999999999999999";
			const expr point = expr_text(g, ".", 1);
			char up[32], down[32];
			exprs_add(&any, expr_pair(g, expr_text(g, lo, whole), expr_pair(g, point, digits(g, lo + whole, nines, (size_t)places))));
			exprs_add(&any, expr_pair(g, expr_text(g, hi, whole), expr_pair(g, point, digits(g, zeros, hi + whole, (size_t)places))));
			lo[whole] = hi[whole] = 0;
			const uint64_t inner = strtoull(lo, NULL, 10) + 1, outer = strtoull(hi, NULL, 10) - 1;
			snprintf(up, sizeof up, "%0*ju", (int)whole, (uintmax_t)inner);
			snprintf(down, sizeof down, "%0*ju", (int)whole, (uintmax_t)outer);
			if (inner <= outer)
				exprs_add(&any, expr_pair(g, digits(g, up, down, whole), expr_pair(g, point, digits(g, zeros, nines, (size_t)places))));
		}
		if (last == b)
			break;
		from = last + 1;
	}
	return expr_either(g, &any);
}

expr
json_numbers(struct schema *s, bool whole, const struct bound *low, const struct bound *high)
{
	struct exprs any = {0};
	if (!low->set && !high->set)
		return ere(s, whole ? "0|-?[1-9][0-9]{0,14}"
			: "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,15})?([eE][-+]?[0-9]{1,2})?");
	const int finest = low->e < high->e ? low->e : high->e;
	const int places = whole ? 0 : finest < -PLACES ? -finest : PLACES;
	for (int f = 0; f <= places && f <= DIGITS; f++) {
		/* Numbers that a double tells apart: up to 10^15 with all their places. */
		const int64_t most = 999999999999999;
		int64_t a = low->set ? scaled(low->m, low->e + f, true) : -most;
		int64_t b = high->set ? scaled(high->m, high->e + f, false) : most;
		const bool far_low = a == INT64_MIN || a == INT64_MAX, far_high = b == INT64_MIN || b == INT64_MAX;
		if (whole && (far_low || far_high))
			schema_bad(s, far_low ? low->at : high->at, "a bound of integers beyond 2^63: take a nearer one, or none");
		if (low->set && low->open && a < INT64_MAX && scaled(low->m, low->e + f, false) == a)
			a++;
		if (high->set && high->open && b > INT64_MIN && scaled(high->m, high->e + f, true) == b)
			b--;
		if (!whole) {
			a = a < -most ? -most : a;
			b = b > most ? most : b;
		} else {
			a = a < -INT64_MAX ? -INT64_MAX : a;
			b = !high->set && b < a ? INT64_MAX : b;
			a = !low->set && a > b ? -INT64_MAX : a;
		}
		if (a > b)
			continue;
		if (b >= 0)
			exprs_add(&any, decimals(s->g, a > 0 ? (uint64_t)a : 0, (uint64_t)b, f));
		if (a < 0)
			exprs_add(&any, expr_pair(s->g, expr_text(s->g, "-", 1),
				decimals(s->g, b < 0 ? (uint64_t)-b : 1, (uint64_t)-a, f)));
	}
	return expr_either(s->g, &any);
}

/* Formats, as RFC 3339, 4122, 2673 and (of addresses) the plain part of RFC 5321 have them. */
#define DATE "[12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
#define TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])"
#define HEX4 "[0-9a-f]{4}"
#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define LABEL "[a-z]([-a-z0-9]{0,20}[a-z0-9])?"
static const struct format {
	const char *name, *ere;
} formats[] = {
	{"date", DATE}, {"time", TIME}, {"date-time", DATE "T" TIME},
	{"uuid", HEX4 HEX4 "-" HEX4 "-" HEX4 "-" HEX4 "-" HEX4 HEX4 HEX4},
	{"ipv4", OCTET "(\\." OCTET "){3}"},
	{"hostname", LABEL "(\\." LABEL "){0,3}"},
	{"email", "[A-Za-z0-9_]([-+.]?[A-Za-z0-9_]){0,30}@" LABEL "(\\." LABEL "){1,3}"},
	{"uri", "https?://" LABEL "(\\." LABEL "){1,3}(/[-A-Za-z0-9_.~]{0,40}){0,4}"},
};

expr
json_format(struct schema *s, struct str format)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (str_is(format, formats[i].name))
			return ere(s, formats[i].ere);
	return EXPR_NEVER;
}
