package jsonl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"aoai-bridge/shared/rawjson"
)

// How a request begins, goes on and ends.
const (
	customIDHead = `{"custom_id":"`
	requestHead  = `","method":"POST","url":"`
	bodyHead     = `","body":`
	requestTail  = "}\n"
)

// WriteRequest writes a request as Azure's batches have it, with a line's number as its custom_id. It ends with a
// newline. buffer is used for what is not the body.
func WriteRequest(w io.Writer, buffer []byte, number int, url string, body rawjson.Pieces) error {
	buffer = appendNumber(append(buffer[:0], customIDHead...), number)
	buffer = append(append(append(buffer, requestHead...), url...), bodyHead...)
	if _, err := w.Write(buffer); err != nil {
		return err
	}
	for _, piece := range body {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, requestTail)
	return err
}

// RequestSize is how many bytes WriteRequest writes for a body of size bytes.
func RequestSize(number int, url string, size int) int {
	return len(customIDHead) + len(strconv.Itoa(number)) + len(requestHead) + len(url) + len(bodyHead) + size + len(requestTail)
}

// Request is a line on its way to Azure.
type Request struct {
	Number int
	Body   *rawjson.Object
}

// BodyFor is the body as a deployment gets it.
func (q Request) BodyFor(deployment string) rawjson.Pieces {
	name, _ := json.Marshal(deployment) // a string always marshals
	if bytes.Equal(q.Body.Get("model"), name) {
		return q.Body.With()
	}
	return q.Body.With(rawjson.Edit{Key: "model", Value: name})
}

// ReadRequest reads a request of WriteRequest, and keeps nothing of the text.
func ReadRequest(text []byte) (Request, error) {
	number, err := RequestNumber(text)
	if err != nil {
		return Request{}, err
	}
	o, err := rawjson.Parse(bytes.Clone(text))
	if err == nil {
		o, err = rawjson.Parse(o.Get("body"))
	}
	return Request{number, o}, err
}

// RequestNumber is the number that a request of WriteRequest has.
func RequestNumber(text []byte) (int, error) {
	rest, ok := bytes.CutPrefix(text, []byte(customIDHead))
	digits, _, closed := bytes.Cut(rest, []byte{'"'})
	if !ok || !closed {
		return 0, fmt.Errorf("%.40q is not a request with the number of a line", text)
	}
	return parseNumber(digits)
}

// responseHead comes after the number of a response.
const responseHead = `","response":`

// Response is an answer as Azure's batches have it, on one line. The body is valid JSON.
func Response(status int, requestID string, body []byte) []byte {
	var b bytes.Buffer
	id, _ := json.Marshal(requestID) // a string always marshals
	fmt.Fprintf(&b, `{"status_code":%d,"request_id":%s,"body":`, status, id)
	_ = json.Compact(&b, body) // it is valid
	b.WriteByte('}')
	return b.Bytes()
}

// AppendResponse adds a Response as Answers.Read takes it. It ends with a newline.
func AppendResponse(b []byte, number int, response []byte) []byte {
	b = appendNumber(append(b, customIDHead...), number)
	b = append(append(b, responseHead...), response...)
	return append(b, ",\"error\":null}\n"...)
}
