/* llm-detok - token ids to text. See llm-detok(1). */
#include "compat.h"
#include "figures.h"
#include "model.h"
#include "paint.h"
#include "unicode/unicode.h"
#include "vocab/vocab.h"

#include <string.h>
#include <unistd.h>

const char progname[] = "llm-detok";
const char usage_text[] =
	"usage: llm-detok [-Csvz] [model]\n"
	"Read lines of token ids (llm-tokens(5)), write the text they stand for.\n"
	"  -C  on a terminal: colours by how much each token surprised the model\n"
	"  -s  show control tokens as they are spelled\n"
	"  -v  say on stderr what each line took\n"
	"  -z  end records with NUL, not with newline\n"
	"  -h  this help    -V  the version\n";

/* What an id stands for, if it is short and the same wherever it stands. */
enum { SHORT = 15 };
struct short_text {
	char text[SHORT];
	unsigned char size;	/* bytes + 1; 0: not known */
};

struct detok {
	struct token_reader r;
	const char *operand;	/* model on the command line, or NULL */
	const char *path;	/* of v */
	struct vocab *v;	/* NULL until the first line needs it: a header may come */
	uint32_t n_vocab;	/* its pieces */
	bool special;
	struct paint *paint;	/* NULL: no colours */
	char end;		/* of a record */
	bool prefix;		/* no text on this line yet: a dummy space is to be dropped */
	struct short_text *known;	/* of each id */
	char *out;		/* text not yet written */
	size_t n, cap;
	struct figures *figures;	/* or NULL */
	struct turn_figures turn;
	uint32_t sequence;
	bool filled;		/* the sequence has had a line */
	size_t on_line;		/* ids of this one so far */
};

static void
flush(struct detok *d, size_t keep)
{
	size_t n = d->n - keep;
	if (!n)
		return;
	write_all(1, d->out, n, "stdout");
	memmove(d->out, d->out + n, keep);
	d->n = keep;
}

/* For n bytes more. */
static void
make_room(struct detok *d, size_t n)
{
	enum { FULL = 1 << 16 };
	if (d->n > FULL)
		flush(d, utf8_incomplete(d->out, d->n));
	if (d->cap - d->n < n)
		d->out = grow(d->out, &d->cap, d->n + n, 1);
}

static void
put(struct detok *d, const char *text, size_t n)
{
	make_room(d, n);
	if (n)
		memcpy(d->out + d->n, text, n);
	d->n += n;
}

/* A header line came, perhaps in mid-stream, where streams were joined. */
static void
check_vocab(struct detok *d)
{
	if (!d->v)
		return;
	struct origin ours = {(char *)d->path, vocab_size(d->v), true, vocab_fingerprint(d->v)};
	origin_check(&d->r.origin, &ours, d->r.name);
}

/* Open the vocabulary, now that the header has been read or there is none. */
static void
need_vocab(struct detok *d)
{
	if (d->v)
		return;
	const char *named = d->r.origin.model;
	d->path = d->operand || !named ? model_path(d->operand) : xstrdup(named);
	d->v = vocab_open(d->path);
	d->prefix = vocab_space_prefix(d->v);
	d->n_vocab = vocab_size(d->v);
	d->known = xcalloc(d->n_vocab, sizeof *d->known);
	check_vocab(d);
}

/* Before input is waited for: write what is ready, but never half a character; and
 * when the header is all there is, use the time to open the vocabulary. */
static void
idle(void *arg)
{
	struct detok *d = arg;
	if (d->r.origin.n_vocab)
		need_vocab(d);
	flush(d, utf8_incomplete(d->out, d->n));
}

/* The first of some that were read. */
static _Noreturn void
unknown_id(const struct detok *d, const uint32_t *ids, size_t n)
{
	size_t line = d->r.line;
	for (size_t i = 0; i < n; i++)
		line -= ids[i] == TOKEN_EOL;
	die("%s: line %zu: token id %u is not in the vocabulary of %u pieces (%s)", d->r.name, line, ids[0], d->n_vocab, d->path);
}

