// Package decimal reads numbers as people and programs write them: in digits, and finite. It does not know what
// they are amounts of.
package decimal

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a number such as 250, -1, 0.5 or 1e-6. It refuses what strconv.ParseFloat takes beside these: Inf, NaN
// and hexadecimal digits.
func Parse(text string) (float64, error) {
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, fmt.Errorf("%.40q is not a decimal number", text)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil { // 1e400, too, which would be infinite
		return 0, fmt.Errorf("%.40q is not a decimal number", text)
	}
	return n, nil
}

// Most is the largest number that is taken where numbers are multiplied. No price, ceiling or rate is near it, and
// products of a few numbers up to it are finite, which JSON requires.
const Most = 1e15

// InRange reports whether a number is from -Most to Most. No NaN is.
func InRange(n float64) bool { return n >= -Most && n <= Most }
