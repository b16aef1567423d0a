/* jinja_parse.c - a template's text to its tree; see jinja_impl.h. */
#include "jinja_lex.h"

#include <string.h>

static struct node *expression(struct parser *p);
static struct node *body(struct parser *p, const char *ends);

static struct node *
new_node(struct parser *p, enum node_kind kind)
{
	struct node *n = tree_alloc(p->j, 1, sizeof *n);
	n->kind = kind;
	n->line = p->j->line;
	return n;
}

static void
deeper(struct parser *p)
{
	if (++p->nest > NEST_MAX)
		jinja_die(p->j, "nested more than %d deep", NEST_MAX);
}

static bool
is_op(const struct parser *p, int op)
{
	return p->tok == T_OP && p->op == op;
}
static bool
take_op(struct parser *p, int op)
{
	if (!is_op(p, op))
		return false;
	lex_next(p);
	return true;
}
static bool
is_name(const struct parser *p, const char *name)
{
	return p->tok == T_NAME && jstr_is(p->text, name);
}
static bool
take_name(struct parser *p, const char *name)
{
	if (!is_name(p, name))
		return false;
	lex_next(p);
	return true;
}
static void
want_op(struct parser *p, int op)
{
	if (!take_op(p, op))
		jinja_die(p->j, "'%c' should stand here", op);
}
static jstr
want_name(struct parser *p)
{
	if (p->tok != T_NAME)
		jinja_die(p->j, "a name should stand here");
	jstr s = p->text;
	lex_next(p);
	return s;
}

static struct node *
two(struct parser *p, enum node_kind kind, int op, struct node *a, struct node *b)
{
	struct node *n = new_node(p, kind);
	n->op = op;
	n->a = a;
	n->b = b;
	return n;
}

static struct node *
literal(struct parser *p, val v)
{
	struct node *n = new_node(p, N_LITERAL);
	n->v = v;
	return n;
}

/* "name =", not "name ==". */
static bool
keyword_follows(const struct parser *p)
{
	size_t i = p->at;
	while (i < p->s.n && ch_space(p->s.p[i]))
		i++;
	return p->tok == T_NAME && i + 1 < p->s.n && p->s.p[i] == '=' && p->s.p[i + 1] != '=';
}

/* Behind '(': arguments, "*list" and "**dict" among them, and ')'. */
static struct node *
arguments(struct parser *p)
{
	struct node *list = NULL, **end = &list;
	while (!is_op(p, ')')) {
		struct node *n;
		if (keyword_follows(p)) {
			n = new_node(p, N_KWARG);
			n->s = want_name(p);
			lex_next(p);
			n->a = expression(p);
		} else {
			const int all = is_op(p, '*') || is_op(p, OP_POW) ? p->op : 0;
			if (all)
				lex_next(p);
			n = two(p, N_KWARG, all, expression(p), NULL);
		}
		*end = n;
		end = &n->next;
		if (!take_op(p, ','))
			break;
	}
	want_op(p, ')');
	return list;
}

/* Values up to the closing bracket; of a dict, keys and values in turn. */
static struct node *
items(struct parser *p, enum node_kind kind, int close)
{
	struct node *n = new_node(p, kind), **end = &n->args;
	while (!is_op(p, close)) {
		for (int i = 0; i < (kind == N_DICT ? 2 : 1); i++) {
			if (i)
				want_op(p, ':');
			*end = two(p, N_KWARG, 0, expression(p), NULL);
			end = &(*end)->next;
		}
		if (!take_op(p, ','))
			break;
	}
	want_op(p, close);
	return n;
}

/* "(a)" is a; "(a,)", "()" and "(a, b)" are tuples. */
static struct node *
parentheses(struct parser *p)
{
	struct node *n = new_node(p, N_TUPLE), **end = &n->args;
	bool comma = false;
	while (!is_op(p, ')')) {
		*end = two(p, N_KWARG, 0, expression(p), NULL);
		end = &(*end)->next;
		if (!take_op(p, ','))
			break;
		comma = true;
	}
	want_op(p, ')');
	return n->args && !comma ? n->args->a : n;
}

