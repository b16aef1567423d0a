#!/usr/bin/env python3
"""Write small model files: GGUF, llama2.c's models and its tokenizer.bin.

usage: mkgguf.py KIND OUT     one file; KIND is a name in KINDS
       mkgguf.py chat OUT TEMPLATE   a vocabulary with the chat template in that file
       mkgguf.py seeds DIR    the fuzzers' seeds

As a module it is what badinput.py breaks. Standard library only.
"""
import os
import struct
import sys

U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
PACK = {U8: '<B', I8: '<b', U16: '<H', I16: '<h', U32: '<I', I32: '<i', F32: '<f', BOOL: '<B',
        U64: '<Q', I64: '<q', F64: '<d'}
# type: block, bytes
FORMATS = {0: (1, 4), 1: (1, 2), 30: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34)}


def text(s):
    s = s if isinstance(s, bytes) else s.encode()
    return struct.pack('<Q', len(s)) + s


def value(kind, v):
    """The bytes of a value without its type."""
    if kind == STRING:
        return text(v)
    return struct.pack(PACK[kind], v)


def array(elem, values):
    return (ARRAY, struct.pack('<IQ', elem, len(values)) + b''.join(value(elem, v) for v in values))


def scalar(kind, v):
    return (kind, value(kind, v))


class Gguf:
    """A file before it is written; every part may be made wrong."""

    def __init__(self):
        self.magic = b'GGUF'
        self.version = 3
        self.n_kv = self.n_tensors = None   # None: as many as there are
        self.kv = []                        # [key, (type, bytes)]
        self.tensors = []                   # [name, dims, type, data, offset or None]
        self.align = 32
        self.end = '<'

    def set(self, key, v):
        """Replace a key or add it; None takes it out."""
        for i, (k, _) in enumerate(self.kv):
            if k == key:
                if v is None:
                    del self.kv[i]
                else:
                    self.kv[i][1] = v
                return self
        if v is not None:
            self.kv.append([key, v])
        return self

    def tensor(self, name):
        return next(t for t in self.tensors if t[0] == name)

    def bytes(self):
        n_kv = len(self.kv) if self.n_kv is None else self.n_kv
        n_tensors = len(self.tensors) if self.n_tensors is None else self.n_tensors
        out = self.magic + struct.pack(self.end + 'IQQ', self.version, n_tensors, n_kv)
        self.fields = [0, 4, 8, 16, len(out)]   # where one begins
        for key, (kind, data) in self.kv:
            k = text(key)
            at = len(out)
            out += k + struct.pack('<I', kind) + data
            self.fields += [at, at + 8, at + len(k), at + len(k) + 4] + ([at + len(k) + 8] if kind == ARRAY else [])
        data = b''
        for name, dims, kind, body, offset in self.tensors:
            n, at = text(name), len(out)
            data += b'\0' * (-len(data) % self.align)
            out += n + struct.pack('<I', len(dims)) + b''.join(struct.pack('<Q', d) for d in dims)
            out += struct.pack('<IQ', kind, len(data) if offset is None else offset)
            self.fields += [at, at + 8, at + len(n), at + len(n) + 4, len(out) - 12, len(out) - 8]
            data += body
        self.fields.append(len(out))
        if self.tensors:
            out += b'\0' * (-len(out) % self.align)
        self.fields.append(len(out))
        return out + data


def noise(n, seed):
    x, out = seed * 2654435761 % 2**32 or 1, []
    for _ in range(n):
        x = (x * 1664525 + 1013904223) % 2**32
        out.append((x >> 8) / 2**24 - 0.5)
    return out


