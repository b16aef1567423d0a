"""anysteps.py ROWS DRAWS: random rows of logits, up to thousands wide, with equals, masked and huge ones, each with random
steps and biases behind random tokens: so many draws of llm-sample each against the distribution that llm-sample(1)
defines, computed in steps.py in the plainest way. The worst of the chi-squared tests must be as bad as so many may be."""
import math, random, sys
from draws import chi_squared, tail
from steps import draw, options, reference, single

r = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)


def logits():
    n = r.choice([1, 2, 17, 255, 256, 257, 700, 3000])
    spread = r.choice([0, 0.3, 1, 3, 8])
    x = [r.gauss(0, spread) for _ in range(n)]
    if r.random() < 0.3:  # equals
        x = [round(v * 2) / 2 for v in x]
    if r.random() < 0.2:
        x = [v + r.choice([-1e4, 1e4]) for v in x]
    if r.random() < 0.1:
        x[r.randrange(n)] = r.choice([-3e38, 3e38])
    for i in range(n):
        if r.random() < r.choice([0, 0.3]):
            x[i] = -math.inf
    if r.random() < 0.2:  # whole blocks of 256
        x[n // 4:3 * n // 4] = [-math.inf] * (3 * n // 4 - n // 4)
    if not any(v > -math.inf for v in x):
        x[n // 2] = 0.5
    return single(x)


def steps():
    o = {'temperature': r.choice([0.3, 0.7, 1, 1, 2])}
    for name, values in {'top-k': [1, 5, 40, 500], 'typical': [0.2, 0.9, 0.99], 'top-p': [0, 0.3, 0.9, 0.999], 'min-p': [0.01, 0.2, 1],
                         'xtc': [0.5, 1], 'mirostat': [2, 6], 'repeat': [0.8, 1.3], 'presence': [-1, 0.7], 'dry': [1]}.items():
        if r.random() < (0.1 if name in ('repeat', 'presence', 'dry', 'mirostat') else 0.3):
            o[name] = r.choice(values)
    if r.random() < 0.3:
        o['xtc-least'] = r.choice([0, 0.01, 0.3])
    return o


def doubtful(x, o):
    """Whether so many are equal that rounding decides how many of them a step takes."""
    left = [v for v in x if v > -math.inf]
    return any(o.get(k, 1) < 1 for k in ('typical', 'top-p')) and len(set(left)) < 0.9 * len(left)


rows, draws, worst = int(sys.argv[1]), int(sys.argv[2]), 1.0
for at in range(rows):
    x, o = logits(), steps()
    while doubtful(x, o):
        x = logits()
    past = [r.randrange(len(x)) for _ in range(r.choice([1, 2]))] * 2 if {'repeat', 'presence', 'dry'} & set(o) else []
    bias = {r.randrange(len(x)): r.choice([-3, 0.5, 2]) for _ in range(r.choice([0, 0, 2]))}
    text = ','.join('%s=%g' % item for item in o.items())
    seen = draw(x, draws, text, past, [v for i, add in bias.items() for v in ('-b', '%d=%g' % (i, add))])
    expect = reference(single(v + bias.get(i, 0) for i, v in enumerate(x)), options(text), past)
    if set(seen) - set(expect):
        sys.exit('%d: -o %s: drew %s, which cannot be' % (at, text, sorted(set(seen) - set(expect))))
    worst = min(worst, tail(*chi_squared(seen, expect, draws)))
    if worst < 1e-3 / rows:
        sys.exit('%d: -o %s: chi-squared, p %g' % (at, text, worst))
print('%d rows, the worst: p %.2g' % (rows, worst))
