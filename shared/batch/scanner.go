package batch

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// The longest lines that are looked at, in bytes. A longer one is passed over without being held.
const (
	maxLine   = 8 << 20  // of a caller's file
	maxAnswer = 96 << 20 // of what we or Azure wrote: 2,048 embeddings in one answer have 75 MB
)

var bom = []byte("\xef\xbb\xbf")

// scanner reads the lines of a JSONL file one by one. Blank lines count, so that a line's number is
// the one an editor shows, but are not handed out.
type scanner struct {
	r       *bufio.Reader
	limit   int    // of a line, in bytes
	held    []byte // a line that did not fit the reader's buffer
	rawLine        // the one last read; its text is valid until the next call
	offset  int64  // of the byte behind it
	ended   bool   // next returned false because the file ended
	err     error  // why else it did
}

// rawLine is a line as it stands in a file.
type rawLine struct {
	number int    // from 1
	text   []byte // without white space around it
	long   bool   // the line is longer than the limit, and text is empty
}

// newScanner reads a caller's file, from behind line number, which ends at offset.
func newScanner(r io.Reader, number int, offset int64) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 256<<10), limit: maxLine, rawLine: rawLine{number: number}, offset: offset}
}

// newAnswerScanner reads a file that we or Azure wrote.
func newAnswerScanner(r io.Reader) *scanner {
	return &scanner{r: bufio.NewReaderSize(r, 64<<10), limit: maxAnswer}
}

// next reads the next line that is not blank.
func (s *scanner) next() bool {
	for {
		raw, ok := s.line()
		if !ok {
			return false
		}
		if s.number == 1 {
			raw = bytes.TrimPrefix(raw, bom)
		}
		s.text = bytes.TrimSpace(raw)
		if s.long || len(s.text) > 0 {
			return true
		}
	}
}

// line reads up to the next newline, or to the end of the file.
func (s *scanner) line() (raw []byte, ok bool) {
	s.held, s.long = s.held[:0], false
	for read := 0; ; {
		piece, err := s.r.ReadSlice('\n')
		read += len(piece)
		s.offset += int64(len(piece))
		switch {
		case err == nil || err == io.EOF && read > 0:
			s.number++
			if s.long = read > s.limit; s.long {
				return nil, true
			}
			if len(s.held) == 0 {
				return piece, true
			}
			s.held = append(s.held, piece...)
			return s.held, true
		case !errors.Is(err, bufio.ErrBufferFull):
			if s.ended = err == io.EOF; !s.ended {
				s.err = err
			}
			return nil, false
		case read <= s.limit:
			s.held = append(s.held, piece...)
		}
	}
}
