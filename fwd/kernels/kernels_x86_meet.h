/*
 * kernels_x86_meet.h - part of kernels_x86.h: words of rows meet one to MOST_MET vectors without a tile.
 *
 * What would be a word of the tile meets theirs at once, and only sums of blocks are left, in u.met. They are exact,
 * and are scaled and added in the order of codes_times(), so that the products' bits are those of a batch.
 *
 * How near the limits, on a Zen 3 at 3.2 GHz, one thread, in cache: 32 weights of 8 rows of Q8_0 take 44 cycles for two
 * vectors (one: kernels_x86_rows.h) and 12 more for each further one, as in a tile; its 35 operations for that could be
 * begun in 9, of which products alone take 10. The tile's two inputs take 61. Q4_0: 23 and 10 more, in a tile 8 more, which
 * wins from the third on; so do Q4_1 and Q4_K, and for types with fifth bits or a scale for each 16 the second input gains
 * nothing. From memory, with two threads, 2 inputs take 1.2 times as long as one (Q8_0), or 1.35 to 1.45.
 * Tried: two inputs and rows that are not turned: fewer loads, 9 operations more for each input, as fast.
 * Tiles that keep no signs, as inputs bring sizes and signs: 2 inputs 18 % faster than in a tile of sizes and signs, 64 slower
 * by 5 %. Eight inputs of Q8_0 at once: 2 to 6 % faster than in a tile. Inputs that bring their negatives, for a shuffle in
 * the place of the signs: 8 inputs 3 % faster, 64 slower by 4 %.
 */
#ifndef KERNELS_X86_MEET_H
#define KERNELS_X86_MEET_H

/* What rows meet without a tile: n inputs, that many blocks `apart`. */
struct met {
	const struct qblock *q;
	size_t apart;
	size_t n;
	bool lying;	/* they are met by rows as they lie: n is 1 */
};

/* A sum of each; of rows that lie, four: of words 0, 4 ..., of 1, 5 ..., and what is added once they are joined. */
struct sums {
	vi of[MOST_MET], more;
};

INLINE size_t
count_met(const struct met *x)
{
	return x ? x->n : 0;
}

#define MET(t, x) UNROLL for (size_t t = 0; t < MOST_MET; t++) if (t < count_met(x))

INLINE bool
meets_lying(const struct met *x)
{
	return x && x->lying;
}

/* Word `word` of input t, counted from block b on; for rows that lie, all four words that `word` is one of. */
INLINE vi
word_of(const struct met *x, size_t t, size_t b, size_t word)
{
	const int8_t *q = x->q[t * x->apart + b + word / 8].q;
	return x->lying ? v_table(_mm_loadu_si128((const __m128i *)(const void *)(q + word % 8 / 4 * 16))) : everywhere(q + word % 8 * 4);
}

/* Where that goes to. */
INLINE vi *
sum_for(struct sums *s, const struct met *x, size_t t, size_t word)
{
	return s->of + (x->lying ? word % 4 : t);
}

/* Where the sum of input t begins. */
INLINE vi *
begin_of(struct sums *s, const struct met *x, size_t t)
{
	return x->lying ? &s->more : s->of + t;
}

/* The sum of input t, where lanes are rows. */
INLINE vi
whole_row_sum(const struct met *x, const struct sums *s, size_t t, const bool shorts)
{
	return x->lying ? two_joined(joined(s->of, shorts), s->more, shorts) : s->of[t];
}

INLINE int32_t
bias_of(const struct met *x, size_t t, size_t b, size_t share)
{
	const struct qblock *q = x->q + t * x->apart;
	return share == 32 ? q[b].bias[2] : q[b / 2].bias[b % 2];
}

#if defined(HAVE_DOT4)
#define SHIFT(x, least) ((x) || !(least) ? -(least) : BIAS)
#define SHIFT_LARGE BIAS
#define BACK 0

INLINE struct sums
no_sum(const struct met *x, size_t b, size_t share, int centre)
{
	struct sums s = {{v_zero(), v_zero(), v_zero(), v_zero()}, v_zero()};
	MET(t, x) {
		const int32_t bias = bias_of(x, t, b, share);
		*begin_of(&s, x, t) = V(set1_epi32)(centre == BIAS ? bias : bias / BIAS * centre);
	}
	return s;
}

/* The sum of the numbers of a block: of the first half, the second, both. */
INLINE vi
input_sum(const struct qblock *x, size_t half)
{
	return V(set1_epi32)(-x->bias[half] / BIAS);
}

/* Words are counted from block b on. */
INLINE struct sums
put_word(struct tile *to, const struct met *x, size_t b, size_t word, vi q, struct sums acc)
{
	MET(t, x) {
		vi *sum = sum_for(&acc, x, t, word);
		*sum = v_dot4(*sum, q, word_of(x, t, b, word));
	}
	if (!x)
		v_store(to->u.q[8 * b + word], q);
	return acc;
}