static struct node *
name_or_constant(struct parser *p)
{
	static const char *const words[] = {"true", "True", "false", "False", "none", "None"};
	jstr s = want_name(p);
	for (int i = 0; i < 6; i++)
		if (jstr_is(s, words[i]))
			return literal(p, i < 4 ? jinja_bool(i < 2) : jinja_none());
	p->takes |= jstr_is(s, "varargs") ? TAKES_VARARGS : jstr_is(s, "kwargs") ? TAKES_KWARGS :
		jstr_is(s, "caller") ? TAKES_CALLER : 0;
	struct node *n = new_node(p, N_NAME);
	n->s = s;
	return n;
}

static struct node *
string_literal(struct parser *p)
{
	jstr s = p->text;
	for (lex_next(p); p->tok == T_STRING; lex_next(p)) { /* "a" "b" is "ab" */
		uint32_t *both = tree_alloc(p->j, s.n + p->text.n, sizeof *both);
		if (s.n)
			memcpy(both, s.p, s.n * sizeof *both);
		if (p->text.n)
			memcpy(both + s.n, p->text.p, p->text.n * sizeof *both);
		s = (jstr){both, s.n + p->text.n};
	}
	return literal(p, val_str(s));
}

static struct node *
primary(struct parser *p)
{
	struct node *n;
	switch (p->tok) {
	case T_NAME:
		return name_or_constant(p);
	case T_STRING:
		return string_literal(p);
	case T_INT:
	case T_FLOAT:
		n = literal(p, p->tok == T_INT ? val_int(p->i) : val_float(p->f));
		lex_next(p);
		return n;
	case T_OP:
		if (take_op(p, '('))
			return parentheses(p);
		if (take_op(p, '['))
			return items(p, N_LIST, ']');
		if (take_op(p, '{'))
			return items(p, N_DICT, '}');
		break;
	case T_END:
		break;
	}
	jinja_die(p->j, "a value should stand here");
}

/* Behind '[': an index or a slice. */
static struct node *
subscript(struct parser *p, struct node *a)
{
	struct node *part[3] = {NULL, NULL, NULL};
	int i = 0;
	bool slice = false;
	for (; i < 3; i++) {
		if (!is_op(p, ':') && !is_op(p, ']'))
			part[i] = expression(p);
		if (!take_op(p, ':'))
			break;
		slice = true;
	}
	want_op(p, ']');
	if (!slice && !part[0])
		jinja_die(p->j, "an index should stand here");
	struct node *n = two(p, slice ? N_SLICE : N_INDEX, 0, a, part[0]);
	n->c = part[1];
	n->d = part[2];
	return n;
}

static struct node *
call(struct parser *p, struct node *a)
{
	struct node *n = two(p, N_CALL, 0, a, NULL);
	n->args = arguments(p);
	return n;
}

static struct node *
postfix(struct parser *p, struct node *n)
{
	for (;;)
		if (take_op(p, '.')) {
			if (p->tok == T_INT) {
				n = two(p, N_INDEX, 0, n, literal(p, val_int(p->i)));
				lex_next(p);
			} else {
				n = two(p, N_ATTR, 0, n, NULL);
				n->s = want_name(p);
			}
		} else if (take_op(p, '['))
			n = subscript(p, n);
		else if (take_op(p, '('))
			n = call(p, n);
		else
			return n;
}

static struct node *
filter(struct parser *p, struct node *a)
{
	struct node *n = two(p, N_FILTER, 0, a, NULL);
	n->s = want_name(p);
	if (take_op(p, '('))
		n->args = arguments(p);
	return n;
}

/* Behind "is". */
static struct node *
test(struct parser *p, struct node *a)
{
	struct node *n = two(p, N_TEST, take_name(p, "not"), a, NULL);
	n->s = want_name(p);
	if (take_op(p, '('))
		n->args = arguments(p);
	else if (p->tok == T_STRING || p->tok == T_INT || p->tok == T_FLOAT || is_op(p, '[') || is_op(p, '{') ||
		(p->tok == T_NAME && !is_name(p, "else") && !is_name(p, "or") && !is_name(p, "and") &&
		!is_name(p, "is") && !is_name(p, "if") && !is_name(p, "in") && !is_name(p, "not")))
		n->args = two(p, N_KWARG, 0, postfix(p, primary(p)), NULL);
	return n;
}

