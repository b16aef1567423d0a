/* names.c - tables of names; see names.h. */
#include "names.h"

#include <string.h>

/* In a name of transformers and in that of GGUF # is a number, and * "weight" or "bias". */
struct name {
	const char *arch;	/* NULL: all that have it mean the same */
	const char *from, *to;	/* to NULL: left out */
	enum name_kind kind;	/* 0: NAME_KNOWN */
};

/* Behind "model.", "transformer." and the like, which may be missing. */
static const struct name whole[] = {
	{NULL, "embed_tokens.weight", "token_embd.weight", 0},
	{NULL, "word_embeddings.weight", "token_embd.weight", 0},
	{NULL, "embed_in.weight", "token_embd.weight", 0},
	{NULL, "wte.weight", "token_embd.weight", 0},
	{NULL, "wpe.weight", "position_embd.weight", 0},
	{NULL, "word_embeddings_layernorm.*", "token_embd_norm.*", 0},
	{NULL, "norm.*", "output_norm.*", 0},
	{NULL, "final_layernorm.*", "output_norm.*", 0},
	{NULL, "final_layer_norm.*", "output_norm.*", 0},
	{NULL, "ln_f.*", "output_norm.*", 0},
	{NULL, "norm_f.*", "output_norm.*", 0},
	{NULL, "lm_head.*", "output.*", 0},
	{NULL, "embed_out.*", "output.*", 0},
	{NULL, "rotary_emb.inv_freq", NULL, 0},
};

