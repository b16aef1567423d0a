/*
 * flight.h - several sequences in flight: their tokens go through the model together, so that the
 * weights are read once for all (continuous batching; Orca, OSDI 2022).
 *
 * Lines are read ahead as far as they are here, the next sequence's behind those of the one before;
 * a pass takes all tokens that are ready, of prompts and of replies. A sampler must be able to tell
 * sequences apart, and says so when it says hello; for another one they come one at a time.
 */
#ifndef FLIGHT_H
#define FLIGHT_H

#include "turns.h"

/* turns_run() with up to `most` sequences in flight. */
bool flight_run(struct turns *t, size_t most, int in);

#endif
