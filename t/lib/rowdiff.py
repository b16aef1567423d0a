"""rowdiff.py FILE MOST <LOGITS: all rows against a file of float32 alone, or another stream of
rows; fails where two numbers differ by more than MOST or where one has more rows."""
import sys
from array import array


def body(data):
    """Width, and all floats behind one another; without header: width 0."""
    if not data.startswith(b'llm-logits 1\n'):
        return 0, floats(data)
    head, _, rows = data.partition(b'\n\n')
    width = next(int(s.split()[3]) for s in head.split(b'\n') if s.startswith(b'rows '))
    size = 16 + 4 * width
    return width, floats(b''.join(rows[i + 16:i + size] for i in range(0, len(rows), size)))


def floats(data):
    a = array('f', data)
    if sys.byteorder == 'big':
        a.byteswap()
    return a


width, ours = body(sys.stdin.buffer.read())
theirs = body(open(sys.argv[1], 'rb').read())[1]
if len(ours) != len(theirs) or not ours:
    sys.exit('%d numbers, not %d' % (len(ours), len(theirs)))
worst, where = max((abs(a - b), i) for i, (a, b) in enumerate(zip(ours, theirs)))
print('largest difference %.3g, in row %d, id %d' % (worst, where // width, where % width))
# "not <=", so that a NaN fails
sys.exit(not worst <= float(sys.argv[2]) or any(a != a for a in ours))