def matrix(kind, n, seed):
    """n numbers in a format; quants are made up, with small scales."""
    if kind == 0:
        return struct.pack('<%df' % n, *noise(n, seed))
    if kind == 1:
        return struct.pack('<%de' % n, *noise(n, seed))
    if kind == 30:
        return b''.join(struct.pack('<f', x)[2:] for x in noise(n, seed))
    block, size = FORMATS[kind]
    scales = 2 if kind in (3, 7) else 1
    return b''.join(struct.pack('<%de' % scales, 0.01, *[-0.08] * (scales - 1)) +
                    bytes(int((x + 0.5) * 255) for x in noise(size - 2 * scales, seed + i))
                    for i in range(n // block))


def spm_pieces(full):
    p = [(b'<unk>', 0.0, 2), (b'<s>', 0.0, 3), (b'</s>', 0.0, 3)]
    if full:
        p += [(b'<0x%02X>' % i, 0.0, 6) for i in range(256)]
    words = ['▁', 'a', 'b', 'h', 'i', '▁a', '▁h', 'hi', '▁hi', 'ab', 'é', '▁▁']
    return p + [(w.encode(), -1.0 - i, 1) for i, w in enumerate(words)]


def bpe_chars():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    return {**{b: chr(b) for b in keep}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


def add_spm(g, full=True):
    p = spm_pieces(full)
    g.set('tokenizer.ggml.model', scalar(STRING, 'llama'))
    g.set('tokenizer.ggml.tokens', array(STRING, [x[0] for x in p]))
    g.set('tokenizer.ggml.scores', array(F32, [x[1] for x in p]))
    g.set('tokenizer.ggml.token_type', array(I32, [x[2] for x in p]))
    g.set('tokenizer.ggml.bos_token_id', scalar(U32, 1))
    g.set('tokenizer.ggml.eos_token_id', scalar(U32, 2))
    g.set('tokenizer.ggml.unknown_token_id', scalar(U32, 0))
    return len(p)


def add_bpe(g, pre='smollm'):
    chars = bpe_chars()
    merges = ['h i', 'Ġ h', 'Ġ hi', 'Ġh i', 'a b', 'Ã ©']
    p = ['<|endoftext|>', '<|im_end|>'] + [chars[b] for b in range(256)] + [m.replace(' ', '') for m in merges]
    p = list(dict.fromkeys(p))
    g.set('tokenizer.ggml.model', scalar(STRING, 'gpt2'))
    g.set('tokenizer.ggml.pre', scalar(STRING, pre))
    g.set('tokenizer.ggml.tokens', array(STRING, p))
    g.set('tokenizer.ggml.token_type', array(I32, [3, 3] + [1] * (len(p) - 2)))
    g.set('tokenizer.ggml.merges', array(STRING, merges))
    g.set('tokenizer.ggml.eos_token_id', scalar(U32, 0))
    g.set('tokenizer.ggml.bos_token_id', scalar(U32, 0))
    return len(p)


def add_gemma(g):
    """BPE of characters; returns its pieces and merges."""
    merges = ['\n \n', '▁ ▁', 'h i', 'i ▁', '▁ hi', '▁h i', '▁ h', 'a b', 'b b', 'a bb', 'ab b', '▁▁ ▁', '▁ ▁▁']
    p = ['<pad>', '<eos>', '<bos>', '<unk>', '<|turn>'] + ['<0x%02X>' % i for i in range(256)] + list('\n▁abhié')
    types = [3] * 5 + [6] * 256 + [1] * 99
    p = list(dict.fromkeys(p + [m.replace(' ', '') for m in merges]))
    g.set('tokenizer.ggml.model', scalar(STRING, 'gemma4'))
    g.set('tokenizer.ggml.tokens', array(STRING, p))
    g.set('tokenizer.ggml.token_type', array(I32, types[:len(p)]))
    g.set('tokenizer.ggml.merges', array(STRING, merges))
    g.set('tokenizer.ggml.bos_token_id', scalar(U32, 2))
    g.set('tokenizer.ggml.eos_token_id', scalar(U32, 1))
    g.set('tokenizer.ggml.unknown_token_id', scalar(U32, 3))
    return p, merges


def add_llama(g, n_vocab, kind=0, embd=8, ff=16, heads=2, kv_heads=1, layers=1, ctx=16, tied=False):
    def u32(v):
        return scalar(U32, v)
    dim = embd // heads
    g.kv = [['general.architecture', scalar(STRING, 'llama')],
            ['llama.context_length', u32(ctx)], ['llama.embedding_length', u32(embd)],
            ['llama.block_count', u32(layers)], ['llama.feed_forward_length', u32(ff)],
            ['llama.attention.head_count', u32(heads)], ['llama.attention.head_count_kv', u32(kv_heads)],
            ['llama.rope.dimension_count', u32(dim)],
            ['llama.attention.layer_norm_rms_epsilon', scalar(F32, 1e-5)],
            ['llama.rope.freq_base', scalar(F32, 10000.0)]] + g.kv

    def add(name, *dims):
        n, k = 1, kind if len(dims) > 1 else 0
        for d in dims:
            n *= d
        g.tensors.append([name, list(dims), k, matrix(k, n, len(g.tensors) + 1), None])
    add('token_embd.weight', embd, n_vocab)
    add('output_norm.weight', embd)
    if not tied:
        add('output.weight', embd, n_vocab)
    for i in range(layers):
        b = 'blk.%d.' % i
        add(b + 'attn_norm.weight', embd)
        add(b + 'attn_q.weight', embd, embd)
        add(b + 'attn_k.weight', embd, dim * kv_heads)
        add(b + 'attn_v.weight', embd, dim * kv_heads)
        add(b + 'attn_output.weight', embd, embd)
        add(b + 'ffn_norm.weight', embd)
        add(b + 'ffn_gate.weight', embd, ff)
        add(b + 'ffn_up.weight', embd, ff)
        add(b + 'ffn_down.weight', ff, embd)
    return g


def spm(**how):
    g = Gguf()
    return add_llama(g, add_spm(g), **how)


def bpe(**how):
    g = Gguf()
    return add_llama(g, add_bpe(g), **how)


def bare(kind=0, n_vocab=6, **how):
    """Without a vocabulary: very small."""
    return add_llama(Gguf(), n_vocab, kind, **how)


def as_arch(g, arch):
    """The same file of another architecture."""
    for kv in g.kv:
        kv[0] = kv[0].replace('llama.', arch + '.')
    return g.set('general.architecture', scalar(STRING, arch))


def experts(n=3, used=2, shared=True):
    """A mixture of experts and one for all, norms of heads (qwen3moe)."""
    g = bare(layers=2)
    g.tensors = [t for t in g.tensors if not t[0].split('.')[-2] in ('ffn_gate', 'ffn_up', 'ffn_down')]
    for k, v in ('expert_count', n), ('expert_used_count', used), ('expert_feed_forward_length', 4):
        g.set('llama.' + k, scalar(U32, v))
    for i in range(2):
        parts = [('ffn_gate_inp.weight', 8, n), ('ffn_gate_exps.weight', 8, 4, n), ('ffn_up_exps.weight', 8, 4, n),
                 ('ffn_down_exps.weight', 4, 8, n), ('ffn_up_exps.bias', 4, n), ('attn_q_norm.weight', 4), ('attn_k_norm.weight', 4)]
        if shared:
            parts += [('ffn_gate_shexp.weight', 8, 5), ('ffn_up_shexp.weight', 8, 5), ('ffn_down_shexp.weight', 5, 8),
                      ('ffn_gate_inp_shexp.weight', 8)]
        add_tensors(g, i, parts)
    return as_arch(g, 'qwen3moe')


def fused():
    """One matrix for queries, keys and values; learned positions; biases (gpt2)."""
    g = bare(layers=1)
    g.tensors = [t for t in g.tensors if not t[0].split('.')[-2] in ('attn_q', 'attn_k', 'attn_v', 'ffn_gate')]
    add_tensors(g, 0, [('attn_qkv.weight', 8, 16), ('attn_qkv.bias', 16), ('attn_norm.bias', 8), ('ffn_up.bias', 16)])
    g.tensors.append(['position_embd.weight', [8, 16], 0, matrix(0, 128, 77), None])
    return as_arch(g, 'gpt2')


def windows():
    """Sliding windows, caps, norms behind (gemma3)."""
    g = bare(layers=3)
    for k, v in ('attention.sliding_window', scalar(U32, 2)), ('attn_logit_softcapping', scalar(F32, 5.0)), \
            ('final_logit_softcapping', scalar(F32, 3.0)), ('attention.sliding_window_pattern', array(BOOL, [1, 0, 1])):
        g.set('llama.' + k, v)
    for i in range(3):
        add_tensors(g, i, [('post_attention_norm.weight', 8), ('post_ffw_norm.weight', 8), ('attn_q_norm.weight', 8), ('attn_k_norm.weight', 4)])
    return as_arch(g, 'gemma3')


def stretched():
    """Two sets of rope factors, gate and up in one matrix (phi3)."""
    g = bare(ctx=16)
    g.tensors = [t for t in g.tensors if not t[0].split('.')[-2] in ('ffn_gate', 'ffn_up')]
    add_tensors(g, 0, [('ffn_up.weight', 8, 32)])
    for name in 'rope_factors_long.weight', 'rope_factors_short.weight':
        g.tensors.append([name, [2], 0, struct.pack('<2f', 1, 2), None])
    g.set('llama.rope.scaling.type', scalar(STRING, 'longrope'))
    g.set('llama.rope.scaling.original_context_length', scalar(U32, 2))
    return as_arch(g, 'phi3')


def add_tensors(g, layer, parts):
    for name, *dims in parts:
        n = 1
        for d in dims:
            n *= d
        g.tensors.append(['blk.%d.%s' % (layer, name), dims, 0, matrix(0, n, len(g.tensors) + 1), None])


def vocab_only(add, **how):
    g = Gguf()
    g.set('general.architecture', scalar(STRING, 'llama'))
    add(g, **how)
    return g


CHATML = ("{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")


def chat(template=CHATML):
    g = vocab_only(add_bpe)
    p = ['<|endoftext|>', '<|im_end|>', '<|im_start|>', *bpe_chars().values()]
    g.set('tokenizer.ggml.tokens', array(STRING, p)).set('tokenizer.ggml.merges', array(STRING, []))
    g.set('tokenizer.ggml.token_type', array(I32, [3, 3, 3] + [1] * 256))
    return g.set('tokenizer.chat_template', scalar(STRING, template))


def llama2c(version=0, dim=8, hidden=8, layers=2, heads=2, kv_heads=1, vocab=6, seq=16, tied=True, group=4):
    head, kv = dim // heads, dim // heads * kv_heads
    ints = [dim, hidden, layers, heads, kv_heads, vocab if tied or version else -vocab, seq]
    norm = [dim * layers, dim * layers, dim]
    att = [layers * dim * dim, layers * kv * dim, layers * kv * dim, layers * dim * dim]
    ffn = [layers * dim * hidden] * 3
    out = [] if tied else [vocab * dim]

    def floats(n, seed):
        return struct.pack('<%df' % n, *noise(n, seed))
    if version == 0:
        n = [vocab * dim, norm[0]] + att + [norm[1]] + ffn + [norm[2], seq * head] + out
        return struct.pack('<7i', *ints) + b''.join(floats(x, i) for i, x in enumerate(n))
    head = struct.pack('<I', 0x616b3432)
    head += struct.pack('<8iB', version, *ints, tied) + (struct.pack('<i', group) if version == 2 else b'')
    head = head.ljust(256, b'\0')
    if version == 1:
        n = norm + [vocab * dim] + att + ffn + out
        return head + b''.join(floats(x, i) for i, x in enumerate(n))
    body = b''.join(floats(x, i) for i, x in enumerate(norm))
    mats = [(vocab * dim, 1)] + [(x // layers, layers) for x in att + ffn] + [(x, 1) for x in out]
    for i, (n, times) in enumerate(mats):
        for l in range(times):
            body += bytes(int((x + 0.5) * 255) for x in noise(n, 9 * i + l)) + struct.pack('<%df' % (n // group), *[0.01] * (n // group))
    return head + body


def tokenizer_bin(full=True):
    p = spm_pieces(full)
    p[1], p[2] = (b'\n<s>\n', 0.0, 3), (b'\n</s>\n', 0.0, 3)
    p = [(s.replace('▁'.encode(), b' '), score) for s, score, _ in p]
    return struct.pack('<i', max(len(s) for s, _ in p)) + \
        b''.join(struct.pack('<fi', score, len(s)) + s for s, score in p)


TYPES = {'f32': 0, 'f16': 1, 'bf16': 30, 'q4_0': 2, 'q4_1': 3, 'q5_0': 6, 'q5_1': 7, 'q8_0': 8}
KINDS = {
    'spm': lambda: spm().bytes(),
    'bpe': lambda: bpe().bytes(),
    'bare': lambda: bare().bytes(),
    'tied': lambda: bare(tied=True, layers=2).bytes(),
    'experts': lambda: experts().bytes(),
    'fused': lambda: fused().bytes(),
    'windows': lambda: windows().bytes(),
    'stretched': lambda: stretched().bytes(),
    'vocab-spm': lambda: vocab_only(add_spm).bytes(),
    'chat': lambda: chat().bytes(),
    'vocab-bpe': lambda: vocab_only(add_bpe).bytes(),
    'llama2c-0': lambda: llama2c(0),
    'llama2c-0-untied': lambda: llama2c(0, tied=False),
    'llama2c-1': lambda: llama2c(1),
    'llama2c-2': lambda: llama2c(2),
    'tokenizer.bin': tokenizer_bin,
}
for _name, _kind in TYPES.items():
    _how = {'embd': 32, 'ff': 32, 'heads': 4, 'kv_heads': 2} if FORMATS[_kind][0] > 1 else {}
    KINDS[_name] = lambda kind=_kind, how=_how: bare(kind, tied=True, **how).bytes()


def seeds(where):
    def put(harness, name, data):
        d = os.path.join(where, harness)
        os.makedirs(d, exist_ok=True)
        with open(os.path.join(d, name), 'wb') as f:
            f.write(data)

    for name in [*TYPES, 'bare', 'tied', 'experts', 'fused', 'windows', 'stretched']:
        put('gguf', name, KINDS[name]())
    more = bare()
    more.set('llama.rope.scaling.type', scalar(STRING, 'linear')).set('llama.rope.scaling.factor', scalar(F32, 2.0))
    more.set('general.alignment', scalar(U32, 32)).set('llama.attention.key_length', scalar(U32, 4))
    for part, n in ('attn_q', 8), ('attn_k', 4), ('attn_v', 4), ('attn_output', 8), ('ffn_gate', 16), ('ffn_up', 16), ('ffn_down', 8):
        more.tensors.append(['blk.0.%s.bias' % part, [n], 0, matrix(0, n, n), None])
    more.tensors.append(['rope_freqs.weight', [2], 0, struct.pack('<2f', 1, 2), None])
    put('gguf', 'biases', more.bytes())
    for name in 'llama2c-0', 'llama2c-0-untied', 'llama2c-1', 'llama2c-2':
        put('llama2c', name, KINDS[name]())
    put('llama2c', 'v2-untied', llama2c(2, tied=False, layers=1))

    words = 'hi ab  é\u2581\t\n</s>x'.encode() + b'\xff\xe2\x96'
    for full in True, False:
        put('vocab_bin', 'full' if full else 'small', bytes([len(words)]) + words + tokenizer_bin(full))
        put('vocab_gguf', 'spm' if full else 'spm-small', bytes([len(words)]) + words + vocab_only(add_spm, full=full).bytes())
    for pre in 'smollm', 'gpt-2', 'llama-bpe', 'qwen2', 'deepseek-coder', 'default':
        put('vocab_gguf', 'bpe-' + pre, bytes([len(words)]) + words + vocab_only(add_bpe, pre=pre).bytes())
    user = vocab_only(add_spm, full=False)
    user.set('tokenizer.ggml.token_type', array(I32, [2, 3, 3] + [4, 1] * 6)).set('general.name', scalar(STRING, 'Phi-3'))
    user.set('tokenizer.ggml.add_space_prefix', scalar(BOOL, 0)).set('tokenizer.ggml.add_bos_token', scalar(BOOL, 0))
    put('vocab_gguf', 'spm-user', bytes([len(words)]) + words + user.bytes())

    put('tokens', 'plain', b'# llm-tokens 1\n# model m.bin\n# vocab 2048 9f86d081884c7d65\n1 351 1032 7\n\n@2 5/-0.25 6\t7\n@0\n8')
    put('tokens', 'odd', b'#\n# a comment\n#llm-tokens 2\n \t \n2147483647/nan\n@1 @2\n')
    head = b'llm-logits 1\nmodel m.bin\nvocab 3 9f86d081884c7d65\nrows logits f32le 3\neog 2 0\nreply /x/y\nodd key\n\n'

    def row(seq, pos, tok, flags, *x):
        return struct.pack('<4I%df' % len(x), seq, pos, tok, flags, *x)
    rows = row(0, 0, 1, 0, 1, 2, 3) + row(0, 1, 1, 1, 3, 2, 1) + row(0, 2, 0, 2, 0, 9, float('-inf')) + \
        row(1, 0, 1, 1, 2, 2, 2) + row(1, 1, 0, 6, 0, 0, 0)
    for bits in 0, 1, 2, 4, 16 + 4, 32 + 8, 64 + 8, 127:
        put('rows', 'options-%d' % bits, bytes([bits, 2, 7]) + head + rows)
    put('turns', 'batch', bytes([0, 0]) + b'# llm-tokens 1\n# vocab 11 0123456789abcdef\n1 2 3\n4\n\n5 6/-1\n@1 7\n@1\n' + b'1 ' * 38)
    put('turns', 'all', bytes([2, 0]) + b'1 2 3\n4\n\n5 6/-1\n@1 7\n@1\n')
    put('turns', 'chat', bytes([1, 64]) + b'1 2 3\n4\n\n5 6\n' + b'# llm-tokens 1\n5\n6\n\n@2 7 8\n\n\n')
    some = [b'', b'Hello  world\n', words, 'ÀÉ straße 12345 \u3042漢字한글 ١٢٣'.encode(), b"I'll don't 'LL we've   \t\r\n  x/\n//", bytes(range(256))]
    for i, s in enumerate(some):
        put('pretok', 'text-%d' % i, s)
        put('vocab_text', 'text-%d' % i, bytes([i]) + s)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == 'chat':
        with open(sys.argv[3], 'rb') as t, open(sys.argv[2], 'wb') as f:
            f.write(chat(t.read()).bytes())
        return
    if len(sys.argv) != 3 or sys.argv[1] not in [*KINDS, 'seeds']:
        sys.exit(__doc__ + 'kinds: ' + ' '.join(KINDS))
    if sys.argv[1] == 'seeds':
        seeds(sys.argv[2])
    else:
        with open(sys.argv[2], 'wb') as f:
            f.write(KINDS[sys.argv[1]]())


if __name__ == '__main__':
    main()
