/* llm-sample - choose tokens from logits; see llm-sample(1). */
#include "grammar/ere.h"
#include "grammar/gbnf.h"
#include "grammar/guide.h"
#include "grammar/schema.h"
#include "list.h"
#include "reply.h"
#include "sampler.h"
#include "stream/rows.h"
#include "stream/tokens.h"
#include "turn.h"
#include "vocab/vocab.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

const char progname[] = "llm-sample";
const char usage_text[] =
	"usage: llm-sample [-apqv] [-b id=value] [-t temperature] [-k top-k] [-P top-p] [-m min-p]\n"
	"                  [-o name=value,...] [-s seed] [-n tokens] [-N lines] [-u text] [-U id]\n"
	"                  [-g file | -e regex | -j file] [-r file] [model] <logits >tokens\n"
	"       llm-sample -S [-qv] [-r file] [model] <logits >tokens\n"
	"       llm-sample -l number [-qv] [-r file] [model] <logits >table\n"
	"       llm-sample -w <rows >rows\n"
	"  -k 40    keep the so many likeliest tokens; 0: all\n"
	"  -P 0.9   of these, the fewest that make up so much of the probability; 1: all\n"
	"  -m 0.05  of these, all so many times as likely as the likeliest; 0: all\n"
	"  -t 0.7   temperature; 0: always the likeliest\n"
	"  -o NAME=VALUE,...  further steps: typical, repeat, frequency, presence, dry, xtc, mirostat\n"
	"  -b ID=V  add V to the logit of a token, or of a text\n"
	"  -s seed  same seed, same text        -n N     end a turn after N tokens\n"
	"  -N N     end a turn after N lines    -u text  end it before this text\n"
	"  -U id    end it before this token\n"
	"  -g file  what the text must be: a grammar in GBNF\n"
	"  -e regex the same: a POSIX extended regular expression\n"
	"  -j file  the same: JSON that is valid by this JSON schema\n"
	"  -a       note each token's log-probability\n"
	"  -S       write the tokens that were fed, with such notes; draw none\n"
	"  -l N     list the N likeliest        -r file  where the replies go\n"
	"  -w       write the rows as text, for a filter; the loop goes through it\n"
	"  -p       write the prompt too        -q       no header\n"
	"  -v       say on stderr what each turn took\n"
	"  -h       this help                   -V       version\n";

struct options {
	bool quiet, prompt, notes;
	struct figures counted, *figures;	/* NULL: none */
	int mode;		/* -l, -S or -w; -e, -g, -j or 0: draw */
	long limit;
	size_t list;
	const char *reply, *model;
	const char *must;	/* what the text is to be: of -e, -g, -j */
	struct grammar *grammar;
	struct sampler sampler;
	struct stops stops;
	uint32_t *ends;		/* ids that end a turn */
	size_t n_ends, ends_cap;
};

static void
add_end(struct options *o, uint32_t id)
{
	o->ends = grow(o->ends, &o->ends_cap, o->n_ends + 1, sizeof *o->ends);
	o->ends[o->n_ends++] = id;
}

static void
set_mode(struct options *o, int mode)
{
	if (o->mode && o->mode != mode)
		die_usage("-%c and -%c: one of the two", o->mode, mode);
	o->mode = mode;
}