INLINE void
put_sum(struct tile *to, const struct met *x, size_t b, size_t share, struct sums acc, int back, bool super)
{
	(void)share, (void)back, (void)super;
	MET(t, x)
		v_store(to->u.met[t][b], whole_row_sum(x, &acc, t, false));
}

#define put_large(to, x, b, word, q, acc, prepared, super) put_word(to, x, b, word, q, acc)
#define prepare_large(to, x, b) ((void)(to), (void)(x), (void)(b))
#define put_large_sum(to, x, b, acc, super) put_sum(to, x, b, 32, acc, 0, super)

INLINE void
scale_sum(struct tile *to, size_t b)
{
	(void)to, (void)b; /* add_super() does it */
}

INLINE void
put_scale(struct tile *to, size_t b, vi n)
{
	V(storeu_ps)(to->d[b], V(cvtepi32_ps)(n));
}

INLINE void
put_minima(struct tile *to, const struct met *x, size_t i, vi m)
{
	(void)x; /* add_super() does it */
	for (unsigned k = 0; k < 4; k++)
		V(storeu_ps)(to->m[4 * i + k], byte_of(m, k));
}

INLINE void
put_scale_byte(struct tile *to, size_t b, vi c, unsigned k, bool minus)
{
	const vi high = V(slli_epi32)(c, 24 - 8 * k);
	put_scale(to, b, minus ? V(srai_epi32)(high, 24) : V(srli_epi32)(high, 24));
}
#else
/* A block's sum is always made in 16 bits, with what is to be added back where weights are without sign. */
INLINE struct sums
no_sum(const struct met *x, size_t b, size_t share, int centre)
{
	struct sums s = {{v_zero(), v_zero(), v_zero(), v_zero()}, v_zero()};
	MET(t, x)
		if (centre)
			*begin_of(&s, x, t) = _mm256_mullo_epi16(_mm256_set1_epi32(bias_of(x, t, b, share)), _mm256_set1_epi16((short)-centre));
	return s;
}

/* Words are counted from block b on. */
INLINE struct sums
put_word(struct tile *to, const struct met *x, size_t b, size_t word, vi q, struct sums acc)
{
	MET(t, x) {
		vi *sum = sum_for(&acc, x, t, word);
		*sum = _mm256_add_epi16(*sum, _mm256_maddubs_epi16(q, word_of(x, t, b, word)));
	}
	if (!x)
		v_store(to->u.q[8 * b + word], q);
	return acc;
}

INLINE void
put_sum(struct tile *to, const struct met *x, size_t b, size_t share, struct sums acc, int back, bool super)
{
	MET(t, x) {
		const vi by = multiplier(to, b, super);
		vi all = _mm256_madd_epi16(whole_row_sum(x, &acc, t, true), by);
		if (back)
			all = _mm256_add_epi32(all, _mm256_madd_epi16(_mm256_mullo_epi16(by, _mm256_set1_epi16((short)back)),
				_mm256_set1_epi32(bias_of(x, t, b, share))));
		v_store(to->u.met[t][b], all);
	}
}

/* In 16 bits, two to meet the sums of both halves of 32 numbers. */
INLINE void
put_minima(struct tile *to, const struct met *x, size_t i, vi m)
{
	const __m128i low = _mm_setr_epi32((int)0x80018000, (int)0x80058004, (int)0x80098008, (int)0x800d800c);
	UNROLL for (int k = 0; k < 2; k++) {
		const vi two = _mm256_shuffle_epi8(m, _mm256_add_epi8(v_table(low), _mm256_set1_epi16((short)(2 * k))));
		v_store(to->minima[2 * i + (size_t)k], x ? minima_sum(two, x->q + 2 * i + k) : two);
	}
}

/* Weights of 8 bits: one of both factors goes in as its size, and the other takes its sign. Sizes of the inputs are made
 * beforehand, but a weight of -128 cannot change its sign. */
INLINE void
prepare_large(struct tile *to, const struct met *x, size_t b)
{
	MET(t, x)
		v_store(to->u.q[t * CHUNK / 32 + b], _mm256_abs_epi8(v_load(x->q[t * x->apart + b].q)));
}

INLINE vi
size_of_word(const struct tile *to, const struct met *x, size_t t, size_t b, size_t word)
{
	const int32_t *size = to->u.q[t * CHUNK / 32 + b];
	return x->lying ? v_table(_mm_loadu_si128((const __m128i *)(const void *)(size + word / 4 * 4))) : _mm256_set1_epi32(size[word]);
}

INLINE struct sums
put_large(struct tile *to, const struct met *x, size_t b, size_t word, vi q, struct sums acc, bool prepared, bool super)
{
	if (!x)
		acc.of[0] = _mm256_sub_epi16(acc.of[0], put_signed(to, 8 * b + word, q));
	MET(t, x) {
		const vi v = word_of(x, t, b, word);
		const vi two = prepared ? _mm256_maddubs_epi16(size_of_word(to, x, t, b, word), _mm256_sign_epi8(q, v)) :
			_mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(v, q));
		vi *sum = sum_for(&acc, x, t, word);
		*sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(two, multiplier(to, b, super && !x->lying)));
	}
	return acc;
}

