#!/usr/bin/env python3
"""Write lib/unicode/unicode_scripts.h: which characters some scripts have.

    python3 t/gen/scripts.py >lib/unicode/unicode_scripts.h     (Python package tokenizers)

Asked of Oniguruma itself, as Hugging Face's tokenizers have it.
"""
from tokenizers import Regex, normalizers

SCRIPTS = ['Arabic', 'Armenian', 'Bengali', 'Cyrillic', 'Devanagari', 'Georgian', 'Greek', 'Han', 'Hangul', 'Hebrew', 'Hiragana',
           'Katakana', 'Latin', 'Tamil', 'Thai']

print('/* unicode_scripts.h - made by t/gen/scripts.py; do not edit. */')
print('static const struct script_range {\n\tconst char *script;\n\tuint32_t from, to;\n} script_ranges[] = {')
for script in SCRIPTS:
    drop = normalizers.Replace(Regex(r'\p{%s}' % script), '')
    ranges = []
    for cp in range(0x110000):
        if not 0xD800 <= cp < 0xE000 and not drop.normalize_str(chr(cp)):
            if ranges and ranges[-1][1] == cp - 1:
                ranges[-1][1] = cp
            else:
                ranges.append([cp, cp])
    line = '\t'
    for a, b in ranges:
        item = '{"%s",0x%X,0x%X},' % (script.lower(), a, b)
        if len(line) + len(item) > 110:
            print(line)
            line = '\t'
        line += item
    print(line)
print('};')
