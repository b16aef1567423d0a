#!/usr/bin/env python3
"""Make the fixtures of t/folder.bats: configurations, names of tensors, and what transformers computes.

usage: folder.py [-o DIR] [NAME...]

Needs torch and transformers. Writes DIR/NAME/config.json and DIR/NAME/tensors as transformers
saves them, and DIR/NAME/logits.f32: float32 logits after each of DIR/ids, of the model that
transformers loads from the folder that t/lib/mkfolder.py makes of these. The folder in the
spelling of transformers 4 must give it the same.
"""
import json
import os
import struct
import sys
import tempfile
from pathlib import Path

import torch
import transformers as tf

from models import FOLDERS, MODELS, SHORT, VOCAB, config_of, model_class

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import mkfolder

N_IDS = 40


def saved(folder):
    """Lines of `tensors` of what save_pretrained() wrote."""
    with open(folder / "model.safetensors", "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    head.pop("__metadata__", None)
    return [" ".join(map(str, [name, "F32", *t["shape"]])) for name, t in head.items()]


def packed(lines):
    """Experts of gpt-oss as its own files have them: inputs run fastest, 32 to a block."""
    out = []
    for line in lines:
        name, dtype, *dims = line.split()
        if name.endswith(("gate_up_proj", "down_proj")):
            n, cols, rows = map(int, dims)
            out += [f"{name}_blocks U8 {n} {rows} {cols // 32} 16", f"{name}_scales U8 {n} {rows} {cols // 32}"]
        else:
            out.append(line)
    return out


def logits(folder, ids, edge):
    options = dict(dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    model, info = tf.AutoModelForCausalLM.from_pretrained(folder, **options)
    for what in "missing_keys", "unexpected_keys", "mismatched_keys":
        if info[what]:
            raise ValueError(f"{what}: {info[what]}")
    with torch.no_grad():
        rows = model.eval()(torch.tensor([ids])).logits[0]
        if edge:  # the first tokens as they are before the context is a long one
            rows[:edge] = model(torch.tensor([ids[:edge]])).logits[0]
    return rows.float()


def make(name, folder):
    kind, more = {**MODELS, **FOLDERS}[name]
    fixture = folder / name
    fixture.mkdir(exist_ok=True)
    torch.manual_seed(0)
    model = model_class(kind)(config_of(kind, more)).float()
    with tempfile.TemporaryDirectory() as tmp:
        model.save_pretrained(tmp)
        config = json.load(open(tmp + "/config.json"))
        lines = saved(Path(tmp))
    if name.endswith("-fused"):  # as the model has them in memory, and some have saved them
        lines = [" ".join(map(str, [n, "F32", *p.shape])) for n, p in model.named_parameters()]
    if name.endswith("-mxfp4"):
        config["quantization_config"] = dict(quant_method="mxfp4")
        lines = packed(lines)
    for key in "transformers_version", "use_cache", "initializer_range", "attention_dropout":
        config.pop(key, None)
    (fixture / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (fixture / "tensors").write_text("\n".join(lines) + "\n")
    ids = list(map(int, (folder / "ids").read_text().split()))
    rows = []
    for spelling in "", "old":
        with tempfile.TemporaryDirectory() as tmp:
            mkfolder.make(str(fixture), tmp, "F32", 1, spelling)
            rows.append(logits(tmp, ids, SHORT if "longrope" in json.dumps(config) else 0))
    apart = (rows[0] - rows[1]).abs().max()
    rows[0].numpy().astype("<f4").tofile(fixture / "logits.f32")
    print(f"{name}: {len(lines)} tensors, logits' deviation {rows[0].std():.2f}, old spelling {apart:.1e} off", flush=True)


def main():
    args = sys.argv[1:]
    folder = Path(__file__).resolve().parent.parent / "fixtures/folder"
    if args[:1] == ["-o"]:
        folder, args = Path(args[1]), args[2:]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ids").write_text(" ".join(str((7 * i * i + 13 * i + 3) % VOCAB) for i in range(N_IDS)) + "\n")
    torch.set_num_threads(1)
    tf.logging.set_verbosity_error()
    failed = 0
    for name in args or {**MODELS, **FOLDERS}:
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
