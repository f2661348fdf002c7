package estimate

import (
	"strings"
	"unsafe"

	"aoai-bridge/shared/rawjson"
)

// Memo keeps the counts of system messages, which most lines of a file have in common. It belongs to one
// encoding, and to one goroutine at a time. The zero Memo is empty.
type Memo struct {
	counts map[said]int
	bytes  int
}

// said is a text as JSON has it, and what follows it.
type said struct{ quoted, tail string }

// maxMemo is how many bytes of text a Memo keeps before it begins anew.
const maxMemo = 256 << 10

// count is how many tokens text has with the tail behind it.
func (m *Memo) count(text rawjson.Node, tail string, count func(string) int) int {
	raw := text.Raw()
	key := said{unsafe.String(unsafe.SliceData(raw), len(raw)), tail} // for the look-up alone
	if n, ok := m.counts[key]; ok {
		return n
	}
	n := count(text.Text() + tail)
	if len(raw) > maxMemo {
		return n
	}
	if m.bytes += len(raw); m.counts == nil || m.bytes > maxMemo {
		m.counts, m.bytes = map[said]int{}, len(raw)
	}
	key.quoted = strings.Clone(key.quoted)
	m.counts[key] = n
	return n
}
