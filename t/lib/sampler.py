"""The sampler's side of a live stream of logits, for tests that play one: written from llm-logits(5)."""
import os, struct, sys

stream, head = sys.stdin.buffer, {}
stream.readline()
for line in iter(stream.readline, b'\n'):
    key, _, head[key] = line.decode()[:-1].partition(' ')
width = int(head['rows'].split()[2])
back = os.open(head['reply'], os.O_WRONLY)
os.write(back, b'# llm-tokens 1\n')


def row():
    """The next row: its bytes, and sequence, position, token, flags and logits; nothing at the end."""
    data = stream.read(16 + 4 * width)
    return data, struct.unpack('<4I%df' % width, data) if data else ()


def reply(text):
    os.write(back, text.encode() + b'\n')
