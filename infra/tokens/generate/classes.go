package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// The bits of a class, as shared/tokens/classes.go has them.
const (
	upper     = 1 << iota // may stand in the first part of a word of o200k_base
	lower                 // may stand in its last part
	letter                // \p{L}
	number                // \p{N}
	space                 // \s
	line                  // \r or \n
	malformed             // no character: half of a surrogate pair
)

var classBits = map[string]byte{
	"Lu": upper | letter,
	"Lt": upper | letter,
	"Ll": lower | letter,
	"Lm": upper | lower | letter,
	"Lo": upper | lower | letter,
	"M":  upper | lower,
	"N":  number,
	"s":  space,
}

const blockSize = 128 // characters that share a line of the table

// classTable returns an index, one byte for each block of the code points, and after it the blocks.
func classTable(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	class := make([]byte, 0x110000)
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		var name string
		var first, last int
		if _, err := fmt.Sscanf(scanner.Text(), "%s %X %X", &name, &first, &last); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, scanner.Text(), err)
		}
		for c := first; c <= last; c++ {
			class[c] |= classBits[name]
		}
	}
	class['\r'] |= line
	class['\n'] |= line
	for c := 0xD800; c < 0xE000; c++ {
		class[c] = malformed
	}

	var index []byte
	var blocks strings.Builder
	seen := map[string]int{}
	for at := 0; at < len(class); at += blockSize {
		b := string(class[at : at+blockSize])
		n, ok := seen[b]
		if !ok {
			n = len(seen)
			seen[b] = n
			blocks.WriteString(b)
		}
		if n > 255 {
			return nil, fmt.Errorf("more than 256 blocks of classes")
		}
		index = append(index, byte(n))
	}
	return append(index, blocks.String()...), nil
}
