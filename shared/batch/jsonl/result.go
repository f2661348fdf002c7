package jsonl

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A line of a list of results is its number, a tab, whether it succeeded, and the line as the caller gets it.
const (
	succeeded = '+'
	failed    = '-'
)

// AppendError adds the result of a line that has no answer of Azure's. A nil customID is none.
func AppendError(b []byte, job string, number int, customID json.RawMessage, e *Error) []byte {
	b = appendHead(b, job, number, failed, customID)
	raw, _ := json.Marshal(e) // strings and a number always marshal
	b = append(b, `"response":null,"error":`...)
	return append(append(b, raw...), "}\n"...)
}

// appendHead adds what every line begins with.
func appendHead(b []byte, job string, number int, outcome byte, customID json.RawMessage) []byte {
	b = appendNumber(b, number)
	b = append(b, '\t', outcome)
	b = append(append(b, `{"id":"batch_req_`...), job[strings.IndexByte(job, '_')+1:]...)
	b = append(b, '_')
	b = appendNumber(b, number)
	b = append(b, `","custom_id":`...)
	if customID == nil {
		customID = []byte("null")
	}
	return append(append(b, customID...), ',')
}

// CutResult reads what comes after the number in a list of results: whether the line succeeded, and the line as the
// caller gets it.
func CutResult(text []byte) (line []byte, success bool, err error) {
	if len(text) == 0 || text[0] != succeeded && text[0] != failed {
		return nil, false, fmt.Errorf("%.20q is not a line of a list of results", text)
	}
	return text[1:], text[0] == succeeded, nil
}

// CustomIDOf is the custom_id that a list of lines has, nil if the line has none.
func CustomIDOf(text []byte) json.RawMessage {
	if len(text) == 0 {
		return nil
	}
	return text
}
