#!/usr/bin/env python3
"""Feed broken tokenizer.json and tokenizer.model files to llm-tok and llm-detok; print what went wrong. See badinput.py.

usage: badvocab.py GROUP    in an empty folder, with the programs in $PATH
"""
import base64
import json
import os
import random
import struct

import badinput
from badinput import case
from charsmap import charsmap

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../fixtures')
count = 0


def tokenizer(name, body, words=(), status=1, beside=None, file='tokenizer.json', programs=('llm-tok', 'llm-detok')):
    """A folder with that file, for the programs; where it is right, every line is answered."""
    global count
    count += 1
    path = '%03d.dir' % count
    os.mkdir(path)
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    for f, b in {file: body, **(beside or {})}.items():
        badinput.file(os.path.join(path, f), b if isinstance(b, bytes) else json.dumps(b).encode())
    for p in programs:
        case('%s (%s)' % (name, p), [p, path], badinput.INPUT[p] if p == 'llm-tok' else b'1 2\n', status,
             (path, *words) if status else (), bool if not status or {'grow', 'key "a" stands twice', 'key "p50" stands twice'} & set(words) else b'')  # the header is complete


def bpe(**more):
    m = {'type': 'BPE', 'vocab': {p: i for i, p in enumerate(['<unk>', 'a', 'b', ' ', 'h', 'i', 'ab'])}, 'merges': [['a', 'b']], 'unk_token': '<unk>'}
    return {'model': {**m, **more}}


def unigram(**more):
    return {'model': {'type': 'Unigram', 'unk_id': 0, 'vocab': [['<unk>', 0], ['a', -1.5], ['b', -2], ['hi', -3]], **more}}


def long_bpe(vocab, merges):
    """BPE with more behind its merges, so that these can be looked at in chunks."""
    text = json.dumps({'model': {'type': 'BPE', 'merges': [], 'vocab': {p: i for i, p in enumerate(vocab)}}}, ensure_ascii=False)
    return text.encode().replace(b'"merges": [], ', b'').replace(b'}}}', b'}, "merges": [' + b', '.join(merges + merges[:1]) + b'], "more": "' + b'x' * 200 + b'"}}')


def added(**more):
    return {**bpe(), 'added_tokens': [{'id': 7, 'content': '<x>', 'special': True, **more}]}


def with_(**more):
    return {**bpe(), **more}


def good():
    tokenizer('bpe', bpe(), status=0)
    tokenizer('merges as text', bpe(merges=['a b']), status=0)
    signs = bpe(vocab={p: i for i, p in enumerate(['<unk>', 'a', '"', '\\', ']', '}', ':', '"\\', '\\"', ']}', '":', ':"'])},
                merges=[['"', '\\'], ['\\', '"'], [']', '}'], [']}', 'a'], ['"', ':']] * 9)
    for indent in None, 1:
        tokenizer('merges that look like the end of theirs', json.dumps(signs, indent=indent).encode(), status=0)
    tokenizer('unigram', unigram(), status=0)
    tokenizer('scores of any size', unigram(vocab=[['<unk>', 0], ['a', 1e29], ['b', -1e29], ['ab', 1]]), status=0)
    tokenizer('added', added(), status=0)
    tokenizer('nulls', with_(normalizer=None, pre_tokenizer=None, decoder=None, post_processor=None, added_tokens=None), status=0)
    tokenizer('ids far apart', bpe(vocab={'<unk>': 0, 'a': 1, 'b': 2, 'ab': 60000}), status=0)
    tokenizer('a piece of a megabyte', unigram(vocab=[['<unk>', 0], ['a', -1], ['b', -1], ['a' * 1000000, -1]]), status=0)
    tokenizer('an added token of a megabyte', added(content='x' * 1000000), status=0)
    tokenizer('unknown keys', with_(truncation={'x': 1}, version='9'), status=0)
    for name in 'unigram_user', 'bpe_user', 'bpe_plain':
        tokenizer(name, open(os.path.join(FIXTURES, 'sentencepiece', name + '.model'), 'rb').read(), status=0, file='tokenizer.model')


