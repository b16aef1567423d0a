/* sequence.c - what the sampler keeps of one sequence; see sequence.h. */
#include "sequence.h"

/* splitmix64 by Steele, Lea and Flood: its finalizer, which maps 0 to 0. */
static uint64_t
mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

void
sequence_begin(struct sequence *q, uint64_t seed, uint32_t number)
{
	*q = (struct sequence){.seen = q->seen, .cap_seen = q->cap_seen, .score = q->score,
		.held = q->held, .later = q->later, .number = number};
	seed ^= mix(number);
	for (int i = 0; i < 4; i++)
		q->random[i] = mix(seed += 0x9e3779b97f4a7c15);
}

void
sequence_said(struct sequence *q, uint32_t position, const uint32_t *ids, size_t n)
{
	while (q->n_seen && q->seen[q->n_seen - 1].position >= position)
		q->n_seen--;
	q->seen = grow(q->seen, &q->cap_seen, q->n_seen + n, sizeof *q->seen);
	for (size_t i = 0; i < n; i++)
		q->seen[q->n_seen++] = (struct seen){position++, ids[i]};
}

void
sequence_see(struct sequence *q, const struct row_head *row)
{
	sequence_said(q, row->position, &row->token, 1);
	q->last = *row;
	q->any = true;
}

static uint64_t
rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* xoshiro256** 1.0 by Blackman and Vigna, seeded as they say: by splitmix64. */
static uint64_t
random_next(uint64_t s[4])
{
	uint64_t r = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return r;
}

double
sequence_random(struct sequence *q)
{
	return (double)(random_next(q->random) >> 11) * 0x1p-53;
}

void
sequence_free(struct sequence *q)
{
	xfree(q->seen);
	score_free(&q->score);
	stop_free(&q->held);
	xfree(q->later.s);
}
