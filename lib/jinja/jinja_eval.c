/* jinja_eval.c - a template's tree, run; see jinja_impl.h. */
#include "jinja_impl.h"


#include <math.h>
#include <string.h>

static val eval(struct jinja *j, const struct node *n);
static void run(struct jinja *j, const struct node *list);
static val call_loop(struct jinja *j, const struct jinja_loop *loop, const struct args *a);

/* A name for a diagnostic. */
static const char *
shown(jstr s)
{
	static char buf[64];
	size_t n = s.n < sizeof buf - 1 ? s.n : sizeof buf - 1;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = ch_code(s.p[i]);
		buf[i] = c >= 0x20 && c < 0x7F ? (char)c : '?';
	}
	buf[n] = '\0';
	return buf;
}

/* Variables. */

static void
frame_push(struct jinja *j, struct frame *up)
{
	struct frame *f = jinja_alloc(j, 1, sizeof *f);
	f->up = up;
	j->frame = f;
}

static void
assign(struct jinja *j, jstr name, val v)
{
	dict_set(j, &j->frame->vars, val_str(name), v);
}

static val
lookup(struct jinja *j, jstr name)
{
	for (struct frame *f = j->frame; f; f = f->up) {
		val *v = dict_find(j, &f->vars, val_str(name));
		if (v)
			return *v;
	}
	if (function_known(name))
		return (val){.type = JINJA_FUNCTION, .s = name};
	return val_undefined();
}

/* Several targets take a list apart. */
static void
assign_to(struct jinja *j, const struct node *t, val v)
{
	if (t->kind == N_NAME) {
		assign(j, t->s, v);
		return;
	}
	if (t->kind == N_ATTR) {
		val ns = lookup(j, t->a->s);
		if (ns.type != JINJA_NAMESPACE)
			jinja_die(j, "'%s' is no namespace: its attributes cannot be set", shown(t->a->s));
		dict_set(j, ns.dict, val_str(t->s), v);
		return;
	}
	const struct jinja_list *l = val_iter(j, v);
	size_t n = 0;
	for (const struct node *part = t->args; part; part = part->next)
		n++;
	if (l->n != n)
		jinja_die(j, "%zu values for %zu names", l->n, n);
	n = 0;
	for (const struct node *part = t->args; part; part = part->next)
		assign_to(j, part, l->v[n++]);
}

/* Items and attributes. */

static size_t
index_in(int64_t i, size_t n)
{
	if (i < 0)
		i += (int64_t)n;
	return i < 0 || (size_t)i >= n ? SIZE_MAX : (size_t)i;
}

val
jinja_get(struct jinja *j, val v, val key)
{
	val *found;
	size_t at;
	int64_t i = key.type == JINJA_BOOL ? key.b : key.i;
	bool whole = key.type == JINJA_INT || key.type == JINJA_BOOL;
	switch (v.type) {
	case JINJA_UNDEFINED:
		jinja_die(j, "an item of an undefined value");
	case JINJA_DICT:
	case JINJA_NAMESPACE:
		found = dict_find(j, v.dict, key);
		return found ? *found : val_undefined();
	case JINJA_LIST:
		if (v.list->group && key.type == JINJA_STRING) /* of groupby */
			return jstr_is(key.s, "grouper") ? v.list->v[0] : jstr_is(key.s, "list") ? v.list->v[1] : val_undefined();
		at = whole ? index_in(i, v.list->n) : SIZE_MAX;
		return at == SIZE_MAX ? val_undefined() : v.list->v[at];
	case JINJA_STRING:
		at = whole ? index_in(i, v.s.n) : SIZE_MAX;
		return at == SIZE_MAX ? val_undefined() : val_str(jstr_cut(v.s, at, at + 1));
	case JINJA_LOOP:
		return key.type == JINJA_STRING ? loop_attribute(v.loop, key.s) : val_undefined();
	default:
		return val_undefined();
	}
}

val
jinja_attr(struct jinja *j, val v, jstr name)
{
	if (v.type == JINJA_UNDEFINED)
		jinja_die(j, "'%s' of an undefined value", shown(name));
	if (method_known(v, name)) /* methods that change a value are not there */
		return method_changes(v, name) ? val_undefined() : (val){.type = JINJA_FUNCTION, .s = name};
	return jinja_get(j, v, val_str(name));
}

