package main

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// pairs finds the token that two merge into. The two hash to a bucket, whose displacement says in which
// slot to look; a slot is the token's id and, in the bits above, some of the hash to tell most strangers by.
type pairs struct {
	displacements []uint16
	slots         []uint32
}

// hashPair is shared/tokens' function of the same name.
func hashPair(left, right int) uint64 {
	return (uint64(left)<<idBits | uint64(right)) * 0x9E3779B97F4A7C15
}

// The highest bits of the hash tell the bucket, those in the middle where the slots are counted from and in what
// steps, and what the check is.
func (p *pairs) bucketOf(h uint64) int { return int(h >> (65 - bits.Len(uint(len(p.displacements))))) }

func (p *pairs) slotOf(h uint64, displacement int) int {
	return int(uint32(h>>16)+uint32(displacement)*uint32(h>>8|1)) & (len(p.slots) - 1)
}

func checkOf(h uint64) uint32 { return uint32(h>>34) << idBits }

func newPairs(splits []split) (*pairs, error) {
	merges, some := 0, 0
	for id, s := range splits {
		if s.left != id {
			merges++
			some = id
		}
	}
	size := 1 << bits.Len(uint(merges))
	p := &pairs{displacements: make([]uint16, size/4), slots: make([]uint32, size)}
	hash := func(id int) uint64 { return hashPair(splits[id].left, splits[id].right) }
	buckets := make([][]int, len(p.displacements))
	for id, s := range splits {
		if s.left != id {
			b := p.bucketOf(hash(id))
			buckets[b] = append(buckets[b], id)
		}
	}
	order := make([]int, len(buckets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(buckets[b]), len(buckets[a])) })
	const empty = ^uint32(0)
	for i := range p.slots {
		p.slots[i] = empty
	}
	for _, b := range order {
		placed := false
		for d := 0; d < 1<<16 && !placed; d++ {
			var taken []int
			placed = true
			for _, id := range buckets[b] {
				at := p.slotOf(hash(id), d)
				if p.slots[at] != empty {
					placed = false
					break
				}
				p.slots[at] = checkOf(hash(id)) | uint32(id)
				taken = append(taken, at)
			}
			if placed {
				p.displacements[b] = uint16(d)
				break
			}
			for _, at := range taken {
				p.slots[at] = empty
			}
		}
		if !placed {
			return nil, fmt.Errorf("no room for a bucket of %d pairs", len(buckets[b]))
		}
	}
	for i := range p.slots {
		if p.slots[i] == empty { // an entry that is true wherever it is found
			p.slots[i] = checkOf(hash(some)) | uint32(some)
		}
	}
	return p, nil
}
