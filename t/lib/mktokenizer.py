#!/usr/bin/env python3
"""Tiny tokenizers, one for each thing that a tokenizer.json can ask for, and the ids of Hugging Face's `tokenizers`.

    mktokenizer.py FOLDER              write FOLDER/tokenizers.txt: for each "# NAME MODEL", its tokenizer.json up to the
                                       model, and lines of a text (in escapes of printf %b), TAB and its ids; and the
                                       models, FOLDER/MODEL.json
    mktokenizer.py -n 20000 [NAME...]  compare llm-tok, found by PATH, with many random texts

With control tokens in the text as tokens (llm-tok -s).
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers as N, pre_tokenizers as P, processors

from charsmap import charsmap

BYTES = sorted(P.ByteLevel.alphabet())
WORDS = ['the', 'The', 'he', 'in', 'ing', 'ab', 'abc', 'tok', 'token', 'tokens', '12', '123', 'é', 'über', '日本', 'don', "'t", '...', '::', 'İ', 'ß']
CHARS = "abcdefghijknorstuvxyzTHEI0123459.,:;!?'\"-_<>[]$+ \n\t\u00a0éüßİαβΣς日本ひ한국\u0301\u0308\u200bﬁ①½Ⅷ²ａ😀👩‍👩‍👧🇩🇪▁\r\u0600\u0915\u094d\u0e33़"
SPECIAL = ['<s>', '</s>', '[X]', ' [X] ', '  [X]  ', 'x[X]y', '<n>', 'wrd', ' wrd ', 'awrd', 'Wrd', '<N É>', '<n é>', 'LO', '   ']


def merges_of(words, chars):
    """A BPE's merges: every word is built from the left, of its characters or of the parts given."""
    vocab = list(dict.fromkeys(chars))
    merges = []
    for w in words:
        for i in range(2, len(w) + 1):
            if ''.join(w[:i]) not in vocab:
                vocab.append(''.join(w[:i]))
                merges.append((''.join(w[:i - 1]), w[i - 1]))
    return vocab, merges


def byte_spelled(text):
    table = {}
    n = 0
    for b in range(256):
        if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + n)
            n += 1
    return ''.join(table[b] for b in text.encode())


def byte_bpe(**kw):
    vocab, merges = merges_of([byte_spelled(w) for x in WORDS for w in (x, ' ' + x)] + [byte_spelled(' ' * 4)], BYTES)
    ids = {p: i for i, p in enumerate(vocab)}
    ids.update({p: len(ids) + i for i, p in enumerate(['<s>', '</s>'])})
    return Tokenizer(models.BPE(vocab=ids, merges=merges, **kw))


def char_bpe(extra=(), words=None, space='▁', **kw):
    vocab = ['<unk>', '<s>', '</s>'] + (['<0x%02X>' % b for b in range(256)] if kw.get('byte_fallback') else []) + list(extra)
    chars = [c for c in 'abcdefghijknorstuvxyzThe123.,:\'é日本ü' + space]
    more, merges = merges_of(words or [w for x in WORDS[:-2] for w in (x, space + x)] + [space * 3], chars)
    vocab = list(dict.fromkeys(vocab + more))
    return Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(vocab)}, merges=merges, unk_token='<unk>', **kw))


def unigram(byte_fallback=False, space='▁'):
    r = random.Random(3)
    pieces = [('<unk>', 0.0), ('<s>', 0.0), ('</s>', 0.0)]
    pieces += [('<0x%02X>' % b, -9.0) for b in range(256)] if byte_fallback else []
    seen = {p for p, _ in pieces}
    for w in [w for x in WORDS for w in (x, space + x)] + list("abcdehinorstux123., é日本'" + space) + [space * 2]:
        if w not in seen:
            seen.add(w)
            pieces.append((w, -round(r.uniform(2, 9), 3)))
    return Tokenizer(models.Unigram(pieces, 0, byte_fallback))


def words_level():
    """A BPE of single characters, to see normalizers and words: word ends show in suffixes."""
    chars = sorted(set(CHARS + CHARS.lower() + 'fiviiia½X' + 'abcdefghijklmnopqrstuvwxyz'))
    vocab = ['<unk>'] + [c + e for c in chars for e in ('', '</w>')]
    return Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(vocab)}, merges=[], unk_token='<unk>', end_of_word_suffix='</w>'))


def front(t, name='<s>'):
    t.post_processor = processors.TemplateProcessing(single=name + ' $A </s>', pair='$A $B', special_tokens=[(name, t.token_to_id(name)), ('</s>', t.token_to_id('</s>'))])


