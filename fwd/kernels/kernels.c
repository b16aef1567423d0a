/* kernels.c - which kernels this machine gets; see kernels.h. */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

const struct kernels *
kernels_choose(void)
{
	static const struct {
		const char *name;
		const struct kernels *(*get)(void);
		bool (*pays)(void);	/* whether to take them where what follows can be had, too; NULL: yes */
	} table[] = {
		{"amx", kernels_amx, NULL},
		{"avx512bf16", kernels_avx512bf16, avx512bf16_pays},
		{"avx512", kernels_avx512, NULL},
		{"avxvnni", kernels_avxvnni, NULL},
		{"avx2", kernels_avx2, NULL},
		{"dotprod", kernels_dotprod, NULL},
		{"neon", kernels_neon, NULL},
		{"portable", kernels_portable, NULL},
	};
	const char *want = getenv("LLM_KERNELS");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		bool named = want && *want;
		if (named ? strcmp(want, table[i].name) != 0 : table[i].pays && !table[i].pays())
			continue;
		const struct kernels *k = table[i].get();
		if (k)
			return k;
		if (named)
			die("LLM_KERNELS=%s: this machine has no such instructions", want);
	}
	die("LLM_KERNELS=%s: not one of amx, avx512bf16, avx512, avxvnni, avx2, dotprod, neon, portable", want);
}
