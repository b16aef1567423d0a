/* regex.c - regular expressions of tokenizer.json: from pattern to program; see regex.h. */
#include "regex_impl.h"

#include "unicode/normal.h"
#include "unicode/unicode.h"
#include "unicode/unicode_scripts.h"

#include <string.h>

enum { DEPTH = 128, COUNT_MAX = 1000 };

/* What a pattern is made of. */
enum kind { EMPTY, ONE, SEQUENCE, EITHER, REPEAT, ATOMIC, TEST, LOOKS };
struct node {
	enum kind kind;
	uint32_t child, next;	/* the first part, and the next of the same parent; 0: none */
	uint32_t set;		/* ONE */
	enum code code;		/* TEST */
	long least, most;	/* REPEAT; most < 0: without end */
	bool lazy, behind, negate;
};

struct parser {
	struct regex *r;
	struct str s;
	size_t at;
	int depth;
	size_t work;		/* nodes compiled, some again and again */
	bool fold, dot_all;	/* without case; '.' is a newline, too */
	struct node *node;	/* 0 is none */
	size_t n, cap;
};

static _Noreturn void
bad(const struct parser *p, const char *what)
{
	size_t n = p->s.n - p->at < 20 ? p->s.n - p->at : 20;
	die("%s: regular expression, byte %zu, at '%.*s': %s", p->r->name, p->at, (int)n, p->s.p + p->at, what);
}

static bool
is(const struct parser *p, const char *text)
{
	size_t n = strlen(text);
	return p->s.n - p->at >= n && !memcmp(p->s.p + p->at, text, n);
}

static bool
take(struct parser *p, const char *text)
{
	if (!is(p, text))
		return false;
	p->at += strlen(text);
	return true;
}

static uint32_t
character(struct parser *p)
{
	uint32_t cp;
	if (p->at == p->s.n)
		bad(p, "it ends too early");
	p->at += utf8_next((const unsigned char *)p->s.p + p->at, p->s.n - p->at, &cp);
	return cp;
}

static uint32_t
node(struct parser *p, enum kind kind)
{
	if (p->n >= 16 * REGEX_MAX)
		bad(p, "the pattern is too large");
	p->node = grow(p->node, &p->cap, p->n + 1, sizeof *p->node);
	p->node[p->n] = (struct node){.kind = kind};
	return (uint32_t)p->n++;
}

/* Sets. */

static void
set_range(struct set *s, uint32_t lo, uint32_t hi)
{
	s->range = grow(s->range, &s->cap, s->n + 1, sizeof *s->range);
	s->range[s->n][0] = lo;
	s->range[s->n++][1] = hi;
}

static void
set_sub(struct set *s, uint32_t set, bool negate)
{
	s->sub = grow(s->sub, &s->sub_cap, s->n_sub + 1, sizeof *s->sub);
	s->sub[s->n_sub++] = set << 1 | negate;
}

/* Letters that are the same but for their case have the same fold: the small letter, or for these: */
static const uint16_t odd_folds[][2] = {
	{0xB5, 0x3BC}, {0x17F, 's'}, {0x345, 0x3B9}, {0x3C2, 0x3C3}, {0x3D0, 0x3B2}, {0x3D1, 0x3B8},
	{0x3D5, 0x3C6}, {0x3D6, 0x3C0}, {0x3F0, 0x3BA}, {0x3F1, 0x3C1}, {0x3F5, 0x3B5}, {0x1C80, 0x432},
	{0x1C81, 0x434}, {0x1C82, 0x43E}, {0x1C83, 0x441}, {0x1C84, 0x442}, {0x1C85, 0x442}, {0x1C86, 0x44A},
	{0x1C87, 0x463}, {0x1C88, 0xA64B}, {0x1E9B, 0x1E61}, {0x1FBE, 0x3B9}, {0x1FD3, 0x390}, {0x1FE3, 0x3B0},
};
enum { ODD_FOLDS = sizeof odd_folds / sizeof *odd_folds };

