package tokens

// placed is a token of a piece: the unit of the trie, where it ends, and which of the ways there it is.
type placed struct {
	unit, end uint32
	way       int
}

// scratch is what an encoder needs beside the text. What it finds out it remembers across texts.
type scratch struct {
	tokens []placed
	views  [2]view

	bests [1 << bestBits]uint64
	short [1 << shortBits]shortPiece
	long  [1 << longBits]longPiece
}

const (
	longestToken = 128 // bytes
	longWalk     = 12  // bytes, from where on comparing is faster than walking

	bestBits  = 14
	shortBits = 14
	longBits  = 11
)

// best returns the highest n up to the given one of which the token ways[n] fits behind left, or -1. Since
// a way is the end of all shorter ones, it alone tells what the answer is, which is remembered: left and
// the way, without their labels, and in the lowest byte n+1.
func (sc *scratch) best(v *vocabulary, left uint32, ways *[longestToken + 1]way, n int) int {
	key := 1<<63 | unlabelled(left)<<32 | unlabelled(ways[n].unit)<<8
	known := &sc.bests[key*hashFactor>>(64-bestBits)]
	if *known&^0xFF == key {
		return int(*known&0xFF) - 1
	}
	id := v.id(left)
	for n >= 0 && !v.fit(id, v.id(ways[n].unit)) {
		n--
	}
	*known = key | uint64(n+1)
	return n
}

// encode leaves the tokens of the piece s[i:end] in sc.tokens.
//
// The encoding of a text is the only way to cut it into tokens of which all neighbours fit. So take the
// longest token at each place; where it does not fit to the one before, a shorter one; and where none
// does, go back. That is linear: the tokens up to a place are the encoding of the text up to there, so there
// is but one way to come to it, and it is never come to again once gone back from.
func (v *vocabulary) encode(sc *scratch, s string, i, end int) {
	tokens := sc.tokens[:0]
	at, before := &sc.views[0], &sc.views[1]
	at.forget()
	before.forget()
	at, before = v.walk(at, before, s, i, end)
	n := at.found
	if w := at.ways[n]; i+int(w.length) == end {
		sc.tokens = append(tokens, placed{w.unit, uint32(end), n})
		return
	}
	start := i
	for {
		if len(tokens) > 0 && n >= 0 {
			n = sc.best(v, tokens[len(tokens)-1].unit, &at.ways, n)
		}
		if n < 0 {
			n = tokens[len(tokens)-1].way - 1
			tokens = tokens[:len(tokens)-1]
			i = start
			if len(tokens) > 0 {
				i = int(tokens[len(tokens)-1].end)
			}
			at, before = v.walk(at, before, s, i, end)
			continue
		}
		w := at.ways[n]
		to := i + int(w.length)
		tokens = append(tokens, placed{w.unit, uint32(to), n})
		if to == end {
			break
		}
		i = to
		at, before = v.walk(at, before, s, i, end)
		n = at.found
	}
	sc.tokens = tokens
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

// unlabelled returns what tells a unit of a token from all others.
func unlabelled(unit uint32) uint64 { return uint64(unit>>restShift<<1 | unit&isLeaf/isLeaf) }

// view is what a walk saw: where it started, how many bytes it looked at, the tokens that are there and the
// index of the longest.
type view struct {
	from, seen, found int
	ways              [longestToken + 1]way
}

func (w *view) forget() { w.from, w.seen = -1, 0 }

// walk looks which tokens s[i:end] starts with. It takes the views of the last two walks, and returns that of
// this one and another.
//
// In a long run of one character, or of a few, walks are long and many and all the same: so one that would
// see what the last one saw is spared. So is one that goes back to where the last but one was.
func (v *vocabulary) walk(last, w *view, s string, i, end int) (this, other *view) {
	if last.seen >= longWalk && i+last.seen <= end && s[i:i+last.seen] == s[last.from:last.from+last.seen] {
		return last, w
	}
	if w.from == i {
		return w, last
	}
	w.from, w.seen = i, 0 // which it stays if it is the end that the walk ends at
	if v.oneSpace && end > i+1 && s[i] == ' ' && s[i+1] == ' ' {
		end = i + 1
	}
	n, at := 0, i
	trie := v.trie
	base := uint32(rootBase)
	for at < end {
		b := uint32(s[at])
		u := load32(trie, int(base+b)*4)
		at++
		if u&labelMask != b {
			w.seen = at - i
			break
		}
		w.ways[n] = way{u, uint32(at - i)} // to be written over if it is none, as a branch here is hard to foresee
		n += int(u / hasID & 1)
		if u&isLeaf != 0 {
			w.seen = at - i
			break
		}
		base = u >> restShift
	}
	w.found = n - 1
	return w, last
}
