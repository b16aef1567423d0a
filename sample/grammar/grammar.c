/* grammar.c - from expressions to a network of states; see grammar.h. */
#include "grammar.h"

#include "unicode/unicode.h"

#include <stdlib.h>
#include <string.h>

/* OUTLINE: a part of so many states that is repeated becomes a rule of its own. */
enum { OUTLINE = 64, DEPTH_MAX = 2000, KIDS_MAX = 1 << 24 };

enum node_kind { NODE_EMPTY, NODE_NEVER, NODE_TEXT, NODE_CHAR, NODE_ALL, NODE_EITHER, NODE_REPEAT, NODE_RULE, NODE_MARK };
struct node {
	enum node_kind kind;
	uint32_t x, n;		/* TEXT, ALL, EITHER: the first of n; CHAR, RULE, MARK: which; REPEAT: what */
	uint32_t least, most;
	uint32_t depth, size;	/* about how many states, at most 2^31 */
	bool marks, empty;	/* it holds marks; it matches the empty text, if rules do not */
};

void
exprs_add(struct exprs *l, expr e)
{
	l->e = grow(l->e, &l->cap, l->n + 1, sizeof *l->e);
	l->e[l->n++] = e;
}

static expr
node(struct grammar *g, struct node n)
{
	if (g->n_nodes >= KIDS_MAX)
		die("%s: too large: more than %d parts", g->name, KIDS_MAX);
	if (n.depth > DEPTH_MAX)
		die("%s: nested more than %d deep", g->name, DEPTH_MAX);
	g->node = grow(g->node, &g->cap_nodes, g->n_nodes + 1, sizeof *g->node);
	g->node[g->n_nodes] = n;
	return (expr)g->n_nodes++;
}

struct grammar *
grammar_new(const char *name)
{
	struct grammar *g = xcalloc(1, sizeof *g);
	g->name = name;
	memset(&g->bytes, 0xFF, sizeof g->bytes);
	node(g, (struct node){.kind = NODE_EMPTY, .empty = true});
	node(g, (struct node){.kind = NODE_NEVER, .size = 1});
	return g;
}

void
grammar_free(struct grammar *g)
{
	for (size_t i = 0; i < g->n_charsets; i++)
		charset_free(&g->charset[i]);
	for (size_t i = 0; i < g->n_rules; i++)
		xfree((char *)g->rule[i].name);
	xfree(g->node);
	xfree(g->kid);
	xfree(g->text);
	xfree(g->charset);
	xfree(g->rule);
	xfree(g->state);
	xfree(g->need);
	xfree(g->set);
	xfree(g->set_slot);
	xfree(g->classes);
	xfree(g);
}

/* Expressions. */

expr
expr_text(struct grammar *g, const void *bytes, size_t n)
{
	if (!n)
		return EXPR_EMPTY;
	if (n > GRAMMAR_STATES_MAX || g->n_text > KIDS_MAX)
		die("%s: too large: a text of %zu bytes", g->name, n);
	g->text = grow(g->text, &g->cap_text, g->n_text + n, 1);
	memcpy(g->text + g->n_text, bytes, n);
	g->n_text += n;
	return node(g, (struct node){.kind = NODE_TEXT, .x = (uint32_t)(g->n_text - n), .n = (uint32_t)n, .size = (uint32_t)n});
}

expr
expr_char(struct grammar *g, struct charset *s)
{
	charset_tidy(s);
	if (!s->n) {
		charset_free(s);
		return EXPR_NEVER;
	}
	g->charset = grow(g->charset, &g->cap_charsets, g->n_charsets + 1, sizeof *g->charset);
	g->charset[g->n_charsets++] = *s;
	const bool ascii = s->range[s->n - 1][1] < 0x80;
	*s = (struct charset){0};
	return node(g, (struct node){.kind = NODE_CHAR, .x = (uint32_t)g->n_charsets - 1, .size = ascii ? 1 : 20});
}

