"""convert260k.py MODEL TOKENIZER FOLDER: llama2.c's stories260K, a legacy file, rewritten as

    v1.bin      llama2.c version 1, float32
    v2.bin      llama2.c version 2, int8 in groups of 64
    v2f.gguf    GGUF F32 with what v2.bin's numbers stand for
    f32.gguf    GGUF F32, the vocabulary in it

Written from the formats' own descriptions, nothing from lib/."""
import struct, sys
from array import array

GROUP = 64
source, tokenizer, folder = sys.argv[1:]
dim, hidden, layers, heads, kv_heads, vocab, seq = struct.unpack('<7i', open(source, 'rb').read(28))
kv = dim // heads * kv_heads
numbers = array('f', open(source, 'rb').read()[28:])
if sys.byteorder == 'big':
    numbers.byteswap()

# The arrays of the legacy file, in its order: name, rows, columns, layers.
ARRAYS = (('token_embd', vocab, dim, 0), ('attn_norm', 1, dim, layers), ('attn_q', dim, dim, layers),
          ('attn_k', kv, dim, layers), ('attn_v', kv, dim, layers), ('attn_output', dim, dim, layers),
          ('ffn_norm', 1, dim, layers), ('ffn_gate', hidden, dim, layers),
          ('ffn_down', dim, hidden, layers), ('ffn_up', hidden, dim, layers), ('output_norm', 1, dim, 0))
# The order of versions 1 and 2: first the norms.
ORDER = ('attn_norm', 'ffn_norm', 'output_norm', 'token_embd', 'attn_q', 'attn_k', 'attn_v',
         'attn_output', 'ffn_gate', 'ffn_down', 'ffn_up')


def little(a):
    if sys.byteorder == 'big':
        a = array(a.typecode, a)
        a.byteswap()
    return a.tobytes()


def quantize(x):
    """int8 numbers, their scales, and the float32 that they stand for."""
    q, scales, back = array('b'), array('f'), array('f')
    for at in range(0, len(x), GROUP):
        group = x[at:at + GROUP]
        scales.append(max(map(abs, group)) / 127 or 1)
        q.extend(round(v / scales[-1]) for v in group)
        back.extend(v * scales[-1] for v in q[at:])
    return q, scales, back


def tensors():
    """name -> the layers' arrays."""
    at, found = 0, {}
    for name, rows, columns, n in ARRAYS:
        size = rows * columns
        found[name] = [numbers[at + i * size:at + (i + 1) * size] for i in range(n or 1)]
        at += size * (n or 1)
    return found


def version1(t):
    head = struct.pack('<Ii7iB', 0x616b3432, 1, dim, hidden, layers, heads, kv_heads, vocab, seq, 1)
    return head.ljust(256, b'\0') + b''.join(little(x) for name in ORDER for x in t[name])


def version2(t):
    """The file, and the tensors as its reader sees them."""
    out = struct.pack('<Ii7iBi', 0x616b3432, 2, dim, hidden, layers, heads, kv_heads, vocab, seq, 1,
                      GROUP).ljust(256, b'\0')
    seen = {}
    for name in ORDER:
        if name.endswith('norm'):
            seen[name] = t[name]
            out += b''.join(little(x) for x in t[name])
            continue
        seen[name] = []
        for x in t[name]:
            q, scales, back = quantize(x)
            out += q.tobytes() + little(scales)
            seen[name].append(back)
    return out, seen


def pieces():
    """(spelling, score, type) by id, as GGUF has them."""
    d, at = open(tokenizer, 'rb').read(), 4
    for i in range(vocab):
        score, n = struct.unpack_from('<fi', d, at)
        text = d[at + 8:at + 8 + n]
        at += 8 + n
        if i < 3:
            yield (b'<unk>', b'<s>', b'</s>')[i], 0.0, 2 if i == 0 else 3
        elif i < 259:
            yield text, score, 6
        else:
            yield text.replace(b' ', '\u2581'.encode()), score, 1


def gguf(t):
    def string(b):
        return struct.pack('<Q', len(b)) + b

    def u32(v):
        return struct.pack('<II', 4, v)

    def many(kind, items):
        return struct.pack('<IIQ', 9, kind, len(items)) + b''.join(items)

    p = list(pieces())
    keys = {
        'general.architecture': struct.pack('<I', 8) + string(b'llama'),
        'llama.context_length': u32(seq), 'llama.embedding_length': u32(dim),
        'llama.block_count': u32(layers), 'llama.feed_forward_length': u32(hidden),
        'llama.attention.head_count': u32(heads), 'llama.attention.head_count_kv': u32(kv_heads),
        'llama.rope.dimension_count': u32(dim // heads),
        'llama.attention.layer_norm_rms_epsilon': struct.pack('<If', 6, 1e-5),
        'tokenizer.ggml.model': struct.pack('<I', 8) + string(b'llama'),
        'tokenizer.ggml.tokens': many(8, [string(s) for s, _, _ in p]),
        'tokenizer.ggml.scores': many(6, [struct.pack('<f', v) for _, v, _ in p]),
        'tokenizer.ggml.token_type': many(5, [struct.pack('<i', k) for _, _, k in p]),
        'tokenizer.ggml.bos_token_id': u32(1), 'tokenizer.ggml.eos_token_id': u32(2),
    }
    shapes = {name: (rows, columns, n) for name, rows, columns, n in ARRAYS}
    infos, data = b'', b''
    for name in sorted(t):
        rows, columns, n = shapes[name]
        for i, x in enumerate(t[name]):
            full = ('blk.%d.%s.weight' % (i, name) if n else name + '.weight').encode()
            dims = (columns,) if rows == 1 else (columns, rows)
            infos += string(full) + struct.pack('<I%dQIQ' % len(dims), len(dims), *dims, 0, len(data))
            data += little(x)
            data += b'\0' * (-len(data) % 32)
    head = struct.pack('<4sIQQ', b'GGUF', 3, sum(map(len, t.values())), len(keys))
    head += b''.join(string(k.encode()) + v for k, v in keys.items()) + infos
    return head + b'\0' * (-len(head) % 32) + data


def save(name, content):
    with open(folder + '/' + name, 'wb') as f:
        f.write(content)


t = tensors()
v2, seen = version2(t)
save('v1.bin', version1(t))
save('v2.bin', v2)
save('v2f.gguf', gguf(seen))
save('f32.gguf', gguf(t))
