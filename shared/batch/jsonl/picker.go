package jsonl

import (
	"bufio"
	"bytes"
	"io"
)

// Picker copies lines out of a caller's file as they stand in it, whatever their length.
type Picker struct {
	r      *bufio.Reader
	number int // of the line that comes next, from 1
}

// NewPicker reads a caller's file from its beginning.
func NewPicker(r io.Reader) *Picker { return &Picker{bufio.NewReaderSize(r, 256<<10), 1} }

// Copy copies the line of a number, which must be larger than that of the call before, byte for byte: without the byte
// order mark of the file, and with a newline at its end if it has none. It fails with io.ErrUnexpectedEOF if the file
// has fewer lines.
func (p *Picker) Copy(w io.Writer, number int) error {
	for ; p.number < number; p.number++ {
		if err := p.copyLine(io.Discard); err != nil {
			return err
		}
	}
	err := p.copyLine(w)
	p.number++
	return err
}

func (p *Picker) copyLine(w io.Writer) error {
	for size := 0; ; {
		piece, err := p.r.ReadSlice('\n')
		if size == 0 && len(piece) == 0 && err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		size += len(piece)
		if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
			return err
		}
		if size == len(piece) && p.number == 1 {
			piece = bytes.TrimPrefix(piece, bom)
		}
		if err == io.EOF {
			piece = append(bytes.Clone(piece), '\n')
		}
		if _, failed := w.Write(piece); failed != nil || err != bufio.ErrBufferFull {
			return failed
		}
	}
}