/* Of a layer, behind "layers.#." or "h.#." or "blocks.#.". */
static const struct name part[] = {
	/* norms */
	{NULL, "input_layernorm.*", "attn_norm.*", 0},
	{NULL, "ln_1.*", "attn_norm.*", 0},
	{NULL, "norm_1.*", "attn_norm.*", 0},
	{NULL, "ln_mlp.*", "attn_norm.*", 0},
	{NULL, "ln_attn.*", "attn_norm_2.*", 0},
	{"gemma2", "post_attention_layernorm.*", "post_attention_norm.*", 0},
	{"gemma3", "post_attention_layernorm.*", "post_attention_norm.*", 0},
	{"olmo2", "post_attention_layernorm.*", "post_attention_norm.*", 0},
	{"gpt-oss", "post_attention_layernorm.*", "post_attention_norm.*", 0},
	{NULL, "post_attention_layernorm.*", "ffn_norm.*", 0},
	{NULL, "pre_feedforward_layernorm.*", "ffn_norm.*", 0},
	{NULL, "ln_2.*", "ffn_norm.*", 0},
	{NULL, "norm_2.*", "ffn_norm.*", 0},
	{NULL, "post_feedforward_layernorm.*", "post_ffw_norm.*", 0},
	/* attention */
	{NULL, "self_attn.q_proj.*", "attn_q.*", 0},
	{NULL, "self_attn.k_proj.*", "attn_k.*", 0},
	{NULL, "self_attn.v_proj.*", "attn_v.*", 0},
	{NULL, "self_attn.o_proj.*", "attn_output.*", 0},
	{NULL, "self_attn.q_norm.*", "attn_q_norm.*", 0},
	{NULL, "self_attn.k_norm.*", "attn_k_norm.*", 0},
	{NULL, "self_attn.q_layernorm.*", "attn_q_norm.*", 0},
	{NULL, "self_attn.k_layernorm.*", "attn_k_norm.*", 0},
	{NULL, "self_attn.q_layernorm.norms.#.*", "attn_q_norm.#.*", 0},
	{NULL, "self_attn.k_layernorm.norms.#.*", "attn_k_norm.#.*", 0},
	{NULL, "self_attn.sinks", "attn_sinks.weight", 0},
	{NULL, "self_attn.qkv_proj.*", "attn_qkv.*", 0},
	{NULL, "self_attn.dense.*", "attn_output.*", 0},
	{NULL, "attn.q_proj.*", "attn_q.*", 0},
	{NULL, "attn.k_proj.*", "attn_k.*", 0},
	{NULL, "attn.v_proj.*", "attn_v.*", 0},
	{NULL, "attn.out_proj.*", "attn_output.*", 0},
	{NULL, "attn.Wqkv.*", "attn_qkv.*", 0},
	{NULL, "attn.q_ln.*", "attn_q_norm.*", 0},
	{NULL, "attn.k_ln.*", "attn_k_norm.*", 0},
	{"gpt2", "attn.c_attn.*", "attn_qkv.*", NAME_ACROSS},
	{"gpt2", "attn.c_proj.*", "attn_output.*", NAME_ACROSS},
	{NULL, "attention.query_key_value.*", "attn_qkv.*", 0},
	{NULL, "attention.dense.*", "attn_output.*", 0},
	{NULL, "self_attention.query_key_value.*", "attn_qkv.*", 0},
	{NULL, "self_attention.dense.*", "attn_output.*", 0},
	/* feed-forward */
	{NULL, "mlp.gate_proj.*", "ffn_gate.*", 0},
	{NULL, "mlp.up_proj.*", "ffn_up.*", 0},
	{NULL, "mlp.down_proj.*", "ffn_down.*", 0},
	{NULL, "mlp.gate_up_proj.*", "ffn_gate_up.*", 0},
	{NULL, "mlp.fc1.*", "ffn_up.*", 0},
	{NULL, "mlp.fc2.*", "ffn_down.*", 0},
	{NULL, "mlp.fc_in.*", "ffn_up.*", 0},
	{NULL, "mlp.fc_out.*", "ffn_down.*", 0},
	{NULL, "mlp.dense_h_to_4h.*", "ffn_up.*", 0},
	{NULL, "mlp.dense_4h_to_h.*", "ffn_down.*", 0},
	{NULL, "ffn.up_proj.*", "ffn_up.*", 0},
	{NULL, "ffn.down_proj.*", "ffn_down.*", 0},
	{"gpt2", "mlp.c_fc.*", "ffn_up.*", NAME_ACROSS},
	{"gpt2", "mlp.c_proj.*", "ffn_down.*", NAME_ACROSS},
	{NULL, "mlp.c_fc.*", "ffn_up.*", 0},
	{NULL, "mlp.c_proj.*", "ffn_down.*", 0},
	/* experts */
	{NULL, "mlp.gate.weight", "ffn_gate_inp.weight", 0},
	{NULL, "mlp.router.*", "ffn_gate_inp.*", 0},
	{NULL, "block_sparse_moe.gate.weight", "ffn_gate_inp.weight", 0},
	{NULL, "block_sparse_moe.router.layer.weight", "ffn_gate_inp.weight", 0},
	{NULL, "block_sparse_moe.router.weight", "ffn_gate_inp.weight", 0},
	{NULL, "mlp.experts.#.gate_proj.*", "ffn_gate.#.*", 0},
	{NULL, "mlp.experts.#.up_proj.*", "ffn_up.#.*", 0},
	{NULL, "mlp.experts.#.down_proj.*", "ffn_down.#.*", 0},
	{NULL, "block_sparse_moe.experts.#.w1.*", "ffn_gate.#.*", 0},
	{NULL, "block_sparse_moe.experts.#.w3.*", "ffn_up.#.*", 0},
	{NULL, "block_sparse_moe.experts.#.w2.*", "ffn_down.#.*", 0},
	{"gpt-oss", "mlp.experts.gate_up_proj", "ffn_gate_up_exps.weight", NAME_ACROSS},
	{"gpt-oss", "mlp.experts.down_proj", "ffn_down_exps.weight", NAME_ACROSS},
	{NULL, "mlp.experts.gate_up_proj", "ffn_gate_up_exps.weight", 0},
	{NULL, "mlp.experts.down_proj", "ffn_down_exps.weight", 0},
	{NULL, "mlp.experts.gate_up_proj_bias", "ffn_gate_up_exps.bias", 0},
	{NULL, "mlp.experts.down_proj_bias", "ffn_down_exps.bias", 0},
	{NULL, "mlp.experts.gate_up_proj_blocks", "ffn_gate_up_exps.weight", NAME_MXFP4},
	{NULL, "mlp.experts.down_proj_blocks", "ffn_down_exps.weight", NAME_MXFP4},
	{NULL, "mlp.experts.gate_up_proj_scales", NULL, 0}, /* found with the blocks */
	{NULL, "mlp.experts.down_proj_scales", NULL, 0},
	{NULL, "block_sparse_moe.experts.gate_up_proj", "ffn_gate_up_exps.weight", 0},
	{NULL, "block_sparse_moe.experts.down_proj", "ffn_down_exps.weight", 0},
	{NULL, "block_sparse_moe.input_linear.weight", "ffn_gate_up_exps.weight", 0},
	{NULL, "block_sparse_moe.output_linear.weight", "ffn_down_exps.weight", 0},
	{NULL, "mlp.shared_expert.gate_proj.*", "ffn_gate_shexp.*", 0},
	{NULL, "mlp.shared_expert.up_proj.*", "ffn_up_shexp.*", 0},
	{NULL, "mlp.shared_expert.down_proj.*", "ffn_down_shexp.*", 0},
	{NULL, "mlp.shared_expert_gate.weight", "ffn_gate_inp_shexp.weight", 0},
	{NULL, "shared_mlp.input_linear.weight", "ffn_gate_up_shexp.weight", 0},
	{NULL, "shared_mlp.output_linear.weight", "ffn_down_shexp.weight", 0},
	/* masks and angles that old files hold */
	{NULL, "self_attn.rotary_emb.inv_freq", NULL, 0},
	{NULL, "attention.rotary_emb.inv_freq", NULL, 0},
	{NULL, "attention.bias", NULL, 0},
	{NULL, "attention.masked_bias", NULL, 0},
	{NULL, "attn.bias", NULL, 0},
	{NULL, "attn.masked_bias", NULL, 0},
};

