#!/usr/bin/env python3
"""Feed broken adapters to llm-fwd -L; print what went wrong. See badinput.py.

usage: badadapter.py GROUP    in an empty folder, with the programs in $PATH
"""
import json
import os
import random
import struct
import sys

import badinput
import mkadapter
import mkgguf
from badinput import HUGE, case
from mkgguf import ARRAY, F32, STRING, U32, array, scalar

count = 0


def with_adapter(name, adapter, words=(), status=1, base='bare.gguf', names_it=True):
    argv = badinput.ALONE['llm-fwd'] + ['-L', adapter, base]
    case(name, argv, badinput.INPUT['llm-fwd'], status, (adapter, *words) if status and names_it else words if status else (), b'' if status else bool)


def gguf_case(name, data, words=(), status=1, base='bare.gguf'):
    global count
    count += 1
    with_adapter(name, badinput.file('%03d.gguf' % count, data if isinstance(data, bytes) else data.bytes()), words, status, base)


def folder_case(name, config, tensors, words=(), status=1, base='bare.gguf'):
    global count
    count += 1
    path = '%03d.dir' % count
    mkadapter.folder(path, config, tensors)
    with_adapter(name, path, words, status, base)


def bases():
    badinput.file('bare.gguf', mkgguf.bare().bytes())
    badinput.file('tied.gguf', mkgguf.bare(tied=True).bytes())
    badinput.file('experts.gguf', mkgguf.experts().bytes())
    badinput.file('fused.gguf', mkgguf.fused().bytes())


def good():
    bases()
    gguf_case('bare', mkadapter.bare(), status=0)
    gguf_case('half of them', mkadapter.bare(['attn_k', 'ffn_down']), status=0)
    gguf_case('f16', mkadapter.bare(kind=1), status=0)
    gguf_case('bf16', mkadapter.bare(kind=30), status=0)
    gguf_case('wider than the matrix', mkadapter.bare(rank=40), status=0)
    for base in 'bare.gguf', 'tied.gguf':
        gguf_case('embeddings', mkadapter.embeddings(), status=0, base=base)
    gguf_case('experts', mkadapter.experts(), status=0, base='experts.gguf')
    gguf_case('fused', mkadapter.fused(), status=0, base='fused.gguf')
    gguf_case('no alpha', mkadapter.bare().set('adapter.lora.alpha', None), status=0)
    gguf_case('alpha 0', mkadapter.bare().set('adapter.lora.alpha', scalar(F32, 0.0)), status=0)
    folder_case('bare', mkadapter.config(), mkadapter.tensors(), status=0)
    folder_case('embeddings', mkadapter.config(), mkadapter.embedding_tensors(), status=0)
    for more in dict(r=2.0), dict(lora_alpha=3.5), dict(lora_alpha=None), dict(use_rslora=True), dict(use_rslora=None), dict(rank_pattern={}), dict(alpha_pattern=None), \
            dict(alpha_pattern={'q_proj': 5, '.*mlp.*': 0.5}), dict(rank_pattern={'x': 9, 'nothing.*': 1}), dict(init_lora_weights=True), \
            dict(init_lora_weights='gaussian'), dict(modules_to_save=[]), dict(unheard_of=None), dict(unheard_of=False), dict(auto_mapping={'a': 1}), \
            dict(target_modules='all-linear'), dict(target_parameters=['x', 5, None, '']), dict(fan_in_fan_out=True), dict(alpha_pattern={'(a|q_proj)': 1}), dict(alpha_pattern={'': 5}):
        folder_case('config %r' % more, mkadapter.config(**more), mkadapter.tensors(), status=0)
    folder_case('experts', mkadapter.config(target_parameters=['gate_up_proj', 'down_proj']), mkadapter.expert_tensors(), status=0, base='experts.gguf')
    folder_case('experts: one', mkadapter.config(target_parameters=['experts.down_proj']), mkadapter.expert_tensors()[2:], status=0, base='experts.gguf')
    folder_case('another rank by pattern', mkadapter.config(r=9, rank_pattern={r'.*layers\.\d+.*': 2}), mkadapter.tensors(), status=0)


