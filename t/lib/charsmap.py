"""charsmap.py - make a precompiled_charsmap, SentencePiece's normalization rules, from a dict of bytes.

A double array as Darts-clone lays it out, built the simple way; small dicts only.
"""
import struct


def charsmap(rules):
    texts, trie = b'', {}
    for key, value in sorted(rules.items()):
        t = trie
        for b in key:
            t = t.setdefault(b, {})
        t[-1] = len(texts)
        texts += value + b'\0'
    units, used = {0: 0}, {0}

    def place(node, at):
        labels = [max(b, 0) for b in node]
        base = 1
        while any(base ^ x in used for x in labels) or at ^ base >= 1 << 21:
            base += 1
        used.update(base ^ x for x in labels)
        units[at] = units.get(at, 0) | (at ^ base) << 10 | (-1 in node) << 8
        for b, child in node.items():
            units[base ^ max(b, 0)] = child | 1 << 31 if b < 0 else b
        for b, child in node.items():
            if b >= 0:
                place(child, base ^ b)

    place(trie, 0)
    blob = b''.join(struct.pack('<I', units.get(i, 0)) for i in range((max(units) | 255) + 1))
    return struct.pack('<I', len(blob)) + blob + texts
