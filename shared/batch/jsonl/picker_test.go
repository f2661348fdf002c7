package jsonl

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestPicker(t *testing.T) {
	long := strings.Repeat("long", 200_000) // more than a buffer
	for _, tt := range []struct {
		name, file string
		numbers    []int
		want       string
		err        error
	}{
		{"none", "a\nb\n", nil, "", nil},
		{"all", "a\n b\r\n\nd\n", []int{1, 2, 3, 4}, "a\n b\r\n\nd\n", nil},
		{"some", "a\nb\nc\nd\n", []int{2, 4}, "b\nd\n", nil},
		{"without a newline at the end", "a\nb", []int{2}, "b\n", nil},
		{"after a byte order mark", "\ufeffa\n\ufeffb\n", []int{1, 2}, "a\n\ufeffb\n", nil},
		{"long ones", long + "1\n" + long + "2\n" + long + "3", []int{1, 3}, long + "1\n" + long + "3\n", nil},
		{"one that is not there", "a\nb\n", []int{1, 3}, "a\n", io.ErrUnexpectedEOF},
		{"one beyond", "a", []int{7}, "", io.ErrUnexpectedEOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			var err error
			p := NewPicker(strings.NewReader(tt.file))
			for _, number := range tt.numbers {
				if err = p.Copy(&got, number); err != nil {
					break
				}
			}
			if got.String() != tt.want || err != tt.err {
				t.Errorf("got %.100q, %v", got.String(), err)
			}
		})
	}
}