def gguf():
    bases()
    g = mkadapter.bare(['attn_q', 'ffn_up'])
    data = g.bytes()
    for n in sorted({*g.fields[1:], *range(1, len(data), 30), len(data) - 1}):
        gguf_case('cut at %d' % n, data[:n])
    for key, value in ('general.type', None), ('general.type', scalar(STRING, 'model')), ('general.type', scalar(STRING, '')), \
            ('general.type', scalar(STRING, 'adapter\n')), ('general.type', scalar(STRING, 'x' * 1000)), ('general.type', scalar(U32, 1)), ('adapter.type', None), \
            ('adapter.type', scalar(STRING, 'control_vector')), ('adapter.type', array(STRING, ['lora'])), ('general.architecture', None), \
            ('general.architecture', scalar(STRING, 'gpt2')), ('general.architecture', scalar(STRING, 'llam')), ('general.architecture', scalar(STRING, '\0')), \
            ('adapter.lora.alpha', scalar(F32, float('nan'))), ('adapter.lora.alpha', scalar(F32, float('inf'))), ('adapter.lora.alpha', scalar(STRING, '1')), \
            ('adapter.lora.alpha', scalar(U32, 1)), ('adapter.alora.invocation_tokens', array(U32, [1])):
        gguf_case('%s %r' % (key, str(value)[:40]), mkadapter.bare().set(key, value), (key.split('.')[-1] if key != 'general.architecture' else 'architecture',))
    for name in 'blk.0.attn_q.weight', 'blk.0.attn_q.weight.lora_c', '.lora_a', 'lora_a', '.lora_b', 'blk.0.attn_norm.weight', 'blk.0.attn_q.lora_a.weight', 'x' * 64:
        g = mkadapter.bare(['attn_k'])
        g.tensors.append([name, [8], 0, b'\0' * 32, None])
        gguf_case('tensor ' + name, g)
    for name in 'attn_q', 'blk.1.attn_q.weight', 'blk.0.attn_q.bias', 'blk.00.attn_q.weight', 'blk.0.attn_norm.weight', 'blk.0.ffn_gate_inp.weight', \
            'blk.0.ffn_up_exps.weight', 'blk.0.ffn_up.0.weight', 'output_norm.weight', 'position_embd.weight', 'rope_freqs.weight', 'blk.0.attn_sinks.weight', \
            'blk.4294967296.attn_q.weight', 'blk.0.attn_q_norm.weight', '':
        gguf_case('for ' + name, mkadapter.add(mkadapter.bare(['attn_k']), name, 8, 8))
        gguf_case('a vector for ' + name, mkadapter.add(mkadapter.bare(['attn_k']), name, 8, 1, 1))
    for i in range(4):
        g = mkadapter.bare(['attn_q', 'ffn_up'])
        del g.tensors[i]
        gguf_case('without half %d' % i, g, ('half',))
    gguf_case('none', mkadapter.gguf(), ('without',))
    for cols, rows, words in (7, 8, ()), (8, 7, ()), (8, 9, ()), (16, 8, ()), (8, 16, ()), (1, 1, ()), (9, 8, ()), (8, 2**20, ()):
        gguf_case('%d x %d' % (cols, rows), mkadapter.add(mkadapter.gguf(), 'blk.0.attn_q.weight', cols, rows), ('blk.0.attn_q.weight', '8 x 8'))
    for a, b in ([8, 2], [3, 8]), ([2, 8], [2, 8]), ([8, 2], [8, 2]), ([16], [2, 8]), ([8, 2], [16]), ([8, 2, 2], [2, 8]), ([8, 2], [2, 8, 2]), ([8, 2, 2], [2, 8, 2]), \
            ([8, 2, 1, 2], [2, 8, 1, 2]), ([8, 2**62], [2**62, 8]), ([2**61, 2], [2, 8]), ([0, 2], [2, 8]), ([8, 0], [0, 8]):
        g = mkadapter.gguf()
        for end, dims in ('a', a), ('b', b):
            g.tensors.append(['blk.0.attn_q.weight.lora_' + end, dims, 0, b'\0' * 512, None])
        gguf_case('%r and %r' % (a, b), g)
    for big in HUGE:
        gguf_case('a rank of %d' % big, mkadapter.bare(['attn_q']).bytes().replace(struct.pack('<QQ', 8, 2), struct.pack('<QQ', 8, big)).replace(
            struct.pack('<QQ', 2, 8), struct.pack('<QQ', big, 8)))
    for kind in 4, 9, 15, 31, 41, 63, 64, 65, 66, 2**31, 2**32 - 1:
        for i in 0, 1:
            g = mkadapter.bare(['attn_q'])
            g.tensors[i][2] = kind
            gguf_case('type %d' % kind, g)
    for i in 0, 1:
        g = mkadapter.embeddings()
        g.tensors[2 + i][1].reverse()
        gguf_case('embeddings turned', g)
    for i, name in (2, 'token_embd'), (4, 'output'):
        g = mkadapter.embeddings()
        t = g.tensors[i + (i == 4)]
        t[1], t[3] = [2, 7], b'\0' * 56
        gguf_case('embeddings of another vocabulary', g, (name,))
    gguf_case('experts on one without', mkadapter.experts().set('general.architecture', scalar(STRING, 'llama')))
    gguf_case('another number of experts', mkadapter.add(mkadapter.gguf('qwen3moe'), 'blk.0.ffn_up_exps.weight', 8, 4, experts=(2,)), ('8 x 4 x 3',), base='experts.gguf')
    gguf_case('one expert too many', mkadapter.add(mkadapter.gguf('qwen3moe'), 'blk.0.ffn_up.3.weight', 8, 4), base='experts.gguf')
    gguf_case('a gate where there is none', mkadapter.add(mkadapter.gguf('gpt2'), 'blk.0.ffn_gate.weight', 8, 16), base='fused.gguf')
    gguf_case('both of gate and up where there is one', mkadapter.add(mkadapter.gguf('gpt2'), 'blk.0.ffn_up.weight', 8, 32), base='fused.gguf')
    gguf_case('apart and in one', mkadapter.add(mkadapter.add(mkadapter.gguf('gpt2'), 'blk.0.attn_qkv.weight', 8, 16), 'blk.0.attn_q.weight', 8, 8), base='fused.gguf')
    body = mkadapter.bare().bytes()
    for text in b'', b'GGUF', b'\0' * 100, body[4:], b'GGUF' + b'\0' * 50:
        gguf_case('text %r' % text[:9], text)


