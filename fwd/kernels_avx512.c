/*
 * kernels_avx512.c - for x86-64 with AVX-512 (F, BW, DQ, VL).
 *
 * One vector (generation) reads each weight once, so the memory bounds it as long
 * as unpacking keeps up: here a block of 32 weights becomes two registers of
 * float32 that go straight into the sums, about ten instructions a block (a few more
 * where blocks have their scales in the head of a superblock of 256). Four
 * rows at a time hide the latency of the additions. The sums are those of the
 * unpacked rows, to the bit.
 */
#include "kernels.h"

#if defined(__AVX512F__)
#include <immintrin.h>

#define LANES 16
#define KERNELS_NAME "avx512"
#define HAVE_BLOCKS
#include "unpack.h"

/* Weights of a block in order, 16 to a register. */
struct block {
	__m512 lo, hi;
};

/* The half-precision numbers at p, p + 2 in all lanes of *d, *m. */
static inline void
halves(const unsigned char *p, __m512 *d, __m512 *m)
{
	__m128 f = _mm_cvtph_ps(_mm_cvtsi32_si128((int)le32(p)));
	*d = _mm512_broadcastss_ps(f);
	*m = _mm512_broadcastss_ps(_mm_movehdup_ps(f));
}

/* The same where p + 2 may be outside. */
static inline __m512
half(const unsigned char *p)
{
	return _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(le16(p))));
}

/* 16 signed bytes as floats. */
static inline __m512
floats(__m128i q)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q));
}

/* 32 nibbles at p pick from a table of 16 values; only 4 bits of an index count. */
static inline struct block
pick(const unsigned char *p, __m512 table)
{
	__m128i q = _mm_loadu_si128((const __m128i *)(const void *)p);
	return (struct block){
		_mm512_permutexvar_ps(_mm512_cvtepu8_epi32(q), table),
		_mm512_permutexvar_ps(_mm512_cvtepu8_epi32(_mm_srli_epi16(q, 4)), table),
	};
}

static inline __m512
sixteen(float first)
{
	const __m512 count = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	return _mm512_add_ps(count, _mm512_set1_ps(first));
}

static inline struct block
block_q4_0(const unsigned char *p)
{
	__m512 d, m;
	halves(p, &d, &m);
	return pick(p + 2, _mm512_mul_ps(sixteen(-8), d));
}

static inline struct block
block_q4_1(const unsigned char *p)
{
	__m512 d, m;
	halves(p, &d, &m);
	return pick(p + 4, _mm512_fmadd_ps(sixteen(0), d, m));
}

/* The fifth bit selects the upper of two tables. */
static inline struct block
pick_5(const unsigned char *p, uint32_t fifth, __m512 lower, __m512 upper)
{
	struct block a = pick(p, lower), b = pick(p, upper);
	return (struct block){
		_mm512_mask_blend_ps((__mmask16)fifth, a.lo, b.lo),
		_mm512_mask_blend_ps((__mmask16)(fifth >> 16), a.hi, b.hi),
	};
}

static inline struct block
block_q5_0(const unsigned char *p)
{
	__m512 d, m;
	halves(p, &d, &m);
	return pick_5(p + 6, le32(p + 2), _mm512_mul_ps(sixteen(-16), d), _mm512_mul_ps(sixteen(0), d));
}

static inline struct block
block_q5_1(const unsigned char *p)
{
	__m512 d, m;
	halves(p, &d, &m);
	return pick_5(p + 8, le32(p + 4), _mm512_fmadd_ps(sixteen(0), d, m), _mm512_fmadd_ps(sixteen(16), d, m));
}

static inline struct block
block_q8_0(const unsigned char *p)
{
	__m512 d, m;
	halves(p, &d, &m);
	__m128i a = _mm_loadu_si128((const __m128i *)(const void *)(p + 2));
	__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + 18));
	return (struct block){
		_mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(a))),
		_mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(b))),
	};
}

static inline struct block
block_f16(const unsigned char *p)
{
	return (struct block){
		_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)),
		_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p + 32))),
	};
}

static inline struct block
block_bf16(const unsigned char *p)
{
	__m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
	__m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
	return (struct block){
		_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(a), 16)),
		_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(b), 16)),
	};
}

/* A table of 16 values as floats. */
static inline __m512
table16(const int8_t *values)
{
	return floats(_mm_loadu_si128((const __m128i *)(const void *)values));
}

static inline struct block
block_mxfp4(const unsigned char *p)
{
	return pick(p + 1, _mm512_mul_ps(_mm512_set1_ps(e8m0_half(p[0])), table16(fp4_values)));
}

