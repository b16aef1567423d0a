/* shape.h - the shape of a model in a GGUF file. */
#ifndef SHAPE_H
#define SHAPE_H

#include "weights.h"

/* The shape in the metadata of w->gguf, whose architecture is w->arch. Dies with
 * the key where a number is missing, out of range or contradicts another. */
struct shape shape_read(const struct weights *w);

#endif
