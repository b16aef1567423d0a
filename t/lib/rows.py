"""The logits stream, llm-logits(5), for tests: written from the page, not from lib/."""
import struct

ANSWER, REPLY, FULL = 1, 2, 4


def header(width, *lines):
    return ''.join(s + '\n' for s in ('llm-logits 1', 'rows logits f32le %d' % width) + lines
                   + ('',)).encode()


def row(sequence, position, token, flags, logits):
    return struct.pack('<4I%df' % len(logits), sequence, position, token, flags, *logits)