static inline struct block
block_iq4_nl(const unsigned char *p)
{
	__m512 d, m;
	halves(p, &d, &m);
	return pick(p + 2, _mm512_mul_ps(d, table16(iq4_values)));
}

/*
 * Superblocks: the head has the scales, and minima, of its blocks, a lane each; then
 * 32 weights at a time, number i of 8, are unpacked.
 */
struct head {
	__m512 d, m;
};

/* Lane i in all lanes. */
static inline __m512
lane(__m512 v, int i)
{
	return _mm512_permutexvar_ps(_mm512_set1_epi32(i), v);
}

/* The bits of `mask`, counted from bit `shift`, of 32 bytes at p. */
static inline __m256i
bits(const unsigned char *p, int shift, int mask)
{
	const __m256i q = _mm256_loadu_si256((const __m256i *)(const void *)p);
	return _mm256_and_si256(_mm256_srl_epi16(q, _mm_cvtsi32_si128(shift)), _mm256_set1_epi8((char)mask));
}

/* d q - m for 32 bytes q, where d and m are lane a, then lane b of the head. */
static inline struct block
less_min(__m256i q, struct head h, int a, int b)
{
	return (struct block){
		_mm512_fmsub_ps(floats(_mm256_castsi256_si128(q)), lane(h.d, a), lane(h.m, a)),
		_mm512_fmsub_ps(floats(_mm256_extracti128_si256(q, 1)), lane(h.d, b), lane(h.m, b)),
	};
}

/* d q */
static inline struct block
scaled(__m256i q, struct head h, int a, int b)
{
	return (struct block){
		_mm512_mul_ps(floats(_mm256_castsi256_si128(q)), lane(h.d, a)),
		_mm512_mul_ps(floats(_mm256_extracti128_si256(q, 1)), lane(h.d, b)),
	};
}

static inline struct head
head_iq4_xs(const unsigned char *p)
{
	const __m256i four = _mm256_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28), two = _mm256_srli_epi32(four, 1);
	__m256i low = _mm256_srlv_epi32(_mm256_set1_epi32((int)le32(p + 4)), four);
	__m256i high = _mm256_srlv_epi32(_mm256_set1_epi32(le16(p + 2)), two);
	low = _mm256_and_si256(low, _mm256_set1_epi32(15));
	high = _mm256_slli_epi32(_mm256_and_si256(high, _mm256_set1_epi32(3)), 4);
	__m256i s = _mm256_sub_epi32(_mm256_or_si256(low, high), _mm256_set1_epi32(32));
	return (struct head){.d = _mm512_mul_ps(half(p), _mm512_cvtepi32_ps(_mm512_zextsi256_si512(s)))};
}

static inline struct block
block_iq4_xs(const unsigned char *p, struct head h, int i)
{
	return pick(p + 8 + i * 16, _mm512_mul_ps(lane(h.d, i), table16(iq4_values)));
}

static inline struct head
head_q2_k(const unsigned char *p)
{
	__m512 d, m;
	halves(p + 80, &d, &m);
	const __m128i s = _mm_loadu_si128((const __m128i *)(const void *)p), low = _mm_set1_epi8(15);
	return (struct head){
		_mm512_mul_ps(d, floats(_mm_and_si128(s, low))),
		_mm512_mul_ps(m, floats(_mm_and_si128(_mm_srli_epi16(s, 4), low))),
	};
}

static inline struct block
block_q2_k(const unsigned char *p, struct head h, int i)
{
	return less_min(bits(p + 16 + i / 4 * 32, i % 4 * 2, 3), h, 2 * i, 2 * i + 1);
}

static inline struct head
head_q3_k(const unsigned char *p)
{
	const uint32_t a = le32(p + 96), b = le32(p + 100), c = le32(p + 104);
	const uint32_t low = 0x0f0f0f0f, high = 0x30303030;
	const uint32_t s0 = (a & low) | (c << 4 & high), s4 = (b & low) | (c << 2 & high);
	const uint32_t s8 = (a >> 4 & low) | (c & high), s12 = (b >> 4 & low) | (c >> 2 & high);
	const __m128i s = _mm_setr_epi32((int)s0, (int)s4, (int)s8, (int)s12);
	return (struct head){.d = _mm512_mul_ps(half(p + 108), floats(_mm_sub_epi8(s, _mm_set1_epi8(32))))};
}