static struct node *
unary(struct parser *p, bool filters)
{
	struct node *n;
	deeper(p);
	if (take_op(p, '-'))
		n = two(p, N_NEGATE, 0, unary(p, false), NULL);
	else if (take_op(p, '+'))
		n = unary(p, false);
	else
		n = primary(p);
	n = postfix(p, n);
	while (filters) {
		if (take_op(p, '|'))
			n = filter(p, n);
		else if (take_name(p, "is"))
			n = test(p, n);
		else if (take_op(p, '('))
			n = call(p, n);
		else
			break;
	}
	p->nest--;
	return n;
}

/* Operators by level, the loosest first: + -, ~, * / // %, **. */
static struct node *
binary(struct parser *p, int level)
{
	static const int ops[4][5] = {{'+', '-'}, {'~'}, {'*', '/', OP_FLOORDIV, '%'}, {OP_POW}};
	if (level == 4)
		return unary(p, true);
	struct node *n = binary(p, level + 1);
	for (int i = 0; ops[level][i];)
		if (is_op(p, ops[level][i])) {
			int op = p->op;
			lex_next(p);
			n = two(p, N_BINARY, op, n, binary(p, level + 1));
			i = 0;
		} else
			i++;
	return n;
}

/* The comparison that begins here, or 0; it is taken. */
static int
comparison(struct parser *p)
{
	if (p->tok == T_OP && (p->op == '<' || p->op == '>' || (p->op >= OP_EQ && p->op <= OP_GE))) {
		int op = p->op;
		lex_next(p);
		return op;
	}
	if (take_name(p, "in"))
		return OP_IN;
	if (is_name(p, "not")) {
		struct parser before = *p;
		size_t line = p->j->line;
		lex_next(p);
		if (take_name(p, "in"))
			return OP_NOT_IN;
		*p = before;
		p->j->line = line;
	}
	return 0;
}

static struct node *
compare(struct parser *p)
{
	struct node *n = binary(p, 0), *chain = NULL, **end = &chain;
	for (int op; (op = comparison(p)); end = &(*end)->next)
		*end = two(p, N_KWARG, op, binary(p, 0), NULL);
	if (!chain)
		return n;
	n = two(p, N_COMPARE, 0, n, NULL);
	n->args = chain;
	return n;
}

static struct node *
not_(struct parser *p)
{
	if (!take_name(p, "not"))
		return compare(p);
	deeper(p);
	struct node *n = two(p, N_NOT, 0, not_(p), NULL);
	p->nest--;
	return n;
}

static struct node *
and_(struct parser *p)
{
	struct node *n = not_(p);
	while (take_name(p, "and"))
		n = two(p, N_AND, 0, n, not_(p));
	return n;
}

static struct node *
or_(struct parser *p)
{
	struct node *n = and_(p);
	while (take_name(p, "or"))
		n = two(p, N_OR, 0, n, and_(p));
	return n;
}

static struct node *
expression(struct parser *p)
{
	deeper(p);
	struct node *n = or_(p);
	while (take_name(p, "if")) {
		n = two(p, N_COND, 0, n, or_(p));
		if (take_name(p, "else"))
			n->c = expression(p);
	}
	p->nest--;
	return n;
}

/* "a, b" is a tuple. */
static struct node *
tuple(struct parser *p)
{
	struct node *first = expression(p);
	if (!is_op(p, ','))
		return first;
	struct node *n = new_node(p, N_TUPLE), **end = &n->args;
	*end = two(p, N_KWARG, 0, first, NULL);
	while (take_op(p, ',') && p->tok != T_END && !is_op(p, '=')) {
		end = &(*end)->next;
		*end = two(p, N_KWARG, 0, expression(p), NULL);
	}
	return n;
}

