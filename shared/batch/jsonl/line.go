package jsonl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/rawjson"
)

// Mode says how a line is answered.
type Mode string

// A line, or a whole job, may choose its mode; without a choice it is Batch where a batch deployment
// serves the model, and Online elsewhere.
const (
	Auto   Mode = ""
	Batch  Mode = "batch"  // by Azure's batch API, within 24 hours or so, at half the price
	Online Mode = "online" // at once, by an online deployment
)

// Valid reports whether a mode is one of these.
func (m Mode) Valid() bool { return m == Auto || m == Batch || m == Online }

// Line is one request of a JSONL file.
type Line struct {
	Number   int
	CustomID json.RawMessage // as it stands in the file; nil where there is none
	Endpoint string          // ChatCompletions, Responses or Embeddings
	Model    string          // as the body names it, or else the url
	Mode     Mode            // of the line itself
	Body     rawjson.Node

	Deployment string // as the url names it; "" where it names none
	unnamed    bool   // the body has no model
}

// Error is why a line has no response.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int    `json:"line"`
}

// NewError makes the error of a line; the message begins with the line's number.
func NewError(number int, code, message string) *Error {
	return &Error{Code: code, Message: fmt.Sprintf("Line %d: %s", number, message), Line: number}
}

// maxValues bounds the memory that the values of a line take: 96 MB. No line of 8 MiB has as many.
const maxValues = 4 << 20

// Parse reads a line of a file into a tree, which the line's body belongs to. With an error it returns as
// much of the line as answers need: its number and, where it can be read, its custom_id.
func Parse(tree *rawjson.Tree, raw RawLine) (*Line, *Error) {
	l := &Line{Number: raw.Number}
	tree.MaxValues = maxValues
	switch {
	case raw.Long:
		l.CustomID = raw.CustomID
		return l, l.Fail("line_too_long", "The line is longer than %d bytes (%d MiB). Split the request, or give images by URL.", maxLine, maxLine>>20)
	case !utf8.Valid(raw.Text):
		return l, l.Fail("invalid_utf8", "The line is not UTF-8 text. Save the file as UTF-8.")
	}
	o, err := tree.Read(raw.Text)
	if err == nil && o.Kind() != '{' {
		err = rawjson.ErrNotObject
	}
	if errors.Is(err, rawjson.ErrTooManyValues) {
		return l, l.Fail("line_too_complex", "The line has more than %d JSON values. Split the request.", maxValues)
	}
	if err != nil {
		return l, l.Fail("invalid_json_line", "The line is not a JSON object: %v. Write each request on one line of its own.", err)
	}
	if id := o.Get("custom_id"); !id.Absent() {
		l.CustomID = id.Raw()
	}
	if key := o.Repeated("custom_id", "method", "url", "body", "mode"); key != "" {
		return l, l.Fail("duplicate_parameter", "'%s' is given more than once. Give it once.", key)
	}
	if got, want := o.Misspelt("custom_id", "method", "url", "body", "mode"); got != "" {
		return l, l.misspelt(got, want)
	}
	if bad := l.checkTarget(o.Get("method"), o.Get("url")); bad != nil {
		return l, bad
	}
	switch mode := o.Get("mode"); {
	case mode.Absent():
	case mode.Text() == string(Batch):
		l.Mode = Batch
	case mode.Text() == string(Online):
		l.Mode = Online
	default:
		return l, l.Fail("invalid_mode", "'mode' must be \"batch\" or \"online\"; leave it out for the cheapest that works.")
	}
	if l.Body = o.Get("body"); l.Body.Kind() != '{' {
		return l, l.Fail("missing_required_parameter", "'body' must be an object: the request as /v1/%s takes it.", l.Endpoint)
	}
	return l, l.checkBody()
}

