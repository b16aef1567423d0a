/* llm-fwd - the forward pass: tokens to logits. See llm-fwd(1). */
#include "compat.h"
#include "gguf.h"
#include "model.h"
#include "reply.h"
#include "turns.h"
#include "vocab.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

const char progname[] = "llm-fwd";
const char usage_text[] =
	"usage: llm-fwd [-1a] [-k type] [-t threads] [model]\n"
	"Read token ids, write logits: llm-tok | llm-fwd | llm-sample | llm-detok.\n"
	"  -1  answer every line at once: make no reply channel, wait for no sampler\n"
	"  -a  a row of logits for every token fed, not only for the last of each line\n"
	"  -k  numbers of the cache of keys and values: f16 (default) or f32\n"
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
		v = w->folder ? NULL : vocab_beside(w->path);
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
static struct rows_header
describe(const char *path, const struct model *m)
{
	static const uint32_t llama2c_eog[] = {1, 2};
	struct rows_header h = {.width = (uint32_t)m->shape.n_vocab};
	struct vocab *v = find_vocab(m);
	h.origin.model = xstrdup(path);
	h.origin.n_vocab = h.width;
	if (v) {
		h.origin.has_print = true;
		h.origin.print = vocab_fingerprint(v);
	}
	if (v || (!m->w->gguf && !m->w->folder)) {
		size_t n = 2;
		const uint32_t *ids = v ? vocab_eog(v, &n) : llama2c_eog;
		h.has_eog = true;
		h.n_eog = n;
		h.eog = xcalloc(n, sizeof *ids);
		memcpy(h.eog, ids, n * sizeof *ids);
	}
	return h;
}

int
main(int argc, char **argv)
{
	bool alone = false, all = false;
	int threads = 0;
	enum kv_type kv = KV_F16;

	start();
	for (int opt; (opt = getopt(argc, argv, ":1ahk:t:V")) != -1;)
		switch (opt) {
		case '1':
			alone = true;
			break;
		case 'a':
			all = true;
			break;
		case 'k':
			if (strcmp(optarg, "f16") && strcmp(optarg, "f32"))
				die_usage("-k %s: f16 or f32", optarg);
			kv = strcmp(optarg, "f32") ? KV_F16 : KV_F32;
			break;
		case 't':
			threads = (int)arg_long('t', optarg, 1, 1024);
			break;
		case 'h':
			help();
		case 'V':
			version();
		default:
			die_option(opt, optopt);
		}
	if (argc - optind > 1)
		die_usage("'%s': one model is enough", argv[optind + 1]);

	const char *path = model_path(argv[optind]);
	struct weights *w = weights_open(path);
	struct model *m = model_new(w);
	struct rows_header h = describe(path, m);
	const struct kernels *k = kernels_choose();
	const char *reply = alone ? NULL : reply_open(1);

	if (reply)
		h.reply = xstrdup(reply);
	enlarge_pipe(1, 16 + (size_t)h.width * 4);
	rows_header_write(1, &h);

	struct pool *p = pool_new(threads ? threads : cpu_count());
	struct turns t = {
		.c = context_new(m, k, p, kv),
		.origin = h.origin,
		.n_vocab = h.width,
		.all = all,
		.channel = reply != NULL,
	};
	bool any = turns_run(&t, 0);
	signal(SIGPIPE, SIG_IGN); /* all is said: the sampler may leave */
	close_out(1, "stdout");
	return any ? 0 : 1; /* no input at all: whoever should have written it said why */
}
