#!/usr/bin/env python3
"""Make the fixtures of t/adapter.bats: adapters, and what peft and transformers compute with them.

usage: LLAMA_CPP=folder adapter.py [-o DIR] [NAME...]

Needs torch, transformers, peft, gguf and the source tree of llama.cpp, whose converters write the
GGUF files. The base NAME is the model of t/fixtures/folder of that name, of t/lib/mkfolder.py's
weights. Writes into DIR/NAME, DIR is t/fixtures/adapter:

    base.gguf            the base, as llama.cpp's convert_hf_to_gguf.py has it
    one/ two/            adapters, as peft saves them
    three/               one with what GGUF cannot say, of some models
    one.gguf two.gguf    the same, as llama.cpp's convert_lora_to_gguf.py has them, where it can
    one.f32              float32 logits after each of t/fixtures/folder/ids of base and adapter
                         merged, by peft's merge_and_unload()
    both.f32             the same of 0.5 times one and -1.5 times two; not merged where the output
                         matrix is the embedding, which would be merged, too
    three.f32            of three alone

A and B are random, such that the adapter moves the logits about as far as they spread.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import peft
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import arch
import mkfolder
from models import VOCAB

HERE = Path(__file__).resolve().parent
FOLDERS = HERE.parent / "fixtures/folder"
LLAMA = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
EMBEDDINGS = ["embed_tokens", "lm_head"]
PARAMETERS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
EXPERTS = [f"experts.{i}.{w}" for i in range(5) for w in ("w1", "w2", "w3")]

# name: what one and two adapt; what both say, and what three says, which adapts as one
ADAPTERS = {
    "llama": (LLAMA, ["q_proj", "k_proj"], {}, dict(r=3, lora_alpha=5, rank_pattern={"down_proj": 5, ".*1.*q_proj": 2},
                                                alpha_pattern={"layers.2.self_attn.o_proj": 9, "^model.layers.0.mlp.*": 4})),
    "qwen2": (LLAMA, EMBEDDINGS + ["v_proj"], {}, dict(use_rslora=True)),
    "gemma3": (LLAMA, ["embed_tokens", "o_proj"], {}),
    "gpt2": (["c_attn", "c_proj", "c_fc"], ["c_attn"], dict(fan_in_fan_out=True)),
    "phi3": (["qkv_proj", "o_proj", "gate_up_proj", "down_proj"], ["qkv_proj"], {}),
    "falcon40": (["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"], ["query_key_value"], {}),
    "gptneox": (["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"], ["query_key_value"], {}),
    "bloom": (["query_key_value", "dense"], ["query_key_value"], {}),
    "mixtral": (["q_proj", "k_proj"] + EXPERTS, ["q_proj", "v_proj"], {}),
    "qwen2moe": (["q_proj", "shared_expert.up_proj", "shared_expert.down_proj", "shared_expert_gate"], ["k_proj"], {}),
    "qwen3moe": (["q_proj"], ["v_proj"], dict(target_parameters=PARAMETERS + ["mlp.gate.weight"]), dict(
        target_parameters=PARAMETERS[:1], rank_pattern={"experts.gate_up_proj": 2}, alpha_pattern={".*1.mlp.experts.*": 9})),
    "gpt-oss": (["q_proj", "o_proj"], ["v_proj"], dict(target_parameters=PARAMETERS), dict(target_parameters=PARAMETERS[1:])),
    "granitemoe": (["q_proj"], ["k_proj"], dict(
        target_parameters=["experts.gate_up_proj", "experts.down_proj", "router.weight"], alpha_pattern={"router.weight": 3})),
    "granite": (LLAMA, ["q_proj"], {}),
    "mpt": (["Wqkv", "out_proj", "up_proj"], ["Wqkv"], {}),
}
# What the converter of llama.cpp does not do, or not right.
UNCONVERTED = {
    "qwen3moe": "experts as parameters",
    "gpt-oss": "experts as parameters",
    "granitemoe": "experts as parameters",
    "gpt2": "it transposes A and B, which are not as the weights they belong to",
    "bloom": "it takes them for weights and fails",
}


def numbers(shape, g, base):
    """Floats that float16 can hold."""
    return (torch.randn(shape, generator=g) * base).half().float()


def randomize(folder, g):
    """A and B of an adapter that peft has saved."""
    path = str(folder / "adapter_model.safetensors")
    tensors = load_file(path)
    for name, t in sorted(tensors.items()):
        if "lora_" in name:
            tensors[name] = numbers(t.shape, g, 0.25 if "_B" in name else 0.5 / t.shape[-1] ** 0.5)
    save_file(tensors, path)


def experts_by_hand(folder, base, targets, config, g):
    """An adapter of experts as peft saved it where each was a module of its own; newer ones read it."""
    peft.LoraConfig(r=2, lora_alpha=3, target_modules=targets, task_type="CAUSAL_LM", inference_mode=True, **config).save_pretrained(folder)
    tensors = {}
    for name, dtype, dims in base:
        module = name.removesuffix(".weight")
        if any(module.endswith(t) for t in targets):
            stem = "base_model.model." + module
            tensors[stem + ".lora_A.weight"] = numbers((2, dims[1]), g, 0.5 / dims[1] ** 0.5)
            tensors[stem + ".lora_B.weight"] = numbers((dims[0], 2), g, 0.25)
    save_file(tensors, str(folder / "adapter_model.safetensors"))


def load(folder):
    return tf.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def make_adapter(folder, base, targets, config, g):
    shutil.rmtree(folder, ignore_errors=True)
    if any("experts.0" in t for t in targets):
        folder.mkdir()
        experts_by_hand(folder, mkfolder.read(str(FOLDERS / folder.parent.name))[1], targets, config, g)
        return
    config = peft.LoraConfig(**{**dict(r=4, lora_alpha=6, target_modules=targets, task_type="CAUSAL_LM"), **config})
    peft.get_peft_model(load(base), config).save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    randomize(folder, g)


def logits(base, adapters, ids):
    """Of the base with adapters, (folder, scale)."""
    model = load(base)
    tied = model.config.tie_word_embeddings
    for i, (folder, scale) in enumerate(adapters):
        if tied and i:
            model.load_adapter(folder, folder.name)
        else:
            model = peft.PeftModel.from_pretrained(model, folder, folder.name)
        for m in model.modules():
            if isinstance(m, peft.tuners.lora.LoraLayer) and folder.name in m.scaling:
                m.scaling[folder.name] *= scale
        if not tied:
            model = model.merge_and_unload()
    if tied and adapters:
        model.base_model.set_adapter([folder.name for folder, _ in adapters])
        model.eval()
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float()


def convert(adapter, base, out):
    tool = Path(os.environ["LLAMA_CPP"]) / "convert_lora_to_gguf.py"
    subprocess.run([sys.executable, str(tool), "--base", str(base), "--outfile", str(out), "--outtype", "f16", str(adapter)],
                   check=True, capture_output=not os.environ.get("TRACE"))


def make(name, folder):
    one, two, config, *three = ADAPTERS[name]
    folder = folder / name
    folder.mkdir(exist_ok=True)
    g = torch.Generator().manual_seed(sum(map(ord, name)))
    torch.manual_seed(0)
    ids = list(map(int, (FOLDERS / "ids").read_text().split()))
    with tempfile.TemporaryDirectory() as base:
        mkfolder.make(str(FOLDERS / name), base)
        make_adapter(folder / "one", base, one, config, g)
        make_adapter(folder / "two", base, two, config, g)
        plain = logits(base, [], ids)
        merged = logits(base, [(folder / "one", 1)], ids)
        both = logits(base, [(folder / "one", 0.5), (folder / "two", -1.5)], ids)
        merged.numpy().astype("<f4").tofile(folder / "one.f32")
        both.numpy().astype("<f4").tofile(folder / "both.f32")
        if three:
            make_adapter(folder / "three", base, one, three[0], g)
            logits(base, [(folder / "three", 1)], ids).numpy().astype("<f4").tofile(folder / "three.f32")
        path = Path(base) / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **arch.AS_PUBLISHED.get(name, {})}))
        arch.convert(Path(base), folder / "base.gguf", arch.AS_PUBLISHED.get(name, {}))
        for a in "one", "two":
            if name not in UNCONVERTED or os.environ.get("TRACE"):
                convert(folder / a, base, folder / (a + ".gguf"))
    print(f"{name}: logits' deviation {plain.std():.2f}, moved by {(merged - plain).std():.2f} and {(both - plain).std():.2f}", flush=True)


def main():
    args = sys.argv[1:]
    folder = HERE.parent / "fixtures/adapter"
    if args[:1] == ["-o"]:
        folder, args = Path(args[1]), args[2:]
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    tf.logging.set_verbosity_error()
    arch.conversion.load_all_models()
    arch.leave_vocabulary_out(arch.TextModel)
    failed = 0
    for name in args or ADAPTERS:
        try:
            make(name, folder)
        except Exception as e:
            if os.environ.get("TRACE"):
                raise
            failed += 1
            print(f"{name}: {type(e).__name__}: {str(e)[:300]}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
