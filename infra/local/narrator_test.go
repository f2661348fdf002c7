package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/stepfunctions"
)

// In a pipe every line of the functions passes as it is.
func TestPipe(t *testing.T) {
	var calls, steps bytes.Buffer
	n := newNarrator(&calls, &steps, false)
	line := `{"time":"2026-11-28T07:06:05Z","level":"INFO","msg":"call","status":200}` + "\n"
	if _, err := n.Write([]byte(line)); err != nil || calls.String() != line {
		t.Errorf("got %q, %v", calls.String(), err)
	}
	n.printEvent(stepfunctions.Event{ExecutionARN: "arn:1", Machine: "batch", Type: "TaskFailed", Details: map[string]any{"error": "RateLimited"}})
	var event map[string]any
	if err := json.Unmarshal(steps.Bytes(), &event); err != nil || event["error"] != "RateLimited" || event["msg"] != "TaskFailed" {
		t.Errorf("got %s, %v", steps.Bytes(), err)
	}
}

func TestLinesOnATerminal(t *testing.T) {
	const at = `{"time":"2026-11-28T07:06:05Z","level":"INFO",`
	for _, test := range []struct{ name, line, want string }{
		{"a call", at + `"msg":"call","operation":"chat.completions","model":"gpt-5.4-mini","status":200,"duration_ms":1.21,"input_tokens":8,"output_tokens":31}`,
			"chat.completions gpt-5.4-mini 200 1.2 ms 8+31 tokens"},
		{"a stream", at + `"msg":"call","operation":"responses","model":"m","status":200,"duration_ms":900,"first_byte_ms":250,"stream":true}`,
			"responses m 200 900.0 ms (first byte 250.0 ms)"},
		{"a wrong key", at + `"msg":"call","function":"chat","status":401,"duration_ms":0.1,"error_code":"invalid_api_key"}`, "chat 401 0.1 ms invalid_api_key"},
		{"a broken stream", at + `"msg":"call","operation":"responses","status":200,"duration_ms":5,"error":"the stream ended early"}`,
			"responses 200 5.0 ms (the stream ended early)"},
		{"a task that the workflow's line tells", at + `"msg":"call","operation":"batch.poll","status":200}`, ""},
		{"a task that failed", at + `"msg":"call","operation":"batch.poll","status":429,"duration_ms":2,"error_code":"rate_limit_exceeded"}`,
			"batch.poll 429 2.0 ms rate_limit_exceeded"},
		{"a retirement far away", at + `"msg":"will be retired","deployment":"d","DaysToRetirement":400}`, ""},
		{"a notice", `{"time":"2026-11-28T07:06:05Z","level":"WARN","msg":"secret not read","secret":"azure","error":"denied"}`,
			"warn: secret not read error=denied secret=azure"},
		{"what is no log line", "panic: no", "panic: no"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var calls bytes.Buffer
			n := newNarrator(&calls, nil, true)
			for _, half := range []string{test.line[:3], test.line[3:] + "\n"} { // a line may come in pieces
				if _, err := n.Write([]byte(half)); err != nil {
					t.Fatal(err)
				}
			}
			got := strings.TrimSuffix(calls.String(), "\n")
			if clock := time.Date(2026, 11, 28, 7, 6, 5, 0, time.UTC).Local().Format("15:04:05 "); strings.HasPrefix(test.line, "{") {
				got = strings.TrimPrefix(got, clock)
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A warning that each process of each function gives is given once.
func TestRetirementIsToldOnce(t *testing.T) {
	var calls bytes.Buffer
	n := newNarrator(&calls, nil, true)
	for range 3 {
		_, _ = n.Write([]byte(`{"level":"WARN","msg":"has been retired","deployment":"d","DaysToRetirement":-9}` + "\n"))
	}
	if lines := strings.Count(calls.String(), "\n"); lines != 1 {
		t.Errorf("%d lines, want 1:\n%s", lines, &calls)
	}
}

// A file's workflow goes by the file's name, a part's by the part, and what is said twice in a row is said once.
func TestStepsOnATerminal(t *testing.T) {
	var steps bytes.Buffer
	n := newNarrator(nil, &steps, true)
	at := time.Date(2026, 11, 28, 7, 6, 5, 0, time.Local)
	event := func(execution, kind, state, input string) {
		n.printEvent(stepfunctions.Event{
			ExecutionARN: "arn:aws:states:us-east-1:000000000000:execution:batch:" + execution, Machine: "batch", Time: at, Type: kind,
			Details: map[string]any{"name": state, "input": input},
		})
	}
	event("a", "ExecutionStarted", "", `{"object":{"key":"inbox/reviews.jsonl"}}`)
	event("a", "TaskStateEntered", "Plan", `{"object":{"key":"inbox/reviews.jsonl"}}`)
	event("a", "ChoiceStateEntered", "Planned", `{}`)
	event("a", "MapStateEntered", "Parts", `{"object":{"key":"inbox/reviews.jsonl"},"plan":{"job":"job_1"}}`)
	event("b", "TaskStateEntered", "Submit", `{"job":"job_1","part":3}`)
	event("b", "WaitStateEntered", "Wait", `{"job":"job_1","part":3}`)
	event("b", "TaskStateEntered", "Poll", `{"job":"job_1","part":3}`)
	event("c", "TaskStateEntered", "Summarise", `{"review":"good"}`)
	event("a", "ExecutionSucceeded", "", "")
	want := `07:06:05 reviews.jsonl reads the file
07:06:05 reviews.jsonl answers it, in parts
07:06:05 reviews.jsonl, part 3 sends the lines
07:06:05 reviews.jsonl, part 3 waits for Azure
07:06:05 batch c Summarise
07:06:05 reviews.jsonl done
`
	if steps.String() != want {
		t.Errorf("got\n%swant\n%s", &steps, want)
	}
}