/* An end of a slice, moved into [low, high]. */
static int64_t
bound(struct jinja *j, const struct node *n, int64_t missing, int64_t len, int64_t low, int64_t high)
{
	val v = n ? eval(j, n) : jinja_none();
	if (v.type == JINJA_NONE)
		return missing;
	if (v.type != JINJA_INT)
		jinja_die(j, "a slice from or to %s", val_kind(v));
	int64_t i = v.i < 0 ? v.i + len : v.i;
	return i < low ? low : i > high ? high : i;
}

static val
slice(struct jinja *j, const struct node *n)
{
	val v = eval(j, n->a), step = n->d ? eval(j, n->d) : val_int(1);
	if (v.type != JINJA_STRING && v.type != JINJA_LIST)
		jinja_die(j, "a slice of %s", val_kind(v));
	if (step.type == JINJA_NONE)
		step = val_int(1);
	if (step.type != JINJA_INT || !step.i || step.i > INT32_MAX || step.i < -INT32_MAX)
		jinja_die(j, "a slice's step is a whole number, not 0");
	const int64_t len = (int64_t)val_length(j, v), down = step.i < 0;
	int64_t from = bound(j, n->b, down ? len - 1 : 0, len, down ? -1 : 0, down ? len - 1 : len);
	int64_t to = bound(j, n->c, down ? -1 : len, len, down ? -1 : 0, down ? len - 1 : len);
	if (v.type == JINJA_STRING && step.i == 1)
		return val_str(from < to ? jstr_cut(v.s, (size_t)from, (size_t)to) : (jstr){v.s.p, 0});
	struct text t = {NULL, 0, 0};
	val out = val_list(j);
	for (int64_t i = from; down ? i > to : i < to; i += step.i)
		if (v.type == JINJA_STRING)
			text_put(j, &t, v.s.p + i, 1);
		else
			jinja_push(j, out, v.list->v[i]);
	if (v.type == JINJA_STRING)
		return val_str((jstr){t.p, t.n});
	out.list->tuple = v.list->tuple;
	return out;
}

/* Arithmetic. */

static val
repeat(struct jinja *j, val v, int64_t times)
{
	struct text t = {NULL, 0, 0};
	val out = val_list(j);
	size_t n = val_length(j, v);
	if (times > STEPS_MAX)
		jinja_die(j, "something is repeated too often");
	for (int64_t i = 0; n && i < times; i++) {
		jinja_work(j, 1 + n / 16);
		if (v.type == JINJA_STRING)
			text_put(j, &t, v.s.p, n);
		else
			for (size_t k = 0; k < n; k++)
				jinja_push(j, out, v.list->v[k]);
	}
	return v.type == JINJA_STRING ? val_str((jstr){t.p, t.n}) : out;
}

/* Python's // and %: towards minus infinity. */
static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t
int_pow(int64_t x, int64_t n)
{
	int64_t r = 1;
	if (x >= -1 && x <= 1)
		return n == 0 || (x == -1 && n % 2 == 0) ? 1 : x;
	for (; n > 0; n--) /* it was seen to fit */
		r *= x;
	return r;
}

static val
arithmetic(struct jinja *j, int op, val a, val b)
{
	double x, y, r = 0;
	if (!val_number(a, &x) || !val_number(b, &y))
		jinja_die(j, "%s and %s cannot be calculated with", val_kind(a), val_kind(b));
	if ((op == '/' || op == OP_FLOORDIV || op == '%') && y == 0)
		jinja_die(j, "a division by zero");
	r = op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : op == OP_POW ? pow(x, y) :
		op == '/' ? x / y : op == OP_FLOORDIV ? floor(x / y) : x - floor(x / y) * y;
	if (a.type == JINJA_FLOAT || b.type == JINJA_FLOAT || op == '/' || (op == OP_POW && y < 0))
		return val_float(r);
	if (!(fabs(x) < 0x1p62 && fabs(y) < 0x1p62 && fabs(r) < 0x1p62))
		jinja_die(j, "a number is too large");
	int64_t i = a.type == JINJA_BOOL ? a.b : a.i, k = b.type == JINJA_BOOL ? b.b : b.i;
	return val_int(op == '+' ? i + k : op == '-' ? i - k : op == '*' ? i * k : op == OP_FLOORDIV ? floor_div(i, k) :
		op == '%' ? i - floor_div(i, k) * k : int_pow(i, k));
}

