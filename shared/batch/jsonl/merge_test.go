package jsonl

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	tests := []struct {
		name  string
		lists []string // of lines by number; a fallback begins with ?
		want  string
	}{
		{"nothing", nil, ""},
		{"one", []string{"1 2 5"}, "1:0 2:0 5:0"},
		{"taking turns", []string{"1 4 5", "2 3 6"}, "1:0 2:1 3:1 4:0 5:0 6:1"},
		{"an empty one", []string{"", "3"}, "3:1"},
		{"a fallback fills gaps", []string{"?1 2 3 4", "2 3"}, "1:0? 2:1 3:1 4:0?"},
		{"the first of two", []string{"1 2", "2 3"}, "1:0 2:0 3:1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var lists []*List
			for i, numbers := range test.lists {
				numbers, fallback := strings.CutPrefix(numbers, "?")
				var file strings.Builder
				for number := range strings.FieldsSeq(numbers) {
					fmt.Fprintf(&file, "%s\t%d\n", number, i)
				}
				lists = append(lists, &List{First: 1, Fallback: fallback, Open: func() io.ReadCloser { return io.NopCloser(strings.NewReader(file.String())) }})
			}
			var got []string
			err := Merge(t.Context(), lists, func(number int, text []byte, fallback bool) error {
				mark := ""
				if fallback {
					mark = "?"
				}
				got = append(got, fmt.Sprintf("%d:%s%s", number, text, mark))
				return nil
			})
			if strings.Join(got, " ") != test.want || err != nil {
				t.Errorf("got %v, %v, want %s", got, err, test.want)
			}
		})
	}
}

func TestMergeFails(t *testing.T) {
	enough := errors.New("enough")
	for name, test := range map[string]struct {
		file string
		want error // nil for any
	}{"a torn list": {"1\ta\nx\tb\n", nil}, "the visitor": {"1\ta\n2\tb\n", enough}} {
		t.Run(name, func(t *testing.T) {
			body := &counted{file: strings.NewReader(test.file), open: map[*counted]bool{}}
			err := Merge(t.Context(), []*List{{First: 1, Open: func() io.ReadCloser { return body }}}, func(number int, _ []byte, _ bool) error {
				if number == 2 {
					return enough
				}
				return nil
			})
			if err == nil || test.want != nil && err != test.want || len(body.open) > 0 {
				t.Errorf("%v, and %d are open", err, len(body.open))
			}
		})
	}
}

// Of more lists than may be downloaded at once, all from the first line to the last, some are open at a time.
func TestMergeDownloadsAFewAtOnce(t *testing.T) {
	const lists, each = maxDownloads + 30, 3
	pad := strings.Repeat("x", 66<<10) // more than is read at once
	open, most := map[*counted]bool{}, 0
	var all []*List
	for i := range lists {
		all = append(all, &List{First: i + 1, Open: func() io.ReadCloser {
			var readers []io.Reader
			for n := range each {
				readers = append(readers, strings.NewReader(fmt.Sprintf("%d\t", i+1+n*lists)), strings.NewReader(pad), strings.NewReader("\n"))
			}
			return &counted{file: io.MultiReader(readers...), open: open, most: &most}
		}})
	}
	last := 0
	err := Merge(t.Context(), all, func(number int, text []byte, _ bool) error {
		if last++; number != last || string(text) != pad {
			return fmt.Errorf("line %d comes after line %d", number, last-1)
		}
		return nil
	})
	if err != nil || last != lists*each || len(open) > 0 || most != maxDownloads {
		t.Errorf("%v after %d lines; %d are open, %d were at once", err, last, len(open), most)
	}
}

// counted is open from a Read to a Close, and goes on after that.
type counted struct {
	file io.Reader
	open map[*counted]bool
	most *int
}

func (c *counted) Read(p []byte) (int, error) {
	c.open[c] = true
	if c.most != nil {
		*c.most = max(*c.most, len(c.open))
	}
	return c.file.Read(p)
}

func (c *counted) Close() error {
	delete(c.open, c)
	return nil
}
