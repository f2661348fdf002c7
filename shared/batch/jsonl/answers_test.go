package jsonl

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func read(t *testing.T, files ...string) *Answers {
	t.Helper()
	a, err := NewAnswers(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	for _, file := range files {
		if err := a.Read(strings.NewReader(file)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestAnswers(t *testing.T) {
	const ok = `{"status_code":200,"body":{"usage":{"prompt_tokens":3,"completion_tokens":2}}}`
	tests := []struct {
		name, files string // files apart by |
		success     bool
		again       string
	}{
		{"a success", `{"custom_id":"7","response":` + ok + `,"error":null}`, true, ""},
		{"a refusal", `{"custom_id":"7","response":{"status_code":400,"body":{}}}`, false, ""},
		{"too many", `{"custom_id":"7","response":{"status_code":429,"body":{}}}`, false, "http_429"},
		{"a timeout", `{"custom_id":"7","response":{"status_code":408,"body":{}}}`, false, "http_408"},
		{"a failure", `{"custom_id":"7","response":{"status_code":503,"body":{}}}`, false, "http_503"},
		{"no status", `{"custom_id":"7","response":{}}`, false, "http_0"},
		{"an error", `{"custom_id":"7","response":null,"error":{"code":"batch_expired"}}`, false, "batch_expired"},
		{"the content filter", `{"custom_id":"7","error":{"code":"content_filter"}}`, false, ""},
		{"nothing", `{"custom_id":"7"}`, false, "no_answer"},
		{"a failure, then a success", `{"custom_id":"7","response":{"status_code":503}}|{"custom_id":"7","response":` + ok + `}`, true, ""},
		{"a success, then a failure", `{"custom_id":"7","response":` + ok + `}|{"custom_id":"7","response":{"status_code":503}}`, true, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := read(t, strings.Split(test.files, "|")...)
			got, found := a.Find(7)
			if !found || got.Success != test.success || got.Again != test.again || test.success && got.Usage.Input != 3 {
				t.Fatalf("%t, %+v", found, got)
			}
			line, err := a.AppendResult(nil, "job_1", 7, json.RawMessage(`"x"`), got)
			if err != nil {
				t.Fatal(err)
			}
			number, rest, err := CutNumber(bytes.TrimSuffix(line, []byte{'\n'}))
			if err != nil || number != 7 {
				t.Fatalf("%s: %d, %v", line, number, err)
			}
			result, success, err := CutResult(rest)
			if err != nil || success != test.success || !json.Valid(result) || !bytes.HasPrefix(result, []byte(`{"id":"batch_req_1_7","custom_id":"x","response":`)) {
				t.Errorf("%s: %t, %v", result, success, err)
			}
		})
	}
}

// FuzzAnswers reads files of any bytes: what is not an answer is counted, and what is comes back as JSON.
func FuzzAnswers(f *testing.F) {
	for _, file := range []string{
		`{"custom_id":"1","response":{"status_code":200,"body":{"usage":{}}},"error":null}` + "\n" + `{"custom_id":"1"}`, "{\n", `{"custom_id":"1","response":{"status_code":1e999}}`,
		`{"custom_id":"1","response":7,"error":[]}`, `{"custom_id":"1","error":{"code":"\u0000"}}`, `[]`, "\xff", `{"custom_id":"1","response":{"status_code":200,"body":` + "\t[ ]}}",
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		a := read(t, string(file))
		lines := 0
		for s := NewAnswerScanner(bytes.NewReader(file)); s.Next(); {
			lines++
		}
		if a.Len()+a.Torn > lines {
			t.Fatalf("%q: %d answers and %d torn lines of %d", file, a.Len(), a.Torn, lines)
		}
		for number, answer := range a.byNumber {
			line, err := a.AppendResult(nil, "job_1", number, nil, answer)
			if err != nil {
				t.Fatal(err)
			}
			if n, rest, err := CutNumber(bytes.TrimSuffix(line, []byte{'\n'})); err != nil || n != number || !json.Valid(rest[1:]) {
				t.Fatalf("%q: the result is %q, %v", file, line, err)
			}
		}
	})
}

func TestTierOfAnAnswer(t *testing.T) {
	for named, want := range map[string]string{`"flex"`: "flex", `"priority"`: "priority", `"default"`: "", `"auto"`: "", `null`: "", `5`: ""} {
		a := read(t, `{"custom_id":"7","response":{"status_code":200,"body":{"service_tier":`+named+`,"usage":{}}}}`)
		if got, _ := a.Find(7); !got.Success || got.Tier != want {
			t.Errorf("%s: %+v, want the tier %q", named, got, want)
		}
	}
}