expr
expr_range(struct grammar *g, uint32_t first, uint32_t last)
{
	struct charset s = {0};
	charset_add(&s, first, last);
	return expr_char(g, &s);
}

static expr
list(struct grammar *g, enum node_kind kind, struct exprs *l)
{
	if (l->n == 1) {
		const expr only = l->e[0];
		xfree(l->e);
		*l = (struct exprs){0};
		return only;
	}
	struct node n = {.kind = kind, .x = (uint32_t)g->n_kids, .n = (uint32_t)l->n, .empty = kind == NODE_ALL};
	if (l->n > KIDS_MAX || g->n_kids > KIDS_MAX)
		die("%s: too large: more than %d parts", g->name, KIDS_MAX);
	g->kid = grow(g->kid, &g->cap_kids, g->n_kids + l->n, sizeof *g->kid);
	for (size_t i = 0; i < l->n; i++) {
		const struct node *k = &g->node[l->e[i]];
		g->kid[g->n_kids++] = l->e[i];
		n.size = n.size + k->size > 1u << 30 ? 1u << 30 : n.size + k->size + (kind == NODE_EITHER);
		n.depth = k->depth >= n.depth ? k->depth + 1 : n.depth;
		n.marks |= k->marks;
		n.empty = kind == NODE_ALL ? n.empty && k->empty : n.empty || k->empty;
	}
	xfree(l->e);
	*l = (struct exprs){0};
	return node(g, n);
}

expr
expr_all(struct grammar *g, struct exprs *l)
{
	if (!l->n)
		return EXPR_EMPTY;
	return list(g, NODE_ALL, l);
}

expr
expr_either(struct grammar *g, struct exprs *l)
{
	if (!l->n)
		return EXPR_NEVER;
	return list(g, NODE_EITHER, l);
}

static expr
two(struct grammar *g, enum node_kind kind, expr a, expr b)
{
	struct exprs l = {0};
	exprs_add(&l, a);
	exprs_add(&l, b);
	return list(g, kind, &l);
}

expr
expr_pair(struct grammar *g, expr a, expr b)
{
	return two(g, NODE_ALL, a, b);
}

expr
expr_or(struct grammar *g, expr a, expr b)
{
	return two(g, NODE_EITHER, a, b);
}

expr
expr_repeat(struct grammar *g, expr e, uint32_t least, uint32_t most)
{
	const struct node *k = &g->node[e];
	const uint32_t times = most == FOREVER ? least + 1 : most;
	if (!most)
		return EXPR_EMPTY;
	/* (x{0,m}){a,b} is (x{1,m}){0,b}: no text is read in more ways for parts that are empty. */
	if (times > 1 && k->kind == NODE_REPEAT && !k->least && !g->node[k->x].empty && !k->marks)
		return expr_repeat(g, expr_repeat(g, k->x, 1, k->most), 0, most);
	if (times > 1 && k->kind != NODE_RULE && !k->marks && !k->empty && (uint64_t)k->size * times > OUTLINE) {
		uint32_t rule = grammar_rule(g, NULL, 0);
		grammar_define(g, rule, e, 0);
		e = expr_rule(g, rule);
		k = &g->node[e];
	}
	uint64_t size = ((uint64_t)k->size + 1) * times;
	return node(g, (struct node){.kind = NODE_REPEAT, .x = e, .least = least, .most = most, .depth = k->depth + 1,
		.size = size > 1u << 30 ? 1u << 30 : (uint32_t)size, .marks = k->marks, .empty = !least || k->empty});
}

expr
expr_mark(struct grammar *g, bool end)
{
	return node(g, (struct node){.kind = NODE_MARK, .x = end, .size = 1, .marks = true, .empty = true});
}

expr
expr_rule(struct grammar *g, uint32_t rule)
{
	return node(g, (struct node){.kind = NODE_RULE, .x = rule, .size = 1});
}

