#!/usr/bin/env python3
"""Compare our token ids with other people's tokenizers on random strings.

    python3 t/oracle/vocab.py [-n 100000] [-s seed] [-b] build/vocab_test model.gguf...
    python3 t/oracle/vocab.py -p tokenizer.model build/vocab_test tokenizer.bin
    python3 t/oracle/vocab.py -w build/pretok_test      (only how text is cut into words)
    python3 t/oracle/vocab.py -n 60 -f t/fixtures/pretok  (make what t/vocab.bats compares with)

Oracles, each where its Python package can be imported: llama.cpp (llama_cpp),
Hugging Face's tokenizers (with gguf, for vocabularies of the kinds gpt2 and gemma4), and with
-p sentencepiece. vocab_test itself checks that every string comes back byte for
byte. -b: random bytes, too, for which only that counts: the oracles replace what
is not valid UTF-8. Exit 1 where an oracle that has the last word differs:
Hugging Face's for gpt2 and gemma4 (llama.cpp's are counted and shown), llama.cpp else.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

SCRIPTS = [(0x20, 0x7F), (0xA0, 0x180), (0x370, 0x400), (0x400, 0x530), (0x590, 0x700), (0x900, 0xA00),
           (0xE00, 0xE80), (0x1200, 0x1380), (0x1780, 0x1800), (0x2000, 0x2070), (0x2190, 0x2700),
           (0x3040, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xFF00, 0xFFF0), (0x1F300, 0x1FA00),
           (0x1D400, 0x1D800), (0x300, 0x370), (0x660, 0x66A), (0x2160, 0x2190)]
WORDS = """the of and to in is that it was for on are with as his they at be this from have or by one had
not but what all were when we there can an your which their said if do will each about how up out them
then she many some so these would other into has more her two like him see time could no make than first
been its who now people my made over did down only way find use may water long little very after words
called just where most know don't I'll we've you're he'd I'm it's DON'T I'LL We'Ve let's y'all 'tis it'ſ 'ſ camelCase HTTPServer Ünïcode ǅ
""".split()
CODE = ["{", "}", "(", ")", ";", "=", "==", "->", "::", "//", "/*", "*/", "#include <stdio.h>", "int", "return",
        "def f(x):", "\n", "\n\t", "\n    ", "\n        ", "    ", "\t\t", "0x1F", "'a'", '"%s\\n"', "&&", "[i]",
        "</s>", "<s>", "<unk>", "<|endoftext|>", "<|im_end|>", "<0x0A>", "$x", "`ls`", "~", "^", "\r\n", "\r"]
SPACES = [" ", " ", " ", "\n", "\t", "\r", "\v", "\f", "\x85", "\xa0", "\u2003", "\u2028", "\u3000", "\u1680"]


def ch(r):
    lo, hi = r.choice(SCRIPTS)
    return chr(r.randrange(lo, hi))


def any_char(r):
    while True:
        c = r.randrange(1, 0x110000) if r.random() < .3 else r.randrange(1, 0x20000)
        if not 0xD800 <= c < 0xE000 and c != 0x2581:
            return chr(c)


def piece(r):
    k = r.randrange(9)
    if k == 0:
        return "".join(ch(r) for _ in range(r.randrange(1, 8)))
    if k == 1:
        lo, hi = r.choice(SCRIPTS)
        return "".join(chr(r.randrange(lo, hi)) for _ in range(r.randrange(1, 12)))
    if k == 2:
        return "".join(any_char(r) for _ in range(r.randrange(1, 6)))
    if k == 3:
        return r.choice(SPACES) * r.randrange(1, 40)
    if k == 4:
        return "".join(r.choice(SPACES) for _ in range(r.randrange(1, 6)))
    if k == 5:
        return r.choice(CODE)
    if k == 6:
        return "".join(r.choice("0123456789.,-+eE ") for _ in range(r.randrange(1, 14)))
    w = " ".join(r.choice(WORDS) for _ in range(r.randrange(1, 6)))
    return r.choice([w, w, " " + w, w.capitalize(), w.upper(), w + r.choice(".,!?'\"")])


def strings(r, n, raw):
    for i in range(n):
        if raw and i % 4 == 0:
            b = bytes(r.randrange(1, 256) for _ in range(r.randrange(0, 40)))
        else:
            b = "".join(piece(r) for _ in range(r.randrange(0, 7))).encode()
            if raw and i % 4 == 1 and b:
                k = r.randrange(len(b))
                b = b[:k] + bytes([r.randrange(1, 256)]) + b[k + r.randrange(2):]
        yield b


def ours(program, model, texts):
    with tempfile.TemporaryFile() as f:
        for t in texts:
            f.write(t + b"\0")
        f.seek(0)
        p = subprocess.run([program, "-r", model], stdin=f, stdout=subprocess.PIPE, check=True)
    return [[int(x) for x in line.split()] for line in p.stdout.decode().split("\n")[:-1]]


def came_back(program, model, texts):
    with tempfile.TemporaryFile() as f:
        for t in texts:
            f.write(t + b"\0")
        f.seek(0)
        p = subprocess.run([program, model], stdin=f, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return p.stderr.decode().strip() or "all come back"


def llama_cpp(model):
    try:
        import ctypes
        import llama_cpp.llama_cpp as lib
    except Exception as e:
        print("  llama.cpp: left out,", e)
        return None
    quiet = lib.llama_log_callback(lambda level, text, data: None)
    lib.llama_log_set(quiet, ctypes.c_void_p(0))
    params = lib.llama_model_default_params()
    params.vocab_only = True
    m = lib.llama_model_load_from_file(model.encode(), params)
    if not m:
        print("  llama.cpp: cannot read it")
        return None
    vocab = lib.llama_model_get_vocab(m)

    def encode(b, _=quiet):
        buf = (lib.llama_token * (len(b) * 2 + 16))()
        n = lib.llama_tokenize(vocab, b, len(b), buf, len(buf), False, False)
        return list(buf[:n])
    return encode


def letters():
    """The class of letters in deepseek-llm's tokenizer.json, as lib/vocab/pretok.c quotes it."""
    path = os.path.join(os.path.dirname(__file__), "../../lib/vocab/pretok.c")
    quoted = open(path, encoding="utf-8").read().split("#define CASED_LETTERS", 1)[1].split("#define", 1)[0]
    return "".join(re.findall('"(.*)"', quoted))


