"""draws.py T K P M [SHAPE]: 200,000 draws of llm-sample, or LLM_DRAWS, against the distribution that its
manual page defines, computed here on its own; chi-squared. Exit status 0: they agree."""
import collections, math, os, random, struct, subprocess, sys
from rows import ANSWER, header, row

DRAWS = int(os.environ.get('LLM_DRAWS', 200000))


def shape(name):
    r = random.Random(7)
    if name == 'ties':  # every logit four times
        x = [float(i // 4) / 3 for i in range(64)]
    elif name == 'wide':  # more than the chosen ones by far, some masked
        x = [r.gauss(0, 2) for _ in range(1000)]
        x[::9] = [-math.inf] * len(x[::9])
    elif name == 'flat':
        x = [0.0] * 50
    else:
        x = [r.gauss(0, 2) for _ in range(64)]
    r.shuffle(x)
    return [struct.unpack('<f', struct.pack('<f', v))[0] for v in x]


def reference(x, t, k, p, m):
    """Probabilities by id."""
    left = sorted((i for i in range(len(x)) if x[i] > -math.inf), key=lambda i: (-x[i], i))
    top = x[left[0]]
    if k:
        left = left[:k]
    if p < 1:
        w = [math.exp(x[i] - top) for i in left]
        sums, total = 0.0, math.fsum(w)
        for n, v in enumerate(w, 1):
            sums += v
            if sums >= p * total:
                left = left[:n]
                break
    left = [i for i in left if math.exp(x[i] - top) >= m]
    if t == 0:
        left = left[:1]
    w = [math.exp((x[i] - top) / (t or 1)) for i in left]
    return {i: v / math.fsum(w) for i, v in zip(left, w)}


def chi_squared(seen, expect, draws):
    """Statistic and degrees of freedom, the rare ones (fewer than 5) taken together."""
    bins, rare = [], [0, 0.0]
    for i, p in expect.items():
        if p * draws >= 5:
            bins.append((seen[i], p * draws))
        else:
            rare[0] += seen[i]
            rare[1] += p * draws
    if rare[1] >= 5:
        bins.append(rare)
    return sum((o - e) ** 2 / e for o, e in bins), len(bins) - 1


def tail(x, n):
    """P(chi-squared of n degrees >= x), Wilson and Hilferty's approximation."""
    if n == 0:
        return 1.0
    z = ((x / n) ** (1 / 3) - (1 - 2 / (9 * n))) / math.sqrt(2 / (9 * n))
    return math.erfc(z / math.sqrt(2)) / 2


def agree(name, seen, expect, draws=DRAWS):
    """Exit: 0 if what was seen may come from what is expected."""
    if sum(seen.values()) != draws:
        sys.exit('%d draws' % sum(seen.values()))
    if set(seen) - set(expect):
        sys.exit('drew %s, which cannot be' % sorted(set(seen) - set(expect)))
    value, n = chi_squared(seen, expect, draws)
    print('%s: chi-squared %.1f, %d degrees, p %.4f, %d candidates'
          % (name, value, n, tail(value, n), len(expect)))
    sys.exit(tail(value, n) < 1e-3)


def run(options, stream):
    """The tokens that llm-sample draws, one a turn, from the parts of a stream."""
    with open('draws', 'wb') as out:
        s = subprocess.Popen(['llm-sample', '-q', '-n', '1', '-s', '1'] + options, stdin=subprocess.PIPE, stdout=out)
        for part in stream:
            s.stdin.write(part)
        s.stdin.close()
        if s.wait():
            sys.exit('llm-sample failed')
    return collections.Counter(int(line) for line in open('draws') if line.strip())


def main():
    t, k, p, m = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    x = shape(sys.argv[5] if len(sys.argv) > 5 else '')
    one = row(0, 0, 0, ANSWER, x)
    seen = run(['-t', str(t), '-k', str(k), '-P', str(p), '-m', str(m)], [header(len(x))] + [one * 500] * (DRAWS // 500))
    agree(' '.join(sys.argv[1:]), seen, reference(x, t, k, p, m))


if __name__ == '__main__':
    main()
