/*
 * kernels_attend.h - part of kernels_body.h: attention over a block of the cache, in the
 * tiles of matrix products.
 *
 * Scores: a tile's rows are positions, its columns numbers of the keys. Answers: rows
 * are numbers of the values, columns positions. So keys lie transposed in the cache,
 * LANES positions together, values as they are, and both become tiles by conversion
 * alone, once for all queries of a head and its group. One token is bound by reading the
 * cache, a prompt by multiply-adds.
 */

static inline float
half_of(uint16_t h)
{
	return half_to_float(h);
}

/* The nearest half-precision number, ties to even; what is too large becomes the largest. */
static inline uint16_t
to_half(float x)
{
	uint32_t u;
	const float most = 65504, a = fabsf(x) < most ? fabsf(x) : x == x ? most : x;
	memcpy(&u, &x, sizeof u);
	const uint16_t sign = (uint16_t)(u >> 16 & 0x8000);
	if (a != a)
		return sign | 0x7e00;
	if (a < 0x1p-14f)
		return (uint16_t)(sign | (uint16_t)(int32_t)(a * 0x1p24f + 0x1.8p23f - 0x1.8p23f));
	memcpy(&u, &a, sizeof u);
	u += 0xfff + (u >> 13 & 1);
	return (uint16_t)(sign | ((u >> 13) - (112 << 10)));
}

/* The number of element i of keys or values. */
static inline float
kept(const struct kv_head *h, const unsigned char *p, size_t i)
{
	float x;
	uint16_t half;
	if (h->type == KV_F32)
		return memcpy(&x, p + 4 * i, sizeof x), x;
	return memcpy(&half, p + 2 * i, sizeof half), half_of(half);
}

/* LANES of them. */
ALWAYS vec
kept_lanes(const struct kv_head *h, const unsigned char *p, size_t i)
{
	return h->type == KV_F32 ? vec_load((const float *)(const void *)(p + 4 * i)) : halves(p + 2 * i);
}

static inline void
put(const struct kv_head *h, unsigned char *p, size_t i, float x)
{
	const uint16_t half = to_half(x);
	if (h->type == KV_F32)
		memcpy(p + 4 * i, &x, sizeof x);
	else
		memcpy(p + 2 * i, &half, sizeof half);
}

static void
keep(const struct kv_head *h, size_t position, const float *k, const float *v)
{
	const size_t first = position / LANES * LANES * h->dim + position % LANES;
	for (size_t i = 0; i < h->dim; i++)
		put(h, h->k, first + i * LANES, k[i]);
	for (size_t i = 0; i < h->dim; i++)
		put(h, h->v, position * h->dim + i, v[i]);
}

/* score[rows][KV_BLOCK] = q . the keys of n positions from `base` on */
static void
scores(struct scratch *s, const struct kv_head *h, size_t base, size_t n, const float *q, size_t rows, float *score)
{
	memset(score, 0, rows * KV_BLOCK * sizeof *score);
	s->tile[0].rows = 0; /* nothing to ask for */
	for (size_t p = 0; p < n; p += TILE)
		for (size_t from = 0; from < h->dim; from += CHUNK) {
			const size_t wide = h->dim - from < CHUNK ? h->dim - from : CHUNK;
			for (size_t g = 0; g < 2; g++)
				for (size_t i = 0; i < wide; i++)
					vec_store(s->tile[g].u.w[i], kept_lanes(h, h->k,
						((base + p + g * LANES) * h->dim) + (from + i) * LANES));
			all_floats_times(s->tile, wide, q + from, rows, h->dim, score + p, KV_BLOCK);
		}
}

/* Scores become shares of their sum, which is part[1], relative to the largest, part[0]. */
static void
shares(float *score, const struct query *q, size_t base, size_t n, float cap, float *part)
{
	const size_t lo = q->begin > base ? q->begin - base : 0, end = q->end > base ? q->end - base : 0;
	const size_t hi = end < n ? end : n, whole = (n + SUMS - 1) / SUMS * SUMS;
	float most = -FLT_MAX, sum[SUMS] = {0};
	part[0] = most;
	part[1] = 0;
	if (hi <= lo) {
		memset(score, 0, whole * sizeof *score);
		return;
	}
	if (cap > 0)
		for (size_t i = lo; i < hi; i++)
			score[i] = cap * tanhf(score[i] / cap);
	if (q->slope > 0)
		for (size_t i = lo; i < hi; i++)
			score[i] -= q->slope * (float)(q->end - 1 - base - i);
	for (size_t i = lo; i < hi; i++)
		most = score[i] > most ? score[i] : most;
	for (size_t i = 0; i < whole; i += LANES)
		vec_store(score + i, vec_exp(vec_add(vec_load(score + i), vec_set(-most))));
	memset(score, 0, lo * sizeof *score);
	memset(score + hi, 0, (whole - hi) * sizeof *score);
	for (size_t i = 0; i < whole; i += SUMS)
		for (size_t l = 0; l < SUMS; l += LANES)
			vec_store(sum + l, vec_add(vec_load(sum + l), vec_load(score + i + l)));
	part[0] = most;
	part[1] = sum_of(sum);
}

/* part[rows][2 + dim]: behind the first two, the values of n positions by their shares */
static void
answers(struct scratch *s, const struct kv_head *h, size_t base, size_t n, const float *score, size_t rows, float *part)
{
	float *sum = s->sum + rows * KV_BLOCK;
	for (size_t d = 0; d < h->dim; d += TILE) {
		const size_t wide = h->dim - d < TILE ? h->dim - d : TILE;
		for (size_t p = 0; p < n; p++) {
			const size_t at = (base + p) * h->dim + d;
			for (size_t g = 0; wide == TILE && g < 2; g++)
				vec_store(s->tile[g].u.w[p], kept_lanes(h, h->v, at + g * LANES));
			for (size_t i = 0; wide < TILE && i < TILE; i++)
				s->tile[i / LANES].u.w[p][i % LANES] = i < wide ? kept(h, h->v, at + i) : 0;
		}
		memset(sum, 0, rows * TILE * sizeof *sum);
		all_floats_times(s->tile, n, score, rows, KV_BLOCK, sum, TILE);
		for (size_t r = 0; r < rows; r++)
			memcpy(part + r * (2 + h->dim) + 2 + d, sum + r * TILE, wide * sizeof *part);
	}
}

static void
attend(const struct kv_head *h, size_t block, const float *q, const struct query *query, size_t rows, float cap,
	float *part, void *scratch)
{
	struct scratch *s = scratch;
	const size_t base = block * KV_BLOCK;
	size_t n = 0;
	for (size_t r = 0; r < rows; r++)
		n = query[r].end > base + n ? query[r].end - base : n;
	n = n < KV_BLOCK ? n : KV_BLOCK;
	scores(s, h, base, n, q, rows, s->sum);
	for (size_t r = 0; r < rows; r++)
		shares(s->sum + r * KV_BLOCK, query + r, base, n, cap, part + r * (2 + h->dim));
	answers(s, h, base, n, s->sum, rows, part);
}

static void
merge(float *all, const float *part, size_t dim)
{
	if (all[1] == 0 || part[1] == 0) { /* nothing was seen there */
		if (all[1] == 0)
			memcpy(all, part, (2 + dim) * sizeof *all);
		return;
	}
	const float most = all[0] > part[0] ? all[0] : part[0];
	const float a = expf(all[0] - most), b = expf(part[0] - most);
	all[0] = most;
	for (size_t i = 1; i < 2 + dim; i++)
		all[i] = all[i] * a + part[i] * b;
}
