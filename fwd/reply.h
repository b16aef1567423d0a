/*
 * reply.h - the reply channel: how sampled tokens come back to the forward pass.
 *
 * A FIFO, mode 0600, in a fresh folder of mode 0700 under $TMPDIR. The header of
 * the logits names it; the sampler opens it and says hello with the header of the
 * token stream. From then on the names are gone, and only the two descriptors are
 * left. There is one channel a process, since its cleanup runs in signal handlers.
 */
#ifndef REPLY_H
#define REPLY_H

#include <stdbool.h>

/* Make the channel for the reader of descriptor `out`, and watch from a thread of
 * its own for the sampler to connect, and for it or the reader to go away, which ends
 * the process by SIGPIPE. Returns the FIFO's path; NULL where `out` is no pipe or
 * socket, so that no sampler can be behind it. Dies where it cannot be made. The
 * names are removed at exit, whether by exit(3) or by a signal that can be caught.
 * See reply_wait() for patience. */
const char *reply_open(int out, int patience);

/*
 * After an answer: whether a sampler is there to reply to it. Waits for one until
 * the reader of `out` has read all there is and `patience` more seconds have passed; after
 * that the reader is a foreign one for good.
 */
bool reply_wait(int out);

/* The descriptor to read replies from, once reply_wait() was true. */
int reply_fd(void);

#endif
