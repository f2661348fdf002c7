package jsonl

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// A line of a source is known by its number everywhere: it leads a line of our own lists, and it is the custom_id that
// a request and its answer travel with.

// parseNumber reads a line's number as appendNumber writes it.
func parseNumber(digits []byte) (int, error) {
	if len(digits) > 0 && digits[0] >= '1' && digits[0] <= '9' { // no sign, and no leading zero
		if n, err := strconv.Atoi(string(digits)); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%.20q is not the number of a line", digits)
}

func appendNumber(b []byte, number int) []byte { return strconv.AppendInt(b, int64(number), 10) }

// WriteNumbered writes a line of a list of ours: the number of a line of the source, a tab, a text without a newline, and
// a newline. buffer is used for what is not the text.
func WriteNumbered(w io.Writer, buffer []byte, number int, text []byte) error {
	if _, err := w.Write(append(appendNumber(buffer[:0], number), '\t')); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// CutNumber reads a line of a list of ours, without its newline: the number of a line of the source, and what comes
// after the tab.
func CutNumber(text []byte) (number int, rest []byte, err error) {
	digits, rest, _ := bytes.Cut(text, []byte{'\t'})
	number, err = parseNumber(digits)
	return number, rest, err
}
