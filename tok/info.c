/* info.c - what a vocabulary is; see info.h, llm-tok(1). */
#include "info.h"

#include "stream/tokens.h"
#include "text.h"

/* The names of enum piece_type. */
static const char *const types[] = {
	[PIECE_NORMAL] = "normal", [PIECE_UNKNOWN] = "unknown", [PIECE_CONTROL] = "control", [PIECE_USER] = "user",
	[PIECE_UNUSED] = "unused", [PIECE_BYTE] = "byte",
};
enum { N_TYPES = sizeof types / sizeof *types };

static void
put_counts(const struct vocab *v, struct bytes *out)
{
	uint32_t count[N_TYPES] = {0};
	for (uint32_t id = 0; id < vocab_size(v); id++)
		count[vocab_type(v, id)]++;
	for (size_t i = PIECE_NORMAL; i < N_TYPES; i++)
		bytes_print(out, "%s %u\n", types[i], count[i]);
}

/* "bos,eos", or "-". */
static void
put_uses(const struct vocab *v, uint32_t id, struct bytes *out)
{
	const struct {
		const char *name;
		bool is;
	} uses[] = {
		{"bos", vocab_bos(v) == (int64_t)id},
		{"eos", vocab_eos(v) == (int64_t)id},
		{"unk", vocab_unk(v) == (int64_t)id},
		{"eog", vocab_is_eog(v, id)},
	};
	const size_t before = out->n;
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (uses[i].is)
			bytes_print(out, "%s%s", out->n > before ? "," : "", uses[i].name);
	if (out->n == before)
		bytes_add(out, "-", 1);
}

static bool
is_special(const struct vocab *v, uint32_t id)
{
	const enum piece_type t = vocab_type(v, id);
	return t == PIECE_CONTROL || t == PIECE_USER || t == PIECE_UNKNOWN || vocab_is_eog(v, id);
}

static void
put_specials(const struct vocab *v, struct bytes *out)
{
	bytes_print(out, "# id\ttype\tuse\tpiece\n");
	for (uint32_t id = 0; id < vocab_size(v); id++) {
		size_t n;
		if (!is_special(v, id))
			continue;
		const char *piece = vocab_spelling(v, id, &n);
		bytes_print(out, "%u\t%s\t", id, types[vocab_type(v, id)]);
		put_uses(v, id, out);
		bytes_add(out, "\t", 1);
		bytes_escape(out, piece, n);
		bytes_add(out, "\n", 1);
	}
}

int
info(const struct vocab *v, const char *path)
{
	const struct str pre = vocab_pre(v);
	const struct origin o = {(char *)path, vocab_size(v), true, vocab_fingerprint(v)};
	struct bytes out = {NULL, 0, 0};
	char lines[ORIGIN_MAX];
	bytes_add(&out, lines, origin_print(&o, "", lines, sizeof lines));
	bytes_print(&out, "kind %s\n", vocab_kind(v));
	if (pre.n)
		bytes_print(&out, "pre %.*s\n", (int)pre.n, pre.p);
	put_counts(v, &out);
	if (vocab_bos(v) >= 0)
		bytes_print(&out, "bos %d\n", (int)vocab_bos(v));
	bytes_print(&out, "template %s\n\n", vocab_chat_template(v).p ? "yes" : "no");
	put_specials(v, &out);
	write_all(1, out.s, out.n, "stdout");
	close_out(1, "stdout");
	return 0;
}
