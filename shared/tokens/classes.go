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
	upper  = 1 << iota // may stand in the first part of a word of o200k_base
	lower              // may stand in its last part; a mark is both and no letter
	letter             // \p{L}
	number             // \p{N}
	space              // \s
	line               // \r or \n
)

const (
	blockBits  = 7
	blockIndex = 0x110000 >> blockBits
)

// class returns the class of the character that starts at s[i], and its length. At the end that is 0, 0.
// s is valid UTF-8.
func class(s string, i int) (byte, int) {
	if i >= len(s) {
		return 0, 0
	}
	if c := s[i]; c < 0x80 {
		return ascii[c], 1
	}
	return classWide(s, i)
}

// classWide is class for a character beyond ASCII.
func classWide(s string, i int) (byte, int) {
	r, n := 0, 0
	switch c := int(s[i]); {
	case c < 0xE0:
		r, n = c&0x1F<<6|int(s[i+1])&0x3F, 2
	case c < 0xF0:
		r, n = c&0xF<<12|int(s[i+1])&0x3F<<6|int(s[i+2])&0x3F, 3
	default:
		r, n = c&7<<18|int(s[i+1])&0x3F<<12|int(s[i+2])&0x3F<<6|int(s[i+3])&0x3F, 4
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
