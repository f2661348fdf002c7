"""Asks the reference implementation for what only it can say.

    pip install tiktoken==0.14.0
    python reference.py classes > classes.txt
    python reference.py golden VOCABULARIES > ../../../shared/tokens/testdata/golden.json
    python reference.py compare VOCABULARIES < LINES

classes: which characters its regular expressions take for letters, marks, numbers and white space. Go's
unicode package follows another version of Unicode than Rust's regex crate does.
golden: the token ids of texts.json; VOCABULARIES is the folder that `go run . -keep VOCABULARIES` fills.
compare: whether the ids are right that TestSoak in shared/tokens/soak_test.go has written.
"""

import base64
import hashlib
import itertools
import json
import pathlib
import sys

import tiktoken
from tiktoken_ext import openai_public

CLASSES = ["Lu", "Lt", "Lm", "Lo", "Ll", "M", "N"]


def matched(pattern, text):
    ranks = {bytes([i]): i for i in range(256)}
    encoding = tiktoken.Encoding("bytes", pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return bytes(encoding.encode_ordinary(text)).decode()


def classes():
    every = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    for name in CLASSES + ["s"]:
        ranges = []
        for c in map(ord, matched(r"\s" if name == "s" else rf"\p{{{name}}}", every)):
            if ranges and ranges[-1][1] == c - 1:
                ranges[-1][1] = c
            else:
                ranges.append([c, c])
        for first, last in ranges:
            print(f"{name} {first:X} {last:X}")


def load(folder):
    """The encodings, built from the reference's own patterns and special tokens."""

    def local(url, expected_hash):
        data = (pathlib.Path(folder) / url.rsplit("/", 1)[1]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == expected_hash, url
        lines = (line.split() for line in data.splitlines() if line)
        return {base64.b64decode(token): int(rank) for token, rank in lines}

    openai_public.load_tiktoken_bpe = local
    names = ["o200k_base", "o200k_harmony", "cl100k_base", "p50k_base", "r50k_base"]
    return {name: tiktoken.Encoding(**openai_public.ENCODING_CONSTRUCTORS[name]()) for name in names}


def golden(folder):
    """A line per text and encoding: the ids or, of more than a thousand, their number and hash."""
    here = pathlib.Path(__file__).parent
    texts = json.loads((here / "../../../shared/tokens/testdata/texts.json").read_text("utf-8"))
    lines = []
    for name, encoding in load(folder).items():
        for text in texts:
            raw = bytes.fromhex(text["hex"]) if "hex" in text else text["text"].encode()
            s = (raw * text.get("times", 1)).decode("utf-8", errors="replace")
            line = {"encoding": name, "name": text["name"], **compact(encoding.encode_ordinary(s))}
            special = encoding.encode(s, allowed_special="all")
            if special != encoding.encode_ordinary(s):
                line["special"] = special
            lines.append(json.dumps(line, separators=(",", ":")))
    print("[\n" + ",\n".join(lines) + "\n]")


def compact(ids):
    if len(ids) <= 1000:
        return {"ids": ids}
    joined = ",".join(map(str, ids)).encode()
    return {"count": len(ids), "sha256": hashlib.sha256(joined).hexdigest()}


def compare(folder):
    """Each line is [text in hexadecimal, ids in o200k_base, ids in cl100k_base]."""
    encodings = load(folder)
    large = [encodings["o200k_base"], encodings["cl100k_base"]]
    texts = wrong = 0
    while lines := list(itertools.islice(sys.stdin, 100_000)):
        hexes, *ids = zip(*map(json.loads, lines))
        decoded = [bytes.fromhex(h).decode("utf-8", errors="replace") for h in hexes]
        for encoding, got in zip(large, ids):
            for h, want, have in zip(hexes, map(encoding.encode_ordinary, decoded), got):
                if want != have:
                    wrong += 1
                    print(f"{encoding.name}: {h} is {have}, want {want}")
        texts += len(lines)
        if texts % 1_000_000 == 0:
            print(f"{texts} texts, {wrong} differences", flush=True)
    print(f"{texts} texts in each of two encodings, {wrong} differences")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    if sys.argv[1] == "classes":
        classes()
    elif sys.argv[1] == "compare":
        compare(sys.argv[2])
    else:
        golden(sys.argv[2])
