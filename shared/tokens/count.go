package tokens

// shortPiece is a piece of up to 15 bytes, then its length and how many tokens it has, of four bits each.
type shortPiece struct{ low, high uint64 }

// longPiece is a piece of up to 62 bytes.
type longPiece struct {
	length, tokens uint8
	text           [62]byte
}

// count returns how many tokens the piece s[i:end] has. Pieces come again and again, so it remembers.
func (sc *scratch) count(v *vocabulary, s string, i, end int) int {
	n := end - i
	switch {
	case n == 1:
		return 1
	case n < 16 && i+16 <= len(s):
		low := load64(s, i) & lowBytes(n)
		high := load64(s, i+8)&lowBytes(max(n-8, 0)) | uint64(n)<<56
		known := &sc.short[(low^high*hashFactor)*hashFactor>>(64-shortBits)]
		if known.low != low || known.high<<4 != high<<4 {
			v.encode(sc, s, i, end)
			*known = shortPiece{low, high | uint64(len(sc.tokens))<<60}
		}
		return int(known.high >> 60)
	case n >= 8 && n <= len(longPiece{}.text): // of which some bytes are enough for the hash
		h := (load64(s, i)*hashFactor ^ load64(s, i+n/2-4)) * hashFactor
		h = (h ^ load64(s, end-8) ^ uint64(n)) * hashFactor
		known := &sc.long[h>>(64-longBits)]
		if int(known.length) != n || string(known.text[:n]) != s[i:end] {
			v.encode(sc, s, i, end)
			known.length, known.tokens = uint8(n), uint8(len(sc.tokens))
			copy(known.text[:], s[i:end])
		}
		return int(known.tokens)
	}
	v.encode(sc, s, i, end)
	return len(sc.tokens)
}

// lowBytes is a mask of the first n bytes that load64 loads; of all from 8 on.
func lowBytes(n int) uint64 { return 1<<(8*uint(n)) - 1 }
