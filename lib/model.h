/*
 * model.h - which model a program works on, and what lies in its file.
 */
#ifndef MODEL_H
#define MODEL_H

#include "stream/tokens.h"

/* The path from the operand (NULL: none given), else $LLM_MODEL, else the model
 * that ships: beside the programs' folder, in its ../share/llmutils, or where it
 * was installed. Dies if there is none. */
const char *model_path(const char *operand);

#endif
