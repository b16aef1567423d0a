/*
 * safetensors.h - read a safetensors file: a header of JSON, and tensors that stay in the map.
 *
 * Format: github.com/huggingface/safetensors, README.md.
 *
 *	u64 n  n bytes: {"name": {"dtype": "BF16", "shape": [4, 2], "data_offsets": [0, 16]}, ...}
 *	the tensors' data, at offsets that count from here
 *
 * As the format asks, the data have no holes and nothing behind them, and none overlap.
 * Everything is checked against the file's size here, once. Nothing is said of alignment:
 * tensors may lie at any address.
 */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "json.h"

enum { ST_DIMS = 8 };

struct st_tensor {
	struct str name;		/* in the file, or in its JSON document */
	const char *dtype;		/* "F32", one of those that are known */
	size_t n_dims;
	size_t dim[ST_DIMS];		/* dim[0] runs fastest: torch's last; unused ones are 1 */
	const unsigned char *data;
	size_t bytes;
	bool taken;			/* for the caller's use */
};

struct safetensors {
	struct map map;
	struct json_doc *doc;
	size_t n;
	struct st_tensor *tensor;	/* sorted by name, each once */
};

/* Read it; dies with the file and what is wrong. The map must outlive the result. */
struct safetensors *safetensors_read(struct map m);
void safetensors_free(struct safetensors *s);

/* The tensor of that name, or NULL. */
struct st_tensor *safetensors_get(const struct safetensors *s, struct str name);

/* Order of names. */
int str_cmp(struct str a, struct str b);

#endif
