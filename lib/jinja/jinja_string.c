/* jinja_string.c - methods of strings, as Python has them; see jinja_impl.h. */
#include "jinja_impl.h"
#include "unicode/normal.h"
#include "unicode/unicode.h"

#include <string.h>

static val
text_val(const struct text *t)
{
	return val_str((jstr){t->p, t->n});
}

static bool
letter(uint32_t c)
{
	return U_BIT(unicode_cat(c)) & SET_L;
}

static val
map_chars(struct jinja *j, jstr s, uint32_t (*fn)(uint32_t c, bool begins), bool (*inside)(uint32_t c))
{
	enum { SHARP_S = 0xDF };
	struct text t = {NULL, 0, 0};
	bool begins = true;
	for (size_t i = 0; i < s.n; i++) {
		const uint32_t c = ch_code(s.p[i]), foreign = s.p[i] & JINJA_FOREIGN, to = fn(c, begins) | foreign;
		const uint32_t two[] = {'S' | foreign, (fn('s', false) == 'S' ? 'S' : 's') | foreign};
		if (c == SHARP_S && ch_code(to) != c)
			text_put(j, &t, two, 2);
		else
			text_put(j, &t, &to, 1);
		begins = !inside(c);
		jinja_work(j, c < 0x80 ? 1 : 100); /* a capital is looked for */
	}
	return text_val(&t);
}

struct case_pair {
	uint32_t small, capital;
};
static void
match_capital(uint32_t cp, void *arg)
{
	struct case_pair *p = arg;
	if (!p->capital && small_letter(cp) == p->small)
		p->capital = cp;
}

static uint32_t
upper_char(uint32_t c, bool begins)
{
	struct case_pair p = {c, 0};
	(void)begins;
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c - 32 : c;
	each_capital(match_capital, &p);
	return p.capital ? p.capital : c;
}
static uint32_t
lower_char(uint32_t c, bool begins)
{
	(void)begins;
	return small_letter(c);
}
static uint32_t
title_char(uint32_t c, bool begins)
{
	return begins ? upper_char(c, true) : lower_char(c, true);
}

static val
s_upper(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return map_chars(j, self.s, upper_char, letter);
}
val
string_lower(struct jinja *j, jstr s)
{
	return map_chars(j, s, lower_char, letter);
}
static val
s_lower(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return string_lower(j, self.s);
}
static uint32_t
swap_char(uint32_t c, bool begins)
{
	uint32_t small = small_letter(c);
	return small != c ? small : upper_char(c, begins);
}
static val
s_swapcase(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return map_chars(j, self.s, swap_char, letter);
}
static val
s_title(struct jinja *j, val self, const struct args *a)
{
	(void)a;
	return map_chars(j, self.s, title_char, letter);
}
/* Jinja's own: words begin behind blanks, dashes and brackets. */
static bool
in_word(uint32_t c)
{
	return !ch_space(c) && c != '-' && c != '(' && c != '{' && c != '[' && c != '<';
}
val
string_title(struct jinja *j, jstr s)
{
	return map_chars(j, s, title_char, in_word);
}
static val
s_capitalize(struct jinja *j, val self, const struct args *a)
{
	val v = s_lower(j, self, a);
	if (!v.s.n)
		return v;
	val first = map_chars(j, jstr_cut(v.s, 0, 1), title_char, letter);
	struct text t = {NULL, 0, 0};
	text_put(j, &t, first.s.p, first.s.n);
	text_put(j, &t, v.s.p + 1, v.s.n - 1);
	return text_val(&t);
}

static val
strip(struct jinja *j, val self, const struct args *a, bool left, bool right)
{
	const val *chars = jinja_arg(a, 0, "chars");
	jstr s = self.s, set = {NULL, 0};
	if (chars && chars->type != JINJA_NONE)
		set = want_str(j, chars, "strip");
	return val_str(jstr_strip(s, chars && chars->type != JINJA_NONE ? &set : NULL, left, right));
}
static val
s_strip(struct jinja *j, val self, const struct args *a)
{
	return strip(j, self, a, true, true);
}
static val
s_lstrip(struct jinja *j, val self, const struct args *a)
{
	return strip(j, self, a, true, false);
}
static val
s_rstrip(struct jinja *j, val self, const struct args *a)
{
	return strip(j, self, a, false, true);
}