/* Of an id below n_vocab. */
static void
put_id(struct detok *d, uint32_t id)
{
	struct short_text *known = d->known + id;
	size_t n;
	const bool stays = !d->prefix && vocab_text_stays(d->v, id);
	const char *text = vocab_line_text(d->v, id, d->special, &d->prefix, &n);
	d->on_line++;
	if (stays && n <= SHORT) {
		known->size = (unsigned char)(n + 1);
		memcpy(known->text, text, n);
	}
	if (d->paint) {
		const struct str s = paint_text(d->paint, text, n, d->r.note);
		put(d, s.p, s.n);
	} else
		put(d, text, n);
}

/* The texts of the first of these ids, as far as they are known and stay the same; how many. */
static size_t
put_known(struct detok *d, const uint32_t *ids, size_t n)
{
	size_t i = 0;
	if (d->prefix || d->paint)
		return 0;
	make_room(d, n * sizeof *d->known);
	char *to = d->out + d->n;
	for (; i < n && ids[i] < d->n_vocab && d->known[ids[i]].size; i++) {
		memcpy(to, d->known + ids[i], sizeof *d->known);
		to += d->known[ids[i]].size - 1u;
	}
	d->n = (size_t)(to - d->out);
	d->on_line += i;
	return i;
}

/* `cut`: by the end of the stream. */
static void
end_line(struct detok *d, bool cut)
{
	if (d->paint) { /* half a character */
		const struct str s = paint_rest(d->paint);
		put(d, s.p, s.n);
	}
	if (!cut)
		put(d, &d->end, 1);
	d->prefix = vocab_space_prefix(d->v);
	d->sequence += d->filled && !d->on_line;
	d->filled = d->on_line;
	d->on_line = 0;
	if (d->turn.begun)
		flush(d, 0);
	figures_end(d->figures, &d->turn, d->sequence);
}

/* What follows, some at a time: memory is slow to answer. Where it is timed, one at a time. */
static void
put_plain(struct detok *d)
{
	enum { SOME = 4 * TOKENS_PLAIN };
	uint32_t ids[SOME];
	if (d->figures)
		return;
	for (size_t n; (n = token_plain(&d->r, ids, SOME));) {
		for (size_t i = 0; i < n; i++)
			prefetch(d->known + (ids[i] < d->n_vocab ? ids[i] : 0));
		for (size_t i = 0; i += put_known(d, ids + i, n - i), i < n; i++)
			if (ids[i] == TOKEN_EOL)
				end_line(d, false);
			else if (ids[i] < d->n_vocab)
				put_id(d, ids[i]);
			else
				unknown_id(d, ids + i, n - i);
	}
}

/* False: the input was empty. */
static bool
run(struct detok *d)
{
	token_reader_init(&d->r, 0, 1, "stdin");
	d->r.idle = idle;
	d->r.idle_arg = d;
	for (;;)
		switch (token_next(&d->r)) {
		case TOKENS_HEADER:
			check_vocab(d);
			break;
		case TOKENS_REWIND:
			break;
		case TOKENS_ID:
			need_vocab(d);
			figures_begin(d->figures, &d->turn);
			if (d->r.id >= d->n_vocab)
				unknown_id(d, &d->r.id, 1);
			put_id(d, d->r.id);
			figures_tokens(d->figures, &d->turn, 1);
			put_plain(d);
			break;
		case TOKENS_EOL:
			need_vocab(d);
			end_line(d, d->r.cut);
			put_plain(d);
			break;
		case TOKENS_END:
			flush(d, 0);
			return d->r.any;
		}
}

int
main(int argc, char **argv)
{
	struct detok d = {.end = '\n'};
	struct paint paint = {0};
	struct figures figures = {0};

	start();
	for (int opt; (opt = getopt(argc, argv, ":ChsVvz")) != -1;)
		switch (opt) {
		case 'C':
			d.paint = paint_allowed() ? &paint : NULL;
			break;
		case 's':
			d.special = true;
			break;
		case 'z':
			d.end = '\0';
			break;
		case 'h':
			help();
		case 'V':
			version();
		case 'v':
			d.figures = &figures;
			break;
		default:
			die_option(opt, optopt);
		}
	if (argc - optind > 1)
		die_usage("'%s': one model is enough", argv[optind + 1]);
	d.operand = argv[optind];

	bool any = run(&d);
	close_out(1, "stdout");
	return any ? 0 : 1; /* no input at all: whoever should have written it said why */
}