static inline struct block
block_q3_k(const unsigned char *p, struct head h, int i)
{
	const __m256i third = _mm256_loadu_si256((const __m256i *)(const void *)p);
	const __m256i q = bits(p + 32 + i / 4 * 32, i % 4 * 2, 3);
	const __mmask32 low = _mm256_testn_epi8_mask(third, _mm256_set1_epi8((char)(1 << i)));
	return scaled(_mm256_mask_sub_epi8(q, low, q, _mm256_set1_epi8(4)), h, 2 * i, 2 * i + 1);
}

static inline struct head
head_q4_k(const unsigned char *p)
{
	__m512 d, m;
	halves(p, &d, &m);
	const uint32_t a = le32(p + 4), b = le32(p + 8), c = le32(p + 12);
	const uint32_t six = 0x3f3f3f3f, low = 0x0f0f0f0f, high = 0x30303030;
	const uint32_t s0 = a & six, s4 = (c & low) | (a >> 2 & high);
	const uint32_t t0 = b & six, t4 = (c >> 4 & low) | (b >> 2 & high);
	return (struct head){
		_mm512_mul_ps(d, floats(_mm_setr_epi32((int)s0, (int)s4, 0, 0))),
		_mm512_mul_ps(m, floats(_mm_setr_epi32((int)t0, (int)t4, 0, 0))),
	};
}

static inline struct block
block_q4_k(const unsigned char *p, struct head h, int i)
{
	return less_min(bits(p + 16 + i / 2 * 32, i % 2 * 4, 15), h, i, i);
}

static inline struct block
block_q5_k(const unsigned char *p, struct head h, int i)
{
	const __m256i fifth = _mm256_loadu_si256((const __m256i *)(const void *)(p + 16));
	const __m256i q = bits(p + 48 + i / 2 * 32, i % 2 * 4, 15);
	const __mmask32 high = _mm256_test_epi8_mask(fifth, _mm256_set1_epi8((char)(1 << i)));
	return less_min(_mm256_mask_add_epi8(q, high, q, _mm256_set1_epi8(16)), h, i, i);
}

static inline struct head
head_q6_k(const unsigned char *p)
{
	const __m128i s = _mm_loadu_si128((const __m128i *)(const void *)(p + 192));
	return (struct head){.d = _mm512_mul_ps(half(p + 208), floats(s))};
}

static inline struct block
block_q6_k(const unsigned char *p, struct head h, int i)
{
	const __m256i low = bits(p + i / 4 * 64 + i % 2 * 32, i / 2 % 2 * 4, 15);
	const __m256i high = _mm256_slli_epi16(bits(p + 128 + i / 4 * 32, i % 4 * 2, 3), 4);
	return scaled(_mm256_sub_epi8(_mm256_or_si256(low, high), _mm256_set1_epi8(32)), h, 2 * i, 2 * i + 1);
}

static inline struct head
no_head(const unsigned char *p)
{
	(void)p;
	return (struct head){_mm512_setzero_ps(), _mm512_setzero_ps()};
}

/*
 * For a type whose blocks of `weights`, a multiple of 32, take `bytes`: unpack a row,
 * and 4 rows . 1 vector. Rows are whole blocks: the callers see to it.
 */
#define SUPERBLOCK_KERNELS(type, weights, bytes, head_of, block_of)                                    \
	static void fast_##type(const struct tensor *t, size_t row, float *restrict out)               \
	{                                                                                              \
		const unsigned char *p = row_of(t, row);                                               \
		for (size_t n = t->dim[0] / weights; n--; p += bytes) {                                \
			const struct head h = head_of(p);                                              \
			for (int i = 0; i < weights / 32; i++, out += 32) {                            \
				struct block w = block_of(p, h, i);                                    \
				_mm512_storeu_ps(out, w.lo);                                           \
				_mm512_storeu_ps(out + 16, w.hi);                                      \
			}                                                                              \
		}                                                                                      \
	}                                                                                              \
	static void four_##type(const struct tensor *t, size_t row, const float *x, __m512 sum[4])     \
	{                                                                                              \
		const size_t bytes_a_row = t->dim[0] / weights * bytes;                                \
		const unsigned char *p0 = row_of(t, row), *p1 = p0 + bytes_a_row;                      \
		const unsigned char *p2 = p1 + bytes_a_row, *p3 = p2 + bytes_a_row;                    \
		__m512 a0 = _mm512_setzero_ps(), a1 = a0, a2 = a0, a3 = a0;                            \
		for (size_t n = t->dim[0] / weights; n--;) {                                           \
			const struct head h0 = head_of(p0), h1 = head_of(p1);                          \
			const struct head h2 = head_of(p2), h3 = head_of(p3);                          \
			for (int i = 0; i < weights / 32; i++, x += 32) {                              \
				const __m512 lo = _mm512_loadu_ps(x), hi = _mm512_loadu_ps(x + 16);    \
				const struct block b0 = block_of(p0, h0, i);                           \
				const struct block b1 = block_of(p1, h1, i);                           \
				const struct block b2 = block_of(p2, h2, i);                           \
				const struct block b3 = block_of(p3, h3, i);                           \
				a0 = _mm512_fmadd_ps(b0.hi, hi, _mm512_fmadd_ps(b0.lo, lo, a0));       \
				a1 = _mm512_fmadd_ps(b1.hi, hi, _mm512_fmadd_ps(b1.lo, lo, a1));       \
				a2 = _mm512_fmadd_ps(b2.hi, hi, _mm512_fmadd_ps(b2.lo, lo, a2));       \
				a3 = _mm512_fmadd_ps(b3.hi, hi, _mm512_fmadd_ps(b3.lo, lo, a3));       \
			}                                                                              \
			p0 += bytes, p1 += bytes, p2 += bytes, p3 += bytes;                            \
		}                                                                                      \
		sum[0] = a0, sum[1] = a1, sum[2] = a2, sum[3] = a3;                                    \
	}
