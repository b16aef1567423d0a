#!/usr/bin/env python3
"""Feed broken files and streams to the programs; print what went wrong.

usage: badinput.py GROUP    in an empty folder, with the programs in $PATH

Every case must end with its exit status and one line on stderr that begins with
the program's name and mentions the file, and write nothing but what was complete.
"""
import concurrent.futures
import os
import struct
import subprocess
import sys

from mkgguf import (ARRAY, BOOL, F32, F64, I32, STRING, U8, U32, U64, add_bpe, add_spm, array, bare, bpe, experts, fused, Gguf,
                    llama2c, scalar, spm, stretched, text, tokenizer_bin, vocab_only, windows)

CASES = []      # (name, argv, stdin, status, words, stdout may hold)
ALONE = {'llm-fwd': ['llm-fwd', '-1', '-t', '1'], 'llm-tok': ['llm-tok'], 'llm-detok': ['llm-detok']}
INPUT = {'llm-fwd': b'1 2 3\n', 'llm-tok': b'hi ab\n', 'llm-detok': b'1 2 3\n'}


def case(name, argv, stdin=b'', status=1, words=(), out=b''):
    CASES.append((name, argv, stdin, status, words, out))


def run(c):
    name, argv, stdin, status, words, out = c
    try:
        p = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20)
    except subprocess.TimeoutExpired:
        return '%s: %s: hangs' % (name, argv)
    said = p.stderr.decode('latin-1')
    wrong = []
    if p.returncode != status:
        wrong.append('status %d, not %d' % (p.returncode, status))
    if status and (said.count('\n') != 1 or not said.startswith(argv[0] + ': ') or len(said) > 1024):
        wrong.append('not one line')
    if not status and said:
        wrong.append('speaks')
    wrong += ['does not mention ' + w for w in words if w not in said]
    if not (out(p.stdout) if callable(out) else p.stdout == out):
        wrong.append('stdout: %r' % p.stdout[:200])
    return '%s: %s: %s; stderr: %s' % (name, ' '.join(argv), ', '.join(wrong), said) if wrong else ''


def file(name, data):
    with open(name, 'wb') as f:
        f.write(data)
    return name


count = 0


def model(name, data, programs=('llm-fwd',), words=(), status=1):
    """A broken file for programs that work on it alone."""
    global count
    count += 1
    path = file('%03d.bin' % count, data)
    for p in programs:
        case(name, ALONE[p] + [path], INPUT[p], status, (path, *words) if status else (), b'' if status else bool)


ALL = ('llm-fwd', 'llm-tok', 'llm-detok')
VOCAB = ('llm-tok', 'llm-detok')
HUGE = [2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**60, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 32, 2**64 - 1]


def good():
    """What the others break: these must work."""
    for name, g in ('spm', spm()), ('bpe', bpe()):
        model(name, g.bytes(), ALL, status=0)
    for kind in 0, 1, 30:
        model('type', bare(kind).bytes(), status=0)
    for kind in 2, 3, 6, 7, 8:
        model('type', bare(kind, embd=32, ff=32).bytes(), status=0)
    for make in experts, fused, windows, stretched:
        model(make.__name__, make().bytes(), status=0)
    for v in 0, 1, 2:
        for tied in True, False:
            model('llama2.c', llama2c(v, tied=tied), status=0)
    model('tokenizer.bin', tokenizer_bin(), VOCAB, status=0)


def no_model():
    os.mkdir('folder')
    file('empty', b'')
    file('text', b'Once upon a time there was a file that is no model at all.\n' * 9)
    file('zeros', b'\0' * 5000)
    file('ones', b'\xff' * 5000)
    file('short', b'GGU')
    file('four', b'GGUF')
    os.mkfifo('fifo')
    long = 'x' * 200 + '/' + 'y' * 200
    for p in ALL:
        for f in 'folder', 'empty', 'text', 'zeros', 'ones', 'short', 'four', 'fifo', 'missing', 'text/below', long, '/dev/null':
            case('no model', ALONE[p] + [f], INPUT[p], 1, (f,))
        case('control bytes in a name', ALONE[p] + ['a\n\033[1mb'], INPUT[p], 1, ('a??[1mb',))
        case('an empty name', ALONE[p] + [''], INPUT[p], 1)
    case('header names no model', ['llm-detok'], b'# llm-tokens 1\n# model missing\n1 2\n', 1, ('missing',))
    head = b'llm-logits 1\nmodel m\nrows logits f32le 4\n\n' + struct.pack('<4I4f', 0, 0, 1, 1, 1, 2, 3, 4)
    for f in 'folder', 'empty', 'text', 'missing':
        case('no model', ['llm-sample', f], head, 1, (f,))


