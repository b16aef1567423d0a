"""The models of arch.py and folder.py: small, of odd sizes, with every feature on."""
import transformers as tf

N_IDS, VOCAB, WINDOW, SHORT = 48, 97, 16, 32

# What most configurations have in common: the names that differ are below.
COMMON = dict(vocab_size=VOCAB, hidden_size=24, intermediate_size=36, num_hidden_layers=3, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0)
GPT2 = dict(vocab_size=VOCAB, n_embd=24, n_layer=3, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2)
EXPERTS = dict(intermediate_size=20, num_local_experts=5, num_experts_per_tok=2)


def rope(kind, factor=4.0, theta=10000.0, **more):
    return dict(rope_parameters=dict(rope_type=kind, factor=factor, rope_theta=theta, **more))


# name: class of the configuration, and what it has beyond COMMON
MODELS = {
    "llama": ("Llama", {}),
    "llama-bias": ("Llama", dict(attention_bias=True, mlp_bias=True, head_dim=10)),
    "llama-rope3": ("Llama", rope("llama3", 8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)),
    "llama-linear": ("Llama", rope("linear")),
    "llama-yarn": ("Llama", rope("yarn", original_max_position_embeddings=SHORT)),
    "mixtral": ("Mixtral", EXPERTS),
    "mistral3": ("Ministral3", dict(head_dim=8, rope_parameters=dict(
        rope_type="yarn", factor=4.0, rope_theta=10000.0, original_max_position_embeddings=SHORT, beta_fast=32.0, beta_slow=1.0,
        mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.1))),
    "qwen2": ("Qwen2", {}),
    "qwen2moe": ("Qwen2Moe", dict(num_experts=5, num_experts_per_tok=2, moe_intermediate_size=20, decoder_sparse_step=1,
                                  shared_expert_intermediate_size=28)),
    "qwen3": ("Qwen3", dict(head_dim=10)),
    "qwen3moe": ("Qwen3Moe", dict(head_dim=10, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=20,
                                  norm_topk_prob=True, decoder_sparse_step=1)),
    "gemma": ("Gemma", dict(head_dim=10, hidden_activation="gelu_pytorch_tanh")),
    "gemma2": ("Gemma2", dict(head_dim=10, query_pre_attn_scalar=10, sliding_window=WINDOW, num_hidden_layers=4,
                              attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    "gemma3": ("Gemma3Text", dict(head_dim=10, query_pre_attn_scalar=10, sliding_window=WINDOW, num_hidden_layers=7,
                                  layer_types=["sliding_attention"] * 5 + ["full_attention"] + ["sliding_attention"],
                                  rope_parameters=dict(
                                      full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1e6),
                                      sliding_attention=dict(rope_type="default", rope_theta=1e4)))),
    "phi2": ("Phi", dict(partial_rotary_factor=0.5, num_attention_heads=3, num_key_value_heads=3, intermediate_size=96)),
    "phi3": ("Phi3", dict(sliding_window=WINDOW)),
    "phi3-long": ("Phi3", dict(original_max_position_embeddings=SHORT, sliding_window=None, rope_parameters=dict(
        rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=SHORT,
        short_factor=[1.0, 1.1, 1.3], long_factor=[1.0, 2.5, 4.0]))),
    "gpt2": ("GPT2", GPT2),
    "gptneox": ("GPTNeoX", dict(rotary_pct=0.5, num_attention_heads=3)),
    "gptneox-serial": ("GPTNeoX", dict(rotary_pct=1.0, use_parallel_residual=False)),
    "falcon": ("Falcon", dict(multi_query=True, parallel_attn=True, new_decoder_architecture=False, bias=False, alibi=False)),
    "falcon40": ("Falcon", dict(new_decoder_architecture=True, num_kv_heads=2, bias=False, alibi=False)),
    "mpt": ("Mpt", dict(vocab_size=VOCAB, d_model=24, n_heads=3, n_layers=3, max_seq_len=64, no_bias=True,
                        attn_config=dict(alibi=True, clip_qkv=1.5))),
    "bloom": ("Bloom", dict(vocab_size=VOCAB, hidden_size=24, n_layer=3, n_head=3)),
    "starcoder2": ("Starcoder2", dict(sliding_window=None, use_bias=True)),
    "stablelm": ("StableLm", dict(partial_rotary_factor=0.5, head_dim=8, hidden_size=32, use_qkv_bias=True)),
    "stablelm-parallel": ("StableLm", dict(partial_rotary_factor=0.5, hidden_size=32, use_parallel_residual=True)),
    "olmo2": ("Olmo2", {}),
    "olmo3": ("Olmo3", dict(sliding_window=WINDOW, num_hidden_layers=5, rope_parameters=dict(
        full_attention=dict(rope_type="yarn", factor=4.0, rope_theta=500000.0, original_max_position_embeddings=SHORT),
        sliding_attention=dict(rope_type="default", rope_theta=500000.0)))),
    "olmoe": ("Olmoe", dict(intermediate_size=20, num_experts=5, num_experts_per_tok=2)),
    "command-r": ("Cohere", dict(logit_scale=0.25)),
    "command-r-qknorm": ("Cohere", dict(logit_scale=0.25, use_qk_norm=True)),
    "granite": ("Granite", dict(embedding_multiplier=3.0, residual_multiplier=0.5, attention_multiplier=0.3, logits_scaling=0.6)),
    "granitemoe": ("GraniteMoe", dict(EXPERTS, embedding_multiplier=3.0, residual_multiplier=0.5, attention_multiplier=0.3,
                                      logits_scaling=0.6)),
    "granitemoe-shared": ("GraniteMoeShared", dict(EXPERTS, shared_intermediate_size=28, embedding_multiplier=3.0,
                                                   residual_multiplier=0.5, attention_multiplier=0.3, logits_scaling=0.6)),
    "smollm3": ("SmolLM3", dict(num_hidden_layers=5, no_rope_layer_interval=4)),
    "gpt-oss": ("GptOss", dict(EXPERTS, hidden_size=32, intermediate_size=32, head_dim=8, num_hidden_layers=2, sliding_window=WINDOW,
                               rope_parameters=dict(rope_type="yarn", factor=4.0, rope_theta=10000.0, beta_fast=32.0, beta_slow=1.0,
                                                    truncate=False, original_max_position_embeddings=SHORT))),
}
# Which llama.cpp's converter does not take, or not with these features.
FOLDERS = {
    "gptj": ("GPTJ", dict(GPT2, rotary_dim=4)),
    "mistral-window": ("Mistral", dict(sliding_window=WINDOW)),
    "qwen2-window": ("Qwen2", dict(sliding_window=WINDOW, use_sliding_window=True, max_window_layers=1)),
    "qwen2moe-fused": MODELS["qwen2moe"],
    "llama-yarn-scaled": ("Llama", rope("yarn", original_max_position_embeddings=SHORT, attention_factor=1.3, truncate=False)),
    "phi3-partial": ("Phi3", dict(original_max_position_embeddings=SHORT, sliding_window=None, rope_parameters=dict(
        rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=SHORT, partial_rotary_factor=0.75,
        attention_factor=1.2, short_factor=[1.0, 1.1], long_factor=[1.0, 2.5]))),
    "stablelm-qknorm": ("StableLm", dict(partial_rotary_factor=0.25, hidden_size=32, qk_layernorm=True, use_parallel_residual=True)),
    "falcon-multihead": ("Falcon", dict(multi_query=False, parallel_attn=False, bias=True, alibi=False)),
    "falcon11": ("Falcon", dict(new_decoder_architecture=True, num_kv_heads=2, num_ln_in_parallel_attn=1, bias=False,
                                alibi=False)),
    "starcoder2-relu": ("Starcoder2", dict(sliding_window=WINDOW, hidden_act="relu", use_bias=False)),
    "qwen3moe-mixed": ("Qwen3Moe", dict(MODELS["qwen3moe"][1], norm_topk_prob=False, mlp_only_layers=[1], attention_bias=True)),
    "olmoe-clip": ("Olmoe", dict(MODELS["olmoe"][1], norm_topk_prob=True, clip_qkv=0.7, tie_word_embeddings=True)),
    "phi-tied": ("Phi", dict(partial_rotary_factor=0.5, num_attention_heads=3, num_key_value_heads=1, qk_layernorm=True,
                             tie_word_embeddings=True)),
    "gpt2-unscaled": ("GPT2", dict(GPT2, scale_attn_weights=False, n_inner=40, activation_function="gelu")),
    "gpt-oss-mxfp4": ("GptOss", dict(MODELS["gpt-oss"][1], hidden_size=64)),
}
OWN_SIZES = {"GPT2", "GPTJ", "Mpt", "Bloom"}  # these call everything by other names


def config_of(kind, more):
    own = dict(more) if kind in OWN_SIZES else {**COMMON, **more}
    if kind == "Falcon":
        own.pop("num_key_value_heads")
    config = getattr(tf, kind + "Config")(**own)
    config._attn_implementation = "eager"
    return config


def model_class(kind):
    for name in kind.removesuffix("Text") + "ForCausalLM", kind + "LMHeadModel":
        if hasattr(tf, name):
            return getattr(tf, name)
    raise LookupError(kind)
