// Package jsonvalue has what the languages of Step Functions and EventBridge share: JSON whose numbers
// keep their digits, so that integers beyond 2^53 pass unharmed, and the comparisons of its values. It
// knows neither language.
package jsonvalue

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
)

// Decode reads one JSON value. Its numbers are json.Number.
func Decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

// Compare orders two numbers exactly: negative where a is the smaller one, 0 where they are equal.
func Compare(a, b json.Number) int {
	left, _ := new(big.Rat).SetString(a.String())
	right, _ := new(big.Rat).SetString(b.String())
	return left.Cmp(right)
}

// Like reports whether text is as the pattern has it, in which * stands for anything, and for itself
// after a backslash.
func Like(text, pattern string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '*':
			for i := range len(text) + 1 {
				if Like(text[i:], pattern[1:]) {
					return true
				}
			}
			return false
		case pattern[0] == '\\' && len(pattern) > 1:
			pattern = pattern[1:]
		}
		if text == "" || text[0] != pattern[0] {
			return false
		}
		text, pattern = text[1:], pattern[1:]
	}
	return text == ""
}
