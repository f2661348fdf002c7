"""Times Python tiktoken like testdata/peers does: tiktoken_speed.py ENCODING TEXTS VOCABULARIES"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "../../tokens/generate"))
import reference as tiktoken_by_hand  # noqa: E402

name, texts, vocabularies = sys.argv[1:]
encoding = tiktoken_by_hand.load(vocabularies)[name]
for file in sorted(pathlib.Path(texts).glob("*.txt")):
    data = file.read_bytes()
    text = data.decode()
    best, began = 1e9, time.perf_counter()
    for i in range(15):
        if i and time.perf_counter() - began > 3:
            break
        start = time.perf_counter()
        n = len(encoding.encode_ordinary(text))
        best = min(best, time.perf_counter() - start)
    print("tiktoken (Python)", file.stem, f"{len(data) / 1e6 / best:.1f}", n, sep="\t")
