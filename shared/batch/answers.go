package batch

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"

	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/usage"
)

// answers are the lines that came back for a try, in any order. They lie in a temporary file, and
// memory has only where.
type answers struct {
	file *os.File
	size int64
	at   map[int]answer // by line number
	torn int            // lines that are no JSON, as the last of a broken file

	tree rawjson.Tree // of the line at hand
}

// answer is one line's: `"response":...,"error":...}` in the file.
type answer struct {
	offset  int64
	size    int32
	success bool
	again   string // why the line deserves another try; "" where the answer is final
	usage   usage.Usage
}

func newAnswers(temp string) (*answers, error) {
	file, err := os.CreateTemp(temp, "answers-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // open files outlive their names
	return &answers{file: file, at: map[int]answer{}}, nil
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
	line, err := a.tree.Read(text)
	if err != nil {
		return false
	}
	number, err := strconv.Atoi(line.Get("custom_id").Text())
	if err != nil {
		return false
	}
	if a.at[number].success {
		return true // answered before, and once is enough
	}
	response, failure := line.Get("response"), line.Get("error")
	judged := judge(response, failure)
	judged.offset = out.offset
	out.write(`"response":`, orNull(response), `,"error":`, orNull(failure), "}")
	judged.size = int32(out.offset - judged.offset)
	a.at[number] = judged
	return true
}

func orNull(n rawjson.Node) json.RawMessage {
	if n.Absent() {
		return json.RawMessage("null")
	}
	return n.Raw()
}

// judge tells what an answer means for its line.
func judge(response, failure rawjson.Node) answer {
	if response.Absent() {
		switch code := failure.Get("code").Text(); code {
		case "":
			return answer{again: "no_answer"}
		case "content_filter", "batch_cancelled":
			return answer{}
		default:
			return answer{again: strings.Clone(code)}
		}
	}
	status := int(number(response.Get("status_code")))
	switch {
	case status >= 200 && status < 300:
		used, _ := usage.Of(response.Get("body").Get("usage"))
		return answer{success: true, usage: used}
	case status == 408 || status == 429 || status >= 500 || status == 0:
		return answer{again: "http_" + strconv.Itoa(status)}
	}
	return answer{}
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
