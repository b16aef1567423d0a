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
import conversion
from conversion.base import ModelBase, ModelType, TextModel, get_model_architecture

import gguf

from models import MODELS, N_IDS, SHORT, VOCAB, config_of, model_class

# What the config.json of real models says and this version of transformers writes otherwise.
AS_PUBLISHED = {
    "gpt2": dict(n_ctx=64),
    "gptneox": dict(rotary_pct=0.5),
    "gptneox-serial": dict(rotary_pct=1.0),
    "falcon": dict(num_kv_heads=1),
    "mpt": dict(architectures=["MPTForCausalLM"]),
    "bloom": dict(seq_length=64),
}


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


if __name__ == "__main__":
    main()