/* Take the end of a tag; what it does to the text behind it is kept for text(). */
static void
end_tag(struct parser *p)
{
	if (p->tok != T_END)
		jinja_die(p->j, "the tag should end here");
	size_t n = lex_tag_end(p);
	uint32_t sign = lex_peek(p, 0), kind = p->s.p[p->at + n - 2];
	p->at += n;
	p->strip = sign == '-';
	p->line_start = false;
	if (kind == '%' && sign != '-' && sign != '+' && lex_peek(p, 0) == '\n') {
		p->at++; /* trim_blocks */
		p->j->line++;
		p->line_start = true;
	}
}

static struct node *targets(struct parser *p);

/* A name, an attribute of a namespace, or several targets in brackets. */
static struct node *
target(struct parser *p)
{
	if (take_op(p, '(')) {
		deeper(p);
		struct node *all = targets(p);
		p->nest--;
		want_op(p, ')');
		return all;
	}
	struct node *n = new_node(p, N_NAME);
	n->s = want_name(p);
	if (take_op(p, '.')) {
		n = two(p, N_ATTR, 0, n, NULL);
		n->s = want_name(p);
	}
	return n;
}

/* What for, set and with assign to: "a, (b, c)" is a tuple. */
static struct node *
targets(struct parser *p)
{
	struct node *first = target(p);
	if (!is_op(p, ','))
		return first;
	struct node *n = new_node(p, N_TUPLE), **end = &n->args;
	*end = first;
	while (take_op(p, ',') && (p->tok == T_NAME || is_op(p, '(')) && !is_name(p, "in")) {
		end = &(*end)->next;
		*end = target(p);
	}
	return n;
}

static struct node *
statement_for(struct parser *p)
{
	struct node *n = new_node(p, N_FOR);
	n->args = targets(p);
	if (!take_name(p, "in"))
		jinja_die(p->j, "'in' should stand here");
	n->a = or_(p); /* an "if" behind it filters */
	if (take_name(p, "if"))
		n->b = expression(p);
	take_name(p, "recursive");
	end_tag(p);
	n->c = body(p, "else endfor");
	if (jstr_is(p->closing, "else")) {
		end_tag(p);
		n->d = body(p, "endfor");
	}
	end_tag(p);
	return n;
}

static struct node *
statement_if(struct parser *p)
{
	struct node *first = NULL, **end = &first;
	do {
		struct node *n = *end = new_node(p, N_IF);
		n->a = expression(p);
		end_tag(p);
		n->b = body(p, "elif else endif");
		end = &n->c;
	} while (jstr_is(p->closing, "elif"));
	if (jstr_is(p->closing, "else")) {
		end_tag(p);
		*end = body(p, "endif");
	}
	end_tag(p);
	return first;
}

static struct node *
statement_set(struct parser *p)
{
	struct node *n = new_node(p, N_SET);
	n->args = targets(p);
	if (take_op(p, '=')) {
		n->a = tuple(p);
		end_tag(p);
		return n;
	}
	n->kind = N_SET_BLOCK;
	n->a = new_node(p, N_CAPTURED);
	while (take_op(p, '|'))
		n->a = filter(p, n->a);
	end_tag(p);
	n->b = body(p, "endset");
	end_tag(p);
	return n;
}

/* Behind '(': names, some with defaults, and ')'. */
static struct node *
parameters(struct parser *p)
{
	struct node *list = NULL, **end = &list;
	while (!is_op(p, ')')) {
		struct node *n = *end = new_node(p, N_KWARG);
		n->s = want_name(p);
		if (take_op(p, '='))
			n->a = expression(p);
		end = &n->next;
		if (!take_op(p, ','))
			break;
	}
	want_op(p, ')');
	return list;
}

static struct node *
statement_macro(struct parser *p)
{
	struct node *n = new_node(p, N_MACRO);
	const int outer = p->takes;
	n->s = want_name(p);
	want_op(p, '(');
	n->args = parameters(p);
	end_tag(p);
	p->takes = 0;
	n->b = body(p, "endmacro");
	n->op = p->takes;
	p->takes |= outer;
	if (p->tok == T_NAME)
		lex_next(p); /* "endmacro name" */
	end_tag(p);
	return n;
}

