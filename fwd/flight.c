/* flight.c - several sequences in flight; see flight.h, llm-logits(5). */
#include "flight.h"

#include "line.h"
#include "reply.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

enum { AHEAD = 256 };	/* lines of a sequence that are read ahead */

/* A place for a sequence. */
struct slot {
	struct context *c;
	bool used;		/* has a sequence, */
	bool closed;		/* whose end was read */
	bool filled;		/* so that an empty line ends it: its context will not be empty */
	uint32_t sequence;
	struct line *ahead;	/* lines that wait, a ring */
	size_t first, n_ahead, ids_ahead;
	struct line line;	/* what is fed now, or was last */
	struct line owed;	/* what was not fed yet, as nobody has asked for what follows it */
	size_t fed;		/* tokens of the line */
	bool feeding, serving;	/* a pass is wanted; the sampler's turn */
	bool stuck;		/* its next line does not fit, which will be said when the others are over */
	bool more;		/* what its last answer said of ROW_MORE */
	struct emit emit;
	bool all;		/* a row for each token of the line */
	struct turn_figures turn;
};

struct flight {
	struct turns *t;
	struct slot *slot;	/* `most`; in the order of their sequences: see order[] */
	size_t most;
	struct slot **order;	/* those that are used, the earliest sequence first */
	size_t n;
	size_t at_once;		/* sequences that may be in flight: one, until we know the sampler */
	struct portion *portion;
	struct token_reader lines, replies;
	bool ended, heard;	/* no line will come any more; replies are read */
	struct line part, reply; /* of the stream, of the channel: as far as they are here */
	bool held;		/* the reply is whole, but its sequence is not ready for it */
	uint32_t sequence;	/* of the next one that begins */
	double pass, since;	/* seconds of the last pass; when it ended */
	bool watched;		/* the progress of prompts is shown */
};

/* The sequence that lines are read for: the latest, unless its end was read. */
static struct slot *
reading(const struct flight *f)
{
	return f->n && !f->order[f->n - 1]->closed ? f->order[f->n - 1] : NULL;
}

static void
begin_sequence(struct flight *f)
{
	struct slot *s = f->slot;
	while (s->used)
		s++;
	s->used = true;
	s->closed = s->filled = s->more = false;
	s->sequence = f->sequence++;
	f->order[f->n++] = s;
}

/* Whether there is room for another line. */
static bool
may_read(const struct flight *f)
{
	const struct slot *s = reading(f);
	if (f->ended)
		return false;
	return s ? s->n_ahead < AHEAD && s->ids_ahead < context_max(s->c) : f->n < f->at_once;
}

/* The line that was read waits behind those of its sequence. */
static void
put_line(struct flight *f)
{
	struct slot *s = reading(f);
	if (line_is_empty(&f->part)) { /* an empty line ends a sequence that is not empty */
		if (s && s->filled)
			s->closed = true;
		return;
	}
	if (!s)
		begin_sequence(f);
	s = reading(f);
	if (!s->ahead)
		s->ahead = xcalloc(AHEAD, sizeof *s->ahead);
	struct line *to = s->ahead + (s->first + s->n_ahead++) % AHEAD, spare = *to;
	*to = f->part;
	f->part = spare;
	s->ids_ahead += to->n;
	if (to->n || to->rewound)
		s->filled = to->n || to->rewind;
}

static void
read_lines(struct flight *f)
{
	enum token_event e;
	while (may_read(f) && token_poll(&f->lines, &e)) {
		if (!line_take(f->t, &f->lines, e, &f->part, SIZE_MAX))
			continue;
		f->ended = e == TOKENS_END;
		if (!f->ended)
			put_line(f);
		else if (reading(f))
			reading(f)->closed = true;
		line_begin(&f->part);
	}
}

/* Whether the sequence's next line may begin: not while the sampler was told that an earlier one
 * has said its last line, and that has not. */
static bool
may_begin(const struct flight *f, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		const struct slot *s = f->order[k];
		const bool to_be_told = !s->emit.flags || (s->feeding && s->emit.flags & ROW_ANSWER);
		if (!to_be_told && !s->more && s->n_ahead)
			return false;
	}
	return !f->order[i]->stuck;
}

