package estimate

import (
	"strings"
	"unsafe"
)

// Memo keeps the counts of what most lines of a file have in common: system messages, instructions, tools and
// response formats. It belongs to the rules of one model, and to one goroutine at a time. The zero Memo is
// empty.
type Memo struct {
	counts map[memoKey]memoCount
	bytes  int
}

// memoKey is a value as JSON has it, and what follows it.
type memoKey struct{ raw, tail string }

// memoCount is the count of a value.
type memoCount struct {
	tokens int
	unsure string // why the count is only an estimate
}

// maxMemo is how many bytes of JSON a Memo keeps before it starts over.
const maxMemo = 256 << 10

// countOnce returns what count returns for the value with the tail after it. A nil Memo calls count each time.
func (m *Memo) countOnce(raw []byte, tail string, count func() memoCount) memoCount {
	if m == nil || len(raw) > maxMemo {
		return count()
	}
	key := memoKey{unsafe.String(unsafe.SliceData(raw), len(raw)), tail} // for the look-up only
	if n, ok := m.counts[key]; ok {
		return n
	}
	n := count()
	if m.bytes += len(raw); m.counts == nil || m.bytes > maxMemo {
		m.counts, m.bytes = map[memoKey]memoCount{}, len(raw)
	}
	key.raw = strings.Clone(key.raw)
	m.counts[key] = n
	return n
}
