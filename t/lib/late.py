#!/usr/bin/env python3
"""A sampler that reads late: late.py [pipe] [leave] ID ... <rows

It replies with the ids, one a line, and reads the rows of all but the first only when the last one is sent. Prints
position, token and a checksum of each row. With `pipe` it says which pipe it reads, llm-logits(5): the writer may
lend it the memory of a row then, which must not change before it is read. With `leave` it does not read these, but goes."""
import os
import sys
import time
import zlib


def read(n):
    some = b''
    while len(some) < n:
        some += os.read(0, n - len(some)) or sys.exit('the rows end early')
    return some


def row(size):
    some = read(size)
    print(int.from_bytes(some[4:8], 'little'), int.from_bytes(some[8:12], 'little'), zlib.crc32(some[16:]))


head = {}
line = b''
while line != b'\n':
    line = b''
    while not line.endswith(b'\n'):
        line += read(1)
    key, _, head[key] = line.decode()[:-1].partition(' ')
size = 16 + 4 * int(head['rows'].split()[2])
ids = [i for i in sys.argv[1:] if i.isdigit()]
back = os.open(head['reply'], os.O_WRONLY)
os.write(back, b'# llm-tokens 1\n')
if 'pipe' in sys.argv:
    st = os.fstat(0)
    os.write(back, b'# pipe %d %d\n' % (st.st_dev, st.st_ino))
row(size)
os.write(back, b'%s\n' % ids[0].encode())
row(size)
for i in ids[1:]:
    os.write(back, b'%s\n' % i.encode())
    time.sleep(0.02)
if 'leave' in sys.argv:
    sys.exit()
for i in ids[1:]:
    row(size)
os.write(back, b'\n')
os.close(back)
