package stepfunctions

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Values are those of jsonvalue.Decode.

// encode writes a value, with no more escapes than JSON demands. Values come from jsonvalue.Decode, or are made
// of the same parts, and so always have a JSON form.
func encode(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

func toNumber(n int) json.Number { return json.Number(strconv.Itoa(n)) }

// toInt returns a number that is an integer.
func toInt(value any) (int, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(n.String())
	return i, err == nil
}