static struct node *
statement_call(struct parser *p)
{
	struct node *n = new_node(p, N_CALL_BLOCK);
	const int outer = p->takes;
	if (take_op(p, '('))
		n->args = parameters(p);
	n->a = postfix(p, primary(p));
	if (n->a->kind != N_CALL)
		jinja_die(p->j, "a call should stand here");
	end_tag(p);
	p->takes = 0;
	n->b = body(p, "endcall");
	n->op = p->takes;
	p->takes |= outer;
	end_tag(p);
	return n;
}

static struct node *
statement_filter(struct parser *p)
{
	struct node *n = new_node(p, N_FILTER_BLOCK);
	n->a = new_node(p, N_CAPTURED);
	do
		n->a = filter(p, n->a);
	while (take_op(p, '|'));
	end_tag(p);
	n->b = body(p, "endfilter");
	end_tag(p);
	return n;
}

/* A scope of its own; the values are read outside of it. */
static struct node *
statement_with(struct parser *p)
{
	struct node *n = new_node(p, N_WITH), **end = &n->args;
	while (p->tok != T_END) {
		if (n->args)
			want_op(p, ',');
		struct node *set = *end = new_node(p, N_SET);
		set->args = targets(p);
		want_op(p, '=');
		set->a = expression(p);
		end = &set->next;
	}
	end_tag(p);
	n->b = body(p, "endwith");
	end_tag(p);
	return n;
}

/* Hugging Face's mark of what the assistant says: its body as it stands. */
static struct node *
statement_generation(struct parser *p)
{
	struct node *n = new_node(p, N_IF);
	n->a = literal(p, jinja_bool(true));
	end_tag(p);
	n->b = body(p, "endgeneration");
	end_tag(p);
	return n;
}

static struct node *
statement_jump(struct parser *p, enum node_kind kind)
{
	struct node *n = new_node(p, kind);
	end_tag(p);
	return n;
}
static struct node *
statement_break(struct parser *p)
{
	return statement_jump(p, N_BREAK);
}
static struct node *
statement_continue(struct parser *p)
{
	return statement_jump(p, N_CONTINUE);
}

/* Text up to "endraw", which is a tag of its own. */
static struct node *
statement_raw(struct parser *p)
{
	struct node *n = new_node(p, N_TEXT);
	end_tag(p);
	size_t begin = p->at;
	for (; p->at < p->s.n; p->at++) {
		struct parser q = *p;
		size_t line = p->j->line, end = p->at;
		if (lex_peek(p, 0) == '{' && lex_peek(p, 1) == '%') {
			q.at += 2 + (lex_peek(p, 2) == '-' || lex_peek(p, 2) == '+');
			while (ch_space(lex_peek(&q, 0)) && q.at < q.s.n)
				q.at++;
			static const char word[] = "endraw";
			size_t k = 0;
			while (k < 6 && lex_peek(&q, k) == (unsigned char)word[k])
				k++;
			if (k == 6) {
				bool strip = lex_peek(p, 2) == '-';
				p->at = q.at + 6;
				lex_next(p);
				n->s = jstr_strip(jstr_cut(p->s, begin, end), NULL, false, strip);
				end_tag(p);
				return n;
			}
		}
		p->j->line = line + (p->s.p[p->at] == '\n');
	}
	jinja_die(p->j, "'raw' has no 'endraw'");
}

static const struct {
	const char *name;
	struct node *(*parse)(struct parser *p);
} statements[] = {
	{"if", statement_if}, {"for", statement_for}, {"set", statement_set}, {"macro", statement_macro},
	{"call", statement_call}, {"filter", statement_filter}, {"generation", statement_generation},
	{"with", statement_with},
	{"break", statement_break}, {"continue", statement_continue}, {"raw", statement_raw},
};

/* Whether the word is one of those in a list divided by blanks. */
static bool
listed(jstr word, const char *list)
{
	for (; *list; list += strspn(list, " ")) {
		size_t n = strcspn(list, " "), i = 0;
		while (i < n && i < word.n && word.p[i] == (unsigned char)list[i])
			i++;
		if (i == n && i == word.n)
			return true;
		list += n;
	}
	return false;
}

