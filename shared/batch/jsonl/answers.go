package jsonl

import (
	"encoding/json"
	"io"
	"iter"
	"maps"
	"os"
	"strconv"
	"strings"

	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/usage"
)

// Answers are those that came back for the lines of a try, in any order. They are in a temporary file, and memory has
// only where.
type Answers struct {
	file     *os.File
	size     int64
	byNumber map[int]Answer    // by the line's number
	Torn     int               // lines that are not answers, such as the last of a broken file
	models   map[string]string // the names that answers have, each once

	tree rawjson.Tree // of the line at hand
}

// Answer is one line's: `"response":...,"error":...}` in the file.
type Answer struct {
	offset  int64
	size    int32
	Success bool
	Again   string // why the line deserves another try; "" where the answer is final
	Ended   bool   // the line was not executed because its batch was cancelled
	Usage   usage.Usage
	Tier    string // the service tier that answered; "" is the standard one
	Model   string // that the answer names
}

// NewAnswers keeps answers in a directory; "" is the system's.
func NewAnswers(temp string) (*Answers, error) {
	file, err := os.CreateTemp(temp, "answers-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // open files outlive their names
	return &Answers{file: file, byNumber: map[int]Answer{}, models: map[string]string{}}, nil
}

// Close removes the answers.
func (a *Answers) Close() { _ = a.file.Close() }

// Len is how many lines have an answer.
func (a *Answers) Len() int { return len(a.byNumber) }

// Find returns the answer to a line.
func (a *Answers) Find(number int) (answer Answer, found bool) {
	answer, found = a.byNumber[number]
	return answer, found
}

// All are the answers, in any order.
func (a *Answers) All() iter.Seq[Answer] { return maps.Values(a.byNumber) }

// AnswerOf judges a Response.
func AnswerOf(response []byte) Answer {
	tree, err := rawjson.ParseTree(response)
	if err != nil {
		return Answer{}
	}
	judged := judge(tree, rawjson.Node{})
	judged.Model = tree.Get("body").Get("model").Text()
	return judged
}

// Read takes the lines of one of Azure's files, or of one of our own of the same form.
func (a *Answers) Read(r io.Reader) error {
	out := &appender{file: a.file, offset: a.size}
	lines := NewAnswerScanner(r)
	for lines.Next() {
		if lines.Long || !a.add(out, lines.Text) {
			a.Torn++
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	a.size = out.offset
	return lines.Err
}

// add takes a line. It reports whether the line is an answer.
func (a *Answers) add(out *appender, text []byte) bool {
	line, err := a.tree.Read(text)
	if err != nil {
		return false
	}
	number, err := parseNumber([]byte(line.Get("custom_id").Text()))
	if err != nil {
		return false
	}
	if a.byNumber[number].Success {
		return true // answered before, and once is enough
	}
	response, failure := line.Get("response"), line.Get("error")
	judged := judge(response, failure)
	if judged.Success {
		judged.Model = a.modelOf(response)
	}
	judged.offset = out.offset
	out.write(`"response":`, orNull(response), `,"error":`, orNull(failure), "}")
	judged.size = int32(out.offset - judged.offset)
	a.byNumber[number] = judged
	return true
}

// modelOf returns the model that a response names. Nearly all of a file name the same.
func (a *Answers) modelOf(response rawjson.Node) string {
	name := response.Get("body").Get("model").Text()
	if len(name) > maxModelName {
		return ""
	}
	known, ok := a.models[name]
	if !ok {
		known = strings.Clone(name)
		if len(a.models) < maxModels {
			a.models[known] = known
		}
	}
	return known
}

// Names that are longer are no model's, and further ones are not shared.
const (
	maxModelName = 200
	maxModels    = 1000
)

func orNull(n rawjson.Node) json.RawMessage {
	if n.Absent() {
		return json.RawMessage("null")
	}
	return n.Raw()
}

// judge returns what an answer means for its line.
func judge(response, failure rawjson.Node) Answer {
	if response.Absent() {
		switch code := failure.Get("code").Text(); code {
		case "":
			return Answer{Again: "no_answer"}
		case "content_filter":
			return Answer{}
		case "batch_cancelled":
			return Answer{Ended: true}
		default:
			return Answer{Again: strings.Clone(code)}
		}
	}
	status := int(number(response.Get("status_code")))
	switch {
	case status >= 200 && status < 300:
		used, _ := usage.Of(response.Get("body").Get("usage"))
		return Answer{Success: true, Usage: used, Tier: tierOf(response.Get("body").Get("service_tier").Text())}
	case status == 408 || status == 429 || status >= 500 || status == 0:
		return Answer{Again: "http_" + strconv.Itoa(status)}
	}
	return Answer{}
}

// tierOf is a service tier that outlives its answer. Nearly all are the standard one.
func tierOf(named string) string {
	if named == "auto" || named == "default" {
		return ""
	}
	return strings.Clone(named)
}

// AppendResult adds the result of a line that has an answer.
func (a *Answers) AppendResult(b []byte, job string, number int, customID json.RawMessage, answer Answer) ([]byte, error) {
	outcome := byte(failed)
	if answer.Success {
		outcome = succeeded
	}
	b = appendHead(b, job, number, outcome, customID)
	start := len(b)
	b = append(b, make([]byte, answer.size)...)
	_, err := a.file.ReadAt(b[start:], answer.offset)
	return append(b, '\n'), err
}

// appender writes to the end of a file in large pieces.
type appender struct {
	file   *os.File
	offset int64 // with what has not been written yet
	buffer []byte
	err    error
}

func (w *appender) write(pieces ...any) {
	before := len(w.buffer)
	for _, p := range pieces {
		switch p := p.(type) {
		case string:
			w.buffer = append(w.buffer, p...)
		case json.RawMessage:
			w.buffer = append(w.buffer, p...)
		}
	}
	w.offset += int64(len(w.buffer) - before)
	if len(w.buffer) > 256<<10 {
		_ = w.flush() // kept in w.err
	}
}

func (w *appender) flush() error {
	if w.err == nil {
		_, w.err = w.file.WriteAt(w.buffer, w.offset-int64(len(w.buffer)))
	}
	w.buffer = w.buffer[:0]
	return w.err
}