def tokenizer_json():
    for name, body, words in (
            ('empty object', {}, ["'model' is missing"]),
            ('model a list', {'model': []}, ["'model' is missing"]),
            ('no vocabulary', {'model': {'type': 'BPE', 'merges': []}}, ['model.vocab']),
            ('vocabulary empty', bpe(vocab={}), ['model.vocab']),
            ('vocabulary a list', bpe(vocab=[['a', 0]]), ['model.vocab']),
            ('no merges', bpe(merges=None), ['model.merges']),
            ('id negative', bpe(vocab={'a': -1}), ['id']),
            ('id a fraction', bpe(vocab={'a': .5}), ['id']),
            ('id text', bpe(vocab={'a': '0'}), ['id']),
            ('id null', bpe(vocab={'a': None}), ['id']),
            ('id huge', bpe(vocab={'a': 1 << 24}), ['id']),
            ('id beyond reason', bpe(vocab={'a': 5000000}), ['5000001']),
            ('one id, two pieces', bpe(vocab={'a': 0, 'b': 0}), ['two pieces']),
            ('merges without an end', b'{"model":{"type":"BPE","vocab":{"a":0},"merges":[["a","b]"', ['not JSON']),
            ('a merge of a piece with a quote', long_bpe(['a', 'b', 'ab', 'ab"c'], [b'["a", "b"]', b'["ab"", "c"]']), ['not JSON']),
            ('Unigram: an object', unigram(vocab={'a': 1}), ['model.vocab']),
            ('Unigram: no pairs', unigram(vocab=['a']), ['pair']),
            ('Unigram: three', unigram(vocab=[['a', 1, 2]]), ['pair']),
            ('Unigram: score NaN', b'{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",NaN]]}}', ['score']),
            ('Unigram: score infinite', b'{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",-Infinity]]}}', ['score']),
            ('Unigram: score text', unigram(vocab=[['a', '1']]), ['score']),
            ('Unigram: unk_id outside', unigram(unk_id=99), ['unk_id']),
            ('added token without an id', added(id=None), ['id']),
            ('added token without content', added(content=None), ['content']),
            ('added token, another piece', added(id=1), ['two pieces']),
            ('added token, flag a number', added(lstrip=1), ['lstrip']),
            ('ids by a million', added(id=9000000), ['9000001']),
            ('normalizer of no type', with_(normalizer={}), ['normalizer']),
            ('Replace without a pattern', with_(normalizer={'type': 'Replace', 'content': 'x'}), ['pattern']),
            ('sequence of none', with_(normalizer={'type': 'Sequence'}), ['Sequence']),
            ('33 steps', with_(normalizer={'type': 'Sequence', 'normalizers': [{'type': 'NFC'}] * 33}), ['32']),
            ('Metaspace without a replacement', with_(pre_tokenizer={'type': 'Metaspace'}), ['Metaspace']),
            ('delimiter empty', with_(pre_tokenizer={'type': 'CharDelimiterSplit', 'delimiter': ''}), ['delimiter']),
            ('a long literal', with_(pre_tokenizer={'type': 'Split', 'pattern': {'String': 'a' * 5000}}), ['pattern']),
            ('a large pattern', with_(pre_tokenizer={'type': 'Split', 'pattern': {'Regex': '(a{1000}){1000}'}}), ['too large']),
            ('a long pattern', with_(pre_tokenizer={'type': 'Split', 'pattern': {'Regex': 'ab' * 50000}}), ['too large']),
            ('template id outside', with_(post_processor={'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': 'x'}}],
                                                          'special_tokens': {'x': {'ids': [99]}}}), ['special_tokens'])):
        tokenizer(name, body, words)
    for name, body, words in (  # of what only encoding needs
            ('merge of one', bpe(merges=[['a']]), ['merge']),
            ('merge of three', bpe(merges=[['a', 'b', 'c']]), ['merge']),
            ('merge with an empty half', bpe(merges=['a ']), ['merge']),
            ('merge with a space', bpe(merges=[['a b', 'c']]), ['merge']),
            ('merge a number', bpe(merges=[1]), ['merge']),
            ('a piece twice', b'{"model":{"type":"BPE","vocab":{"a":0,"b":1,"a":2},"merges":[]}}', ['key "a" stands twice']),
            ('a piece twice, far apart', long_bpe(['p%d' % i for i in range(3000)], []).replace(b'"p2950"', b'"p50"'), ['key "p50" stands twice']),
            ('a merge cut within a character', long_bpe(['a', 'b', 'ab', 'ab\u00e9'], [b'["a", "b"]', b'["ab\xc3", "\xa9"]']), ['not UTF-8']),
            ('a merge, cut so, as text', long_bpe(['a', 'b', 'ab', 'ab\u00e9'], [b'"a b"', b'"ab\xc3 \xa9"']), ['not UTF-8']),
            ('a merge of a piece with a space', long_bpe(['a', 'b', 'ab', 'ab c'], [b'["a", "b"]', b'["ab ", "c"]']), ['merge']),
            ('a merge of a piece with two spaces, as text', long_bpe(['a', 'b', 'ab', 'ab c'], [b'"a b"', b'"ab  c"']), ['merge']),
            ('a merge with a newline', long_bpe(['a', 'b', 'ab', 'ab\nc'], [b'["a", "b"]', b'["ab\n", "c"]']), ['not JSON']),
            ('merges no JSON', b'{"model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2},"merges":[["a",b]]}}', ['not JSON'])):
        tokenizer(name, body, words, programs=('llm-tok',))
        tokenizer(name, body, status=0, programs=('llm-detok',))
    deep = {'type': 'NFC'}
    for _ in range(40):
        deep = {'type': 'Sequence', 'normalizers': [deep]}
    tokenizer('sequences in sequences', with_(normalizer=deep), ['Sequence'])
    good_map = charsmap({b'a': b'b'})
    for name, blob in ('of one byte', b'x'), ('trie too long', struct.pack('<I', 1 << 20) + good_map[4:]), ('trie odd', struct.pack('<I', 1025) + good_map[4:]), \
            ('no end', good_map + b'x'), ('no trie', struct.pack('<I', 0) + b'\0'):
        tokenizer('charsmap: ' + name, with_(normalizer={'type': 'Precompiled', 'precompiled_charsmap': base64.b64encode(blob).decode()}), ['precompiled_charsmap'])
    tokenizer('charsmap: no base64', with_(normalizer={'type': 'Precompiled', 'precompiled_charsmap': 'a*b'}), ['base64'])
    grow = {'type': 'Replace', 'pattern': {'String': 'a'}, 'content': 'aaaaaaaaaaaaaaaa'}
    for name, more in ('twice and twice again', dict(normalizer={'type': 'Sequence', 'normalizers': [grow] * 20})), \
            ('by a megabyte', dict(normalizer={**grow, 'content': 'a' * 3000000})), \
            ('in bytes', dict(normalizer={'type': 'Sequence', 'normalizers': [{'type': 'Prepend', 'prepend': 'é'}] + [{'type': 'ByteLevel'}] * 30})), \
            ('of spaces', dict(pre_tokenizer={'type': 'Sequence', 'pretokenizers': [{'type': 'Metaspace', 'replacement': ' ' * 40}] * 20})), \
            ('by rules', dict(normalizer={'type': 'Precompiled', 'precompiled_charsmap': base64.b64encode(charsmap({b'a': b'b' * 3000000})).decode()})):
        tokenizer('a text that grows ' + name, with_(**more), ['grow'], programs=('llm-tok',))
    text = json.dumps(added()).encode()
    for n in range(1, len(text), 7):
        tokenizer('cut at %d' % n, text[:n])


