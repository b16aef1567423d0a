/* shape.h - the shape of a model in a GGUF file. */
#ifndef SHAPE_H
#define SHAPE_H

#include "weights.h"

/* What no model has more of. */
enum { DIM_MAX = 1 << 24, LAYERS_MAX = 1 << 16, EXPERTS_MAX = 1 << 16 };

/* The shape in the metadata of w->gguf, whose architecture is w->arch. Dies with
 * the key where a number is missing, out of range or contradicts another. */
struct shape shape_read(const struct weights *w);

/* Die where heads or experts contradict each other. */
void shape_check(const char *path, const struct shape *s);

#endif
