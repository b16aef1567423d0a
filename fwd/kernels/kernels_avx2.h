/*
 * kernels_avx2.h - part of the kernel files for x86-64 with 256 bits: what is special there.
 * Those with dot products of bytes (AVX-VNNI) define HAVE_DOT4 and bring their own.
 *
 * How near the limits, on a Zen 3 at 3.2 GHz, one thread, in cache. Of byte multiplications it begins two instructions
 * a cycle: that bounds the products of a tile to 43 multiply-adds a cycle for Q4_0, whose blocks are summed in 16 bits
 * (12 of 21 instructions), and to 28 for Q8_0 and IQ4, whose words are not (18 of 35). A tile by itself makes 37 and 24;
 * a batch of 256 33 (Q4_0), 28 (Q6_K), 21.6 (Q8_0), one of 8 25, 19 and 16, as unpacking takes as long as 3 to 4 inputs.
 * Q8_0's instructions make 30 with all in registers, 26 with their loads and 24 with what ends a block.
 * Floats: 14.7 of 16 multiply-adds a cycle for a batch of F16 and 14.1 of BF16, where it lies, and vectors at multiples of 64 (16
 * bytes behind them 14.4 and 12.6); from a panel of floats, twice as many bytes a cycle from the second-level cache, 12.6.
 * Two rows that meet six vectors need half as many conversions and fewer loads, but are slower: 13.
 *
 * Tried: F16 and BF16 as integers of 16 bits, weights that share a power of two with 128 columns, inputs a scale with 16, whose
 * multiplier makes twice as many products. 256 vectors make 64 10^9 multiply-adds a second (floats 43), but to convert weights takes
 * as long as 3 to 4 vectors: 8 make 33 (37 to 46), one reads 22 GB/s in cache (35 to 46). A model of 1.1 10^9 weights of F16,
 * of BF16: prompts 1.17 and 1.39 times as fast, 8 sequences 0.78 and 0.75, one 0.83 and 0.90. As bits may not
 * depend on the batch, it is all or none.
 *
 * One vector reads weights in cache at 22 GB/s (Q4_0, Q4_1, Q4_K, Q6_K), 33 (Q8_0), 16 to 18 (Q5_K, IQ4), 12 to 15 (Q2_K, Q3_K,
 * MXFP4, NVFP4, TQ2_0), 46 (F16), while one thread gets 16 GB/s from memory with plain loads and two together 28, and 30 to 40 where
 * lines are asked for ahead. IQ1, IQ2 and IQ3 are far from that, 3 to 4.5 GB/s: 50 cycles for 256 weights of IQ2, 75 of IQ3,
 * of which the loads of vectors and of their numbers take half.
 */
#include <immintrin.h>

#define LANES 8
#define FMA(acc, a, b) _mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(acc))
#define MAX(a, b) _mm256_max_ps((__m256)(a), (__m256)(b))
#define MIN(a, b) _mm256_min_ps((__m256)(a), (__m256)(b))
#define HAVE_INTERLEAVE
#define HAVE_HALVES
#define HAVE_BYTES
#define HAVE_FAST_TILE
#define HAVE_BRAINS
#define HAVE_SUMS
#define FLOATS_AT_ONCE 6
#define VECTORS_AT_ONCE 3
#include "kernels_tile.h"

#define INLINE static inline __attribute__((always_inline))
typedef float v8f __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

INLINE v8f
halves(const unsigned char *p)
{
	return (v8f)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

INLINE v8f
bytes(const unsigned char *p)
{
	return (v8f)_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

INLINE v8f
brains(const unsigned char *p)
{
	const __m256i high = _mm256_setr_epi8(-1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1, 6, 7,
		-1, -1, 8, 9, -1, -1, 10, 11, -1, -1, 12, 13, -1, -1, 14, 15);
	return (v8f)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p)), high);
}

INLINE void
lane_sums(const v8f sum[4], float *out)
{
	const __m256 ab = _mm256_hadd_ps((__m256)sum[0], (__m256)sum[1]), cd = _mm256_hadd_ps((__m256)sum[2], (__m256)sum[3]);
	const __m256 all = _mm256_hadd_ps(ab, cd);
	_mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1)));
}

typedef __m256i vi;
typedef __m256 vf;
#define V(op) _mm256_##op

INLINE vi v_and(vi a, vi b) { return _mm256_and_si256(a, b); }
INLINE vi v_or(vi a, vi b) { return _mm256_or_si256(a, b); }
INLINE vi v_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
INLINE vi v_zero(void) { return _mm256_setzero_si256(); }
INLINE vi v_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE void v_store(void *p, vi v) { _mm256_storeu_si256((__m256i *)p, v); }
INLINE vi v_table(__m128i t) { return _mm256_broadcastsi128_si256(t); }

