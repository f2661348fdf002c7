package batch

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A line of a list of results is its number, a tab, whether it succeeded, and the line as the caller gets it.
const (
	succeeded = '+'
	failed    = '-'
)

// appendResult adds a line that has no answer of Azure's.
func appendResult(b []byte, job string, number int, customID json.RawMessage, e *lineError) []byte {
	b = appendHead(b, job, number, failed, customID)
	raw, _ := json.Marshal(e) // strings and a number always marshal
	b = append(b, `"response":null,"error":`...)
	return append(append(b, raw...), "}\n"...)
}

// appendHead adds what every line begins with.
func appendHead(b []byte, job string, number int, outcome byte, customID json.RawMessage) []byte {
	b = strconv.AppendInt(b, int64(number), 10)
	b = append(b, '\t', outcome)
	b = append(append(b, `{"id":"batch_req_`...), job[strings.IndexByte(job, '_')+1:]...)
	b = append(b, '_')
	b = strconv.AppendInt(b, int64(number), 10)
	b = append(b, `","custom_id":`...)
	if customID == nil {
		customID = []byte("null")
	}
	return append(append(b, customID...), ',')
}

// present is a custom_id of a list of lines, nil where the line has none.
func present(customID []byte) json.RawMessage {
	if len(customID) == 0 {
		return nil
	}
	return customID
}