def configs():
    bases()
    right = mkadapter.config()

    def bad(name, config, words=(), tensors=None):
        folder_case(name, config, tensors or mkadapter.tensors(), words)

    for text in b'', b'\0', b'{', b'[]', b'5', b'"LORA"', b'{}', b'null', b'{"peft_type":5}', b'{"peft_type":null}', b'\xef\xbb\xbf{}', b'[' * 200, os.urandom(300), \
            b'{"peft_type":"LORA","peft_type":"LORA"}':
        bad('text %r' % text[:20], text)
    cut = json.dumps(right).encode()
    for n in range(1, len(cut), 9):
        bad('cut at %d' % n, cut[:n])
    for key in 'use_dora', 'lora_bias', 'use_qalora', 'ensure_weight_tying', 'use_bdlora', 'unheard_of':
        bad(key, {**right, key: True}, (key,))
    for key, v in ('modules_to_save', ['lm_head']), ('trainable_token_indices', [1]), ('trainable_token_indices', {'embed_tokens': [1]}), ('layer_replication', [[0, 1]]), \
            ('target_parameters', 5), ('target_parameters', 'x'), ('target_parameters', {'x': 1}), ('alora_invocation_tokens', [1]), ('bias', 'all'), ('bias', 'lora_only'), ('bias', True), ('bias', 5), \
            ('init_lora_weights', 'pissa'), ('init_lora_weights', 'pissa_niter_4'), ('init_lora_weights', 'olora'), ('init_lora_weights', 'loftq'), \
            ('init_lora_weights', 'corda'), ('init_lora_weights', 5), ('init_lora_weights', ['gaussian']), ('kasa_config', {'a': 1}), ('arrow_config', {'a': 1}), \
            ('peft_type', 'ADALORA'), ('peft_type', 'IA3'), ('peft_type', 'lora'), ('peft_type', ''), ('peft_type', 'x' * 500), ('peft_type', 'LORA\n'), ('a\n\033[1mb', 1), \
            ('x' * 500, 1), ('', 1):
        bad('%s %r' % (key[:20], v), {**right, key: v}, (key,) if key.isidentifier() and len(key) < 90 else ())
    for v in -1, 0, 1, 3, 2**24, 2**31, 2**53, 2**63, 1e300, 0.5, float('nan'), float('inf'), '2', [2], {}, True, 'x' * 500:
        bad('r %r' % (v,), {**right, 'r': v})
    for v in float('nan'), float('inf'), 1e300, '3', [3], {}, True:
        bad('lora_alpha %r' % (v,), {**right, 'lora_alpha': v})
    for v in 5, '1', [], {}:
        bad('use_rslora %r' % (v,), {**right, 'use_rslora': v})
    for key in 'rank_pattern', 'alpha_pattern':
        for v in 5, 'x', [1], True, {'q_proj': 'x'}, {'q_proj': [1]}, {'q_proj': {}}, {'q_proj': True}, {'q_proj': float('nan')}, {'(': 1}, {'[': 1}, {r'\1(a)': 1}, \
                {'(?x': 1}, {'*': 1}, {'a{9999}{9999}': 1}:
            bad('%s %r' % (key, v), {**right, key: v})
    for v in {'q_proj': 0}, {'q_proj': -1}, {'q_proj': 3}, {'.*': 1}, {'layers.0.self_attn.q_proj': 4}, {'^model.layers.0.mlp.*': 7}:
        bad('rank_pattern %r' % (v,), {**right, 'rank_pattern': v})
    slow = {'(a|a)*' * 20 + '%d' % i: 1 for i in range(30)}
    folder_case('slow patterns', {**right, 'alpha_pattern': slow}, mkadapter.tensors(), status=0)


