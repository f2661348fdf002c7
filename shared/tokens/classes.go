package tokens

import (
	_ "embed"
	"unicode/utf8"
)

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
func class(s string, i int) (byte, int) {
	if i >= len(s) {
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(s[i:])
	b := int(classTable[r>>blockBits])
	return classTable[blockIndex+b<<blockBits+int(r)&(1<<blockBits-1)], n
}
