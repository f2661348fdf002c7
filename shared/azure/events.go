package azure

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"

	"aoai-bridge/shared/logsafe"
	"aoai-bridge/shared/rawjson"
)

var errFailed = errors.New("azure reported a failure within its answer")

// events is what a stream's events have told so far.
type events struct {
	answer    *Answer
	keepUsage bool
	responses bool // the responses API's events, not chat's chunks

	done     bool         // the last event has come
	failed   bool         // Azure has reported a failure
	code     string       // of the failure
	choices  map[int]bool // of a chat, by index: whether its finish_reason has come
	sequence int64        // of the last event of the responses API, -1 before the first
}

// finished reports whether every choice of a chat has come to its end. Some gateways leave [DONE] out after that.
func (e *events) finished() bool {
	for _, ended := range e.choices {
		if !ended {
			return false
		}
	}
	return e.choices[0]
}

var (
	dataField    = []byte("data:")
	doneValue    = []byte("[DONE]")
	errorKey     = []byte(`"error"`)
	usageKey     = newKey(``, `"usage"`)
	finishKey    = newKey(`"finish`, `_reason"`)
	indexKey     = newKey(`"inde`, `x"`)
	sequenceKey  = newKey(`"sequence`, `_number"`)
	typeStart    = []byte(`{"type":"`)
	responseKind = []byte("response.")
	// An ordinary chunk as Azure writes it has nothing else to look for, and nearly every chunk is one.
	chunkStart = []byte(`{"choices":[{`)
	chunkEnd   = []byte(`"usage":null}`)
	goesOn     = newKey(`"finish`, `_reason":null,"index":0,`)
	another    = []byte(`_reason"`) // of another choice in the same chunk
)

// inspect looks into one event, as far as it is told apart by a few bytes, and reports whether it is to be dropped.
func (e *events) inspect(event []byte) (drop bool) {
	data := fieldOf(event, "data:")
	if bytes.Equal(data, doneValue) {
		e.done = true
		return false
	}
	var name []byte
	if !bytes.HasPrefix(event, dataField) {
		name = fieldOf(event, "event:")
	}
	return e.look(name, data)
}

// look looks into an event's name and data.
func (e *events) look(name, data []byte) (drop bool) {
	if e.responses {
		e.lookResponse(name, data)
		return false
	}
	return e.lookChunk(name, data)
}

// isOrdinary reports whether a chunk is written as Azure writes nearly all: more of the first choice, and nothing else.
func (e *events) isOrdinary(data []byte) bool {
	if !bytes.HasPrefix(data, chunkStart) || !bytes.HasSuffix(data, chunkEnd) {
		return false
	}
	i := bytes.Index(data, goesOn.end)
	return i >= 0 && bytes.HasSuffix(data[:i], goesOn.start) && !bytes.Contains(data[i+len(goesOn.end):], another)
}

func (e *events) lookChunk(name, data []byte) (drop bool) {
	if len(name) == 0 && e.isOrdinary(data) {
		return false
	}
	if e.concernsChoices(data) {
		e.noteChoices(data)
	}
	switch {
	case len(name) > 0 && string(name) == "error":
		e.fail(data)
		return false
	case bytes.HasPrefix(data, chunkStart) && bytes.HasSuffix(data, chunkEnd):
		return false // as isOrdinary, but of another choice or the last of one
	}
	if value := usageKey.valueIn(data); len(value) > 0 && value[0] != 'n' {
		var chunk struct {
			Choices []json.RawMessage `json:"choices"`
			Usage   json.RawMessage   `json:"usage"`
		}
		if json.Unmarshal(data, &chunk) == nil && len(chunk.Usage) > 0 && chunk.Usage[0] == '{' {
			e.answer.recordUsage(chunk.Usage)
			drop = !e.keepUsage && len(chunk.Choices) == 0
		}
	}
	if !drop && bytes.Contains(data, errorKey) && reportsError(data) {
		e.fail(data)
	}
	return drop
}

// concernsChoices reports whether a chunk may end a choice, or have one other than the first. Text of the model has
// its quotes escaped, and so cannot look like a key.
func (e *events) concernsChoices(data []byte) bool {
	if value := finishKey.valueIn(data); len(value) > 0 && value[0] != 'n' {
		return true
	}
	for value := indexKey.valueIn(data); value != nil; value = indexKey.valueIn(value) {
		if value[0] == '0' {
			continue
		}
		if n, ok := number(value); ok {
			if _, known := e.choices[int(n)]; !known {
				return true
			}
		}
	}
	return false
}