INLINE vi
plus_16_where(vi q, vi in, vi bits)
{
	return _mm256_add_epi8(q, v_and(_mm256_cmpeq_epi8(v_and(in, bits), bits), _mm256_set1_epi8(16)));
}

INLINE vi
minus_where(vi q, vi in, vi bits)
{
	const vi minus = _mm256_cmpeq_epi8(v_and(in, bits), bits);
	return _mm256_sub_epi8(v_xor(q, minus), minus);
}

INLINE vf
low_halves(vi c)
{
	c = v_and(c, _mm256_set1_epi32(0xffff));
	return _mm256_cvtph_ps(_mm_packus_epi32(_mm256_castsi256_si128(c), _mm256_extracti128_si256(c, 1)));
}

/* 16 bytes of rows 0 and 4 of 8. */
INLINE vi
rows_apart(const unsigned char *p, size_t stride)
{
	const __m256i a = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
	const __m256i b = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(p + 4 * stride)));
	return _mm256_blend_epi32(a, b, 0xf0);
}

/* x's 4 bytes in each lane. */
INLINE vi
everywhere(const int8_t *x)
{
	return _mm256_set1_epi32(int_at(x));
}

#if !defined(HAVE_DOT4)
#define HAVE_SHORTS
#define BIAS 0
#define SHIFT(x, least) ((void)(x), -(least))
#define BACK 16
#define SHIFT_LARGE 0
#define CODES_AT_ONCE 4

/*
 * The multiplier takes bytes without sign by bytes with one, and adds two products in 16 bits. Weights
 * of few bits go in from their least on, so without sign; then a whole block's sums fit into 16 bits, if
 * they begin at what the shift will have added too much: sums are made modulo 2^16, and it is the last
 * that has to fit. So many words of weights can be added before 32 bits are needed; 1: none, but the
 * products of one fit with the shift; 0: not even those.
 */
INLINE int
run_of(const struct coding *c)
{
	const int size = -c->least > c->most ? -c->least : c->most, words = 32767 / (size * 127 * 2);
	const int all = (int)c->share / 4;
	return words >= all ? all : words >= 4 && c->minima ? 4 : (c->most - c->least) * 127 * 2 <= 32767;
}

/* For such shifts: sums of x's columns 0 and 1 of 4, and of 2 and 3, in 16 bits each: of the first half, the
 * second, both. */
INLINE void
pair_sums(const int8_t *q, int32_t *sum)
{
	const __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)q);
	__m256i s = _mm256_maddubs_epi16(_mm256_set1_epi8(1), x);
	s = _mm256_add_epi16(s, _mm256_shuffle_epi32(s, 0x4e));
	s = _mm256_add_epi16(s, _mm256_shuffle_epi32(s, 0xb1));
	const __m128i low = _mm256_castsi256_si128(s), high = _mm256_extracti128_si256(s, 1);
	sum[0] = _mm_cvtsi128_si32(low);
	sum[1] = _mm_cvtsi128_si32(high);
	sum[2] = _mm_cvtsi128_si32(_mm_add_epi16(low, high));
}

/*
 * Weights that are too large go in as their sizes, and their signs go to x: w x = |w| (x ^ s) + |w| where
 * w < 0, s = -1, as -x = ~x + 1. The last is a part of the sum that does not depend on x.
 */
INLINE __m256i
put_signed(struct tile *to, size_t word, __m256i w)
{
	const __m256i size = _mm256_abs_epi8(w), sign = _mm256_cmpgt_epi8(_mm256_setzero_si256(), w);
	_mm256_store_si256((__m256i *)(void *)to->u.q[word], size);
	_mm256_store_si256((__m256i *)(void *)to->u.sign[word], sign);
	return _mm256_maddubs_epi16(size, sign);
}

INLINE void
sizes_and_signs(struct tile *to, size_t n, size_t share)
{
	for (size_t b = 0; b < n / share; b++) {
		__m256i acc = _mm256_setzero_si256();
		for (size_t i = b * share / 4; i < (b + 1) * share / 4; i++)
			acc = _mm256_sub_epi16(acc, put_signed(to, i, v_load(to->u.q[i])));
		v_store(to->acc[b], _mm256_madd_epi16(acc, _mm256_set1_epi16(1)));
	}
}

/* A sum that stays as it is made: compilers turn long ones into trees, for which there are not enough
 * registers. */
INLINE __m256i
held(__m256i sum)
{
	__asm__("" : "+x"(sum));
	return sum;
}