def with_(make, normalizer=None, pre=None, decoder=None, added=(), bos=False):
    t = make()
    t.normalizer = normalizer if normalizer is not None else t.normalizer
    t.pre_tokenizer = pre if pre is not None else t.pre_tokenizer
    t.decoder = decoder if decoder is not None else t.decoder
    for a in added:
        t.add_tokens([a]) if not a.special else t.add_special_tokens([a])
    if bos:
        front(t)
    return t


def all_tokenizers():
    """(name, tokenizer)"""
    meta = decoders.Sequence([decoders.Replace('▁', ' '), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(' ', 1, 0)])
    llama = N.Sequence([N.Prepend('▁'), N.Replace(' ', '▁')])
    byte_level = {'pre': P.ByteLevel(add_prefix_space=False), 'decoder': decoders.ByteLevel()}
    special = [AddedToken('<s>', special=True), AddedToken('</s>', special=True)]
    yield 'bpe_bytes', with_(byte_bpe, **byte_level, added=special, bos=True)
    yield 'bpe_bytes_prefix', with_(byte_bpe, pre=P.ByteLevel(add_prefix_space=True), decoder=decoders.ByteLevel())
    yield 'bpe_bytes_whole', with_(byte_bpe, pre=P.ByteLevel(add_prefix_space=True, use_regex=False), decoder=decoders.ByteLevel())
    yield 'bpe_bytes_ignore', with_(lambda: byte_bpe(ignore_merges=True), **byte_level)
    yield 'bpe_bytes_falcon', with_(byte_bpe, pre=P.Sequence([P.Punctuation('contiguous'), P.ByteLevel(add_prefix_space=False), P.Digits(False),
                                                              P.Split(Regex('[0-9][0-9][0-9]'), 'isolated')]), decoder=decoders.ByteLevel())
    yield 'bpe_bytes_normalizer', with_(byte_bpe, normalizer=N.Sequence([N.NFC(), N.ByteLevel()]), pre=P.Split(Regex('Ġ?[a-z]+'), 'isolated'),
                                        decoder=decoders.ByteLevel())
    yield 'bpe_llama', with_(lambda: char_bpe(byte_fallback=True, fuse_unk=True), normalizer=llama, decoder=meta, added=special, bos=True)
    yield 'bpe_unk', with_(char_bpe, normalizer=llama, decoder=meta)
    yield 'bpe_unk_fused', with_(lambda: char_bpe(fuse_unk=True), normalizer=llama, decoder=meta)
    yield 'bpe_some_bytes', with_(lambda: char_bpe(extra=['<0xC3>', '<0xBC>', '<0x9F>'], fuse_unk=True, byte_fallback=False), normalizer=llama)
    yield 'bpe_suffix', with_(lambda: char_bpe(words=[['t', 'h', 'e</w>'], ['i', 'n', 'g</w>'], 'tok', ['e', 'n</w>'], ['tok', 'en</w>']], extra=['e</w>', 'a</w>', 'g</w>', 'n</w>', 'k</w>'],
                              end_of_word_suffix='</w>'), pre=P.WhitespaceSplit(), decoder=decoders.BPEDecoder())
    yield 'unigram', with_(unigram, pre=P.Metaspace(), decoder=decoders.Metaspace())
    yield 'unigram_bytes', with_(lambda: unigram(True), pre=P.Metaspace(), decoder=decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()]))
    yield 'unigram_whole', with_(unigram, pre=P.Metaspace(split=False, prepend_scheme='first'), decoder=decoders.Metaspace(prepend_scheme='first'))
    for scheme in 'always', 'first', 'never':
        yield 'metaspace_' + scheme, with_(unigram, pre=P.Sequence([P.Punctuation(), P.Metaspace(prepend_scheme=scheme)]), added=[AddedToken('[X]', special=True)])
    yield 'metaspace_strip', with_(unigram, normalizer=N.Strip(), pre=P.Metaspace(prepend_scheme='first'))
    yield 'metaspace_replaced', with_(unigram, normalizer=N.Replace(Regex(' {2,}'), ' '), pre=P.Metaspace(prepend_scheme='first'))
    yield 'metaspace_accents', with_(unigram, normalizer=N.Sequence([N.NFD(), N.StripAccents()]), pre=P.Metaspace(prepend_scheme='first'))
    for name, n in ('nfc', N.NFC()), ('nfd', N.NFD()), ('nfkc', N.NFKC()), ('nfkd', N.NFKD()), ('lowercase', N.Lowercase()), ('strip', N.Strip()), \
            ('strip_left', N.Strip(True, False)), ('strip_right', N.Strip(False, True)), ('accents', N.Sequence([N.NFD(), N.StripAccents()])), \
            ('nmt', N.Nmt()), ('prepend', N.Prepend('ab ')), ('replace', N.Replace('ab', 'c')), ('replace_regex', N.Replace(Regex(r'\s+|(?=t)'), '.')), \
            ('replace_nothing', N.Replace('', '-')), ('albert', N.Sequence([N.Replace('``', '"'), N.NFKD(), N.StripAccents(), N.Lowercase()])):
        yield 'n_' + name, with_(words_level, normalizer=n, pre=P.WhitespaceSplit())
    rules = {'ﬁ': 'fi', '①': '1', 'e\u0301': 'é', 'a': 'X', 'u\u0308': 'ü', '\r': ' ', '\u200b': '', '½': '1 2', '日': '本本', '\u0600': 'n', 'b\u0301': 'b', '\u0915': 'k', '\t': ' '}
    blob = charsmap({k.encode(): v.encode() for k, v in rules.items()})
    yield 'n_precompiled', with_(words_level, normalizer=N.Precompiled(blob), pre=P.WhitespaceSplit())
    yield 'n_precompiled_first', with_(unigram, normalizer=N.Precompiled(blob), pre=P.Metaspace(prepend_scheme='first'))
    for b in 'removed', 'isolated', 'merged_with_previous', 'merged_with_next', 'contiguous':
        yield 'split_' + b, with_(words_level, pre=P.Split(Regex(r'[a-m]{1,2}|\d'), b))
        yield 'split_%s_invert' % b, with_(words_level, pre=P.Split(Regex(r'[a-m]{1,2}|\d'), b, invert=True))
        yield 'split_%s_empty' % b, with_(words_level, pre=P.Split(Regex(r'(?=[A-Z])|\s*'), b))
        yield 'split_%s_string' % b, with_(words_level, pre=P.Split('ab', b))
        yield 'punctuation_' + b, with_(words_level, pre=P.Punctuation(b))
    yield 'split_nothing', with_(words_level, pre=P.Split('', 'isolated'))
    yield 'digits', with_(words_level, pre=P.Digits(False))
    yield 'digits_each', with_(words_level, pre=P.Digits(True))
    yield 'whitespace', with_(words_level, pre=P.Whitespace())
    yield 'whitespace_split', with_(words_level, pre=P.WhitespaceSplit())
    yield 'delimiter', with_(words_level, pre=P.CharDelimiterSplit('é'))
    yield 'bert', with_(words_level, pre=P.BertPreTokenizer())
    yield 'sequence', with_(words_level, pre=P.Sequence([P.WhitespaceSplit(), P.Punctuation('merged_with_next'), P.Digits(True)]))
    added = [AddedToken('[X]', lstrip=True, rstrip=True, normalized=False, special=True), AddedToken('wrd', single_word=True, normalized=False),
             AddedToken('<N É>', normalized=True), AddedToken('   ', normalized=False), AddedToken('LO', normalized=True, single_word=True),
             AddedToken('<n>', normalized=False, rstrip=True)]
    yield 'added', with_(words_level, normalizer=N.Lowercase(), pre=P.WhitespaceSplit(), added=added)
    yield 'added_bytes', with_(byte_bpe, **byte_level, normalizer=N.NFD(), added=added)
    yield 'added_llama', with_(lambda: char_bpe(byte_fallback=True), normalizer=llama, added=added + special, decoder=meta)
    yield 'added_unigram', with_(unigram, pre=P.Metaspace(prepend_scheme='first'), added=added)
    yield 'added_inside', with_(words_level, added=[AddedToken('ab', normalized=False), AddedToken('abc', normalized=False, single_word=True), AddedToken('é', single_word=True)])
    deepseek = '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+'
    yield 'bpe_bytes_cohere', with_(byte_bpe, normalizer=N.NFC(), pre=P.Sequence([P.Digits(True), P.ByteLevel(add_prefix_space=False)]), decoder=decoders.ByteLevel())
    yield 'bpe_bytes_deepseek', with_(byte_bpe, pre=P.Sequence([P.Split(Regex(x), 'isolated') for x in (r'\p{N}{1,3}', '[一-龥\u3040-ゟ゠-ヿ]+', deepseek)] +
                                                             [P.ByteLevel(add_prefix_space=False, use_regex=False)]), decoder=decoders.ByteLevel())


