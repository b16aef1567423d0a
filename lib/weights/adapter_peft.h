/* adapter_peft.h - adapters as PEFT saves them; only for lib/weights/adapter.c. */
#ifndef ADAPTER_PEFT_H
#define ADAPTER_PEFT_H

#include "adapter.h"

/* Set a->f and a->n, unsorted. Dies with the file and what is wrong; a method of PEFT that
 * is more than scale B (A x) is refused by the name of its key. */
void peft_read(struct adapter *a, struct map file, struct map config, const struct weights *base);

#endif
