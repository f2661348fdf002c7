package estimate

import (
	"strings"
	"unsafe"
)

// Memo keeps the counts of what most lines of a file have in common: system messages, instructions, tools and
// response formats. It belongs to the rules of one model, and to one goroutine at a time. The zero Memo is
// empty.
type Memo struct {
	counts map[said]counted
	bytes  int
}

// said is a value as JSON has it, and what follows it.
type said struct{ raw, tail string }

// counted is what a value takes.
type counted struct {
	tokens int
	unsure string // why that is no more than likely
}

// maxMemo is how many bytes of JSON a Memo keeps before it begins anew.
const maxMemo = 256 << 10

// count is what count returns for the value with the tail behind it. No Memo counts each time.
func (m *Memo) count(raw []byte, tail string, count func() counted) counted {
	if m == nil || len(raw) > maxMemo {
		return count()
	}
	key := said{unsafe.String(unsafe.SliceData(raw), len(raw)), tail} // for the look-up alone
	if n, ok := m.counts[key]; ok {
		return n
	}
	n := count()
	if m.bytes += len(raw); m.counts == nil || m.bytes > maxMemo {
		m.counts, m.bytes = map[said]counted{}, len(raw)
	}
	key.raw = strings.Clone(key.raw)
	m.counts[key] = n
	return n
}
