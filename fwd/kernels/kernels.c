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
	} table[] = {
		{"avx512bf16", kernels_avx512bf16},
		{"avx512", kernels_avx512},
		{"avxvnni", kernels_avxvnni},
		{"avx2", kernels_avx2},
		{"dotprod", kernels_dotprod},
		{"neon", kernels_neon},
		{"portable", kernels_portable},
	};
	const char *want = getenv("LLM_KERNELS");
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		bool named = want && *want;
		if (named && strcmp(want, table[i].name))
			continue;
		const struct kernels *k = table[i].get();
		if (k)
			return k;
		if (named)
			die("LLM_KERNELS=%s: this machine has no such instructions", want);
	}
	die("LLM_KERNELS=%s: not one of avx512bf16, avx512, avxvnni, avx2, dotprod, neon, portable", want);
}