/* The same for 32 weights without a head. */
#define BLOCK_KERNELS(type, bytes)                                                                     \
	static inline struct block the_##type(const unsigned char *p, struct head h, int i)            \
	{                                                                                              \
		return (void)h, (void)i, block_##type(p);                                              \
	}                                                                                              \
	SUPERBLOCK_KERNELS(type, 32, bytes, no_head, the_##type)
BLOCK_KERNELS(f16, 64)
BLOCK_KERNELS(bf16, 64)
BLOCK_KERNELS(q4_0, 18)
BLOCK_KERNELS(q4_1, 20)
BLOCK_KERNELS(q5_0, 22)
BLOCK_KERNELS(q5_1, 24)
BLOCK_KERNELS(q8_0, 34)
BLOCK_KERNELS(mxfp4, 17)
BLOCK_KERNELS(iq4_nl, 18)
SUPERBLOCK_KERNELS(iq4_xs, 256, 136, head_iq4_xs, block_iq4_xs)
SUPERBLOCK_KERNELS(q2_k, 256, 84, head_q2_k, block_q2_k)
SUPERBLOCK_KERNELS(q3_k, 256, 110, head_q3_k, block_q3_k)
SUPERBLOCK_KERNELS(q4_k, 256, 144, head_q4_k, block_q4_k)
SUPERBLOCK_KERNELS(q5_k, 256, 176, head_q4_k, block_q5_k)
SUPERBLOCK_KERNELS(q6_k, 256, 210, head_q6_k, block_q6_k)

struct block_kernels {
	unpack_fn *unpack;
	void (*four)(const struct tensor *t, size_t row, const float *x, __m512 sum[4]);
};

/* The kernels of a tensor, or NULL: the plain ones will do. */
static const struct block_kernels *
block_kernels(const struct tensor *t)
{
	static const struct block_kernels table[T_COUNT] = {
		[T_F16] = {fast_f16, four_f16}, [T_BF16] = {fast_bf16, four_bf16},
		[T_Q4_0] = {fast_q4_0, four_q4_0}, [T_Q4_1] = {fast_q4_1, four_q4_1},
		[T_Q5_0] = {fast_q5_0, four_q5_0}, [T_Q5_1] = {fast_q5_1, four_q5_1},
		[T_Q8_0] = {fast_q8_0, four_q8_0}, [T_MXFP4] = {fast_mxfp4, four_mxfp4},
		[T_IQ4_NL] = {fast_iq4_nl, four_iq4_nl}, [T_IQ4_XS] = {fast_iq4_xs, four_iq4_xs},
		[T_Q2_K] = {fast_q2_k, four_q2_k}, [T_Q3_K] = {fast_q3_k, four_q3_k},
		[T_Q4_K] = {fast_q4_k, four_q4_k}, [T_Q5_K] = {fast_q5_k, four_q5_k},
		[T_Q6_K] = {fast_q6_k, four_q6_k},
	};
	return table[t->type].four && t->dim[0] % 32 == 0 ? table + t->type : NULL;
}

#include "kernels_body.h"

const struct kernels *
kernels_avx512(void)
{
	bool have = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("fma") && has_f16c();
	return have ? &table : NULL;
}
#else
const struct kernels *
kernels_avx512(void)
{
	return NULL;
}
#endif