uint32_t
grammar_rule(struct grammar *g, const char *name, size_t len)
{
	char *copy = NULL;
	if (name) {
		copy = xcalloc(len + 1, 1);
		memcpy(copy, name, len);
	}
	g->rule = grow(g->rule, &g->cap_rules, g->n_rules + 1, sizeof *g->rule);
	g->rule[g->n_rules] = (struct rule){.name = copy, .start = NO_STATE};
	if (g->n_rules == GRAMMAR_STATES_MAX)
		die("%s: too large: more than %d rules", g->name, GRAMMAR_STATES_MAX);
	return (uint32_t)g->n_rules++;
}

void
grammar_define(struct grammar *g, uint32_t rule, expr body, size_t line)
{
	g->rule[rule].body = body;
	g->rule[rule].line = line;
	g->rule[rule].marks = g->node[body].marks;
}

/* States. A part is compiled once it is known which state comes after it, so that no state does
 * nothing but lead on. */

static uint32_t
state(struct grammar *g, enum state_kind kind, uint32_t x, uint32_t next)
{
	if (g->n_states == GRAMMAR_STATES_MAX)
		die("%s: too large: it takes more than %d states (are its counts too high?)", g->name, GRAMMAR_STATES_MAX);
	g->state = grow(g->state, &g->cap_states, g->n_states + 1, sizeof *g->state);
	g->state[g->n_states] = (struct state){.kind = kind, .x = x, .next = next};
	return (uint32_t)g->n_states++;
}

static size_t
set_hash(const struct byte_set *s)
{
	uint64_t h = 0;
	for (int i = 0; i < 4; i++)
		h = (h ^ s->bit[i]) * 0x9E3779B97F4A7C15, h ^= h >> 29;
	return (size_t)h;
}

static void
sets_rehash(struct grammar *g)
{
	g->set_slots = g->set_slots ? 2 * g->set_slots : 256;
	xfree(g->set_slot);
	g->set_slot = xcalloc(g->set_slots, sizeof *g->set_slot);
	for (size_t i = 0; i < g->n_sets; i++) {
		size_t h = set_hash(&g->set[i]);
		while (g->set_slot[h & (g->set_slots - 1)])
			h++;
		g->set_slot[h & (g->set_slots - 1)] = (uint32_t)i + 1;
	}
}

static uint32_t
set_of(struct grammar *g, const struct byte_set *s)
{
	if (2 * g->n_sets >= g->set_slots)
		sets_rehash(g);
	size_t h = set_hash(s);
	for (uint32_t at; (at = g->set_slot[h & (g->set_slots - 1)]); h++)
		if (!memcmp(&g->set[at - 1], s, sizeof *s))
			return at - 1;
	g->set = grow(g->set, &g->cap_sets, g->n_sets + 1, sizeof *g->set);
	g->set[g->n_sets] = *s;
	g->set_slot[h & (g->set_slots - 1)] = (uint32_t)g->n_sets + 1;
	return (uint32_t)g->n_sets++;
}

static uint32_t
bytes(struct grammar *g, const struct byte_set *s, uint32_t next)
{
	return state(g, STATE_BYTES, set_of(g, s), next);
}

/* A character's bytes, the last first. */
struct tail {
	struct byte_set set;
	uint32_t next;
};
struct utf8 {
	struct grammar *g;
	struct charset *s;
	uint32_t next;
	uint32_t full[4];	/* any k bytes that continue a character, or NO_STATE */
	uint32_t leaf[16];	/* last bytes that are there already */
	size_t n_leaves;
};

static uint32_t
leaf(struct utf8 *u, const struct byte_set *set)
{
	const uint32_t id = set_of(u->g, set);
	for (size_t i = 0; i < u->n_leaves && i < 16; i++)
		if (u->g->state[u->leaf[i]].x == id)
			return u->leaf[i];
	uint32_t s = state(u->g, STATE_BYTES, id, u->next);
	u->leaf[u->n_leaves++ % 16] = s;
	return s;
}