def gguf_cut():
    g = spm()
    data = g.bytes()
    ends = sorted({*g.fields, *range(1, len(data), max(1, len(data) // 220)), len(data) - 1})
    for n in ends:
        if n:
            model('cut at %d of %d' % (n, len(data)), data[:n], ('llm-fwd', 'llm-tok'))
    g = bpe()
    data = g.bytes()
    for n in g.fields[1:]:
        model('bpe cut at %d' % n, data[:n], ('llm-tok',))


def gguf_head():
    def broken(name, words=(), programs=ALL, **what):
        g = spm()
        for k, v in what.items():
            setattr(g, k, v)
        model(name, g.bytes(), programs, words)
    for v in 0, 1, 4, 5, 0xffff, 0x7fffffff, 0xffffffff:
        broken('version %d' % v, version=v)
    broken('big-endian', ('big-endian',), end='>')
    broken('magic', magic=b'GGML')
    for n in HUGE + [16, 1000]:
        broken('%d keys' % n, n_kv=n)
        broken('%d tensors' % n, n_tensors=n)
    for n in range(0, 12):
        broken('%d tensors of 12' % n, programs=('llm-fwd',), n_tensors=n)
        broken('only %d keys' % n, n_kv=n)

    # lengths of keys, strings, arrays, names
    base = spm()
    for n in HUGE + [0, 70000]:
        for where, to in ('general.architecture', 0), ('tokenizer.ggml.tokens', 0), ('llama.block_count', 0):
            data = bytearray(base.bytes())
            at = data.index(text(where))
            data[at:at + 8] = struct.pack('<Q', n)
            model('key length %d' % n, bytes(data), ('llm-fwd', 'llm-tok'))
    for n in HUGE + [10**6]:
        g = spm()
        g.set('tokenizer.ggml.tokens', (ARRAY, struct.pack('<IQ', STRING, n) + text('a') * 10))
        model('array of %d strings' % n, g.bytes(), ALL)
        g = spm()
        g.set('tokenizer.ggml.scores', (ARRAY, struct.pack('<IQ', F32, n) + b'\0' * 40))
        model('array of %d floats' % n, g.bytes(), ALL)
        g = spm()
        g.set('general.name', (STRING, struct.pack('<Q', n) + b'name'))
        model('string of %d' % n, g.bytes(), ALL)
        g = spm()
        g.set('tokenizer.ggml.tokens', (ARRAY, struct.pack('<IQQ', STRING, 3, n) + b'abc'))
        model('piece of %d bytes' % n, g.bytes(), ALL)
    for kind in 13, 14, 255, 2**31, 2**32 - 1:
        model('value type %d' % kind, spm().set('extra', (kind, b'\0' * 16)).bytes(), ALL, ('extra',))
    for elem in 9, 13, 2**32 - 1:
        model('element type %d' % elem, spm().set('extra', (ARRAY, struct.pack('<IQ', elem, 1) + b'\0' * 16)).bytes(), ALL, ('extra',))
    g = spm()
    g.kv.append(g.kv[3])
    model('a key twice', g.bytes(), ALL, (g.kv[3][0],))
    g = spm()
    g.kv.append(['', scalar(U32, 1)])
    model('a key without a name', g.bytes(), ALL)
    for n in 3, 5, 24, 33, 2**21, 2**31:
        model('alignment %d' % n, spm().set('general.alignment', scalar(U32, n)).bytes(), ALL)
    model('alignment 0', spm().set('general.alignment', scalar(U32, 0)).bytes(), ALL, ('general.alignment',))
    model('alignment a string', spm().set('general.alignment', scalar(STRING, '32')).bytes(), ALL, ('general.alignment',))


def gguf_tensors():
    names = [t[0] for t in spm().tensors]
    for name in names:
        def broken(what, change, words=(name,), programs=('llm-fwd',)):
            g = spm()
            t = g.tensor(name)
            data = change(g, t)
            model('%s: %s' % (name, what), data or g.bytes(), programs, words)

        def put(i, v):
            def change(g, t):
                t[i] = v
            return change
        if name != 'output.weight': # without it the embedding is taken
            broken('missing', lambda g, t: g.tensors.remove(t))
        broken('twice', lambda g, t: g.tensors.append(list(t)), programs=ALL)
        broken('misnamed', put(0, name + 'x'), ())
        broken('one byte off', put(4, 1), programs=ALL)
        broken('a half', put(4, 16), programs=ALL)
        for off in HUGE + [2**20]:
            broken('offset %d' % off, put(4, off // 32 * 32), programs=('llm-fwd', 'llm-tok'))
        for kind in 4, 5, 9, 10, 12, 14, 15, 16, 20, 24, 27, 31, 39, 63, 64, 65, 100, 2**31, 2**32 - 1:
            broken('type %d' % kind, put(2, kind))
        for kind in 2, 3, 6, 7, 8: # rows of 8 or 16 are no blocks of 32
            broken('type %d' % kind, put(2, kind), programs=ALL)
        dims = spm().tensor(name)[1]
        for i in range(len(dims)):
            for d in HUGE + [0, 2**24]:
                broken('dimension %d' % d, put(1, dims[:i] + [d] + dims[i + 1:]))
            for d in dims[i] - 1, dims[i] + 1, dims[i] // 2:
                if (name, i) != ('token_embd.weight', 1): # that is the vocabulary's size
                    broken('dimension %d' % d, put(1, dims[:i] + [d] + dims[i + 1:]))
        broken('no dimensions', put(1, []), programs=ALL)
        broken('five dimensions', put(1, [1, 1, 1, 1, 1]), programs=ALL)
        broken('dimensions that overflow', put(1, [2**32, 2**32]), programs=ALL)
        broken('dimensions that overflow', put(1, [2**22, 2**20, 2**20, 2**2]), programs=ALL)
        broken('four dimensions', put(1, dims + [1] * (3 - len(dims)) + [2]), ())
        if len(dims) == 2 and dims[0] != dims[1]:
            broken('turned', put(1, dims[::-1]))
    for name in '', 'x' * 65, 'x' * 1000, 'a\0b':
        g = spm()
        g.tensors.append([name, [8], 0, b'\0' * 32, None])
        model('a tensor called %r' % name[:9], g.bytes(), ALL)
    for name in 'extra', 'blk.0.attn_q_norm.weight', 'blk.1.attn_norm.weight', 'blk.00.attn_norm.weight', 'x' * 64:
        g = spm()
        g.tensors.append([name, [8], 0, b'\0' * 32, None])
        model('a tensor that has no place', g.bytes(), words=(name,))
    for i in range(1, len(names)):
        g = spm()
        g.tensors[i][4] = 0
        model('%s lies where another does' % names[i], g.bytes(), ALL)
    for factor in (0.0, 0.0), (1.0, 0.0), (-1.0, 1.0), (float('nan'), 1.0), (1.0, float('-inf')):
        g = spm()
        g.tensors.append(['rope_freqs.weight', [2], 0, struct.pack('<2f', *factor), None])
        model('rope factor', g.bytes(), words=('rope_freqs.weight',))
    g = spm()
    g.tensors.append(['rope_freqs.weight', [3], 0, struct.pack('<3f', 1, 1, 1), None])
    model('too many rope factors', g.bytes(), words=('rope_freqs.weight',))


def gguf_shape():
    keys = ['context_length', 'embedding_length', 'block_count', 'feed_forward_length', 'attention.head_count',
            'attention.head_count_kv', 'rope.dimension_count']
    for k in keys:
        k = 'llama.' + k
        if not k.endswith(('head_count_kv', 'dimension_count')):
            model('without ' + k, spm().set(k, None).bytes(), words=(k,))
        for kind, v in (U32, 0), (I32, -1), (I32, -2**31), (U64, 2**63), (U64, 2**64 - 1), (U64, 2**32), (STRING, '8'), (BOOL, 1), (F32, 8.0):
            words = () if (kind, v) == (BOOL, 1) else (k,)
            model('%s of type %d: %s' % (k, kind, v), spm().set(k, scalar(kind, v)).bytes(), words=words)
        model(k + ' an array', spm().set(k, array(U32, [8])).bytes(), words=(k,))
        values = [3, 5, 7, 9, 33, 1000, 65535, 65536, 2**24, 2**24 + 1, 2**31 - 1, 2**32 - 1]
        for v in values if k != 'llama.context_length' else [2**31, 2**32 - 1]:
            model('%s %d' % (k, v), spm().set(k, scalar(U32, v)).bytes())
    for k, v in ('attention.key_length', 6), ('attention.value_length', 2), ('attention.key_length', 0), ('attention.key_length', 2**24):
        model('%s %d' % (k, v), spm().set('llama.' + k, scalar(U32, v)).bytes())
    for k in 'attention.layer_norm_rms_epsilon', 'rope.freq_base', 'rope.scale_linear':
        k = 'llama.' + k
        for v in 0.0, -1.0, float('nan'), float('inf'), float('-inf'):
            model('%s %g' % (k, v), spm().set(k, scalar(F32, v)).bytes(), words=(k,))
        model(k + ' huge', spm().set(k, scalar(F64, 1e300)).bytes(), words=(k,))
        model(k + ' whole', spm().set(k, scalar(U32, 1)).bytes(), words=(k,))
    for v in 'su', 'dynamic', '', 'x' * 5000, 'a\0b\nc':
        model('rope scaling %r' % v[:9], spm().set('llama.rope.scaling.type', scalar(STRING, v)).bytes())
    for f in 0.0, -2.0, float('nan'), float('inf'):
        g = spm().set('llama.rope.scaling.type', scalar(STRING, 'linear'))
        model('rope factor %g' % f, g.set('llama.rope.scaling.factor', scalar(F32, f)).bytes())
    for v in 'mamba', '', 'x' * 32, 'x' * 33, 'x' * 5000, 'll\0ma', 'llama\n', '%s%n':
        model('architecture %r' % v[:9], spm().set('general.architecture', scalar(STRING, v)).bytes())
    model('architecture missing', spm().set('general.architecture', None).bytes(), words=('general.architecture',))
    model('architecture a number', spm().set('general.architecture', scalar(U32, 5)).bytes(), words=('general.architecture',))
    model('no weights', vocab_only(add_spm).bytes())
    model('as many layers as memory', bare(layers=1).set('llama.block_count', scalar(U32, 2**16)).bytes())


def gguf_arch():
    """Architectures: experts, matrices in one, windows, factors."""
    def broken(make, what, words=(), kv=None, drop=None, dims=None):
        g = make()
        for k, v in (kv or {}).items():
            g.set(k, v)
        g.tensors = [t for t in g.tensors if t[0] != drop]
        for name, d in (dims or {}).items():
            g.tensor(name)[1] = d
        model('%s: %s' % (make.__name__, what), g.bytes(), words=words)

    def u32(v):
        return scalar(U32, v)
    for k, v in ('expert_count', 2), ('expert_count', 0), ('expert_count', 65536), ('expert_used_count', 0), ('expert_used_count', 4), \
            ('expert_used_count', 2**31), ('expert_feed_forward_length', 3), ('expert_feed_forward_length', 2**24):
        broken(experts, '%s %d' % (k, v), kv={'qwen3moe.' + k: u32(v)})
    for t in experts().tensors:
        if t[0].startswith('blk.1.ffn') and t[0].endswith('weight') and 'shexp' not in t[0] and 'gate_exps' not in t[0]:
            broken(experts, 'without ' + t[0], words=(t[0],), drop=t[0])
        if t[0].startswith('blk.1.'):
            broken(experts, 'other shape of ' + t[0], words=(t[0],), dims={t[0]: [2, 2]})
    broken(experts, 'weights scaled by a NaN', words=('expert_weights_scale',), kv={'qwen3moe.expert_weights_scale': scalar(F32, float('nan'))})
    broken(fused, 'no positions', words=('position_embd',), drop='position_embd.weight')
    broken(fused, 'positions for a shorter context', words=('position_embd',), dims={'position_embd.weight': [8, 15]})
    broken(fused, 'a row too few', words=('attn_qkv',), dims={'blk.0.attn_qkv.weight': [8, 15]})
    broken(fused, 'a bias too short', words=('attn_qkv.bias',), dims={'blk.0.attn_qkv.bias': [15]})
    p = 'gemma3.attention.sliding_window_pattern'
    broken(windows, 'a pattern too short', words=(p,), kv={p: array(BOOL, [1, 0])})
    broken(windows, 'a pattern of strings', words=(p,), kv={p: array(STRING, ['1'] * 3)})
    broken(windows, 'a pattern of -1', words=(p,), kv={p: scalar(I32, -1)})
    broken(windows, 'a pattern of text', words=(p,), kv={p: scalar(STRING, 'L')})
    broken(windows, 'a window of 2^40', words=('sliding_window',), kv={'gemma3.attention.sliding_window': scalar(U64, 2**40)})
    broken(windows, 'no window, but text', words=('sliding_window',), kv={'gemma3.attention.sliding_window': scalar(STRING, '2')})
    for k in 'attn_logit_softcapping', 'attention.scale', 'residual_scale', 'attention.max_alibi_bias':
        for v in -1.0, float('nan'), float('inf'):
            broken(windows, '%s %g' % (k, v), words=(k,), kv={'gemma3.' + k: scalar(F32, v)})
    broken(windows, 'a norm of half a head', words=('attn_k_norm',), dims={'blk.0.attn_k_norm.weight': [2]})
    broken(stretched, 'a factor too few', words=('rope_factors_long',), dims={'rope_factors_long.weight': [1]})
    broken(stretched, 'original context 0', words=('original_context_length',), kv={'phi3.rope.scaling.original_context_length': u32(0)})
    broken(stretched, 'gate and up a row short', words=('ffn_gate',), dims={'blk.0.ffn_up.weight': [8, 31]})
    broken(bare, 'no norm before attention', words=('attn_norm',), drop='blk.0.attn_norm.weight')
    broken(bare, 'no norm before feed-forward', words=('ffn_norm',), drop='blk.0.ffn_norm.weight')


def gguf_vocab():
    t = 'tokenizer.ggml.'
    for make in spm, bpe:
        n = make().tensor('token_embd.weight')[1][1]
        for k in 'bos_token_id', 'eos_token_id':
            for kind, v in (U32, n), (U32, 2**31), (U32, 2**32 - 1), (I32, -1), (U64, 2**40), (STRING, '1'), (F32, 1.0):
                model('%s %s' % (k, v), make().set(t + k, scalar(kind, v)).bytes(), ('llm-tok', 'llm-detok', 'llm-fwd'), (t + k,))
        model('unknown_token_id', make().set(t + 'unknown_token_id', scalar(U32, n)).bytes(), VOCAB)
        for k in 'eot_token_id', 'eom_token_id', 'fim_pad_token_id', 'fim_rep_token_id', 'fim_sep_token_id':
            model(k, make().set(t + k, scalar(U32, n)).bytes(), VOCAB, (t + k,))
        model('no pieces', make().set(t + 'tokens', None).bytes(), VOCAB, (t + 'tokens',))
        model('0 pieces', make().set(t + 'tokens', array(STRING, [])).bytes(), ALL)
        model('numbers for pieces', make().set(t + 'tokens', array(U32, [1, 2, 3])).bytes(), ALL, (t + 'tokens',))
        model('a string for pieces', make().set(t + 'tokens', scalar(STRING, 'a')).bytes(), ALL, (t + 'tokens',))
        model('no model', make().set(t + 'model', None).bytes(), ALL, (t + 'model',))
        for v in 'bert', '', 'x' * 3000, 'gpt2\0', '\n':
            model('model %r' % v[:9], make().set(t + 'model', scalar(STRING, v)).bytes(), ALL, (t + 'model',))
        model('model a number', make().set(t + 'model', scalar(U32, 1)).bytes(), ALL, (t + 'model',))
        for k, elem in ('token_type', I32), ('scores', F32):
            if make is spm or k == 'token_type':
                model('too few in ' + k, make().set(t + k, array(elem, [1] * (n - 1))).bytes(), VOCAB, (t + k,))
                model('none in ' + k, make().set(t + k, array(elem, [])).bytes(), VOCAB, (t + k,))
                model(k + ' of strings', make().set(t + k, array(STRING, ['1'] * n)).bytes(), VOCAB, (t + k,))
                model(k + ' of bytes', make().set(t + k, array(U8, [1] * n)).bytes(), VOCAB, (t + k,))
        model('fewer pieces than weights', make().set(t + 'tokens', array(STRING, ['a'] * (n - 1))).bytes(), ('llm-fwd',))
        model('add_bos a number', make().set(t + 'add_bos_token', scalar(U32, 1)).bytes(), VOCAB, (t + 'add_bos_token',))
    model('no scores', spm().set(t + 'scores', None).bytes(), VOCAB, (t + 'scores',))
    model('no merges', bpe().set(t + 'merges', None).bytes(), ('llm-tok',), (t + 'merges',))
    model('merges of numbers', bpe().set(t + 'merges', array(U32, [1, 2])).bytes(), ('llm-tok',), (t + 'merges',))
    for v in 'no-such', 'x' * 3000, '\n', 'gpt-2 phi-2', 'gpt', ' ':
        model('pre %r' % v[:9], bpe().set(t + 'pre', scalar(STRING, v)).bytes(), ALL, (t + 'pre',))

    # Odd, but text must go through and come back where there is a piece for every byte.
    def odd(name, g):
        global count
        count += 1
        path = file('odd%03d.gguf' % count, g.bytes())
        script = 'llm-tok "$0" | llm-detok "$0"'
        for line in b'hi ab hi', b'\xff\xfe\x80 \xe2\x96', b' ' * 50 + b'hi' * 50, bytes(x for x in range(256) if x != 10):
            CASES.append((name, ['sh', '-c', script, path], line + b'\n', 0, (), line + b'\n'))

    def with_pieces(add, more, types=None):
        g = vocab_only(add)
        for i, (k, v) in enumerate(g.kv):
            n, = struct.unpack('<Q', v[1][4:12]) if v[0] == ARRAY else (0,)
            for key, elem, extra in (t + 'tokens', STRING, more), (t + 'scores', F32, [-0.5] * len(more)), \
                    (t + 'token_type', I32, types or [1] * len(more)):
                if k == key:
                    g.kv[i][1] = (ARRAY, v[1][:4] + struct.pack('<Q', n + len(more)) + v[1][12:] + array(elem, extra)[1][12:])
        return g
    for add in add_spm, add_bpe:
        odd('empty pieces', with_pieces(add, [b''] * 20))
        odd('a piece of a megabyte', with_pieces(add, [b'h' * 2**20]))
        odd('pieces that are no UTF-8', with_pieces(add, [b'\xff', b'\xff\xfe', b'\xe2\x96', b'h\x80', b'\0', b'h\0i']))
        odd('the same piece again and again', with_pieces(add, [b'hi'] * 1000))
        odd('odd types', with_pieces(add, [b'q', b'w', b'e', b'<0xZZ>', b'<0x4'], [0, -1, 7, 6, 6]))
    odd('huge scores', with_pieces(add_spm, [b'hi'] * 3).set(t + 'scores', array(F32, [float('nan'), float('inf'), -float('inf'), 1e38, -1e38, 0] * 46)))
    chars = {'Ġ': ' '}
    for name, merges in {
        'a circle': ['h i', 'hi h', 'hih i', 'i h', 'ih i', 'hi hi', 'hihi hi'],
        'itself': ['h h', 'hh hh', 'hhhh hhhh', 'hi', ' hi', 'hi ', ' ', '', '  ', 'h  i', 'h i j'],
        'the same again': ['h i'] * 50 + ['Ġ h', 'Ġh i', 'Ġ hi'] * 50,
        'pieces that are not there': ['x y', 'xy z', '\u1234 \u1235', 'h \u1234', 'a' * 5000 + ' b'],
    }.items():
        odd('merges: ' + name, vocab_only(add_bpe).set(t + 'merges', array(STRING, merges)))
    odd('no merges at all', vocab_only(add_bpe).set(t + 'merges', array(STRING, [])))


def llama2c_files():
    for v in 0, 1, 2:
        for tied in True, False:
            data = llama2c(v, tied=tied)
            head = 28 if v == 0 else 256
            ends = {*range(1, head + 5, 1 if head < 99 else 7), *range(head, len(data), len(data) // 60), len(data) - 1}
            for n in sorted(ends):
                model('v%d cut at %d of %d' % (v, n, len(data)), data[:n])
            model('v%d and a byte more' % v, data + b'\0')
            model('v%d twice' % v, data + data)
            start = 0 if v == 0 else 8
            for i in range(7):
                for n in 0, 1, 3, 5, 9, 100, 2**24, 2**24 + 1, 2**31 - 1, 2**31, 2**32 - 1:
                    b = bytearray(data)
                    at = start + 4 * i
                    old = bytes(b[at:at + 4])
                    b[at:at + 4] = struct.pack('<I', n)
                    # the context's length takes no room in versions 1 and 2
                    if bytes(b[at:at + 4]) != old and not (v and i == 6 and 0 < n <= 2**24):
                        model('v%d field %d: %d' % (v, i, n), bytes(b))
    for version in 0, 3, 4, -1:
        data = bytearray(llama2c(1))
        data[4:8] = struct.pack('<i', version)
        model('version %d' % version, bytes(data))
    for group in 0, -1, 3, 7, 5, 2**31 - 1, 2**24 + 1, 1000:
        data = bytearray(llama2c(2))
        data[37:41] = struct.pack('<i', group)
        model('group %d' % group, bytes(data))
    # ... which the forward pass and the sampler can do without
    for path in file('bare.bin', llama2c(0)), file('bare.gguf', bare().bytes()):
        for how, want in ('-n 3 -s 1 -q', 1), ('-l 2 -q', 2):
            CASES.append(('no vocabulary', ['sh', '-c', 'llm-fwd -1 "$0" | llm-sample %s 2>/dev/null' % how, path], b'1 2\n', 0, (),
                          lambda out, want=want: out.count(b'\n') == want))
    case('no tokenizer.bin', ['llm-tok', file('model.bin', llama2c(0))], b'hi\n', 1, ('model.bin', 'tokenizer.bin'))
    os.mkdir('other')
    file('other/tokenizer.bin', b'nothing')
    path = file('other/model.bin', llama2c(0))
    for p in VOCAB:
        case('a bad tokenizer.bin', [p, path], INPUT[p], 1, ('other/tokenizer.bin',))


def tokenizer_files():
    data = tokenizer_bin(False)
    ends, at = {1, 2, 3, 4}, 4
    while at < len(data):
        n, = struct.unpack('<i', data[at + 4:at + 8])
        ends |= {at + 1, at + 4, at + 7, at + 8, at + 8 + n - 1} - {at + 8 + n}
        for bad in -1, 2**31 - 1, -2**31, 100, 10**6:
            model('a piece of %d bytes' % bad, data[:at + 4] + struct.pack('<i', bad) + data[at + 8:], VOCAB)
        at += 8 + n
    for n in sorted(ends):
        model('cut at %d' % n, data[:n], VOCAB)
    for longest in 0, 1, -1, 2**31 - 1, -2**31:
        model('longest %d' % longest, struct.pack('<i', longest) + data[4:], VOCAB)
    for tail in b'\0', b'\0' * 7:
        model('more behind it', data + tail, VOCAB)
    case('not the weights', ALONE['llm-fwd'] + [file('tok.bin', data)], b'1\n', 1, ('tok.bin',))


def token_streams():
    path = file('model.gguf', spm().bytes())    # 268 + 3 pieces, a context of 16
    n = spm().tensor('token_embd.weight')[1][1]
    head = subprocess.run(['llm-tok', path], input=b'', stdout=subprocess.PIPE, check=True).stdout
    row = 16 + 4 * n

    def rows(wanted):
        return lambda out: (len(out) - out.index(b'\n\n') - 2) == wanted * row

    def both(name, stream, fwd=0, detok=b'', words=('stdin', 'line')):
        case(name, ['llm-fwd', '-1', '-t', '1', path], stream, 1, words, rows(fwd))
        if detok is not None:
            case(name, ['llm-detok', path], stream, 1, words, detok if callable(detok) else lambda out: detok.startswith(out))
    for word in '-1', '+1', '1.5', '1e3', '0x10', 'abc', 'hi', '1a', '1/x', '1//2', '1/', '1/2/3', 'NaN', '1,2', '1;', '\u0665', '\v1', '1\r', '/1', \
            '@', '@x', '@-1', '@1.5', '@1@2', '@1/2':
        if word == '1/':
            continue
        both('not an id: %r' % word, (word + '\n').encode())
        both('not an id: %r' % word, head + b'5 6 ' + word.encode() + b'\n', 0, lambda out: True)
    for byte in [*range(1, 9), *range(11, 32), 127, 128, 255, 0]:
        both('byte %d' % byte, b'5 ' + bytes([byte]) + b'\n', 0, lambda out: True)
    for big in n, n + 1, 2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**64, 2**64 + 5, 10**30:
        both('id %d' % (big % 10**20), b'%d\n' % big)
    both('an endless id', b'1' * 100000)
    both('a good line before', b'5 6\n7 %d\n' % n, 1, lambda out: True)
    both('several before', b'5\n6\n7\n@1 x\n', 3, lambda out: True)
    for stream in b'5 @1\n', b'@1 @1 5\n', b'@0 5 @1\n', b'5 6 @0 7\n':
        both('@ in the middle', stream, 0, lambda out: True)
    for stream in b'@1\n', b'@1 5\n', b'@4294967296\n', b'@99999999999999999999\n', b'@2147483647\n':
        case('rewound too far', ['llm-fwd', '-1', '-t', '1', path], stream, 1, ('stdin', 'line 1'), rows(0))
    case('rewound too far', ['llm-fwd', '-1', '-t', '1', path], b'5 6\n@3\n', 1, ('line 2', '@3'), rows(1))
    case('rewound over an empty line', ['llm-fwd', '-1', '-t', '1', path], b'5 6\n\n@1\n', 1, ('line 3',), rows(1))
    for stream, good in (b'5 ' * 17, 0), (b'5 ' * 100000, 0), (b'5 ' * 10 + b'\n' + b'6 ' * 7 + b'\n', 1), (b'5\n' * 17, 16), (b'5 ' * 16 + b'\n@16 5\n', 1):
        case('longer than the context', ['llm-fwd', '-1', '-t', '1', path], stream, 1, ('stdin', 'line', '16'), rows(good))
    case('just fits', ['llm-fwd', '-1', '-t', '1', path], b'5 ' * 16 + b'\n@16\n@1 ' + b'7 ' * 15, 0, (), rows(3))
    for stream in os.urandom(5000), b'\x7fELF\2\1\1\0' * 9, b'\x89PNG\r\n\x1a\n', b'GGUF' + b'\0' * 50, b'llm-logits 1\nrows logits f32le 4\n\n', b'Once upon a time', \
            b'\x1f\x8b\x08' * 5, b'\xef\xbb\xbf1 2 3\n':
        both('not a token stream', b'x' + stream if stream[:1] in b'0123456789@# \n\t' else stream, words=('stdin',))
    for first in b'# llm-tokens 2', b'# llm-tokens 0', b'# llm-tokens 10', b'# llm-tokens x', b'# llm-tokens  1', b'# llm-tokens 1 ', b'# llm-tokens 1\r':
        both('another version', first + b'\n5\n', words=('version',))
    for v in b'', b'x', b'0', b'-5', b'99999999999999999999', b'271 ', b'271 xyz', b'271 0123456789abcde', b'271 0123456789abcdef0', b'271 0123456789ABCDEF', b'271x':
        both('vocab line %r' % v, b'# llm-tokens 1\n# vocab ' + v + b'\n5\n', words=('header',))
    for v in b'5', b'%d' % (n - 1), b'%d 0123456789abcdef' % n, b'%d 0123456789abcdef' % (n + 1):
        both('another vocabulary %r' % v, b'# llm-tokens 1\n# model that.gguf\n# vocab ' + v + b'\n5\n', words=('that.gguf', path))
        both('... in the middle', b'5\n# vocab ' + v + b'\n5\n', 1, lambda out: True, (path,))
    for p in 'llm-fwd', 'llm-detok':
        CASES.append(('an empty stream is somebody else\'s fault', ['sh', '-c', '%s%s %s; [ $? -eq 1 ]' % (p, ' -1' * (p == 'llm-fwd'), path)], b'', 0, (),
                      lambda out: True))
    case('header only', ['llm-detok', path], head, 0)


GROUPS = {'good': good, 'no-model': no_model, 'gguf-cut': gguf_cut, 'gguf-head': gguf_head, 'gguf-tensors': gguf_tensors,
          'gguf-shape': gguf_shape, 'gguf-arch': gguf_arch, 'gguf-vocab': gguf_vocab, 'llama2c': llama2c_files, 'tokenizer': tokenizer_files,
          'token-streams': token_streams}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in GROUPS:
        sys.exit(__doc__ + 'groups: ' + ' '.join(GROUPS))
    GROUPS[sys.argv[1]]()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        bad = [x for x in pool.map(run, CASES) if x]
    for x in bad[:50]:
        print(x.rstrip('\n'))
    print('%d cases, %d failed' % (len(CASES), len(bad)))
    sys.exit(bool(bad))


if __name__ == '__main__':
    main()
