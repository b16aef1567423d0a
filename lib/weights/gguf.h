/*
 * gguf.h - read a GGUF file: named values, and tensors that stay in the map.
 *
 * Format: github.com/ggml-org/ggml, docs/gguf.md; versions 2 and 3, little-endian.
 *
 *	"GGUF" u32 version  u64 n_tensors  u64 n_kv
 *	n_kv      x { string key  u32 type  value }
 *	n_tensors x { string name  u32 n_dims  u64 dim[n_dims]  u32 type  u64 offset }
 *	padding to general.alignment, then the tensors' data
 *
 * Everything is checked against the file's size here, once: a struct gguf only
 * ever points inside the map.
 */
#ifndef GGUF_H
#define GGUF_H

#include "tensor.h"
#include "util.h"

enum gguf_type {
	GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32,
	GGUF_BOOL, GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64
};

struct gguf_kv {
	struct str key;
	uint32_t type;			/* enum gguf_type */
	uint32_t elem;			/* of an array: its elements' type, never an array */
	size_t n;			/* of an array: how many; else 1 */
	const unsigned char *data;	/* first value (strings: u64 length, bytes; repeated) */
	size_t bytes;			/* that all values take */
};

struct gguf {
	struct map map;
	size_t n_kv, n_tensors;
	struct gguf_kv *kv;		/* sorted by key, each once */
	struct tensor *tensors;		/* sorted by name, each once; their data do not overlap */
};

/* Whether the file begins as GGUF does. */
bool gguf_is(struct map m);
/* Read it; dies with the file and what is wrong. gguf_free() gives back the
 * tables, not the map. */
struct gguf *gguf_read(struct map m);
void gguf_free(struct gguf *g);

/* Give g the tensors of another part of the same model, which is freed. */
void gguf_join(struct gguf *g, struct gguf *part);

/* The value of a key, or NULL where the file has none. */
const struct gguf_kv *gguf_get(const struct gguf *g, const char *key);
/* A whole number in [min, max], `missing` where there is none; dies where the
 * value is of another type or out of range. */
uint64_t gguf_uint(const struct gguf *g, const char *key, uint64_t missing, uint64_t min, uint64_t max);
double gguf_float(const struct gguf *g, const char *key, double missing);
bool gguf_bool(const struct gguf *g, const char *key, bool missing);
/* {NULL, 0} where there is none. */
struct str gguf_str(const struct gguf *g, const char *key);

/* The array of a key whose elements have type `elem` (for whole numbers any of
 * 32 bits will do), or NULL where the file has none. */
const struct gguf_kv *gguf_array(const struct gguf *g, const char *key, enum gguf_type elem);
/* Take the next string of an array of strings; *p begins as kv->data. */
static inline struct str
gguf_next_str(const unsigned char **p)
{
	const struct str s = {(const char *)*p + 8, (size_t)le64(*p)};
	*p += 8 + s.n;
	return s;
}

#endif
