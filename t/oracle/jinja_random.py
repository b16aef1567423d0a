"""Random expressions against Jinja2: filters, tests, methods, formats and operators with arguments of all kinds.

  jinja_random.py [-n COUNT] [-s SEED] PROGRAM   PROGRAM is build/t/unit/jinja_test

Numbers are ASCII, and what Jinja2 gives as a generator, and so evaluates later or prints as one, is left out.
Counted as different: other text; a failure where Jinja2 has a text (but for what says that it is not known here);
and, with -x, a text where Jinja2 fails.
"""
import argparse
import copy
import json
import os
import random
import subprocess
import sys
import tempfile

import jinja

STRINGS = ['', 'a', 'Abc', 'hello World foo', ' x y ', 'a,b,,c', 'a\\nb\\n\\nc', '12', '-3.7', '0x1f', 'Größe ß', "it's", 'ÄÖ é', 'AA', 'aXbXc', '1e3',
           'the quick brown fox jumps over the lazy dog', '<b>&"x"</b>', 'a/b?c=d e', '日本語', 'tab\\there', '٣', '½']
INTS = ['0', '1', '2', '3', '-1', '-7', '10', '255', '1000', '1234567', '99999999999', '0x1F', '1_000']
FLOATS = ['0.0', '1.5', '-2.25', '3.14159', '1e20', '1e-7', '2.675', '123456.789', '1e16', '100.0', '0.1', '1e5']
WORDS = ['a', 'b', 'c', 'n', 'x']


def quoted(r, s=None):
    return "'%s'" % (s if s is not None else r.choice(STRINGS)).replace("'", "\\'")


def value(r, depth=0):
    k = r.randrange(16)
    if k < 5:
        return quoted(r)
    if k < 8:
        return r.choice(INTS)
    if k < 10:
        return r.choice(FLOATS)
    if k == 10:
        return r.choice(['true', 'false', 'none', 'nothing'])
    if depth > 1:
        return r.choice(WORDS + ['xs', 'ds', 'd'])
    n = r.randrange(4)
    if k < 13:
        return '[' + ', '.join(value(r, depth + 1) for _ in range(n)) + ']'
    if k == 13:
        return '(' + ''.join(value(r, depth + 1) + ', ' for _ in range(n)) + ')'
    if k == 14:
        return '{' + ', '.join('%s: %s' % (quoted(r, r.choice(WORDS)), value(r, depth + 1)) for _ in range(n)) + '}'
    return r.choice(['xs', 'ds', 'd', 'words', 'nums'])


ARGS = {
    'i': lambda r: r.choice(['0', '1', '2', '3', '5', '-1', '12']),
    's': quoted,
    'c': lambda r: quoted(r, r.choice(['a', 'X', ' ', ',', 'b', '', 'o', '*'])),
    'b': lambda r: r.choice(['true', 'false']),
    'v': value,
    'k': lambda r: quoted(r, r.choice(WORDS)),
    't': lambda r: quoted(r, r.choice(['odd', 'even', 'defined', 'string', 'number', 'none', 'mapping', 'lower', 'upper', 'sequence'])),
    'f': lambda r: quoted(r, r.choice(['upper', 'length', 'string', 'int', 'trim', 'first', 'tojson', 'abs', 'title', 'list'])),
}
FILTERS = '''abs | attr:k | batch:i | batch:iv | capitalize | center:i | count | default:v | default:vb | dictsort | dictsort:b | e | filesizeformat
filesizeformat:b | first | float | float:v | groupby:k | indent | indent:i | indent:ib | indent:ibb | int | int:v | int:vi | items | join | join:c | join:cv | last
length | list | lower | map:f | max | min | pprint | reject | reject:t | reject:tv | replace:cc | replace:cci | reverse | round | round:i | select | select:t
selectattr:k | selectattr:kt | rejectattr:k | slice:i | slice:iv | sort | sort:b | sort:bb | string | sum | title | tojson | trim | trim:c | truncate:i
truncate:ib | truncate:ibc | truncate:ibci | unique | upper | urlencode | wordcount | map:f | tojson:b'''.replace('\n', ' | ').split(' | ')
NAMED = ['map(attribute=%s)', 'sort(attribute=%s)', 'sum(attribute=%s)', 'join(attribute=%s)', 'unique(attribute=%s)', 'max(attribute=%s)',
         'groupby(%s, default=1)', 'map(attribute=%s, default="q")', 'selectattr(%s, "eq", 2)', 'groupby(%s, case_sensitive=true)']
METHODS = '''upper | lower | title | capitalize | strip | strip:c | lstrip:c | rstrip:c | split | split:c | split:ci | rsplit | rsplit:ci | splitlines | splitlines:b
startswith:c | startswith:ci | startswith:cii | endswith:c | endswith:cii | removeprefix:c | removesuffix:c | replace:cc | replace:cci | find:c | find:ci | find:cii
rfind:c | rfind:cii | index:c | rindex:c | count:c | count:ci | count:cii | partition:c | rpartition:c | center:i | center:ic | ljust:i | rjust:ic | zfill:i | swapcase
isdigit | isalpha | isalnum | isspace | islower | isupper | get:k | get:kv | items | keys | values | append:v | index:v | count:v | copy | isnumeric'''.replace('\n', ' | ').split(' | ')
TESTS = '''defined | undefined | none | string | mapping | iterable | sequence | number | integer | float | boolean | true | false | callable | eq:v | ne:v | lt:v | gt:v
le:v | ge:v | in:v | sameas:v | odd | even | divisibleby:i | lower | upper | filter | test'''.replace('\n', ' | ').split(' | ')
SPECS = ['', ':', ':d', ':5', ':<5', ':>7', ':^9', ':*^9', ':05', ':+', ': ', ':.2f', ':8.3f', ':,', ':_', ':,.2f', ':e', ':.3e', ':g', ':.4g', ':x', ':#x', ':b', ':o', ':%', ':.1%',
         ':s', ':.2', ':.3s', ':c', ':=+6', ':06.1f', '!r', '!s', '!r:>9', ':#o', ':X', ':G', ':n', ':<+8.2e', ':{1}']
