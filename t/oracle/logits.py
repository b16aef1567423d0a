#!/usr/bin/env python3
"""Compare llm-fwd's logits with transformers' in float32 on the same (dequantized) weights.

usage: logits.py MODEL.gguf [TOKENS]

Needs torch, transformers and gguf; llm-fwd and llm-tok from $BIN or ../../bin. Prints
the largest difference of a logit, the mean KL divergence and how often the likeliest
token is the same, over the first TOKENS (192) tokens of a piece of prose.
"""
import os, subprocess, sys
import numpy as np, torch
from transformers import AutoModelForCausalLM

# Lewis Carroll, Alice's Adventures in Wonderland, 1865 (public domain)
PROSE = """Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: \
once or twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, \
"and what is the use of a book," thought Alice "without pictures or conversations?" So she was considering in her \
own mind (as well as she could, for the hot day made her feel very sleepy and stupid), whether the pleasure of making \
a daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a White Rabbit with pink \
eyes ran close by her. There was nothing so very remarkable in that; nor did Alice think it so very much out of the way \
to hear the Rabbit say to itself, "Oh dear! Oh dear! I shall be late!" (when she thought it over afterwards, it occurred \
to her that she ought to have wondered at this, but at the time it all seemed quite natural); but when the Rabbit \
actually took a watch out of its waistcoat-pocket, and looked at it, and then hurried on, Alice started to her feet, for \
it flashed across her mind that she had never before seen a rabbit with either a waistcoat-pocket, or a watch to take \
out of it, and burning with curiosity, she ran across the field after it, and fortunately was just in time to see it pop \
down a large rabbit-hole under the hedge."""

def ours(path, ids, bin):
    out = subprocess.run([bin + '/llm-fwd', '-1', '-a', path], input=' '.join(map(str, ids)).encode() + b'\n',
                         stdout=subprocess.PIPE, check=True).stdout
    head, body = out.split(b'\n\n', 1)
    width = int(head.split(b'rows logits f32le ')[1].split()[0])
    return np.frombuffer(body, '<f4').reshape(len(ids), width + 4)[:, 4:].astype(np.float64)

def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))

def main():
    path, n = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 192
    bin = os.environ.get('BIN', os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../bin'))
    ids = list(map(int, subprocess.run([bin + '/llm-tok', '-q', path], input=PROSE.encode(), stdout=subprocess.PIPE,
                                       check=True).stdout.split()))[:n]
    torch.set_grad_enabled(False)
    model = AutoModelForCausalLM.from_pretrained(os.path.dirname(path), gguf_file=os.path.basename(path),
                                                 dtype=torch.float32).eval()
    ref = model(torch.tensor([ids])).logits[0].double().numpy()
    got = ours(path, ids, bin)
    p, q = log_softmax(ref), log_softmax(got)
    kl = (np.exp(p) * (p - q)).sum(-1)
    print('%d tokens: max |difference| %.2e, mean KL %.2e, same top token %.1f %%' % (
        len(ids), np.abs(ref - got).max(), kl.mean(), 100 * (ref.argmax(-1) == got.argmax(-1)).mean()))

main()