static void
parse(struct options *o, int argc, char **argv)
{
	int c;
	while ((c = getopt(argc, argv, ":ab:e:g:hj:k:l:m:N:n:o:P:pqr:Ss:t:U:u:Vvw")) != -1) {
		switch (c) {
		case 'a': o->notes = true; break;
		case 'b': bias_option(&o->sampler.bias, optarg); break;
		case 'e':
		case 'g':
		case 'j':
			o->must = optarg;
			set_mode(o, c);
			break;
		case 'h': help();
		case 'l':
			o->list = (size_t)arg_long(c, optarg, 1, 1 << 24);
			set_mode(o, c);
			break;
		case 'N': o->stops.lines = arg_long(c, optarg, 0, INT32_MAX); break;
		case 'n': o->limit = arg_long(c, optarg, 0, INT32_MAX); break;
		case 'p': o->prompt = true; break;
		case 'q': o->quiet = true; break;
		case 'r': o->reply = optarg; break;
		case 'S':
		case 'w': set_mode(o, c); break;
		case 's': o->sampler.seed = arg_u64(c, optarg); break;
		case 'U': add_end(o, (uint32_t)arg_long(c, optarg, 0, 1 << 24)); break;
		case 'u': stop_option(&o->stops, optarg); break;
		case 'V': version();
		case 'v': o->figures = &o->counted; break;
		default:
			if (!sampler_option(&o->sampler, c, optarg))
				die_option(c, optopt);
		}
	}
	if (argc - optind > 1)
		die_usage("'%s': one model is enough", argv[optind + 1]);
	o->model = argv[optind];
}

/* A file that is text, from wherever it comes. */
static struct bytes
read_text(const char *path)
{
	enum { PART = 1 << 16, MOST = 1 << 28 };
	struct bytes b = {0};
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got;
	if (fd < 0)
		die("%s:", path);
	do {
		b.s = grow(b.s, &b.cap, b.n + PART, 1);
		b.n += got = read_some(fd, -1, b.s + b.n, PART, path);
		if (b.n > MOST)
			die("%s: more than %d MB: this is no grammar", path, MOST >> 20);
	} while (got);
	if (!b.n)
		die("%s: the file is empty", path);
	close(fd);
	return b;
}

/* What the text must be, NULL: anything. */
static struct grammar *
read_grammar(const struct options *o)
{
	if (!o->must)
		return NULL;
	if (o->mode == 'e')
		return ere_read("-e", o->must);
	const struct bytes b = read_text(o->must);
	return (o->mode == 'g' ? gbnf_read : schema_read)(o->must, (const char *)b.s, b.n);
}

/* A vocabulary that was opened from `path`, checked against the stream's. The path
 * becomes that of the stream, for those behind us. */
static struct vocab *
checked(struct vocab *v, const char *path, struct rows_header *h)
{
	struct origin ours = {(char *)path, vocab_size(v), true, vocab_fingerprint(v)};
	if (!h->origin.n_vocab)
		h->origin.n_vocab = h->width;
	origin_check(&h->origin, &ours, "stdin");
	if (path != h->origin.model) {
		xfree(h->origin.model);
		ours.model = xstrdup(path);
	}
	h->origin = ours;
	return v;
}

/* The vocabulary where it is wanted, else NULL: of the operand, or of the model
 * that the stream names if it is here. */
static struct vocab *
find_vocab(const struct options *o, struct rows_header *h)
{
	const char *named = h->origin.model;
	if (o->model)
		return checked(vocab_open(o->model), o->model, h);
	const bool must = o->must || stops_any(&o->stops) || sampler_needs_vocab(&o->sampler);
	const bool wanted = must || o->mode == 'l' || sampler_likes_vocab(&o->sampler);
	if (!named && must)
		die("stdin: the stream does not name its model, whose vocabulary these options need: give it as operand");
	if ((!wanted && (h->has_eog || o->mode == 'S')) || !named)
		return NULL;
	bool here = access(named, R_OK) == 0;
	struct vocab *v = here ? vocab_find(named) : NULL;
	if (v)
		return checked(v, named, h);
	if (must)
		die("%s, the model that the stream names, %s, which these options need: give a model as operand",
			named, here ? "brings no vocabulary" : "is not here with its vocabulary");
	if (o->mode == 'l')
		warn("%s, the model that the stream names, %s: "
		     "pieces are left empty (give a model)",
			named, here ? "brings no vocabulary" : "is not here");
	return NULL;
}

/* The ids that end a turn, beside those of -U: what the header says, else the vocabulary. */
static void
find_ends(struct options *o, const struct rows_header *h, const struct vocab *v)
{
	size_t n = h->n_eog;
	const uint32_t *ids = !h->has_eog && v ? vocab_eog(v, &n) : h->eog;
	for (size_t i = 0; i < n; i++)
		add_end(o, ids[i]);
	o->sampler.eog = o->ends;
	o->sampler.n_eog = o->n_ends;
}

