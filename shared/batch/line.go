package batch

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/rawjson"
)

// The operations that a line can ask for, as they stand behind /v1/ in its url.
const (
	chatCompletions = "chat/completions"
	responses       = "responses"
	embeddings      = "embeddings"
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

func (m Mode) valid() bool { return m == Auto || m == Batch || m == Online }

// line is one request of a JSONL file.
type line struct {
	number   int
	customID json.RawMessage // as it stands in the file; nil where there is none
	endpoint string          // chatCompletions, responses or embeddings
	model    string          // as the file names it
	mode     Mode            // of the line itself
	body     rawjson.Node
}

// lineError is why a line has no response.
type lineError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Line    int    `json:"line"`
}

// parseLine reads a line of a file into a tree, which the line's body belongs to. With an error it returns as
// much of the line as answers need: its number and, where it can be read, its custom_id.
func parseLine(tree *rawjson.Tree, raw rawLine) (*line, *lineError) {
	l := &line{number: raw.number}
	switch {
	case raw.long:
		return l, l.fail("line_too_long", "The line is longer than %d bytes. Split the request, or give images by URL.", maxLine)
	case !utf8.Valid(raw.text):
		return l, l.fail("invalid_utf8", "The line is not UTF-8 text. Save the file as UTF-8.")
	}
	o, err := tree.Read(raw.text)
	if err == nil && o.Kind() != '{' {
		err = rawjson.ErrNotObject
	}
	if err != nil {
		return l, l.fail("invalid_json_line", "The line is not a JSON object: %v. Write each request on one line of its own.", err)
	}
	if id := o.Get("custom_id"); !id.Absent() {
		l.customID = id.Raw()
	}
	if key := o.Repeated("custom_id", "method", "url", "body", "mode"); key != "" {
		return l, l.fail("duplicate_parameter", "'%s' is given more than once. Give it once.", key)
	}
	if got, want := o.Misspelt("custom_id", "method", "url", "body", "mode"); got != "" {
		return l, l.misspelt(got, want)
	}
	if o.Get("method").Text() != "POST" {
		return l, l.fail("invalid_method", "'method' must be \"POST\".")
	}
	url := o.Get("url").Text()
	if l.endpoint = endpointOf(url); l.endpoint == "" {
		return l, l.fail("invalid_url", "'url' must be \"/v1/chat/completions\", \"/v1/responses\" or \"/v1/embeddings\".")
	}
	switch mode := o.Get("mode"); {
	case mode.Absent():
	case mode.Text() == string(Batch):
		l.mode = Batch
	case mode.Text() == string(Online):
		l.mode = Online
	default:
		return l, l.fail("invalid_mode", "'mode' must be \"batch\" or \"online\"; leave it out for the cheapest that works.")
	}
	if l.body = o.Get("body"); l.body.Kind() != '{' {
		return l, l.fail("missing_required_parameter", "'body' must be an object: the request as %s takes it.", url)
	}
	return l, l.checkBody()
}

func (l *line) checkBody() *lineError {
	if key := l.body.Repeated("model", "stream", "background"); key != "" {
		return l.fail("duplicate_parameter", "'body.%s' is given more than once. Give it once.", key)
	}
	if got, want := l.body.Misspelt("model", "stream", "background", "max_completion_tokens", "max_tokens", "max_output_tokens", "n"); got != "" {
		return l.misspelt("body."+got, "body."+want)
	}
	if l.model = strings.Clone(l.body.Get("model").Text()); l.model == "" { // it is kept for longer than the line
		return l.fail("missing_required_parameter", "'body.model' must name a model or a deployment.")
	}
	if stream := l.body.Get("stream"); !stream.Absent() && stream.Kind() != 'f' {
		return l.fail("streaming_unsupported", "'body.stream' is not for batches: leave it out.")
	}
	if background := l.body.Get("background"); l.endpoint == responses && !background.Absent() && background.Kind() != 'f' {
		return l.fail("background_unsupported", "'body.background' is not for batches, which run in the background themselves: leave it out.")
	}
	return nil
}

func (l *line) fail(code, format string, args ...any) *lineError {
	return &lineError{Code: code, Message: fmt.Sprintf("Line %d: ", l.number) + fmt.Sprintf(format, args...), Line: l.number}
}

// misspelt refuses a member that is written in another case than we read it.
func (l *line) misspelt(got, want string) *lineError {
	return l.fail("unknown_parameter", "Unknown parameter: '%s'. Write it as '%s'.", got, want)
}

// endpointOf is the operation of a url, "" if it is none of ours.
func endpointOf(url string) string {
	path := strings.TrimPrefix(strings.TrimPrefix(url, "/openai"), "/v1")
	switch path {
	case "/" + chatCompletions:
		return chatCompletions
	case "/" + responses:
		return responses
	case "/" + embeddings:
		return embeddings
	}
	return ""
}

// bodyFor is the request as a deployment gets it.
func (l *line) bodyFor(deployment string) []byte {
	if l.model == deployment {
		return l.body.Raw()
	}
	name, _ := json.Marshal(deployment) // a string always marshals
	return l.body.With(rawjson.Edit{Key: "model", Value: name}).Bytes()
}

// outputLimit is the most tokens the request allows for its answer, 0 where it says nothing.
func (l *line) outputLimit() int64 {
	most := int64(0)
	for _, key := range []string{"max_completion_tokens", "max_tokens", "max_output_tokens"} {
		if n := number(l.body.Get(key)); n > 0 {
			most = n
			break
		}
	}
	if n := number(l.body.Get("n")); n > 1 {
		most *= n
	}
	return min(most, maxNumber)
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
