"""gguf_sp.py - fields of a tokenizer.model's normalizer, for t/oracle/spiece.py."""


def fields(b):
    """(number, value) of a protocol buffer."""
    i = 0

    def varint():
        nonlocal i
        v = shift = 0
        while True:
            v |= (b[i] & 127) << shift
            shift += 7
            i += 1
            if b[i - 1] < 128:
                return v

    while i < len(b):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
        else:
            n = varint() if kind == 2 else 4 if kind == 5 else 8
            yield key >> 3, b[i:i + n]
            i += n


def normalizer(blob):
    return dict(fields(dict(fields(blob))[3]))


def charsmap_of(blob):
    return normalizer(blob).get(2, b'')


def flag_of(blob, number):
    """add_dummy_prefix is 3, remove_extra_whitespaces 4."""
    return bool(normalizer(blob).get(number, 1))
