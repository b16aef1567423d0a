#!/usr/bin/env python3
"""Write small adapters: GGUF, and folders of PEFT.

usage: mkadapter.py types    pairs of files in this folder, TYPE.gguf and TYPE-f32.gguf, that hold the
                             same numbers for the model of `mkgguf.py q8_0`

As a module it is what badadapter.py breaks and mkseeds.py has seeds of. Standard library only.
"""
import json
import os
import struct
import sys

from mkfolder import safetensors
from mkgguf import F32, Gguf, STRING, matrix, scalar

# Inputs and outputs of the matrices of mkgguf.bare().
BARE = {'attn_q': (8, 8), 'attn_k': (8, 4), 'attn_v': (8, 4), 'attn_output': (8, 8), 'ffn_gate': (8, 16), 'ffn_up': (8, 16), 'ffn_down': (16, 8)}
MODULES = {'attn_q': 'self_attn.q_proj', 'attn_k': 'self_attn.k_proj', 'attn_v': 'self_attn.v_proj', 'attn_output': 'self_attn.o_proj',
           'ffn_gate': 'mlp.gate_proj', 'ffn_up': 'mlp.up_proj', 'ffn_down': 'mlp.down_proj'}


def gguf(arch='llama', alpha=3.0):
    g = Gguf()
    for key, value in ('general.type', 'adapter'), ('general.architecture', arch), ('adapter.type', 'lora'):
        g.set(key, scalar(STRING, value))
    return g.set('adapter.lora.alpha', scalar(F32, alpha))


def add(g, name, cols, rows, rank=2, kind=0, experts=()):
    """A pair of matrices for tensor `name`."""
    n = experts[0] if experts else 1
    g.tensors.append([name + '.lora_a', [cols, rank, *experts], kind, matrix(kind, cols * rank * n, len(g.tensors) + 50), None])
    g.tensors.append([name + '.lora_b', [rank, rows, *experts], kind, matrix(kind, rank * rows * n, len(g.tensors) + 50), None])
    return g


def bare(names=BARE, **how):
    """For mkgguf.bare()."""
    g = gguf()
    for name in names:
        add(g, 'blk.0.%s.weight' % name, *BARE[name], **how)
    return g


def embeddings():
    """The same with its embedding and its output matrix."""
    g = bare(['attn_q'])
    g.tensors.append(['token_embd.weight.lora_a', [2, 6], 0, matrix(0, 12, 3), None])
    g.tensors.append(['token_embd.weight.lora_b', [2, 8], 0, matrix(0, 16, 4), None])
    return add(g, 'output.weight', 8, 6)


def experts():
    """For mkgguf.experts()."""
    g = gguf('qwen3moe')
    for name, cols, rows, n in ('ffn_gate_exps', 8, 4, (3,)), ('ffn_up_exps', 8, 4, (3,)), ('ffn_down_exps', 4, 8, (3,)), ('ffn_gate_inp', 8, 3, ()), \
            ('ffn_up_shexp', 8, 5, ()), ('ffn_gate_inp_shexp', 8, 1, ()):
        add(g, 'blk.1.%s.weight' % name, cols, rows, experts=n)
    return g


def fused():
    """For mkgguf.fused()."""
    return add(add(gguf('gpt2'), 'blk.0.attn_qkv.weight', 8, 16), 'blk.0.ffn_up.weight', 8, 16)


def config(**more):
    return {'peft_type': 'LORA', 'r': 2, 'lora_alpha': 3, 'bias': 'none', 'target_modules': list(BARE), **more}


def tensors(names=BARE, rank=2):
    """Of a folder, for mkgguf.bare(): (name, dtype, shape, bytes)."""
    out = []
    for i, name in enumerate(names):
        cols, rows = BARE[name]
        stem = 'base_model.model.model.layers.0.' + MODULES[name]
        out.append((stem + '.lora_A.weight', 'F32', [rank, cols], matrix(0, rank * cols, 2 * i + 7)))
        out.append((stem + '.lora_B.weight', 'F32', [rows, rank], matrix(0, rank * rows, 2 * i + 8)))
    return out


def embedding_tensors():
    return [('base_model.model.model.embed_tokens.lora_embedding_A', 'F32', [2, 6], matrix(0, 12, 3)),
            ('base_model.model.model.embed_tokens.lora_embedding_B', 'F32', [8, 2], matrix(0, 16, 4)),
            ('base_model.model.model.embed_tokens.base_layer.weight', 'F32', [6, 8], matrix(0, 48, 5))]


def expert_tensors(rank=2, n=3):
    """For mkgguf.experts()."""
    out = []
    for i, (name, cols, rows) in enumerate((('experts.base_layer', 8, 8), ('experts', 4, 8))):
        stem = 'base_model.model.model.layers.1.mlp.' + name
        out.append((stem + '.lora_A.weight', 'F32', [n * rank, cols], matrix(0, n * rank * cols, i + 1)))
        out.append((stem + '.lora_B.weight', 'F32', [rows, n * rank], matrix(0, n * rank * rows, i + 2)))
    return out


def folder(path, config, tensors):
    os.makedirs(path, exist_ok=True)
    with open(os.path.join(path, 'adapter_config.json'), 'wb') as f:
        f.write(config if isinstance(config, bytes) else json.dumps(config).encode())
    with open(os.path.join(path, 'adapter_model.safetensors'), 'wb') as f:
        f.write(tensors if isinstance(tensors, bytes) else safetensors(tensors))


def floats(kind, data):
    """float32s of the same values."""
    if kind == 1:
        return struct.pack('<%df' % (len(data) // 2), *struct.unpack('<%de' % (len(data) // 2), data))
    if kind == 30:
        return b''.join(b'\0\0' + data[i:i + 2] for i in range(0, len(data), 2))
    out = b''
    for i in range(0, len(data), 34):
        d, *q = struct.unpack('<e32b', data[i:i + 34])
        out += struct.pack('<32f', *(d * x for x in q))
    return out


def types():
    for name, kind in ('f16', 1), ('bf16', 30), ('q8_0', 8):
        g = gguf()
        add(g, 'blk.0.attn_q.weight', 32, 32, 32, kind)
        add(g, 'blk.0.ffn_down.weight', 32, 32, 32, kind)
        g.tensors.append(['token_embd.weight.lora_a', [32, 6], kind, matrix(kind, 32 * 6, 3), None])
        g.tensors.append(['token_embd.weight.lora_b', [32, 32], kind, matrix(kind, 32 * 32, 4), None])
        with open(name + '.gguf', 'wb') as f:
            f.write(g.bytes())
        for t in g.tensors:
            t[2], t[3] = 0, floats(kind, t[3])
        with open(name + '-f32.gguf', 'wb') as f:
            f.write(g.bytes())


if __name__ == '__main__':
    if sys.argv[1:] != ['types']:
        sys.exit(__doc__)
    types()
