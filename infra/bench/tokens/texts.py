"""Writes texts of about 1 MB, one class each: texts.py HANDBOOK GOROOT FOLDER"""

import base64
import html
import pathlib
import random
import re
import subprocess
import sys

SIZE = 1 << 20


def cut(data):
    return data[:SIZE].decode("utf-8", "ignore")


def prose(handbook, *languages, keep=lambda line: True):
    out = []
    for language in languages:
        for file in sorted((handbook / language).glob("*.html")):
            text = re.sub(r"(?s)<(script|style|head).*?</\1>", "", file.read_text("utf-8"))
            text = html.unescape(re.sub(r"<[^>]*>", "", text))
            text = re.sub(r"\n\s*\n+", "\n\n", text)
            out.append("\n".join(filter(keep, text.split("\n"))))
    return cut("\n".join(out).encode())


def foreign(line):
    """Drops what is not translated."""
    return sum(c > "\x7f" for c in line) * 2 > len(line)


def emoji(r):
    def one():
        kind = r.randrange(10)
        if kind < 5:
            return chr(0x1F600 + r.randrange(80)) * r.choice([1, 1, 1, 2, 3])
        if kind < 7:
            return chr(0x1F300 + r.randrange(255))
        if kind == 7:
            return r.choice("👍👋🙏👏💪") + chr(0x1F3FB + r.randrange(5))
        if kind == 8:
            return "\u200d".join(r.sample("👨👩👧👦", 3))
        return "".join(chr(0x1F1E6 + r.randrange(26)) for _ in "12")

    return cut("".join(one() + r.choice(["", "", "", " ", "\n"]) for _ in range(SIZE // 5)).encode())


def whitespace(r, words):
    """Five sixths white space: indented, padded and spaced words."""

    def gap():
        kind = r.choice(["\n", "\n\n", "\r\n", "\t", "    ", "        ", " "])
        return kind * r.choice([1, 1, 1, 2, 3]) + " " * r.choice([0, 0, 4, 8, 12, 16, 24, 33, 40])

    return cut("".join(r.choice(words)[:4] + gap() for _ in range(SIZE // 4)).encode())


def main(handbook, goroot, folder):
    handbook, r = pathlib.Path(handbook), random.Random(1)
    code = b"".join(f.read_bytes() for f in sorted(pathlib.Path(goroot, "src/net").rglob("*.go")))
    listing = subprocess.run(["go", "list", "-json", "std"], capture_output=True, check=True).stdout
    numbers = (str(r.randrange(10 ** r.randrange(1, 16))) for _ in range(SIZE // 6))
    texts = {
        "english": prose(handbook, "en-US"),
        "german": prose(handbook, "de-DE"),
        "cyrillic": prose(handbook, "ru-RU", keep=foreign),
        "arabic": prose(handbook, "ar-MA", "fa-IR", keep=foreign),
        "cjk": prose(handbook, "zh-CN", keep=foreign)[:180000] + prose(handbook, "ja-JP", keep=foreign)[:180000],
        "code": cut(code),
        "json": cut(listing),
        "emoji": emoji(r),
        "digits": cut(" ".join(numbers).encode()),
        "base64": cut(base64.encodebytes(r.randbytes(SIZE))),
    }
    texts["whitespace"] = whitespace(r, texts["english"].split())
    for name, text in texts.items():
        pathlib.Path(folder, name + ".txt").write_bytes(text.encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
