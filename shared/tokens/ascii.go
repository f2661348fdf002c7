package tokens

import "math/bits"

// The functions below do what the splitters of the same names do, where the piece and the character after
// it are ASCII and some bytes follow; else they return 0.

// asciiMargin is how many bytes have to follow.
const asciiMargin = 10

func asciiO200k(s string, i int) int {
	if i+asciiMargin > len(s) || s[i] >= 0x80 {
		return 0
	}
	c := ascii[s[i]]
	word := i
	if c&(line|letter|number) == 0 {
		word++
	}
	w := load64(s, word)
	up := bits.TrailingZeros64(tops&^inRange(w, 'A', 'Z')) &^ 7
	if n := bits.TrailingZeros64((tops&^inRange(w, 'a', 'z'))>>up<<up) / 8; n > 0 {
		end := word + n
		if n == 8 {
			if ascii[s[end-1]]&upper != 0 {
				end = asciiRun(s, end, upper)
			}
			for n == 8 && end+8 <= len(s) {
				n = bits.TrailingZeros64(tops&^inRange(load64(s, end), 'a', 'z')) / 8
				end += n
			}
			if n == 8 {
				end = asciiRun(s, end, lower)
			}
		}
		if end == len(s) {
			return end
		}
		if s[end] == '\'' {
			return end + contraction(s, end, true)
		}
		return asciiOrNone(s, end)
	}
	if s[word] >= 0x80 {
		return 0
	}
	if c&number != 0 {
		return asciiDigits(s, i)
	}
	if c&space != 0 && (s[i] != ' ' || ascii[s[word]] != 0) {
		if next := s[i+1]; next < 0x80 && ascii[next]&space == 0 {
			return i + 1
		}
		end, lines := asciiSpace(s, i)
		if lines > 0 {
			return lines
		}
		return end
	}
	if c != 0 {
		i = word
	}
	end := asciiOther(s, i)
	for end > 0 && end < len(s) && (s[end] == '\n' || s[end] == '\r' || s[end] == '/') {
		end++
	}
	return end
}

func asciiCl100k(s string, i int) int {
	if i+asciiMargin > len(s) || s[i] >= 0x80 {
		return 0
	}
	if s[i] == '\'' {
		if n := contraction(s, i, true); n > 0 {
			return i + n
		}
	}
	c := ascii[s[i]]
	word := i
	if c&(line|letter|number) == 0 {
		word++
	}
	if end := asciiLetters(s, word); end > word {
		return asciiOrNone(s, end)
	}
	if s[word] >= 0x80 {
		return 0
	}
	if c&number != 0 {
		return asciiDigits(s, i)
	}
	if c&space != 0 && (s[i] != ' ' || ascii[s[word]] != 0) {
		if next := s[i+1]; next < 0x80 && ascii[next]&space == 0 {
			return i + 1
		}
		end, lines := asciiSpace(s, i)
		if lines > 0 && end < len(s) {
			return lines
		}
		return end
	}
	if c != 0 {
		i = word
	}
	end := asciiOther(s, i)
	for end > 0 && end < len(s) && (s[end] == '\n' || s[end] == '\r') {
		end++
	}
	return end
}

func asciiR50k(s string, i int) int {
	if i+asciiMargin > len(s) || s[i] >= 0x80 {
		return 0
	}
	if s[i] == '\'' {
		if n := contraction(s, i, false); n > 0 {
			return i + n
		}
	}
	word := i
	if s[i] == ' ' {
		word++
	}
	if s[word] >= 0x80 {
		return 0
	}
	switch c := ascii[s[word]]; {
	case c&letter != 0:
		return asciiOrNone(s, asciiLetters(s, word))
	case c&number != 0:
		return asciiOrNone(s, asciiRun(s, word, number))
	case c&space != 0:
		end, _ := asciiSpace(s, i)
		return end
	}
	return asciiOther(s, word)
}

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// inRange returns a mask with the top bit of each byte of w that lies between first and last, both ASCII.
func inRange(w uint64, first, last byte) uint64 {
	x := w &^ tops
	return (x + uint64(0x80-first)*ones) &^ (x + uint64(0x7F-last)*ones) &^ w & tops
}

// asciiLetters returns the end of the letters at s[i:].
func asciiLetters(s string, i int) int {
	for i+8 <= len(s) {
		n := bits.TrailingZeros64(tops&^inRange(load64(s, i)|' '*ones, 'a', 'z')) / 8
		i += n
		if n < 8 {
			return i
		}
	}
	return asciiRun(s, i, letter)
}

// asciiRun returns the end of the characters at s[i:] that are of one of the classes.
func asciiRun(s string, i int, classes byte) int {
	for i < len(s) && s[i] < 0x80 && ascii[s[i]]&classes != 0 {
		i++
	}
	return i
}

// asciiOrNone returns i, or 0 if the character there is not ASCII.
func asciiOrNone(s string, i int) int {
	if i < len(s) && s[i] >= 0x80 {
		return 0
	}
	return i
}

// asciiNumbers returns how many tokens the numbers at s[i:] have, and where they end. They are as many as
// follow each other with one character between them, which is then a piece of its own, whatever it is. The
// last digits are left out if they may go on in other scripts.
func asciiNumbers(s string, i int) (n, end int) {
	for {
		end = i
		for m := 16; m == 16 && end+16 <= len(s); end += m {
			m = bits.TrailingZeros64(tops&^inRange(load64(s, end), '0', '9')) / 8
			m += bits.TrailingZeros64(tops&^inRange(load64(s, end+8), '0', '9')) / 8 & -(m / 8)
		}
		end = asciiRun(s, end, number)
		if end < len(s) && s[end] >= 0x80 {
			return n + (end-i)/3, end - (end-i)%3
		}
		n += (end - i + 2) / 3
		if end+1 >= len(s) || s[end+1]-'0' > 9 {
			return n, end
		}
		n++
		i = end + 1
	}
}

func asciiDigits(s string, i int) int {
	for n := 1; n < 3; n++ {
		if i+n == len(s) || s[i+n]-'0' > 9 {
			return asciiOrNone(s, i+n)
		}
	}
	return i + 3
}

// asciiOther returns the end of the characters at s[i:], after the first, that are of no class.
func asciiOther(s string, i int) int {
	for i++; i < len(s); i++ {
		if s[i] >= 0x80 {
			return 0
		}
		if ascii[s[i]] != 0 {
			break
		}
	}
	return i
}

// asciiSpace returns where \s+(?!\S)|\s ends at s[i:], and the end of the last \r or \n there, or 0.
func asciiSpace(s string, i int) (end, lines int) {
	for end = i; end < len(s); end++ {
		if s[end] == ' ' {
			for end+8 < len(s) && load64(s, end) == ' '*ones {
				end += 8
			}
		}
		if s[end] >= 0x80 {
			return 0, 0
		}
		c := ascii[s[end]]
		if c&space == 0 {
			break
		}
		if c&line != 0 {
			lines = end + 1
		}
	}
	if end < len(s) && end-1 > i {
		end--
	}
	return end, lines
}