static val
join(struct jinja *j, val a, val b)
{
	struct text t = {NULL, 0, 0};
	val_print(j, &t, a);
	val_print(j, &t, b);
	return val_str((jstr){t.p, t.n});
}

val
jinja_add(struct jinja *j, val a, val b)
{
	if (a.type == JINJA_STRING && b.type == JINJA_STRING)
		return join(j, a, b);
	if (a.type != JINJA_LIST || b.type != JINJA_LIST)
		return arithmetic(j, '+', a, b);
	val out = val_list(j);
	for (size_t i = 0; i < a.list->n + b.list->n; i++)
		jinja_push(j, out, i < a.list->n ? a.list->v[i] : b.list->v[i - a.list->n]);
	out.list->tuple = a.list->tuple;
	return out;
}

static val
binary(struct jinja *j, const struct node *n)
{
	val a = eval(j, n->a), b = eval(j, n->b);
	if (n->op == '~')
		return join(j, a, b);
	if (n->op == '+')
		return jinja_add(j, a, b);
	if (n->op == '*' && (a.type == JINJA_STRING || a.type == JINJA_LIST) && (b.type == JINJA_INT || b.type == JINJA_BOOL))
		return repeat(j, a, want_int(j, &b, 0, "*"));
	if (n->op == '*' && (b.type == JINJA_STRING || b.type == JINJA_LIST) && (a.type == JINJA_INT || a.type == JINJA_BOOL))
		return repeat(j, b, want_int(j, &a, 0, "*"));
	if (n->op == '%' && a.type == JINJA_STRING)
		return string_percent(j, a.s, b);
	return arithmetic(j, n->op, a, b);
}

static bool
holds(struct jinja *j, int op, val a, val b)
{
	switch (op) {
	case OP_EQ:
		return val_eq(j, a, b);
	case OP_NE:
		return !val_eq(j, a, b);
	case OP_IN:
		return val_in(j, a, b);
	case OP_NOT_IN:
		return !val_in(j, a, b);
	case '<':
		return val_cmp(j, a, b) < 0;
	case '>':
		return val_cmp(j, a, b) > 0;
	case OP_LE:
		return val_cmp(j, a, b) <= 0;
	default:
		return val_cmp(j, a, b) >= 0;
	}
}

static val
compare(struct jinja *j, const struct node *n)
{
	val a = eval(j, n->a);
	for (const struct node *c = n->args; c; c = c->next) {
		val b = eval(j, c->a);
		if (!holds(j, c->op, a, b))
			return jinja_bool(false);
		a = b;
	}
	return jinja_bool(true);
}

/* Calls. */

static void
push_arg(struct jinja *j, struct args *a, jstr name, val v)
{
	enum { MAX = sizeof a->v / sizeof *a->v };
	if ((name.n ? a->n_named : a->n) == MAX)
		jinja_die(j, "more than %d arguments", MAX);
	for (size_t k = 0; name.n && k < a->n_named; k++)
		if (jstr_eq(a->name[k], name))
			jinja_die(j, "argument '%s' is given twice", shown(name));
	if (name.n) {
		a->name[a->n_named] = name;
		a->named[a->n_named++] = v;
	} else
		a->v[a->n++] = v;
}

static struct args
eval_args(struct jinja *j, const struct node *list)
{
	struct args a = {.n = 0};
	for (; list; list = list->next) {
		val v = eval(j, list->a);
		const struct jinja_list *l = list->op == '*' ? val_iter(j, v) : NULL;
		if (!list->op)
			push_arg(j, &a, list->s, v);
		for (size_t i = 0; l && i < l->n; i++)
			push_arg(j, &a, (jstr){NULL, 0}, l->v[i]);
		if (list->op != OP_POW)
			continue;
		if (v.type != JINJA_DICT)
			jinja_die(j, "what stands behind ** is %s and no dict", val_kind(v));
		for (size_t i = 0; i < v.dict->n; i++)
			push_arg(j, &a, want_str(j, v.dict->key + i, "**"), v.dict->v[i]);
	}
	return a;
}

