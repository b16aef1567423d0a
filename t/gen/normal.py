"""lib/unicode_normal.h: the tables of Unicode's normalization forms, from Python's unicodedata.

usage: normal.py >lib/unicode_normal.h
"""
import sys
import unicodedata as u

HANGUL = range(0xAC00, 0xD7A4)


def table(name, rows, kind='uint32_t'):
    print('static const %s %s[] = {' % (kind, name))
    line = '\t'
    for r in rows:
        item = '%s,' % (r if isinstance(r, str) else '0x%X' % r)
        if len(line) + len(item) > 110:
            print(line)
            line = '\t'
        line += item
    print(line + '\n};')


print('/* unicode_normal.h - made by t/gen/normal.py from Unicode %s; do not edit. */' % u.unidata_version)
data = []
for name, form in ('canonical', 'NFD'), ('compatible', 'NFKD'):
    rows = []
    for cp in range(0x110000):
        if cp in HANGUL or 0xD800 <= cp < 0xE000:
            continue
        d = u.normalize(form, chr(cp))
        if d == chr(cp) or (form == 'NFKD' and d == u.normalize('NFD', chr(cp))):
            continue
        rows.append('{0x%X,%d,%d}' % (cp, len(data), len(d)))
        data += [ord(c) for c in d]
    table('decompositions_' + name, rows, 'struct decomposition')
table('decomposed', data)
ranges = []
for cp in range(0x110000):
    c = u.combining(chr(cp))
    if c and ranges and ranges[-1][1] == cp - 1 and ranges[-1][2] == c:
        ranges[-1][1] = cp
    elif c:
        ranges.append([cp, cp, c])
table('combining', ['{0x%X,0x%X,%d}' % tuple(r) for r in ranges], 'struct combining')
pairs = []
for cp in range(0x110000):
    d = u.decomposition(chr(cp))
    if cp in HANGUL or not d or d[0] == '<' or ' ' not in d or u.normalize('NFC', chr(cp)) != chr(cp):
        continue
    a, b = (int(x, 16) for x in d.split())
    pairs.append((a, b, cp))
table('compositions', ['{0x%X,0x%X,0x%X}' % p for p in sorted(pairs)], 'struct composition')
sys.exit(0)
