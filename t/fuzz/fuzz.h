/*
 * fuzz.h - what every harness stands on.
 *
 * lib/util.c is compiled with its system calls renamed to those of hooks.c: memory
 * is counted and taken back after each run, input comes from the fuzzer's bytes in
 * pieces of any length, output is kept, and exit(3) comes back to the harness.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "util.h"

/* A harness: work on data[0..n), which is a copy of that very size. What it gets
 * from xcalloc() and the like need not be freed. */
void fuzz_one(const unsigned char *data, size_t n);
/* Bytes that may be allocated beside FUZZ_FACTOR times the input's. */
extern const size_t fuzz_base;
#define FUZZ_FACTOR 600

/* Call fn(arg); false: it died, and said why. A second run of the same input in
 * fuzz_one() begins with nothing read, written or said. */
bool fuzz_try(void (*fn)(void *arg), void *arg);
/* Whether die() was called is no finding; that something is wrong in us is. */
#define CHECK(x) ((x) ? (void)0 : fuzz_fail(#x, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *what, const char *file, int line);

/* What read(2) gives on descriptor 0, or on any other one: the bytes, at most `step`
 * at a time. */
void fuzz_input(int fd, const unsigned char *data, size_t n, size_t step);
/* What was written to descriptor 1, and what was said on descriptor 2. */
struct fuzz_text {
	unsigned char *p;
	size_t n, cap;
};
extern struct fuzz_text fuzz_out, fuzz_err;
/* Whether it may end without a word. */
extern bool fuzz_silent;

/* Memory of the runs before this call stays: for what LLVMFuzzerInitialize() makes. */
void fuzz_keep_all(void);

/* libFuzzer's own mutator. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* A small generator for mutators. */
static inline unsigned
fuzz_random(unsigned *seed, unsigned below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % (below ? below : 1);
}

#endif
