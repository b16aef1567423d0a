/* llm-fwd - the forward pass: tokens to logits. See llm-fwd(1). */
#include "compat.h"
#include "flight.h"
#include "info.h"
#include "model.h"
#include "reply.h"
#include "stage.h"
#include "turns.h"
#include "vocab/vocab.h"
#include "weights/gguf.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char progname[] = "llm-fwd";
const char usage_text[] =
	"usage: llm-fwd [-1aevx] [-d drafts] [-j sequences] [-k type] [-L file[=scale]]\n"
	"               [-l first:last] [-S file] [-t threads] [model]\n"
	"       llm-fwd -i [-k type] [-L file[=scale]] [-l first:last] [model]\n"
	"Read token ids, write logits: llm-tok | llm-fwd | llm-sample | llm-detok.\n"
	"  -1  answer every line at once: make no reply channel, wait for no sampler\n"
	"  -a  a row of logits for every token fed, not only for the last of each line\n"
	"  -d  guess so many tokens ahead at most, where that pays (default: 7; 0: none)\n"
	"  -e  hidden states behind the last layer and the final norm, not logits\n"
	"  -i  say what the model is: lines of a key and a value\n"
	"  -j  keep up to so many sequences in flight, weights read once for all (1)\n"
	"  -k  numbers of the cache of keys and values: f16 (default), f32 or q8\n"
	"  -L  add a low-rank adapter, a GGUF file or a folder of PEFT, times scale (1); repeatable\n"
	"  -l  only the layers from first up to, but without, last\n"
	"  -S  take what is in the file of the tokens that are fed, and keep it there\n"
	"  -v  say on stderr what each turn took\n"
	"  -x  read hidden states, not tokens, before the first layer, too\n"
	"  -t  threads (default: the CPUs this process may use)\n"
	"  -h  this help    -V  the version\n";

/* The vocabulary beside the weights, or NULL: the forward pass needs none, but
 * where there is one it tells which ids end a generation. */
static struct vocab *
find_vocab(const struct model *m)
{
	const struct weights *w = m->w;
	struct vocab *v;
	if (w->gguf)
		v = gguf_get(w->gguf, "tokenizer.ggml.tokens") ? vocab_from_gguf(w->gguf) : NULL;
	else
		v = w->folder ? vocab_find(w->path) : vocab_beside(w->path);
	if (v && vocab_size(v) != m->shape.n_vocab) {
		if (w->gguf)
			die("%s: its vocabulary has %u pieces, its weights %zu", w->path, vocab_size(v),
				m->shape.n_vocab);
		vocab_free(v); /* that tokenizer.bin belongs to another model of the folder */
		v = NULL;
	}
	return v;
}

/* What the header says: the model, its vocabulary, the ids that end a generation. */
static void
describe(struct rows_header *h, const char *path, const struct model *m, const struct vocab *v)
{
	static const uint32_t llama2c_eog[] = {1, 2};
	h->origin.model = xstrdup(path);
	h->origin.n_vocab = (uint32_t)m->shape.n_vocab;
	if (v) {
		h->origin.has_print = true;
		h->origin.print = vocab_fingerprint(v);
	}
	if (v || (!m->w->gguf && !m->w->folder)) {
		size_t n = 2;
		const uint32_t *ids = v ? vocab_eog(v, &n) : llama2c_eog;
		h->has_eog = true;
		h->n_eog = n;
		h->eog = xcalloc(n, sizeof *ids);
		memcpy(h->eog, ids, n * sizeof *ids);
	}
}

/* The header of a stage that follows another: what that one says of the sampler's side goes on,
 * unless it leaves that to us. */
static void
follow(struct rows_header *h, const struct rows_header *in)
{
	origin_check(&in->origin, &h->origin, "stdin");
	if (in->origin.model)
		h->origin = in->origin;
	if (in->has_eog) {
		h->has_eog = true;
		h->eog = in->eog;
		h->n_eog = in->n_eog;
	}
	h->reply = in->reply;
	h->others = in->others;
}

struct options {
	bool alone, all, embed, from_rows, inspect;
	struct figures counted, *figures;	/* NULL: none */
	int threads;
	size_t drafts, sequences;
	enum kv_type kv;
	const char *layers, *state;
	struct adapted *adapters;
	size_t n_adapters, adapters_cap;
	const struct kernels *kernels;
};

