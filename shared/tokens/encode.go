package tokens

// placedToken is a token of a piece: the unit of the trie, where it ends, and the index of the candidate that it was.
type placedToken struct {
	unit, end uint32
	candidate int
}

// scratch is the memory of an encoder. What it finds out it keeps from one text to the next.
type scratch struct {
	tokens    []placedToken
	lastWalks [2]prefixes

	fits  [1 << bestBits]uint64
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

// bestFit returns the highest n, up to the given one, for which the token candidates[n] fits after left, or -1.
// Since a candidate begins with all shorter ones, left and candidates[n] determine the answer. It is remembered:
// both without their labels, and in the lowest byte n+1.
func (sc *scratch) bestFit(v *vocabulary, left uint32, candidates *[longestToken + 1]candidate, n int) int {
	key := 1<<63 | withoutLabel(left)<<32 | withoutLabel(candidates[n].unit)<<8
	known := &sc.fits[key*hashFactor>>(64-bestBits)]
	if *known&^0xFF == key {
		return int(*known&0xFF) - 1
	}
	id := v.id(left)
	for n >= 0 && !v.fits(id, v.id(candidates[n].unit)) {
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
// is only one way to reach it, and a place that was gone back from is never reached again.
func (v *vocabulary) encode(sc *scratch, s string, i, end int) {
	tokens := sc.tokens[:0]
	at, before := &sc.lastWalks[0], &sc.lastWalks[1]
	at.forget()
	before.forget()
	at, before = v.walk(at, before, s, i, end)
	n := at.longest
	if w := at.candidates[n]; i+int(w.length) == end {
		sc.tokens = append(tokens, placedToken{w.unit, uint32(end), n})
		return
	}
	start := i
	for {
		if len(tokens) > 0 && n >= 0 {
			n = sc.bestFit(v, tokens[len(tokens)-1].unit, &at.candidates, n)
		}
		if n < 0 {
			n = tokens[len(tokens)-1].candidate - 1
			tokens = tokens[:len(tokens)-1]
			i = start
			if len(tokens) > 0 {
				i = int(tokens[len(tokens)-1].end)
			}
			at, before = v.walk(at, before, s, i, end)
			continue
		}
		w := at.candidates[n]
		to := i + int(w.length)
		tokens = append(tokens, placedToken{w.unit, uint32(to), n})
		if to == end {
			break
		}
		i = to
		at, before = v.walk(at, before, s, i, end)
		n = at.longest
	}
	sc.tokens = tokens
}

// candidate is a token that a text starts with: the unit of the trie, and the length in bytes.
type candidate struct{ unit, length uint32 }

// id returns the token that a unit stands for.
func (v *vocabulary) id(unit uint32) uint32 {
	if unit&isLeaf != 0 {
		return unit >> restShift
	}
	return load32(v.trie, int(unit>>restShift-1)*4) >> restShift
}

// withoutLabel returns the part of a unit that is different for every token.
func withoutLabel(unit uint32) uint64 { return uint64(unit>>restShift<<1 | unit&isLeaf/isLeaf) }

// prefixes is the result of a walk: where it started, how many bytes it read, the tokens that start there and the
// index of the longest.
type prefixes struct {
	start, read, longest int
	candidates           [longestToken + 1]candidate
}

func (w *prefixes) forget() { w.start, w.read = -1, 0 }

// walk finds the tokens that s[i:end] starts with. It takes the results of the last two walks, and returns its own
// and another.
//
// In a long run of one character, or of a few, walks are long and many and all the same: so one that would
// read what the last one read is left out. So is one that goes back to where the one before that was.
func (v *vocabulary) walk(last, w *prefixes, s string, i, end int) (this, other *prefixes) {
	if last.read >= longWalk && i+last.read <= end && s[i:i+last.read] == s[last.start:last.start+last.read] {
		return last, w
	}
	if w.start == i {
		return w, last
	}
	w.start, w.read = i, 0 // 0 stays if the walk ends at end
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
			w.read = at - i
			break
		}
		w.candidates[n] = candidate{u, uint32(at - i)} // overwritten by the next if it is no token: a branch here would be hard to predict
		n += int(u / hasID & 1)
		if u&isLeaf != 0 {
			w.read = at - i
			break
		}
		base = u >> restShift
	}
	w.longest = n - 1
	return w, last
}