def texts(n, seed):
    r = random.Random(seed)
    for _ in range(n):
        out = []
        for _ in range(r.randrange(1, 9)):
            k = r.randrange(6)
            out.append(r.choice(WORDS) if k < 2 else r.choice(SPECIAL) if k == 2 else ' ' if k == 3 else
                       ''.join(r.choice(CHARS) for _ in range(r.randrange(1, 5))))
        yield ''.join(out).replace('\0', '')


def ours(path, list_of_texts):
    data = '\0\0'.join(list_of_texts).encode() + b'\0'
    p = subprocess.run(['llm-tok', '-sqz', path], input=data, capture_output=True)
    if p.returncode:
        return p.stderr.decode()
    return [[int(i) for i in line.split()] for line in p.stdout.decode().split('\n')[::2]]


def theirs(t, text):
    """As llm-tok has it: what is put in front of a text, but not what is put behind."""
    ids = t.encode(text, add_special_tokens=False).ids
    return ([t.token_to_id('<s>')] if t.post_processor else []) + ids


def compare(n, names, seed):
    bad = 0
    for name, t in all_tokenizers():
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as d:
            t.save(os.path.join(d, 'tokenizer.json'))
            todo = list(texts(n, seed))
            got = ours(d, todo)
            if isinstance(got, str):
                print('%s: %s' % (name, got.strip()))
                bad += 1
                continue
            wrong = [(x, theirs(t, x), g) for x, g in zip(todo, got) if theirs(t, x) != g]
            if wrong:
                x, w, g = min(wrong, key=lambda c: len(c[0]))
                show = lambda ids: [t.id_to_token(i) for i in ids]
                print('%s: %d of %d differ: %r: %s, not %s' % (name, len(wrong), len(todo), x, show(g), show(w)))
            bad += len(wrong) + back(name, t, d, todo)
    return bad