static uint32_t
either_of(struct grammar *g, const struct tail *t, size_t n)
{
	uint32_t all = NO_STATE;
	for (size_t i = n; i--;) {
		uint32_t one = bytes(g, &t[i].set, t[i].next);
		all = all == NO_STATE ? one : state(g, STATE_EITHER, one, all);
	}
	return all;
}

/* The byte leads to that state. */
static void
tail_add(struct tail *t, size_t *n, unsigned byte, uint32_t next)
{
	size_t i = 0;
	while (i < *n && t[i].next != next)
		i++;
	if (i == *n)
		t[(*n)++] = (struct tail){.next = next};
	set_put(&t[i].set, byte);
}

/* k more bytes of the characters from first on, 64^k of them: a state, or NO_STATE if the set
 * has none. */
static uint32_t
continued(struct utf8 *u, int k, uint32_t first)
{
	const uint32_t each = 1u << 6 * (k - 1), has = charset_count(u->s, first, first + 64 * each - 1);
	const bool all = has == 64 * each;
	struct tail t[64];
	size_t n = 0;
	if (!has)
		return NO_STATE;
	if (all && u->full[k] != NO_STATE)
		return u->full[k];
	struct byte_set last = {{0}};
	for (unsigned b = 0; b < 64; b++) {
		if (k == 1 && charset_has(u->s, first + b))
			set_put(&last, 0x80 + b);
		uint32_t next = k == 1 ? NO_STATE : continued(u, k - 1, first + b * each);
		if (next != NO_STATE)
			tail_add(t, &n, 0x80 + b, next);
	}
	uint32_t s = k == 1 ? leaf(u, &last) : either_of(u->g, t, n);
	if (all)
		u->full[k] = s;
	return s;
}

/* One character of the set, then `next`. */
static uint32_t
compile_char(struct grammar *g, const struct charset *set, uint32_t next)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000, CHAR_MAX_CP + 1};
	static const unsigned lead[] = {0, 0, 0xC0, 0xE0, 0xF0}, leads[] = {0, 0, 32, 16, 5};
	struct tail t[64];
	size_t n = 0;
	for (unsigned b = 0; b < 0x80; b++)
		if (charset_has(set, b))
			tail_add(t, &n, b, next);
	struct utf8 u = {.g = g, .next = next, .full = {NO_STATE, NO_STATE, NO_STATE, NO_STATE}};
	for (int len = 2; len <= 4; len++) {
		/* What this length may spell: longer than needed is no UTF-8. */
		struct charset of = {0};
		for (size_t i = 0; i < set->n; i++)
			if (set->range[i][1] >= least[len] && set->range[i][0] < least[len + 1])
				charset_add(&of, set->range[i][0] > least[len] ? set->range[i][0] : least[len],
					set->range[i][1] < least[len + 1] ? set->range[i][1] : least[len + 1] - 1);
		u.s = &of;
		for (unsigned b = 0; b < leads[len]; b++) {
			uint32_t s = continued(&u, len - 1, b << 6 * (len - 1));
			if (s != NO_STATE)
				tail_add(t, &n, lead[len] + b, s);
		}
		charset_free(&of);
	}
	return either_of(g, t, n);
}

static uint32_t compile(struct grammar *g, expr e, uint32_t next);

static uint32_t
compile_text(struct grammar *g, const struct node *n, uint32_t next)
{
	for (uint32_t i = n->n; i--;) {
		struct byte_set one = {{0}};
		set_put(&one, g->text[n->x + i]);
		next = bytes(g, &one, next);
	}
	return next;
}

/*
 * Alternatives that are plain texts are read as a tree of their bytes, so that many words are not
 * many ways.
 */
enum { WORD_MAX = 255 };
struct word {
	unsigned char s[WORD_MAX];
	uint8_t n;
};

