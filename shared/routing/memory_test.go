package routing_test

import (
	"fmt"
	"sync"
	"testing"

	"aoai-bridge/shared/routing"
)

func TestMemory(t *testing.T) {
	var m routing.Memory
	if got := m.Find([]string{"a"}); got != "" {
		t.Errorf("knows %q of nothing", got)
	}
	m.Remember("east", "a", "b")
	m.Remember("west", "c")
	for _, tt := range []struct {
		ids  []string
		want string
	}{
		{nil, ""}, {[]string{"x"}, ""}, {[]string{"a"}, "east"}, {[]string{"b", "x"}, "east"}, {[]string{"a", "c"}, "west"},
		{[]string{"c", "a"}, "east"}, {[]string{"c", "x", "y"}, "west"}, {[]string{""}, ""},
	} {
		if got := m.Find(tt.ids); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.ids, got, tt.want)
		}
	}
	m.Remember("west", "a")
	if got := m.Find([]string{"a"}); got != "west" {
		t.Errorf("the later word does not count: %q", got)
	}
}

// TestMemoryIsBounded has many ids be named: those that are named again stay, and the others go.
func TestMemoryIsBounded(t *testing.T) {
	var m routing.Memory
	const bound = 10_000
	for i := range 10 * bound {
		m.Remember("r", fmt.Sprint(i))
		if m.Find([]string{"0"}) == "" {
			t.Fatalf("forgot what is always named, after %d", i)
		}
	}
	known := 0
	for i := range 10 * bound {
		if m.Find([]string{fmt.Sprint(10*bound - 1 - i)}) != "" {
			known++
		} else if i < bound/2-1 {
			t.Fatalf("forgot the last but %d", i)
		}
	}
	if known > bound {
		t.Errorf("knows %d, want at most %d", known, bound)
	}
}

func TestMemoryConcurrently(t *testing.T) {
	var m routing.Memory
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 3000 {
				m.Remember("r", fmt.Sprint(i, j))
				m.Find([]string{fmt.Sprint(j, i)})
			}
		})
	}
	all.Wait()
}
