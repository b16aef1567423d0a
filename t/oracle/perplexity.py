#!/usr/bin/env python3
"""Perplexity of a long text beside transformers in single precision, on the dequantized weights of a GGUF file.

usage: perplexity.py MODEL.gguf TEXT [WINDOWS]

Windows of 512 tokens; of each the second half counts, as llama-perplexity of llama.cpp does it and the recipe of
llmutils(7). Ours runs on the same weights, dequantized into a GGUF file of F32, with -k f32: the two must agree
within 0.05 %. Then on the file itself, whose weights in blocks meet inputs of 8 bits: how far that is off is
printed, beside what llama-perplexity says of it where that is on PATH. Needs torch, transformers and gguf, and
takes its time: some seconds a window.
"""
import math
import os
import subprocess
import sys
import tempfile

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM

N = 512


def dequantized(path, out):
    """The same file with weights of F32."""
    r, w = gguf.GGUFReader(path), gguf.GGUFWriter(out, gguf.GGUFReader(path).fields['general.architecture'].contents())
    for f in r.fields.values():
        if f.name != 'general.architecture' and not f.name.startswith('GGUF.'):
            array = f.types[0] == gguf.GGUFValueType.ARRAY
            w.add_key_value(f.name, f.contents(), f.types[0], f.types[-1] if array else None)
    for t in r.tensors:
        w.add_tensor(t.name, gguf.dequantize(t.data, t.tensor_type).astype(np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def ours(model, windows, *options):
    """Sums of the second halves' log-probabilities."""
    with tempfile.TemporaryFile() as lines:  # a pipe would fill up while the answers wait to be read
        lines.write('\n\n'.join(' '.join(map(str, w)) for w in windows).encode() + b'\n')
        lines.seek(0)
        fwd = subprocess.Popen(['llm-fwd', '-1a', *options, model], stdin=lines, stdout=subprocess.PIPE)
    score = subprocess.Popen(['llm-sample', '-qS'], stdin=fwd.stdout, stdout=subprocess.PIPE)
    fwd.stdout.close()
    notes = [[float(t.split(b'/')[1]) for t in line.split()[N // 2 + 1:]] for line in score.stdout if line.strip()]
    return [math.fsum(n) for n in notes]


def theirs(path, windows):
    where, name = os.path.split(os.path.abspath(path))
    model = AutoModelForCausalLM.from_pretrained(where, gguf_file=name, dtype=torch.float32).eval()
    for w in windows:
        ids = torch.tensor([w])
        with torch.no_grad():
            logp = torch.log_softmax(model(ids).logits[0].double(), -1)
        yield logp[N // 2:N - 1].gather(1, ids[0, N // 2 + 1:, None]).sum().item()


def perplexity(sums):
    return math.exp(-math.fsum(sums) / (len(sums) * (N // 2 - 1)))


def main():
    path, text = sys.argv[1:3]
    with open(text, 'rb') as f:
        ids = list(map(int, subprocess.run(['llm-tok', '-qz', path], stdin=f, stdout=subprocess.PIPE, check=True).stdout.split()))
    windows = [ids[i:i + N] for i in range(0, len(ids) // N * N, N)][:int(sys.argv[3]) if len(sys.argv) > 3 else None]
    with tempfile.TemporaryDirectory() as folder:
        dequantized(path, folder + '/f32.gguf')
        exact = perplexity(ours(folder + '/f32.gguf', windows, '-k', 'f32'))
    as_is = perplexity(ours(path, windows))
    want = perplexity(list(theirs(path, windows)))
    print('%d windows of %d tokens' % (len(windows), N))
    for name, got in ('transformers, F32', want), ('llm-fwd, F32', exact), ('llm-fwd, the file', as_is):
        print('%-18s %.5f %+.4f %%' % (name, got, 100 * (got / want - 1)))
    sys.exit(abs(exact / want - 1) > 0.0005)


main()
