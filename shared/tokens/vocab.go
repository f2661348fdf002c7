package tokens

// vocabulary is the tokens of an encoding, read in place from the embedded data that
// infra/tokens/generate lays out. A token's id is its rank among the merges.
type vocabulary struct {
	tokens uint32 // ids are below
	bytes  string // what the first 256 tokens are
	trie   string // units of four bytes
	splits string // the two tokens that each merges from, five bytes for both
	moves  string // displacements, two bytes each
	pairs  string // slots of four bytes

	buckets, slots uint64

	// oneSpace is set where no token has two spaces at its front, though the data has such.
	oneSpace bool
}

func open(data string) *vocabulary {
	tokens, units := int(load32(data, 0)), int(load32(data, 4))
	buckets, slots := int(load32(data, 8)), int(load32(data, 12))
	v := &vocabulary{tokens: uint32(tokens), buckets: uint64(buckets), slots: uint64(slots)}
	v.bytes, data = data[16:16+bytesEnd], data[16+bytesEnd:]
	v.trie, data = data[:units*4], data[units*4:]
	v.splits, data = data[:tokens*splitBytes+8-splitBytes], data[tokens*splitBytes+8-splitBytes:]
	v.moves, data = data[:buckets*2], data[buckets*2:]
	v.pairs = data[:slots*4]
	return v
}

const (
	labelMask = 1<<9 - 1
	isLeaf    = 1 << 9
	hasID     = 1 << 10
	restShift = 11

	bytesEnd   = 256 // the ids below are those of the bytes
	idBits     = 18
	idMask     = 1<<idBits - 1
	splitBytes = 5
)

// longest returns the longest token that s[i:end] starts with, and its end. There is one: every byte is.
func (v *vocabulary) longest(s string, i, end int) (id uint32, to int) {
	trie := v.trie
	base := uint32(0)
	best := uint32(0)
	for i < end {
		b := uint32(s[i])
		u := load32(trie, int(base+1+b)*4)
		if u&labelMask != b {
			break
		}
		i++
		base = u >> restShift
		if u&(hasID|isLeaf) != 0 {
			to = i
			best = base
			if u&isLeaf != 0 {
				return base, to
			}
		}
	}
	return load32(trie, int(best)*4) >> restShift, to
}

// split returns the two tokens that id, no byte's, merges from.
func (v *vocabulary) split(id uint32) (left, right uint32) {
	both := load64(v.splits, int(id)*splitBytes)
	return uint32(both) & idMask, uint32(both>>idBits) & idMask
}

// pair returns the token that left and right merge into; none has an id so high as the other value.
func (v *vocabulary) pair(left, right uint32) uint32 {
	h := (uint64(left)<<idBits | uint64(right)) * 0x9E3779B97F4A7C15
	h = (h ^ h>>32) * 0xD6E8FEB86659FD93
	move := load16(v.moves, int(h>>32*v.buckets>>32)*2)
	x := (uint32(h) ^ move*0x9E3779B1) * 0x85EBCA6B
	slot := load32(v.pairs, int(uint64(x)*v.slots>>32)*4)
	if slot>>idBits != uint32(h>>20)&(1<<(32-idBits)-1) {
		return none
	}
	id := slot & idMask
	if l, r := v.split(id); l != left || r != right || id >= v.tokens {
		return none
	}
	return id
}

const none = ^uint32(0)

// fit tells whether the bytes of two tokens are encoded as just these two. It undoes their merges from the
// last to the first and looks whether, at any moment, a merge across the border would have come before.
func (v *vocabulary) fit(left, right uint32) bool {
	limit := none
	for {
		if v.pair(left, right) < limit {
			return false
		}
		switch {
		case max(left, right) < bytesEnd:
			return true
		case left > right:
			limit = left
			_, left = v.split(left)
		default:
			limit = right + 1
			right, _ = v.split(right)
		}
	}
}

// placed is a token of a piece and where it ends.
type placed struct{ id, end uint32 }

// scratch is what an encoder needs beside the text.
type scratch struct {
	tokens []placed
	dead   []uint64 // a bit per position: no encoding of the piece passes through it
}

// encode leaves the tokens of the piece s[i:end] in sc.tokens.
//
// The encoding of a text is the only way to cut it into tokens of which all neighbours fit. So take the
// longest token at each place; where it does not fit to the one before, a shorter one; and where none
// does, go back. A place that was gone back from is never tried again, which keeps that linear.
func (v *vocabulary) encode(sc *scratch, s string, i, end int) {
	tokens := sc.tokens[:0]
	id, to := v.match(s, i, end)
	if to == end {
		sc.tokens = append(tokens, placed{id, uint32(end)})
		return
	}
	words := (end-i)/64 + 1
	if cap(sc.dead) < words {
		sc.dead = make([]uint64, words)
	}
	dead := sc.dead[:words]
	clear(dead)
	start := i
	tokens = append(tokens, placed{id, uint32(to)})
	i = to
	id, to = v.match(s, i, end)
	for {
		at := to - start
		if dead[at/64]>>(at%64)&1 == 0 && (len(tokens) == 0 || v.fit(tokens[len(tokens)-1].id, id)) {
			tokens = append(tokens, placed{id, uint32(to)})
			if to == end {
				break
			}
			i = to
			id, to = v.match(s, i, end)
			continue
		}
		for to == i+1 { // there is no shorter one
			dead[(i-start)/64] |= 1 << ((i - start) % 64)
			to = i
			tokens = tokens[:len(tokens)-1]
			i = start
			if len(tokens) > 0 {
				i = int(tokens[len(tokens)-1].end)
			}
		}
		id, to = v.match(s, i, to-1)
	}
	sc.tokens = tokens
}

// match is longest where only part of the data counts.
func (v *vocabulary) match(s string, i, end int) (id uint32, to int) {
	if v.oneSpace && end > i+1 && s[i] == ' ' && s[i+1] == ' ' {
		end = i + 1
	}
	return v.longest(s, i, end)
}

// appendToken appends the bytes of a token to dst.
func (v *vocabulary) appendToken(dst []byte, id uint32) []byte {
	if id < bytesEnd {
		return append(dst, v.bytes[id])
	}
	left, right := v.split(id)
	return v.appendToken(v.appendToken(dst, left), right)
}

// has tells whether id is a token's.
func (v *vocabulary) has(id int) bool {
	if id < 0 || id >= int(v.tokens) {
		return false
	}
	left, _ := v.split(uint32(id))
	return id < bytesEnd || left != uint32(id)
}

func load16(s string, i int) uint32 {
	s = s[i : i+2]
	return uint32(s[0]) | uint32(s[1])<<8
}

func load32(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
