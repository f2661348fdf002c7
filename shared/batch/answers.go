package batch

import (
	"encoding/json"
	"io"
	"os"
	"strconv"

	"aoai-bridge/shared/rawjson"
)

// answers are the lines that came back for a try, in any order. They lie in a temporary file, and
// memory has only where.
type answers struct {
	file *os.File
	size int64
	at   map[int]answer // by line number
	torn int            // lines that are no JSON, as the last of a broken file

	members []rawjson.Wanted // of a line; see the constants
}

// The members of a line that are looked at, by their places in lineMembers.
const (
	customIDAt = iota
	responseAt
	errorAt

	statusAt = 0 // in the response
	bodyAt   = 1
	codeAt   = 0 // in the error
	usageAt  = 0 // in the body
)

func lineMembers() []rawjson.Wanted {
	usage := []rawjson.Wanted{
		{Key: "prompt_tokens"}, {Key: "input_tokens"}, {Key: "completion_tokens"}, {Key: "output_tokens"},
		{Key: "prompt_tokens_details", In: []rawjson.Wanted{{Key: "cached_tokens"}}},
		{Key: "input_tokens_details", In: []rawjson.Wanted{{Key: "cached_tokens"}}},
		{Key: "completion_tokens_details", In: []rawjson.Wanted{{Key: "reasoning_tokens"}}},
		{Key: "output_tokens_details", In: []rawjson.Wanted{{Key: "reasoning_tokens"}}},
	}
	return []rawjson.Wanted{
		{Key: "custom_id"},
		{Key: "response", In: []rawjson.Wanted{{Key: "status_code"}, {Key: "body", In: []rawjson.Wanted{{Key: "usage", In: usage}}}}},
		{Key: "error", In: []rawjson.Wanted{{Key: "code"}}},
	}
}

// answer is one line's: `"response":...,"error":...}` in the file.
type answer struct {
	offset  int64
	size    int32
	success bool
	again   string // why the line deserves another try; "" where the answer is final
	usage   Usage
}

func newAnswers(temp string) (*answers, error) {
	file, err := os.CreateTemp(temp, "answers-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // open files outlive their names
	return &answers{file: file, at: map[int]answer{}, members: lineMembers()}, nil
}

func (a *answers) close() { _ = a.file.Close() }

// read takes the lines of one of Azure's files, or of one of our own of the same form.
func (a *answers) read(r io.Reader) error {
	out := &appender{file: a.file, offset: a.size}
	lines := newAnswerScanner(r)
	for lines.next() {
		if lines.long || !a.add(out, lines.text) {
			a.torn++
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	a.size = out.offset
	return lines.err
}

// add takes a line. It is false where the line is none.
func (a *answers) add(out *appender, text []byte) bool {
	m := a.members
	if rawjson.Find(text, m) != nil {
		return false
	}
	id, _ := str(m[customIDAt].Value)
	number, err := strconv.Atoi(id)
	if err != nil {
		return false
	}
	if a.at[number].success {
		return true // answered before, and once is enough
	}
	response, failure := m[responseAt].Value, m[errorAt].Value
	if response == nil {
		response = json.RawMessage("null")
	}
	if failure == nil {
		failure = json.RawMessage("null")
	}
	judged := judge(m)
	judged.offset, judged.size = out.offset, int32(len(`"response":,"error":}`)+len(response)+len(failure))
	out.write(`"response":`, response, `,"error":`, failure, "}")
	a.at[number] = judged
	return true
}

// judge tells what an answer means for its line.
func judge(m []rawjson.Wanted) answer {
	response := m[responseAt]
	if absent(response.Value) {
		switch code, _ := str(m[errorAt].In[codeAt].Value); code {
		case "":
			return answer{again: "no_answer"}
		case "content_filter", "batch_cancelled":
			return answer{}
		default:
			return answer{again: code}
		}
	}
	status := int(number(response.In[statusAt].Value))
	switch {
	case status >= 200 && status < 300:
		return answer{success: true, usage: usageOf(response.In[bodyAt].In[usageAt].In)}
	case status == 408 || status == 429 || status >= 500 || status == 0:
		return answer{again: "http_" + strconv.Itoa(status)}
	}
	return answer{}
}

// usageOf reads the tokens of an answer; chat and embeddings name them one way, responses another.
func usageOf(m []rawjson.Wanted) Usage {
	count := func(i int) int64 { return number(m[i].Value) }
	detail := func(i int) int64 { return number(m[i].In[0].Value) }
	return Usage{
		Input: count(0) + count(1), Cached: detail(4) + detail(5),
		Output: count(2) + count(3), Reasoning: detail(6) + detail(7),
	}
}

// append adds a line's answer to b.
func (a *answers) append(b []byte, at answer) ([]byte, error) {
	start := len(b)
	b = append(b, make([]byte, at.size)...)
	_, err := a.file.ReadAt(b[start:], at.offset)
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