static uint32_t
folded(uint32_t cp)
{
	for (size_t i = 0; i < ODD_FOLDS && odd_folds[i][0] <= cp; i++)
		if (odd_folds[i][0] == cp)
			return odd_folds[i][1];
	return small_letter(cp);
}

static bool
set_holds(const struct regex *r, const struct set *s, uint32_t cp)
{
	bool in = (s->cats & U_BIT(unicode_cat(cp))) != 0;
	for (size_t i = 0; !in && i < s->n; i++)
		in = cp >= s->range[i][0] && cp <= s->range[i][1];
	for (size_t i = 0; !in && i < s->n_sub; i++)
		in = set_has(r, s->sub[i] >> 1, cp) != (s->sub[i] & 1);
	return in && (s->and == NO_SET || set_has(r, s->and, cp));
}

bool
set_has_slow(const struct regex *r, const struct set *s, uint32_t cp)
{
	return (set_holds(r, s, cp) || (s->fold && set_holds(r, s, folded(cp)))) != s->negate;
}

struct fold_to {
	const struct regex *r;
	struct set *s;
};

/* A capital that is in the set brings its fold in. */
static void
fold_in(uint32_t cp, void *arg)
{
	struct fold_to *to = arg;
	uint32_t f = folded(cp);
	if (f != cp && set_holds(to->r, to->s, cp) && !set_holds(to->r, to->s, f))
		set_range(to->s, f, f);
}

/* Keep a set; its number. */
static uint32_t
set_keep(struct parser *p, struct set s)
{
	struct regex *r = p->r;
	if (p->fold) {
		/* What folds to what is asked of the set without its && : a new one that has that one within */
		if (s.and != NO_SET || s.negate) {
			bool fold = p->fold, negate = s.negate;
			s.negate = p->fold = false;
			struct set outer = {.and = NO_SET, .negate = negate};
			set_sub(&outer, set_keep(p, s), false);
			p->fold = fold;
			s = outer;
		}
		s.fold = true;
		struct fold_to to = {r, &s};
		each_capital(fold_in, &to);
		for (size_t i = 0; i < ODD_FOLDS; i++)
			fold_in(odd_folds[i][0], &to);
	}
	for (uint32_t c = 0; c < 128; c++)
		if (set_has_slow(r, &s, c))
			s.ascii[c / 64] |= (uint64_t)1 << (c % 64);
	r->set = grow(r->set, &r->sets_cap, r->n_sets + 1, sizeof *r->set);
	r->set[r->n_sets] = s;
	return (uint32_t)r->n_sets++;
}

/* Add what a script's or another property's name stands for to s; whether there is such a one. */
static bool
property_ranges(struct set *s, const char *name)
{
	static const struct script_range others[] = {
		{"z", 0x20, 0x20}, {"z", 0xA0, 0xA0}, {"z", 0x1680, 0x1680}, {"z", 0x2000, 0x200A}, {"z", 0x2028, 0x2029},
		{"z", 0x202F, 0x202F}, {"z", 0x205F, 0x205F}, {"z", 0x3000, 0x3000},
		{"zs", 0x20, 0x20}, {"zs", 0xA0, 0xA0}, {"zs", 0x1680, 0x1680}, {"zs", 0x2000, 0x200A},
		{"zs", 0x202F, 0x202F}, {"zs", 0x205F, 0x205F}, {"zs", 0x3000, 0x3000},
		{"cc", 0, 0x1F}, {"cc", 0x7F, 0x9F}, {"c", 9, 13}, {"c", 0x85, 0x85}, {"ascii", 0, 0x7F},
	};
	size_t before = s->n;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (!strcmp(others[i].script, name))
			set_range(s, others[i].from, others[i].to);
	for (size_t i = 0; i < sizeof script_ranges / sizeof *script_ranges; i++)
		if (!strcmp(script_ranges[i].script, name))
			set_range(s, script_ranges[i].from, script_ranges[i].to);
	return s->n > before;
}

