package jsonl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// The longest lines that are looked at, in bytes. A longer one is passed over without being held.
const (
	maxLine   = 64 << 20 // of a caller's file
	maxAnswer = 96 << 20 // of what we or Azure wrote: 2,048 embeddings in one answer have 75 MB
)

var bom = []byte("\xef\xbb\xbf")

// Scanner reads the lines of a JSONL file one by one. Blank lines count, so that a line's number is
// the one an editor shows, but are not handed out.
type Scanner struct {
	r       *bufio.Reader
	limit   int    // of a line, in bytes
	held    []byte // a line that did not fit the reader's buffer
	RawLine        // the one last read; its text is valid until the next call
	Offset  int64  // of the byte after it
	Ended   bool   // Next returned false because the file ended
	Err     error  // why else it did
}

// RawLine is a line as it stands in a file.
type RawLine struct {
	Number int    // from 1
	Text   []byte // without white space around it
	Long   bool   // the line is longer than the limit, and text is empty

	CustomID json.RawMessage // of a long line, where it can be found
}

// NewScanner reads a caller's file from the end of line number, at an offset in bytes; 0 and 0 are the beginning.
func NewScanner(r io.Reader, number int, offset int64) *Scanner {
	return &Scanner{r: bufio.NewReaderSize(r, 256<<10), limit: maxLine, RawLine: RawLine{Number: number}, Offset: offset}
}

// NewAnswerScanner reads a file that we or Azure wrote.
func NewAnswerScanner(r io.Reader) *Scanner {
	return &Scanner{r: bufio.NewReaderSize(r, 64<<10), limit: maxAnswer}
}

// Next reads the next line that is not blank.
func (s *Scanner) Next() bool {
	for {
		raw, ok := s.line()
		if !ok {
			return false
		}
		s.Text = bytes.TrimSpace(bytes.TrimPrefix(raw, bom)) // files that were put together have more than one
		if s.Long || len(s.Text) > 0 {
			return true
		}
	}
}

// line reads up to the next newline, or to the end of the file.
func (s *Scanner) line() (raw []byte, ok bool) {
	s.held, s.Long, s.CustomID = s.held[:0], false, nil
	var long *longLine
	for read := 0; ; {
		piece, err := s.r.ReadSlice('\n')
		read += len(piece)
		s.Offset += int64(len(piece))
		if long == nil && read > s.limit {
			long = &longLine{}
			long.add(s.held)
		}
		if long != nil {
			long.add(piece)
		}
		switch {
		case err == nil || err == io.EOF && read > 0:
			s.Number++
			if s.Long = long != nil; s.Long {
				s.CustomID = long.id
				return nil, true
			}
			if len(s.held) == 0 {
				return piece, true
			}
			s.held = append(s.held, piece...)
			return s.held, true
		case !errors.Is(err, bufio.ErrBufferFull):
			if s.Ended = err == io.EOF; !s.Ended {
				s.Err = err
			}
			return nil, false
		case long == nil:
			s.held = append(s.held, piece...)
		}
	}
}
