"""gguf_info.py MODEL.gguf: what llm-fwd -i must say of a model, as the package gguf reads it."""
import collections, sys
from gguf import GGUFReader

r = GGUFReader(sys.argv[1])
value = lambda key: r.get_field(key).contents()
arch = value('general.architecture')
print('arch', arch)
print('layers', value(arch + '.block_count'))
print('width', value(arch + '.embedding_length'))
print('heads', value(arch + '.attention.head_count'))
print('context', value(arch + '.context_length'))
types = collections.defaultdict(lambda: [0, 0])
for t in r.tensors:
    types[t.tensor_type.name][0] += int(t.n_elements)
    types[t.tensor_type.name][1] += int(t.n_bytes)
total = sum(b for _, b in types.values())
for name, (n, b) in sorted(types.items(), key=lambda kv: -kv[1][1]):
    print('type %s %d %d %.1f' % (name, n, b, 100 * b / total))
print('params', sum(n for n, _ in types.values()))
print('bytes', total)
