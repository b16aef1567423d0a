/*
 * folder.h - a model in a Hugging Face folder:
 *
 *	config.json
 *	model.safetensors, or model.safetensors.index.json and the shards that it names
 *
 * Nothing of the matrices is copied: tensors get GGUF's names, and how they lie otherwise
 * than there is told by the shape (weights.h) and by struct tensor's `across`.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "weights.h"

/* Whether the path is that of a folder. */
bool folder_is(const char *path);
/* Map the folder's files into w; dies with the file and what is wrong. */
void folder_open(struct weights *w, const char *path);

/* The same from what is mapped: index.data may be NULL; then all tensors of the shards are
 * the model's. */
void folder_read(struct weights *w, struct map config, struct map index, const struct map *shard, size_t n_shards);

/* The type of a tensor of safetensors; dies where it is none of F32, F16, BF16. */
struct st_tensor;
uint32_t folder_type(const char *path, const struct st_tensor *from);

#endif
