/*
 * state.h - the state of a context in a file: what a model made of a text, for the next run; see
 * llm-fwd(1), STATES.
 *
 * It is a cache: with it or without it the rows are the same bits.
 */
#ifndef STATE_H
#define STATE_H

#include "forward.h"
#include "lora.h"

struct state;

/* A hash of all that keys and values depend on beside the tokens. */
uint64_t state_fits(const struct model *m, const struct adapted *adapters, size_t n_adapters, const struct kernels *k,
	enum kv_type kv);

/* Take what the file holds into the context, which is new and has layers of a whole model. Dies where the file is
 * none of these, or damaged; where it does not fit, it says so. Path and origin must outlive the result. */
struct state *state_open(const char *path, struct context *c, uint64_t fits, const struct origin *origin);
/* The same of a file that is mapped, to be written to: its pages stay here. Nothing is taken of an empty one. */
struct state *state_read(struct map m, bool writable, struct context *c, uint64_t fits, const struct origin *origin);

/* Write what the context knows, if the file lacks something of it and may be written. False: that failed, and
 * was said; it is not tried again. */
bool state_save(struct state *s);

#endif
