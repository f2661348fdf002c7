package azureopenai

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

// Limits of a batch. How many errors Azure reports at most is unknown; the bound is ours.
const (
	maxLines           = 100000
	maxErrors          = 100
	tokensPerBatchUnit = 1000 // of a batch deployment's capacity
)

// survey is what one pass over a batch's input finds.
type survey struct {
	lines      []span
	tokens     int64 // of the input, where the deployment has a quota
	deployment *deployment
	operation  *operation
	errors     []batchError
	total      int // lines, however many
}

// span is where a line stands in its file.
type span struct {
	offset int64
	length int
}

// surveyor makes a survey line by line.
type surveyor struct {
	survey
	server   *Server
	model    string // the first line's
	url      string // what every line's must be, without /v1
	seen     map[uint64]bool
	noModel  bool
	endpoint string
}

// lineHead is what is checked of a line before anything is executed.
type lineHead struct {
	CustomID *string `json:"custom_id"`
	Method   *string `json:"method"`
	URL      *string `json:"url"`
	Body     *struct {
		Model  *string `json:"model"`
		Stream bool    `json:"stream"`
	} `json:"body"`
}

// surveyInput reads a batch's input once. Its error is one of reading, not of the input.
func (s *Server) surveyInput(input io.ReaderAt, size int64, endpoint string) (*survey, error) {
	v := &surveyor{server: s, endpoint: endpoint, seen: make(map[uint64]bool)}
	scanner := bufio.NewScanner(io.NewSectionReader(input, 0, size))
	scanner.Buffer(make([]byte, 64<<10), maxFileBytes+1)
	scanner.Split(wholeLines)
	var offset int64
	for n := 1; scanner.Scan(); n++ {
		line := scanner.Bytes()
		if len(bytes.TrimSpace(line)) > 0 { // that blank lines pass is unverified
			v.readLine(n, line, offset)
		}
		offset += int64(len(line))
		if len(v.errors) >= maxErrors || v.noModel {
			break
		}
	}
	switch {
	case scanner.Err() != nil:
		return nil, scanner.Err()
	case v.total == 0:
		v.fail("empty_file", 0, "")
	case v.total > maxLines:
		v.errors = nil
		v.fail("too_many_tasks", 0, "")
	}
	return &v.survey, nil
}

// wholeLines is bufio.ScanLines that leaves the lines' ends on, so that offsets can be counted.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func (v *surveyor) readLine(n int, line []byte, offset int64) {
	v.total++
	var head lineHead
	err := json.Unmarshal(line, &head)
	var wrongType *json.UnmarshalTypeError
	bom := bytes.HasPrefix(line, []byte("\xef\xbb\xbf"))
	if err != nil && !errors.As(err, &wrongType) && !bom {
		v.fail("invalid_json_line", n, "")
		return
	}
	if v.model == "" {
		v.readFirst(n, &head, bom)
	}
	switch {
	case v.noModel || v.total > maxLines:
		return
	case wrongType != nil:
		v.fail("invalid_request", n, wrongType.Field)
		return
	case head.Body == nil:
		v.fail("invalid_request", n, "body")
		return
	}
	v.check(n, &head)
	if len(v.errors) > 0 {
		return
	}
	v.lines = append(v.lines, span{offset, len(line)})
	if v.deployment.Capacity > 0 {
		v.tokens += v.countTokens(line)
	}
}

// readFirst finds the deployment, which every line names, and with it what the file is for.
func (v *surveyor) readFirst(n int, head *lineHead, bom bool) {
	if bom || head.Body == nil || head.Body.Model == nil || *head.Body.Model == "" {
		v.noModel = true
		v.errors = []batchError{{Code: "invalid_request", Message: noModelMessage}} // the code is unverified, not the message
		return
	}
	v.model = *head.Body.Model
	v.url = withoutV1(v.endpoint)
	if v.endpoint == "/chat/completions" && head.URL != nil && withoutV1(*head.URL) == "/responses" {
		v.url = "/responses" // Azure's own samples create batches of responses with this endpoint
	}
	i := slices.IndexFunc(v.server.operations, func(o operation) bool { return o.method == "POST" && "/"+o.path == v.url })
	v.operation = &v.server.operations[i]
	d, ok := (*v.server.deployments.Load())[v.model]
	switch {
	case !ok:
		v.fail("model_not_found", n, "body.model")
		d = &deployment{}
	case !d.batch():
		v.fail("invalid_request", n, "body.model")
	}
	v.deployment = d
}

