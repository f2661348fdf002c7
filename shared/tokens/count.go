package tokens

// shortPiece is a piece of up to 15 bytes, then its length and how many tokens it has, of four bits each.
type shortPiece struct{ low, high uint64 }

// longPiece is a piece of up to 30 bytes, its length and how many tokens it has, of a byte each.
type longPiece [4]uint64

// count returns how many tokens the piece s[i:end] has. Pieces come again and again, so it remembers.
func (sc *scratch) count(v *vocabulary, s string, i, end int) int {
	n := end - i
	switch {
	case n == 1:
		return 1
	case n < 16 && i+16 <= len(s):
		low := load64(s, i) & first(n)
		high := load64(s, i+8)&first(max(n-8, 0)) | uint64(n)<<56
		known := &sc.short[(low^high*hashFactor)*hashFactor>>(64-shortBits)]
		if known.low != low || known.high<<4 != high<<4 {
			v.encode(sc, s, i, end)
			*known = shortPiece{low, high | uint64(len(sc.tokens))<<60}
		}
		return int(known.high >> 60)
	case n < 31 && i+32 <= len(s):
		a, b := load64(s, i), load64(s, i+8)
		c := load64(s, i+16) & first(n-16)
		d := load64(s, i+24)&first(max(n-24, 0)) | uint64(n)<<48
		known := &sc.long[(((a*3^b)*hashFactor^c)*hashFactor^d)*hashFactor>>(64-longBits)]
		if known[0] != a || known[1] != b || known[2] != c || known[3]<<8 != d<<8 {
			v.encode(sc, s, i, end)
			*known = longPiece{a, b, c, d | uint64(len(sc.tokens))<<56}
		}
		return int(known[3] >> 56)
	}
	v.encode(sc, s, i, end)
	return len(sc.tokens)
}

// first is a mask of the first n bytes that load64 loads; of all from 8 on.
func first(n int) uint64 { return 1<<(8*uint(n)) - 1 }