/* What is printed while a body runs. */
static jstr
capture(struct jinja *j, const struct node *body)
{
	struct text t = {NULL, 0, 0}, *before = j->out;
	j->out = &t;
	run(j, body);
	j->out = before;
	return (jstr){t.p, t.n};
}

/* The arguments that no parameter took go where the macro's body asks for them. */
static void
bind_rest(struct jinja *j, const struct node *m, const struct args *a, size_t i, const bool *used)
{
	val rest = val_list(j), named = jinja_dict(j);
	rest.list->tuple = true;
	for (; i < a->n; i++)
		jinja_push(j, rest, a->v[i]);
	for (size_t k = 0; k < a->n_named; k++)
		if (used[k])
			continue;
		else if (m->op & TAKES_CALLER && jstr_is(a->name[k], "caller"))
			assign(j, a->name[k], a->named[k]);
		else
			dict_set(j, named.dict, val_str(a->name[k]), a->named[k]);
	if (m->op & TAKES_VARARGS)
		assign(j, jstr_of(j, "varargs"), rest);
	if (m->op & TAKES_KWARGS)
		assign(j, jstr_of(j, "kwargs"), named);
	if ((rest.list->n && !(m->op & TAKES_VARARGS)) || (named.dict->n && !(m->op & TAKES_KWARGS)))
		jinja_die(j, "macro '%s' has no place for all arguments", shown(m->s));
}

static void
bind_parameters(struct jinja *j, const struct node *m, const struct args *a)
{
	size_t i = 0;
	bool used[sizeof a->named / sizeof *a->named] = {false};
	for (const struct node *p = m->args; p; p = p->next, i++) {
		const val *v = i < a->n ? a->v + i : NULL;
		for (size_t k = 0; k < a->n_named; k++)
			if (jstr_eq(a->name[k], p->s)) {
				if (v)
					jinja_die(j, "argument '%s' is given twice", shown(p->s));
				v = a->named + k;
				used[k] = true;
			}
		assign(j, p->s, v ? *v : p->a ? eval(j, p->a) : val_undefined());
	}
	bind_rest(j, m, a, i, used);
}

val
jinja_call_macro(struct jinja *j, struct jinja_macro *m, const struct args *a)
{
	struct frame *before = j->frame;
	frame_push(j, m->frame);
	bind_parameters(j, m->node, a);
	jstr s = capture(j, m->node->b);
	j->flow = RUNS;
	j->frame = before;
	return val_str(s);
}

static val
call_value(struct jinja *j, val f, const struct args *a, jstr name)
{
	if (f.type == JINJA_MACRO)
		return jinja_call_macro(j, f.macro, a);
	if (f.type == JINJA_FUNCTION)
		return call_function(j, f.s, a);
	if (f.type == JINJA_LOOP)
		return call_loop(j, f.loop, a);
	jinja_die(j, "'%s' is %s and cannot be called", shown(name), val_kind(f));
}

static val
call_node(struct jinja *j, const struct node *n, struct args *a)
{
	if (n->a->kind == N_ATTR) {
		val self = eval(j, n->a->a);
		j->at = n;
		if (method_known(self, n->a->s))
			return call_method(j, self, n->a->s, a);
		return call_value(j, jinja_attr(j, self, n->a->s), a, n->a->s);
	}
	return call_value(j, eval(j, n->a), a, n->a->kind == N_NAME ? n->a->s : (jstr){NULL, 0});
}

static val
macro(struct jinja *j, const struct node *n)
{
	val v = {.type = JINJA_MACRO, .macro = jinja_alloc(j, 1, sizeof *v.macro)};
	v.macro->node = n;
	v.macro->frame = j->frame;
	return v;
}

static val
collection(struct jinja *j, const struct node *n)
{
	val v = n->kind == N_DICT ? jinja_dict(j) : val_list(j);
	for (const struct node *c = n->args; c; c = c->next) {
		val x = eval(j, c->a);
		if (n->kind == N_DICT) {
			c = c->next;
			dict_set(j, v.dict, x, eval(j, c->a));
		} else
			jinja_push(j, v, x);
	}
	if (n->kind == N_TUPLE)
		v.list->tuple = true;
	return v;
}

