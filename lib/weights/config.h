/*
 * config.h - config.json of a Hugging Face folder: which architecture, and its shape.
 *
 * Each model_type is a row of a table; keys are looked up under all names that they have
 * had, those of transformers 4 and 5 alike.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include "json.h"
#include "weights.h"

struct config_row;

struct config {
	struct json_doc *doc, *defaults;
	const struct json *own;		/* the language model's part of a model that also sees, else all */
	const struct config_row *row;
	bool wrapped;			/* the model also sees or hears */
	int tied;			/* the output matrix is the embedding; -1: not said */
};

/* Read it; dies with the file and what is wrong, where the model's type is not known naming
 * those that are. The map must outlive the result. */
struct config *config_read(struct map m);
void config_free(struct config *c);

/* What GGUF calls the architecture: "llama". */
const char *config_arch(const struct config *c);
/* model_type. */
const char *config_type(const struct config *c);

/* Set w->shape, but for n_vocab; its arrays go to w->owned. `add` takes a vector that GGUF has
 * as a tensor: n numbers. Dies where a number is missing, out of range or contradicts another. */
void config_shape(const struct config *c, struct weights *w, void (*add)(struct weights *w, const char *name,
	const float *x, size_t n));

/* Set how a folder's matrices lie for an architecture, if it has a row: the last four of struct shape. */
void config_layout(const char *arch, struct shape *s);

#endif
