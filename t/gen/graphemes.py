#!/usr/bin/env python3
"""Write lib/unicode/grapheme_tables.h: where user-perceived characters (UAX 29) end.

    python3 t/gen/graphemes.py >lib/unicode/grapheme_tables.h     (Python packages tokenizers, unicodedata2 16.0.0)

What joins the character before (Extend, ZWJ, SpacingMark) is asked of Hugging Face's tokenizers:
there {a: X} as a precompiled_charsmap takes a cluster "a..." for an X.
"""
import os
import sys

import unicodedata2 as u
from tokenizers import normalizers

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
sys.dont_write_bytecode = True
from charsmap import charsmap

# Grapheme_Cluster_Break=Prepend, and Extended_Pictographic, of Unicode 16.0.0
PREPEND = [(0x600, 0x605), 0x6DD, 0x70F, (0x890, 0x891), 0x8E2, 0xD4E, 0x110BD, 0x110CD, (0x111C2, 0x111C3), 0x113D1, 0x1193F,
           0x11941, (0x11A84, 0x11A89), 0x11D46, 0x11F02]
PICT = [
    0xA9, 0xAE, 0x203C, 0x2049, 0x2122, 0x2139, (0x2194, 0x2199), (0x21A9, 0x21AA), (0x231A, 0x231B), 0x2328, 0x2388, 0x23CF,
    (0x23E9, 0x23F3), (0x23F8, 0x23FA), 0x24C2, (0x25AA, 0x25AB), 0x25B6, 0x25C0, (0x25FB, 0x25FE), (0x2600, 0x2605), (0x2607,
    0x2612), (0x2614, 0x2685), (0x2690, 0x2705), (0x2708, 0x2712), 0x2714, 0x2716, 0x271D, 0x2721, 0x2728, (0x2733, 0x2734),
    0x2744, 0x2747, 0x274C, 0x274E, (0x2753, 0x2755), 0x2757, (0x2763, 0x2767), (0x2795, 0x2797), 0x27A1, 0x27B0, 0x27BF,
    (0x2934, 0x2935), (0x2B05, 0x2B07), (0x2B1B, 0x2B1C), 0x2B50, 0x2B55, 0x3030, 0x303D, 0x3297, 0x3299, (0x1F000, 0x1F0FF),
    (0x1F10D, 0x1F10F), 0x1F12F, (0x1F16C, 0x1F171), (0x1F17E, 0x1F17F), 0x1F18E, (0x1F191, 0x1F19A), (0x1F1AD, 0x1F1E5),
    (0x1F201, 0x1F20F), 0x1F21A, 0x1F22F, (0x1F232, 0x1F23A), (0x1F23C, 0x1F23F), (0x1F249, 0x1F3FA), (0x1F400, 0x1F53D),
    (0x1F546, 0x1F64F), (0x1F680, 0x1F6FF), (0x1F774, 0x1F77F), (0x1F7D5, 0x1F7FF), (0x1F80C, 0x1F80F), (0x1F848, 0x1F84F),
    (0x1F85A, 0x1F85F), (0x1F888, 0x1F88F), (0x1F8AE, 0x1F8FF), (0x1F90C, 0x1F93A), (0x1F93C, 0x1F945), (0x1F947, 0x1FAFF),
    (0x1FC00, 0x1FFFD),
]


def every(rows):
    return {c for r in rows for c in (range(r[0], r[1] + 1) if isinstance(r, tuple) else [r])}


def kind(cp, joins, prepend, pict):
    if cp in joins:
        return 'JOINS'
    if cp in prepend:
        return 'PREPENDS'
    if u.category(chr(cp)) in ('Cc', 'Cf', 'Zl', 'Zp') or cp == 0x2065 or 0xFFF0 <= cp <= 0xFFF8 or 0xE0000 <= cp <= 0xE0FFF:
        return 'STANDS_ALONE'
    return 'PICTURE' if cp in pict else None


def main():
    n = normalizers.Precompiled(charsmap({b'a': b'X'}))
    chars = [c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]
    joins = {c for c in chars if n.normalize_str('a' + chr(c)) == 'X'}
    prepend, pict = every(PREPEND), every(PICT)
    rows = []
    for c in chars:
        k = kind(c, joins, prepend, pict)
        if k and rows and rows[-1][1:] == [c - 1, k]:
            rows[-1][1] = c
        elif k:
            rows.append([c, c, k])
    print('/* grapheme_tables.h - made by t/gen/graphemes.py; do not edit. */')
    print('static const struct grapheme_range {\n\tuint32_t from, to;\n\tenum grapheme kind;\n} grapheme_ranges[] = {')
    line = '\t'
    for a, b, k in rows:
        item = '{0x%X,0x%X,%s},' % (a, b, k)
        if len(line) + len(item) > 110:
            print(line)
            line = '\t'
        line += item
    print(line + '\n};')


main()