/* Append the one text that is this part; false: it is no such, or too long. */
static bool
spell(const struct grammar *g, expr e, struct word *w)
{
	const struct node *n = &g->node[e];
	unsigned char one[4];
	const unsigned char *text = one;
	size_t len = 0;
	if (n->kind == NODE_TEXT) {
		text = g->text + n->x;
		len = n->n;
	} else if (n->kind == NODE_CHAR && charset_count(&g->charset[n->x], 0, CHAR_MAX_CP) == 1) {
		len = utf8_put(one, g->charset[n->x].range[0][0]);
	} else if (n->kind == NODE_ALL) {
		for (uint32_t i = 0; i < n->n; i++)
			if (!spell(g, g->kid[n->x + i], w))
				return false;
		return true;
	} else {
		return false;
	}
	if (len > (size_t)WORD_MAX - w->n)
		return false;
	memcpy(w->s + w->n, text, len);
	w->n = (uint8_t)(w->n + len);
	return true;
}

static int
compare_words(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	const int c = memcmp(x->s, y->s, x->n < y->n ? x->n : y->n);
	return c ? c : x->n - y->n;
}

/* The rest, from byte `from` on, of n words that are alike up to there; sorted. */
static uint32_t
compile_words(struct grammar *g, const struct word *w, size_t n, size_t from, uint32_t next)
{
	struct tail t[256];
	size_t n_tails = 0, i = 0, at = from;
	const struct word *last = &w[n - 1];
	while (w->n > at && w->s[at] == last->s[at])
		at++;
	while (i < n && w[i].n == at)
		i++;
	const bool ends = i > 0;
	for (size_t k; i < n; i = k) {
		for (k = i + 1; k < n && w[k].s[at] == w[i].s[at];)
			k++;
		tail_add(t, &n_tails, w[i].s[at], compile_words(g, w + i, k - i, at + 1, next));
	}
	const uint32_t more = either_of(g, t, n_tails);
	next = more == NO_STATE ? next : ends ? state(g, STATE_EITHER, next, more) : more;
	while (at-- > from) {
		struct byte_set one = {{0}};
		set_put(&one, w->s[at]);
		next = bytes(g, &one, next);
	}
	return next;
}

static uint32_t
compile_either(struct grammar *g, const struct node *n, uint32_t next)
{
	struct word *w = xcalloc(n->n, sizeof *w);
	size_t words = 0;
	uint32_t at = NO_STATE;
	for (uint32_t i = n->n; i--;) {
		const expr e = g->kid[n->x + i];
		w[words].n = 0;
		if (spell(g, e, &w[words])) {
			words++;
			continue;
		}
		const uint32_t one = compile(g, e, next);
		at = at == NO_STATE ? one : state(g, STATE_EITHER, one, at);
	}
	qsort(w, words, sizeof *w, compare_words);
	if (words) {
		const uint32_t tree = compile_words(g, w, words, 0, next);
		at = at == NO_STATE ? tree : state(g, STATE_EITHER, tree, at);
	}
	xfree(w);
	return at;
}

static uint32_t
compile_repeat(struct grammar *g, const struct node *n, uint32_t next)
{
	uint32_t at = next, must = n->least;
	if (n->most == FOREVER) {
		const uint32_t loop = state(g, STATE_EITHER, 0, next), body = compile(g, n->x, loop);
		g->state[loop].x = body;
		at = must ? body : loop;
		must -= must > 0;
	}
	for (uint32_t i = n->most == FOREVER ? must : n->most; i--;) {
		uint32_t body = compile(g, n->x, at);
		at = i < must ? body : state(g, STATE_EITHER, body, next);
	}
	return at;
}

static uint32_t
compile(struct grammar *g, expr e, uint32_t next)
{
	const struct node n = g->node[e];
	switch (n.kind) {
	case NODE_EMPTY:
		return next;
	case NODE_NEVER:
		return bytes(g, &(struct byte_set){{0}}, next);
	case NODE_TEXT:
		return compile_text(g, &n, next);
	case NODE_CHAR:
		return compile_char(g, &g->charset[n.x], next);
	case NODE_ALL:
		for (uint32_t i = n.n; i--;)
			next = compile(g, g->kid[n.x + i], next);
		return next;
	case NODE_EITHER:
		return compile_either(g, &n, next);
	case NODE_REPEAT:
		return compile_repeat(g, &n, next);
	case NODE_RULE:
		return state(g, STATE_CALL, n.x, next);
	case NODE_MARK:
		return state(g, n.x ? STATE_END_MARK : STATE_BEGIN_MARK, 0, next);
	}
	return next;
}

