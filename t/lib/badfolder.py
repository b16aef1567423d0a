#!/usr/bin/env python3
"""Feed broken Hugging Face folders to llm-fwd; print what went wrong. See badinput.py.

usage: badfolder.py GROUP    in an empty folder, with the programs in $PATH
"""
import json
import os
import random
import struct
import sys

import badinput
from badinput import case
from mkfolder import data, safetensors

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../fixtures/folder')
count = 0


def fixture(name):
    lines = [line.split() for line in open(os.path.join(FIXTURES, name, 'tensors'))]
    return json.load(open(os.path.join(FIXTURES, name, 'config.json'))), [(n, t, [int(d) for d in dims]) for n, t, *dims in lines]


def weights(tensors, config, dtype='F16'):
    return [(n, t if t == 'U8' else dtype, d, data(n, t if t == 'U8' else dtype, d, config['model_type'])) for n, t, d in tensors]


def folder(name, files, words=(), status=1):
    """files: name to bytes, or None for none."""
    global count
    count += 1
    path = '%03d.dir' % count
    os.mkdir(path)
    for f, body in files.items():
        if body is not None:
            badinput.file(os.path.join(path, f), body if isinstance(body, bytes) else json.dumps(body).encode())
    case(name, badinput.ALONE['llm-fwd'] + [path], badinput.INPUT['llm-fwd'], status, (path, *words) if status else (),
         b'' if status else bool)


def llama():
    config, tensors = fixture('llama')
    return config, weights(tensors, config)


def good():
    for name in 'llama', 'gpt2', 'gpt-oss-mxfp4', 'phi3-long':
        config, tensors = fixture(name)
        folder(name, {'config.json': config, 'model.safetensors': safetensors(weights(tensors, config))}, status=0)
    config, w = llama()
    body = safetensors(w)
    for extra in dict(vocab_size=5), dict(torch_dtype='float16'), dict(head_dim=None), dict(eos_token_id=[1, 2]), dict(rope_parameters=None), \
            dict(quantization_config=None), dict(hidden_act='relu'), dict(max_position_embeddings=1 << 30):
        folder('config %r' % extra, {'config.json': {**config, **extra}, 'model.safetensors': body}, status=0)
    meta = [('__metadata__', {'format': 'pt'})]
    folder('metadata', {'config.json': config, 'model.safetensors': header(entries(w) + meta, w)}, status=0)
    buffers = [('model.layers.0.self_attn.rotary_emb.inv_freq', 'F32', [3], b'\0' * 12)]
    folder('what needs no place', {'config.json': config, 'model.safetensors': safetensors(w + buffers)}, status=0)


def entries(w):
    out, at = [], 0
    for name, dtype, shape, body in w:
        out.append((name, dict(dtype=dtype, shape=list(shape), data_offsets=[at, at + len(body)])))
        at += len(body)
    return out


def header(pairs, w, tail=b''):
    """A file of a header's (key, value) pairs, doubled ones too."""
    text = ('{' + ','.join('%s:%s' % (json.dumps(k), v if isinstance(v, str) else json.dumps(v)) for k, v in pairs) + '}').encode()
    return struct.pack('<Q', len(text)) + text + b''.join(t[3] for t in w) + tail