/* Parts between runs of blanks, at most `max` cuts; < 0: all. */
static val
split_blanks(struct jinja *j, jstr s, int64_t max)
{
	val out = val_list(j);
	for (size_t i = 0;;) {
		while (i < s.n && ch_space(s.p[i]))
			i++;
		if (i == s.n)
			return out;
		size_t end = i;
		if (max >= 0 && (int64_t)out.list->n >= max)
			end = s.n;
		while (end < s.n && !(max >= 0 && (int64_t)out.list->n >= max) && !ch_space(s.p[end]))
			end++;
		jinja_push(j, out, val_str(jstr_cut(s, i, end)));
		if (max >= 0 && (int64_t)out.list->n > max)
			return out;
		i = end;
	}
}

static val
s_split(struct jinja *j, val self, const struct args *a)
{
	const val *by = jinja_arg(a, 0, "sep");
	int64_t max = want_int(j, jinja_arg(a, 1, "maxsplit"), -1, "split");
	if (!by || by->type == JINJA_NONE)
		return split_blanks(j, self.s, max);
	jstr sep = want_str(j, by, "split"), s = self.s;
	if (!sep.n)
		jinja_die(j, "split wants a separator that is not empty");
	val out = val_list(j);
	size_t begin = 0;
	for (size_t at; (max < 0 || (int64_t)out.list->n < max) && (at = jstr_find(j, s, sep, begin)) != SIZE_MAX;
		begin = at + sep.n)
		jinja_push(j, out, val_str(jstr_cut(s, begin, at)));
	jinja_push(j, out, val_str(jstr_cut(s, begin, s.n)));
	return out;
}

static val
s_rsplit(struct jinja *j, val self, const struct args *a)
{
	int64_t max = want_int(j, jinja_arg(a, 1, "maxsplit"), -1, "rsplit");
	struct args all = {.n = a->n ? 1 : 0, .v = {a->v[0]}};
	val parts = s_split(j, self, &all), out = val_list(j);
	if (max < 0 || (int64_t)parts.list->n <= max + 1)
		return parts;
	size_t keep = parts.list->n - (size_t)max;
	jstr last = parts.list->v[keep - 1].s;
	jinja_push(j, out, val_str((jstr){self.s.p, (size_t)(last.p + last.n - self.s.p)}));
	for (size_t i = keep; i < parts.list->n; i++)
		jinja_push(j, out, parts.list->v[i]);
	return out;
}

