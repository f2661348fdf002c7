package stepfunctions

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strconv"
)

// Values are what encoding/json makes of JSON with UseNumber: a number keeps its digits, so that
// integers beyond 2^53 pass unharmed.

// decode reads one JSON value.
func decode(text []byte) (any, error) {
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

// encode writes a value, with no more escapes than JSON demands. Values come from decode, or are made
// of the same parts, and so always have a JSON form.
func encode(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func number(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// compareNumbers compares exactly, whatever the numbers' size.
func compareNumbers(a, b json.Number) int {
	left, _ := new(big.Rat).SetString(a.String())
	right, _ := new(big.Rat).SetString(b.String())
	return left.Cmp(right)
}

// whole returns a number that is an integer.
func whole(value any) (int, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}
