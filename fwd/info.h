/*
 * info.h - what a model is, in lines of a key and a value: llm-fwd -i.
 */
#ifndef INFO_H
#define INFO_H

#include "forward.h"
#include "lora.h"
#include "vocab/vocab.h"

struct info {
	const struct origin *origin;	/* what the streams' headers say of it */
	const struct model *m;
	const struct part *part;
	const struct context *c;
	const char *kv;			/* the name of its cache's numbers */
	const struct vocab *v;		/* or NULL */
	const struct adapted *adapters;
	size_t n_adapters;
};

/* Write them on stdout. Returns 0. */
int info(const struct info *f);

#endif
