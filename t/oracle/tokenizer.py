"""tokenizer.json against Hugging Face's `tokenizers`: random strings, and every character alone.

  tokenizer.py [-n STRINGS] FOLDER...    llm-tok is found by PATH; with -s, as HF finds added tokens, and
                                         without, where HF takes control tokens for text, too
And back, of strings without added tokens: llm-detok's text is that of HF's decode(), or, where that is not what it was
made of (HF has no bytes that are no UTF-8, and takes spaces away), the text itself, perhaps with spaces for U+2581.
"""
import argparse
import os
import random
import subprocess
import sys

from tokenizers import Tokenizer

WORDS = '''the of and to in I'm don't WE'LL He'd you've they're Größe naïve 日本語 東京 ひらがな カタカナ 한국어 조선 русский язык עברית العربية हिन्दी ไทย
1234567 3.14 ١٢٣ ½ ² Ⅷ 0x1F http://example.com/a?b=c {"a":[1,2]} def main(): return #include <stdio.h> ... !!! --- ── “quoted” ‘x’ — … 😀 👩‍👩‍👧 🇩🇪
é é ñ ﬁ Å Å ½ ｆｕｌｌ Ǆ ǅ ſ K 's 'S 'ſ 'T 'Re \t \n \r\n \u00a0 \u2003 \u3000 \u200b \u2028 \x00 \x07 \x7f ▁ ▁▁ _ __'''.split(' ')


def strings(n, added, seed=7):
    rnd = random.Random(seed)
    planes = [(0x20, 0x7f), (0, 0x80), (0xa0, 0x250), (0x300, 0x370), (0x370, 0x600), (0x600, 0xa00), (0xe00, 0x1000), (0x1100, 0x1200),
              (0x2000, 0x2100), (0x2100, 0x2800), (0x3000, 0x3200), (0x4e00, 0x9fff), (0xac00, 0xd7a4), (0xf900, 0xfb00),
              (0xff00, 0xfff0), (0x10000, 0x10400), (0x1d400, 0x1d800), (0x1f300, 0x1fa00), (0x20000, 0x2a6e0), (0xe0000, 0xe01f0)]
    for _ in range(n):
        out = []
        for _ in range(rnd.randrange(1, 12)):
            k = rnd.randrange(10)
            if k < 4:
                out.append(rnd.choice(WORDS).encode().decode('utf-8').replace('\\t', '\t').replace('\\n', '\n').replace('\\r', '\r'))
            elif k < 6:
                lo, hi = rnd.choice(planes)
                out.append(''.join(chr(rnd.randrange(lo, hi)) for _ in range(rnd.randrange(1, 5))))
            elif k < 8:
                out.append(rnd.choice([' ', '  ', '    ', '\n', '\n\n', '\t', ' \n', '\r\n']) * rnd.randrange(1, 4))
            elif k == 8 and added:
                out.append(rnd.choice(added))
            else:
                out.append(''.join(rnd.choice("abcXYZ019.,;'!?-_()[]") for _ in range(rnd.randrange(1, 9))))
            if rnd.random() < .5:
                out.append(' ')
        s = ''.join(out).replace('\0', '')
        if s:
            yield s


def long_words(seed=9):
    """Words that are merged in several goes."""
    rnd = random.Random(seed)
    for chars in 'a', ' ', 'ab', '-=', 'abcdefghijklmnopqrstuvwxyz', '\U0001f600\u00e9\u6f22', 'the of and'.replace(' ', ''):
        yield ''.join(rnd.choice(chars) for _ in range(80000))
        yield (chars * 80000)[:80000]


def every():
    for cp in range(1, 0x110000):
        if not 0xd800 <= cp < 0xe000:
            yield chr(cp)


def ours(folder, texts, options='-sqz'):
    data = '\0\0'.join(texts).encode() + b'\0'
    out = subprocess.run(['llm-tok', options, folder], input=data, capture_output=True, check=True).stdout
    return [[int(i) for i in line.split()] for line in out.decode().split('\n')[::2]]


def again(folder, rows):
    data = ''.join(' '.join(map(str, ids)) + '\n' for ids in rows).encode()
    out = subprocess.run(['llm-detok', '-z', folder], input=data, capture_output=True, check=True).stdout
    return out.decode('utf-8', 'surrogateescape').split('\0')[:-1]


def main():
    p = argparse.ArgumentParser()
    p.add_argument('-n', type=int, default=100000)
    p.add_argument('folder', nargs='+')
    a = p.parse_args()
    bad = 0
    for folder in a.folder:
        tok = Tokenizer.from_file(os.path.join(folder, 'tokenizer.json'))
        added = [t.content for t in tok.get_added_tokens_decoder().values()]
        front = tok.encode('a').ids[:1] if tok.encode('a').ids != tok.encode('a', add_special_tokens=False).ids else []
        for what, texts in ('strings', list(strings(a.n, added))), ('long words', list(long_words())), ('characters', list(every())):
            wrong = []
            got = ours(folder, texts)
            for i in range(0, len(texts), 20000):
                want = tok.encode_batch(texts[i:i + 20000], add_special_tokens=False)
                for text, w, g in zip(texts[i:i + 20000], want, got[i:i + 20000]):
                    if front + w.ids != g:
                        wrong.append((text, w.ids, g))
            print('%s: %d %s, %d differ %s' % (folder, len(texts), what, len(wrong), wrong[:3]), flush=True)
            bad += len(wrong)
        # where we know better than the file that a token is a control token, they differ
        texts = list(strings(a.n, [t.content for t in tok.get_added_tokens_decoder().values() if t.special]))
        tok.encode_special_tokens = True
        wrong = [(t, w.ids, g) for t, w, g in zip(texts, tok.encode_batch(texts, add_special_tokens=False), ours(folder, texts, '-qz'))
                 if front + w.ids != g]
        print('%s: %d strings as text, %d differ %s' % (folder, len(texts), len(wrong), wrong[:3]), flush=True)
        bad += len(wrong)
        texts = list(strings(a.n, [], 8))
        rows = [w.ids for w in tok.encode_batch(texts, add_special_tokens=False)]
        back = again(folder, rows)
        unk = getattr(tok.model, 'unk_token', None)  # which we write as U+FFFD
        theirs = [t.replace(unk, '\ufffd') if unk else t for t in tok.decode_batch(rows, skip_special_tokens=not unk)]
        wrong = [(t, w, g) for t, w, g in zip(texts, theirs, back) if g not in (t, w, t.replace('\u2581', ' '))]
        lost = sum(g != t for t, g in zip(texts, back))
        print('%s: %d strings back, %d as they were not (HF: %d), %d differ %s' %
              (folder, len(texts), lost, sum(w != t for t, w in zip(texts, theirs)), len(wrong), wrong[:3]), flush=True)
        bad += len(wrong)
    return bad > 0


sys.exit(main())
