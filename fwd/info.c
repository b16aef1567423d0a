/* info.c - what a model is; see info.h, llm-fwd(1). */
#include "info.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

/* A number that a model need not have. */
static void
put_number(struct bytes *out, const char *key, size_t n)
{
	if (n)
		bytes_print(out, "%s %zu\n", key, n);
}

static void
put_shape(const struct info *f, struct bytes *out)
{
	const struct shape *s = &f->m->shape;
	const struct weights *w = f->m->w;
	bytes_print(out, "format %s\n", w->gguf ? "GGUF" : w->folder ? "folder" : "llama2.c");
	bytes_print(out, "arch %s\n", f->m->arch->name);
	bytes_print(out, "layers %zu", s->n_layers);
	if (f->part->first > 0 || f->part->last < s->n_layers)
		bytes_print(out, " %zu:%zu", f->part->first, f->part->last);
	bytes_print(out, "\nwidth %zu\nheads %zu\nkv_heads %zu\nhead_width %zu\n", s->n_embd, s->n_heads, s->n_kv_heads,
		s->head_dim);
	put_number(out, "window", s->window);
	put_number(out, "ff_width", s->n_ff);
	put_number(out, "experts", s->n_experts);
	put_number(out, "experts_used", s->n_experts ? s->n_used : 0);
	put_number(out, "expert_width", s->n_experts ? s->n_ff_expert : 0);
	bytes_print(out, "context %zu\n", context_max(f->c));
}

static void
put_vocab(const struct info *f, struct bytes *out)
{
	size_t n;
	if (!f->v)
		return;
	bytes_print(out, "kind %s\n", vocab_kind(f->v));
	const uint32_t *eog = vocab_eog(f->v, &n);
	if (n)
		bytes_print(out, "eog");
	for (size_t i = 0; i < n; i++)
		bytes_print(out, " %u", eog[i]);
	bytes_print(out, "%stemplate %s\n", n ? "\n" : "", vocab_chat_template(f->v).p ? "yes" : "no");
}

/* Whether this part of the model works with a tensor. */
static bool
is_ours(const struct info *f, const struct tensor *t)
{
	const bool tied = f->m->out.w.data == f->m->embd.w.data;
	if (!strncmp(t->name, "blk.", 4)) {
		const size_t layer = strtoul(t->name + 4, NULL, 10);
		return layer >= f->part->first && layer < f->part->last;
	}
	if (!strncmp(t->name, "output", 6))
		return f->part->to == ROWS_LOGITS || (f->part->to == ROWS_EMBEDDING && !strncmp(t->name, "output_norm", 11));
	if (!strncmp(t->name, "token_embd.", 11) && tied && f->part->to == ROWS_LOGITS)
		return true;
	return !f->part->from_rows || !strstr(t->name, "_embd");
}

/* Numbers of a type of weights. */
struct share {
	uint32_t type;
	size_t numbers, bytes;
};

static int
by_bytes(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static void
put_types(const struct info *f, struct bytes *out)
{
	struct share share[T_COUNT] = {{0}}, all = {0};
	for (size_t i = 0; i < f->m->w->n_tensors; i++) {
		const struct tensor *t = f->m->w->tensors + i;
		if (!is_ours(f, t))
			continue;
		share[t->type].numbers += t->dim[0] * tensor_rows(t);
		share[t->type].bytes += tensor_row_bytes(t) * tensor_rows(t) + tensor_scale_bytes(t);
	}
	for (uint32_t i = 0; i < T_COUNT; i++) {
		share[i].type = i;
		all.numbers += share[i].numbers;
		all.bytes += share[i].bytes;
	}
	qsort(share, T_COUNT, sizeof *share, by_bytes);
	for (size_t i = 0; i < T_COUNT && share[i].numbers; i++)
		bytes_print(out, "type %s %zu %zu %.1f\n", tensor_format(share[i].type)->name, share[i].numbers, share[i].bytes,
			100 * (double)share[i].bytes / (double)all.bytes);
	bytes_print(out, "params %zu\nbytes %zu\n", all.numbers, all.bytes);
}

int
info(const struct info *f)
{
	const size_t each = context_token_bytes(f->c);
	struct bytes out = {NULL, 0, 0};
	char lines[ORIGIN_MAX];
	size_t all;
	bytes_add(&out, lines, origin_print(f->origin, "", lines, sizeof lines));
	put_shape(f, &out);
	put_vocab(f, &out);
	for (size_t i = 0; i < f->n_adapters; i++)
		bytes_print(&out, "adapter %g %zu %s\n", f->adapters[i].scale, f->adapters[i].a->n, f->adapters[i].path);
	put_types(f, &out);
	bytes_print(&out, "kv %s %zu\n", f->kv, each);
	if (mul_size(each, context_max(f->c), &all))
		put_number(&out, "kv_bytes", all);
	write_all(1, out.s, out.n, "stdout");
	close_out(1, "stdout");
	return 0;
}