def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    """A message or bytes, a number, or a float."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack('<f', value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def sp_piece(text, score=0.0, kind=1):
    return field(1, field(1, text) + field(2, score) + field(3, kind))


def sp(pieces=None, trainer=b'', normalizer=b''):
    pieces = pieces or [(b'<unk>', 0.0, 2), (b'<s>', 0.0, 3), (b'</s>', 0.0, 3), (b'a', -1.0, 1), (b'b', -2.0, 1)]
    return b''.join(sp_piece(*p) for p in pieces) + field(2, trainer) + field(3, normalizer)


def tokenizer_model():
    def bad(name, body, words=(), beside=None):
        tokenizer(name, body, words, file='tokenizer.model', beside=beside)

    tokenizer('small', sp(), status=0, file='tokenizer.model')
    bad('no SentencePiece', b'bm8K 0\n', ['no model of SentencePiece'])
    bad('one byte', b'\n', ['no model of SentencePiece'])
    bad('no piece', field(2, b''), ['no model of SentencePiece'])
    bad('field 0', sp() + b'\0\0', ['no model of SentencePiece'])
    bad('group', sp() + b'\x0b', ['no model of SentencePiece'])
    bad('length beyond the end', sp() + varint(1 << 3 | 2) + varint(1 << 62), ['no model of SentencePiece'])
    bad('endless number', sp() + varint(9 << 3) + b'\xff' * 20, ['no model of SentencePiece'])
    bad('piece empty', sp([(b'', 0.0, 2)]), ['empty'])
    bad('piece of nothing', field(1, b''), ['empty'])
    bad('piece broken', field(1, b'\x0a\x09ab'), ['broken'])
    bad('type 0', sp([(b'a', 0.0, 0)]), ['type'])
    bad('type 7', sp([(b'a', 0.0, 7)]), ['type'])
    bad('type huge', sp([(b'a', 0.0, 1 << 40)]), ['type'])
    bad('byte that is none', sp([(b'<0xGG>', 0.0, 6)]), ['type'])
    bad('no unknown', sp([(b'a', 0.0, 1)]), ['no unknown piece'])
    bad('words', sp(trainer=field(3, 3)), ['type 3'])
    bad('characters', sp(trainer=field(3, 4)), ['type 4'])
    bad('suffix', sp(trainer=field(24, 1)), ['treat_whitespace_as_suffix'])
    bad('trainer broken', sp(trainer=b'\x0a\x09'), ['broken'])
    bad('normalizer broken', sp(normalizer=b'\xff'), ['broken'])
    bad('charsmap', sp(normalizer=field(2, b'xxxxx')), ['precompiled_charsmap'])
    tokenizer('a text that grows', sp(normalizer=field(2, charsmap({b'a': b'b' * 3000000}))), ['grow'], file='tokenizer.model', programs=('llm-tok',))
    bad('added tokens: id far away', sp(), ['9000001'], {'added_tokens.json': {'<x>': 9000000}})
    bad('added tokens: id text', sp(), ['added_tokens.json'], {'added_tokens.json': {'<x>': 'y'}})
    bad('added tokens: no JSON', sp(), ['added_tokens.json'], {'added_tokens.json': b'{'})
    bad('configuration: no JSON', sp(), ['tokenizer_config.json'], {'tokenizer_config.json': b'{'})
    tokenizer('added tokens: a list', sp(), status=0, file='tokenizer.model', beside={'added_tokens.json': ['<x>']})
    tokenizer('scores that are no numbers', sp([(b'<unk>', 0.0, 2), (b'a', float('nan'), 1), (b'b', float('inf'), 1), (b'ab', -float('inf'), 1)]),
              status=0, file='tokenizer.model')
    body = open(os.path.join(FIXTURES, 'sentencepiece', 'unigram_user.model'), 'rb').read()
    ends = set()
    i = 0
    while i < len(body):  # where a field ends, what is left is a smaller model
        n, shift, i = 0, 0, i + 1
        while True:
            n |= (body[i] & 127) << shift
            shift += 7
            i += 1
            if body[i - 1] < 128:
                break
        i += n
        ends.add(i)
    for n in range(1, len(body), 41):
        if n not in ends:
            bad('cut at %d' % n, body[:n])


def changed():
    """Bytes changed at random: right or refused, no signal."""
    rnd = random.Random(11)
    model = open(os.path.join(FIXTURES, 'sentencepiece', 'bpe_plain.model'), 'rb').read()
    text = json.dumps({**added(), 'normalizer': {'type': 'Precompiled', 'precompiled_charsmap': base64.b64encode(charsmap({b'a': b'b'})).decode()},
                       'pre_tokenizer': {'type': 'Split', 'pattern': {'Regex': '[a-b]{1,3}|(?=h)'}, 'behavior': 'Isolated', 'invert': False}}).encode()
    for i in range(400):
        file, body = ('tokenizer.model', bytearray(model)) if i % 2 else ('tokenizer.json', bytearray(text))
        for _ in range(rnd.randrange(1, 4)):
            k = rnd.randrange(len(body))
            body[k] = rnd.randrange(256) if i % 2 else rnd.choice(b'0123456789abc{}[]",:\\x\xe2')
        path = '%03d.changed' % i
        os.mkdir(path)
        badinput.file(os.path.join(path, file), bytes(body))
        badinput.CASES.append(('changed', ['sh', '-c', 'echo hi ab | llm-tok %s 2>&1; [ $? -le 1 ]' % path], b'', 0, (), lambda out: True))


badinput.GROUPS = {'good': good, 'json': tokenizer_json, 'model': tokenizer_model, 'changed': changed}
if __name__ == '__main__':
    badinput.main()