def tensors():
    config, w = llama()
    body = safetensors(w)

    def bad(name, data, words=()):
        folder(name, {'config.json': config, 'model.safetensors': data}, words)

    n = struct.unpack('<Q', body[:8])[0]
    for size in *range(1, 20), 8 + n - 1, 8 + n, 8 + n + 1, len(body) - 1, *range(100, len(body), len(body) // 60):
        bad('cut at %d' % size, body[:size])
    bad('more behind', body + b'\0')
    for big in 0, 1, n - 1, n + 1, len(body), len(body) - 7, 10**8, 10**8 + 1, *badinput.HUGE:
        bad('header of %d bytes' % big, struct.pack('<Q', big) + body[8:])
    bad('GGUF in it', b'GGUF' + body)
    for text in b'{}', b'[]', b'{', b'null', b'{"a":1}', b'{"a":{}}', b'{"a":[]}', b'{"__metadata__":{}}', b'\xff' * 9, b'[' * 100000, b'{"a":' * 1000:
        bad('header %r' % text[:20], struct.pack('<Q', len(text)) + text)

    def entry(name, change, words=(), more=()):
        e = entries(w)
        e[3] = (e[3][0], change(dict(e[3][1])))
        bad(name, header(e + list(more), w), words)

    old = entries(w)[3][1]
    begin, end = old['data_offsets']
    for dtype in 'F64', 'f16', 'I8', 'U8', 'BOOL', 'F8_E4M3', 'F4', 'I64', 'F32', 'X' * 200, '', None, 5, ['F16']:
        entry('dtype %r' % dtype, lambda e: {**e, 'dtype': dtype})
    a, b = old['shape']
    for shape in [], [a], [a, b + 1], [b, a], [a * b], [a, b, 1, 2], [0, b], [-a, -b], [a, b, 0], [a + .5, b], ['%d' % a, b], [[a, b]], [2**32, 2**32], \
            [2**63, 2], [2**62, 4], [1e308, 1e308], [a, b, 1, 1, 1], [1] * 9 + [a, b], [1] * 100000, a, None, {}, [None, a]:
        entry('shape %r' % (shape if not isinstance(shape, list) else shape[:9]), lambda e: {**e, 'shape': shape})
    for at in [], [begin], [begin, end, end], [end, begin], [begin - 2, end - 2], [begin + 2, end + 2], [begin, end + 2], [-2, end], [begin, 2**63], \
            [2**64 - 2, 2**64], [begin + .5, end + .5], [0, end - begin], ['0', '2'], [None, None], {}, None, [begin, begin], [1e400, 1e400]:
        entry('offsets %r' % (at,), lambda e: {**e, 'data_offsets': at})
    for key in 'dtype', 'shape', 'data_offsets':
        entry('no ' + key, lambda e: {k: v for k, v in e.items() if k != key})
    for v in 5, [], 'x', None, '{}', '{"dtype":"F16","dtype":"F16"}':
        entry('entry %r' % (v,), lambda e: v)
    entry('twice', lambda e: e, (), [entries(w)[0]])
    bad('a hole', body[:8 + n] + b'\0\0' + body[8 + n:])
    # names
    for name in 'model.layers.0.self_attn.w_proj.weight', 'model.layers.3.self_attn.q_proj.weight', 'model.layers.00.self_attn.q_proj.weight', \
            'model.layers.-1.self_attn.q_proj.weight', 'model.layers.99999999999.self_attn.q_proj.weight', 'model.layers.0.self_attn.q_proj.weights', '', 'x' * 5000, \
            'model.layers.0.self_attn.q_proj.bias', 'model.layers.0.mlp.experts.0.up_proj.weight', 'transformer.wpe.weight', 'model.norm.bias', 'vision_tower.x.weight', \
            'norm.weight', 'a\0b', '\u0434' * 50, 'model.layers.0.attn.c_attn.weight', 'blk.0.attn_q.weight', 'model.layers.0.self_attn.q_norm.weight':
        bad('one more: %r' % name[:30], safetensors(w + [(name, 'F16', [2, 2], b'\0' * 8)]))
    for i, t in enumerate(w):
        bad('without ' + t[0], safetensors(w[:i] + w[i + 1:]))
    for i, (name, dtype, shape, body) in enumerate(w):
        half = body[:len(body) // 2]
        bad('half of ' + name, safetensors(w[:i] + [(name, dtype, [shape[0] // 2, *shape[1:]] if shape[0] % 2 == 0 else [1], half if shape[0] % 2 == 0 else half[:2])] + w[i + 1:]))
    # gpt-oss's pairs
    config, t = fixture('gpt-oss-mxfp4')
    w = weights(t, config)
    at = [i for i, x in enumerate(w) if x[0].endswith(('_blocks', '_scales'))]
    for i in at:
        name, dtype, shape, body = w[i]
        bad('without ' + name, safetensors(w[:i] + w[i + 1:]))
        bad('as F16: ' + name, safetensors(w[:i] + [(name, 'F16', [*shape[:-1], shape[-1] // 2] if shape[-1] > 1 else shape, body)] + w[i + 1:]))
        bad('flat ' + name, safetensors(w[:i] + [(name, dtype, [len(body)], body)] + w[i + 1:]))
        bad('half of ' + name, safetensors(w[:i] + [(name, dtype, [shape[0], shape[1] // 2, *shape[2:]], body[:len(body) // 2])] + w[i + 1:]))


CONFIG_KEYS = ('hidden_size', 'num_hidden_layers', 'num_attention_heads', 'num_key_value_heads', 'intermediate_size', 'max_position_embeddings',
               'head_dim', 'rms_norm_eps', 'hidden_act')


def configs():
    config, w = llama()
    body = safetensors(w)

    def bad(name, c, words=(), weights=body):
        folder(name, {'config.json': c, 'model.safetensors': weights}, words)

    for text in b'', b'\0', b'{', b'[]', b'5', b'"llama"', b'{}', b'{"model_type":5}', b'{"model_type":null}', b'{"model_type":""}', b'\xef\xbb\xbf{}', b'[' * 200, os.urandom(300):
        bad('text %r' % text[:20], text)
    cut = json.dumps(config).encode()
    for n in range(1, len(cut), 25):
        bad('cut at %d' % n, cut[:n])
    for kind, words in ('deepseek_v3', ('latent attention',)), ('mamba2', ('state-space',)), ('qwen3_next', ('delta',)), ('bert', ('known: llama',)), \
            ('x' * 500, ('known: llama',)), ('LLAMA', ('known',)), ('llama\n', ('known',)), ('gpt2', ()), ('gemma3', ()), ('mixtral', ()), ('falcon', ()), \
            ('bloom', ()), ('mpt', ()), ('gpt_oss', ()), ('phi', ()), ('gptj', ()), ('granitemoehybrid', ('state-space',)):
        bad('type ' + kind[:20], {**config, 'model_type': kind}, words)
    for key in 'hidden_size', 'num_hidden_layers', 'num_attention_heads', 'max_position_embeddings':
        bad('no ' + key, {k: v for k, v in config.items() if k != key}, (key,))
    for key in CONFIG_KEYS:
        for v in -1, 0, 7, 2**24, 2**31, 2**53, 2**63, 1e300, -1e300, 0.5, float('nan'), float('inf'), '24', [24], {}, True, 'x' * 500:
            if key == 'max_position_embeddings' and v in (7, 2**24, True):
                continue
            if key == 'head_dim' and v in (0, 6) or key == 'rms_norm_eps' and v in (7, 0.5, 2**24, 2**31, 2**53, 2**63):
                continue
            bad('%s %r' % (key, v), {**config, key: v})
    for rope in 5, 'x', []:
        folder('rope %r' % (rope,), {'config.json': {**config, 'rope_parameters': rope}, 'model.safetensors': body}, status=0)
    full = dict(rope_type='yarn', factor=4.0, rope_theta=1e4, original_max_position_embeddings=32)
    for change in dict(rope_type='x'), dict(rope_type='proportional'), dict(rope_type='yarn\n'), dict(factor=0), dict(factor=-1), dict(factor='4'), dict(factor=float('nan')), \
            dict(rope_theta=0), dict(rope_theta=-1), dict(rope_theta=float('inf')), dict(original_max_position_embeddings=0), dict(original_max_position_embeddings=-1), \
            dict(original_max_position_embeddings=1e300), dict(attention_factor=-1), dict(beta_fast=-1), dict(partial_rotary_factor=1.5), dict(partial_rotary_factor=-1), \
            dict(partial_rotary_factor=0.6), dict(truncate=5), dict(rope_type='llama3', low_freq_factor=4, high_freq_factor=4), dict(rope_type='longrope'), \
            dict(rope_type='longrope', long_factor=[1, 1, 1]), dict(rope_type='longrope', long_factor=[1, 1, 1], short_factor=[1, 1]), \
            dict(rope_type='longrope', long_factor=[1, 1, 'x'], short_factor=[1, 1, 1]), dict(rope_type='longrope', long_factor=[1, 1, 0], short_factor=[1, 1, 1]), \
            dict(rope_type='longrope', long_factor=[1] * 10000, short_factor=[1] * 10000):
        bad('rope %r' % {k: str(v)[:40] for k, v in change.items()}, {**config, 'rope_parameters': {**full, **change}})
    bad('rope of sliding layers', {**config, 'rope_parameters': dict(full_attention=full, sliding_attention=full)}, ('sliding',))
    for key, v in ('layer_types', ['linear_attention'] * 3), ('layer_types', ['full_attention'] * 2), ('layer_types', 'full'), ('layer_types', [1, 2, 3]), \
            ('no_rope_layers', [1, 1]), ('no_rope_layers', [1, 2, 3]), ('num_local_experts', 4), ('num_local_experts', -1), ('num_local_experts', 2**16 + 1), \
            ('quantization_config', dict(quant_method='gptq')), ('quantization_config', {}), ('hidden_act', 'tanh'), ('hidden_act', 5), ('tie_word_embeddings', 0.5), \
            ('sliding_window', -1), ('sliding_window', 'x'), ('use_sliding_window', 5), ('clip_qkv', -1), \
            ('final_logit_softcapping', 'x'), ('use_parallel_residual', 5), ('add_cross_attention', True):
        status = 0 if key == 'tie_word_embeddings' else 1
        folder('%s %r' % (key, v), {'config.json': {**config, key: v}, 'model.safetensors': body}, status=status)
    no_head = safetensors([t for t in w if t[0] != 'lm_head.weight'])
    bad('no lm_head', {**config, 'tie_word_embeddings': False}, ('lm_head',), no_head)
    # other models' own keys
    for name, key, values in ('mpt', 'attn_config', (5, dict(alibi=False), dict(alibi=5), dict(kv_n_heads=0), dict(alibi_bias_max=-1), dict(softmax_scale='x'))), \
            ('falcon', 'alibi', (True,)), ('falcon', 'multi_query', (False, 5)), ('gptj', 'rotary_dim', (-2, 5, 10**6)), ('gpt-oss', 'swiglu_limit', (8,)), \
            ('mixtral', 'num_experts_per_tok', (0, 6, -1)), ('mixtral', 'num_local_experts', (4, 6, 0)), ('gpt2', 'scale_attn_by_inverse_layer_idx', (True,)), \
            ('gemma3', 'sliding_window_pattern', (-1,)), ('gemma3', 'query_pre_attn_scalar', (-1, 'x')), ('gpt-oss', 'num_local_experts', (4, 6, 65536)):
        c, t = fixture(name)
        for v in values:
            if name == 'mpt' and v == 5:
                continue
            bad('%s: %s %r' % (name, key, v), {**c, key: v}, (), safetensors(weights(t, c)))
    for name in 'gpt2', 'bloom', 'gemma', 'falcon40', 'gpt-oss', 'mixtral':
        c, t = fixture(name)
        bad('the configuration of another: ' + name, c)
        bad('the weights of another: ' + name, config, (), safetensors(weights(t, c)))


def index():
    config, w = llama()
    names = ['a.safetensors', 'b.safetensors']
    parts = [safetensors(w[0::2]), safetensors(w[1::2])]
    right = {t[0]: names[i % 2] for i, t in enumerate(w)}
    first, second = w[0][0], w[1][0]

    def made(name, weight_map, words=(), status=1, **files):
        body = weight_map if isinstance(weight_map, bytes) else dict(metadata={}, weight_map=weight_map)
        folder(name, {'config.json': config, 'model.safetensors.index.json': body, names[0]: parts[0], names[1]: parts[1],
                      **{k.replace('_', '.'): v for k, v in files.items()}}, words, status)

    made('good', right, status=0)
    made('one more file', right, status=0, c_safetensors=b'x')
    for text in b'', b'{}', b'[]', b'{"weight_map":5}', b'{"weight_map":{}}', b'{"weight_map":[]}', b'{"weight_map":{"a":5}}', b'{"weight_map":{"a":null}}', b'{"weight_map":{"a":"a"', \
            b'\xff\xfe', b'{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}':
        made('text %r' % text[:30], text)
    for name in '', '.', '..', '/etc/passwd', '../a.safetensors', './a.safetensors', 'x/a.safetensors', '.hidden', 'x' * 256, 'x' * 255, 'missing.safetensors', 'a\0b', \
            'config.json', 'model.safetensors.index.json', 5, None, ['a.safetensors'], 'b.safetensors':
        made('file %r' % (name if not isinstance(name, str) else name[:30],), {**right, first: name})
    made('not in it', {**right, second: names[0]}, (second,))
    made('one too many', {**right, 'model.x.weight': names[0]}, ('model.x.weight',))
    made('one too few', {k: v for k, v in right.items() if k != second}, (second, 'index'))
    made('a shard missing', right, (names[1],), b_safetensors=None)
    made('a shard empty', right, (names[1],), b_safetensors=b'')
    made('a shard cut', right, (names[1],), b_safetensors=parts[1][:-1])
    made('the same in both', right, (), a_safetensors=safetensors(w), b_safetensors=safetensors(w))
    folder('a folder without files', {})
    folder('no weights', {'config.json': config}, ('model.safetensors',))
    folder('no configuration', {'model.safetensors': safetensors(w)}, ('config.json',))
    folder('weights of torch', {'config.json': config, 'pytorch_model.bin': b'PK'}, ('model.safetensors',))
    folder('empty files', {'config.json': b'', 'model.safetensors': b''})


def noise():
    """Bytes changed by chance: an error or an answer, no signal."""
    r = random.Random(5)
    for name in 'llama', 'gpt2', 'gpt-oss-mxfp4', 'gemma3', 'falcon40', 'mixtral':
        config, t = fixture(name)
        texts = {'config.json': json.dumps(config).encode(), 'model.safetensors': safetensors(weights(t, config))}
        head = 8 + struct.unpack('<Q', texts['model.safetensors'][:8])[0]
        for i in range(60):
            which = r.choice(list(texts))
            body = bytearray(texts[which])
            for _ in range(r.choice((1, 1, 2, 5))):
                at = r.randrange(min(len(body), head if which[0] == 'm' else len(body)))
                body[at] = r.choice(b'0123456789-.e,:[]{}" \\\0\xff' + bytes(r.randrange(256) for _ in range(4)))
            path = '%s%02d.dir' % (name, i)
            os.mkdir(path)
            for f in texts:
                badinput.file(os.path.join(path, f), bytes(body) if f == which else texts[f])
            badinput.CASES.append(('noise', ['sh', '-c', 'llm-fwd -1 -t 1 %s 2>&1; [ $? -le 1 ]' % path], b'1 2 3\n', 0, (), lambda out: True))


badinput.GROUPS = {'good': good, 'tensors': tensors, 'configs': configs, 'index': index, 'noise': noise}
if __name__ == '__main__':
    badinput.main()