PERCENTS = ['%s', '%d', '%5s', '%-5s|', '%05d', '%+d', '% d', '%.2f', '%8.3f', '%e', '%.3e', '%g', '%x', '%#x', '%o', '%X', '%r', '%c', '%%', '%.3d', '%.2s', '%*d', '%i', '%G', '%-8.1f|', '%+.1e', '%5%']


def row(r, rows):
    name, _, kinds = r.choice(rows).strip().partition(':')
    return name, ', '.join(ARGS[k](r) for k in kinds)


def expression(r, depth=0):
    k = r.randrange(12)
    v = value(r) if depth > 1 or r.random() < .6 else '(%s)' % expression(r, depth + 1)
    if k < 5:
        name, args = row(r, FILTERS)
        return '%s|%s%s' % (v, name, '(%s)' % args if args else '')
    if k == 5:
        return '%s|%s' % (r.choice(['ds', v]), r.choice(NAMED) % quoted(r, r.choice(WORDS + ['d.n', 'a,n'])))
    if k < 8:
        name, args = row(r, METHODS)
        return '(%s).%s(%s)' % (quoted(r) if r.random() < .6 else v, name, args)
    if k == 8:
        name, args = row(r, TESTS)
        return '%s is %s%s%s' % (v, r.choice(['', '', 'not ']), name, '(%s)' % args if args else '')
    if k == 9:
        return '%s %s %s' % (v, r.choice(['+', '-', '*', '/', '//', '%', '**', '~', '==', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'and', 'or']), value(r))
    if k == 10:
        fields = ''.join('{%s}' % (r.choice(SPECS)) + r.choice(['', ' ', '{{', 'x']) for _ in range(r.randrange(1, 3)))
        return '%s.format(%s)' % (quoted(r, fields), ', '.join(value(r) for _ in range(r.randrange(1, 4))))
    spec = ' '.join(r.choice(PERCENTS) for _ in range(r.randrange(1, 3)))
    return '%s|format(%s)' % (quoted(r, spec), ', '.join(value(r) for _ in range(r.randrange(1, 3)))) if r.random() < .5 else \
        '%s %% %s' % (quoted(r, spec), value(r))


def lists(text):
    """What Jinja2 gives as a generator is printed as a list by |list."""
    return '{%% set q = %s %%}{{ q if q is string or q is number or q is none or q is mapping or q is undefined else q|list }}' % text


def main():
    p = argparse.ArgumentParser()
    p.add_argument('-n', type=int, default=5000)
    p.add_argument('-s', type=int, default=1)
    p.add_argument('-x', action='store_true')
    p.add_argument('-v', type=int, default=20)
    p.add_argument('program')
    a = p.parse_args()
    r, bad, both, unknown = random.Random(a.s), 0, 0, 0
    variables = {'xs': [3, 1, 2], 'words': ['b', 'A', 'c', 'a'], 'nums': [1.5, 2, -3], 'd': {'a': 1, 'b': 'x', 'c': [1, 2]},
                 'ds': [{'a': 1, 'n': 'x', 'd': {'n': 2}}, {'a': 2, 'n': 'X', 'd': {'n': 1}}, {'a': 1, 'n': 'b', 'd': {'n': 3}}],
                 'a': 'text', 'b': 5, 'n': 7}
    env = jinja.environment()
    with tempfile.TemporaryDirectory() as folder:
        path, data = os.path.join(folder, 't'), os.path.join(folder, 'v')
        json.dump(variables, open(data, 'w'))
        for _ in range(a.n):
            source = lists(expression(r))
            try:
                want, why = env.from_string(source).render(**copy.deepcopy(variables)), ''
            except Exception as e:
                want, why = None, '%s: %s' % (type(e).__name__, e)
            if 'generator object' in (want or '').lower():
                continue
            open(path, 'w').write(source)
            q = subprocess.run([a.program, path, data], capture_output=True)
            got, err = q.stdout.decode('utf-8', 'replace') if q.returncode == 0 else None, q.stderr.decode()
            if q.returncode not in (0, 1):
                err = 'status %d' % q.returncode
            if got is None and ('not known here' in err or 'too large' in err) and q.returncode == 1:
                unknown += 1
            elif got != want and (want is not None or a.x or q.returncode not in (0, 1)):
                bad += 1
                if bad <= a.v:
                    print('%s\n  want %r %s\n  got  %r %s' % (source[source.index('=') + 2:source.index(' %}')], want, why, got, err.strip()[-120:]))
            else:
                both += 1
    print('%d expressions: %d the same, %d not known here, %d differ' % (a.n, both, unknown, bad))
    return bad > 0


if __name__ == '__main__':
    sys.exit(main())
