package jsonl

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// scanned is what a scanner hands out.
type scanned struct {
	RawLine
	offset int64
}

// scan reads a file with little buffer.
func scan(t *testing.T, file []byte, limit, number int, offset int64) (lines []scanned) {
	t.Helper()
	s := &Scanner{r: bufio.NewReaderSize(bytes.NewReader(file), 16), limit: limit, RawLine: RawLine{Number: number}, Offset: offset}
	for s.Next() {
		line := scanned{s.RawLine, s.Offset}
		line.Text = bytes.Clone(line.Text)
		lines = append(lines, line)
	}
	if !s.Ended || s.Err != nil || s.Offset != offset+int64(len(file)) {
		t.Fatalf("%q: ended %t at %d, %v", file, s.Ended, s.Offset, s.Err)
	}
	return lines
}

func same(a, b []scanned) bool {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || a[i].Number != b[i].Number || a[i].Long != b[i].Long || a[i].offset != b[i].offset || !bytes.Equal(a[i].Text, b[i].Text) {
			return false
		}
	}
	return true
}

// FuzzScanner holds the scanner against a split of the whole file: lines have the numbers that an editor shows, and
// reading can go on after each of them.
func FuzzScanner(f *testing.F) {
	for _, file := range []string{
		"", "\n", "a", "a\n", "a\nb", "\n\n a \t\r\n\r\n b", "\ufeffa\n\ufeffb", "\ufeff\n\ufeff\ufeff", strings.Repeat("w", 29) + "\n" + strings.Repeat("v", 30) + "\n" + strings.Repeat("x", 15) + "\n" + strings.Repeat("y", 16) + "\n" + strings.Repeat("z", 40),
		"\xff\x00\n\u2028\n\u0085", strings.Repeat("\n", 40) + "end",
	} {
		f.Add([]byte(file), uint8(30))
		f.Add([]byte(file), uint8(255))
	}
	f.Fuzz(func(t *testing.T, file []byte, limit uint8) {
		var want []scanned
		var rewritten bytes.Buffer // the same lines at the same places, with nothing around them
		offset := int64(0)
		for i, raw := range bytes.SplitAfter(file, []byte{'\n'}) {
			offset += int64(len(raw))
			line := scanned{RawLine{Number: i + 1, Long: len(raw) > int(limit)}, offset}
			if !line.Long {
				line.Text = bytes.TrimSpace(bytes.TrimPrefix(raw, bom))
			}
			rewritten.Write(bom)
			rewritten.Write(line.Text)
			rewritten.WriteByte('\n')
			if line.Long || len(line.Text) > 0 {
				want = append(want, line)
			}
		}
		got := scan(t, file, int(limit), 0, 0)
		if !same(got, want) {
			t.Fatalf("%q: got %+v, want %+v", file, got, want)
		}
		for i, line := range got {
			if rest := scan(t, file[line.offset:], int(limit), line.Number, line.offset); !same(rest, want[i+1:]) {
				t.Fatalf("%q after line %d: got %+v, want %+v", file, line.Number, rest, want[i+1:])
			}
		}
		again := scan(t, rewritten.Bytes(), 1<<20, 0, 0)
		for _, line := range want {
			if line.Long {
				continue
			}
			if len(again) == 0 || again[0].Number != line.Number || !bytes.Equal(again[0].Text, line.Text) {
				t.Fatalf("%q: written again, line %d is not what it was: %+v", file, line.Number, again)
			}
			again = again[1:]
		}
	})
}

func TestScannerFails(t *testing.T) {
	broken := errors.New("broken")
	s := NewScanner(&failing{"a\nb", broken}, 0, 0)
	if !s.Next() || string(s.Text) != "a" || s.Next() || s.Ended || s.Err != broken {
		t.Errorf("ended %t, %v, at %+v", s.Ended, s.Err, s.RawLine)
	}
}

// failing is a file that breaks off.
type failing struct {
	content string
	err     error
}

func (f *failing) Read(p []byte) (int, error) {
	n := copy(p, f.content)
	if f.content = f.content[n:]; n == 0 {
		return 0, f.err
	}
	return n, nil
}
