#!/usr/bin/env python3
"""Write lib/weights/iq_grids.h: the codebooks of the IQ formats.

    python3 t/gen/iq_grids.py >lib/weights/iq_grids.h      (Python package gguf 0.19.0)

A format of the IQ kind stores for 8 (or 4) weights at once the number of a vector
in a codebook, its grid. The grids were found by search and are facts of the format;
the package holds the vectors' values, here they become the numbers of the levels
they pick, of 2 (or 4) bits each, lowest first, in 16 bits.
"""
import importlib.metadata
import sys

from gguf import quants

VERSION = "0.19.0"
# name, class of the package, bits of a level
GRIDS = [
    ("iq2_xxs", quants.IQ2_XXS, 2), ("iq2_xs", quants.IQ2_XS, 2), ("iq2_s", quants.IQ2_S, 2),
    ("iq3_xxs", quants.IQ3_XXS, 4), ("iq3_s", quants.IQ3_S, 4), ("iq1", quants.IQ1_S, 2),
]


def main():
    version = importlib.metadata.version("gguf")
    if version != VERSION:
        print(f"iq_grids.py: gguf {version}, not {VERSION}: look at the difference", file=sys.stderr)
    print(f"""/*
 * iq_grids.h - the codebooks of the IQ formats; written by t/gen/iq_grids.py from
 * the Python package gguf {version}.
 *
 * An entry is a vector of 8 levels of 2 bits, or of 4 levels of 4 bits for IQ3, the
 * first in the lowest bits. What a level is worth: lib/weights/unpack_iq.h. GRID_...(E) is E(entry), for
 * each: tables of other forms are made of these.
 */
#ifndef IQ_GRIDS_H
#define IQ_GRIDS_H

#include <stdint.h>

#define IQ_GRID_ENTRY(levels) levels,""")
    for name, cls, bits in GRIDS:
        cls.init_grid()
        levels = {float(v): i for i, v in enumerate(cls.grid_map)}
        words = [sum(levels[float(v)] << (bits * i) for i, v in enumerate(row)) for row in cls.grid.reshape(cls.grid_shape)]
        assert max(words) < 65536 and len(set(words)) == len(words)
        print(f"\n#define GRID_{name.upper()}(E) \\")
        for i in range(0, len(words), 10):
            print("\t" + " ".join(f"E(0x{w:04x})" for w in words[i:i + 10]) + " \\" * (i + 10 < len(words)))
        print(f"static const uint16_t grid_{name}[{len(words)}] = {{GRID_{name.upper()}(IQ_GRID_ENTRY)}};")
    print("\n#endif")


main()