/* Where Python ends a line. */
static bool
line_end(uint32_t c)
{
	c = ch_code(c);
	return (c >= '\n' && c <= '\r') || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

val
string_lines(struct jinja *j, jstr s, bool with_ends)
{
	val out = val_list(j);
	for (size_t i = 0, end, next; i < s.n; i = next) {
		for (end = i; end < s.n && !line_end(s.p[end]);)
			end++;
		next = end + (end < s.n);
		if (next < s.n && ch_code(s.p[end]) == '\r' && ch_code(s.p[next]) == '\n')
			next++;
		jinja_push(j, out, val_str(jstr_cut(s, i, with_ends ? next : end)));
	}
	return out;
}
static val
s_splitlines(struct jinja *j, val self, const struct args *a)
{
	const val *ends = jinja_arg(a, 0, "keepends");
	return string_lines(j, self.s, ends && val_true(*ends));
}

/* Argument i as a place in a string or list of n, as Python's slices take it. */
static size_t
place(struct jinja *j, const struct args *a, size_t i, size_t n, size_t missing)
{
	const val *v = jinja_arg(a, i, "");
	if (!v || v->type == JINJA_NONE)
		return missing;
	int64_t at = want_int(j, v, 0, "a place");
	if (at < 0)
		at += (int64_t)n;
	return at < 0 ? 0 : (size_t)at;
}

/* What lies between arguments 1 and 2 of it, and where that begins; false: nothing can, not even "". */
static bool
within(struct jinja *j, jstr s, const struct args *a, jstr *part, size_t *from)
{
	size_t end = place(j, a, 2, s.n, s.n);
	*from = place(j, a, 1, s.n, 0);
	end = end < s.n ? end : s.n;
	if (*from > end)
		return false;
	*part = jstr_cut(s, *from, end);
	return true;
}

static bool
affix(jstr s, jstr x, bool end)
{
	return x.n <= s.n && jstr_eq(end ? jstr_cut(s, s.n - x.n, s.n) : jstr_cut(s, 0, x.n), x);
}

/* One of a string, or of the strings of a tuple. */
static val
affixes(struct jinja *j, val self, const struct args *a, bool end)
{
	const val *x = jinja_arg(a, 0, "prefix");
	jstr s = {NULL, 0};
	size_t from;
	bool any = within(j, self.s, a, &s, &from), found = false;
	if (!x || x->type != JINJA_LIST)
		return jinja_bool(affix(s, want_str(j, x, end ? "endswith" : "startswith"), end) && any);
	if (!x->list->tuple)
		jinja_die(j, "startswith wants a string or a tuple of some");
	for (size_t i = 0; any && !found && i < x->list->n; i++)
		found = affix(s, want_str(j, x->list->v + i, "startswith"), end);
	return jinja_bool(found);
}
static val
s_startswith(struct jinja *j, val self, const struct args *a)
{
	return affixes(j, self, a, false);
}
static val
s_endswith(struct jinja *j, val self, const struct args *a)
{
	return affixes(j, self, a, true);
}
static val
s_removeprefix(struct jinja *j, val self, const struct args *a)
{
	jstr x = want_str(j, jinja_arg(a, 0, ""), "removeprefix");
	return affix(self.s, x, false) ? val_str(jstr_cut(self.s, x.n, self.s.n)) : self;
}
static val
s_removesuffix(struct jinja *j, val self, const struct args *a)
{
	jstr x = want_str(j, jinja_arg(a, 0, ""), "removesuffix");
	return affix(self.s, x, true) ? val_str(jstr_cut(self.s, 0, self.s.n - x.n)) : self;
}

static val
s_replace(struct jinja *j, val self, const struct args *a)
{
	jstr s = self.s, from = want_str(j, jinja_arg(a, 0, "old"), "replace"),
	     to = want_str(j, jinja_arg(a, 1, "new"), "replace");
	int64_t most = want_int(j, jinja_arg(a, 2, "count"), -1, "replace");
	struct text t = {NULL, 0, 0};
	size_t begin = 0, at;
	for (int64_t n = 0; (most < 0 || n < most) && (at = jstr_find(j, s, from, begin)) != SIZE_MAX; n++) {
		text_put(j, &t, jstr_cut(s, begin, at).p, at - begin);
		text_put(j, &t, to.p, to.n);
		begin = at + from.n;
		if (!from.n) { /* between all characters */
			if (at == s.n)
				return text_val(&t);
			text_put(j, &t, s.p + begin++, 1);
		}
	}
	text_put(j, &t, jstr_cut(s, begin, s.n).p, s.n - begin);
	return text_val(&t);
}

/* The first or last place of a string in another; -1: none. */
static int64_t
find(struct jinja *j, val self, const struct args *a, bool last)
{
	jstr x = want_str(j, jinja_arg(a, 0, "sub"), "find"), s;
	size_t from, at = 0;
	int64_t found = -1;
	if (!within(j, self.s, a, &s, &from))
		return -1;
	while ((at = jstr_find(j, s, x, at)) != SIZE_MAX) {
		found = (int64_t)(from + at++);
		if (!last)
			break;
	}
	return found;
}
static val
s_find(struct jinja *j, val self, const struct args *a)
{
	return val_int(find(j, self, a, false));
}
static val
s_rfind(struct jinja *j, val self, const struct args *a)
{
	return val_int(find(j, self, a, true));
}
static val
found(struct jinja *j, int64_t at)
{
	if (at < 0)
		jinja_die(j, "index: the string is not there");
	return val_int(at);
}
static val
s_index(struct jinja *j, val self, const struct args *a)
{
	return found(j, find(j, self, a, false));
}
static val
s_rindex(struct jinja *j, val self, const struct args *a)
{
	return found(j, find(j, self, a, true));
}

/* What stands before, between and behind. */
static val
three(struct jinja *j, jstr s, size_t at, size_t end)
{
	val out = val_list(j);
	out.list->tuple = true;
	jinja_push(j, out, val_str(jstr_cut(s, 0, at)));
	jinja_push(j, out, val_str(jstr_cut(s, at, end)));
	jinja_push(j, out, val_str(jstr_cut(s, end, s.n)));
	return out;
}
static jstr
separator(struct jinja *j, const struct args *a)
{
	jstr sep = want_str(j, jinja_arg(a, 0, "sep"), "partition");
	if (!sep.n)
		jinja_die(j, "partition wants a separator that is not empty");
	return sep;
}
static val
s_partition(struct jinja *j, val self, const struct args *a)
{
	jstr sep = separator(j, a);
	size_t at = jstr_find(j, self.s, sep, 0);
	return at == SIZE_MAX ? three(j, self.s, self.s.n, self.s.n) : three(j, self.s, at, at + sep.n);
}
static val
s_rpartition(struct jinja *j, val self, const struct args *a)
{
	struct args sep = {.n = 1, .v = {val_str(separator(j, a))}};
	int64_t at = find(j, self, &sep, true);
	return at < 0 ? three(j, self.s, 0, 0) : three(j, self.s, (size_t)at, (size_t)at + sep.v[0].s.n);
}

static val
s_count(struct jinja *j, val self, const struct args *a)
{
	jstr x = want_str(j, jinja_arg(a, 0, "sub"), "count"), s;
	size_t from;
	int64_t n = 0;
	if (!within(j, self.s, a, &s, &from))
		return val_int(0);
	if (!x.n)
		return val_int((int64_t)s.n + 1);
	for (size_t at = 0; (at = jstr_find(j, s, x, at)) != SIZE_MAX; at += x.n)
		n++;
	return val_int(n);
}

/* Room to fill up to a width: `left` of it in front, the rest behind. */
static val
padded(struct jinja *j, jstr s, size_t left, size_t right, const val *fill)
{
	static const uint32_t blank = ' ';
	jstr with = fill ? want_str(j, fill, "a character to fill with") : (jstr){&blank, 1};
	struct text t = {NULL, 0, 0};
	if (with.n != 1)
		jinja_die(j, "one character to fill with is wanted");
	for (size_t i = 0; i < left; i++)
		text_put(j, &t, with.p, 1);
	text_put(j, &t, s.p, s.n);
	for (size_t i = 0; i < right; i++)
		text_put(j, &t, with.p, 1);
	return text_val(&t);
}
/* How much a string is shorter than argument 0. */
static size_t
room(struct jinja *j, jstr s, const struct args *a)
{
	if (!a->n)
		jinja_die(j, "a width is wanted");
	int64_t width = want_int(j, a->v, 0, "a width");
	return width > (int64_t)s.n ? (size_t)width - s.n : 0;
}
static val
s_center(struct jinja *j, val self, const struct args *a)
{
	size_t n = room(j, self.s, a), left = n / 2 + (n & (n + self.s.n) & 1); /* as Python halves it */
	return padded(j, self.s, left, n - left, jinja_arg(a, 1, ""));
}
static val
s_ljust(struct jinja *j, val self, const struct args *a)
{
	return padded(j, self.s, 0, room(j, self.s, a), jinja_arg(a, 1, ""));
}
static val
s_rjust(struct jinja *j, val self, const struct args *a)
{
	return padded(j, self.s, room(j, self.s, a), 0, jinja_arg(a, 1, ""));
}
static val
s_zfill(struct jinja *j, val self, const struct args *a)
{
	static const uint32_t zero = '0';
	val fill = val_str((jstr){&zero, 1});
	size_t sign = self.s.n && (ch_code(*self.s.p) == '-' || ch_code(*self.s.p) == '+'), n = room(j, self.s, a);
	val rest = padded(j, jstr_cut(self.s, sign, self.s.n), n, 0, &fill);
	struct text t = {NULL, 0, 0};
	text_put(j, &t, self.s.p, sign);
	text_put(j, &t, rest.s.p, rest.s.n);
	return text_val(&t);
}

static val
all_chars(val self, bool (*fn)(uint32_t c))
{
	bool all = self.s.n > 0;
	for (size_t i = 0; all && i < self.s.n; i++)
		all = fn(ch_code(self.s.p[i]));
	return jinja_bool(all);
}
static bool
digit(uint32_t c)
{
	return U_BIT(unicode_cat(c)) & U_BIT(U_ND);
}
static bool
numeric(uint32_t c)
{
	return U_BIT(unicode_cat(c)) & SET_N;
}
static bool
letter_or_digit(uint32_t c)
{
	return letter(c) || numeric(c);
}
static val
s_isdigit(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, digit);
}
static val
s_isnumeric(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, numeric);
}
static val
s_isalpha(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, letter);
}
static val
s_isalnum(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, letter_or_digit);
}
/* Whether all letters that have a case have this one, and there are some. */
static bool
all_case(jstr s, uint32_t cat, uint32_t other)
{
	bool any = false;
	for (size_t i = 0; i < s.n; i++) {
		uint32_t set = U_BIT(unicode_cat(ch_code(s.p[i])));
		if (set & (U_BIT(other) | U_BIT(U_LT)))
			return false;
		any |= set == U_BIT(cat);
	}
	return any;
}
bool
string_is_lower(jstr s)
{
	return all_case(s, U_LL, U_LU);
}
bool
string_is_upper(jstr s)
{
	return all_case(s, U_LU, U_LL);
}
static val
s_islower(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return jinja_bool(string_is_lower(self.s));
}
static val
s_isupper(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return jinja_bool(string_is_upper(self.s));
}
static val
s_isspace(struct jinja *j, val self, const struct args *a)
{
	(void)j, (void)a;
	return all_chars(self, ch_space);
}

