package tokens

// placed is a token of a piece, where it ends, and which of the ways there it is.
type placed struct {
	id, end uint32
	way     int
}

// scratch is what an encoder needs beside the text. What it finds out it remembers across texts.
type scratch struct {
	tokens []placed
	dead   []uint64 // a bit per position: no encoding of the piece passes through it

	// The last walk: where it started, how many bytes it looked at, and what it found.
	from, seen, found int
	ways              [longestToken + 1]way

	bests [1 << bestBits]uint64
	short [1 << shortBits]shortPiece
	long  [1 << longBits]longPiece
}

const (
	longestToken = 128 // bytes
	longWalk     = 12  // bytes, from where on comparing is faster than walking

	bestBits  = 13
	shortBits = 13
	longBits  = 12
)

// best returns the highest n up to the given one of which the token sc.ways[n] fits behind left, or -1. Since
// a way is the end of all shorter ones, it alone tells what the answer is, which is remembered: left and
// the way, and in the lowest byte n+1.
func (sc *scratch) best(v *vocabulary, left uint32, n int) int {
	key := 1<<63 | uint64(left)<<32 | uint64(sc.ways[n].unit)>>restShift<<9 | uint64(sc.ways[n].unit)&isLeaf>>1
	known := &sc.bests[key*hashFactor>>(64-bestBits)]
	if *known&^0xFF == key {
		return int(*known&0xFF) - 1
	}
	for n >= 0 && !v.fit(left, v.id(sc.ways[n].unit)) {
		n--
	}
	*known = key | uint64(n+1)
	return n
}

// encode leaves the tokens of the piece s[i:end] in sc.tokens.
//
// The encoding of a text is the only way to cut it into tokens of which all neighbours fit. So take the
// longest token at each place; where it does not fit to the one before, a shorter one; and where none
// does, go back. A place that was gone back from is never tried again, which keeps that linear.
func (v *vocabulary) encode(sc *scratch, s string, i, end int) {
	tokens := sc.tokens[:0]
	sc.seen = 0
	n := v.walk(sc, s, i, end)
	if w := sc.ways[n]; i+int(w.length) == end {
		sc.tokens = append(tokens, placed{v.id(w.unit), uint32(end), n})
		return
	}
	start := i
	dead := sc.alive(end - start)
	for {
		if len(tokens) > 0 && n >= 0 {
			n = sc.best(v, tokens[len(tokens)-1].id, n)
		}
		if n < 0 {
			dead[(i-start)/64] |= 1 << ((i - start) % 64)
			n = tokens[len(tokens)-1].way - 1
			tokens = tokens[:len(tokens)-1]
			i = start
			if len(tokens) > 0 {
				i = int(tokens[len(tokens)-1].end)
			}
			v.walk(sc, s, i, end)
			continue
		}
		w := sc.ways[n]
		to := i + int(w.length)
		if at := to - start; dead[at/64]>>(at%64)&1 != 0 {
			n--
			continue
		}
		tokens = append(tokens, placed{v.id(w.unit), uint32(to), n})
		if to == end {
			break
		}
		i = to
		n = v.walk(sc, s, i, end)
	}
	sc.tokens = tokens
}

// alive returns a bit, not set, for each of the positions 0 to n.
func (sc *scratch) alive(n int) []uint64 {
	words := n/64 + 1
	if cap(sc.dead) < words {
		sc.dead = make([]uint64, words)
	}
	dead := sc.dead[:words]
	clear(dead)
	return dead
}

// way is a token that a text starts with: the unit of the trie, and its length.
type way struct{ unit, length uint32 }

// id returns the token that a unit stands for.
func (v *vocabulary) id(unit uint32) uint32 {
	if unit&isLeaf != 0 {
		return unit >> restShift
	}
	return load32(v.trie, int(unit>>restShift-1)*4) >> restShift
}

// walk leaves the tokens that s[i:end] starts with in sc.ways, and returns the index of the longest.
//
// In a long run of one character, or of a few, walks are long and many and all the same: so one that would
// see what the last one saw is spared.
func (v *vocabulary) walk(sc *scratch, s string, i, end int) int {
	if sc.seen >= longWalk && i+sc.seen <= end && s[i:i+sc.seen] == s[sc.from:sc.from+sc.seen] {
		return sc.found
	}
	if v.oneSpace && end > i+1 && s[i] == ' ' && s[i+1] == ' ' {
		end = i + 1
	}
	n, at := 0, i
	trie := v.trie
	base := uint32(rootBase)
	sc.seen = 0 // unless it is not for the end that the walk ends
	for at < end {
		b := uint32(s[at])
		u := load32(trie, int(base+b)*4)
		at++
		if u&labelMask != b {
			sc.seen = at - i
			break
		}
		sc.ways[n] = way{u, uint32(at - i)} // to be written over if it is none, as a branch here is hard to foresee
		n += int(u / hasID & 1)
		if u&isLeaf != 0 {
			sc.seen = at - i
			break
		}
		base = u >> restShift
	}
	sc.from, sc.found = i, n-1
	return n - 1
}