/* -l: every row a list, every turn over at once. */
static bool
list_rows(struct options *o, struct row_reader *rows, struct reply *reply, struct vocab *v)
{
	struct list l = {.n = o->list, .vocab = v};
	struct turn_figures turn = {0};
	uint32_t last = 0;
	if (!o->quiet)
		list_header();
	while (rows_next(rows)) {
		if (last & ~rows->row.flags & ROW_REPLY)
			figures_end(o->figures, &turn, rows->row.sequence);
		last = rows->row.flags;
		figures_begin(o->figures, &turn);
		list_row(&l, rows);
		figures_tokens(o->figures, &turn, 1);
		reply_to(reply, rows->row.sequence);
		if (last & ROW_ANSWER) {
			figures_end(o->figures, &turn, rows->row.sequence);
			reply_end(reply);
		}
	}
	figures_end(o->figures, &turn, rows->row.sequence);
	list_free(&l);
	return true;
}

/* -w: the loop does not end here, so the reply channel is for those behind us. */
static void
write_rows(struct row_reader *rows)
{
	struct rows_header h = rows->h;
	h.text = true;
	rows_header_write(1, &h);
	while (rows_next(rows))
		rows_write_text(1, &rows->row, rows->x, rows->h.width);
}

/* Draw, or with -S score. */
static bool
talk_rows(struct options *o, struct row_reader *rows, struct reply *reply, struct vocab *v)
{
	const bool score = o->mode == 'S';
	struct guide *guide = o->grammar ? guide_new(o->grammar, v, rows->h.width) : NULL;
	const struct constraint constraint = guide_constraint(guide);
	bias_check(&o->sampler.bias, rows->h.width);
	for (size_t i = 0; i < o->n_ends; i++)
		if (o->ends[i] >= rows->h.width)
			die("-U %u: no token has that id: the stream's rows have %u logits", o->ends[i], rows->h.width);
	find_ends(o, &rows->h, v);
	o->stops.v = v;
	if (v)
		sampler_find(&o->sampler, v, rows->h.origin.model);
	if (!o->quiet)
		token_header_write(1, &rows->h.origin);
	o->sampler.constraint = guide ? &constraint : NULL;
	const bool whole = talk(&(struct talk){.rows = rows, .reply = reply, .sampler = &o->sampler, .stops = &o->stops, .limit = o->limit,
		.prompt = o->prompt, .notes = o->notes || score, .score = score, .several = o->reply ? 0 : rows->h.sequences,
		.figures = o->figures});
	if (guide)
		guide_free(guide);
	return whole;
}

/* What answers: all modes but -w. */
static bool
answer_rows(struct options *o, struct row_reader *rows, struct reply *reply)
{
	struct vocab *v = find_vocab(o, &rows->h);
	if (!o->reply)
		reply_open(reply, rows->h.reply, rows->h.sequences, rows->in);
	const bool whole = (o->mode == 'l' ? list_rows : talk_rows)(o, rows, reply, v);
	reply_close(reply);
	if (v)
		vocab_free(v);
	return whole;
}

int
main(int argc, char **argv)
{
	struct options o = {0};
	struct row_reader rows;
	struct reply reply;
	bool whole = true;
	start();
	sampler_init(&o.sampler);
	parse(&o, argc, argv);
	o.grammar = read_grammar(&o);
	if (o.reply)
		reply_open_file(&reply, o.reply);
	if (!rows_open_kind(&rows, o.mode == 'w' ? ROWS_ANY : ROWS_LOGITS, 0, 1, "stdin"))
		return 1; /* who should have written it has said why not */
	if (o.mode == 'w')
		write_rows(&rows);
	else
		whole = answer_rows(&o, &rows, &reply);
	close_out(1, "stdout");
	if (o.grammar)
		grammar_free(o.grammar);
	rows_free(&rows);
	return whole ? 0 : 1;
}
