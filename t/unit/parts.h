/* parts.h - the ids of a text that comes in parts, for comparison with those of the whole. */
#ifndef PARTS_H
#define PARTS_H

#include "vocab/vocab.h"

#include <stdlib.h>
#include <string.h>

/* `step` bytes come at a time; returns how many ids there are. */
static inline size_t
encode_parts(struct vocab *v, const char *text, size_t n, bool special, size_t step, uint32_t **ids, size_t *cap)
{
	struct vocab_part part = {0};
	char *rest = NULL; /* exactly as large as it must be */
	size_t have = 0, n_ids = 0, more;
	do {
		more = n < step ? n : step;
		rest = realloc(rest, have + more + !(have + more));
		if (more)
			memcpy(rest + have, text, more);
		have += more;
		text += more;
		n -= more;
		if (n)
			have = vocab_encode_begun(v, &part, rest, have, special, ids, &n_ids, cap);
	} while (n);
	vocab_encode_rest(v, &part, rest, have, special, ids, &n_ids, cap);
	free(rest);
	return n_ids;
}

#endif