static void
property_named(struct parser *p, struct set *s, const char *name)
{
	static const struct {
		const char *name;
		uint32_t cats;
	} known[] = {
		{"l", SET_L}, {"letter", SET_L}, {"lu", U_BIT(U_LU)}, {"ll", U_BIT(U_LL)}, {"lt", U_BIT(U_LT)},
		{"lm", U_BIT(U_LM)}, {"lo", U_BIT(U_LO)}, {"m", SET_M}, {"mark", SET_M}, {"mn", U_BIT(U_MN)}, {"mc", U_BIT(U_MC)},
		{"me", U_BIT(U_ME)}, {"n", SET_N}, {"number", SET_N}, {"nd", U_BIT(U_ND)}, {"nl", U_BIT(U_NL)},
		{"no", U_BIT(U_NO)}, {"p", SET_P}, {"punctuation", SET_P}, {"pc", U_BIT(U_PC)}, {"s", SET_S}, {"symbol", SET_S},
		{"c", U_BIT(U_OTHER)}, {"any", SET_ALL},
	};
	bool found = false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].name, name)) {
			s->cats |= known[i].cats;
			found = true;
		}
	if (!property_ranges(s, name) && !found)
		bad(p, "a property that is not known here (general categories and some scripts are)");
}

/* Behind "\p": "{L}", "{^Han}"; whether it is turned round. */
static bool
property(struct parser *p, struct set *s)
{
	char name[32];
	size_t n = 0;
	const size_t begin = p->at;
	if (!take(p, "{"))
		bad(p, "'{' is missing");
	bool negate = take(p, "^");
	for (; p->at < p->s.n && p->s.p[p->at] != '}' && n < sizeof name - 1; p->at++) {
		char c = p->s.p[p->at];
		if (c != '_' && c != ' ' && c != '-')
			name[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	}
	if (!take(p, "}"))
		bad(p, "'}' is missing");
	name[n] = '\0';
	size_t behind = p->at;
	p->at = begin;
	property_named(p, s, name);
	p->at = behind;
	return negate;
}

/* Oniguruma's \w: letters, marks, digits, _ and the like, letters in circles; and, but not
 * within a class, some numbers of Latin-1. */
static void
set_word(struct set *s, bool latin1)
{
	static const uint32_t more[][2] = {
		{0xB2, 0xB3}, {0xB9, 0xB9}, {0xBC, 0xBE},
		{0x24B6, 0x24E9}, {0x1F130, 0x1F149}, {0x1F150, 0x1F169},
		{0x1F170, 0x1F189},
	};
	s->cats |= SET_L | SET_M | U_BIT(U_ND) | U_BIT(U_NL) | U_BIT(U_PC);
	for (size_t i = latin1 ? 0 : 3; i < sizeof more / sizeof *more; i++)
		set_range(s, more[i][0], more[i][1]);
}

static uint32_t
hex(struct parser *p, size_t least, size_t most)
{
	uint32_t u = 0;
	size_t n = 0;
	for (; n < most && p->at < p->s.n; n++, p->at++) {
		int c = p->s.p[p->at], low = c | 32;
		if (c >= '0' && c <= '9')
			u = u << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			u = u << 4 | (uint32_t)(low - 'a' + 10);
		else
			break;
	}
	if (n < least || u > 0x10FFFF)
		bad(p, "no character's number");
	return u;
}

/* The character that stands for another one behind a backslash; false: none does. */
static bool
escaped_char(struct parser *p, uint32_t c, uint32_t *cp)
{
	static const char letters[] = "nrtfvae", codes[] = "\n\r\t\f\v\a\033";
	const char *e = c < 128 ? strchr(letters, (int)c) : NULL;
	*cp = c;
	if (c && e)
		*cp = (unsigned char)codes[e - letters];
	else if (c == 'u')
		*cp = hex(p, 4, 4);
	else if (c == 'x') {
		bool braces = take(p, "{");
		*cp = braces ? hex(p, 1, 6) : hex(p, 2, 2);
		if (braces && !take(p, "}"))
			bad(p, "'}' is missing");
		if (!braces && *cp >= 0x80)
			bad(p, "a byte that is no character");
	} else
		return c >= 0x80 || !((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'));
	return true;
}

/* Behind a backslash: a class goes into s, and false is returned; else the character is in *cp. */
static bool
escaped(struct parser *p, struct set *s, bool in_class, uint32_t *cp)
{
	struct set t = {.and = NO_SET};
	uint32_t c = character(p), low = c | 32;
	bool negate = c < 'a';
	if (escaped_char(p, c, cp))
		return true;
	if (low == 's')
		t.cats = SET_SPACE;
	else if (low == 'd')
		t.cats = U_BIT(U_ND);
	else if (low == 'w')
		set_word(&t, !in_class);
	else if (low == 'p')
		negate ^= property(p, &t);
	else if (low == 'h') {
		set_range(&t, '0', '9');
		set_range(&t, 'a', 'f');
		set_range(&t, 'A', 'F');
	} else {
		p->at--;
		bad(p, low >= 'a' && low <= 'z' ? "an escape that is not known here" : "back references are not known here");
	}
	if (!t.n) {
		s->cats |= negate ? SET_ALL & ~t.cats : t.cats;
		return false;
	}
	bool fold = p->fold;
	p->fold = false; /* the class around it folds */
	set_sub(s, set_keep(p, t), negate);
	p->fold = fold;
	return false;
}

static struct set class(struct parser *p);

/* A class within one. */
static void
inner(struct parser *p, struct set *s)
{
	bool fold = p->fold;
	p->fold = false;
	set_sub(s, set_keep(p, class(p)), false);
	p->fold = fold;
}

/* One part of a class. */
static void
class_part(struct parser *p, struct set *s)
{
	uint32_t lo, hi;
	if (is(p, "[:"))
		bad(p, "[:names:] are not known here");
	if (take(p, "[")) {
		inner(p, s);
		return;
	}
	lo = character(p);
	if (lo == '\\' && !escaped(p, s, true, &lo))
		return;
	hi = lo;
	if (is(p, "-") && !is(p, "-]") && !is(p, "-&&")) {
		p->at++;
		if (is(p, "["))
			bad(p, "a range that has no end");
		hi = character(p);
		if ((hi == '\\' && !escaped(p, s, true, &hi)) || hi < lo)
			bad(p, "a range that has no end");
	}
	set_range(s, lo, hi);
}

/* Behind '[', or behind "&&". */
static struct set
class_rest(struct parser *p, bool first)
{
	struct set s = {.and = NO_SET};
	for (; first || !is(p, "]"); first = false) {
		if (take(p, "&&")) {
			s.and = set_keep(p, class_rest(p, false));
			return s; /* which took the ']' */
		}
		class_part(p, &s);
	}
	p->at++;
	return s;
}

static struct set
class(struct parser *p)
{
	if (++p->depth > DEPTH)
		bad(p, "classes are nested too deep");
	bool negate = take(p, "^"), fold = p->fold;
	p->fold = false;
	struct set s = class_rest(p, true);
	p->fold = fold;
	p->depth--;
	if (negate && s.and != NO_SET) { /* of all that is on both sides of && */
		struct set outer = {.and = NO_SET};
		p->fold = false;
		set_sub(&outer, set_keep(p, s), false);
		p->fold = fold;
		s = outer;
	}
	s.negate = negate;
	return s;
}

/* One character, a class or an escape. */
static uint32_t
one(struct parser *p)
{
	struct set s = {.and = NO_SET};
	uint32_t at = node(p, ONE);
	const bool fold = p->fold;
	uint32_t c = character(p);
	if (c == '[')
		s = class(p);
	else if (c == '.' && p->dot_all)
		s.cats = SET_ALL;
	else if (c == '.') {
		set_range(&s, '\n', '\n');
		s.negate = true;
	} else if (c != '\\' || escaped(p, &s, false, &c))
		set_range(&s, c, c);
	else
		p->fold = false; /* \p{Lu} is of capitals, whatever is asked */
	p->node[at].set = set_keep(p, s);
	p->fold = fold;
	return at;
}

/* Groups. */

static uint32_t alternatives(struct parser *p);

static uint32_t
closed(struct parser *p, uint32_t at)
{
	if (!take(p, ")"))
		bad(p, "')' is missing");
	return at;
}

static uint32_t
parent(struct parser *p, enum kind kind, uint32_t child)
{
	uint32_t at = node(p, kind);
	p->node[at].child = child;
	return at;
}

/* Behind "(?": letters, and ':' or ')'. Without ':' they hold to the end of the group around. */
static uint32_t
options(struct parser *p)
{
	const bool fold = p->fold, dot_all = p->dot_all;
	bool on = true;
	uint32_t at;
	for (; !is(p, ":") && !is(p, ")"); p->at++)
		if (is(p, "-") && on)
			on = false;
		else if (is(p, "i"))
			p->fold = on;
		else if (is(p, "m"))
			p->dot_all = on;
		else
			bad(p, "this kind of group is not known here");
	bool all = is(p, ")");
	p->at++;
	at = alternatives(p);
	p->fold = fold;
	p->dot_all = dot_all;
	return all ? at : closed(p, at);
}

/* Behind "(". */
static uint32_t
group(struct parser *p)
{
	static const struct {
		const char *text;
		bool behind, negate;
	} looks[] = {{"?=", false, false}, {"?!", false, true}, {"?<=", true, false}, {"?<!", true, true}};
	for (size_t i = 0; i < 4; i++)
		if (take(p, looks[i].text)) {
			uint32_t body = closed(p, alternatives(p)), at = parent(p, LOOKS, body);
			p->node[at].behind = looks[i].behind;
			p->node[at].negate = looks[i].negate;
			return at;
		}
	if (take(p, "?>"))
		return parent(p, ATOMIC, closed(p, alternatives(p)));
	if (take(p, "?#")) {
		while (p->at < p->s.n && p->s.p[p->at] != ')')
			p->at++;
		return closed(p, node(p, EMPTY));
	}
	if (take(p, "?<")) {
		while (p->at < p->s.n && p->s.p[p->at] != '>')
			p->at++;
		if (!take(p, ">"))
			bad(p, "a group's name has no end");
	} else if (!take(p, "?:") && take(p, "?"))
		return options(p);
	return closed(p, alternatives(p));
}

static uint32_t
atom(struct parser *p)
{
	static const struct {
		const char *text;
		enum code code;
	} tests[] = {
		{"^", LINE_START}, {"$", LINE_END}, {"\\A", TEXT_START}, {"\\z", TEXT_END}, {"\\b", WORD_EDGE}, {"\\B", NOT_WORD_EDGE},
	};
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		if (take(p, tests[i].text)) {
			uint32_t at = node(p, TEST);
			p->node[at].code = tests[i].code;
			return at;
		}
	if (is(p, "*") || is(p, "+") || is(p, "?"))
		bad(p, "nothing to repeat");
	if (!take(p, "("))
		return one(p);
	if (++p->depth > DEPTH)
		bad(p, "groups are nested too deep");
	uint32_t at = group(p);
	p->depth--;
	return at;
}

/* Repetition. */

static long
count(struct parser *p)
{
	long n = -1;
	while (p->at < p->s.n && p->s.p[p->at] >= '0' && p->s.p[p->at] <= '9') {
		n = (n < 0 ? 0 : n) * 10 + (p->s.p[p->at++] - '0');
		if (n > COUNT_MAX)
			bad(p, "repeated too often");
	}
	return n;
}

/* "{m,n}": false, with nothing taken, if it is not spelled so. */
static bool
interval(struct parser *p, long *least, long *most)
{
	const size_t at = p->at;
	if (!take(p, "{"))
		return false;
	long m = count(p), n = m;
	bool comma = take(p, ",");
	if (comma)
		n = count(p);
	if (!take(p, "}") || (m < 0 && n < 0)) {
		p->at = at;
		return false;
	}
	if (n >= 0 && n < m)
		bad(p, "repeated from many to few times");
	*least = m < 0 ? 0 : m;
	*most = n;
	return true;
}

/* What stands behind an atom: *most < 0 has no end. */
static bool
repetition(struct parser *p, long *least, long *most)
{
	*least = is(p, "+");
	*most = is(p, "?") ? 1 : -1;
	return take(p, "*") || take(p, "+") || take(p, "?") || interval(p, least, most);
}

static uint32_t
piece(struct parser *p)
{
	uint32_t at = atom(p);
	long least, most;
	const int depth = p->depth;
	for (size_t from = p->at; repetition(p, &least, &most); from = p->at) {
		bool braces = p->s.p[from] == '{';
		if (++p->depth > DEPTH)
			bad(p, "repeated again and again");
		at = parent(p, REPEAT, at);
		p->node[at].least = least;
		p->node[at].most = most;
		if (braces && least == most)
			continue; /* x{3}? is (x{3})? */
		p->node[at].lazy = take(p, "?");
		if (!p->node[at].lazy && !braces && take(p, "+"))
			at = parent(p, ATOMIC, at);
	}
	p->depth = depth;
	return at;
}

static uint32_t
sequence(struct parser *p)
{
	uint32_t first = 0, last = 0, n = 0;
	for (; p->at < p->s.n && !is(p, "|") && !is(p, ")"); n++) {
		uint32_t at = piece(p);
		if (last)
			p->node[last].next = at;
		else
			first = at;
		last = at;
	}
	return n == 0 ? node(p, EMPTY) : n == 1 ? first : parent(p, SEQUENCE, first);
}

static uint32_t
alternatives(struct parser *p)
{
	if (++p->depth > DEPTH)
		bad(p, "groups are nested too deep");
	uint32_t first = sequence(p), last = first;
	bool several = false;
	while (take(p, "|")) {
		uint32_t at = sequence(p);
		p->node[last].next = at;
		last = at;
		several = true;
	}
	p->depth--;
	return several ? parent(p, EITHER, first) : first;
}

/* The program. */

static uint32_t
emit(struct parser *p, enum code code, size_t x, size_t y)
{
	struct regex *r = p->r;
	if (r->n == REGEX_MAX)
		bad(p, "the pattern is too large");
	r->step = grow(r->step, &r->cap, r->n + 1, sizeof *r->step);
	r->step[r->n] = (struct step){code, (uint32_t)x, (uint32_t)y};
	return (uint32_t)r->n++;
}

/* Set the ways of a SPLIT. */
static void
aim(struct parser *p, uint32_t at, size_t in, size_t out, bool lazy)
{
	p->r->step[at].x = (uint32_t)(lazy ? out : in);
	p->r->step[at].y = (uint32_t)(lazy ? in : out);
}

static void compile(struct parser *p, uint32_t at);

static void
compile_repeat(struct parser *p, const struct node n)
{
	for (long i = 0; i < n.least; i++)
		compile(p, n.child);
	if (n.most < 0) {
		uint32_t at = emit(p, SPLIT, 0, 0);
		compile(p, n.child);
		emit(p, JUMP, at, 0);
		aim(p, at, at + 1, p->r->n, n.lazy);
		return;
	}
	uint32_t ways[COUNT_MAX];
	for (long i = n.least; i < n.most; i++) {
		ways[i - n.least] = emit(p, SPLIT, 0, 0);
		compile(p, n.child);
	}
	for (long i = n.least; i < n.most; i++)
		aim(p, ways[i - n.least], ways[i - n.least] + 1, p->r->n, n.lazy);
}

/* Whether there is but one way to go through a node. */
static bool
only_way(const struct parser *p, uint32_t at)
{
	const struct node *n = p->node + at;
	if (n->kind == REPEAT && (n->least != n->most || !only_way(p, n->child)))
		return false;
	for (uint32_t c = n->kind == SEQUENCE ? n->child : 0; c; c = p->node[c].next)
		if (!only_way(p, c))
			return false;
	return n->kind != EITHER;
}

/* Of one character repeated nothing is given back: behind the last one no other such stands. */
static void
compile_atomic(struct parser *p, uint32_t child)
{
	const struct node n = p->node[child];
	const struct node *c = p->node + n.child;
	if (only_way(p, child) || n.kind == ATOMIC) {
		compile(p, child);
		return;
	}
	if (n.kind != REPEAT || c->kind != ONE || n.lazy)
		bad(p, "possessive repetition and atomic groups are known of single characters only");
	const uint32_t set = c->set;
	compile_repeat(p, n);
	if (n.most < 0) {
		emit(p, NOT_AHEAD, set, 0);
		return;
	}
	/* the ways out before the last round lead to a look, which the last round jumps over */
	uint32_t first = (uint32_t)p->r->n - 2 * (uint32_t)(n.most - n.least);
	uint32_t jump = emit(p, JUMP, 0, 0), look = emit(p, NOT_AHEAD, set, 0);
	p->r->step[jump].x = (uint32_t)p->r->n;
	for (uint32_t at = first; at < jump; at += 2)
		p->r->step[at].y = look;
}

static void
compile_either(struct parser *p, uint32_t child)
{
	uint32_t last = NO_SET; /* the jumps over what follows, each knows the one before */
	for (uint32_t c = child; c; c = p->node[c].next) {
		if (!p->node[c].next) {
			compile(p, c);
			break;
		}
		uint32_t at = emit(p, SPLIT, 0, 0);
		compile(p, c);
		last = emit(p, JUMP, last, 0);
		aim(p, at, at + 1, p->r->n, false);
	}
	while (last != NO_SET) {
		uint32_t before = p->r->step[last].x;
		p->r->step[last].x = (uint32_t)p->r->n;
		last = before;
	}
}

static void
compile_look(struct parser *p, const struct node n)
{
	struct regex *r = p->r;
	if (p->node[n.child].kind == ONE) {
		enum code code = n.behind ? BEHIND : AHEAD;
		emit(p, n.negate ? code + 1 : code, p->node[n.child].set, 0);
		return;
	}
	uint32_t jump = emit(p, JUMP, 0, 0);
	compile(p, n.child);
	emit(p, MATCH, 0, 0);
	r->step[jump].x = (uint32_t)r->n;
	r->look = grow(r->look, &r->looks_cap, r->n_looks + 1, sizeof *r->look);
	r->look[r->n_looks] = (struct look){.from = jump + 1, .to = (uint32_t)r->n, .behind = n.behind};
	emit(p, n.negate ? NOT_LOOK : LOOK, r->n_looks++, 0);
}

static void
compile(struct parser *p, uint32_t at)
{
	const struct node n = p->node[at];
	if (++p->work > 64 * REGEX_MAX)
		bad(p, "the pattern is too large");
	switch (n.kind) {
	case EMPTY:
		break;
	case ONE:
		emit(p, CHAR, n.set, 0);
		break;
	case SEQUENCE:
		for (uint32_t c = n.child; c; c = p->node[c].next)
			compile(p, c);
		break;
	case EITHER:
		compile_either(p, n.child);
		break;
	case REPEAT:
		compile_repeat(p, n);
		break;
	case ATOMIC:
		compile_atomic(p, n.child);
		break;
	case TEST:
		emit(p, n.code, p->r->word, 0);
		break;
	case LOOKS:
		compile_look(p, n);
	}
}

/* The steps that step q leads to without a character; how many. */
static unsigned
ways_on(const struct regex *r, uint32_t q, uint32_t to[2])
{
	const struct step *s = r->step + q;
	to[0] = s->code == SPLIT || s->code == JUMP ? s->x : q + 1;
	to[1] = s->y;
	return s->code == CHAR || s->code == MATCH ? 0 : s->code == SPLIT ? 2 : 1;
}

/* The same backwards. */
static void
turn_round(struct regex *r)
{
	uint32_t to[2];
	r->pred_at = xcalloc(r->n + 1, sizeof *r->pred_at);
	r->pred = xcalloc(2 * r->n, sizeof *r->pred);
	for (uint32_t q = 0; q < r->n; q++)
		for (unsigned k = ways_on(r, q, to); k--;)
			r->pred_at[to[k] + 1]++;
	for (uint32_t q = 0; q < r->n; q++)
		r->pred_at[q + 1] += r->pred_at[q];
	const uint32_t total = r->pred_at[r->n];
	for (uint32_t q = (uint32_t)r->n; q-- > 0;) /* which takes the ends down to the beginnings, one place on */
		for (unsigned k = ways_on(r, q, to); k--;)
			r->pred[--r->pred_at[to[k] + 1]] = q;
	memmove(r->pred_at, r->pred_at + 1, r->n * sizeof *r->pred_at);
	r->pred_at[r->n] = total;
}

/* What a match may begin with: the steps as far as no character is read. */
static void
first_chars(struct regex *r)
{
	bool *seen = xcalloc(r->n, sizeof *seen);
	uint32_t to[2], n = 0;
	r->stack[n++] = r->start;
	while (n) {
		const uint32_t q = r->stack[--n];
		const struct step *s = r->step + q;
		r->empty |= s->code == MATCH;
		for (int i = 0; i < 2 && s->code == CHAR; i++)
			r->first[i] |= r->set[s->x].ascii[i];
		for (unsigned k = seen[q] ? 0 : ways_on(r, q, to); k--;)
			r->stack[n++] = to[k];
		seen[q] = true;
	}
	xfree(seen);
}

struct regex *
regex_new(const char *name, struct str pattern)
{
	struct regex *r = xcalloc(1, sizeof *r);
	struct parser p = {.r = r, .s = pattern};
	r->name = name;
	node(&p, EMPTY);
	struct set word = {.and = NO_SET};
	set_word(&word, true);
	r->word = set_keep(&p, word);
	uint32_t root = alternatives(&p);
	if (p.at != pattern.n)
		bad(&p, "')' without '('");
	compile(&p, root);
	emit(&p, MATCH, 0, 0);
	xfree(p.node);
	r->seen = xcalloc(r->n, sizeof *r->seen);
	r->now.t = xcalloc(r->n, sizeof *r->now.t);
	r->next.t = xcalloc(r->n, sizeof *r->next.t);
	r->stack = xcalloc(2 * r->n + 2, sizeof *r->stack);
	turn_round(r);
	first_chars(r);
	r->row[0] = xcalloc(r->n, 1);
	r->row[1] = xcalloc(r->n, 1);
	r->row_size = (r->n + 7) / 8;
	return r;
}

void
regex_free(struct regex *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_sets; i++) {
		xfree(r->set[i].range);
		xfree(r->set[i].sub);
	}
	for (size_t i = 0; i < r->n_looks; i++)
		xfree(r->look[i].at);
	xfree(r->set);
	xfree(r->look);
	xfree(r->step);
	xfree(r->seen);
	xfree(r->now.t);
	xfree(r->next.t);
	xfree(r->stack);
	xfree(r->kept[0]);
	xfree(r->kept[1]);
	xfree(r->pred);
	xfree(r->pred_at);
	xfree(r->row[0]);
	xfree(r->row[1]);
	xfree(r->mark);
	xfree(r->mark_at);
	xfree(r->block);
	xfree(r);
}