val
jinja_negate(struct jinja *j, val v)
{
	if (v.type == JINJA_FLOAT)
		return val_float(-v.f);
	return arithmetic(j, '-', val_int(0), v);
}

static val
eval_deeper(struct jinja *j, const struct node *n)
{
	struct args a;
	val v;
	switch (n->kind) {
	case N_LITERAL:
		return n->v;
	case N_NAME:
		return lookup(j, n->s);
	case N_LIST:
	case N_TUPLE:
	case N_DICT:
		return collection(j, n);
	case N_NEGATE:
		return jinja_negate(j, eval(j, n->a));
	case N_NOT:
		return jinja_bool(!val_true(eval(j, n->a)));
	case N_BINARY:
		return binary(j, n);
	case N_AND:
		v = eval(j, n->a);
		return val_true(v) ? eval(j, n->b) : v;
	case N_OR:
		v = eval(j, n->a);
		return val_true(v) ? v : eval(j, n->b);
	case N_COMPARE:
		return compare(j, n);
	case N_COND:
		return val_true(eval(j, n->b)) ? eval(j, n->a) : n->c ? eval(j, n->c) : val_undefined();
	case N_ATTR:
		v = eval(j, n->a);
		j->at = n;
		return jinja_attr(j, v, n->s);
	case N_INDEX:
		v = eval(j, n->a);
		return jinja_get(j, v, eval(j, n->b));
	case N_SLICE:
		return slice(j, n);
	case N_CALL:
		a = eval_args(j, n->args);
		return call_node(j, n, &a);
	case N_FILTER:
		v = eval(j, n->a);
		a = eval_args(j, n->args);
		j->at = n;
		return call_filter(j, n->s, v, &a);
	case N_TEST:
		v = eval(j, n->a);
		a = eval_args(j, n->args);
		j->at = n;
		return jinja_bool(call_test(j, n->s, v, &a) != (n->op != 0));
	case N_CAPTURED:
		return j->captured;
	default:
		jinja_die(j, "this is no expression");
	}
}

static val
eval(struct jinja *j, const struct node *n)
{
	const struct node *before = j->at;
	j->at = n;
	jinja_work(j, 1);
	if (++j->depth > DEPTH_MAX)
		jinja_die(j, "nested more than %d deep", DEPTH_MAX);
	val v = eval_deeper(j, n);
	j->depth--;
	j->at = before;
	return v;
}

/* Statements. */

/* What passes the loop's own "if". */
static struct jinja_list *
chosen(struct jinja *j, const struct node *n, val in)
{
	struct jinja_list *all = val_iter(j, in), *some;
	if (!n->b)
		return all;
	some = val_list(j).list;
	for (size_t i = 0; i < all->n; i++) {
		struct frame *before = j->frame;
		frame_push(j, before);
		assign_to(j, n->args, all->v[i]);
		if (val_true(eval(j, n->b)))
			list_push(j, some, all->v[i]);
		j->frame = before;
	}
	return some;
}

/* The body for each of l; depth: how many loops called this one. */
static void
run_rounds(struct jinja *j, const struct node *n, const struct jinja_list *l, size_t depth)
{
	struct frame *before = j->frame;
	struct jinja_loop *loop = jinja_alloc(j, 1, sizeof *loop);
	bool whole = false; /* whether a run of the body came to its end: "else" asks that */
	*loop = (struct jinja_loop){.node = n, .around = before, .list = l, .depth = depth};
	for (; loop->i < l->n && j->flow != BREAKS; loop->i++) {
		j->flow = RUNS;
		frame_push(j, before);
		assign(j, jstr_of(j, "loop"), (val){.type = JINJA_LOOP, .loop = loop});
		assign_to(j, n->args, l->v[loop->i]);
		run(j, n->c);
		whole |= j->flow == RUNS;
	}
	j->frame = before;
	j->flow = RUNS;
	if (whole)
		return;
	frame_push(j, before);
	run(j, n->d);
	j->frame = before;
}

