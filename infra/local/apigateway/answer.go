package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxBuffered is Lambda's limit of a buffered answer, in bytes.
const maxBuffered = 6291556

// The JSON before a streamed body ends in 8 NUL bytes, which have to be within the first 16 KB.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html
var preludeEnd = make([]byte, 8)

const maxPrelude = 16 << 10

// buffers hold what is on its way from a function to a caller.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// streamAnswer sends what a function streams: the status and headers that it begins with, then its
// body as it comes, each read at once. silence is put off by every read.
func streamAnswer(w http.ResponseWriter, body io.Reader, silence *time.Timer) error {
	buffer := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buffer)

	at, n := -1, 0
	var err error
	for at < 0 {
		if err != nil || n >= maxPrelude {
			return malformed
		}
		var more int
		more, err = body.Read(buffer[n:])
		n += more
		at = bytes.Index(buffer[:min(n, maxPrelude)], preludeEnd)
	}
	var h head
	if !isObject(buffer[:at]) || json.Unmarshal(buffer[:at], &h) != nil || !h.valid() {
		return malformed
	}
	h.write(w)

	control := http.NewResponseController(w)
	chunk := buffer[at+len(preludeEnd) : n]
	for {
		silence.Reset(maxSilence)
		if writeErr := writeBody(w, chunk); writeErr != nil {
			return writeErr
		}
		if err == io.EOF {
			return nil
		}
		if flushErr := control.Flush(); flushErr != nil {
			return flushErr
		}
		if err != nil {
			return err
		}
		n, err = body.Read(buffer[:])
		chunk = buffer[:n]
	}
}

// bufferedAnswer waits for the whole answer, which is JSON, and sends what it says.
func (g *gateway) bufferedAnswer(w http.ResponseWriter, r *http.Request, body io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(body, maxBuffered+1))
	if err != nil || len(data) > maxBuffered {
		return malformed
	}
	var answer struct {
		head
		Body            string `json:"body"`
		IsBase64Encoded bool   `json:"isBase64Encoded"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields() // the service takes an answer with any other member for a malformed one
	if !isObject(data) || !json.Valid(data) || decoder.Decode(&answer) != nil || !answer.valid() || answer.Cookies != nil {
		return malformed
	}
	payload := []byte(answer.Body)
	// The service decodes only for those who ask for a binary media type first.
	if answer.IsBase64Encoded && g.binary.match(r.Header.Get("Accept")) {
		if payload, err = base64.StdEncoding.DecodeString(answer.Body); err != nil {
			return misconfigured
		}
	}
	answer.write(w)
	return writeBody(w, payload)
}

// isObject reports whether JSON is an object, which null is not.
func isObject(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
}

// writeBody writes p unless the answer has no body, such as one to HEAD.
func writeBody(w http.ResponseWriter, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if _, err := w.Write(p); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		return err
	}
	return nil
}

// head is the status and the headers of an answer.
type head struct {
	StatusCode        status                   `json:"statusCode"`
	Headers           map[string]headerValue   `json:"headers"`
	MultiValueHeaders map[string][]headerValue `json:"multiValueHeaders"`
	Cookies           []string                 `json:"cookies"`
}

func (h *head) valid() bool {
	return h.StatusCode == 0 || h.StatusCode >= 200 && h.StatusCode <= 599
}

// write sends the status and the headers. Without a status it is 200, without a content type
// application/json (for a streamed answer: unverified). Headers that are given both ways are merged.
func (h *head) write(w http.ResponseWriter) {
	headers := w.Header()
	for name, values := range h.MultiValueHeaders {
		for _, value := range values {
			addHeader(headers, name, string(value))
		}
	}
	for name, value := range h.Headers {
		if !slices.Contains(headers[outgoingName(name)], string(value)) {
			addHeader(headers, name, string(value))
		}
	}
	for _, cookie := range h.Cookies {
		headers.Add("Set-Cookie", cookie)
	}
	if len(headers["Content-Type"]) == 0 {
		headers["Content-Type"] = []string{"application/json"}
	}
	if h.StatusCode == 0 {
		h.StatusCode = http.StatusOK
	}
	w.WriteHeader(int(h.StatusCode))
}

func addHeader(headers http.Header, name, value string) {
	name = outgoingName(name)
	headers[name] = append(headers[name], value)
}

// remapped are headers that the service keeps for itself; a function's own arrive under another name.
// Of the many that the documentation says "may" be, these are those that published answers of the
// service show, and Transfer-Encoding, which no function can know.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
var remapped = map[string]string{
	"Connection":        "x-amzn-Remapped-Connection",
	"Content-Length":    "x-amzn-Remapped-Content-Length",
	"Date":              "x-amzn-Remapped-Date",
	"Server":            "x-amzn-Remapped-Server",
	"Transfer-Encoding": "x-amzn-Remapped-Transfer-Encoding",
	"Www-Authenticate":  "x-amzn-Remapped-WWW-Authenticate",
	"X-Amzn-Requestid":  "x-amzn-Remapped-x-amzn-RequestId",
}

// outgoingName returns the name that a function's header goes out under.
func outgoingName(name string) string {
	name = http.CanonicalHeaderKey(name)
	if other, ok := remapped[name]; ok {
		return other
	}
	return name
}

// A status is a number, or text that is one.
type status int

func (s *status) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(bytes.Trim(data, `"`), (*int)(s))
}

// A headerValue is text, or true or false.
type headerValue string

func (v *headerValue) UnmarshalJSON(data []byte) error {
	if s := string(data); s == "true" || s == "false" {
		*v = headerValue(s)
		return nil
	}
	return json.Unmarshal(data, (*string)(v))
}