/* "file" or "file=scale". */
static void
add_adapter(struct options *o, const char *text)
{
	o->adapters = grow(o->adapters, &o->adapters_cap, o->n_adapters + 1, sizeof *o->adapters);
	struct adapted *a = o->adapters + o->n_adapters++;
	*a = (struct adapted){.path = xstrdup(text), .scale = 1};
	char *equals = strrchr(a->path, '=');
	if (equals) {
		a->scale = arg_double('L', equals + 1, -1e6, 1e6);
		*equals = '\0';
	}
}

static const char *const kv_name[] = {[KV_F16] = "f16", [KV_F32] = "f32", [KV_Q8] = "q8"};

static enum kv_type
kv_type_of(const char *name)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(name, kv_name[i]) == 0)
			return (enum kv_type)i;
	die_usage("-k %s: f16, f32 or q8", name);
}

static void
parse(struct options *o, int argc, char **argv)
{
	for (int opt; (opt = getopt(argc, argv, ":1ad:ehij:k:L:l:S:t:Vvx")) != -1;)
		switch (opt) {
		case '1': o->alone = true; break;
		case 'a': o->all = true; break;
		case 'd': o->drafts = (size_t)arg_long('d', optarg, 0, DRAFT_MOST); break;
		case 'e': o->embed = true; break;
		case 'h': help();
		case 'i': o->inspect = true; break;
		case 'j': o->sequences = (size_t)arg_long('j', optarg, 1, 256); break;
		case 'k': o->kv = kv_type_of(optarg); break;
		case 'L': add_adapter(o, optarg); break;
		case 'l': o->layers = optarg; break;
		case 'S': o->state = optarg; break;
		case 't': o->threads = (int)arg_long('t', optarg, 1, 1024); break;
		case 'V': version();
		case 'v': o->figures = &o->counted; break;
		case 'x': o->from_rows = true; break;
		default: die_option(opt, optopt);
		}
	if (argc - optind > 1)
		die_usage("'%s': one model is enough", argv[optind + 1]);
}

/* A number of layers up to `end`; `missing` where there is none. */
static size_t
layer_number(const char *all, const char **s, char end, size_t missing)
{
	char *rest = (char *)*s;
	unsigned long n = **s == end ? missing : strtoul(*s, &rest, 10);
	if (*rest != end || (**s != end && (**s < '0' || **s > '9')) || n > 1 << 24)
		die_usage("-l: '%s' is not first:last, two numbers of layers", all);
	*s = rest + 1;
	return n;
}

static struct part
part_of(const struct options *o, const struct model *m)
{
	struct part p = whole(m);
	const size_t n = m->shape.n_layers;
	const char *s = o->layers;
	if (s) {
		p.first = layer_number(o->layers, &s, ':', 0);
		p.last = layer_number(o->layers, &s, 0, n);
		if (p.first > p.last || p.last > n)
			die_usage("-l: '%s': %s has %zu layers", o->layers, m->w->path, n);
	}
	p.from_rows = p.first > 0 || o->from_rows;
	p.to = p.last < n ? ROWS_HIDDEN : o->embed ? ROWS_EMBEDDING : ROWS_LOGITS;
	if (o->state && (p.from_rows || p.last < n))
		die_usage("-S: a state is of a whole model: not with -x, nor with -l, but as 0:%zu", n);
	if (o->sequences > 1 && (p.from_rows || p.last < n))
		die_usage("-j: several sequences take a whole model, no stage of one (-l, -x)");
	if (o->sequences > 1 && o->state)
		die_usage("-j and -S: a state is of one sequence");
	if (o->embed && p.last < n)
		die_usage("-e: embeddings are behind the last layer, not behind layer %zu", p.last);
	return p;
}

static struct context *
make_context(const struct options *o, const struct model *m, const struct part *p)
{
	return context_new(m, o->kernels, pool_new(o->threads ? o->threads : cpu_count()), o->kv, p);
}

static void
all_said(void)
{
	signal(SIGPIPE, SIG_IGN); /* the sampler may leave */
	close_out(1, "stdout");
}

