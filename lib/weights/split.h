/* split.h - GGUF files, whole or in parts (llama.cpp's gguf-split). */
#ifndef SPLIT_H
#define SPLIT_H

#include "gguf.h"

/*
 * Read a GGUF file that is mapped. Where it is a part, "x-00002-of-00003.gguf", the
 * others are looked for beside it: the result has the values of the first part and,
 * if `tensors`, the tensors of all. Dies with the file and what is wrong: a part that is
 * missing, named otherwise, or of another model.
 */
struct gguf *gguf_open(struct map m, bool tensors);

#endif