/* "sep".join(list) */
static val
s_join(struct jinja *j, val self, const struct args *a)
{
	const val *l = jinja_arg(a, 0, "iterable");
	struct text t = {NULL, 0, 0};
	if (!l)
		jinja_die(j, "join wants a list");
	const struct jinja_list *all = val_iter(j, *l);
	for (size_t i = 0; i < all->n; i++) {
		jstr s = want_str(j, all->v + i, "join");
		if (i)
			text_put(j, &t, self.s.p, self.s.n);
		text_put(j, &t, s.p, s.n);
	}
	return text_val(&t);
}

method_fn *
string_method(jstr name)
{
	static const struct method rows[] = {
		{"upper", s_upper}, {"lower", s_lower}, {"casefold", s_lower}, {"swapcase", s_swapcase}, {"title", s_title},
		{"capitalize", s_capitalize}, {"strip", s_strip}, {"lstrip", s_lstrip}, {"rstrip", s_rstrip}, {"split", s_split},
		{"rsplit", s_rsplit}, {"splitlines", s_splitlines}, {"startswith", s_startswith}, {"endswith", s_endswith},
		{"removeprefix", s_removeprefix}, {"removesuffix", s_removesuffix}, {"replace", s_replace}, {"find", s_find},
		{"rfind", s_rfind}, {"index", s_index}, {"rindex", s_rindex}, {"count", s_count}, {"join", s_join},
		{"format", string_format}, {"isdigit", s_isdigit}, {"isdecimal", s_isdigit}, {"isnumeric", s_isnumeric},
		{"isalpha", s_isalpha}, {"isalnum", s_isalnum}, {"isspace", s_isspace}, {"islower", s_islower},
		{"isupper", s_isupper}, {"partition", s_partition}, {"rpartition", s_rpartition}, {"center", s_center},
		{"ljust", s_ljust}, {"rjust", s_rjust}, {"zfill", s_zfill},
	};
	return method_in(rows, sizeof rows / sizeof *rows, name);
}
