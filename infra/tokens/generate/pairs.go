package main

import (
	"cmp"
	"fmt"
	"slices"
)

// pairs finds the token that two merge into. The two hash to a bucket, whose displacement says in which
// slot to look; a slot is the token's id and, in the bits above, some of the hash to tell most strangers by.
type pairs struct {
	displacements []uint16
	slots         []uint32
}

const perBucket = 4

// hashPair is shared/tokens' function of the same name.
func hashPair(left, right int) uint64 {
	h := (uint64(left)<<idBits | uint64(right)) * 0x9E3779B97F4A7C15
	return (h ^ h>>32) * 0xD6E8FEB86659FD93
}

// bucket, slot and check take different bits of the hash.
func bucketOf(h uint64, buckets int) int { return int(h >> 32 * uint64(buckets) >> 32) }

func slotOf(h uint64, displacement uint16, slots int) int {
	x := (uint32(h) ^ uint32(displacement)*0x9E3779B1) * 0x85EBCA6B
	return int(uint64(x) * uint64(slots) >> 32)
}

func checkOf(h uint64) uint32 { return uint32(h>>20) << idBits }

func newPairs(splits []split) (*pairs, error) {
	merges, some := 0, 0
	for id, s := range splits {
		if s.left != id {
			merges++
			some = id
		}
	}
	p := &pairs{
		displacements: make([]uint16, merges/perBucket+1),
		slots:         make([]uint32, merges+merges/32),
	}
	buckets := make([][]int, len(p.displacements))
	for id, s := range splits {
		if s.left != id {
			b := bucketOf(hashPair(s.left, s.right), len(buckets))
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
				at := slotOf(hashPair(splits[id].left, splits[id].right), uint16(d), len(p.slots))
				if p.slots[at] != empty {
					placed = false
					break
				}
				p.slots[at] = checkOf(hashPair(splits[id].left, splits[id].right)) | uint32(id)
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
			p.slots[i] = checkOf(hashPair(splits[some].left, splits[some].right)) | uint32(some)
		}
	}
	return p, nil
}
