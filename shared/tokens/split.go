package tokens

// The splitters below are tiktoken's regular expressions (0.14.0, tiktoken_ext/openai_public.py) by hand.
// They return where the piece that starts at s[i] ends, or -1 if there is something in it that is not UTF-8.
// Such a byte after a piece is like U+FFFD: it ends the piece.

// splitR50k ends a piece of r50k_base and p50k_base:
//
//	'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s
func splitR50k(s string, i int) int {
	if end := asciiR50k(s, i); end > 0 {
		return end
	}
	if n := contraction(s, i, false); n > 0 {
		return i + n
	}
	start := i
	if s[i] == ' ' {
		i++
	}
	c, _ := class(s, i)
	switch {
	case i == len(s) || c&space != 0:
		return splitSpace(s, start, false)
	case c&letter != 0:
		return runOf(s, i, letter)
	case c&number != 0:
		return runOf(s, i, number)
	}
	return runOther(s, i)
}

// splitCl100k ends a piece of cl100k_base:
//
//	'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s
func splitCl100k(s string, i int) int {
	if end := asciiCl100k(s, i); end > 0 {
		return end
	}
	if n := contraction(s, i, true); n > 0 {
		return i + n
	}
	c, n := class(s, i)
	if c&malformed != 0 {
		return -1
	}
	if c&letter != 0 {
		return runOf(s, i, letter)
	}
	if c&number != 0 {
		return digits(s, i)
	}
	next, _ := class(s, i+n)
	if c&line == 0 && next&letter != 0 {
		return runOf(s, i+n, letter)
	}
	if c&space != 0 && (s[i] != ' ' || i+1 == len(s) || next&(space|letter|number) != 0) {
		end := runOf(s, i, space)
		if end == len(s) {
			return end
		}
		if last := lastLine(s, i, end); last > 0 {
			return last
		}
		return splitSpace(s, i, false)
	}
	if c&space != 0 {
		i++
	}
	if i = runOther(s, i); i < 0 {
		return -1
	}
	for i < len(s) && (s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// splitO200k ends a piece of o200k_base and o200k_harmony, with U for [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and
// L for [\p{Ll}\p{Lm}\p{Lo}\p{M}]:
//
//	[^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?U+L*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//	\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
func splitO200k(s string, i int) int {
	if end := asciiO200k(s, i); end > 0 {
		return end
	}
	c, n := class(s, i)
	if c&malformed != 0 {
		return -1
	}
	word := i
	if c&(line|letter|number) == 0 {
		word = i + n
	}
	if end := runWord(s, word); end > 0 {
		return end + contraction(s, end, true)
	}
	if c&lower != 0 { // a mark in front of letters that are all upper case: it cannot be both
		return i + n + contraction(s, i+n, true)
	}
	if end := runOf(s, word, upper); end > word {
		return end + contraction(s, end, true)
	}
	if c&number != 0 {
		return digits(s, i)
	}
	next, _ := class(s, i+n)
	if c&space != 0 && (s[i] != ' ' || i+1 == len(s) || next&(space|letter|number) != 0) {
		return splitSpace(s, i, true)
	}
	if c&space != 0 {
		i++
	}
	if i = runOther(s, i); i < 0 {
		return -1
	}
	for i < len(s) && (s[i] == '\r' || s[i] == '\n' || s[i] == '/') {
		i++
	}
	return i
}

// runWord matches U*L+ at s[i:] and returns its end, or 0. Where U* runs on to something that L does not
// match, it gives back as far as its last character that L does match.
func runWord(s string, i int) int {
	last := 0
	for i < len(s) {
		c, n := byte(0), 1
		switch b := s[i]; {
		case b < 0x80:
			c = ascii[b]
		case b >= 0xC2 && b < 0xE0 && i+1 < len(s):
			c, n = class2(s, i)
		default:
			c, n = classWide(s, i)
		}
		if c&upper == 0 {
			if c&lower != 0 {
				return runOf(s, i+n, lower)
			}
			break
		}
		i += n
		if c&lower != 0 {
			last = i
		}
	}
	return last
}

// contraction returns the length of the 's, 't, 're, 've, 'm, 'll or 'd that s[i:] starts with, or 0.
// Without regard to case, s is also U+017F.
func contraction(s string, i int, fold bool) int {
	if i+1 >= len(s) || s[i] != '\'' {
		return 0
	}
	var a, b byte = s[i+1], 0
	if i+2 < len(s) {
		b = s[i+2]
	}
	if fold {
		if a == 0xC5 && b == 0xBF { // U+017F
			return 3
		}
		if a < 0x80 {
			a |= 0x20
		}
		if b < 0x80 {
			b |= 0x20
		}
	}
	switch a {
	case 's', 't', 'm', 'd':
		return 2
	case 'l':
		if b == 'l' {
			return 3
		}
	case 'r', 'v':
		if b == 'e' {
			return 3
		}
	}
	return 0
}

// splitSpace ends a piece that starts with white space which belongs to no word:
// \s+(?!\S) and \s+, with \s*[\r\n]+ before them if lines.
func splitSpace(s string, i int, lines bool) int {
	last, end := i, i
	for {
		c, n := class(s, end)
		if c&space == 0 {
			break
		}
		last, end = end, end+n
	}
	if lines {
		if l := lastLine(s, i, end); l > 0 {
			return l
		}
	}
	if end == len(s) || last == i {
		return end
	}
	return last
}

// lastLine returns the end of the last \r or \n in s[i:end], or 0.
func lastLine(s string, i, end int) int {
	for ; end > i; end-- {
		if s[end-1] == '\r' || s[end-1] == '\n' {
			return end
		}
	}
	return 0
}

// runOf returns the end of the characters at s[i:] that are of one of the classes.
func runOf(s string, i int, classes byte) int {
	for i < len(s) {
		c, n := byte(0), 1
		switch b := s[i]; {
		case b < 0x80:
			c = ascii[b]
		case b >= 0xC2 && b < 0xE0 && i+1 < len(s):
			c, n = class2(s, i)
		default:
			c, n = classWide(s, i)
		}
		if c&classes == 0 {
			break
		}
		i += n
	}
	return i
}

// runOther returns the end of [^\s\p{L}\p{N}]* at s[i:], or -1.
func runOther(s string, i int) int {
	for i < len(s) {
		c, n := class(s, i)
		if c&malformed != 0 {
			return -1
		}
		if c&(space|letter|number) != 0 {
			break
		}
		i += n
	}
	return i
}

// digits returns the end of \p{N}{1,3} at s[i:].
func digits(s string, i int) int {
	for range 3 {
		c, n := class(s, i)
		if c&number == 0 {
			break
		}
		i += n
	}
	return i
}
