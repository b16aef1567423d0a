#!/usr/bin/env python3
"""Make the fixtures of t/arch.bats: small random models, and what transformers computes with them.

usage: LLAMA_CPP=folder arch.py [-o DIR] [NAME...]

Needs torch, transformers, gguf and the source tree of llama.cpp, whose own converter
writes the GGUF files. Writes DIR/NAME.gguf, DIR/NAME.ids (token ids) and DIR/NAME.f32
(a row of float32 logits after each of them); DIR is t/fixtures/arch.

The models have no vocabulary: the converter's part that reads a tokenizer is left out. Weights
are random, but such that every part matters: norms are not 1, biases not 0, logits spread over
some units. They are rounded to float16 before anything else, so the files, which hold
matrices as F16, lose nothing.
"""
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.environ["LLAMA_CPP"])
import numpy as np
import torch
import transformers as tf
import conversion
from conversion.base import ModelBase, ModelType, TextModel, get_model_architecture

import gguf

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
# What the config.json of real models says and this version of transformers writes otherwise.
AS_PUBLISHED = {
    "gpt2": dict(n_ctx=64),
    "gptneox": dict(rotary_pct=0.5),
    "gptneox-serial": dict(rotary_pct=1.0),
    "falcon": dict(num_kv_heads=1),
    "mpt": dict(architectures=["MPTForCausalLM"]),
    "bloom": dict(seq_length=64),
}
OWN_SIZES = {"GPT2", "Mpt", "Bloom"}  # these call everything by other names


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


def randomize(model, g):
    """Every parameter random, by what its name and shape say it is; as float16 can hold it."""
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=g)
        if "sinks" in name or (p.dim() == 1 and name.endswith("bias")):
            new = 0.3 * noise
        elif "norm" in name or "ln_" in name or "layernorm" in name:
            zero_is_one = type(model).__name__.startswith("Gemma")
            new = 0.3 * noise + (0 if zero_is_one else 1)
        elif "embed" in name or "wte" in name or "wpe" in name:
            new = 0.5 * noise
        elif name.endswith("bias"):
            new = 0.3 * noise
        else:
            new = 1.4 / np.sqrt(min(p.shape[-2:])) * noise
        p.data = new.half().float()
    model.tie_weights()


def leave_vocabulary_out(cls):
    cls.set_vocab = lambda self: None
    for sub in cls.__subclasses__():
        leave_vocabulary_out(sub)


def convert(folder, out, as_published):
    (folder / "tokenizer.json").write_text(json.dumps(dict(model=dict(vocab={str(i): i for i in range(VOCAB)}), added_tokens=[])))  # its size
    hparams = {**ModelBase.load_hparams(folder, False), **as_published}
    arch = get_model_architecture(hparams, ModelType.TEXT)
    conversion.get_model_class(arch)(folder, gguf.LlamaFileType.MOSTLY_F16, out, hparams=hparams, model_name="random").write()


def reference(model, ids, edge):
    with torch.no_grad():
        rows = model(torch.tensor([ids])).logits[0]
        if edge:  # the first tokens as they are before the context is a long one
            rows[:edge] = model(torch.tensor([ids[:edge]])).logits[0]
    return rows.float().numpy()


def make(name, folder):
    kind, more = MODELS[name]
    g = torch.Generator().manual_seed(sum(map(ord, name)))
    torch.manual_seed(0)
    model = model_class(kind)(config_of(kind, more)).eval().float()
    randomize(model, g)
    ids = torch.randint(3, VOCAB, (N_IDS,), generator=g).tolist()
    rows = reference(model, ids, SHORT if name == "phi3-long" else 0)
    with tempfile.TemporaryDirectory() as tmp:
        model.save_pretrained(tmp)
        convert(Path(tmp), folder / (name + ".gguf"), AS_PUBLISHED.get(name, {}))
    (folder / (name + ".ids")).write_text(" ".join(map(str, ids)) + "\n")
    rows.astype("<f4").tofile(folder / (name + ".f32"))
    size = (folder / (name + ".gguf")).stat().st_size
    print(f"{name}: {size} bytes, logits' deviation {rows.std():.2f}", flush=True)


def main():
    args = sys.argv[1:]
    folder = Path(__file__).resolve().parent.parent / "fixtures/arch"
    if args[:1] == ["-o"]:
        folder, args = Path(args[1]), args[2:]
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    conversion.load_all_models()
    leave_vocabulary_out(TextModel)
    failed = 0
    for name in args or MODELS:
        try:
            make(name, folder)
        except Exception as e:
            if os.environ.get("TRACE"):
                raise
            failed += 1
            print(f"{name}: {type(e).__name__}: {str(e)[:300]}", flush=True)
    sys.exit(failed > 0)


main()
