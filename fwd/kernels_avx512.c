/*
 * kernels_avx512.c - for x86-64 with AVX-512 (F, BW, DQ, VL).
 *
 * One vector (generation) reads each weight once, so the memory bounds it as long
 * as unpacking keeps up: here a block of 32 weights becomes two registers of
 * float32 that go straight into the sums, about ten instructions a block. Four
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

/*
 * For a type whose 32 weights take `bytes`: unpack a row, and 4 rows . 1 vector.
 * Rows are whole blocks: the callers see to it.
 */
#define BLOCK_KERNELS(type, bytes)                                                                     \
	static void fast_##type(const struct tensor *t, size_t row, float *restrict out)               \
	{                                                                                              \
		const unsigned char *p = row_of(t, row);                                               \
		for (size_t i = 0; i < t->dim[0]; i += 32, p += bytes) {                               \
			struct block w = block_##type(p);                                              \
			_mm512_storeu_ps(out + i, w.lo);                                               \
			_mm512_storeu_ps(out + i + 16, w.hi);                                          \
		}                                                                                      \
	}                                                                                              \
	static void four_##type(const struct tensor *t, size_t row, const float *x, __m512 sum[4])     \
	{                                                                                              \
		const size_t bytes_a_row = t->dim[0] / 32 * bytes;                                     \
		const unsigned char *p = row_of(t, row);                                               \
		__m512 a0 = _mm512_setzero_ps(), a1 = a0, a2 = a0, a3 = a0;                            \
		for (size_t i = 0; i < t->dim[0]; i += 32, p += bytes) {                               \
			const __m512 lo = _mm512_loadu_ps(x + i), hi = _mm512_loadu_ps(x + i + 16);    \
			const struct block b0 = block_##type(p), b1 = block_##type(p + bytes_a_row);   \
			const struct block b2 = block_##type(p + 2 * bytes_a_row);                     \
			const struct block b3 = block_##type(p + 3 * bytes_a_row);                     \
			a0 = _mm512_fmadd_ps(b0.hi, hi, _mm512_fmadd_ps(b0.lo, lo, a0));               \
			a1 = _mm512_fmadd_ps(b1.hi, hi, _mm512_fmadd_ps(b1.lo, lo, a1));               \
			a2 = _mm512_fmadd_ps(b2.hi, hi, _mm512_fmadd_ps(b2.lo, lo, a2));               \
			a3 = _mm512_fmadd_ps(b3.hi, hi, _mm512_fmadd_ps(b3.lo, lo, a3));               \
		}                                                                                      \
		sum[0] = a0, sum[1] = a1, sum[2] = a2, sum[3] = a3;                                    \
	}
BLOCK_KERNELS(f16, 64)
BLOCK_KERNELS(bf16, 64)
BLOCK_KERNELS(q4_0, 18)
BLOCK_KERNELS(q4_1, 20)
BLOCK_KERNELS(q5_0, 22)
BLOCK_KERNELS(q5_1, 24)
BLOCK_KERNELS(q8_0, 34)

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
		[T_Q8_0] = {fast_q8_0, four_q8_0},
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