INLINE void
block_sums(const struct tile *w, size_t b, const struct qblock *x, size_t apart, size_t word, size_t half, v8f (*sum)[8],
	const int at_once, const int share, const int run, int least)
{
	const __m256i one = _mm256_set1_epi16(1);
	const size_t first = b * (size_t)share / 4;
	__m256i a[2][8], s[2][8];
	UNROLL for (int g = 0; g < 2; g++)
		UNROLL for (int t = 0; t < at_once; t++) {
			a[g][t] = _mm256_setzero_si256();
			if (!run)
				a[g][t] = _mm256_loadu_si256((const __m256i *)(const void *)w[g].acc[b]);
			else if (run == 1)
				a[g][t] = _mm256_madd_epi16(_mm256_set1_epi32(x[(size_t)t * apart].bias[half]),
					_mm256_set1_epi16((short)least));
			else if (run == share / 4 && least)
				a[g][t] = _mm256_mullo_epi16(_mm256_set1_epi32(x[(size_t)t * apart].bias[half]),
					_mm256_set1_epi16((short)least));
		}
	UNROLL for (int j = 0; j < share / 4; j++) {
		const size_t i = first + (size_t)j;
		UNROLL for (int t = 0; t < at_once; t++) {
			const __m256i v = everywhere(x[(size_t)t * apart].q + word + 4 * j);
			UNROLL for (int g = 0; g < 2; g++) {
				const __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)w[g].u.q[i]);
				const __m256i sign = run ? v : _mm256_loadu_si256((const __m256i *)(const void *)w[g].u.sign[i]);
				const __m256i two = _mm256_maddubs_epi16(q, run ? v : _mm256_xor_si256(v, sign));
				if (run > 1)
					a[g][t] = held(_mm256_add_epi16(a[g][t], two));
				else
					a[g][t] = held(_mm256_add_epi32(a[g][t], _mm256_madd_epi16(two, one)));
			}
		}
		if (run > 1 && j % run == run - 1)
			UNROLL for (int t = 0; t < at_once; t++)
				UNROLL for (int g = 0; g < 2; g++) {
					const __m256i now = _mm256_madd_epi16(a[g][t], one);
					s[g][t] = j < run ? now : _mm256_add_epi32(s[g][t], now);
					a[g][t] = _mm256_setzero_si256();
				}
	}
	UNROLL for (int t = 0; t < at_once; t++)
		UNROLL for (int g = 0; g < 2; g++)
			sum[g][t] = (v8f)_mm256_cvtepi32_ps(run > 1 ? s[g][t] : a[g][t]);
}

/* An integer twice in 16 bits. */
INLINE vi
twice(vi n)
{
	return _mm256_blend_epi16(n, _mm256_slli_epi32(n, 16), 0xaa);
}

/* The integers that a superblock's sums are multiplied by; what sums begin at, too. */
INLINE void
scale_shorts(struct tile *to, size_t b, bool without_signs)
{
	const vi n = _mm256_cvtps_epi32(_mm256_loadu_ps(to->d[b]));
	v_store(to->twice[b], twice(n));
	if (!without_signs)
		v_store(to->acc[b], _mm256_mullo_epi32(v_load(to->acc[b]), n));
}

/* Where weights were counted from the least on. */
INLINE void
least_shorts(struct tile *to, unsigned share, int least)
{
	for (size_t k = 0; k < CHUNK / 32; k++) {
		const vi a = v_load(to->twice[share == 32 ? k : 2 * k]), b = v_load(to->twice[share == 32 ? k : 2 * k + 1]);
		v_store(to->least[k], _mm256_mullo_epi16(_mm256_blend_epi16(a, b, 0xaa), _mm256_set1_epi16((short)least)));
	}
}

