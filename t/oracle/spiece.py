#!/usr/bin/env python3
"""tokenizer.model, and Unigrams in GGUF files, against the library sentencepiece.

  spiece.py [-n STRINGS] [MODEL...]     models given, and models trained here on this tree's texts:
                                               Unigram and BPE, with every setting of the normalizer
  spiece.py -f FOLDER                   write the tiny models and their cases for the suite

llm-tok is found by PATH; without control tokens.
"""
import argparse
import glob
import io
import os
import random
import subprocess
import sys
import tempfile

import sentencepiece as sp

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'lib'))
sys.dont_write_bytecode = True
import mkgguf

CHARS = "abcdefghijklmnopqrstuvwxyzTHE0123.,:;!?'\"-_<>[]   \n\t\u00a0\u3000éüßİα日本ひ한국\u0301\u0308\u200bﬁ①½Ⅷ²ａ😀👩‍👩‍👧\r\u0915\u094dｶﾞ<sep>"
WORDS = ['the ', 'of', ' and', 'function', 'return', 'models', '<sep>', '<x y>', 'ee', '  ', ' ', 'tokens', 'e\u0301', 'u\u0308']
SETTINGS = {
    'unigram': {'model_type': 'unigram'},
    'unigram_bytes': {'model_type': 'unigram', 'byte_fallback': True},
    'unigram_identity': {'model_type': 'unigram', 'normalization_rule_name': 'identity', 'remove_extra_whitespaces': False},
    'unigram_user': {'model_type': 'unigram', 'user_defined_symbols': ['<sep>', '<x y>', 'ee', '▁▁'], 'control_symbols': ['<ctl>']},
    'unigram_plain': {'model_type': 'unigram', 'add_dummy_prefix': False, 'normalization_rule_name': 'nfkc_cf'},
    'bpe': {'model_type': 'bpe'},
    'bpe_bytes': {'model_type': 'bpe', 'byte_fallback': True, 'normalization_rule_name': 'identity', 'remove_extra_whitespaces': False,
                  'user_defined_symbols': ['<sep>', '<x y>', 'ee', '▁▁']},
    'bpe_user': {'model_type': 'bpe', 'user_defined_symbols': ['<sep>', '<x y>', 'ee', '▁▁'], 'byte_fallback': True},
    'bpe_plain': {'model_type': 'bpe', 'add_dummy_prefix': False, 'remove_extra_whitespaces': False, 'split_by_whitespace': False},
}


def train(name, tiny=False):
    lines = []
    for path in sorted(glob.glob(os.path.join(HERE, '..', '..', 'man', '*.[157]')) + glob.glob(os.path.join(HERE, '..', '..', 'lib', '*.[ch]'))):
        if 'tables' not in path and 'grids' not in path and 'unicode_' not in path:
            lines += open(path, encoding='utf-8').read().split('\n')
    out = io.BytesIO()
    more = dict(SETTINGS[name])
    if tiny:
        more['normalization_rule_tsv'] = os.path.join(tempfile.gettempdir(), 'tiny.tsv')
        with open(more['normalization_rule_tsv'], 'w', encoding='utf-8') as f:
            for a, b in ('ﬁ', 'fi'), ('①', '1'), ('e\u0301', 'é'), ('\t', ' '), ('\n', ' '), ('\u3000', ' '), ('\u200b', ''), ('½', '1 2'), ('ｶﾞ', 'ガ'), ('ｶ', 'カ'):
                print(' '.join('%X' % ord(c) for c in a), ' '.join('%X' % ord(c) for c in b), sep='\t', file=f)
        if more.get('normalization_rule_name') == 'identity':
            del more['normalization_rule_tsv']
        else:
            more.pop('normalization_rule_name', None)
    byte = 256 if more.get('byte_fallback') else 0
    sp.SentencePieceTrainer.train(sentence_iterator=iter([s for s in lines if s]), model_writer=out, vocab_size=(220 if tiny else 1500) + byte,
                                  character_coverage=.995 if tiny else .9995, hard_vocab_limit=False, minloglevel=2, num_threads=1, **more)
    return out.getvalue()


def texts(n, seed):
    r = random.Random(seed)
    for _ in range(n):
        yield ''.join(r.choice(WORDS) if r.random() < .5 else ''.join(r.choice(CHARS) for _ in range(r.randrange(1, 5)))
                      for _ in range(r.randrange(1, 9)))


