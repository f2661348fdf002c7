package routing

import (
	"hash/maphash"
	"sync"
)

// maxRemembered bounds what a Memory knows.
const maxRemembered = 10_000

// Memory remembers which resource has what Azure has stored: responses, conversations, encrypted items, by their ids or
// their text. It is a hint: what it does not know may be in any resource. It keeps no id, and at least the half of
// maxRemembered that was named last. The zero Memory is ready to use, and its methods may be called concurrently.
type Memory struct {
	mu     sync.Mutex
	seed   maphash.Seed
	recent map[uint64]string // by the id's hash
	older  map[uint64]string // what was recent before, until recent is full
}

// Remember notes that a resource has what goes by these ids.
func (m *Memory) Remember(resource string, ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recent == nil {
		m.seed, m.recent = maphash.MakeSeed(), map[uint64]string{}
	}
	for _, id := range ids {
		m.put(maphash.String(m.seed, id), resource)
	}
}

func (m *Memory) put(hash uint64, resource string) {
	if _, known := m.recent[hash]; !known && len(m.recent) >= maxRemembered/2 {
		m.older, m.recent = m.recent, make(map[uint64]string, maxRemembered/2)
	}
	m.recent[hash] = resource
}

// Find returns the resource that has the last of some ids of which it knows one, "" if it knows none.
func (m *Memory) Find(ids []string) (resource string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.recent == nil {
		return ""
	}
	for i := len(ids) - 1; i >= 0; i-- {
		hash := maphash.String(m.seed, ids[i])
		if resource, ok := m.recent[hash]; ok {
			return resource
		}
		if resource, ok := m.older[hash]; ok {
			m.put(hash, resource) // it is named, and so stays
			return resource
		}
	}
	return ""
}