/* loop(values): the same loop over them, within itself. */
static val
call_loop(struct jinja *j, const struct jinja_loop *loop, const struct args *a)
{
	if (a->n != 1)
		jinja_die(j, "loop wants what to go through");
	struct frame *before = j->frame;
	struct text t = {NULL, 0, 0}, *out = j->out;
	j->frame = loop->around;
	j->out = &t;
	run_rounds(j, loop->node, chosen(j, loop->node, a->v[0]), loop->depth + 1);
	j->out = out;
	j->frame = before;
	return val_str((jstr){t.p, t.n});
}

/* The output of a body through the filters of its tag. */
static val
filtered(struct jinja *j, const struct node *n)
{
	struct frame *before = j->frame;
	val outer = j->captured;
	frame_push(j, before);
	jstr s = capture(j, n->b);
	j->frame = before;
	j->captured = val_str(s);
	val v = eval(j, n->a);
	j->captured = outer;
	return v;
}

static void
run_call_block(struct jinja *j, const struct node *n)
{
	struct args a = eval_args(j, n->a->args);
	push_arg(j, &a, jstr_of(j, "caller"), macro(j, n));
	val_print(j, j->out, call_node(j, n->a, &a));
}

static void
run_with(struct jinja *j, const struct node *n)
{
	struct frame *before = j->frame, *inner;
	frame_push(j, before);
	inner = j->frame;
	for (const struct node *set = n->args; set; set = set->next) {
		j->frame = before;
		val v = eval(j, set->a);
		j->frame = inner;
		assign_to(j, set->args, v);
	}
	j->frame = inner;
	run(j, n->b);
	j->frame = before;
}

static void
run_one(struct jinja *j, const struct node *n)
{
	switch (n->kind) {
	case N_TEXT:
		text_put(j, j->out, n->s.p, n->s.n);
		break;
	case N_OUTPUT:
		val_print(j, j->out, eval(j, n->a));
		break;
	case N_IF:
		run(j, val_true(eval(j, n->a)) ? n->b : n->c);
		break;
	case N_FOR:
		run_rounds(j, n, chosen(j, n, eval(j, n->a)), 0);
		break;
	case N_SET:
		assign_to(j, n->args, eval(j, n->a));
		break;
	case N_SET_BLOCK:
		assign_to(j, n->args, filtered(j, n));
		break;
	case N_MACRO:
		assign(j, n->s, macro(j, n));
		break;
	case N_CALL_BLOCK:
		run_call_block(j, n);
		break;
	case N_FILTER_BLOCK:
		val_print(j, j->out, filtered(j, n));
		break;
	case N_WITH:
		run_with(j, n);
		break;
	case N_BREAK:
		j->flow = BREAKS;
		break;
	case N_CONTINUE:
		j->flow = CONTINUES;
		break;
	default:
		jinja_die(j, "this is no statement");
	}
}

static void
run(struct jinja *j, const struct node *list)
{
	if (++j->depth > DEPTH_MAX)
		jinja_die(j, "nested more than %d deep", DEPTH_MAX);
	for (; list && j->flow == RUNS; list = list->next) {
		j->at = list;
		jinja_work(j, 1);
		run_one(j, list);
	}
	j->depth--;
}

struct jinja *
jinja_parse(const char *name, const char *text, size_t n)
{
	struct jinja *j = xcalloc(1, sizeof *j);
	j->name = name;
	j->root = jinja_parse_tree(j, jstr_decode(j, text, n, false, true));
	return j;
}

jstr
jinja_render(struct jinja *j, val variables)
{
	struct text out = {NULL, 0, 0};
	j->steps = 0;
	j->depth = 0;
	j->flow = RUNS;
	j->frame = NULL;
	frame_push(j, NULL);
	j->frame->vars = *variables.dict;
	frame_push(j, j->frame);
	j->out = &out;
	run(j, j->root);
	j->at = NULL;
	return (jstr){out.p, out.n};
}

void
jinja_reset(struct jinja *j)
{
	for (struct chunk *c = j->values; c; c = c->next)
		j->memory -= c->size;
	chunks_free(&j->values);
}

void
jinja_free(struct jinja *j)
{
	chunks_free(&j->values);
	chunks_free(&j->tree);
	xfree(j);
}