INLINE void
put_large_sum(struct tile *to, const struct met *x, size_t b, struct sums acc, bool super)
{
	if (!x)
		v_store(to->acc[b], _mm256_madd_epi16(acc.of[0], multiplier(to, b, super)));
	MET(t, x) {
		v_store(to->u.met[t][b], whole_row_sum(x, &acc, t, false));
		if (super && x->lying)
			scale_sum(to, b);
	}
}
#endif

/*
 * Of input t: sum[] += the blocks' sums of both tiles, scaled: in the order of codes_times(). One sum is a chain of multiply-adds,
 * whose latency is what counts; several go side by side.
 */
INLINE void
add_block(const struct tile *w, const struct met *x, size_t t, size_t b, size_t share, bool minima, vf f[2])
{
	const struct qblock *xb = x->q + t * x->apart + (share == 32 ? b : b / 2);
	UNROLL for (int g = 0; g < 2; g++) {
		const vf d = V(mul_ps)(V(loadu_ps)(w[g].d[b]), V(set1_ps)(xb->d));
		f[g] = V(fmadd_ps)(V(cvtepi32_ps)(v_load(w[g].u.met[t][b])), d, f[g]);
		if (minima)
			f[g] = V(fmadd_ps)(V(loadu_ps)(w[g].m[b]), V(set1_ps)(xb->sum[share == 32 ? 2 : b % 2]), f[g]);
	}
}

INLINE void
add_scaled(const struct tile *w, const struct met *x, size_t t, size_t n, const size_t share, bool minima, vf sum[2])
{
	vf f[2] = {V(setzero_ps)(), V(setzero_ps)()};
	if (n == CHUNK)
		UNROLL for (size_t b = 0; b < CHUNK / share; b++)
			add_block(w, x, t, b, share, minima, f);
	else
		for (size_t b = 0; b < n / share; b++)
			add_block(w, x, t, b, share, minima, f);
	for (int g = 0; g < 2; g++)
		sum[g] = V(add_ps)(sum[g], f[g]);
}

/* The sums of numbers [32 k, 32 k + 32), times the integers of their blocks. */
INLINE vf
whole_sum(const struct tile *w, size_t t, size_t k, const size_t share)
{
#if defined(HAVE_SHORTS)
	const vi a = v_load(w->u.met[t][share == 32 ? k : 2 * k]);
	return V(cvtepi32_ps)(share == 32 ? a : V(add_epi32)(a, v_load(w->u.met[t][2 * k + 1])));
#else
	const size_t b = share == 32 ? k : 2 * k;
	const vf a = V(mul_ps)(V(cvtepi32_ps)(v_load(w->u.met[t][b])), V(loadu_ps)(w->d[b]));
	return share == 32 ? a : V(fmadd_ps)(V(cvtepi32_ps)(v_load(w->u.met[t][b + 1])), V(loadu_ps)(w->d[b + 1]), a);
#endif
}

/* What minima of blocks of 16 add, of numbers [32 k, 32 k + 32) of the one input. */
INLINE vf
add_minima(const struct tile *w, size_t k, const struct qblock *x, vf m)
{
#if defined(HAVE_SHORTS)
	return V(fmadd_ps)(V(cvtepi32_ps)(v_load(w->minima[k])), V(set1_ps)(x->d), m);
#else
	m = V(fmadd_ps)(V(loadu_ps)(w->m[2 * k]), V(set1_ps)(x->sum[0]), m);
	return V(fmadd_ps)(V(loadu_ps)(w->m[2 * k + 1]), V(set1_ps)(x->sum[1]), m);
#endif
}

/* The same of superblocks. */
INLINE void
add_super(const struct tile *w, const struct met *x, size_t t, const size_t share, const bool minima, vf sum[2])
{
	const struct qblock *q = x->q + t * x->apart;
	vf f[2] = {V(setzero_ps)(), V(setzero_ps)()}, m[2] = {V(setzero_ps)(), V(setzero_ps)()};
	UNROLL for (size_t k = 0; k < CHUNK / 32; k++)
		UNROLL for (int g = 0; g < 2; g++) {
			f[g] = V(fmadd_ps)(whole_sum(w + g, t, k, share), V(set1_ps)(q[k].d), f[g]);
			if (minima)
				m[g] = add_minima(w + g, k, q + k, m[g]);
		}
	UNROLL for (int g = 0; g < 2; g++) {
		sum[g] = V(fmadd_ps)(f[g], V(loadu_ps)(w[g].whole[0]), sum[g]);
		if (minima)
			sum[g] = V(fmadd_ps)(m[g], V(loadu_ps)(w[g].whole[1]), sum[g]);
	}
}

#endif