func (e *events) noteChoices(data []byte) {
	var chunk struct {
		Choices []struct {
			Index  int    `json:"index"`
			Reason string `json:"finish_reason"`
		} `json:"choices"`
	}
	if json.Unmarshal(data, &chunk) != nil {
		return
	}
	if e.choices == nil {
		e.choices = map[int]bool{}
	}
	for _, c := range chunk.Choices {
		e.choices[c.Index] = e.choices[c.Index] || c.Reason != ""
	}
}

// lookResponse knows the events that end a stream of the responses API. Some gateways send them without names.
func (e *events) lookResponse(name, data []byte) {
	if n, ok := number(sequenceKey.valueIn(data)); ok {
		e.sequence = n
	}
	if string(name) != "error" && !bytes.HasPrefix(name, responseKind) {
		name = typeIn(data)
	}
	switch string(name) {
	case "response.completed", "response.failed", "response.incomplete", "response.cancelled":
		e.done = true
		var end struct {
			Response struct {
				Usage json.RawMessage `json:"usage"`
				Error json.RawMessage `json:"error"`
			} `json:"response"`
		}
		if json.Unmarshal(data, &end) == nil {
			e.answer.recordUsage(end.Response.Usage)
		}
		if string(name) == "response.failed" {
			e.fail(end.Response.Error)
		}
	case "error":
		e.fail(data)
	}
}

// fail notes a failure that Azure reports in an event, or in a part of one.
func (e *events) fail(reported []byte) {
	if !e.failed {
		e.failed, e.code = true, codeIn(reported)
	}
}

// codeIn is the code of an error object, or of one in "error". Where it has none its type says most.
func codeIn(reported []byte) string {
	o, err := rawjson.Parse(reported)
	if err != nil {
		return upstreamCode
	}
	if inner, err := rawjson.Parse(o.Get("error")); err == nil {
		o = inner
	}
	for _, name := range []string{"code", "type"} {
		if code := scalarText(o.Get(name)); code != "" && code != "error" { // the type of every error event
			return logsafe.Text(code)
		}
	}
	return upstreamCode
}

// reportsError reports whether an object has an error: an object, or only its words.
func reportsError(data []byte) bool {
	o, err := rawjson.Parse(data)
	return err == nil && hasError(o)
}

func hasError(o *rawjson.Object) bool {
	value := o.Get("error")
	return len(value) > 0 && (value[0] == '{' || scalarText(value) != "")
}

// typeIn is the "type" of an event's data.
func typeIn(data []byte) []byte {
	if kind, ok := bytes.CutPrefix(data, typeStart); ok {
		kind, _, _ = bytes.Cut(kind, []byte{'"'})
		return kind
	}
	o, err := rawjson.Parse(data)
	if err != nil {
		return nil
	}
	return []byte(scalarText(o.Get("type")))
}

// key is the name of a member in quotes, which is looked for by its end: a byte that is rare in events is found
// several times as fast as the quote that it begins with.
type key struct{ start, end []byte }

func newKey(start, end string) key { return key{[]byte(start), []byte(end)} }

// valueIn is what follows the first member of that name, from its value on; nil if there is none.
func (k key) valueIn(data []byte) []byte {
	for at := 0; ; {
		i := bytes.Index(data[at:], k.end)
		if i < 0 {
			return nil
		}
		i += at
		at = i + len(k.end)
		if !bytes.HasSuffix(data[:i], k.start) {
			continue
		}
		value := skipBlanks(data[at:])
		if len(value) == 0 || value[0] != ':' {
			continue
		}
		if value = skipBlanks(value[1:]); len(value) > 0 {
			return value
		}
	}
}

func skipBlanks(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

// number is the whole number that b begins with.
func number(b []byte) (n int64, ok bool) {
	digits := 0
	for digits < len(b) && '0' <= b[digits] && b[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseInt(string(b[:digits]), 10, 64)
	return n, err == nil
}

// isWhole reports whether an event that no blank line ends has all of its data.
func isWhole(event []byte) bool {
	data := fieldOf(event, "data:")
	return bytes.Equal(data, doneValue) || json.Valid(data)
}

// fieldOf returns the value of the first line of that name. Azure sends one data line an event.
func fieldOf(event []byte, name string) []byte {
	for len(event) > 0 {
		line := event
		if i := bytes.IndexByte(event, '\n'); i >= 0 {
			line, event = event[:i], event[i+1:]
		} else {
			event = nil
		}
		if len(line) >= len(name) && string(line[:len(name)]) == name {
			return bytes.TrimSpace(line[len(name):])
		}
	}
	return nil
}
