package batch

import (
	"container/heap"
	"context"
	"fmt"
	"io"
)

// sorted is a list of lines in the source's order, each led by its number and a tab. It is opened only
// when the merge gets to where it begins. What open returns may be read on after Close, as a bucket.Reader.
type sorted struct {
	first    int  // no line of it has a smaller number
	fallback bool // a line counts only where no other list has it
	open     func() io.ReadCloser

	body   io.ReadCloser
	all    *downloads // that body is one of
	lines  *scanner
	number int
	text   []byte // without number and tab
}

// advance reads the next line. ok is false at the end.
func (s *sorted) advance() (ok bool, err error) {
	if s.lines == nil {
		s.body = s.all.add(s.open())
		s.lines = newAnswerScanner(s.body)
	}
	if !s.lines.next() {
		s.close()
		return false, s.lines.err
	}
	if s.number, s.text, err = cutNumber(s.lines.text); err != nil {
		return false, fmt.Errorf("a list of results is torn: %w", err)
	}
	return true, nil
}

func (s *sorted) close() {
	if s.body != nil {
		_ = s.body.Close()
	}
}

// queue has the lists by the number of their next line, those that are not open by the least it can be.
// Of two for the same line the one that is no fallback comes first.
type queue []*sorted

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.at() != b.at() {
		return a.at() < b.at()
	}
	if (a.lines == nil) != (b.lines == nil) {
		return a.lines == nil // it may be the better
	}
	return !a.fallback && b.fallback
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*sorted)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

func (s *sorted) at() int {
	if s.lines == nil {
		return s.first
	}
	return s.number
}

// merge calls visit once for each line number, in order.
func merge(ctx context.Context, lists []*sorted, visit func(number int, from *sorted) error) error {
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
			if err := visit(s.number, s); err != nil {
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
