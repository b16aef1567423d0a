/*
 * kernels_attend.h - part of kernels_body.h: attention over a block of the cache.
 *
 * Scores: a vector's lanes are positions, and it meets one number of each query. Answers:
 * lanes are numbers of the values, and they meet the share of one position. So keys lie
 * transposed in the cache, LANES positions together, values in strips of KV_RUN numbers, position
 * after position: both are read from one end to the other, and what comes next is asked for meanwhile:
 * multiply-adds are too many for a machine to look far enough ahead by itself.
 *
 * Two vectors meet as many queries as there are registers for, or where these are few, more vectors. On Zen 3, which
 * could do 16 multiply-adds a cycle, 8 queries of 64 numbers get 14 of their scores and 15 of their answers in
 * the cache, and a share takes 1.5 cycles: 12 in all, and 11 of them where keys and values come from memory, 9 GB/s
 * a thread. Up to 4 queries are bound by the memory, 15 GB/s; 3 get 12 of both in the cache.
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

/* Numbers one behind the other: vector g of step k is at p + k step + g apart. Meanwhile, `each` bytes a step
 * are asked for of what will be needed next. */
struct strip {
	enum kv_type type;
	const unsigned char *p;
	size_t step, apart;
	uintptr_t next;
	size_t each;
};

/* LANES of them. */
ALWAYS vec
numbers(const enum kv_type type, const unsigned char *p)
{
	switch (type) {
	case KV_F32: return vec_load((const float *)(const void *)p);
	case KV_F16: return halves(p);
	default: return bytes(p);
	}
}

/* f[g][r] += vector g . number r. Of both, what are fewer wait in registers. */
ALWAYS void
strip_step(const enum kv_type type, const unsigned char *p, size_t p_apart, const float *x, size_t x_apart, vec (*f)[FLOATS_AT_ONCE],
	const int rows, const int wide)
{
	const int fewer = rows < wide ? rows : wide, more = rows < wide ? wide : rows;
	vec held[KV_RUN / LANES];
	UNROLL for (int i = 0; i < fewer; i++)
		held[i] = rows < wide ? vec_set(x[(size_t)i * x_apart]) : numbers(type, p + (size_t)i * p_apart);
	UNROLL for (int j = 0; j < more; j++) {
		const vec v = rows < wide ? numbers(type, p + (size_t)j * p_apart) : vec_set(x[(size_t)j * x_apart]);
		UNROLL for (int i = 0; i < fewer; i++) {
			vec *sum = rows < wide ? &f[j][i] : &f[i][j];
			*sum = vec_fma(*sum, held[i], v);
		}
	}
}

/* out[r] = out[r] (more; otherwise 0) + scale (`wide` vectors of the strip . n numbers of x, row r). It is
 * added without a branch, which might keep the compiler from one rounding for both. */
ALWAYS void
strip_rows(const struct strip *w, const enum kv_type type, size_t n, const float *x, size_t apart, const vec *scale,
	bool more, float *out, size_t out_apart, struct ahead *ahead, const int rows, const int wide)
{
	static const float nothing[KV_RUN];
	const float *old = more ? out : nothing;
	const size_t old_apart = more ? out_apart : 0;
	vec f[KV_RUN / LANES][FLOATS_AT_ONCE];
	UNROLL for (int g = 0; g < wide; g++)
		UNROLL for (int r = 0; r < rows; r++)
			f[g][r] = vec_set(0);
	const unsigned char *p = w->p;
	for (size_t k = 0; k < n; k++, p += w->step) {
		ask_line(ahead);
		strip_step(type, p, w->apart, x + k, apart, f, rows, wide);
	}
	UNROLL for (int r = 0; r < rows; r++)
		UNROLL for (int g = 0; g < wide; g++) {
			const vec before = vec_load(old + (size_t)r * old_apart + g * LANES);
			vec_store(out + (size_t)r * out_apart + g * LANES, vec_fma(before, f[g][r], scale[g]));
		}
}

#define STRIP_ROWS(type, rows, wide) strip_rows(w, type, n, x, apart, scale, more, out, out_apart, &ahead, rows, wide)
#define STRIP_CASE(rows, wide)                                        \
	case rows:                                                    \
		switch (w->type) {                                    \
		case KV_F32: STRIP_ROWS(KV_F32, rows, wide); break;   \
		case KV_F16: STRIP_ROWS(KV_F16, rows, wide); break;   \
		default: STRIP_ROWS(KV_Q8, rows, wide);               \
		}                                                     \
		break;

enum { FEW_ROWS = 3 };	/* would wait for their own sums, if they met two vectors */

/* Numbers of a strip that so many rows meet together. */
static size_t
strip_width(size_t rows)
{
	return rows <= FEW_ROWS ? KV_RUN : TILE;
}

