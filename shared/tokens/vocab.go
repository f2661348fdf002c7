package tokens

import "math/bits"

// vocabulary is the tokens of an encoding, read in place from the embedded data that
// infra/tokens/generate lays out. A token's id is its rank among the merges.
type vocabulary struct {
	tokens uint32 // ids are below
	bytes  string // what the first 256 tokens are
	trie   string // units of four bytes
	splits string // the two tokens that each merges from, five bytes for both
	moves  string // displacements, two bytes each
	pairs  string // slots of four bytes

	bucketShift int
	slotMask    uint32

	// oneSpace is set where no token has two spaces at its front, though the data has such.
	oneSpace bool
}

func open(data string) *vocabulary {
	tokens, units := int(load32(data, 0)), int(load32(data, 4))
	buckets, slots := int(load32(data, 8)), int(load32(data, 12))
	v := &vocabulary{tokens: uint32(tokens), bucketShift: 65 - bits.Len(uint(buckets)), slotMask: uint32(slots) - 1}
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
	rootBase  = 1

	bytesEnd   = 256 // the ids below are those of the bytes
	idBits     = 18
	idMask     = 1<<idBits - 1
	splitBytes = 5
)

// split returns the two tokens that id, no byte's, merges from.
func (v *vocabulary) split(id uint32) (left, right uint32) {
	both := load64(v.splits, int(id)*splitBytes)
	return uint32(both) & idMask, uint32(both>>idBits) & idMask
}

// pair returns the token that left and right merge into; none has an id so high as the other value.
func (v *vocabulary) pair(left, right uint32) uint32 {
	h := (uint64(left)<<idBits | uint64(right)) * hashFactor
	move := load16(v.moves, int(h>>v.bucketShift)*2)
	slot := load32(v.pairs, int((uint32(h>>16)+move*uint32(h>>8|1))&v.slotMask)*4)
	if slot>>idBits != uint32(h>>34)&(1<<(32-idBits)-1) {
		return none
	}
	id := slot & idMask
	if l, r := v.split(id); l != left || r != right || id >= v.tokens {
		return none
	}
	return id
}

const (
	none       = ^uint32(0)
	hashFactor = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
)

// fit tells whether the bytes of two tokens are encoded as just these two. It undoes their merges from the
// last to the first and looks whether, at any moment, a merge across the border would have come before.
func (v *vocabulary) fit(left, right uint32) bool {
	limit := none
	for v.pair(left, right) >= limit {
		top := max(left, right)
		if top < bytesEnd {
			return true
		}
		l, r := v.split(top)
		if left > right {
			left, limit = r, left
		} else {
			right, limit = l, right+1
		}
	}
	return false
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
