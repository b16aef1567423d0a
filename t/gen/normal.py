"""lib/unicode/unicode_normal.h: the tables of Unicode's normalization forms, its marks and small letters.

usage: normal.py >lib/unicode/unicode_normal.h      (Python package unicodedata2 16.0.0)

The version is 9.0.0 because that is what Hugging Face's tokenizers normalize by (the crate
unicode-normalization-alignments). What a character decomposes to never changes, so 9.0.0 is
16.0.0 without the characters that came later. Small letters are those of Rust's standard
library: Unicode 17.0.0, that is Python's (14.0.0) and LOWER.
"""
import sys
import unicodedata2 as u

# Characters later than 9.0.0 that decompose, combine or are marks (DerivedAge.txt).
LATER = set()
for r in (
    0x7FD, (0x897, 0x89F), (0x8CA, 0x8D3), 0x9FE, (0xAFA, 0xAFF), 0xB55, 0xC04, 0xC3C, 0xCF3, 0xD00, (0xD3B, 0xD3C), 0xD81,
    0xEBA, 0xECE, 0x1715, 0x180F, (0x1ABF, 0x1ACE), 0x1CF7, (0x1DF6, 0x1DFA), 0x32FF, (0xA7F2, 0xA7F4), 0xA82C, 0xA8FF, 0xAB69,
    0x105C9, 0x105E4, (0x10781, 0x10785), (0x10787, 0x107B0), (0x107B2, 0x107BA), (0x10D24, 0x10D27), (0x10D69, 0x10D6D),
    (0x10EAB, 0x10EAC), (0x10EFC, 0x10EFF), (0x10F46, 0x10F50), (0x10F82, 0x10F85), 0x11070, (0x11073, 0x11074), 0x110C2,
    (0x11145, 0x11146), (0x111CE, 0x111CF), 0x11241, 0x1133B, 0x11383, 0x11385, 0x1138E, 0x11391, (0x113B8, 0x113C0), 0x113C2,
    0x113C5, (0x113C7, 0x113CA), (0x113CC, 0x113D0), 0x113D2, (0x113E1, 0x113E2), 0x1145E, (0x1182C, 0x1183A), (0x11930,
    0x11935), (0x11937, 0x11938), (0x1193B, 0x1193E), 0x11940, (0x11942, 0x11943), (0x119D1, 0x119D7), (0x119DA, 0x119E0),
    0x119E4, (0x11A01, 0x11A0A), (0x11A33, 0x11A39), (0x11A3B, 0x11A3E), 0x11A47, (0x11A51, 0x11A5B), (0x11A8A, 0x11A99),
    (0x11D31, 0x11D36), 0x11D3A, (0x11D3C, 0x11D3D), (0x11D3F, 0x11D45), 0x11D47, (0x11D8A, 0x11D8E), (0x11D90, 0x11D91),
    (0x11D93, 0x11D97), (0x11EF3, 0x11EF6), (0x11F00, 0x11F01), 0x11F03, (0x11F34, 0x11F3A), (0x11F3E, 0x11F42), 0x11F5A,
    0x13440, (0x13447, 0x13455), (0x1611E, 0x1612F), (0x16D68, 0x16D6A), 0x16F4F, (0x16F7F, 0x16F87), 0x16FE4, (0x16FF0,
    0x16FF1), (0x1CCD6, 0x1CCF9), (0x1CF00, 0x1CF2D), (0x1CF30, 0x1CF46), (0x1E030, 0x1E06D), 0x1E08F, (0x1E130, 0x1E136),
    0x1E2AE, (0x1E2EC, 0x1E2EF), (0x1E4EC, 0x1E4EF), (0x1E5EE, 0x1E5EF), 0x1F16C, (0x1FBF0, 0x1FBF9),
):
    LATER.update(range(r[0], r[1] + 1) if isinstance(r, tuple) else [r])

LOWER = {0x1C89: 0x1C8A, 0xA7CB: 0x264, 0xA7DC: 0x19B}
LOWER.update((c, c + 1) for c in (0xA7CC, 0xA7CE, 0xA7D2, 0xA7D4, 0xA7DA))
LOWER.update((c, c + 0x20) for c in range(0x10D50, 0x10D66))
LOWER.update((c, c + 0x1B) for c in range(0x16EA0, 0x16EB9))

if u.unidata_version != '16.0.0':
    sys.exit('normal.py: unicodedata2 16.0.0 is wanted')
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


print('/* unicode_normal.h - made by t/gen/normal.py from Unicode 9.0.0; do not edit. */')
data = []
for name, form in ('canonical', 'NFD'), ('compatible', 'NFKD'):
    rows = []
    for cp in range(0x110000):
        if cp in HANGUL or 0xD800 <= cp < 0xE000 or cp in LATER:
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
    c = 0 if cp in LATER else u.combining(chr(cp))
    if c and ranges and ranges[-1][1] == cp - 1 and ranges[-1][2] == c:
        ranges[-1][1] = cp
    elif c:
        ranges.append([cp, cp, c])
table('combining', ['{0x%X,0x%X,%d}' % tuple(r) for r in ranges], 'struct combining')
pairs = []
for cp in range(0x110000):
    d = u.decomposition(chr(cp))
    if cp in HANGUL or cp in LATER or not d or d[0] == '<' or ' ' not in d or u.normalize('NFC', chr(cp)) != chr(cp):
        continue
    a, b = (int(x, 16) for x in d.split())
    pairs.append((a, b, cp))
table('compositions', ['{0x%X,0x%X,0x%X}' % p for p in sorted(pairs)], 'struct composition')
marks = []
for cp in range(0x110000):
    if u.category(chr(cp))[0] != 'M' or cp in LATER:
        continue
    if marks and marks[-1][1] == cp - 1:
        marks[-1][1] = cp
    else:
        marks.append([cp, cp])
table('marks', ['{0x%X,0x%X}' % tuple(r) for r in marks], 'struct mark')
rows = []
for cp in range(0x110000):
    low = chr(cp).lower() if cp not in LOWER else chr(LOWER[cp])
    if low == chr(cp) or cp == 0x130:  # of which two characters become
        continue
    d = ord(low) - cp
    if rows and rows[-1][3] == d and cp - rows[-1][1] == 1 and rows[-1][2] in (0, 1):
        rows[-1][1:3] = [cp, 1]
    elif rows and rows[-1][3] == d and cp - rows[-1][1] == 2 and rows[-1][2] in (0, 2):
        rows[-1][1:3] = [cp, 2]
    else:
        rows.append([cp, cp, 0, d])
table('capitals', ['{0x%X,0x%X,%d,%d}' % (a, b, step or 1, d) for a, b, step, d in rows], 'struct capitals')
