/* arch.c - the table of architectures; see arch.h. */
#include "arch.h"

#include <string.h>

static const struct arch table[] = {
	{"llama", NORM_RMS, ROPE_PAIRS, .act = ACT_SILU},
	{"mistral3", NORM_RMS, ROPE_PAIRS, .act = ACT_SILU},
	{"granite", NORM_RMS, ROPE_PAIRS, .act = ACT_SILU, .flags = LOGITS_DIVIDED},
	{"granitemoe", NORM_RMS, ROPE_PAIRS, .act = ACT_SILU, .flags = LOGITS_DIVIDED},
	{"smollm3", NORM_RMS, ROPE_PAIRS, .act = ACT_SILU, .no_rope_every = 4},
	{"qwen2", NORM_RMS, ROPE_HALVES, .act = ACT_SILU},
	{"qwen2moe", NORM_RMS, ROPE_HALVES, .act = ACT_SILU, .flags = NOT_RENORMALIZED},
	{"qwen3", NORM_RMS, ROPE_HALVES, .act = ACT_SILU, .flags = QK_NORMS},
	{"qwen3moe", NORM_RMS, ROPE_HALVES, .act = ACT_SILU, .flags = QK_NORMS},
	{"olmo2", NORM_RMS, ROPE_HALVES, .act = ACT_SILU,
		.flags = NO_PRE_NORMS | POST_NORMS | QK_NORMS | SLIDING_UNSTRETCHED},
	{"olmoe", NORM_RMS, ROPE_HALVES, .act = ACT_SILU, .flags = QK_NORMS | NOT_RENORMALIZED | CLAMP_NORMED},
	{"phi3", NORM_RMS, ROPE_HALVES, .act = ACT_SILU},
	{"gemma", NORM_RMS, ROPE_HALVES, .act = ACT_GELU_TANH, .flags = EMBD_SQRT},
	{"gemma2", NORM_RMS, ROPE_HALVES, .act = ACT_GELU_TANH,
		.flags = POST_NORMS | EMBD_SQRT, .window_every = 2, .wide_layers = 46},
	{"gemma3", NORM_RMS, ROPE_HALVES, .act = ACT_GELU_TANH,
		.flags = POST_NORMS | QK_NORMS | EMBD_SQRT | SLIDING_UNSTRETCHED, .window_every = 6, .wide_layers = 62,
		.sliding_base = 10000},
	{"gpt-oss", NORM_RMS, ROPE_HALVES, .act = ACT_SWIGLU_OAI,
		.flags = SINKS | YARN_UNROUNDED | POST_IS_FFN_NORM, .window_every = 2},
	{"stablelm", NORM_LAYER, ROPE_HALVES, .act = ACT_SILU,
		.flags = QK_NORMS_MAYBE | PARALLEL_BY_NORM},
	{"command-r", NORM_LAYER, ROPE_PAIRS, .act = ACT_SILU, .flags = QK_NORMS_MAYBE | PARALLEL},
	{"phi2", NORM_LAYER, ROPE_HALVES, .act = ACT_GELU_TANH, .flags = QK_NORMS_MAYBE | UNGATED | PARALLEL},
	{"gptj", NORM_LAYER, ROPE_PAIRS, .act = ACT_GELU_TANH, .flags = UNGATED | PARALLEL},
	{"gptneox", NORM_LAYER, ROPE_HALVES, .act = ACT_GELU, .flags = UNGATED | PARALLEL},
	{"falcon", NORM_LAYER, ROPE_HALVES, .act = ACT_GELU, .flags = UNGATED | PARALLEL},
	{"starcoder2", NORM_LAYER, ROPE_HALVES, .act = ACT_GELU_TANH, .flags = UNGATED},
	{"gpt2", NORM_LAYER, ROPE_NONE, .act = ACT_GELU_TANH, .flags = UNGATED},
	{"mpt", NORM_LAYER, ROPE_NONE, .act = ACT_GELU, .flags = QK_NORMS_MAYBE | UNGATED},
	{"bloom", NORM_LAYER, ROPE_NONE, .act = ACT_GELU_TANH,
		.flags = EMBD_NORM | UNGATED, .alibi = 8},
};

const struct arch *
arch_of(const struct weights *w)
{
	char known[1024] = "";
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strcmp(w->arch, table[i].name) == 0)
			return table + i;
		size_t n = strlen(known);
		snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "", table[i].name);
	}
	die("%s: architecture '%s' is not known; known: %s", w->path, w->arch, known);
}