def rules():
    """What each name stands for in Hugging Face's terms: the models' tokenizer.json."""
    from tokenizers import Regex, pre_tokenizers as P
    iso = lambda x: P.Split(Regex(x), "isolated")
    tail = P.ByteLevel(add_prefix_space=False, use_regex=False)
    gpt2 = P.ByteLevel(add_prefix_space=False, use_regex=True)
    cl = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?%s+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
    up, low = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
    ci = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    o200 = (r"[^\r\n\p{L}\p{N}]?" + up + "*" + low + "+%s|" + r"[^\r\n\p{L}\p{N}]?" + up + "+" + low + r"*%s|\p{N}%s"
            r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    table = {
        "gpt-2": [gpt2],
        "default": [iso(r"[\p{P}\$\+<=>\^~\|]+"), gpt2_iso(iso), iso(r"\p{N}+"), iso("[0-9][0-9][0-9]"), tail],
        "falcon": [iso(r"[\p{P}\$\+<=>\^~\|`]+"), gpt2_iso(iso), iso("[0-9][0-9][0-9]"), tail],
        "starcoder": [iso(r"\p{N}"), gpt2],
        "llama-bpe": [iso(cl % (r"\p{L}", "{1,3}")), tail],
        "dbrx": [iso(cl % (r"\p{L}", "{1,3}")), tail],
        "qwen2": [iso(cl % (r"\p{L}", "")), tail],
        "qwen35": [iso(cl.replace(r" ?[^\s\p{L}", r" ?[^\s\p{L}\p{M}") % (r"[\p{L}\p{M}]", "")), tail],
        "deepseek-coder": [iso("[\r\n]"), iso(r"\s?\p{L}+"), iso(r"\s?\p{P}+"),
                           iso("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"), iso(r"\p{N}"), tail],
        "deepseek-v3": [iso(r"\p{N}{1,3}"), iso("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"),
                        iso(r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
                            r"""| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""), tail],
        "bloom": [iso(r" ?[^(\s|[.,!?…。，、।۔،])]+"), tail],
        "gpt-4o": [iso(o200 % (ci, ci, "{1,3}")), tail],
        "tekken": [iso(o200 % ("", "", "")), tail],
    }
    table["smollm"] = table["starcoder"]
    table["viking"] = [table["bloom"][0], iso(r"\p{N}"), tail]
    table["deepseek-llm"] = [iso("[\r\n]"), iso(r"\s?[" + letters() + "]+"), iso(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), iso(r"\s+$"),
                             iso("[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"), iso(r"\p{N}+"), tail]
    table["seed-coder"] = [iso((cl % (r"\p{L}", "{1}")).replace(r"\p{N}]+[\r\n]*", r"\p{N}\r\n]+")), tail]
    table["minicpm5"] = [iso(r"\p{N}{1,3}"), iso(cl % (r"\p{L}", "+")), tail]
    table["ufakzeka"] = [iso((cl % (r"\p{L}", "")).split(")|", 1)[1]), tail]
    table["superbpe"] = [iso(r"\p{N}+"), iso(r"(?=(\d{3})+(?!\d))"), tail]
    table["granite-embed-multi-97m"] = table["gpt-4o"]
    contracted = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
    table["bailingmoe"] = [iso(r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*"
                               r"|\s*[\r\n]|\s+(?!\S)|\s+"), tail]
    table["exaone-moe"] = [iso(contracted + r"[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}"
                               r"| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"), tail]
    kimi = lambda x: "[" + x + r"&&[^\p{Han}]]"
    table["kimi-k2"] = [iso(r"[\p{Han}]+|" + o200.replace(up, kimi(up[1:-1])).replace(low, kimi(low[1:-1]))
                            .replace(r"[\r\n/]*", r"[\r\n]*") % (ci, ci, "{1,3}")), tail]
    table["laguna"] = [iso("[^\n]+|[\n]+"), iso(cl % (r"\p{L}", "")), tail]
    table["tiny_aya"] = [iso(r"\d{1,3}(?=(?:\d{3})*\b)"), iso(o200 % (ci, ci, "{1,3}")), tail]
    cjk = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
    table["youtu"] = [iso("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + cjk), iso(o200 % (ci, ci, "")), tail]
    ascii_words = (r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
                   r"""| ?[\p{P}\p{S}]+""")
    table["spark2_5"] = [iso(r"\p{N}{1,3}"), iso(cjk), iso(ascii_words + r"|[\r\n]|\s+(?!\S)|\s+"), iso(r"\p{N}"), tail]
    blocks = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x3040, 0x30FF), (0xFF65, 0xFF9F), (0x2F00, 0x2FDF),
              (0xE40, 0xEFF), (0x1780, 0x17FF), (0x1000, 0x109F), (0xAA60, 0xAA7F), (0xA9E0, 0xA9FF), (0xAC00, 0xD7AF),
              (0x1100, 0x11FF)]
    table["afmoe"] = [iso(r"\p{N}{1,2}(?=(?:\p{N}{3})+(?!\p{N}))|\p{N}{1,3}"),
                      iso("[" + "".join(chr(a) + "-" + chr(b) for a, b in blocks) + "]+"),
                      iso(ascii_words + r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"), tail]
    table["chameleon"] = [iso("<sentinel:[0-9]+>"), iso("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"), iso(r"([\t\n]|    |  )"),
                          iso(r"\p{N}"), iso(r"[\p{P}!-/:-@\[-`{-~]"), gpt2_iso(iso), tail]
    return table


def cutters():
    """The pre-tokenizers themselves; the last stage has no part in words."""
    from tokenizers import pre_tokenizers as P
    gpt2 = gpt2_iso(lambda x: P.Split(__import__("tokenizers").Regex(x), "isolated"))
    for name, stages in rules().items():
        # ByteLevel respells the text: its expression alone is wanted, or nothing.
        last = stages[-1:] if not isinstance(stages[-1], P.ByteLevel) else [gpt2] if stages[-1].use_regex else []
        yield name, P.Sequence(stages[:-1] + last).pre_tokenize_str


def make_fixtures(folder, texts):
    texts = [t for t in texts if valid(t) and t]
    with open(os.path.join(folder, "texts"), "wb") as f:
        f.write(b"".join(t + b"\0" for t in texts))
    for name, cut in cutters():
        with open(os.path.join(folder, name + ".words"), "w") as f:
            for t in texts:
                f.write("".join("%d " % len(w.encode()) for w, _ in cut(t.decode())) + "\n")


def compare_words(program, texts, show):
    texts = [t for t in texts if valid(t)]
    failed = False
    for name, cut in cutters():
        with tempfile.TemporaryFile() as f:
            for t in texts:
                f.write(t + b"\0")
            f.seek(0)
            out = subprocess.run([program, name], stdin=f, stdout=subprocess.PIPE, check=True).stdout
        differ = 0
        for t, line in zip(texts, out.decode().split("\n")):
            words = [w for w, _ in cut(t.decode())]
            if [len(w.encode()) for w in words] != [int(x) for x in line.split()]:
                differ += 1
                if differ <= show:
                    print(f"    {t.decode()!a}\n      ours {line}\n      theirs {words!a}")
        print(f"{name}: {differ} of {len(texts)} strings are cut otherwise")
        failed |= differ > 0
    sys.exit(failed)


def hugging_face(model):
    try:
        import tokenizers
        from tokenizers import pre_tokenizers as P
        from gguf import GGUFReader
    except Exception as e:
        print("  tokenizers: left out,", e)
        return None
    if open(model, "rb").read(4) != b"GGUF":
        return None
    f = GGUFReader(model).fields
    kind = f["tokenizer.ggml.model"].contents()
    if kind not in ("gpt2", "gemma4"):
        return None
    get = lambda k: [bytes(f[k].parts[i]).decode() for i in f[k].data]
    pieces = get("tokenizer.ggml.tokens")
    types = [int(f["tokenizer.ggml.token_type"].parts[i][0]) for i in f["tokenizer.ggml.token_type"].data]
    if kind == "gemma4":
        return gemma(tokenizers, pieces, types, [tuple(x.split(" ")) for x in get("tokenizer.ggml.merges")])
    pre = f["tokenizer.ggml.pre"].contents()
    table = rules()
    if pre not in table:
        print("  tokenizers: no rule here for", pre)
        return None
    merges = [tuple(x.split(" ")) for x in get("tokenizer.ggml.merges")]
    tok = tokenizers.Tokenizer(tokenizers.models.BPE(
        {p: i for i, p in enumerate(pieces)}, merges, ignore_merges=pre in ("llama-bpe", "tekken")))
    tok.pre_tokenizer = P.Sequence(table[pre])
    # What the file calls user-defined, but for what llama.cpp knows to be control pieces.
    user = [p for p, t in zip(pieces, types) if t == 4 and "fim" not in p]
    tok.add_tokens([tokenizers.AddedToken(p, normalized=False) for p in user])
    return lambda b: tok.encode(b.decode(), add_special_tokens=False).ids


def gemma(tokenizers, pieces, types, merges):
    """As google/gemma's tokenizer.json says it, but for U+2581, which is text here."""
    tok = tokenizers.Tokenizer(tokenizers.models.BPE(
        {p: i for i, p in enumerate(pieces)}, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = tokenizers.normalizers.Replace(" ", "\u2581")
    tok.pre_tokenizer = tokenizers.pre_tokenizers.Split(" ", "merged_with_previous")
    tok.add_tokens([tokenizers.AddedToken(p, normalized=False) for p, t in zip(pieces, types) if t == 4])
    return lambda b: None if "\u2581" in b.decode() else tok.encode(b.decode(), add_special_tokens=False).ids


def gpt2_iso(iso):
    return iso(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")


def sentencepiece(path):
    import sentencepiece as sp
    p = sp.SentencePieceProcessor(model_file=path)
    return lambda b: p.encode(b.decode())


def valid(b):
    try:
        b.decode()
        return True
    except UnicodeDecodeError:
        return False


def main():
    a = argparse.ArgumentParser()
    a.add_argument("-n", type=int, default=100000)
    a.add_argument("-s", type=int, default=1)
    a.add_argument("-b", action="store_true")
    a.add_argument("-p")
    a.add_argument("-v", type=int, default=3)
    a.add_argument("-f")
    a.add_argument("program", nargs="?")
    a.add_argument("-w", action="store_true")
    a.add_argument("model", nargs="*")
    o = a.parse_args()
    texts = list(strings(random.Random(o.s), o.n, o.b))
    if o.f:
        make_fixtures(o.f, texts)
    if o.w:
        compare_words(o.program, texts, o.v)
    failed = False
    for model in o.model:
        print(model)
        got = ours(o.program, model, texts)
        assert len(got) == len(texts)
        print(f"  {len(texts)} strings, {sum(map(len, texts))} bytes, {sum(map(len, got))} ids;",
              came_back(o.program, model, texts))
        hf = hugging_face(model)
        oracles = [("tokenizers", hf, True)] if hf else []
        if o.p:
            oracles.append(("sentencepiece", sentencepiece(o.p), True))
        elif open(model, "rb").read(4) == b"GGUF":
            oracles.append(("llama.cpp", llama_cpp(model), not hf))
        for name, encode, counts in oracles:
            if not encode:
                continue
            differ, shown = 0, 0
            for t, g in zip(texts, got):
                if not valid(t):
                    continue
                e = encode(t)
                if e is not None and e != g:
                    differ += 1
                    if shown < o.v:
                        shown += 1
                        print(f"    {t.decode()!a}\n      ours {g}\n      {name} {e}")
            print(f"  {name}: {differ} differ of {sum(map(valid, texts))} valid strings")
            failed |= counts and differ > 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
