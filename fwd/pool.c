/*
 * pool.c - threads that share out the items of a loop; see pool.h.
 *
 * A loop of one token lasts some ten microseconds, so the threads spin for a
 * short while between loops before they sleep. The caller waits for the pieces
 * that were taken, never for a thread that took none: one that the system has not
 * let run costs nothing.
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
	/* The loop at hand: written before `left` says that there is one, and not
	 * again until all its pieces are done. */
	pool_fn *fn;
	void *arg;
	size_t n, chunk, pieces;
	atomic_uint_fast64_t left;	/* loops so far << 32 | pieces not yet taken */
	atomic_size_t done;		/* pieces finished */
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

static bool
has_work(struct pool *p)
{
	return (uint32_t)atomic_load(&p->left) || atomic_load(&p->quit);
}

/* Take pieces and work on them until none is left. A piece taken keeps the loop
 * from ending, so what describes it holds still. */
static void
work(struct pool *p, int thread)
{
	uint_fast64_t left = atomic_load(&p->left);
	while ((uint32_t)left) {
		if (!atomic_compare_exchange_weak(&p->left, &left, left - 1))
			continue;
		size_t first = (p->pieces - (uint32_t)left) * p->chunk;
		p->fn(p->arg, first, p->n - first < p->chunk ? p->n : first + p->chunk, thread);
		atomic_fetch_add(&p->done, 1);
		left = atomic_load(&p->left);
	}
}

/* Spin for a while, then sleep, until there is work or the end. */
static void
wait_work(struct pool *p)
{
	for (int i = 0; i < SPINS; i++) {
		if (has_work(p))
			return;
		spin_hint();
	}
	pthread_mutex_lock(&p->lock);
	atomic_fetch_add(&p->asleep, 1);
	while (!has_work(p))
		pthread_cond_wait(&p->wake, &p->lock);
	atomic_fetch_sub(&p->asleep, 1);
	pthread_mutex_unlock(&p->lock);
}

static void *
worker(void *arg)
{
	struct start *s = arg;
	for (;;) {
		wait_work(s->pool);
		if (atomic_load(&s->pool->quit))
			return NULL;
		work(s->pool, s->thread);
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

/* There is work, or the end: wake who sleeps. */
static void
wake(struct pool *p)
{
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
	while (n / chunk >= UINT32_MAX)
		chunk *= 2;
	p->fn = fn;
	p->arg = arg;
	p->n = n;
	p->chunk = chunk;
	p->pieces = (n + chunk - 1) / chunk;
	atomic_store(&p->done, 0);
	atomic_store(&p->left, ((atomic_load(&p->left) >> 32) + 1) << 32 | p->pieces);
	wake(p);
	work(p, 0);
	for (int i = 0; atomic_load(&p->done) < p->pieces; i++) {
		spin_hint();
		if (i > SPINS)
			sched_yield();
	}
}

void
pool_free(struct pool *p)
{
	atomic_store(&p->quit, true);
	wake(p);
	for (int i = 1; i < p->threads; i++)
		pthread_join(p->thread[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	xfree(p->thread);
	xfree(p->start);
	xfree(p);
}
