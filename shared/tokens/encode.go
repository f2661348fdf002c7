package tokens

// placed is a token of a piece and where it ends.
type placed struct{ id, end uint32 }

// scratch is what an encoder needs beside the text. What it finds out it remembers across texts.
type scratch struct {
	tokens []placed
	dead   []uint64 // a bit per position: no encoding of the piece passes through it
	ways   [longestToken]placed

	fits  [1 << fitBits]uint64
	short [1 << shortBits]shortPiece
	long  [1 << longBits]longPiece
}

const (
	longestToken = 128 // bytes

	fitBits   = 13
	shortBits = 13
	longBits  = 12
)

// fit is vocabulary.fit with a memory: of the two ids, and in the lowest bit whether they fit.
func (sc *scratch) fit(v *vocabulary, left, right uint32) bool {
	key := uint64(left)<<(idBits+1) | uint64(right)<<1 | 1<<63
	known := &sc.fits[key*hashFactor>>(64-fitBits)]
	if *known&^1 == key {
		return *known&1 != 0
	}
	*known = key
	if !v.fit(left, right) {
		return false
	}
	*known |= 1
	return true
}

// encode leaves the tokens of the piece s[i:end] in sc.tokens.
//
// The encoding of a text is the only way to cut it into tokens of which all neighbours fit. So take the
// longest token at each place; where it does not fit to the one before, a shorter one; and where none
// does, go back. A place that was gone back from is never tried again, which keeps that linear.
func (v *vocabulary) encode(sc *scratch, s string, i, end int) {
	tokens := sc.tokens[:0]
	n := v.walk(sc, s, i, end)
	to := int(sc.ways[n].end)
	if to == end {
		sc.tokens = append(tokens, placed{v.id(sc.ways[n].id), uint32(end)})
		return
	}
	words := (end-i)/64 + 1
	if cap(sc.dead) < words {
		sc.dead = make([]uint64, words)
	}
	dead := sc.dead[:words]
	clear(dead)
	start := i
	for {
		way := sc.ways[n]
		at := int(way.end) - start
		if dead[at/64]>>(at%64)&1 == 0 {
			id := v.id(way.id)
			if len(tokens) == 0 || sc.fit(v, tokens[len(tokens)-1].id, id) {
				tokens = append(tokens, placed{id, way.end})
				i = int(way.end)
				if i == end {
					break
				}
				n = v.walk(sc, s, i, end)
				continue
			}
		}
		if n--; n >= 0 {
			continue
		}
		for n < 0 {
			dead[(i-start)/64] |= 1 << ((i - start) % 64)
			to := i
			tokens = tokens[:len(tokens)-1]
			i = start
			if len(tokens) > 0 {
				i = int(tokens[len(tokens)-1].end)
			}
			n = v.walk(sc, s, i, to-1)
		}
	}
	sc.tokens = tokens
}

func (v *vocabulary) id(way uint32) uint32 {
	if way&isLeaf != 0 {
		return way >> restShift
	}
	return load32(v.trie, int(way>>restShift)*4) >> restShift
}

// walk leaves the tokens that s[i:end] starts with in sc.ways, and returns the index of the longest.
func (v *vocabulary) walk(sc *scratch, s string, i, end int) int {
	if v.oneSpace && end > i+1 && s[i] == ' ' && s[i+1] == ' ' {
		end = i + 1
	}
	n := -1
	trie := v.trie
	base := uint32(0)
	for i < end {
		b := uint32(s[i])
		u := load32(trie, int(base+1+b)*4)
		if u&labelMask != b {
			break
		}
		i++
		base = u >> restShift
		if u&(hasID|isLeaf) != 0 {
			n++
			sc.ways[n] = placed{u, uint32(i)}
			if u&isLeaf != 0 {
				break
			}
		}
	}
	return n
}
