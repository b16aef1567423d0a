#!/usr/bin/env python3
"""Make Hugging Face folders from the fixtures of t/folder.bats.

usage: mkfolder.py FIXTURE DIR [DTYPE [SHARDS]] [old]
       mkfolder.py FIXTURES . [DTYPE [SHARDS]] [old]        a folder of each name

A fixture holds config.json and `tensors`, a line "NAME DTYPE DIM..." for each. The weights
are made up from the names, such that F32, F16 and BF16 hold the very same numbers: 8 bits
and a power of two. t/oracle/folder.py computes with the same ones what transformers says.
`old` spells config.json and some names as transformers 4 does.
"""
import json
import math
import os
import random
import struct
import sys

SIZE = {'F32': 4, 'F16': 2, 'BF16': 2, 'U8': 1}


def encode(x, dtype):
    if dtype == 'F16':
        return struct.pack('<e', x)
    return struct.pack('<f', x)[2 if dtype == 'BF16' else 0:]


def value(name, shape, model_type, m):
    """The number for m in -128..127."""
    last = name.rsplit('.', 1)[-1]
    if 'sinks' in name or last.endswith('bias'):
        return m / 256
    if 'norm' in name or 'ln_' in name:
        return m // 2 / 128 + (0 if model_type.startswith('gemma') else 1)
    if 'embed' in name or 'wte' in name or 'wpe' in name:
        return m / 128
    return m / 128 * 2.0 ** round(math.log2(2.4 / math.sqrt(min(shape[-2:]))))


def data(name, dtype, shape, model_type):
    """The bytes of a tensor."""
    n = math.prod(shape)
    noise = random.Random(name).getrandbits(8 * n).to_bytes(n, 'little')
    if name.endswith('_scales'):
        return bytes(124 + b % 4 for b in noise)
    if dtype == 'U8':
        return noise
    of = [encode(value(name, shape, model_type, b - 128), dtype) for b in range(256)]
    return b''.join(of[b] for b in noise)


def safetensors(tensors, pad=0):
    """tensors: (name, dtype, shape, bytes). pad: blanks behind the header."""
    head, at = {}, 0
    for name, dtype, shape, body in tensors:
        head[name] = dict(dtype=dtype, shape=shape, data_offsets=[at, at + len(body)])
        at += len(body)
    text = json.dumps(head).encode() + b' ' * pad
    return struct.pack('<Q', len(text)) + text + b''.join(t[3] for t in tensors)


def old(config):
    """As transformers 4 wrote it."""
    c = dict(config)
    rope = c.pop('rope_parameters', None) or {}
    full, sliding = rope.get('full_attention', rope), rope.get('sliding_attention')
    if 'rope_theta' in full:
        c['rotary_emb_base' if c['model_type'] == 'gpt_neox' else 'rope_theta'] = full['rope_theta']
    if sliding and c['model_type'].startswith('gemma3'):
        c['rope_local_base_freq'] = sliding['rope_theta']
    if 'partial_rotary_factor' in full:
        c['rotary_pct' if c['model_type'] == 'gpt_neox' else 'partial_rotary_factor'] = full['partial_rotary_factor']
    if full.get('rope_type', 'default') != 'default':
        c['rope_scaling'] = {k: v for k, v in full.items() if k not in ('rope_theta', 'rope_type', 'partial_rotary_factor')}
        c['rope_scaling']['rope_type' if sliding else 'type'] = full['rope_type']
    for key in 'layer_types', 'no_rope_layers':
        c.pop(key, None)
    if '_sliding_window_pattern' in c:
        c['sliding_window_pattern'] = c.pop('_sliding_window_pattern')
    if c['model_type'] == 'qwen3_moe':
        c['num_experts'] = c.pop('num_local_experts')
    c['torch_dtype'] = c.pop('dtype', None)
    return c


def old_name(name, model_type):
    return name.removeprefix('transformer.') if model_type in ('gpt2', 'bloom') else name


def read(fixture):
    config = json.load(open(os.path.join(fixture, 'config.json')))
    lines = [line.split() for line in open(os.path.join(fixture, 'tensors'))]
    return config, [(name, dtype, [int(d) for d in dims]) for name, dtype, *dims in lines]


def make(fixture, out, dtype='F32', shards=1, spelling=''):
    config, tensors = read(fixture)
    kind = config['model_type']
    made = [(name, t if t == 'U8' else dtype, dims, data(name, t if t == 'U8' else dtype, dims, kind)) for name, t, dims in tensors]
    if spelling == 'old':
        config = old(config)
        made = [(old_name(name, kind), *rest) for name, *rest in made]
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, 'config.json'), 'w') as f:
        json.dump(config, f)
    if shards == 1:
        with open(os.path.join(out, 'model.safetensors'), 'wb') as f: # unaligned, where the header is
            f.write(safetensors(made, 3))
        return
    names = ['model-%05d-of-%05d.safetensors' % (i + 1, shards) for i in range(shards)]
    for i, name in enumerate(names):
        with open(os.path.join(out, name), 'wb') as f:
            f.write(safetensors(made[i::shards]))
    index = {t[0]: names[i % shards] for i, t in enumerate(made)}
    with open(os.path.join(out, 'model.safetensors.index.json'), 'w') as f:
        json.dump(dict(metadata=dict(total_size=1), weight_map=index), f)


def main():
    fixture, out, *rest = sys.argv[1:]
    spelling = 'old' if 'old' in rest else ''
    rest = [r for r in rest if r != 'old']
    dtype, shards = rest[0] if rest else 'F32', int(rest[1]) if len(rest) > 1 else 1
    if out != '.':
        return make(fixture, out, dtype, shards, spelling)
    for name in os.listdir(fixture):
        if os.path.isdir(os.path.join(fixture, name)):
            make(os.path.join(fixture, name), name, dtype, shards, spelling)


if __name__ == '__main__':
    main()
