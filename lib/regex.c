/* regex.c - regular expressions of tokenizer.json; see regex.h. */
#include "regex.h"

#include "unicode.h"

#include <string.h>

enum { DEPTH = 64, COUNT_MAX = 1000 };

/* A class of characters. */
struct set {
	uint32_t cats;			/* U_BIT()s */
	bool negate;
	uint32_t (*range)[2];
	size_t n, cap;
	uint64_t ascii[2];		/* answers for the first 128 characters */
};

enum code { CHAR, SPLIT, JUMP, MATCH, AHEAD, NOT_AHEAD, BEHIND, NOT_BEHIND, TEXT_START, TEXT_END, LINE_START, LINE_END };

struct step {
	enum code code;
	uint32_t x, y;		/* CHAR and looks: the set; JUMP: to x; SPLIT: x is preferred to y */
};

struct thread {
	uint32_t pc;
	size_t begin;
};
struct threads {
	struct thread *t;
	size_t n;
};

struct regex {
	const char *name;
	struct step *step;
	size_t n, cap;
	struct set *set;
	size_t n_sets, sets_cap;
	size_t *seen;		/* when a step was last added: at which turn */
	size_t turn;
	struct threads now, next;
	uint32_t *stack;
};

struct parser {
	struct regex *r;
	struct str s;
	size_t at;
	int depth;
	size_t work;		/* atoms read, some again and again */
	bool fold;		/* without case */
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
emit(struct parser *p, enum code code, size_t x, size_t y)
{
	struct regex *r = p->r;
	if (r->n == REGEX_MAX)
		bad(p, "the pattern is too large");
	r->step = grow(r->step, &r->cap, r->n + 1, sizeof *r->step);
	r->step[r->n] = (struct step){code, (uint32_t)x, (uint32_t)y};
	return (uint32_t)r->n++;
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
set_char(struct parser *p, struct set *s, uint32_t lo, uint32_t hi)
{
	set_range(s, lo, hi);
	if (!p->fold)
		return;
	for (uint32_t c = 'a'; c <= 'z'; c++) {
		uint32_t odd = c == 's' ? 0x17F : c == 'k' ? 0x212A : 0;
		bool in = (lo <= c && c <= hi) || (lo <= c - 32 && c - 32 <= hi) || (odd && lo <= odd && odd <= hi);
		if (!in)
			continue;
		set_range(s, c, c);
		set_range(s, c - 32, c - 32);
		if (odd)
			set_range(s, odd, odd);
	}
	if (lo >= 0x80 && lo == hi && (unicode_cat(lo) == U_LU || unicode_cat(lo) == U_LL) && lo != 0x17F && lo != 0x212A)
		bad(p, "letters beyond ASCII without case are not known here");
}

static bool
set_has_slow(const struct set *s, uint32_t cp)
{
	bool in = (s->cats & U_BIT(unicode_cat(cp))) != 0;
	for (size_t i = 0; !in && i < s->n; i++)
		in = cp >= s->range[i][0] && cp <= s->range[i][1];
	return in != s->negate;
}

static inline bool
set_has(const struct set *s, uint32_t cp)
{
	return cp < 128 ? s->ascii[cp / 64] >> (cp % 64) & 1 : set_has_slow(s, cp);
}

/* Keep a set; its number. */
static uint32_t
set_keep(struct parser *p, struct set s)
{
	struct regex *r = p->r;
	for (uint32_t c = 0; c < 128; c++)
		if (set_has_slow(&s, c))
			s.ascii[c / 64] |= (uint64_t)1 << (c % 64);
	r->set = grow(r->set, &r->sets_cap, r->n_sets + 1, sizeof *r->set);
	r->set[r->n_sets] = s;
	return (uint32_t)r->n_sets++;
}

/* Behind "\p" or "\P": "{L}". */
static uint32_t
property(struct parser *p, bool negate)
{
	static const struct {
		const char *name;
		uint32_t cats;
	} known[] = {
		{"L", SET_L}, {"Letter", SET_L}, {"Lu", U_BIT(U_LU)}, {"Ll", U_BIT(U_LL)}, {"Lt", U_BIT(U_LT)},
		{"Lm", U_BIT(U_LM)}, {"Lo", U_BIT(U_LO)}, {"M", SET_M}, {"N", SET_N}, {"P", SET_P}, {"S", SET_S},
	};
	char name[32];
	size_t n = 0;
	const size_t begin = p->at;
	if (take(p, "{")) {
		negate ^= take(p, "^");
		while (p->at < p->s.n && p->s.p[p->at] != '}' && n < sizeof name - 1)
			name[n++] = p->s.p[p->at++];
		if (!take(p, "}"))
			bad(p, "'}' is missing");
	} else if (p->at < p->s.n)
		name[n++] = p->s.p[p->at++];
	name[n] = '\0';
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(known[i].name, name))
			return negate ? SET_ALL & ~known[i].cats : known[i].cats;
	p->at = begin;
	bad(p, "a property that is not known here (L Lu Ll Lt Lm Lo M N P S are)");
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

/* Behind a backslash: a class goes into s, and false is returned; else the character is in *cp. */
static bool
escaped(struct parser *p, struct set *s, uint32_t *cp)
{
	static const char letters[] = "nrtfvae", codes[] = "\n\r\t\f\v\a\033";
	uint32_t c = character(p);
	const char *e;
	if (c == 's' || c == 'S')
		s->cats |= c == 's' ? SET_SPACE : SET_ALL & ~SET_SPACE;
	else if (c == 'p' || c == 'P')
		s->cats |= property(p, c == 'P');
	else if (c == 'h') {
		set_range(s, '0', '9');
		set_range(s, 'a', 'f');
		set_range(s, 'A', 'F');
	} else if (c < 128 && (e = strchr(letters, (int)c)) && *e) {
		*cp = (unsigned char)codes[e - letters];
		return true;
	} else if (c == 'u') {
		*cp = hex(p, 4, 4);
		return true;
	} else if (c == 'x') {
		bool braces = take(p, "{");
		*cp = braces ? hex(p, 1, 6) : hex(p, 2, 2);
		if (braces && !take(p, "}"))
			bad(p, "'}' is missing");
		return true;
	} else if ((c | 32) >= 'a' && (c | 32) <= 'z') {
		p->at--;
		bad(p, "an escape that is not known here");
	} else if (c >= '0' && c <= '9') {
		p->at--;
		bad(p, "back references are not known here");
	} else {
		*cp = c;
		return true;
	}
	return false;
}

/* Behind '['. */
static struct set
class(struct parser *p)
{
	struct set s = {.cats = 0};
	s.negate = take(p, "^");
	for (bool first = true; first || !is(p, "]"); first = false) {
		uint32_t lo, hi;
		if (is(p, "&&") || is(p, "["))
			bad(p, "classes within classes are not known here");
		lo = character(p);
		if (lo == '\\' && !escaped(p, &s, &lo))
			continue;
		hi = lo;
		if (is(p, "-") && !is(p, "-]")) {
			p->at++;
			hi = character(p);
			if ((hi == '\\' && !escaped(p, &s, &hi)) || hi < lo)
				bad(p, "a range that has no end");
		}
		set_char(p, &s, lo, hi);
	}
	p->at++;
	return s;
}

/* One character, a class or an escape. */
static uint32_t
one(struct parser *p)
{
	struct set s = {.cats = 0};
	if (take(p, "["))
		return set_keep(p, class(p));
	uint32_t c = character(p);
	if (c == '.') {
		set_range(&s, '\n', '\n');
		s.negate = true;
	} else if (c != '\\' || escaped(p, &s, &c))
		set_char(p, &s, c, c);
	return set_keep(p, s);
}

static void alternatives(struct parser *p);

/* Behind "(": a look, or a group. */
static void
group(struct parser *p)
{
	static const struct {
		const char *text;
		enum code code;
	} looks[] = {{"?=", AHEAD}, {"?!", NOT_AHEAD}, {"?<=", BEHIND}, {"?<!", NOT_BEHIND}};
	bool fold = p->fold;
	if (++p->depth > DEPTH)
		bad(p, "groups are nested too deep");
	for (size_t i = 0; i < 4; i++)
		if (take(p, looks[i].text)) {
			emit(p, looks[i].code, one(p), 0);
			if (!take(p, ")"))
				bad(p, "a look of more than one character is not known here");
			p->depth--;
			return;
		}
	if (take(p, "?i:"))
		p->fold = true;
	else if (!take(p, "?:") && is(p, "?"))
		bad(p, "this kind of group is not known here");
	alternatives(p);
	if (!take(p, ")"))
		bad(p, "')' is missing");
	p->fold = fold;
	p->depth--;
}

static void
atom(struct parser *p)
{
	if (++p->work > 16 * REGEX_MAX)
		bad(p, "the pattern is too large");
	if (take(p, "("))
		group(p);
	else if (take(p, "^"))
		emit(p, LINE_START, 0, 0);
	else if (take(p, "$"))
		emit(p, LINE_END, 0, 0);
	else if (take(p, "\\A"))
		emit(p, TEXT_START, 0, 0);
	else if (take(p, "\\z"))
		emit(p, TEXT_END, 0, 0);
	else if (is(p, "*") || is(p, "+") || is(p, "?"))
		bad(p, "nothing to repeat");
	else
		emit(p, CHAR, one(p), 0);
}

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

/* The repetition that stands here: *most < 0 has no end. */
static bool
repetition(struct parser *p, long *least, long *most)
{
	*least = 0;
	*most = -1;
	if (take(p, "*"))
		return true;
	if (take(p, "+")) {
		*least = 1;
		return true;
	}
	if (take(p, "?")) {
		*most = 1;
		return true;
	}
	if (!is(p, "{"))
		return false;
	const size_t at = p->at++;
	*least = *most = count(p);
	if (take(p, ","))
		*most = count(p);
	else if (*least < 0)
		*least = -2;
	if (*least == -1)
		*least = 0;
	if (*least < 0 || !take(p, "}") || (*most >= 0 && *most < *least)) {
		p->at = at;
		bad(p, "a repetition that cannot be read");
	}
	return true;
}

/* An optional atom: its SPLIT, whose way out is set by aim(). */
static uint32_t
split(struct parser *p)
{
	uint32_t at = emit(p, SPLIT, 0, 0);
	return at;
}
static void
aim(struct parser *p, uint32_t at, size_t in, size_t out, bool lazy)
{
	p->r->step[at].x = (uint32_t)(lazy ? out : in);
	p->r->step[at].y = (uint32_t)(lazy ? in : out);
}

/* Read the atom that begins at `from` once more, for one more copy of it. */
static void
again(struct parser *p, size_t from)
{
	size_t behind = p->at;
	p->at = from;
	atom(p);
	p->at = behind;
}

static void
piece(struct parser *p)
{
	const size_t from = p->at, code = p->r->n;
	long least, most;
	atom(p);
	if (!repetition(p, &least, &most))
		return;
	bool lazy = take(p, "?");
	if (!lazy)
		take(p, "+"); /* possessive: of what follows in such patterns nothing could be given back */
	p->r->n = code;
	for (long i = 0; i < least; i++)
		again(p, from);
	if (most < 0) {
		uint32_t at = split(p);
		again(p, from);
		emit(p, JUMP, at, 0);
		aim(p, at, at + 1, p->r->n, lazy);
		return;
	}
	uint32_t ways[COUNT_MAX];
	for (long i = least; i < most; i++) {
		ways[i - least] = split(p);
		again(p, from);
	}
	for (long i = least; i < most; i++)
		aim(p, ways[i - least], ways[i - least] + 1, p->r->n, lazy);
}

static void
alternatives(struct parser *p)
{
	uint32_t jumps[512];
	size_t n = 0;
	for (;;) {
		uint32_t at = split(p);
		while (p->at < p->s.n && !is(p, "|") && !is(p, ")"))
			piece(p);
		if (!take(p, "|")) {
			aim(p, at, at + 1, at + 1, false);
			break;
		}
		if (n == sizeof jumps / sizeof *jumps)
			bad(p, "too many alternatives");
		jumps[n++] = emit(p, JUMP, 0, 0);
		aim(p, at, at + 1, p->r->n, false);
	}
	for (size_t i = 0; i < n; i++)
		p->r->step[jumps[i]].x = (uint32_t)p->r->n;
}

struct regex *
regex_new(const char *name, struct str pattern)
{
	struct regex *r = xcalloc(1, sizeof *r);
	struct parser p = {.r = r, .s = pattern};
	r->name = name;
	alternatives(&p);
	if (p.at != pattern.n)
		bad(&p, "')' without '('");
	emit(&p, MATCH, 0, 0);
	r->seen = xcalloc(r->n, sizeof *r->seen);
	r->now.t = xcalloc(r->n, sizeof *r->now.t);
	r->next.t = xcalloc(r->n, sizeof *r->next.t);
	r->stack = xcalloc(2 * r->n + 2, sizeof *r->stack);
	return r;
}

void
regex_free(struct regex *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_sets; i++)
		xfree(r->set[i].range);
	xfree(r->set);
	xfree(r->step);
	xfree(r->seen);
	xfree(r->now.t);
	xfree(r->next.t);
	xfree(r->stack);
	xfree(r);
}

/* Where a match stands: the characters before and behind, NONE at the ends. */
#define NONE UINT32_MAX
struct place {
	uint32_t before, behind;
};

static bool
passes(const struct regex *r, const struct step *s, const struct place *at)
{
	switch (s->code) {
	case AHEAD:
		return at->behind != NONE && set_has(r->set + s->x, at->behind);
	case NOT_AHEAD:
		return at->behind == NONE || !set_has(r->set + s->x, at->behind);
	case BEHIND:
		return at->before != NONE && set_has(r->set + s->x, at->before);
	case NOT_BEHIND:
		return at->before == NONE || !set_has(r->set + s->x, at->before);
	case TEXT_START:
		return at->before == NONE;
	case TEXT_END:
		return at->behind == NONE;
	case LINE_START:
		return at->before == NONE || at->before == '\n';
	default:
		return at->behind == NONE || at->behind == '\n';
	}
}

/* Add the steps that pc leads to without a character, the preferred first. */
static void
follow(struct regex *r, struct threads *list, uint32_t pc, size_t begin, const struct place *at)
{
	size_t n = 0;
	r->stack[n++] = pc;
	while (n) {
		pc = r->stack[--n];
		if (r->seen[pc] == r->turn)
			continue;
		r->seen[pc] = r->turn;
		const struct step *s = r->step + pc;
		if (s->code == CHAR || s->code == MATCH)
			list->t[list->n++] = (struct thread){pc, begin};
		else if (s->code == JUMP)
			r->stack[n++] = s->x;
		else if (s->code == SPLIT) {
			r->stack[n++] = s->y;
			r->stack[n++] = s->x;
		} else if (passes(r, s, at))
			r->stack[n++] = pc + 1;
	}
}

static uint32_t
char_at(const unsigned char *s, size_t n, size_t i, size_t *len)
{
	uint32_t cp = NONE;
	*len = i < n ? utf8_next(s + i, n - i, &cp) : 0;
	return cp;
}

/* The character before byte i. */
static uint32_t
char_before(const unsigned char *s, size_t i)
{
	uint32_t cp = NONE;
	size_t k = i;
	while (k && i - k < 4 && (k == i || (s[k] & 0xC0) == 0x80))
		k--;
	if (i && k + utf8_next(s + k, i - k, &cp) != i)
		cp = CP_INVALID;
	return cp;
}

bool
regex_find(struct regex *r, const unsigned char *s, size_t n, size_t from, size_t m[2])
{
	struct threads *now = &r->now, *next = &r->next;
	bool found = false;
	size_t len, len_next;
	struct place at = {char_before(s, from), char_at(s, n, from, &len)};
	now->n = 0;
	for (size_t i = from;; i += len, len = len_next) {
		struct place after = {at.behind, char_at(s, n, i + len, &len_next)};
		if (!now->n) /* threads of this place are added below only while nothing was found */
			r->turn++;
		if (!found)
			follow(r, now, 0, i, &at);
		if (!now->n)
			return found;
		r->turn++;
		next->n = 0;
		for (size_t k = 0; k < now->n; k++) {
			const struct step *x = r->step + now->t[k].pc;
			if (x->code == MATCH) {
				m[0] = now->t[k].begin;
				m[1] = i;
				found = true;
				break; /* what stands behind is less preferred */
			}
			if (at.behind != NONE && set_has(r->set + x->x, at.behind))
				follow(r, next, now->t[k].pc + 1, now->t[k].begin, &after);
		}
		if (i >= n)
			return found;
		struct threads *t = now;
		now = next;
		next = t;
		at = after;
	}
}