/* The same for any number of rows: parts of about one size. */
static void
strip_times(const struct strip *w, size_t n, const float *x, size_t apart, const vec *scale, bool more, float *out,
	size_t out_apart, size_t rows)
{
	struct ahead ahead = {w->next, w->each / ((rows + FLOATS_AT_ONCE - 1) / FLOATS_AT_ONCE)};
	if (rows <= FEW_ROWS) {
		switch (rows) {
		STRIP_CASE(1, KV_RUN / LANES)
		STRIP_CASE(2, KV_RUN / LANES)
		STRIP_CASE(3, KV_RUN / LANES)
		}
		return;
	}
	for (size_t now; rows; rows -= now, x += now * apart, out += now * out_apart) {
		const size_t parts = (rows + FLOATS_AT_ONCE - 1) / FLOATS_AT_ONCE;
		now = (rows + parts - 1) / parts;
		now = now > 6 && now < FLOATS_AT_ONCE ? 4 : now;
		switch (now) {
		STRIP_CASE(3, 2)
		STRIP_CASE(4, 2)
		STRIP_CASE(5, 2)
		STRIP_CASE(6, 2)
#if FLOATS_AT_ONCE > 6
		STRIP_CASE(FLOATS_AT_ONCE, 2)
#endif
		}
	}
}

/* Where halves() takes longer than a multiply-add or two, what several parts meet is converted once. */
static struct strip
unpacked(struct scratch *s, struct strip w, size_t n, size_t rows)
{
#if defined(HAVE_HALVES)
	rows = 0;
#endif
	if (w.type == KV_F32 || rows <= FLOATS_AT_ONCE)
		return w;
	for (size_t k = 0; k < n; k++)
		for (size_t g = 0; g < 2; g++) {
			const unsigned char *p = w.p + k * w.step + g * w.apart;
			vec_store(s->tile[g].u.w[k], w.type == KV_F16 ? halves(p) : bytes(p));
		}
	return (struct strip){KV_F32, (const unsigned char *)s->tile[0].u.w, LANES * 4, sizeof *s->tile, w.next, w.each};
}

/* n numbers that share a scale into places of one size that lie `apart`. */
static void
put_run(enum kv_type type, unsigned char *p, size_t apart, unsigned char *scale, const float *x, size_t n)
{
	uint16_t half;
	float most = 0;
	if (type == KV_F32)
		for (size_t i = 0; i < n; i++)
			memcpy(p + i * apart * 4, x + i, sizeof *x);
	if (type == KV_F16)
		for (size_t i = 0; i < n; i++) {
			half = to_half(x[i]);
			memcpy(p + i * apart * 2, &half, sizeof half);
		}
	if (type != KV_Q8)
		return;
	for (size_t i = 0; i < n; i++)
		most = fabsf(x[i]) <= most ? most : fabsf(x[i]); /* no number stays one */
	half = to_half(most / 127);
	memcpy(scale, &half, sizeof half);
	const float d = half_of(half), by = d > 0 ? 1 / d : 0;
	for (size_t i = 0; i < n; i++) {
		const float v = fminf(fmaxf(x[i] * by, -127), 127);
		p[i * apart] = (unsigned char)(int32_t)(v + 0x1.8p23f - 0x1.8p23f);
	}
}

/* Where the strip of a block's values from number d on begins; and its scales. */
static inline unsigned char *
values_at(const struct kv_head *h, size_t block, size_t d)
{
	const size_t scale = h->type == KV_Q8 ? 2 : 0;
	return h->v + KV_BLOCK * (block * kv_row_bytes(h->type, h->dim) + d * kv_number_bytes(h->type) + d / KV_RUN * scale);
}

/* The group of keys that position p lies in. */
static inline unsigned char *
keys_at(const struct kv_head *h, size_t p)
{
	return h->k + p / LANES * LANES * kv_row_bytes(h->type, h->dim);
}

static void
keep(const struct kv_head *h, size_t position, const float *k, const float *v)
{
	const size_t size = kv_number_bytes(h->type), lane = position % LANES, row = position % KV_BLOCK;
	unsigned char *key = keys_at(h, position);
	for (size_t d = 0; d < h->dim; d += KV_RUN) {
		const size_t n = h->dim - d < KV_RUN ? h->dim - d : KV_RUN;
		unsigned char *value = values_at(h, position / KV_BLOCK, d);
		put_run(h->type, key + (d * LANES + lane) * size, LANES,
			key + h->dim * LANES + (d / KV_RUN * LANES + lane) * 2, k + d, n);
		put_run(h->type, value + row * n * size, 1, value + KV_BLOCK * n + row * 2, v + d, n);
	}
}

/* score[rows][KV_BLOCK] = q . the keys of n positions from `base` on */
static void
scores(struct scratch *s, const struct kv_head *h, size_t base, size_t n, const float *q, size_t rows, float *score)
{
	const size_t size = kv_number_bytes(h->type), run = h->type == KV_Q8 ? KV_RUN : CHUNK, width = strip_width(rows);
	const size_t group = LANES * kv_row_bytes(h->type, h->dim);
	for (size_t p = 0; p < n; p += width)
		for (size_t d = 0; d < h->dim; d += run) {
			const size_t now = h->dim - d < run ? h->dim - d : run;
			const unsigned char *key = keys_at(h, base + p), *scale = key + h->dim * LANES + d / KV_RUN * LANES * 2;
			const uintptr_t next = (uintptr_t)key + 2 * width * kv_row_bytes(h->type, h->dim) + d * width * size;
			const struct strip w = unpacked(s, (struct strip){h->type, key + d * LANES * size, LANES * size, group,
				next, width * size}, now, rows);
			vec by[KV_RUN / LANES];
			for (size_t g = 0; g < width / LANES; g++)
				by[g] = h->type == KV_Q8 ? halves(scale + g * group) : vec_set(1);
			strip_times(&w, now, q + d, h->dim, by, d > 0, score + p, KV_BLOCK, rows);
		}
}

