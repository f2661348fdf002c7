package tokens

// vocabulary is the tokens of an encoding, read in place from the embedded data that
// infra/tokens/generate lays out. A token's id is its rank among the merges.
type vocabulary struct {
	tokens uint32 // ids are below
	bytes  string // what the first 256 tokens are
	trie   string // units of four bytes
	splits string // the two tokens that each merges from, five bytes for both
	pairs  string // slots of four bytes
	filter string // words of eight bytes, one for eight slots

	slotMask uint64

	// oneSpace is set where no token has two spaces at its front, though the data has such.
	oneSpace bool
}

func openVocabulary(data string) *vocabulary {
	tokens, units, slots := int(load32(data, 0)), int(load32(data, 4)), int(load32(data, 8))
	v := &vocabulary{tokens: uint32(tokens), slotMask: uint64(slots) - 1}
	v.bytes, data = data[12:12+bytesEnd], data[12+bytesEnd:]
	v.trie, data = data[:units*4], data[units*4:]
	v.splits, data = data[:tokens*splitBytes+8-splitBytes], data[tokens*splitBytes+8-splitBytes:]
	v.pairs, data = data[:slots*4], data[slots*4:]
	v.filter = data[:slots]
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

// fits reports whether the bytes of two tokens are encoded as just these two. It undoes their merges from the
// last to the first and checks whether, at any point, a merge across the border would have come before.
func (v *vocabulary) fits(left, right uint32) bool {
	limit := v.tokens
	for {
		h := hashPair(left, right)
		mark := filterBits(h)
		if load64(v.filter, int(h>>slotShift&v.slotMask)&^7)&mark == mark && v.merges(left, right, limit) {
			return false
		}
		// Which of the two came last is hard to predict, so there is no branch: inLeft is all ones or none.
		inLeft := uint32(int32(right-left) >> 31)
		last := right ^ (left^right)&inLeft
		if last < bytesEnd {
			return true
		}
		both := load64(v.splits, int(last)*splitBytes)
		l, r := uint32(both)&idMask, uint32(both>>idBits)&idMask
		left ^= (left ^ r) & inLeft
		right ^= (right ^ l) &^ inLeft
		limit = last + 1 + inLeft
	}
}

// merges reports whether left and right merge into a token below limit. Such a token would have been given the first
// slot that is free or has none below limit.
func (v *vocabulary) merges(left, right, limit uint32) bool {
	h := hashPair(left, right)
	for at := h >> slotShift & v.slotMask; ; at = (at + 1) & v.slotMask {
		slot := load32(v.pairs, int(at)*4)
		id := slot & idMask
		if id >= limit {
			return false
		}
		if slot>>idBits == uint32(h>>checkShift)&(1<<(32-idBits)-1) {
			if l, r := v.split(id); l == left && r == right {
				return true
			}
		}
	}
}

func hashPair(left, right uint32) uint64 { return (uint64(left)<<idBits | uint64(right)) * hashFactor }

// filterBits returns the bits that are set in a word of the filter for a pair of that hash.
func filterBits(h uint64) uint64 { return 1<<(h>>40&63) | 1<<(h>>34&63) }

const (
	hashFactor = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	checkShift = 20
	slotShift  = 46
)

// appendToken appends the bytes of a token to dst.
func (v *vocabulary) appendToken(dst []byte, id uint32) []byte {
	if id < bytesEnd {
		return append(dst, v.bytes[id])
	}
	left, right := v.split(id)
	return v.appendToken(v.appendToken(dst, left), right)
}

// hasToken reports whether id is a token's.
func (v *vocabulary) hasToken(id int) bool {
	if id < 0 || id >= int(v.tokens) {
		return false
	}
	left, _ := v.split(uint32(id))
	return id < bytesEnd || left != uint32(id)
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
