// Files read a piece at a time, so that a large one never is in memory whole.

// pieces yields a text file's {text, end} in pieces of at most so many bytes, each cut after a line if it has one.
export async function* pieces(file, size) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let start = 0; start < file.size;) {
    const bytes = new Uint8Array(await file.slice(start, start + size).arrayBuffer());
    let length = bytes.length;
    if (start + length < file.size) {
      const line = bytes.lastIndexOf(10) + 1;
      length = line || wholeCharacters(bytes);
    }
    start += length;
    yield { text: decoder.decode(bytes.subarray(0, length)), end: start };
  }
}

// wholeCharacters is the length without the beginning of a character at the end.
function wholeCharacters(bytes) {
  let at = bytes.length - 1;
  while (at > 0 && (bytes[at] & 0xc0) === 0x80) at--;
  return at || bytes.length;
}

// lines yields [number, line] of a stream of bytes, without ends and without blank lines, which count.
export async function* lines(stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let number = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const text = rest + decoder.decode(value, { stream: !done });
      const all = text.split("\n");
      rest = done ? "" : all.pop();
      for (const line of all) {
        number++;
        if (line.trim()) yield [number, line];
      }
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