def ours(path, todo):
    data = '\0\0'.join(todo).encode() + b'\0'
    p = subprocess.run(['llm-tok', '-qz', path], input=data, capture_output=True)
    if p.returncode:
        sys.exit('%s: %s' % (path, p.stderr.decode()))
    return [[int(i) for i in line.split()] for line in p.stdout.decode().split('\n')[::2]]


def as_gguf(m, blob):
    """What convert_hf_to_gguf.py makes of a Unigram."""
    from gguf_sp import charsmap_of, flag_of
    g = mkgguf.Gguf()
    n = m.vocab_size()
    types = [2 if m.is_unknown(i) else 3 if m.is_control(i) else 5 if m.is_unused(i) else 6 if m.is_byte(i) else 1 for i in range(n)]
    key = 'tokenizer.ggml.'
    g.set('general.architecture', mkgguf.scalar(mkgguf.STRING, 't5'))
    g.set(key + 'model', mkgguf.scalar(mkgguf.STRING, 't5'))
    g.set(key + 'tokens', mkgguf.array(mkgguf.STRING, [m.id_to_piece(i) for i in range(n)]))
    g.set(key + 'scores', mkgguf.array(mkgguf.F32, [m.get_score(i) for i in range(n)]))
    g.set(key + 'token_type', mkgguf.array(mkgguf.I32, types))
    g.set(key + 'unknown_token_id', mkgguf.scalar(mkgguf.U32, m.unk_id()))
    g.set(key + 'eos_token_id', mkgguf.scalar(mkgguf.U32, m.eos_id()))
    g.set(key + 'add_space_prefix', mkgguf.scalar(mkgguf.BOOL, flag_of(blob, 3)))
    g.set(key + 'remove_extra_whitespaces', mkgguf.scalar(mkgguf.BOOL, flag_of(blob, 4)))
    if charsmap_of(blob):
        g.set(key + 'precompiled_charsmap', mkgguf.array(mkgguf.U8, list(charsmap_of(blob))))
    return g.bytes()


def compare(what, path, m, todo):
    bos = [m.bos_id()] if m.bos_id() >= 0 and path.endswith('.model') else []
    got = ours(path, todo)
    wrong = [(t, bos + m.encode(t), g) for t, g in zip(todo, got) if bos + m.encode(t) != g]
    print('%s: %d strings, %d differ' % (what, len(todo), len(wrong)), flush=True)
    for t, w, g in sorted(wrong, key=lambda c: len(c[0]))[:2]:
        print('  %r: %s, not %s' % (t, [m.id_to_piece(i) for i in g], [m.id_to_piece(i) for i in w]))
    return len(wrong)


def escaped(text):
    return ''.join(chr(b) if 32 < b < 127 and b not in b"\\%" else '\\0%03o' % b for b in text.encode())


def write(folder):
    for i, name in enumerate(('unigram_user', 'bpe_user', 'unigram_bytes', 'bpe_plain', 'bpe_bytes')):
        blob = train(name, True)
        m = sp.SentencePieceProcessor(model_proto=blob)
        with open(os.path.join(folder, name + '.model'), 'wb') as f:
            f.write(blob)
        with open(os.path.join(folder, name + '.cases'), 'w') as f:
            for t in [*texts(23, i), ''.join(texts(300, i))]:  # the last is long enough to be cut
                print(escaped(t), ' '.join(map(str, [m.bos_id()] + m.encode(t))), sep='\t', file=f)


def main():
    a = argparse.ArgumentParser()
    a.add_argument('-n', type=int, default=20000)
    a.add_argument('-s', type=int, default=1)
    a.add_argument('-f')
    a.add_argument('model', nargs='*')
    a = a.parse_args()
    if a.f:
        write(a.f)
        return 0
    todo, bad = list(texts(a.n, a.s)), 0
    for path in a.model:
        bad += compare(path, path, sp.SentencePieceProcessor(path), todo)
    with tempfile.TemporaryDirectory() as d:
        for name in SETTINGS:
            blob = train(name)
            m = sp.SentencePieceProcessor(model_proto=blob)
            path = os.path.join(d, name)
            os.mkdir(path)
            with open(os.path.join(path, 'tokenizer.model'), 'wb') as f:
                f.write(blob)
            bad += compare(name, os.path.join(path, 'tokenizer.model'), m, todo)
            if 'unigram' in name and name != 'unigram_user': # user-defined pieces are not marked there
                with open(os.path.join(path, 'x.gguf'), 'wb') as f:
                    f.write(as_gguf(m, blob))
                bad += compare(name + ' in GGUF', os.path.join(path, 'x.gguf'), m, todo)
    return bad > 0


sys.exit(main())