func (v *surveyor) check(n int, head *lineHead) {
	switch {
	case head.CustomID == nil:
		v.fail("invalid_request", n, "custom_id")
	case head.Method == nil || *head.Method != "POST":
		v.fail("invalid_request", n, "method")
	case head.URL == nil:
		v.fail("invalid_request", n, "url")
	case withoutV1(*head.URL) != v.url:
		v.fail("url_mismatch", n, "url")
	case head.Body.Model == nil || *head.Body.Model != v.model:
		v.fail("model_mismatch", n, "body.model")
	case head.Body.Stream: // that this fails the file is OpenAI's way; on Azure unverified
		v.fail("invalid_request", n, "body.stream")
	default:
		id := hash64(*head.CustomID)
		if v.seen[id] {
			v.fail("duplicate_custom_id", n, "custom_id")
		}
		v.seen[id] = true
	}
}

// hash64 is FNV-1a, which is the same in every process.
func hash64(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func (v *surveyor) countTokens(line []byte) int64 {
	var l struct{ Body json.RawMessage }
	if json.Unmarshal(line, &l) != nil {
		return 0
	}
	var c *conversation
	if v.url == "/responses" {
		var q responsesRequest
		if json.Unmarshal(l.Body, &q) == nil {
			c, _, _ = q.conversation(&exchange{server: v.server, deployment: v.deployment})
		}
	} else {
		var q chatRequest
		if json.Unmarshal(l.Body, &q) == nil {
			c, _ = q.conversation(v.deployment.model)
		}
	}
	if c == nil { // the line will be refused
		return 0
	}
	messages, tools := c.inputTokens()
	return int64(messages + tools)
}

// fail notes an error; line is 0 where it is the whole file's.
func (v *surveyor) fail(code string, line int, param string) {
	e := batchError{Code: code, Message: batchMessages[code]}
	if line > 0 {
		e.Line = &line
	}
	if param != "" {
		e.Param = &param
	}
	v.errors = append(v.errors, e)
}

const noModelMessage = "Validation failed: A valid model deployment name couldn't be extracted from the input file. Please ensure that each row in the input file has a valid deployment name specified in the 'model' field, and that the deployment name is consistent across all rows."

// batchMessages are the meanings in Azure's table of codes (MicrosoftDocs/azure-ai-docs,
// how-to-batch-content.md); only empty_file's was seen in an answer.
var batchMessages = map[string]string{
	"invalid_json_line":    "A line (or multiple) in your input file wasn't able to be parsed as valid json.",
	"too_many_tasks":       "The number of requests in the input file exceeds the maximum allowed value of 100,000.",
	"url_mismatch":         "Either a row in your input file has a URL that doesn't match the rest of the rows, or the URL specified in the input file doesn't match the expected endpoint URL.",
	"model_not_found":      "The Azure OpenAI model deployment name that was specified in the model property of the input file wasn't found.",
	"duplicate_custom_id":  "The custom ID for this request is a duplicate of the custom ID in another request.",
	"empty_file":           "The input file is empty. Please ensure that the batch contains at least one request.",
	"model_mismatch":       "The Azure OpenAI model deployment name that was specified in the model property of this request in the input file doesn't match the rest of the file.",
	"invalid_request":      "The schema of the input line is invalid or the deployment SKU is invalid.",
	"token_limit_exceeded": "The number of enqueued tokens has surpassed the configured limit. Please either increase the limit or try again once the current jobs have finished.",
}
