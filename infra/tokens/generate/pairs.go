package main

import "math/bits"

// pairs finds the token that two merge into. A slot is the token's id and, in the bits above, some of the
// hash, which rules out most other pairs. The tokens are put in by rising id, each into the first free slot from where
// its hash points: so a search for one below some id may stop at a slot that has no lower one.
//
// The filter, a byte for each slot, has two bits set in one of its words for every pair that merges.
// Most pairs do not merge, and the filter rules out nearly all of these.
type pairs struct {
	slots  []uint32
	filter []uint64
}

const free = 1<<32 - 1 // an id above all

func newPairs(splits []split) pairs {
	merges := 0
	for id, s := range splits {
		if s.left != id {
			merges++
		}
	}
	size := uint64(1) << bits.Len(uint(merges))
	p := pairs{make([]uint32, size), make([]uint64, size/8)}
	for i := range p.slots {
		p.slots[i] = free
	}
	for id, s := range splits {
		if s.left == id {
			continue
		}
		h := hashPair(s.left, s.right)
		at := h >> slotShift % size
		p.filter[at/8] |= filterBits(h)
		for p.slots[at] != free {
			at = (at + 1) % size
		}
		p.slots[at] = uint32(h>>checkShift)<<idBits | uint32(id)
	}
	return p
}

// The hash and what is made of it are as in shared/tokens/vocab.go.

func hashPair(left, right int) uint64 {
	return (uint64(left)<<idBits | uint64(right)) * 0x9E3779B97F4A7C15
}

func filterBits(h uint64) uint64 { return 1<<(h>>40&63) | 1<<(h>>34&63) }

const (
	checkShift = 20
	slotShift  = 46
)
