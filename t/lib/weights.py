#!/usr/bin/env python3
"""Compare how weights unpack with the Python package gguf, bit for bit.

usage: weights.py types_test [BLOCKS]      BLOCKS (65536) blocks of every type that it has
       weights.py -w DIR types_test        the same, then write the fixtures of t/types.bats

types_test is t/unit/types_test.c, compiled. Any NaN equals any other. What the package cannot unpack is
compared with llama.cpp's library, if LLM_GGML is the path of its libggml-base.so.
"""
import ctypes
import os
import subprocess
import sys

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

NOT_WEIGHTS = {'Q8_1', 'Q8_K', 'I8', 'I16', 'I32', 'I64', 'F64'}    # of activations; of no model
BY_GGML = {'Q1_0': (41, 128, 18), 'Q2_0': (42, 64, 18)}             # the package cannot unpack them
SHOWN = 256                                                         # weights of a type in a fixture


def run(*args, stdin=None):
    return subprocess.run(args, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def by_ggml(blocks, name, weights, size):
    out = np.empty(len(blocks) // size * weights, '<f4')
    unpack = getattr(ctypes.CDLL(os.environ['LLM_GGML']), 'dequantize_row_' + name.lower())
    unpack(blocks, out.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(out)))
    return out


def expected(blocks, name, weights, size):
    if name in BY_GGML:
        out = by_ggml(blocks, name, weights, size)
    else:
        with np.errstate(all='ignore'):
            out = dequantize(np.frombuffer(blocks, np.uint8).reshape(-1, size), GGMLQuantizationType[name]).reshape(-1)
    return np.where(np.isnan(out), np.uint32(0x7fc00000), out.astype('<f4', copy=False).view('<u4'))


def main():
    write = sys.argv[1] == '-w' and sys.argv[2]
    test, *rest = sys.argv[3:] if write else sys.argv[1:]
    n = int(rest[0]) if rest else 65536
    types = [line.split() for line in run(test, '-l').decode().splitlines()]
    known = {k.name for k in GGML_QUANT_SIZES} - NOT_WEIGHTS | set(BY_GGML)
    bad = len(known ^ {name for _, name, _, _ in types})
    if bad:
        print('in one table only:', known ^ {name for _, name, _, _ in types})
    sums = []
    for number, name, weights, size in types:
        kind = None if name in BY_GGML else GGMLQuantizationType[name]
        numbers = int(number), int(weights), int(size)
        if numbers != (BY_GGML[name] if name in BY_GGML else (kind.value, *GGML_QUANT_SIZES[kind])):
            print(f'{name}: another number or size')
            bad += 1
            continue
        if name in BY_GGML and not os.environ.get('LLM_GGML'):
            print(f'{name}: not compared, for want of LLM_GGML')
            continue
        blocks = run(test, '-b', str(n), number)
        want = expected(blocks, name, int(weights), int(size))
        got = np.frombuffer(run(test, number, stdin=blocks), '<u4')
        wrong = np.flatnonzero(want != got)
        if len(wrong):
            print(f'{name}: {len(wrong)} of {len(want)} weights differ, first number {wrong[0]}')
            bad += 1
        if write:
            step = n // max(2, SHOWN // int(weights))
            with open(os.path.join(write, name + '.blocks'), 'wb') as f:
                f.write(np.frombuffer(blocks, np.uint8).reshape(n, -1)[step // 2::step].tobytes())
            with open(os.path.join(write, name + '.f32'), 'wb') as f:
                f.write(want.reshape(n, -1)[step // 2::step].tobytes())
            sums.append(f'{number} {name} ' + run('cksum', stdin=want.tobytes()).decode())
    if write and not bad:
        with open(os.path.join(write, 'cksums'), 'w') as f:
            f.writelines(sums)
    print(f'{len(types)} types, {n} blocks each: {bad} differ')
    sys.exit(bad > 0)


main()