/* Feed the line; a reply of which nobody waits for rows is fed with the next line, if there is one. */
static void
feed_line(struct flight *f, struct slot *s, struct token_reader *r, uint32_t flags)
{
	struct line *l = &s->line;
	const bool owes = l->last && flags & ROW_REPLY && !f->t->all;
	s->stuck = true;
	line_check(f->t, r, l, context_length(s->c) + s->owed.n);
	s->stuck = false;
	if (!(flags & ROW_REPLY))
		line_turn(f->t, &s->turn, l, s->sequence);
	line_settle(l, &s->owed, context_length(s->c));
	if (!owes)
		line_again(l, s->c);
	if (l->rewound)
		context_rewind(s->c, l->rewind);
	if (owes) {
		line_fed(f->t, &s->turn, l, true);
		line_swap(l, &s->owed);
		return;
	}
	s->fed = 0;
	s->feeding = l->n > 0;
	s->all = flags & ROW_REPLY || f->t->all;
	s->emit = (struct emit){.t = f->t, .c = s->c, .sequence = s->sequence, .flags = flags,
		.next = context_length(s->c), .end = context_length(s->c) + l->n};
}

/* Lines of sequences whose turn is over begin. */
static void
begin_lines(struct flight *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct slot *s = f->order[i];
		while (s->n_ahead && !s->feeding && !s->serving && may_begin(f, i)) {
			line_swap(&s->line, s->ahead + s->first);
			s->first = (s->first + 1) % AHEAD;
			s->n_ahead--;
			s->ids_ahead -= s->line.n;
			feed_line(f, s, &f->lines, ROW_ANSWER);
		}
	}
}

/* Sequences that are over leave their places; false: there were none. */
static bool
end_sequences(struct flight *f)
{
	const size_t before = f->n;
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct slot *s = f->order[i];
		if (!s->closed || s->stuck || s->n_ahead || s->feeding || s->serving) {
			f->order[n++] = s;
			continue;
		}
		figures_end(f->t->figures, &s->turn, s->sequence);
		context_rewind(s->c, 0);
		s->owed.n = 0;
		s->emit.flags = 0;
		s->used = false;
	}
	f->n = n;
	return n < before;
}

/* The sequence that the reply belongs to; of a sampler that knows only one, that one. */
static struct slot *
replied_to(const struct flight *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->order[i]->serving && (!f->replies.sequences || f->order[i]->sequence == f->replies.sequence))
			return f->order[i];
	die("%s: line %zu: sequence %u waits for no reply", f->replies.name, f->replies.line, f->replies.sequence);
}

static void
take_reply(struct flight *f)
{
	struct slot *s = replied_to(f);
	f->held = s->feeding;
	if (f->held)
		return;
	if (line_is_empty(&f->reply)) {
		figures_end(f->t->figures, &s->turn, s->sequence);
		s->serving = false;
	} else {
		line_swap(&s->line, &f->reply);
		feed_line(f, s, &f->replies, ROW_REPLY);
	}
	line_begin(&f->reply);
}

static void
read_replies(struct flight *f)
{
	enum token_event e;
	if (f->held)
		take_reply(f);
	while (f->heard && !f->held && token_poll(&f->replies, &e)) {
		if (!line_take(f->t, &f->replies, e, &f->reply, SIZE_MAX))
			continue;
		if (e == TOKENS_END) { /* the sampler left; it knows why */
			raise(SIGPIPE);
			exit(1); /* SIGPIPE is blocked */
		}
		take_reply(f);
	}
	line_lend(f->t, &f->replies);
	if (f->heard && f->replies.sequences)
		f->at_once = f->replies.sequences < f->most ? f->replies.sequences : f->most;
}

/* Sequences of which a row is with the sampler, and of which tokens are ready. */
static size_t
count(const struct flight *f, bool feeding)
{
	size_t n = 0;
	for (size_t i = 0; i < f->n; i++)
		n += feeding ? f->order[i]->feeding : f->order[i]->serving && !f->order[i]->feeding;
	return n;
}

/* Its first answer is out: is there a sampler? One that knows several sequences has said so. */
static void
await_sampler(struct flight *f, struct slot *s)
{
	s->serving = f->t->channel && reply_wait(1);
	f->heard = s->serving;
	if (!s->serving)
		f->at_once = f->most;
}

/* Show the progress of prompts that take several passes. */
static void
watch(struct flight *f, size_t fed)
{
	size_t left = 0;
	if (!f->t->progress)
		return;
	for (size_t i = 0; i < f->n; i++)
		left += f->order[i]->feeding ? f->order[i]->line.n - f->order[i]->fed : 0;
	if (f->watched == (fed > 0) && (fed || left > context_batch(f->t->c))) {
		progress_pass(f->t->progress, fed, left);
		f->watched = left > 0;
	}
}

