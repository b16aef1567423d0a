/* llm-tok - text to token ids. See llm-tok(1). */
#include "chat.h"
#include "figures.h"
#include "info.h"
#include "model.h"
#include "vocab/vocab.h"

#include <string.h>
#include <unistd.h>

const char progname[] = "llm-tok";
const char usage_text[] =
	"usage: llm-tok [-cnqsvz] [-S text] [model]\n"
	"       llm-tok -i [model]\n"
	"Read lines of text, write lines of token ids (llm-tokens(5)).\n"
	"  -c  chat: each line is a user's turn, in the words of the model's template\n"
	"  -S text  with -c: the system message\n"
	"  -i  say what the vocabulary is, with a table of its special tokens\n"
	"  -n  only the number of tokens\n"
	"  -q  no header\n"
	"  -s  control tokens spelled in the text are taken as such\n"
	"  -v  say on stderr what each line took\n"
	"  -z  records end with NUL, not with newline\n"
	"  -h  this help    -V  the version\n";

enum { CHUNK = 1 << 16, LONG_RECORD = 1 << 20 /* is converted while it comes */ };

/* Digits of an id behind a blank, and in the last byte how many bytes they are: made when the id is first
 * met. Those of a million and more do not fit and are printed. */
enum { SPELLED = 8, SPELLED_MAX = 999999, ID_BYTES = 12 };

struct tok {
	struct vocab *v;
	struct chat *chat;	/* or NULL: plain text */
	bool count_only, special;
	char end;		/* of a record */
	bool begun;		/* the sequence has its BOS */
	uint64_t total;		/* tokens so far */
	char *out;		/* text not yet written */
	size_t n_out, cap_out;
	uint32_t *ids;
	size_t cap_ids;
	char (*spelled)[SPELLED];	/* of each id, or zeros */
	struct figures *figures;	/* or NULL */
	struct turn_figures turn;
	uint32_t sequence;
	bool inside;		/* some of a record was converted: */
	struct vocab_part part;
	size_t on_line;		/* ids of it */
	size_t enough;		/* bytes of a record to try that with */
};

static void
flush(struct tok *t)
{
	write_all(1, t->out, t->n_out, "stdout");
	t->n_out = 0;
}

static const char *
spell(struct tok *t, uint32_t id)
{
	char *s = t->spelled[id];
	if (!s[SPELLED - 1]) {
		char text[ID_BYTES];
		int n = snprintf(text, sizeof text, " %u", id);
		memcpy(s, text, (size_t)n);
		s[SPELLED - 1] = (char)n;
	}
	return s;
}

/* The ids, a blank between two; `first`: nothing stands before them on the line. */
static void
put_some(struct tok *t, const uint32_t *ids, size_t n, bool first)
{
	t->out = grow(t->out, &t->cap_out, t->n_out + n * ID_BYTES, 1);
	char *p = t->out + t->n_out;
	for (size_t i = 0; i < n; i++)
		if (ids[i] <= SPELLED_MAX) {
			const char *s = spell(t, ids[i]);
			memcpy(p, s, SPELLED);
			p += s[SPELLED - 1];
		} else
			p += snprintf(p, ID_BYTES, " %u", ids[i]);
	if (first)
		memmove(t->out + t->n_out, t->out + t->n_out + 1, (size_t)(--p - t->out) - t->n_out);
	t->n_out = (size_t)(p - t->out);
}

/* A long line is written in parts: its digits need not all be there at once. */
static void
put_ids(struct tok *t, const uint32_t *ids, size_t n)
{
	enum { SOME = CHUNK / SPELLED };
	bool first = !t->on_line;
	t->total += n;
	t->on_line += n;
	for (size_t some; n && !t->count_only; ids += some, n -= some, first = false) {
		some = n < SOME ? n : SOME;
		put_some(t, ids, some, first);
		if (t->n_out > CHUNK && n > some)
			flush(t);
	}
}

/* The ids of a user's turn; how many. What the model needs at the start is the template's to say. */
static size_t
encode_turn(struct tok *t, const char *text, size_t len)
{
	size_t n = 0;
	if (len == 0) {
		chat_end(t->chat);
		return 0;
	}
	const struct chat_text *c = chat_user(t->chat, text, len);
	if (t->special)
		vocab_encode(t->v, c->text, c->n, true, &t->ids, &n, &t->cap_ids);
	else
		vocab_encode_trusted(t->v, c->text, c->n, c->trusted, &t->ids, &n, &t->cap_ids);
	return n;
}

