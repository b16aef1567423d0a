/* names.h - what transformers calls a tensor, and what GGUF does. */
#ifndef NAMES_H
#define NAMES_H

#include "util.h"

enum name_kind {
	NAME_UNKNOWN,
	NAME_KNOWN,
	NAME_ACROSS,		/* a matrix that lies transposed: inputs x outputs */
	NAME_MXFP4,		/* "..._blocks" of gpt-oss */
	NAME_LEFT_OUT,		/* no weights: what the code makes itself, or finds with another tensor */
	NAME_OF_SENSES		/* the part of a model that sees or hears */
};

/* Set GGUF's name of a tensor of a model of architecture `arch`; left empty where it has none. */
enum name_kind name_of_tensor(const char *arch, struct str name, char gguf[65]);

#endif