def back(name, t, folder, todo):
    """llm-detok's text is the library's, or the text itself: it gives back what the library cannot. A space that the
    encoder puts in front is taken away, also where the library lets it stand."""
    added = {i for i in t.get_added_tokens_decoder()}
    rows = [(x, e.ids) for x, e in zip(todo, t.encode_batch(todo, add_special_tokens=False)) if not added & set(e.ids)]
    data = ''.join(' '.join(map(str, ids)) + '\n' for _, ids in rows).encode()
    p = subprocess.run(['llm-detok', '-z', folder], input=data, capture_output=True)
    got = p.stdout.decode('utf-8', 'replace').split('\0')[:-1]
    wrong = [(x, w, g) for (x, ids), g in zip(rows, got) for w in [t.decode(ids).replace('<unk>', '\ufffd')] if g not in (x, w, w[1:] if w[:1] == ' ' else w)]
    if len(got) != len(rows) or wrong:
        print('%s: %d of %d come back otherwise: %s' % (name, len(wrong), len(rows), min(wrong, key=lambda c: len(c[0]), default=p.stderr)))
    return len(wrong) + (len(got) != len(rows))


def escaped(text):
    return ''.join(chr(b) if 32 < b < 127 and b not in b"\\%" else '\\0%03o' % b for b in text.encode())


def write(folder):
    files = {}
    with open(os.path.join(folder, 'tokenizers.txt'), 'w', encoding='utf-8') as f:
        for i, (name, t) in enumerate(all_tokenizers()):
            d = json.loads(t.to_str())
            model = json.dumps(d.pop('model'), ensure_ascii=False, separators=(',', ':'))
            if model not in files:
                files[model] = name
                with open(os.path.join(folder, name + '.json'), 'w', encoding='utf-8') as g:
                    g.write(model + '\n')
            d = {k: v for k, v in d.items() if v and k in ('added_tokens', 'normalizer', 'pre_tokenizer', 'post_processor', 'decoder')}
            print('#', name, files[model], file=f)
            print(json.dumps(d, separators=(',', ':')), file=f)
            for x in texts(8, i):
                print(escaped(x), ' '.join(str(x) for x in theirs(t, x)), sep='\t', file=f)


def main():
    a = argparse.ArgumentParser()
    a.add_argument('-n', type=int)
    a.add_argument('-s', type=int, default=1)
    a.add_argument('name', nargs='*')
    a = a.parse_args()
    if a.n:
        return compare(a.n, a.name, a.s) > 0
    write(a.name[0])
    return 0


sys.exit(main())