/* Of 32 numbers of each input: their sums in blocks, times the integers, which costs no more than adding pairs does. */
INLINE void
whole_sums(const struct tile *w, size_t k, const struct qblock *x, size_t apart, v8f (*sum)[8], const int at_once, const int share,
	const int run, int least)
{
	__m256i all[2][8], a[2][8], by[2];
	UNROLL for (int t = 0; t < at_once; t++)
		UNROLL for (int g = 0; g < 2; g++)
			all[g][t] = run > 1 ? v_zero() : run ? _mm256_madd_epi16(_mm256_set1_epi32(int_at(x[(size_t)t * apart].half)),
				v_load(w[g].least[k])) : v_load(w[g].acc[k]);
	UNROLL for (int j = 0; j < 8; j++) {
		const size_t b = share == 32 ? k : 2 * k + (size_t)j / 4, half = share == 32 ? 2 : (size_t)j / 4;
		const bool begins = j % (share / 4) == 0;
		UNROLL for (int g = 0; g < 2; g++)
			if (begins)
				by[g] = v_load(w[g].twice[b]);
		UNROLL for (int t = 0; t < at_once; t++)
			UNROLL for (int g = 0; g < 2; g++)
				if (begins && run > 1)
					a[g][t] = run == share / 4 && least ? _mm256_mullo_epi16(_mm256_set1_epi32(x[(size_t)t * apart].bias[half]),
						_mm256_set1_epi16((short)least)) : _mm256_setzero_si256();
		UNROLL for (int t = 0; t < at_once; t++) {
			const __m256i v = everywhere(x[(size_t)t * apart].q + 4 * j);
			UNROLL for (int g = 0; g < 2; g++) {
				const __m256i q = v_load(w[g].u.q[8 * k + (size_t)j]);
				const __m256i two = _mm256_maddubs_epi16(q, run ? v : _mm256_xor_si256(v, v_load(w[g].u.sign[8 * k + (size_t)j])));
				if (run > 1)
					a[g][t] = held(_mm256_add_epi16(a[g][t], two));
				else
					all[g][t] = held(_mm256_add_epi32(all[g][t], _mm256_madd_epi16(two, by[g])));
			}
		}
		if (run > 1 && j % run == run - 1)
			UNROLL for (int t = 0; t < at_once; t++)
				UNROLL for (int g = 0; g < 2; g++) {
					all[g][t] = _mm256_add_epi32(all[g][t], _mm256_madd_epi16(a[g][t], by[g]));
					a[g][t] = _mm256_setzero_si256();
				}
	}
	UNROLL for (int t = 0; t < at_once; t++)
		UNROLL for (int g = 0; g < 2; g++)
			sum[g][t] = (v8f)_mm256_cvtepi32_ps(all[g][t]);
}

/* What a block's products in 16 bits are multiplied by: all of a superblock are integers then, and meet the scale first. */
INLINE vi
multiplier(const struct tile *to, size_t b, bool super)
{
	return super ? v_load(to->twice[b]) : _mm256_set1_epi16(1);
}

/* Sums of 32 bits times the integer of their block. */
INLINE void
scale_sum(struct tile *to, size_t b)
{
	int32_t *sum = to->u.met[0][b];
	v_store(sum, _mm256_mullo_epi32(v_load(sum), _mm256_srai_epi32(v_load(to->twice[b]), 16)));
}

/* The integer of block b is byte k of each lane; `minus`: it has a sign. */
INLINE void
put_scale_byte(struct tile *to, size_t b, vi c, unsigned k, bool minus)
{
	const __m128i lane = minus ? _mm_setr_epi32((int)0x00800080, (int)0x04800480, (int)0x08800880, (int)0x0c800c80) :
		_mm_setr_epi32((int)0x80008000, (int)0x80048004, (int)0x80088008, (int)0x800c800c);
	const vi pair = _mm256_shuffle_epi8(c, _mm256_add_epi8(v_table(lane),
		_mm256_set1_epi16((short)(minus ? k << 8 : k))));
	v_store(to->twice[b], minus ? _mm256_srai_epi16(pair, 8) : pair);
}

INLINE void
put_scale(struct tile *to, size_t b, vi n)
{
	v_store(to->twice[b], twice(n));
}

/* Minima of blocks of 16, in 16 bits each, in the place of the numbers. */
INLINE void
minima_shorts(struct tile *to)
{
	for (size_t k = 0; k < CHUNK / 32; k++) {
		const vi a = _mm256_cvtps_epi32(_mm256_loadu_ps(to->m[2 * k])), b = _mm256_cvtps_epi32(_mm256_loadu_ps(to->m[2 * k + 1]));
		v_store(to->minima[k], _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xaa));
	}
}

/* Those of two, times the sums of their numbers. */
INLINE vi
minima_sum(vi two, const struct qblock *x)
{
	return _mm256_madd_epi16(two, _mm256_set1_epi32(int_at(x->half)));
}

INLINE void
super_minima(const struct tile *w, const struct qblock *x, size_t apart, v8f (*f)[8], const int at_once)
{
	for (size_t k = 0; k < CHUNK / 32; k++, x++)
		UNROLL for (int t = 0; t < at_once; t++)
			UNROLL for (int g = 0; g < 2; g++) {
				const vi sum = minima_sum(v_load(w[g].minima[k]), x + (size_t)t * apart);
				f[g][t] = (v8f)_mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), _mm256_set1_ps(x[(size_t)t * apart].d), (vf)f[g][t]);
			}
}

INLINE vi
input_sum(const struct qblock *x, size_t half)
{
	return _mm256_madd_epi16(_mm256_set1_epi32(x->bias[half]), _mm256_set1_epi16(1));
}
#else
INLINE vi
v_dot4(vi acc, vi w, vi x)
{
	return _mm256_dpbusd_avx_epi32(acc, w, x);
}

INLINE v8i
dot4(v8i acc, v8i w, int32_t x)
{
	return (v8i)v_dot4((vi)acc, (vi)w, _mm256_set1_epi32(x));
}
#endif