// checkTarget reads what a line asks for.
func (l *Line) checkTarget(method, url rawjson.Node) *Error {
	const urls = `"/v1/chat/completions", "/v1/responses" or "/v1/embeddings"`
	switch text := method.Text(); {
	case method.Absent():
		return l.Fail("invalid_method", "There is no 'method'. Write \"method\": \"POST\".")
	case method.Kind() != '"':
		return l.Fail("invalid_method", "'method' is %s. Write \"POST\".", method.TypeName())
	case !strings.EqualFold(strings.TrimSpace(text), "POST"):
		return l.Fail("invalid_method", "'method' is %.20q, and requests of a batch are posted. Write \"POST\".", text)
	}
	if l.Endpoint, l.Deployment = parseURL(url.Text()); l.Endpoint != "" {
		return nil
	}
	switch {
	case url.Absent():
		return l.Fail("invalid_url", "There is no 'url'. Write %s.", urls)
	case url.Kind() != '"':
		return l.Fail("invalid_url", "'url' is %s. Write %s.", url.TypeName(), urls)
	}
	return l.Fail("invalid_url", "'url' is %.100q, which is none of chat completions, responses and embeddings. Write %s.", url.Text(), urls)
}

func (l *Line) checkBody() *Error {
	if key := l.Body.Repeated("model", "stream", "background"); key != "" {
		return l.Fail("duplicate_parameter", "'body.%s' is given more than once. Give it once.", key)
	}
	if got, want := l.Body.Misspelt("model", "stream", "background", "max_completion_tokens", "max_tokens", "max_output_tokens", "n"); got != "" {
		return l.misspelt("body."+got, "body."+want)
	}
	switch model := l.Body.Get("model"); {
	case model.Text() != "":
		l.Model = strings.Clone(model.Text()) // it is kept for longer than the line
	case !model.Absent() && model.Kind() != '"' || l.Deployment == "":
		return l.Fail("missing_required_parameter", "'body.model' must name a model or a deployment.")
	default:
		l.Model, l.unnamed = l.Deployment, true
	}
	if stream := l.Body.Get("stream"); !stream.Absent() && stream.Kind() != 'f' {
		return l.Fail("streaming_unsupported", "'body.stream' is not for batches: leave it out.")
	}
	if background := l.Body.Get("background"); l.Endpoint == Responses && !background.Absent() && background.Kind() != 'f' {
		return l.Fail("background_unsupported", "'body.background' is not for batches, which run in the background themselves: leave it out.")
	}
	return nil
}

// Fail returns the error of a line whose message begins with the line's number.
func (l *Line) Fail(code, format string, args ...any) *Error {
	return NewError(l.Number, code, fmt.Sprintf(format, args...))
}

// misspelt refuses a member that is written in another case than we read it.
func (l *Line) misspelt(got, want string) *Error {
	return l.Fail("unknown_parameter", "Unknown parameter: '%s'. Write it as '%s'.", got, want)
}

// BodyFor is the request as a deployment gets it.
func (l *Line) BodyFor(deployment string) rawjson.Pieces {
	if l.Model == deployment && !l.unnamed {
		return rawjson.Pieces{l.Body.Raw()}
	}
	name, _ := json.Marshal(deployment) // a string always marshals
	return l.Body.With(rawjson.Edit{Key: "model", Value: name})
}

// OutputOf is the most tokens that a request allows for its answer, all choices together. Where it sets no limit, which
// limited says, a choice is taken for so many as given.
func OutputOf(body rawjson.Node, otherwise int64) (tokens int64, limited bool) {
	tokens = otherwise
	for _, key := range []string{"max_completion_tokens", "max_tokens", "max_output_tokens"} {
		if n := number(body.Get(key)); n > 0 {
			tokens, limited = n, true
			break
		}
	}
	if n := number(body.Get("n")); n > 1 {
		tokens *= n
	}
	return min(tokens, maxNumber), limited
}

// maxNumber bounds what is taken from a line's or an answer's numbers: the product of two fits an int64, and so does
// the sum over a file's lines.
const maxNumber = 1 << 31

// number is a JSON number that is whole, such as 1000 or 1e3, from -maxNumber to maxNumber: beyond, it is the nearest of
// these. It is 0 for anything else.
func number(n rawjson.Node) int64 {
	whole, err := decimal.Parse(string(n.Raw()))
	if err != nil || whole != math.Trunc(whole) {
		return 0
	}
	return int64(min(max(whole, -maxNumber), maxNumber))
}
