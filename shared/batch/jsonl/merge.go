package jsonl

import (
	"container/heap"
	"context"
	"fmt"
	"io"
)

// List is a list of lines in the source's order, each led by its number and a tab. It is opened only when the merge
// gets to where it begins. What Open returns can be read on after Close: the next Read goes on where the last one ended.
type List struct {
	First    int  // no line of it has a smaller number
	Fallback bool // a line counts only where no other list has it
	Open     func() io.ReadCloser

	body   io.ReadCloser
	all    *downloads // that body is one of
	lines  *Scanner
	number int
	text   []byte // without number and tab
}

// advance reads the next line. ok is false at the end.
func (s *List) advance() (ok bool, err error) {
	if s.lines == nil {
		s.body = s.all.add(s.Open())
		s.lines = NewAnswerScanner(s.body)
	}
	if !s.lines.Next() {
		s.close()
		return false, s.lines.Err
	}
	if s.number, s.text, err = CutNumber(s.lines.Text); err != nil {
		return false, fmt.Errorf("a list of results is torn: %w", err)
	}
	return true, nil
}

func (s *List) close() {
	if s.body != nil {
		_ = s.body.Close()
	}
}

// queue has the lists by the number of their next line, those that are not open by the least it can be.
// Of two for the same line the one that is no fallback comes first.
type queue []*List

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.next() != b.next() {
		return a.next() < b.next()
	}
	if (a.lines == nil) != (b.lines == nil) {
		return a.lines == nil // it may be the better
	}
	return !a.Fallback && b.Fallback
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*List)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// next is the number of the next line, or the least it can be.
func (s *List) next() int {
	if s.lines == nil {
		return s.First
	}
	return s.number
}

// Merge calls visit once for each line number, in order, with the line of the list that has it: what comes after its
// number and tab, which is valid until visit returns, and whether that list is a fallback.
func Merge(ctx context.Context, lists []*List, visit func(number int, text []byte, fallback bool) error) error {
	all := &downloads{}
	for _, s := range lists {
		s.all = all
	}
	q := queue(lists)
	heap.Init(&q)
	defer func() {
		for _, s := range q {
			s.close()
		}
	}()
	last := 0
	for len(q) > 0 {
		s := q[0]
		if s.lines != nil && s.number > last {
			if err := visit(s.number, s.text, s.Fallback); err != nil {
				return err
			}
			last = s.number
		}
		ok, err := s.advance()
		if err != nil {
			return err
		}
		if !ok {
			heap.Pop(&q)
			continue
		}
		heap.Fix(&q, 0)
	}
	return ctx.Err()
}