static struct node *
statement(struct parser *p)
{
	jstr word = want_name(p);
	char name[32];
	size_t n = word.n < sizeof name - 1 ? word.n : sizeof name - 1;
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
		if (jstr_is(word, statements[i].name)) {
			deeper(p);
			struct node *s = statements[i].parse(p);
			p->nest--;
			return s;
		}
	for (size_t i = 0; i < n; i++)
		name[i] = word.p[i] < 0x7F ? (char)word.p[i] : '?';
	name[n] = '\0';
	jinja_die(p->j, "statement '%s' is not known here, or has no beginning", name);
}

/* Text up to the next tag, without what the tags around it take away; NULL: none. */
static struct node *
text(struct parser *p)
{
	size_t begin = p->at, lines = 0;
	while (p->at < p->s.n && !(lex_peek(p, 0) == '{' && (lex_peek(p, 1) == '{' || lex_peek(p, 1) == '%' || lex_peek(p, 1) == '#'))) {
		lines += p->s.p[p->at] == '\n';
		p->at++;
	}
	jstr s = jstr_cut(p->s, begin, p->at);
	if (p->at < p->s.n && lex_peek(p, 2) == '-' && !(lex_peek(p, 1) == '#' && lex_peek(p, 3) == '}'))
		s = jstr_strip(s, NULL, false, true);
	else if (p->at < p->s.n && lex_peek(p, 1) != '{' && lex_peek(p, 2) != '+') { /* lstrip_blocks */
		size_t blank = s.n;
		while (blank && s.p[blank - 1] != '\n' && ch_space(s.p[blank - 1]))
			blank--;
		if (blank ? s.p[blank - 1] == '\n' : p->line_start)
			s.n = blank;
	}
	if (p->strip)
		s = jstr_strip(s, NULL, true, false);
	p->j->line += lines;
	if (!s.n)
		return NULL;
	struct node *n = new_node(p, N_TEXT);
	n->s = s;
	return n;
}

/* Behind "{#". */
static void
comment(struct parser *p)
{
	for (; p->at < p->s.n && !(lex_peek(p, 0) == '#' && lex_peek(p, 1) == '}'); p->at++)
		p->j->line += p->s.p[p->at] == '\n';
	if (p->at == p->s.n)
		jinja_die(p->j, "a comment has no end");
	uint32_t sign = p->s.p[p->at - 1];
	p->at += 2;
	p->strip = sign == '-';
	p->line_start = false;
	if (sign != '-' && sign != '+' && lex_peek(p, 0) == '\n') {
		p->at++;
		p->j->line++;
		p->line_start = true;
	}
}

/* Statements up to one of `ends` ("" : the template's end), whose tag is then open. */
static struct node *
body(struct parser *p, const char *ends)
{
	struct node *list = NULL, **end = &list;
	deeper(p);
	for (;;) {
		struct node *n = text(p);
		if (n) {
			*end = n;
			end = &n->next;
		}
		if (p->at == p->s.n) {
			if (*ends)
				jinja_die(p->j, "one of '%s' is missing", ends);
			break;
		}
		uint32_t kind = lex_peek(p, 1);
		p->at += 2;
		if (kind == '#') {
			comment(p);
			continue;
		}
		p->at += lex_peek(p, 0) == '-' || lex_peek(p, 0) == '+';
		p->brackets = 0;
		lex_next(p);
		if (kind == '{') {
			n = new_node(p, N_OUTPUT);
			n->a = tuple(p);
			end_tag(p);
		} else if (p->tok == T_NAME && listed(p->text, ends)) {
			p->closing = p->text;
			lex_next(p);
			break;
		} else
			n = statement(p);
		*end = n;
		end = &n->next;
	}
	p->nest--;
	return list;
}

struct node *
jinja_parse_tree(struct jinja *j, jstr text)
{
	struct parser p = {.j = j, .line_start = true};
	uint32_t *s = tree_alloc(j, text.n + 1, sizeof *s);
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) /* "\r\n" and "\r" are newlines */
		if (text.p[i] != '\n' || !i || text.p[i - 1] != '\r')
			s[n++] = text.p[i] == '\r' ? '\n' : text.p[i];
	if (n && s[n - 1] == '\n')
		n--;
	p.s = (jstr){s, n};
	j->line = 1;
	return body(&p, "");
}