/* The first text of a record is here, or its end. */
static void
begin_record(struct tok *t, bool empty)
{
	const int32_t bos = t->chat || t->begun || empty ? -1 : vocab_bos(t->v);
	t->sequence += t->begun && empty; /* an empty record ends the sequence */
	t->begun = !empty;
	t->part = (struct vocab_part){0};
	t->inside = true;
	t->on_line = 0;
	if (!empty)
		figures_begin(t->figures, &t->turn);
	if (bos >= 0)
		put_ids(t, &(uint32_t){(uint32_t)bos}, 1);
}

/* The rest of a record; `ended`: its newline (NUL) was there, and ours follows. */
static void
end_record(struct tok *t, const char *text, size_t len, bool ended)
{
	size_t n = 0;
	if (!t->inside)
		begin_record(t, len == 0);
	if (t->chat)
		n = encode_turn(t, text, len);
	else
		vocab_encode_rest(t->v, &t->part, text, len, t->special, &t->ids, &n, &t->cap_ids);
	put_ids(t, t->ids, n);
	if (ended && !t->count_only) {
		t->out = grow(t->out, &t->cap_out, t->n_out + 1, 1);
		t->out[t->n_out++] = '\n';
	}
	figures_tokens(t->figures, &t->turn, t->on_line);
	figures_end(t->figures, &t->turn, t->sequence);
	t->inside = false;
}

/* Of a long record whose end is not here, what is certain; how much of it is left. */
static size_t
some_of_record(struct tok *t, char *text, size_t have)
{
	size_t n = 0;
	if (t->chat || have < t->enough)
		return have;
	if (!t->inside)
		begin_record(t, false);
	have = vocab_encode_begun(t->v, &t->part, text, have, t->special, &t->ids, &n, &t->cap_ids);
	put_ids(t, t->ids, n);
	t->enough = t->part.enough > LONG_RECORD ? t->part.enough : LONG_RECORD;
	return have;
}

/* Convert the whole records of text[0..have), of which the first `old` bytes hold no
 * record's end; move the rest to the front and return its length. */
static size_t
records(struct tok *t, char *text, size_t old, size_t have)
{
	size_t begin = 0;
	for (char *p; (p = memchr(text + old, t->end, have - old)); begin = old) {
		old = (size_t)(p - text) + 1;
		end_record(t, text + begin, old - 1 - begin, true);
		t->enough = LONG_RECORD;
		if (t->n_out > CHUNK)
			flush(t);
	}
	memmove(text, text + begin, have - begin);
	return some_of_record(t, text, have - begin);
}

/* Records as they arrive; what is ready is written before more input is waited for. */
static void
run(struct tok *t)
{
	char *text = NULL;
	size_t have = 0, cap = 0;
	for (size_t got = 1; got;) {
		text = grow(text, &cap, have + CHUNK, 1);
		got = read_some(0, 1, text + have, cap - have, "stdin");
		have = records(t, text, have, have + got);
		if (!got && (have || t->inside))
			end_record(t, text, have, false);
		flush(t);
	}
	xfree(text);
}

int
main(int argc, char **argv)
{
	struct tok t = {.end = '\n', .enough = LONG_RECORD};
	struct figures figures = {0};
	bool header = true, chat = false, inspect = false;
	const char *system = NULL;

	start();
	for (int opt; (opt = getopt(argc, argv, ":chinqS:sVvz")) != -1;)
		switch (opt) {
		case 'c':
			chat = true;
			break;
		case 'i':
			inspect = true;
			break;
		case 'S':
			system = optarg;
			break;
		case 'n':
			t.count_only = true;
			break;
		case 'q':
			header = false;
			break;
		case 's':
			t.special = true;
			break;
		case 'z':
			t.end = '\0';
			break;
		case 'h':
			help();
		case 'V':
			version();
		case 'v':
			t.figures = &figures;
			break;
		default:
			die_option(opt, optopt);
		}
	if (argc - optind > 1)
		die_usage("'%s': one model is enough", argv[optind + 1]);

	if (system && !chat)
		die_usage("-S is the system message of a chat: it needs -c");

	const char *path = model_path(argv[optind]);
	t.v = (inspect ? vocab_open : vocab_open_to_encode)(path);
	if (inspect)
		return info(t.v, path);
	t.spelled = xcalloc(vocab_size(t.v), sizeof *t.spelled);
	if (chat)
		t.chat = chat_new(t.v, path, system);
	if (header && !t.count_only) {
		struct origin o = {(char *)path, vocab_size(t.v), true, vocab_fingerprint(t.v)};
		token_header_write(1, &o);
	}
	run(&t);
	if (t.count_only) {
		char line[32];
		write_all(1, line, (size_t)snprintf(line, sizeof line, "%llu\n", (unsigned long long)t.total), "stdout");
	}
	close_out(1, "stdout");
	return 0;
}
