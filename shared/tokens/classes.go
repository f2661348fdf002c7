package tokens

import _ "embed"

//go:generate sh -c "cd ../../infra/tokens/generate && go run . -out ../../../shared/tokens/data"

// The classes of characters are those of the reference's regular expressions, not of Go's unicode package,
// which follows another version of Unicode.
//
//go:embed data/classes.bin
var classTable string

// The bits of a class, as infra/tokens/generate/classes.go writes them.
const (
	upper     = 1 << iota // may stand in the first part of a word of o200k_base
	lower                 // may stand in its last part; a mark is both and no letter
	letter                // \p{L}
	number                // \p{N}
	space                 // \s
	line                  // \r or \n
	malformed             // no character: what is not UTF-8
)

const (
	blockBits  = 7
	blockIndex = 0x110000 >> blockBits
)

// class returns the class of the character that starts at s[i], and its length. At the end that is 0, 0,
// and where none starts, malformed, 1.
func class(s string, i int) (byte, int) {
	if i >= len(s) {
		return 0, 0
	}
	if c := s[i]; c < 0x80 {
		return ascii[c], 1
	}
	return classWide(s, i)
}

// class2 is class for what starts like a character of two bytes; s[i+1] is there.
func class2(s string, i int) (byte, int) {
	b := s[i+1] ^ 0x80
	r := int(s[i]&0x1F)<<6 | int(b&0x3F)
	if b > 0x3F {
		return malformed, 1
	}
	return classTable[blockIndex+int(classTable[r>>blockBits])<<blockBits+r&(1<<blockBits-1)], 2
}

// classWide is class for what is not ASCII.
func classWide(s string, i int) (byte, int) {
	r, n := 0, 0
	c := int(s[i])
	switch {
	case c >= 0xE0 && c < 0xF0 && i+2 < len(s):
		b, d := int(s[i+1])^0x80, int(s[i+2])^0x80
		r, n = c&0xF<<12|b<<6|d, 3
		if b|d > 0x3F || r < 0x800 {
			return malformed, 1
		}
	case c >= 0xC2 && c < 0xE0 && i+1 < len(s):
		return class2(s, i)
	case c >= 0xF0 && c < 0xF5 && i+3 < len(s):
		b, d, e := int(s[i+1])^0x80, int(s[i+2])^0x80, int(s[i+3])^0x80
		r, n = c&7<<18|b<<12|d<<6|e, 4
		if b|d|e > 0x3F || r < 0x10000 || r > 0x10FFFF {
			return malformed, 1
		}
	default:
		return malformed, 1
	}
	b := int(classTable[r>>blockBits])
	return classTable[blockIndex+b<<blockBits+r&(1<<blockBits-1)], n
}

// ascii is the part of classTable that is wanted most.
var ascii = [128]byte{
	'\t': space, '\n': space | line, '\v': space, '\f': space, '\r': space | line, ' ': space,
	'0': number, '1': number, '2': number, '3': number, '4': number,
	'5': number, '6': number, '7': number, '8': number, '9': number,
	'A': upper | letter, 'B': upper | letter, 'C': upper | letter, 'D': upper | letter, 'E': upper | letter,
	'F': upper | letter, 'G': upper | letter, 'H': upper | letter, 'I': upper | letter, 'J': upper | letter,
	'K': upper | letter, 'L': upper | letter, 'M': upper | letter, 'N': upper | letter, 'O': upper | letter,
	'P': upper | letter, 'Q': upper | letter, 'R': upper | letter, 'S': upper | letter, 'T': upper | letter,
	'U': upper | letter, 'V': upper | letter, 'W': upper | letter, 'X': upper | letter, 'Y': upper | letter,
	'Z': upper | letter,
	'a': lower | letter, 'b': lower | letter, 'c': lower | letter, 'd': lower | letter, 'e': lower | letter,
	'f': lower | letter, 'g': lower | letter, 'h': lower | letter, 'i': lower | letter, 'j': lower | letter,
	'k': lower | letter, 'l': lower | letter, 'm': lower | letter, 'n': lower | letter, 'o': lower | letter,
	'p': lower | letter, 'q': lower | letter, 'r': lower | letter, 's': lower | letter, 't': lower | letter,
	'u': lower | letter, 'v': lower | letter, 'w': lower | letter, 'x': lower | letter, 'y': lower | letter,
	'z': lower | letter,
}
