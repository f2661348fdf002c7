package plan

import (
	"aoai-bridge/shared/batch/cost"
	"aoai-bridge/shared/batch/jsonl"
	"aoai-bridge/shared/routing"
)

// stretch is a run of lines.
type stretch struct {
	text   []byte
	lines  []span
	offset int64 // after the last line
	number int   // of the last line
	last   bool  // there are no more
	done   chan struct{}
	err    error
}

type span struct {
	start, end, number int
	long               bool

	line   *jsonl.Line // without its body
	bad    *jsonl.Error
	target routing.Target // that decides about price and quota
	mode   jsonl.Mode
	size   int // of the request on its way to Azure, in bytes
	meter  *cost.Meter
	*cost.Reading
}

// About how many bytes of a file are handed on at once, and how many lines at most: a short line takes some
// hundred bytes beside its own.
const (
	stretchBytes = 512 << 10
	stretchLines = 4096
)

// fill reads lines.
func (s *stretch) fill(lines *jsonl.Scanner) {
	if cap(s.text) > 4*stretchBytes { // a long line left it so
		s.text = nil
	}
	s.text, s.lines, s.done, s.err, s.last = s.text[:0], s.lines[:0], make(chan struct{}), nil, false
	for from := lines.Offset; lines.Offset-from < stretchBytes && len(s.lines) < stretchLines; {
		if s.last = !lines.Next(); s.last {
			break
		}
		start := len(s.text)
		s.text = append(s.text, lines.Text...)
		s.lines = append(s.lines, span{start: start, end: len(s.text), number: lines.Number, long: lines.Long})
	}
	s.offset, s.number = lines.Offset, lines.Number
}