/*
 * Marks are resolved by taking each state up to four times: nothing was read yet, something was,
 * and both again where an end mark has been passed, so that nothing more may be read. What cannot
 * be is a state that no byte leaves. `to` has four places for each of the states from `from` on.
 */
enum { FRESH, READ, FRESH_ENDED, READ_ENDED, LAYERS };

static uint32_t
layer_after(enum state_kind kind, uint32_t layer)
{
	switch (kind) {
	case STATE_BYTES:
	case STATE_CALL:
		return layer == FRESH || layer == READ ? READ : LAYERS;
	case STATE_BEGIN_MARK:
		return layer == FRESH || layer == FRESH_ENDED ? layer : LAYERS;
	case STATE_END_MARK:
		return layer | FRESH_ENDED;
	default:
		return layer;
	}
}

static uint32_t
resolve_marks(struct grammar *g, uint32_t from, uint32_t start)
{
	const size_t n = g->n_states - from;
	uint32_t *to = xcalloc(n, LAYERS * sizeof *to), *todo = xcalloc(n, LAYERS * sizeof *todo);
	const uint32_t never = bytes(g, &(struct byte_set){{0}}, from);
	size_t n_todo = 0;
	todo[n_todo++] = (start - from) * LAYERS + FRESH;
	to[todo[0]] = state(g, STATE_EITHER, never, never) + 1;
	const uint32_t first = to[todo[0]] - 1;
	while (n_todo) {
		const uint32_t at = todo[--n_todo], mine = to[at] - 1;
		struct state s = g->state[from + at / LAYERS];
		const uint32_t layer = layer_after(s.kind, at % LAYERS);
		uint32_t out[2] = {s.next, s.kind == STATE_EITHER ? s.x : s.next};
		for (int i = 0; i < 2 && s.kind != STATE_END; i++) {
			const uint32_t goal = layer == LAYERS ? 0 : (out[i] - from) * LAYERS + layer;
			if (layer != LAYERS && !to[goal]) {
				to[goal] = state(g, STATE_EITHER, never, never) + 1;
				todo[n_todo++] = goal;
			}
			out[i] = layer == LAYERS ? never : to[goal] - 1;
		}
		if (layer == LAYERS || s.kind == STATE_BEGIN_MARK || s.kind == STATE_END_MARK)
			s.kind = STATE_EITHER;
		s.next = out[0];
		if (s.kind == STATE_EITHER)
			s.x = out[1] & 0x1FFFFFFF;
		g->state[mine] = s;
	}
	xfree(to);
	xfree(todo);
	return first;
}

static void
compile_rule(struct grammar *g, uint32_t r)
{
	const uint32_t from = (uint32_t)g->n_states;
	const uint32_t end = state(g, STATE_END, 0, 0), start = compile(g, g->rule[r].body, end);
	g->rule[r].start = g->rule[r].marks ? resolve_marks(g, from, start) : start;
}

void
grammar_finish(struct grammar *g, uint32_t root, bool strict)
{
	uint32_t from = 0;
	g->root = root;
	compile_rule(g, root);
	/* Calls are found as states are made: the states are the list of what is still to do. */
	for (; from < g->n_states; from++)
		if (g->state[from].kind == STATE_CALL && g->rule[g->state[from].x].start == NO_STATE)
			compile_rule(g, g->state[from].x);
	grammar_needs(g);
	for (size_t i = g->n_rules; i--;)
		if ((strict || i == root) && g->rule[i].start != NO_STATE && g->need[g->rule[i].start] == FOREVER)
			grammar_bad(g, &g->rule[i], "can never end: no text matches");
	grammar_ranks(g);
	grammar_classes(g);
}