/* What may stand before all; the first that fits is taken away. */
static const char *const prefixes[] = {
	"model.language_model.", "language_model.model.", "language_model.", "model.", "transformer.", "gpt_neox.",
};

static const char *const senses[] = {
	"vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.",
};

/* Take `text` from the front of s. */
static bool
take(struct str *s, const char *text)
{
	const size_t n = strlen(text);
	if (s->n < n || memcmp(s->p, text, n) != 0)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

/* Take a number as it is printed: no leading zeros. */
static bool
take_number(struct str *s, unsigned *number)
{
	size_t n = 0;
	for (*number = 0; n < s->n && n < 6 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
		*number = *number * 10 + (unsigned)(s->p[n] - '0');
	if (n == 0 || (n > 1 && s->p[0] == '0'))
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

/* Whether a pattern is the whole of s; sets the number and the kind that it has. */
static bool
fits(const char *pattern, struct str s, unsigned *number, const char **kind)
{
	for (; *pattern; pattern++) {
		if (*pattern == '#' && !take_number(&s, number))
			return false;
		if (*pattern == '*') {
			*kind = str_is(s, "weight") ? "weight" : "bias";
			return str_is(s, *kind);
		}
		if (*pattern != '#' && (s.n == 0 || *s.p++ != *pattern || s.n-- == 0))
			return false;
	}
	return s.n == 0;
}

/* Append GGUF's name to what stands in out. */
static void
put(char out[65], const char *to, unsigned number, const char *kind)
{
	for (size_t n = strlen(out); *to && n < 64; to++, n = strlen(out))
		if (*to == '#')
			snprintf(out + n, 65 - n, "%u", number);
		else if (*to == '*')
			snprintf(out + n, 65 - n, "%s", kind);
		else
			snprintf(out + n, 65 - n, "%c", *to);
}

static enum name_kind
find(const struct name *table, size_t n, const char *arch, struct str s, char out[65])
{
	for (size_t i = 0; i < n; i++) {
		unsigned number = 0;
		const char *kind = "";
		if ((table[i].arch && strcmp(table[i].arch, arch) != 0) || !fits(table[i].from, s, &number, &kind))
			continue;
		if (!table[i].to)
			return NAME_LEFT_OUT;
		put(out, table[i].to, number, kind);
		/* a bias is a vector, however its matrix lies */
		return table[i].kind && strcmp(kind, "bias") != 0 ? table[i].kind : NAME_KNOWN;
	}
	return NAME_UNKNOWN;
}

enum name_kind
name_of_tensor(const char *arch, struct str name, char gguf[65])
{
	unsigned layer;
	*gguf = '\0';
	for (size_t i = 0; i < sizeof senses / sizeof *senses; i++)
		if (take(&name, senses[i]))
			return NAME_OF_SENSES;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (take(&name, prefixes[i]))
			break;
	if (!take(&name, "layers.") && !take(&name, "h.") && !take(&name, "blocks."))
		return find(whole, sizeof whole / sizeof *whole, arch, name, gguf);
	if (!take_number(&name, &layer) || !take(&name, "."))
		return NAME_UNKNOWN;
	snprintf(gguf, 65, "blk.%u.", layer);
	return find(part, sizeof part / sizeof *part, arch, name, gguf);
}