def tensors():
    bases()
    right = mkadapter.tensors()
    body = mkadapter.safetensors(right)

    def bad(name, tensors, words=(), config=None):
        folder_case(name, config or mkadapter.config(), tensors, words)

    n = struct.unpack('<Q', body[:8])[0]
    for size in *range(1, 20), 8 + n - 1, 8 + n, len(body) - 1, *range(100, len(body), len(body) // 20):
        bad('cut at %d' % size, body[:size])
    bad('none', mkadapter.safetensors([]), ('without',))
    for i in range(len(right)):
        name, dtype, shape, data = right[i]

        def one(what, *tensor):
            bad('%s: %s' % (what, name[33:]), right[:i] + [tensor] * bool(tensor) + right[i + 1:])
        one('missing')
        one('turned', name, dtype, shape[::-1], data)
        one('flat', name, dtype, [len(data) // 4], data)
        one('deep', name, dtype, [*shape, 1], data)
        one('deeper', name, dtype, [1, *shape], data)
        one('half', name, dtype, [shape[0] // 2, shape[1]], data[:len(data) // 2])
        one('double', name, dtype, [shape[0] * 2, shape[1]], data * 2)
        one('empty', name, dtype, [0, shape[1]], b'')
        one('as F64', name, 'F64', [shape[0], shape[1] // 2], data)
        one('as I32', name, 'I32', shape, data)
        one('as U8', name, 'U8', [shape[0], shape[1] * 4], data)
        for other in name.replace('layers.0', 'layers.1'), name.replace('layers.0', 'layers.00'), name.replace('layers.0', 'layers.99999999999'), name.replace('_proj', ''), \
                name.replace('.weight', ''), name.replace('.weight', '.bias'), name.replace('lora_', 'lora.'), name.replace('.lora', '.default.lora'), name + 'x', 'x' * 300, '':
            one('called %s' % other[30:60], other, dtype, shape, data)
    for name in 'base_model.model.model.norm', 'base_model.model.model.layers.0.input_layernorm', 'base_model.model.model.layers.0.mlp.gate', 'base_model.model.', '', \
            'base_model.model.model.layers.0.self_attn.rotary_emb', 'base_model.model.model.layers.0.self_attn.qkv_proj':
        for rows in 8, 1:
            bad('for %s' % name, right + [(name + '.lora_A.weight', 'F32', [2, 8], b'\0' * 64), (name + '.lora_B.weight', 'F32', [rows, 2], b'\0' * 8 * rows)])
    for name, shape in ('base_model.model.model.norm.weight', [8]), ('base_model.model.model.embed_tokens.weight', [6, 8]), \
            ('base_model.model.model.embed_tokens.base_layer.weight', [7, 8]), ('base_model.model.model.embed_tokens.base_layer.weight', [8]), \
            ('base_model.model.x.base_layer.weight', [6, 8]), ('.base_layer.weight', [6, 8]), \
            ('base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector', [8]), ('base_model.model.model.layers.0.self_attn.q_proj.lora_B.bias', [8]):
        size = 4
        for d in shape:
            size *= d
        bad('beside it %s' % name, right + [(name, 'F32', shape, b'\0' * size)])
    x = mkadapter.expert_tensors()
    both = dict(target_parameters=['gate_up_proj', 'down_proj'])
    for rank in 1, 3, 4, 5, 6, 7, 2**20:
        folder_case('experts: rank %d' % rank, mkadapter.config(r=rank, **both), x, base='experts.gguf')
    folder_case('experts: on one without', mkadapter.config(**both), x)
    folder_case('experts: the inner one alone', mkadapter.config(target_parameters=['down_proj']), x, base='experts.gguf')
    folder_case('experts: the outer one first', mkadapter.config(target_parameters=['gate_up_proj']), x[2:], base='experts.gguf')
    folder_case('experts: the outer one as the inner one', mkadapter.config(**both), [(t[0].replace('.lora', '.base_layer.lora'), *t[1:]) for t in x[2:]], base='experts.gguf')
    for i in range(4):
        name, dtype, shape, data = x[i]
        for other, body in (shape[::-1], data), ([1, len(data) // 4], data), ([shape[0] * 2, shape[1]], data * 2), ([shape[0], shape[1] * 2], data * 2), ([shape[0], 1], data[:4 * shape[0]]):
            folder_case('experts: %s %r' % (name[30:], other), mkadapter.config(**both), x[:i] + [(name, dtype, other, body)] + x[i + 1:], base='experts.gguf')
    e = mkadapter.embedding_tensors()
    for i in 0, 1:
        bad('embedding: half', [e[i]])
        bad('embedding: turned', e[:i] + [(e[i][0], 'F32', e[i][2][::-1], e[i][3])] + e[i + 1:2])
    bad('embedding as a matrix', [(e[0][0].replace('lora_embedding_A', 'lora_A.weight'), *e[0][1:]), (e[1][0].replace('lora_embedding_B', 'lora_B.weight'), *e[1][1:])])
    bad('a matrix as an embedding', [(right[0][0].replace('lora_A.weight', 'lora_embedding_A'), *right[0][1:]), (right[1][0].replace('lora_B.weight', 'lora_embedding_B'), *right[1][1:])])
    bad('embedding of another vocabulary', [(e[0][0], 'F32', [2, 7], b'\0' * 56), e[1]])
    bad('the same by two names', right + [(t[0].replace('model.model.', 'model.'), *t[1:]) for t in right[:2]], ('two',))


def noise():
    """Bytes changed by chance: an error or an answer, no signal."""
    bases()
    r = random.Random(7)
    files = {'bare': mkadapter.bare(), 'embeddings': mkadapter.embeddings(), 'experts': mkadapter.experts(), 'fused': mkadapter.fused()}
    base = {'bare': 'bare.gguf', 'embeddings': 'tied.gguf', 'experts': 'experts.gguf', 'fused': 'fused.gguf'}

    def change(body, end, letters):
        body = bytearray(body)
        for _ in range(r.choice((1, 1, 2, 5))):
            body[r.randrange(end)] = r.choice(letters)
        return bytes(body)

    def add(path, base):
        badinput.CASES.append(('noise', ['sh', '-c', 'llm-fwd -1 -t 1 -L %s %s 2>&1; [ $? -le 1 ]' % (path, base)], b'1 2 3\n', 0, (), lambda out: True))

    for name, g in files.items():
        body = g.bytes()
        for i in range(80):
            add(badinput.file('%s%02d.gguf' % (name, i), change(body, g.fields[-1], bytes(range(256)))), base[name])
    config, tensors = json.dumps(mkadapter.config(alpha_pattern={'q_proj|k_.*': 4}, rank_pattern={'a[b]': 4})).encode(), mkadapter.safetensors(mkadapter.tensors())
    head = 8 + struct.unpack('<Q', tensors[:8])[0]
    letters = b'0123456789-.e,:[]{}" \\\0\xff' + bytes(r.randrange(256) for _ in range(9))
    for i in range(160):
        path = '%03d.dir' % i
        mkadapter.folder(path, change(config, len(config), letters) if i % 2 else config, tensors if i % 2 else change(tensors, head, letters))
        add(path, 'bare.gguf')


badinput.GROUPS = {'good': good, 'gguf': gguf, 'configs': configs, 'tensors': tensors, 'noise': noise}
if __name__ == '__main__':
    badinput.main()
