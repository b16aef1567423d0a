"""lib/json against Python's: what is refused, what is read. json_check.py PROGRAM"""
import json
import random
import subprocess
import sys


def ours(text):
    p = subprocess.run([sys.argv[1]], input=text, capture_output=True)
    return p.returncode, p.stdout, p.stderr


BAD = [b'', b'{', b'[1,]', b'{"a":1,}', b'{"a" 1}', b'{"a":1,"a":2}', b'{"a":1,"b":2,"\\u0061":3}',
       b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\ud800x"', b'"\\ud800\\n"', b'01', b'1.', b'1e', b'-', b'+1',
       b'"\xff"', b'"\xed\xa0\x80"', b'"\x01"', b'[1 2]', b'nul', b'["a]', b'1 2', b'"\\x"', b'"\\u12g4"',
       b'[' * 129 + b']' * 129, b'{"a":1 "b":2}', b"'a'", b'.5', b'\xef\xbb\xbf1', b'[1}', b'{1:2}', b'{"a"}']
GOOD = [b'[' * 128 + b']' * 128, b' 1 ', b'"\\ud83d\\ude00 \\u0000 \xc3\xa9"', b'{"a":{"a":1},"b":[{}]}', b'-0',
        b'1E+5', b'{"":1}', b'"\\"\\\\\\/\\b\\f\\n\\r\\t"']

for text in BAD:
    status, out, err = ours(text)
    assert status == 1 and err.count(b'\n') == 1 and b'stdin' in err, (text[:20], status, err)
for text in GOOD:
    status, out, err = ours(text)
    assert status == 0 and json.loads(out) == json.loads(text), (text, out, err)

rnd = random.Random(1)


def char():
    return chr(rnd.choice([rnd.randrange(128), rnd.randrange(0x800), rnd.randrange(0x10000, 0x110000),
                           rnd.randrange(0xe000, 0xffff)]))


def value(depth):
    k = rnd.randrange(8 if depth < 5 else 5)
    if k == 0:
        return None
    if k == 1:
        return rnd.random() * 10 ** rnd.randrange(-30, 30)
    if k == 2:
        return rnd.random() < .5
    if k < 5:
        return ''.join(char() for _ in range(rnd.randrange(9)))
    if k < 7:
        return [value(depth + 1) for _ in range(rnd.randrange(6))]
    return {str(value(9)): value(depth + 1) for _ in range(rnd.randrange(30))}


for _ in range(300):
    want = value(0)
    text = json.dumps(want, ensure_ascii=rnd.random() < .5, indent=rnd.choice([None, 2])).encode()
    status, out, err = ours(text)
    assert status == 0 and json.loads(out) == want, (text, out, err)
