"""regex_check.py PROGRAM CASES: matches of regex_test against what Oniguruma found (t/oracle/onig.py -f).

Ours may refuse a pattern by name, but not many; it may not differ.
"""
import json
import subprocess
import sys

program, path = sys.argv[1:]
refused = wrong = 0
for line in open(path, encoding='utf-8'):
    pattern, text, want = (json.loads(x) for x in line.split('\t'))
    p = subprocess.run([program], input=('%s\0%s\0' % (pattern, text)).encode(), capture_output=True)
    if p.returncode == 1 and p.stderr.count(b'\n') == 1:
        refused += 1
        print('refused: %s: %s' % (pattern, p.stderr.decode()))
        continue
    b, last, got = text.encode(), 0, b''
    for m in p.stdout.split():
        x, y = (int(v) for v in m.split(b'-'))
        got += b[last:x] + b'|'
        last = y
    got = (got + b[last:]).decode()
    if p.returncode or got != want:
        wrong += 1
        print('%r on %r: %r, not %r' % (pattern, text, got, want))
sys.exit(wrong > 0 or refused > 0)
