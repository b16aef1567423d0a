"""steps.py DRAWS OPTIONS [ID...]: so many draws, or LLM_DRAWS, of llm-sample -o OPTIONS behind the tokens ID... against the
distribution that llm-sample(1) defines under STEPS, computed here on its own, in the plainest way; chi-squared."""
import math, os, struct, sys
from draws import agree, run, shape
from rows import ANSWER, header, row

OFF = dict(last=64, repeat=1, frequency=0, presence=0, dry=0, typical=1, xtc=0, mirostat=0, temperature=1)
DEFAULT = dict(OFF, **{'dry-base': 1.75, 'dry-length': 2, 'xtc-least': 0.1, 'top-k': 0, 'top-p': 1, 'min-p': 0})


def softmax(x):
    top = max(x.values())
    w = {i: math.exp(v - top) for i, v in x.items()}
    total = math.fsum(w.values())
    return {i: v / total for i, v in w.items()}


def single(x):
    """As they are in single precision, where none becomes infinite."""
    most = 3.4028234663852886e38
    return [struct.unpack('<f', struct.pack('<f', max(min(v, most), -most) if v > -math.inf else v))[0] for v in x]


def penalties(x, o, past):
    for i in set(past) & set(x):
        x[i] = x[i] / o['repeat'] if x[i] > 0 else x[i] * o['repeat']
        x[i] -= past.count(i) * o['frequency'] + o['presence']


def dry(x, o, past):
    for i in x:
        longest = 0
        for at in range(1, len(past)):  # past[:at] + token is there already
            if past[at] == i:
                n = 0
                while n < at and past[at - 1 - n] == past[-1 - n]:
                    n += 1
                longest = max(longest, n)
        if longest >= o['dry-length']:
            x[i] -= o['dry'] * o['dry-base'] ** (longest - o['dry-length'])


def typical(p, mass):
    p = {i: v or 1e-320 for i, v in p.items()}
    entropy = -math.fsum(v * math.log(v) for v in p.values())
    left, total = {}, 0.0
    for i in sorted(p, key=lambda i: (abs(-math.log(p[i]) - entropy), i)):
        if total >= mass:
            break
        left[i] = p[i]
        total += p[i]
    return left


def likeliest(p, mass):
    """The fewest that make up so much."""
    left, total = {}, 0.0
    for i in sorted(p, key=lambda i: (-p[i], i)):
        left[i] = p[i]
        total += p[i]
        if total >= mass:
            break
    return left


def cut(x, o):
    """Probabilities, by top-k, typical, top-p and min-p."""
    ids = sorted(x, key=lambda i: (-x[i], i))[:int(o['top-k']) or None]
    p = softmax({i: x[i] for i in ids})
    if o['typical'] < 1:
        p = softmax({i: x[i] for i in typical(p, o['typical'])})
    if o['top-p'] < 1:
        p = likeliest(p, o['top-p'])
    return softmax({i: x[i] for i in p if p[i] >= o['min-p'] * max(p.values())})


def mixed(parts):
    """The sum of distributions, each with its weight."""
    all_of = {}
    for weight, p in parts:
        total = math.fsum(p.values())
        for i, v in p.items():
            all_of[i] = all_of.get(i, 0) + weight * v / total
    return {i: v for i, v in all_of.items() if v}


def reference(x, o, past):
    x = {i: v for i, v in enumerate(x) if v > -math.inf}
    past = past[-int(o['last']):]
    penalties(x, o, past)
    if o['dry']:
        dry(x, o, past)
    x = dict(zip(x, single(x.values())))
    p = softmax(x) if o['mirostat'] else cut(x, o)
    parts = [(1, p)]
    if o['xtc'] and not o['mirostat']:
        likely = sorted((i for i in p if p[i] >= o['xtc-least']), key=lambda i: (-x[i], i))
        parts = [(1 - o['xtc'], p), (o['xtc'], {i: p[i] for i in p if i not in likely[:-1]})]
    tempered = [(w, softmax({i: x[i] / o['temperature'] for i in p})) for w, p in parts]
    if o['mirostat']:
        tempered = [(w, {i: v for i, v in p.items() if v >= 2 ** (-2 * o['mirostat']) or i == min(p, key=lambda i: (-p[i], i))})
                    for w, p in tempered]
    return mixed(tempered)


def options(text):
    return dict(DEFAULT, **{k: float(v) for k, v in (item.split('=') for item in text.split(','))})


def stream(x, draws, past, alone):
    """Each draw in a sequence of its own, if what was drawn before would matter."""
    yield header(len(x))
    for s in range(draws):
        ids = past or [0]
        for at, i in enumerate(ids):
            yield row(s if alone else 0, at, i, ANSWER if at == len(ids) - 1 else 0, x)


def draw(x, draws, text, past, more=()):
    """What llm-sample draws with all steps off but these."""
    o = options(text)
    return run(['-k', '0', '-P', '1', '-m', '0', '-t', str(o['temperature']), '-o', text, *more],
               stream(x, draws, past, past or o['mirostat']))


def main():
    draws, text, past = int(os.environ.get('LLM_DRAWS', sys.argv[1])), sys.argv[2], [int(i) for i in sys.argv[3:]]
    x = shape('')
    agree(text, draw(x, draws, text, past), reference(x, options(text), past), draws)


if __name__ == '__main__':
    main()