/* One pass over all tokens that are ready. */
static void
pass(struct flight *f)
{
	const double start = seconds_now();
	size_t n = 0, fed = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct slot *s = f->order[i];
		if (!s->feeding)
			continue;
		const size_t left = s->line.n - s->fed;
		if (s->emit.flags & ROW_ANSWER) {
			s->more = s->n_ahead > 0;
			s->emit.flags = ROW_ANSWER | (s->more ? ROW_MORE : 0);
		}
		f->portion[n++] = (struct portion){.c = s->c, .fn = line_emit, .arg = &s->emit,
			.feed = {.ids = s->line.ids + s->fed, .n = left, .wanted = !s->all ? left - 1 : s->line.owed > s->fed ? s->line.owed - s->fed : 0}};
	}
	watch(f, 0);
	contexts_feed(f->portion, n);
	n = 0;
	for (size_t i = 0; i < f->n; i++) {
		struct slot *s = f->order[i];
		if (!s->feeding)
			continue;
		fed += f->portion[n].fed;
		s->fed += f->portion[n++].fed;
		s->feeding = s->fed < s->line.n;
		if (!s->feeding)
			line_fed(f->t, &s->turn, &s->line, s->emit.flags & ROW_REPLY);
		if (!s->feeding && s->emit.flags & ROW_ANSWER)
			await_sampler(f, s);
	}
	watch(f, fed);
	f->since = seconds_now();
	f->pass = f->since - start;
}

/* Until there is a line, or a reply, or the time is over. */
static void
wait_for_news(const struct flight *f, double seconds)
{
	struct pollfd p[3] = {{.fd = may_read(f) ? f->lines.in : -1, .events = POLLIN},
		{.fd = f->heard && !f->held ? f->replies.in : -1, .events = POLLIN}, {.fd = 1, .events = 0}};
	poll(p, 3, seconds < 0 ? -1 : (int)(seconds * 1000) + 1);
	if (p[2].revents & POLLERR) {
		raise(SIGPIPE);
		exit(1); /* SIGPIPE is blocked */
	}
}

/* False: all has been said. */
static bool
step(struct flight *f)
{
	read_replies(f);
	end_sequences(f);
	read_lines(f);
	begin_lines(f);
	if (end_sequences(f))
		return true;
	const double left = f->since + f->pass - seconds_now();
	if (count(f, true) && count(f, false) && !f->held && left > 0)
		wait_for_news(f, left); /* the others' replies are on their way: all in one pass */
	else if (count(f, true))
		pass(f);
	else if (count(f, false) || may_read(f))
		wait_for_news(f, -1);
	else
		return false;
	return true;
}

/* What is wrong with a line is said behind the answers to all that came before it. */
static void
finish(void *arg)
{
	struct flight *f = arg;
	bool behind = false;
	f->ended = true;
	for (size_t i = 0; i < f->n; i++) {
		f->order[i]->closed = true;
		if (behind) /* of what comes behind it, only what is under way */
			f->order[i]->n_ahead = 0;
		behind |= f->order[i]->stuck;
	}
	while (step(f))
		;
}

static void
free_slots(struct flight *f)
{
	for (size_t i = 0; i < f->most; i++) {
		struct slot *s = f->slot + i;
		for (size_t k = 0; s->ahead && k < AHEAD; k++)
			xfree(s->ahead[k].ids);
		xfree(s->ahead);
		xfree(s->line.ids);
		xfree(s->owed.ids);
		if (i)
			context_free(s->c);
	}
	xfree(f->slot);
	xfree(f->order);
	xfree(f->portion);
	xfree(f->part.ids);
	xfree(f->reply.ids);
}

bool
flight_run(struct turns *t, size_t most, int in)
{
	struct flight f = {.t = t, .most = most, .at_once = t->channel ? 1 : most};
	f.slot = xcalloc(most, sizeof *f.slot);
	f.order = xcalloc(most, sizeof *f.order);
	f.portion = xcalloc(most, sizeof *f.portion);
	for (size_t i = 0; i < most; i++)
		f.slot[i].c = i ? context_beside(t->c) : t->c;
	token_reader_init(&f.lines, in, 1, "stdin");
	f.lines.last_words = finish;
	f.lines.last_words_arg = &f;
	if (t->channel)
		token_reader_init(&f.replies, reply_fd(), 1, "reply channel");
	while (step(&f))
		;
	const bool any = f.lines.any;
	free_slots(&f);
	token_reader_free(&f.lines);
	if (t->channel)
		token_reader_free(&f.replies);
	return any;
}
