package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"aoai-bridge/infra/local/stepfunctions"
)

// A narrator prints what the stack does. On a terminal a call, and a step of a workflow, is one short line in words;
// elsewhere both are JSON, a line each, for programs to read.
type narrator struct {
	calls  io.Writer // what the functions print
	steps  io.Writer // what the workflows do
	person bool      // somebody reads along

	mu    sync.Mutex
	rest  []byte            // of a line that has not ended
	files map[string]string // by job and by execution: the file that it is about
	last  map[string]string // by execution: what was said of it last
	told  map[string]bool   // warnings that are the same all day
}

func newNarrator(calls, steps io.Writer, person bool) *narrator {
	return &narrator{
		calls: calls, steps: steps, person: person,
		files: map[string]string{}, last: map[string]string{}, told: map[string]bool{},
	}
}

// Write takes what the functions print. Lines that are not theirs, such as a panic's, pass as they are.
func (n *narrator) Write(p []byte) (int, error) {
	if !n.person {
		return n.calls.Write(p)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rest = append(n.rest, p...)
	for {
		line, rest, ended := bytes.Cut(n.rest, []byte{'\n'})
		if !ended {
			return len(p), nil
		}
		if text := n.shorten(line); text != "" {
			if _, err := fmt.Fprintln(n.calls, text); err != nil {
				return 0, err
			}
		}
		n.rest = rest
	}
}

// logLine is a line of a function's log.
type logLine struct {
	Time       time.Time `json:"time"`
	Level      string    `json:"level"`
	Message    string    `json:"msg"`
	Function   string    `json:"function"`
	Operation  string    `json:"operation"`
	Model      string    `json:"model"`
	Deployment string    `json:"deployment"`
	Status     int       `json:"status"`
	Duration   float64   `json:"duration_ms"`
	FirstByte  float64   `json:"first_byte_ms"`
	Stream     bool      `json:"stream"`
	Input      *int64    `json:"input_tokens"`
	Output     *int64    `json:"output_tokens"`
	Code       string    `json:"error_code"`
	Error      string    `json:"error"`
	Retirement *int      `json:"DaysToRetirement"`
}

// tasks are the operations of the batch workflow, whose steps have lines of their own.
var tasks = []string{"batch.plan", "batch.submit", "batch.poll", "batch.collect", "batch.give-up", "batch.report"}

// shorten is a log line in words, "" if it tells a person nothing.
func (n *narrator) shorten(raw []byte) string {
	var l logLine
	if json.Unmarshal(raw, &l) != nil || l.Message == "" {
		return string(raw)
	}
	if l.Message != "call" {
		return n.shortenNotice(&l, raw)
	}
	if slices.Contains(tasks, l.Operation) && l.Status < 400 && l.Error == "" {
		return ""
	}
	what := l.Operation
	if what == "" {
		what = l.Function
	}
	words := []string{clock(l.Time), what}
	if l.Model != "" {
		words = append(words, l.Model)
	}
	words = append(words, fmt.Sprint(l.Status), fmt.Sprintf("%.1f ms", l.Duration))
	if l.Stream && l.FirstByte > 0 {
		words = append(words, fmt.Sprintf("(first byte %.1f ms)", l.FirstByte))
	}
	if l.Input != nil && l.Output != nil {
		words = append(words, fmt.Sprintf("%d+%d tokens", *l.Input, *l.Output))
	}
	if l.Code != "" {
		words = append(words, l.Code)
	}
	if l.Error != "" {
		words = append(words, "("+l.Error+")")
	}
	return strings.Join(words, " ")
}

// shortenNotice is a line that is not a call's.
func (n *narrator) shortenNotice(l *logLine, raw []byte) string {
	if l.Retirement != nil { // each process of each function says so
		if l.Level == "INFO" || n.told[l.Deployment] {
			return ""
		}
		n.told[l.Deployment] = true
		return fmt.Sprintf("%s %s: %s", clock(l.Time), l.Deployment, l.Message)
	}
	var members map[string]any
	if json.Unmarshal(raw, &members) != nil {
		return string(raw)
	}
	text := clock(l.Time) + " " + strings.ToLower(l.Level) + ": " + l.Message
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if !slices.Contains([]string{"time", "level", "msg", "stack", "release"}, name) {
			text += fmt.Sprintf(" %s=%v", name, members[name])
		}
	}
	if stack, ok := members["stack"].(string); ok {
		text += "\n" + stack
	}
	return text
}

