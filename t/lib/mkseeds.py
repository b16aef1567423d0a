#!/usr/bin/env python3
"""mkseeds.py FOLDER: seeds of the fuzz harnesses adapter, regex, state, vocab_json, vocab_sp, and vocab_gguf's Unigram."""
import glob
import json
import os
import struct
import sys

import mkadapter
import mkgguf
from charsmap import charsmap

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, '..', 'fixtures')
WORDS = 'hi ab  é\u2581\t\n</s>x12 [X] '.encode() + b'\xff\xe2\x96'


def put(folder, harness, name, data):
    os.makedirs(os.path.join(folder, harness), exist_ok=True)
    with open(os.path.join(folder, harness, name), 'wb') as f:
        f.write(data)


def state(numbers, array_bytes, n=17, more=''):
    """What llm-fwd -S writes of t/fuzz/tiny.h's model, whose arrays have that many bytes."""
    head = ('llm-state 1\nmodel m\nvocab 11\nfits 5a\ntokens %d\nroom 256\narrays 2\narray_bytes %d\ndata 256\n%s\n'
            % (n, array_bytes, more)).encode()
    ids = b''.join(struct.pack('<I', i * 3 % 11) for i in range(n))
    return (head + ids).ljust(256, b'\0') + (numbers * array_bytes)[:2 * array_bytes]


def small(name):
    """A model of the same kind, with fewer pieces."""
    m = json.load(open(os.path.join(FIXTURES, 'tokenizer', name + '.json'), encoding='utf-8'))
    if m['type'] == 'Unigram':
        m['vocab'] = m['vocab'][:3] + m['vocab'][-30:]
        return m
    keep = list('abhix12 é▁ĠÃ©Â') + ['ab', 'hi', 'Ġa', 'Ġab', '▁a', '<unk>', '</s>', '<0xC3>', '<0xA9>', 'b</w>', 'i</w>']
    m['vocab'] = {p: i for i, p in enumerate(keep)}
    m['merges'] = [['a', 'b'], ['h', 'i'], ['Ġ', 'a'], ['Ġa', 'b'], ['▁', 'a']]
    return m


def adapters(out):
    def seed(name, base, adapter):
        base = base.bytes()
        put(out, 'adapter', name, struct.pack('<H', len(base)) + base + adapter)
    for name, base, adapter in ('bare', mkgguf.bare(), mkadapter.bare()), ('few', mkgguf.bare(), mkadapter.bare(['attn_k', 'ffn_down'], kind=1)), \
            ('embeddings', mkgguf.bare(tied=True), mkadapter.embeddings()), ('experts', mkgguf.experts(), mkadapter.experts()), \
            ('fused', mkgguf.fused(), mkadapter.fused()):
        seed(name, base, adapter.bytes())
    for name, base, config, tensors in ('peft', mkgguf.bare(), mkadapter.config(use_rslora=True), mkadapter.tensors()), \
            ('peft-embeddings', mkgguf.bare(), mkadapter.config(bias='none', modules_to_save=None), mkadapter.embedding_tensors()), \
            ('peft-experts', mkgguf.experts(), mkadapter.config(target_parameters=['gate_up_proj', 'down_proj']), mkadapter.expert_tensors()), \
            ('peft-patterns', mkgguf.bare(), mkadapter.config(r=9, rank_pattern={'[a-z].*': 2}, alpha_pattern={'q_proj': 4, '(k|v)_proj': 5}),
             mkadapter.tensors(['attn_q', 'attn_v', 'ffn_up'])):
        seed(name, base, json.dumps(config, separators=(',', ':')).encode() + b'\0' + mkadapter.safetensors(tensors))


def main():
    out = sys.argv[1]
    adapters(out)
    lines = open(os.path.join(FIXTURES, 'tokenizer', 'tokenizers.txt'), encoding='utf-8').read().split('\n')
    for i, line in enumerate(lines):
        if not line.startswith('# '):
            continue
        _, name, model = line.split(' ')
        if name.startswith(('split_', 'punctuation_')) and not name.endswith(('invert', 'empty')):
            continue
        d = json.loads(lines[i + 1])
        d.pop('post_processor', None)
        d['model'] = small(model)
        for k, a in enumerate(d.get('added_tokens', [])):
            a['id'] = 40 + k
        put(out, 'vocab_json', name, bytes([len(WORDS)]) + WORDS + json.dumps(d, ensure_ascii=False, separators=(',', ':')).encode())
    for path in glob.glob(os.path.join(FIXTURES, 'sentencepiece', '*.model')):
        data = open(path, 'rb').read()
        if len(data) < 5000:
            put(out, 'vocab_sp', os.path.basename(path)[:-6], bytes([len(WORDS)]) + WORDS + data)
    g = mkgguf.vocab_only(mkgguf.add_spm, full=False)
    g.set('tokenizer.ggml.model', mkgguf.scalar(mkgguf.STRING, 't5')).set('tokenizer.ggml.remove_extra_whitespaces', mkgguf.scalar(mkgguf.BOOL, 1))
    g.set('tokenizer.ggml.precompiled_charsmap', mkgguf.array(mkgguf.U8, list(charsmap({b'h': b'a ', b'ab': b'b'})[:-1]) + [0]))
    put(out, 'vocab_gguf', 't5', bytes([len(WORDS)]) + WORDS + g.bytes())
    put(out, 'vocab_gguf', 'gemma4', bytes([len(WORDS)]) + WORDS + mkgguf.vocab_only(mkgguf.add_gemma).bytes())
    for bits, sizes in ((0, [1216]), (1, [2240])):
        for size in sizes:
            put(out, 'state', '%d' % size, bytes([bits + 2 * 9]) + state(b'\1\x3c\2\xbc', size))
            put(out, 'state', '%d-nan' % size, bytes([bits + 2 * 20]) + state(b'\xff', size, 20, 'long yes\n'))
    seen = set()
    for i, line in enumerate(open(os.path.join(FIXTURES, 'tokenizer', 'regex.txt'), encoding='utf-8')):
        pattern, text, _ = (json.loads(x).encode() for x in line.split('\t'))
        if len(pattern) < 256 and pattern not in seen and len(seen) < 60:
            seen.add(pattern)
            put(out, 'regex', '%03d' % i, bytes([len(pattern)]) + pattern + text)


main()
