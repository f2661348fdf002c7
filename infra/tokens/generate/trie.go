package main

import (
	"bytes"
	"container/heap"
	"slices"
)

// The trie of the tokens, as a double array with one unit of four bytes per node: bits 0 to 8 are the
// label, the byte that leads to the node; the rest is the id if the node is a leaf, else the base from
// which its children are counted: the child for byte b stands at base+b, and the node's own id, where the
// path to it is a token too, at base-1. No two nodes have the same base, so the label alone shows whose
// child a unit is.
const (
	labelBits = 9
	isLeaf    = 1 << 9
	hasID     = 1 << 10
	restShift = 11
	noByte    = 256 // the label of an id
	unused    = 511
)

// node is the tokens[low:high], which have their first depth bytes in common; unit is where it stands.
type node struct{ low, high, depth, unit, first int }

func newTrie(tokens [][]byte) []uint32 {
	var order []int
	for id, token := range tokens {
		if len(token) > 0 {
			order = append(order, id)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(tokens[a], tokens[b]) })
	b := &builder{}
	// Nodes on the way to low ids come first, so that what is common stands close together.
	queue := &nodes{{0, len(order), 0, -1, 0}}
	for queue.Len() > 0 {
		n := heap.Pop(queue).(node)
		tokenID := -1
		if len(tokens[order[n.low]]) == n.depth {
			tokenID = order[n.low]
			n.low++
		}
		var labels []int
		var children []node
		for at := n.low; at < n.high; {
			label := tokens[order[at]][n.depth]
			to := at + 1
			for to < n.high && tokens[order[to]][n.depth] == label {
				to++
			}
			labels = append(labels, int(label))
			children = append(children, node{low: at, high: to, depth: n.depth + 1, first: slices.Min(order[at:to])})
			at = to
		}
		if len(labels) == 0 {
			b.units[n.unit] |= uint32(tokenID)<<restShift | isLeaf | hasID
			continue
		}
		base := b.placeNode(labels, tokenID >= 0)
		if n.unit >= 0 {
			b.units[n.unit] |= uint32(base) << restShift
		}
		if tokenID >= 0 {
			b.units[n.unit] |= hasID
			b.units[base-1] = uint32(tokenID)<<restShift | noByte
		}
		for i, child := range children {
			child.unit = base + labels[i]
			b.units[child.unit] = uint32(labels[i])
			heap.Push(queue, child)
		}
	}
	b.grow(b.top + 256) // any byte may be looked up from any base
	return b.units[:b.top+256]
}

type builder struct {
	units     []uint32
	based     []bool   // by base: whether a node has it
	firstRoom [258]int // by number of units wanted: there is no room below it
	top       int      // the highest base
}

// placeNode finds the first base with room for the labels, and for an id if withID.
func (b *builder) placeNode(labels []int, withID bool) int {
	wanted := len(labels)
	if withID {
		wanted++
	}
	for base := max(1, b.firstRoom[wanted]); ; base++ {
		b.grow(base + 256)
		if b.based[base] || withID && b.units[base-1] != unused ||
			slices.ContainsFunc(labels, func(l int) bool { return b.units[base+l] != unused }) {
			continue
		}
		b.based[base] = true
		b.top = max(b.top, base)
		if wanted > 4 {
			b.firstRoom[wanted] = base
		} else if base > b.firstRoom[wanted]+4096 {
			b.firstRoom[wanted] = base - 4096 // where so few units did not fit, hardly any others will
		}
		return base
	}
}

func (b *builder) grow(n int) {
	for len(b.units) < n {
		b.units = append(b.units, unused)
		b.based = append(b.based, false)
	}
}

// nodes is a heap by the lowest id.
type nodes []node

func (n nodes) Len() int           { return len(n) }
func (n nodes) Less(i, j int) bool { return n[i].first < n[j].first }
func (n nodes) Swap(i, j int)      { n[i], n[j] = n[j], n[i] }
func (n *nodes) Push(x any)        { *n = append(*n, x.(node)) }
func (n *nodes) Pop() any {
	last := (*n)[len(*n)-1]
	*n = (*n)[:len(*n)-1]
	return last
}
