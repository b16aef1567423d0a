"""mirostat.py AIM RATE: 20,000 draws of one sequence; the bound is followed from draw to draw as
arXiv:2007.14966 has it: what was drawn must have been within it, and the mean surprise must be the aim."""
import math, subprocess, sys
from draws import shape
from rows import ANSWER, header, row

aim, rate = float(sys.argv[1]), float(sys.argv[2])
x = shape('wide')
one = row(0, 0, 0, ANSWER, x)
command = ['llm-sample', '-q', '-n', '1', '-s', '1', '-t', '1', '-o', 'mirostat=%g,mirostat-rate=%g' % (aim, rate)]
out = subprocess.run(command, input=header(len(x)) + one * 20000, stdout=subprocess.PIPE, check=True).stdout
top = max(x)
w = [math.exp(v - top) for v in x]
total = math.fsum(w)
surprise = [-math.log2(v / total) if v else math.inf for v in w]
order = sorted(range(len(x)), key=lambda i: surprise[i])
sums = [0.0]
for i in order:
    sums.append(sums[-1] + w[i])
rank = {i: n for n, i in enumerate(order)}
bound, all_of = 2 * aim, []
for i in map(int, out.split()):
    n = max(1, sum(1 for k in order if surprise[k] <= bound + 1e-9))
    if rank[i] >= n:
        sys.exit('draw %d: token %d is beyond the bound of %f bits' % (len(all_of), i, bound))
    all_of.append(-math.log2(w[i] / sums[n]))
    bound -= rate * (all_of[-1] - aim)
mean = sum(all_of) / len(all_of)
print('%d draws, mean surprise %.4f bits, aim %g' % (len(all_of), mean, aim))
sys.exit(len(all_of) != 20000 or abs(mean - aim) > 0.01 * aim)
