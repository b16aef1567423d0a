/* llm-sample - choose tokens from logits; see llm-sample(1). */
#include "list.h"
#include "reply.h"
#include "rows.h"
#include "sampler.h"
#include "tokens.h"
#include "turn.h"
#include "vocab.h"

#include <stdlib.h>
#include <unistd.h>

const char progname[] = "llm-sample";
const char usage_text[] =
	"usage: llm-sample [-apq] [-t temperature] [-k top-k] [-P top-p] [-m min-p] [-s seed]\n"
	"                  [-n tokens] [-r file] [model] <logits >tokens\n"
	"       llm-sample -S [-q] [-r file] [model] <logits >tokens\n"
	"       llm-sample -l number [-q] [-r file] [model] <logits >table\n"
	"  -k 40    keep the so many likeliest tokens; 0: all\n"
	"  -P 0.9   of these, the fewest that make up so much of the probability; 1: all\n"
	"  -m 0.05  of these, all so many times as likely as the likeliest; 0: all\n"
	"  -t 0.7   temperature; 0: always the likeliest\n"
	"  -s seed  same seed, same text        -n N     end a turn after N tokens\n"
	"  -a       note each token's log-probability\n"
	"  -S       write the tokens that were fed, with such notes; draw none\n"
	"  -l N     list the N likeliest        -r file  where the replies go\n"
	"  -p       write the prompt too        -q       no header\n"
	"  -h       this help                   -V       version\n";

struct options {
	bool quiet, prompt, notes, score;
	long limit, list;
	const char *reply, *model;
	struct sampler sampler;
};

static void
parse(struct options *o, int argc, char **argv)
{
	int c;
	while ((c = getopt(argc, argv, ":ahk:l:m:n:P:pqr:Ss:t:V")) != -1) {
		switch (c) {
		case 'a': o->notes = true; break;
		case 'h': help();
		case 'l': o->list = arg_long(c, optarg, 1, 1 << 24); break;
		case 'n': o->limit = arg_long(c, optarg, 0, INT32_MAX); break;
		case 'p': o->prompt = true; break;
		case 'q': o->quiet = true; break;
		case 'r': o->reply = optarg; break;
		case 'S': o->score = true; break;
		case 's': o->sampler.seed = arg_u64(c, optarg); break;
		case 'V': version();
		default:
			if (!sampler_option(&o->sampler, c, optarg))
				die_option(c, optopt);
		}
	}
	if (argc - optind > 1)
		die_usage("'%s': one model is enough", argv[optind + 1]);
	if (o->score && o->list)
		die_usage("-S and -l: one of the two");
	o->model = argv[optind];
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
	if ((!o->list && (h->has_eog || o->score)) || !named)
		return NULL;
	bool here = access(named, R_OK) == 0;
	struct vocab *v = here ? vocab_find(named) : NULL;
	if (v)
		return checked(v, named, h);
	if (o->list)
		warn("%s, the model that the stream names, %s: "
		     "pieces are left empty (give a model)",
			named, here ? "brings no vocabulary" : "is not here");
	return NULL;
}

/* If the header does not say what ends a generation, the vocabulary does. */
static void
find_eog(struct rows_header *h, const struct vocab *v)
{
	size_t cap = 0;
	for (uint32_t id = 0; v && !h->has_eog && id < vocab_size(v); id++) {
		if (!vocab_is_eog(v, id))
			continue;
		h->eog = grow(h->eog, &cap, h->n_eog + 1, sizeof *h->eog);
		h->eog[h->n_eog++] = id;
	}
}

/* -l: every row a list, every turn over at once. */
static void
list_rows(const struct options *o, struct row_reader *rows, struct reply *reply, struct vocab *v)
{
	struct list l = {.n = (size_t)o->list, .vocab = v};
	if (!o->quiet)
		list_header();
	while (rows_next(rows)) {
		list_row(&l, rows);
		if (rows->row.flags & ROW_ANSWER)
			reply_end(reply);
	}
	list_free(&l);
}

int
main(int argc, char **argv)
{
	struct options o = {0};
	struct row_reader rows;
	struct reply reply;
	start();
	sampler_init(&o.sampler);
	parse(&o, argc, argv);
	if (o.reply)
		reply_open_file(&reply, o.reply);
	if (!rows_open(&rows, 0, 1, "stdin"))
		return 1; /* who should have written it has said why not */
	struct vocab *v = find_vocab(&o, &rows.h);
	if (!o.reply)
		reply_open(&reply, rows.h.reply);
	if (o.list) {
		list_rows(&o, &rows, &reply, v);
	} else {
		find_eog(&rows.h, v);
		if (!o.quiet)
			token_header_write(1, &rows.h.origin);
		o.sampler.eog = rows.h.eog;
		o.sampler.n_eog = rows.h.n_eog;
		talk(&(struct talk){.rows = &rows, .reply = &reply, .sampler = &o.sampler,
			.limit = o.limit, .prompt = o.prompt, .notes = o.notes || o.score, .score = o.score,
			.together = 1});
	}
	reply_close(&reply);
	close_out(1, "stdout");
	if (v)
		vocab_free(v);
	rows_free(&rows);
	return 0;
}
