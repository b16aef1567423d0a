/*
 * pool.c - threads that share out the items of a loop; see pool.h.
 *
 * A loop of one token lasts some ten microseconds, so the threads spin for a
 * short while between loops before they sleep.
 */
#include "pool.h"

#include "util.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { SPINS = 4000 };

struct pool {
	int threads;
	pthread_t *thread;
	struct start *start;
	/* The loop at hand; written before `epoch` counts up. */
	pool_fn *fn;
	void *arg;
	size_t n, chunk;
	atomic_size_t next;	/* first item not yet taken */
	atomic_uint epoch;	/* counts loops */
	atomic_int busy;	/* threads still in this loop */
	atomic_int asleep;
	atomic_bool quit;
	pthread_mutex_t lock;
	pthread_cond_t wake;
};

struct start {
	struct pool *pool;
	int thread;
};

static inline void
spin_hint(void)
{
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
	__builtin_ia32_pause();
#endif
}

static void
work(struct pool *p, int thread)
{
	for (;;) {
		size_t first = atomic_fetch_add(&p->next, p->chunk);
		if (first >= p->n)
			return;
		p->fn(p->arg, first, p->n - first < p->chunk ? p->n : first + p->chunk, thread);
	}
}

/* Wait until a loop other than number `seen` is at hand. */
static unsigned
wait_epoch(struct pool *p, unsigned seen)
{
	for (int i = 0; i < SPINS; i++) {
		if (atomic_load(&p->epoch) != seen)
			return seen + 1;
		spin_hint();
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->asleep, 1);
	while (atomic_load(&p->epoch) == seen)
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->asleep, 1);
	pthread_mutex_unlock(&p->lock);
	return seen + 1;
}

static void *
worker(void *arg)
{
	struct start *s = arg;
	unsigned seen = 0;
	for (;;) {
		seen = wait_epoch(s->pool, seen);
		if (atomic_load(&s->pool->quit))
			return NULL;
		work(s->pool, s->thread);
		atomic_fetch_sub(&s->pool->busy, 1);
	}
}

struct pool *
pool_new(int threads)
{
	struct pool *p = xcalloc(1, sizeof *p);
	p->threads = threads;
	p->thread = xcalloc((size_t)threads, sizeof *p->thread);
	p->start = xcalloc((size_t)threads, sizeof *p->start);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	for (int i = 1; i < threads; i++) {
		p->start[i] = (struct start){p, i};
		if (pthread_create(p->thread + i, NULL, worker, p->start + i))
			die("cannot start %d threads: use fewer with -t", threads);
	}
	return p;
}

int
pool_threads(const struct pool *p)
{
	return p->threads;
}

/* Let the threads see a new epoch. */
static void
next_epoch(struct pool *p)
{
	atomic_fetch_add(&p->epoch, 1);
	if (atomic_load(&p->asleep)) {
		pthread_mutex_lock(&p->lock);
		pthread_cond_broadcast(&p->wake);
		pthread_mutex_unlock(&p->lock);
	}
}

void
pool_run(struct pool *p, pool_fn *fn, void *arg, size_t n, size_t chunk)
{
	if (p->threads == 1 || n <= chunk) {
		if (n)
			fn(arg, 0, n, 0);
		return;
	}
	p->fn = fn;
	p->arg = arg;
	p->n = n;
	p->chunk = chunk;
	atomic_store(&p->next, 0);
	atomic_store(&p->busy, p->threads - 1);
	next_epoch(p);
	work(p, 0);
	for (int i = 0; atomic_load(&p->busy); i++) {
		spin_hint();
		if (i > SPINS)
			sched_yield();
	}
}

void
pool_free(struct pool *p)
{
	atomic_store(&p->quit, true);
	next_epoch(p);
	for (int i = 1; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	xfree(p->thread);
	xfree(p->start);
	xfree(p);
}
