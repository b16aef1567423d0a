/*
 * llama2c.h - the model files of llama2.c (github.com/karpathy/llama2.c, export.py):
 * legacy (7 ints, float32), version 1 (float32) and version 2 (int8 in groups).
 */
#ifndef LLAMA2C_H
#define LLAMA2C_H

#include "weights.h"

/* Whether the file is one, told by its header and its exact size. */
bool llama2c_is(struct map m);
/* Fill shape and tensors of w; dies where the file contradicts its header. */
void llama2c_read(struct weights *w, struct map m);

#endif
