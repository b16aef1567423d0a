/* adapter.c - low-rank adapters; see adapter.h. */
#include "adapter.h"

#include "adapter_peft.h"
#include "folder.h"
#include "gguf.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* "<folder>/<name>" as long as the process lives. */
static const char *
path_in(const char *folder, const char *name)
{
	const size_t n = strlen(folder) + strlen(name) + 2;
	char *path = xreallocarray(NULL, n, 1);
	snprintf(path, n, "%s%s%s", folder, *folder && folder[strlen(folder) - 1] == '/' ? "" : "/", name);
	return path;
}

/* Types in blocks meet inputs in blocks; what is added to a product must not lose that much. */
static void
make_floats(const char *path, struct tensor *t)
{
	size_t bytes;
	if (!tensor_readable(t))
		die("%s: tensor %s is %s (type %u), which this version cannot read", path, t->name,
			tensor_format(t->type)->name, t->type);
	if (tensor_format(t->type)->block == 1)
		return;
	if (!mul_size(t->dim[0], sizeof(float), &bytes))
		die("out of memory");
	float *x = xreallocarray(NULL, tensor_rows(t), bytes);
	for (size_t r = 0; r < tensor_rows(t); r++)
		tensor_unpack(t, r, x + r * t->dim[0]);
	t->data = (const unsigned char *)x;
	t->type = T_F32;
}

/* The matrices of a pair fit each other. */
static void
check(const struct adapter *a, struct factors *f)
{
	const bool embedding = !strcmp(f->name, "token_embd.weight");
	if (f->a.dim[embedding ? 0 : 1] != f->b.dim[0] || f->a.dim[2] != f->b.dim[2] || f->a.dim[3] != 1 || f->b.dim[3] != 1)
		die("%s: the two matrices for tensor %s are %zu x %zu x %zu and %zu x %zu x %zu: no common rank", a->path,
			f->name, f->a.dim[0], f->a.dim[1], f->a.dim[2], f->b.dim[0], f->b.dim[1], f->b.dim[2]);
	if (!(fabsf(f->scale) <= FLT_MAX))
		die("%s: tensor %s: alpha is no number to multiply by", a->path, f->name);
	make_floats(a->path, &f->a);
	make_floats(a->path, &f->b);
}

/* For a diagnostic: a string of the file, or "". */
static const char *
shown(struct str s)
{
	static char text[65];
	snprintf(text, sizeof text, "%.*s", (int)(s.n < 64 ? s.n : 64), s.p ? s.p : "");
	return text;
}

/* Whether it is an adapter of this kind, for a base like this one. */
static void
check_kind(const struct gguf *g, const struct weights *base)
{
	const char *path = g->map.path;
	const struct str type = gguf_str(g, "general.type"), kind = gguf_str(g, "adapter.type"),
		arch = gguf_str(g, "general.architecture");
	if (!str_is(type, "adapter"))
		die("%s: not an adapter: its 'general.type' is %s%s", path, type.p ? "" : "missing", shown(type));
	if (!str_is(kind, "lora"))
		die("%s: 'adapter.type' is '%s'; 'lora' is known", path, shown(kind));
	if (!str_is(arch, base->arch))
		die("%s: an adapter for architecture '%s', and %s is '%s'", path, shown(arch), base->path, base->arch);
	if (gguf_get(g, "adapter.alora.invocation_tokens"))
		die("%s: 'adapter.alora.invocation_tokens': adapters that begin at a token are not supported", path);
}

/* Whether the tensor's name is the pair's, ".lora_a" or ".lora_b" behind it. */
static bool
is_part(const struct factors *f, const struct tensor *t, const char *end)
{
	const size_t n = strlen(f->name);
	return !strncmp(t->name, f->name, n) && !strcmp(t->name + n, end);
}

/* Pairs stand side by side, since tensors are sorted. */
static void
read_gguf(struct adapter *a, const struct gguf *g, const struct weights *base)
{
	check_kind(g, base);
	const double alpha = gguf_float(g, "adapter.lora.alpha", 0);
	a->f = xcalloc(g->n_tensors, sizeof *a->f);
	for (size_t i = 0; i < g->n_tensors; i += 2) {
		const struct tensor *t = g->tensors + i;
		struct factors *f = a->f + a->n++;
		const size_t n = strlen(t->name), tail = strlen(".lora_a");
		if (n <= tail || (strcmp(t->name + n - tail, ".lora_a") && strcmp(t->name + n - tail, ".lora_b")))
			die("%s: tensor %s is neither '.lora_a' nor '.lora_b': matrices alone can be adapted", a->path, t->name);
		memcpy(f->name, t->name, n - tail);
		if (i + 1 == g->n_tensors || !is_part(f, t, ".lora_a") || !is_part(f, t + 1, ".lora_b"))
			die("%s: tensor %s: its other half is missing", a->path, t->name);
		f->a = t[0];
		f->b = t[1];
		f->scale = (float)(alpha != 0 ? alpha / (double)f->b.dim[0] : 1);
		check(a, f);
	}
}

static int
by_name(const void *x, const void *y)
{
	return strcmp(((const struct factors *)x)->name, ((const struct factors *)y)->name);
}

struct adapter *
adapter_read(const char *path, struct map file, struct map config, const struct weights *base)
{
	struct adapter *a = xcalloc(1, sizeof *a);
	a->path = path;
	a->peft = config.data != NULL;
	if (a->peft) {
		peft_read(a, file, config, base);
		for (size_t i = 0; i < a->n; i++)
			check(a, a->f + i);
	} else {
		struct gguf *g = gguf_read(file);
		read_gguf(a, g, base);
		gguf_free(g);
	}
	if (!a->n)
		die("%s: an adapter without matrices", path);
	qsort(a->f, a->n, sizeof *a->f, by_name);
	for (size_t i = 1; i < a->n; i++)
		if (by_name(a->f + i - 1, a->f + i) == 0)
			die("%s: two pairs of matrices for what GGUF calls %s", path, a->f[i].name);
	return a;
}

struct adapter *
adapter_open(const char *path, const struct weights *base)
{
	struct stat st;
	struct map m = {.data = NULL};
	if (!folder_is(path)) {
		m = map_file(path);
		if (!gguf_is(m))
			die("%s: not an adapter: neither a GGUF file nor a folder of PEFT", path);
		return adapter_read(path, m, (struct map){.data = NULL}, base);
	}
	const char *config = path_in(path, "adapter_config.json"), *file = path_in(path, "adapter_model.safetensors");
	if (stat(config, &st) < 0)
		die("%s: a folder without adapter_config.json: not an adapter of PEFT", path);
	if (stat(file, &st) < 0)
		die("%s: no adapter_model.safetensors in this folder (an adapter_model.bin must be converted)", path);
	return adapter_read(path, map_file(file), map_file(config), base);
}

const struct factors *
adapter_get(const struct adapter *a, const char *name)
{
	struct factors want;
	if (strlen(name) >= sizeof want.name)
		return NULL;
	strcpy(want.name, name);
	return bsearch(&want, a->f, a->n, sizeof *a->f, by_name);
}