/* Scores become shares of their sum, which is part[1], relative to the largest, part[0]. */
static void
shares(float *score, const struct query *q, size_t base, size_t n, float cap, float *part)
{
	const size_t lo = q->begin > base ? q->begin - base : 0, end = q->end > base ? q->end - base : 0;
	const size_t hi = end < n ? end : n, whole = (n + SUMS - 1) / SUMS * SUMS;
	float most[LANES], sum[SUMS] = {0};
	part[0] = -FLT_MAX;
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
	for (size_t i = 0; i < lo; i++)
		score[i] = -FLT_MAX;
	for (size_t i = hi; i < whole; i++)
		score[i] = -FLT_MAX;
	vec all = vec_set(-FLT_MAX);
	for (size_t i = 0; i < whole; i += LANES)
		all = vec_max(vec_load(score + i), all);
	vec_store(most, all);
	for (size_t l = 0; l < LANES; l++)
		part[0] = most[l] > part[0] ? most[l] : part[0];
	const vec least = vec_set(-part[0]);
	for (size_t i = 0; i < whole; i += SUMS)
		UNROLL for (size_t l = 0; l < SUMS; l += LANES)
			vec_store(score + i + l, vec_exp(vec_add(vec_load(score + i + l), least)));
	memset(score, 0, lo * sizeof *score);
	memset(score + hi, 0, (whole - hi) * sizeof *score);
	for (size_t i = 0; i < whole; i += SUMS)
		for (size_t l = 0; l < SUMS; l += LANES)
			vec_store(sum + l, vec_add(vec_load(sum + l), vec_load(score + i + l)));
	part[1] = sum_of(sum);
}

/* to[rows][KV_BLOCK] = shares times the scale of the value that each of them meets */
static void
scaled(const unsigned char *scale, const float *share, size_t n, size_t rows, float *to)
{
	for (size_t i = 0; i < n; i += LANES) {
		const vec d = halves(scale + 2 * i);
		for (size_t r = 0; r < rows; r++)
			vec_store(to + r * KV_BLOCK + i, vec_mul(vec_load(share + r * KV_BLOCK + i), d));
	}
}

/* part[rows][2 + dim]: behind the first two, the values of n positions by their shares */
static void
answers(struct scratch *s, const struct kv_head *h, size_t block, size_t n, const float *share, size_t rows, float *part)
{
	vec one[KV_RUN / LANES];
	float *other = s->sum + ATTEND_ROWS * KV_BLOCK, *out = other + ATTEND_ROWS * KV_BLOCK;
	const size_t size = kv_number_bytes(h->type), width = strip_width(rows);
	for (size_t g = 0; g < KV_RUN / LANES; g++)
		one[g] = vec_set(1);
	for (size_t d = 0; d < h->dim; d += width) {
		const size_t strip = d / KV_RUN * KV_RUN, now = h->dim - d < width ? h->dim - d : width;
		const size_t step = h->dim - strip < KV_RUN ? h->dim - strip : KV_RUN;
		const unsigned char *v = values_at(h, block, strip);
		const uintptr_t next = (uintptr_t)v + KV_BLOCK * kv_row_bytes(h->type, step) + (d - strip) * n * size;
		if (h->type == KV_Q8 && d == strip)
			scaled(v + KV_BLOCK * step, share, n, rows, other);
		const struct strip w = unpacked(s, (struct strip){h->type, v + (d - strip) * size, step * size, LANES * size,
			next, now * size}, n, rows);
		float *to = now == width ? part + 2 + d : out;
		strip_times(&w, n, h->type == KV_Q8 ? other : share, KV_BLOCK, one, false, to,
			now == width ? 2 + h->dim : width, rows);
		for (size_t r = 0; now < width && r < rows; r++)
			memcpy(part + r * (2 + h->dim) + 2 + d, out + r * width, now * sizeof *part);
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
	answers(s, h, block, n, s->sum, rows, part);
}

static void
merge(float *all, const float *part, size_t dim)
{
	if (all[1] == 0 || part[1] == 0) { /* nothing was seen there */
		if (all[1] == 0)
			memcpy(all, part, (2 + dim) * sizeof *all);
		return;
	}
	const bool before = all[0] > part[0];
	const float less = expf(before ? part[0] - all[0] : all[0] - part[0]), a = before ? 1 : less, b = before ? less : 1;
	all[0] = before ? all[0] : part[0];
	for (size_t i = 1; i < 2 + dim; i++)
		all[i] = all[i] * a + part[i] * b;
}
