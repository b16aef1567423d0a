"""Texts drawn under a grammar, checked by parsers that nobody here wrote (GBNF: by gbnf_match.py).

grammar_check.py PROGRAM VOCABULARY COUNT gbnf FILE... | ere | schema [FILE...] | match"""
import ctypes
import datetime
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from gbnf_match import Grammar  # noqa: E402

program, vocab, count, kind, *files = sys.argv[1:]
count = int(count)


def draw(option, value, seed, limit, n):
    p = subprocess.run([program, option, value, '-n', str(limit), '-c', str(n), '-s', str(seed), 'draw', vocab],
                       capture_output=True)
    assert p.returncode == 0, (value, p.stderr)
    texts, text, at = [], b'', 0
    while at < len(p.stdout):
        part = p.stdout[at]
        text += p.stdout[at + 1:at + 1 + part]
        at += 1 + part
        if not part:
            texts, text = texts + [text], b''
    assert len(texts) == n
    return [t.decode() for t in texts]  # each is UTF-8 or this fails


def match(option, value, texts):
    p = subprocess.run([program, option, value, 'match'], input=b''.join(t.encode() + b'\0' for t in texts),
                       capture_output=True)
    if b'no text matches' in p.stderr:
        return [False] * len(texts)
    assert p.returncode == 0, (value, p.stderr)
    return [line == b'1' for line in p.stdout.split()]


