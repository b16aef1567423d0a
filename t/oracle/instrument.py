#!/usr/bin/env python3
"""Make the fixture of t/instrument.bats: a small random model, and what transformers says inside it.

usage: instrument.py [DIR]

Needs torch and transformers. DIR (t/fixtures/instrument) gets a Hugging Face folder with 4 layers in
float16, and files of float32 rows, each computed with hooks in float32: what the recipes of llmutils(7)
must give for the same tokens (PROMPTS below). With them `make test` needs none of that.

	hidden-N.f32	states behind N layers, a row for each token of the prompt
	lens-N.f32	what the output matrix says to these
	embed.f32	states behind the last norm
	steered.f32	logits where BY times (A - B), the last states behind LAYER layers of two other
			prompts, is added behind them to each state
	guided.f32	logits of UNCOND + BY (COND - UNCOND), after each of the tokens that follow both
"""
import os
import sys

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPTS = {
    "prompt": [1, 17, 60, 5, 44, 44, 9, 71, 23, 8, 90, 31, 12],
    "a": [1, 40, 41, 42, 7],
    "b": [1, 40, 41, 42, 88],
    "conditioned": [1, 33, 65, 20, 4, 4, 51],
    "unconditioned": [1, 33, 65],
    "follow": [77, 3, 19, 62, 28],
}
LAYER, STEER_BY, GUIDE_BY = 2, 0.7, 2.5


def model_of(seed):
    torch.manual_seed(seed)
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0))
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape)
        p.data = (0.3 * noise + 1 if "norm" in name else noise * (0.5 if "embed" in name else 1.4 / p.shape[-1] ** 0.5))
        p.data = p.data.half().float()
    return model.eval()


def states(model, ids):
    """Behind each layer: n x width."""
    got = []
    hooks = [y.register_forward_hook(lambda m, i, o: got.append((o[0] if isinstance(o, tuple) else o)[-len(ids):]))
             for y in model.model.layers]
    logits = model(torch.tensor([ids])).logits[0]
    for h in hooks:
        h.remove()
    return [g.reshape(len(ids), -1) for g in got], logits


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else HERE + "/../fixtures/instrument"
    os.makedirs(out, exist_ok=True)
    torch.set_grad_enabled(False)
    model = model_of(4)
    save = lambda name, x: np.asarray(x, "<f4").tofile("%s/%s.f32" % (out, name))
    for name, ids in PROMPTS.items():
        with open("%s/%s.ids" % (out, name), "w") as f:
            print(*ids, file=f)
    prompt = PROMPTS["prompt"]
    behind, logits = states(model, prompt)
    for n, x in enumerate(behind, 1):
        save("hidden-%d" % n, x)
        save("lens-%d" % n, model.lm_head(model.model.norm(x)))
    save("embed", model.model.norm(behind[-1]))

    last = {k: states(model, PROMPTS[k])[0][LAYER - 1][-1] for k in "ab"}
    plus = STEER_BY * (last["a"] - last["b"])
    hook = model.model.layers[LAYER - 1].register_forward_hook(
        lambda m, i, o: (o[0] + plus, *o[1:]) if isinstance(o, tuple) else o + plus)
    save("steered", model(torch.tensor([prompt])).logits[0])
    hook.remove()

    c, u = (model(torch.tensor([PROMPTS[k] + PROMPTS["follow"]])).logits[0][-len(PROMPTS["follow"]) - 1:]
            for k in ("conditioned", "unconditioned"))
    save("guided", u + GUIDE_BY * (c - u))
    assert (model(torch.tensor([prompt])).logits[0] == logits).all()
    model.half().save_pretrained(out)
    os.path.exists(out + "/generation_config.json") and os.remove(out + "/generation_config.json")


main()
