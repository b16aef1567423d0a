#!/usr/bin/env python3
"""lib/regex against Oniguruma, as Hugging Face's `tokenizers` has it: random patterns on random texts.

    onig.py [-n 100000] [-s seed] build/t/unit/regex_test     compare
    onig.py -f [-n 300] >t/fixtures/tokenizer/regex.txt       cases for the suite: JSON strings, TAB between them:
                                                               pattern, text, the text with '|' for each match
"""
import argparse
import json
import random
import subprocess
import sys

from tokenizers import Regex, normalizers

REAL = [
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?"
    r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+|\p{N}{1,3}|\s+",
    r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))|\D+", r"(?=(\d{3})+(?!\d))", r"(?<=[a-z])(?=[A-Z])|_", r"\d{1,3}(?=(?:\d{3})*\b)",
    r"\w+|[^\w\s]+", r"[^\W\d]+|\d", r" {2,}", r"\n|\r\n?", r"(?<!\n)^", r"$", r"(?i)ss|straße|ΣΑΣ", r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]",
]
SETS = ['a', 'b', 'c', 'A', ' ', '1', 'é', '.', r'\s', r'\S', r'\d', r'\D', r'\w', r'\W', r'\p{L}', r'\p{N}', r'\P{L}', r'\p{^Lu}', r'\p{Han}',
        r'\p{Hiragana}', r'[ab]', r'[^a]', r'[a-c]', r'[^\s\p{L}]', r'[\w&&[^b]]', r'[^a&&\w]', r'[[ab]c]', r'[^[ab]c]', r'[\d\S]', r'\n', r'\x41',
        r'\u0041', r'[\-a]', r'[a-]', r'\h', r'\H', r'\p{M}', r'\p{Z}', r'\p{C}', r'\p{P}', r'\p{Pc}', r'\p{S}', r'\p{Greek}', r'\p{Lu}', r'[\p{Lu}]', r'[\p{^Lu}]', r'[^\p{Ll}]', r'[\P{Ll}_]']
CHARS = 'aaabbbcAB  \n1239éÉσςΣſsSkKK_-.,日本ひカ\u0301\u200b\t\r€½²ⓐ'


def pattern(r, depth=0):
    k = r.randrange(12)
    if depth > 3 or k < 4:
        return r.choice(SETS)
    if k < 6:
        return ''.join(pattern(r, depth + 1) for _ in range(r.randrange(1, 4)))
    if k == 6:
        return '(?:%s)' % '|'.join(pattern(r, depth + 1) for _ in range(r.randrange(1, 4)))
    if k == 7:
        return r.choice(['(%s)', '(?i:%s)', '(?=%s)', '(?!%s)', '(?m:%s)', '(?<n>%s)', '(?i)%s']) % pattern(r, depth + 1)
    if k == 8:
        return r.choice(['(?<=%s)', '(?<!%s)']) % r.choice(SETS + ['ab', r'\s\w'])
    if k == 9:
        return r.choice(SETS) + r.choice(['*+', '++', '?+'])
    if k == 10:
        return r.choice(['^', '$', r'\A', r'\z', r'\b', r'\B'])
    # what is repeated is not empty: there engines go different ways
    return '(?:%s%s)%s' % (r.choice(SETS), pattern(r, depth + 1) if r.random() < .5 else '',
                           r.choice(['*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{2,}', '{,2}', '{1,2}?', '{2}?', '{1,2}+', '{0,3}']))


def cases(n, seed):
    r = random.Random(seed)
    for i in range(n):
        p = REAL[i % len(REAL)] if i % 8 == 0 else pattern(r) if r.random() < .7 else pattern(r) + '|' + pattern(r)
        yield p, ''.join(r.choice(CHARS) for _ in range(r.randrange(1, 24)))


def theirs(p, text):
    try:
        return normalizers.Replace(Regex(p), '|').normalize_str(text)
    except Exception:
        return None


def ours(program, batch):
    """A pattern that we refuse ends the program: what comes behind is asked again."""
    out = []
    while len(out) < len(batch):
        data = ''.join('%s\0%s\0' % c for c in batch[len(out):]).encode()
        p = subprocess.run([program], input=data, capture_output=True)
        lines = p.stdout.decode().split('\n')[:-1]
        for (_, text), line in zip(batch[len(out):], lines):
            b, last, got = text.encode(), 0, b''
            for m in line.split():
                x, y = (int(v) for v in m.split('-'))
                got += b[last:x] + b'|'
                last = y
            out.append((got + b[last:]).decode())
        if p.returncode:
            out.append(p.stderr.decode().strip() if p.returncode == 1 else 'DIED %d' % p.returncode)
    return out


def main():
    a = argparse.ArgumentParser()
    a.add_argument('-n', type=int, default=100000)
    a.add_argument('-s', type=int, default=1)
    a.add_argument('-f', action='store_true')
    a.add_argument('program', nargs='?')
    a = a.parse_args()
    if a.f:
        for p, text in cases(a.n, a.s):
            want = theirs(p, text)
            if want is not None:
                print('\t'.join(json.dumps(x) for x in (p, text, want)))
        return 0
    wrong = refused = 0
    todo = [(p, t, w) for p, t in cases(a.n, a.s) for w in [theirs(p, t)] if w is not None]
    for i in range(0, len(todo), 2000):
        batch = todo[i:i + 2000]
        for (p, text, want), got in zip(batch, ours(a.program, [c[:2] for c in batch])):
            if got.startswith('regex_test: '):
                refused += 1
                if refused < 20:
                    print('refused:', p, got[12:])
            elif got != want:
                wrong += 1
                if wrong < 30:
                    print('%r on %r: %r, not %r' % (p, text, got, want))
    print('%d cases, %d refused, %d differ' % (len(todo), refused, wrong))
    return wrong > 0


sys.exit(main())