def many(option, values, limit, check):
    """COUNT texts in all, by turns of each value; short limits, too."""
    done, seed = 0, 1
    while done < count:
        value = values[seed % len(values)]
        n = min(count - done, max(count // 4 // len(values), 5))
        for t in draw(option, value, seed, limit(seed), n):
            assert check(value, t), (value, t)
        done, seed = done + n, seed + 1
    print(f'{done} {kind}: all match')


GBNF = [r'''
root ::= (a | b | c)+ "."   # many ways: "xx" is a, b and c
a ::= "x" a? | "é" [ä-ü]{2,3}
b ::= "x" b? "y" | "x" b?
c ::= ("x" | "日本" .){1,4} !
'''.replace(' !', ''), r'''root ::= item{2,5}
item ::= "<" name ">" (item | text)* "</>" | "<" name "/>"
name ::= [a-z]+ ("-" [a-z0-9]+){0,2}
text ::= [^<>\x00-\x1F\U0001F600-\U0001F64F]
''', r'''root ::= ws list ws
list ::= "(" ws (atom (ws atom)*)? ws ")"
atom ::= [a-z] | [0-9]+ | list | "\"" ([^"\\] | "\\" ["\\nt])* "\""
ws ::= ([ \t\n] ws)?
''']

ERE = ['a*b|c+', '[[:upper:]][a-z]{2,5}( [[:alpha:]]+){0,3}[.!?]', '(0|[1-9][0-9]{0,3})(,[0-9]{3})*', '(a|ab)(c|bcd)(d*)',
       '[^[:space:]]+@[a-z]+\\.(com|org)', '.{3,7}', '(é|ü|[α-ω])+x?', '^(yes|no)$', '(x{2,3}){2}|y{0,40}z', '(.*a.*){2}']

SCHEMAS = [
    {'type': 'object', 'properties': {'name': {'type': 'string', 'minLength': 1, 'maxLength': 12},
                                      'age': {'type': 'integer', 'minimum': 18, 'maximum': 130},
                                      'tags': {'type': 'array', 'items': {'enum': ['a', 'b\n', 1.5, None]}, 'maxItems': 3}},
     'required': ['name', 'age'], 'additionalProperties': False},
    {'$defs': {'node': {'type': 'object', 'properties': {'v': {'type': ['integer', 'null']},
                                                         'kids': {'type': 'array', 'items': {'$ref': '#/$defs/node'},
                                                                  'maxItems': 2}}, 'required': ['v']}},
     '$ref': '#/$defs/node'},
    {'type': 'array', 'prefixItems': [{'const': {'k': [1, {}]}}, {'type': 'number', 'exclusiveMinimum': -1.5, 'maximum': 2.25}],
     'items': {'type': 'integer', 'minimum': -1234567, 'exclusiveMaximum': 99}, 'minItems': 2, 'maxItems': 6},
    {'type': 'object', 'properties': {'d': {'format': 'date'}, 't': {'format': 'time'}, 'dt': {'format': 'date-time'},
                                      'u': {'format': 'uuid'}, 'i': {'format': 'ipv4'}, 'e': {'format': 'email'},
                                      'h': {'format': 'hostname'}, 'w': {'format': 'uri'}}},
    {'type': 'object', 'properties': {'a': {'type': 'boolean'}, 'ab': False}, 'additionalProperties': {'type': 'null'}},
    {'allOf': [{'type': 'object', 'properties': {'x': {'minimum': 3}}, 'required': ['x']},
               {'properties': {'x': {'type': 'integer', 'maximum': 1000}, 'y': {'pattern': '^[a-c]+\\d{2,}$'}}}]},
    {'oneOf': [{'properties': {'kind': {'const': 'circle'}, 'r': {'type': 'number', 'minimum': 0}}, 'required': ['kind', 'r'],
                'type': 'object'},
               {'properties': {'kind': {'const': 'square'}, 'a': {'type': 'number', 'minimum': 0.125}},
                'required': ['kind', 'a'], 'type': 'object'}]},
    {'anyOf': [{'type': 'string', 'pattern': 'ab|[^\\w"]x'}, {'type': 'integer', 'minimum': 10}, {'type': 'null'}],
     'title': 'any of three'},
    {'type': 'object'}, True,
    {'type': 'number', 'minimum': 0.1, 'exclusiveMaximum': 0.3}, {'type': 'integer', 'minimum': -9007199254740993},
    {'type': 'string', 'pattern': '^(\\S+\\s){2}[^\\d\\s]\\D$'},
    {'type': 'object', 'maxProperties': 2, 'minProperties': 1, 'additionalProperties': {'type': 'array', 'minItems': 1}},
]


def gbnf():
    grammars = {}
    with tempfile.TemporaryDirectory() as d:
        for i, text in enumerate(GBNF):
            open(f'{d}/{i}.gbnf', 'w').write(text)
        names = files + [f'{d}/{i}.gbnf' for i in range(len(GBNF))]
        for n in names:
            grammars[n] = Grammar(open(n, encoding='utf-8').read())
        many('-g', names, lambda seed: [15, 40, 60, 25][seed % 4], lambda n, t: grammars[n].match(t))


def python_re(pattern):
    for name, chars in ('upper', 'A-Z'), ('alpha', 'A-Za-z'), ('space', r' \t-\r'):
        pattern = pattern.replace(f'[:{name}:]', chars)
    return pattern


def ere():
    many('-e', ERE, lambda seed: [8, 30][seed % 2] + 12,
         lambda e, t: re.fullmatch(python_re(e), t, re.DOTALL))


def schema():
    import jsonschema
    checkers = {}

    def times(v):
        """Formats that jsonschema itself leaves unchecked."""
        date = datetime.datetime.fromisoformat
        for key, check in ('d', datetime.date.fromisoformat), ('t', lambda t: date('2000-01-01T' + t)), ('dt', date):
            if isinstance(v, dict) and isinstance(v.get(key), str):
                check(v[key])
        return True

    with tempfile.TemporaryDirectory() as d:
        names = []
        for i, s in enumerate(SCHEMAS + [json.load(open(f)) for f in files]):
            names.append(f'{d}/{i}.json')
            json.dump(s, open(names[-1], 'w'), indent=1)
            cls = jsonschema.Draft202012Validator
            checkers[names[-1]] = cls(s, format_checker=cls.FORMAT_CHECKER)
        many('-j', names, lambda seed: [90, 150][seed % 2],
             lambda n, t: checkers[n].is_valid(json.loads(t)) and times(json.loads(t)))


def whole():
    """Random patterns and strings: as regexec(3) says, and Python's re."""
    libc = ctypes.CDLL(None)
    rnd = random.Random(2)

    def pattern(depth):
        k = rnd.randrange(10 if depth < 4 else 4)
        if k < 4:
            return rnd.choice(['a', 'b', 'c', '.', '[ab]', '[^a]', '[]a]', '[^]b-]', '\\.', '[[:alpha:]]', '[a-c.]'])
        if k < 6:
            return pattern(depth + 1) + pattern(depth + 1)
        if k < 7:
            return '(' + pattern(depth + 1) + '|' + pattern(depth + 1) + ')'
        if k < 9:
            return '(' + pattern(depth + 1) + ')' + rnd.choice(['*', '+', '?', '{2}', '{1,3}', '{2,}', '{0,2}'])
        return rnd.choice(['^', '']) + pattern(depth + 1) + rnd.choice(['$', ''])

    yes = total = 0
    for _ in range(max(count // 30, 40)):
        p = pattern(0)
        texts = [''.join(rnd.choice('aabbc].-') for _ in range(rnd.randrange(7))) for _ in range(30)]
        buf, m = ctypes.create_string_buffer(256), (ctypes.c_int * 2)()
        assert libc.regcomp(buf, p.encode(), 1) == 0, p
        ours = match('-e', p, texts)
        for t, got in zip(texts, ours):
            hit = libc.regexec(buf, t.encode(), 1, m, 0) == 0 and (m[0], m[1]) == (0, len(t))
            same = re.fullmatch(p.replace('[[:alpha:]]', '[a-z]').replace('[]a]', r'[\]a]').replace('[^]b-]', r'[^\]b-]'), t)
            marks = '^' in p.replace('[^', '') or '$' in p  # glibc repeats what begins a text
            assert got == bool(same) and (marks or got == hit), (p, t, got, hit, bool(same))
            yes, total = yes + got, total + 1
        libc.regfree(buf)
    assert yes > total // 50
    print(f'{total} strings, {yes} of them match: as re and regexec(3) have it')


{'gbnf': gbnf, 'ere': ere, 'schema': schema, 'match': whole}[kind]()