// clock is the time of day that a person's own clock shows.
func clock(t time.Time) string { return t.Local().Format("15:04:05") }

// stateWords says what a state of the batch workflow does. States of other workflows go by their names.
var stateWords = map[string]string{
	"Plan":            "reads the file",
	"Parts":           "answers it, in parts",
	"Submit":          "sends the lines",
	"WaitToSubmit":    "waits to send the rest",
	"Wait":            "waits for Azure",
	"Poll":            "waits for Azure",
	"Collect":         "fetches the answers",
	"WaitToCollect":   "waits for Azure's output",
	"GiveUp":          "gives the part up",
	"Report":          "writes the results",
	"NothingToDo":     "has nothing to do: another job has the file",
	"AnnounceFailure": "cannot write its report",
}

// printEvent prints a line for what a workflow begins to do, and for what ends or fails.
func (n *narrator) printEvent(e stepfunctions.Event) {
	if !n.person {
		n.printJSON(e)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	execution := e.ExecutionARN[strings.LastIndexByte(e.ExecutionARN, ':')+1:]
	text := ""
	switch {
	case e.Type == "TaskStateEntered", e.Type == "MapStateEntered", e.Type == "WaitStateEntered", e.Type == "ParallelStateEntered":
		text = stateWords[e.State()]
		if text == "" && e.State() != "Announce" {
			text = e.State()
		}
	case e.Type == "ExecutionSucceeded":
		text = "done"
	case strings.HasPrefix(e.Type, "Execution") && e.Type != "ExecutionStarted":
		text = strings.ToLower(strings.TrimPrefix(e.Type, "Execution"))
	case strings.HasSuffix(e.Type, "Failed"), strings.HasSuffix(e.Type, "TimedOut"):
		text = "failed" // the state may try again
	}
	failure, _ := e.Details["error"].(string)
	if failure != "" && text != "" {
		text += ": " + failure
	}
	if text == "" || n.last[execution] == text {
		return
	}
	n.last[execution] = text
	fmt.Fprintf(n.steps, "%s %s %s\n", clock(e.Time), n.subject(e, execution), text)
	if strings.HasPrefix(e.Type, "Execution") {
		delete(n.last, execution)
		delete(n.files, execution)
	}
}

// subject is what an execution is about: a file, a part of it, or else the workflow itself.
func (n *narrator) subject(e stepfunctions.Event, execution string) string {
	var input struct {
		Key    string `json:"key"`
		Object struct {
			Key string `json:"key"`
		} `json:"object"` // of a dropped file's event
		Job  string `json:"job"`
		Part *int   `json:"part"`
		Plan struct {
			Job string `json:"job"`
		} `json:"plan"`
	}
	if raw, ok := e.Details["input"].(string); ok {
		_ = json.Unmarshal([]byte(raw), &input) // an input of another form names no file
	}
	key := cmp.Or(input.Object.Key, input.Key)
	name := n.files[execution]
	switch {
	case name != "":
	case key != "":
		name = path.Base(key)
	case input.Job != "" && input.Part != nil && n.files[input.Job] != "":
		name = fmt.Sprintf("%s, part %d", n.files[input.Job], *input.Part)
	default:
		name = fmt.Sprintf("%s %.8s", e.Machine, execution)
	}
	n.files[execution] = name
	if input.Plan.Job != "" && key != "" {
		n.files[input.Plan.Job] = path.Base(key)
	}
	return name
}

// printJSON prints a state that is entered, and what ends or fails.
func (n *narrator) printJSON(e stepfunctions.Event) {
	if !strings.HasSuffix(e.Type, "StateEntered") && !strings.HasPrefix(e.Type, "Execution") &&
		!strings.HasSuffix(e.Type, "Failed") && !strings.HasSuffix(e.Type, "TimedOut") {
		return
	}
	failure, _ := e.Details["error"].(string)
	line, _ := json.Marshal(struct { // strings and a time always marshal
		Time      time.Time `json:"time"`
		Message   string    `json:"msg"`
		Machine   string    `json:"state_machine"`
		Execution string    `json:"execution"`
		State     string    `json:"state,omitempty"`
		Error     string    `json:"error,omitempty"`
	}{e.Time, e.Type, e.Machine, e.ExecutionARN, e.State(), failure})
	fmt.Fprintf(n.steps, "%s\n", line)
}
