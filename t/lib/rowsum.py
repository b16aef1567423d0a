"""rowsum.py <LOGITS: a line for each row: sequence, position, token, flags, a sum over its bits."""
import hashlib, struct, sys

f, width = sys.stdin.buffer, 0
assert f.readline() == b'llm-logits 1\n', 'not a logits stream'
while (line := f.readline()).strip():
    if line.startswith(b'rows '):
        width = int(line.split()[3])
while row := f.read(16 + 4 * width):
    assert len(row) == 16 + 4 * width, 'cut within a row'
    print(*struct.unpack('<4I', row[:16]), hashlib.md5(row[16:]).hexdigest())