/* Rows in. False: none came, and who should have written them said why. */
static bool
later_stage(const struct options *o, const struct model *m, const struct part *p, struct rows_header *h)
{
	struct row_reader in;
	if (!rows_open_kind(&in, ROWS_HIDDEN, 0, 1, "stdin"))
		return false;
	stage_check(&in.h, m, p->first, "stdin");
	follow(h, &in.h);
	if (o->alone || o->embed)
		h->reply = NULL;
	rows_header_write(1, h);
	stage_run(&(struct stage){.c = make_context(o, m, p), .in = &in, .n_vocab = (uint32_t)m->shape.n_vocab,
		.width = h->width, .all = o->all, .logits = p->to == ROWS_LOGITS, .hidden = p->to == ROWS_HIDDEN,
		.figures = o->figures});
	all_said();
	return true;
}

/* The state of the context where it is to be kept, else NULL. */
static struct state *
open_state(const struct options *o, const struct model *m, struct context *c, const struct origin *origin)
{
	if (!o->state)
		return NULL;
	return state_open(o->state, c, state_fits(m, o->adapters, o->n_adapters, o->kernels, o->kv), origin);
}

static void
before_rows(void *loan)
{
	rows_wait_read(1, loan);
}

/* Tokens in. False: none came. */
static bool
first_stage(const struct options *o, const struct model *m, const struct part *p, struct rows_header *h)
{
	const char *reply = o->alone || o->embed ? NULL : reply_open(1, p->to == ROWS_HIDDEN ? 10 : 1);
	if (reply)
		h->reply = xstrdup(reply);
	if (o->sequences > 1)
		h->sequences = (uint32_t)o->sequences;
	struct context *c = make_context(o, m, p);
	struct state *state = open_state(o, m, c, &h->origin);
	rows_header_write(1, h);
	struct rows_loan loan = {.on = false};
	context_before_rows(c, before_rows, &loan);
	struct turns t = {
		.c = c,
		.d = draft_new(c, p->to == ROWS_LOGITS && reply && o->sequences == 1 ? o->drafts : 0, h->width),
		.state = state,
		.origin = h->origin,
		.n_vocab = (uint32_t)m->shape.n_vocab,
		.width = h->width,
		.all = o->all,
		.logits = p->to == ROWS_LOGITS,
		.hidden = p->to == ROWS_HIDDEN,
		.channel = reply != NULL,
		.loan = &loan,
		.figures = o->figures,
		.progress = progress_new(),
	};
	if (t.progress)
		context_watch(c, progress_pass, t.progress);
	const bool any = o->sequences > 1 ? flight_run(&t, o->sequences, 0) : turns_run(&t, 0);
	all_said();
	return (!state || state_save(state)) && any; /* nobody waits for the disk */
}

int
main(int argc, char **argv)
{
	struct options o = {.kv = KV_F16, .drafts = 7, .sequences = 1};
	start();
	parse(&o, argc, argv);
	const char *path = model_path(argv[optind]);
	struct model *m = model_new(weights_open(path));
	const struct part p = part_of(&o, m);
	for (struct adapted *a = o.adapters; a < o.adapters + o.n_adapters; a++) {
		a->a = adapter_open(a->path, m->w);
		lora_hang(m, a->a, (float)a->scale);
	}
	struct rows_header h = {.kind = p.to, .width = (uint32_t)part_width(m, &p),
		.layer = (uint32_t)p.last, .has_layer = p.to == ROWS_HIDDEN};
	struct vocab *v = find_vocab(m);
	describe(&h, path, m, v);
	o.kernels = kernels_choose();
	if (o.inspect)
		return info(&(struct info){.origin = &h.origin, .m = m, .part = &p, .c = make_context(&o, m, &p),
			.kv = kv_name[o.kv], .v = v, .adapters = o.adapters, .n_adapters = o.n_adapters});
	enlarge_pipe(1, (16 + (size_t)h.width * 4) * (p.to == ROWS_HIDDEN ? 64 : o.sequences));
	bool any = (p.from_rows ? later_stage : first_stage)(&o, m, &p, &h);
	return any ? 0 : 1; /* no input at all: whoever should have written it said why */
}
