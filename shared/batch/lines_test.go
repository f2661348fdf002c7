package batch_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	body := func(custom string) string {
		return `{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":` + custom + `}`
	}
	say := `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say yes"}]`
	tests := []struct {
		name, line, want string
		custom           any
	}{
		{"chat", body(say + `}`), "yes", "x"},
		{"responses, without v1", `{"custom_id":"x","method":"POST","url":"/responses","body":{"model":"gpt-4o-mini","input":"Say yes"}}`, "status 200", "x"},
		{"carriage return", body(say+`}`) + "\r", "yes", "x"},
		{"white space around", " \t" + body(say+`}`) + " ", "yes", "x"},
		{"no custom_id", `{"method":"POST","url":"/v1/chat/completions","body":` + say + `}}`, "yes", nil},
		{"custom_id null", `{"custom_id":null,"method":"POST","url":"/v1/chat/completions","body":` + say + `}}`, "yes", nil},
		{"custom_id a number", `{"custom_id":7,"method":"POST","url":"/v1/chat/completions","body":` + say + `}}`, "yes", 7.0},
		{"unknown members", `{"custom_id":"x","method":"POST","url":"/v1/chat/completions","priority":1,"body":` + say + `}}`, "yes", "x"},
		{"a long line", body(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say yes"}],"metadata":"` + strings.Repeat("x", 6<<20) + `"}`), "yes", "x"},
		{"too long a line", body(`{"model":"gpt-4o-mini","x":"` + strings.Repeat("x", 65<<20) + `"}`), "error line_too_long", "x"},
		{"not UTF-8", body(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Say ` + "\xff" + `"}]}`), "error invalid_utf8", nil},
		{"not JSON", "custom_id,method,url", "error invalid_json_line", nil},
		{"torn JSON", body(say), "error invalid_json_line", nil},
		{"an array", `[1,2]`, "error invalid_json_line", nil},
		{"wrong method", `{"custom_id":"x","method":"GET","url":"/v1/chat/completions","body":` + say + `}}`, "error invalid_method", "x"},
		{"no method", `{"custom_id":"x","url":"/v1/chat/completions","body":` + say + `}}`, "error invalid_method", "x"},
		{"wrong url", `{"custom_id":"x","method":"POST","url":"/v1/completions","body":` + say + `}}`, "error invalid_url", "x"},
		{"a deployment in the url", `{"custom_id":"x","method":"post","url":"/openai/deployments/gpt-4o-mini-batch/chat/completions?api-version=2024-10-21","body":` + say + `}}`, "yes", "x"},
		{"a model that only the url names", `{"custom_id":"x","method":"POST","url":"https://one.openai.azure.com/openai/deployments/gpt-4o-mini/chat/completions","body":{"messages":[{"role":"user","content":"Say yes"}]}}`, "yes", "x"},
		{"online, too", `{"custom_id":"x","mode":"online","method":"POST","url":"chat/completions/","body":` + say + `}}`, "yes", "x"},
		{"a deployment of another model", `{"custom_id":"x","method":"POST","url":"/openai/deployments/gpt-4o/chat/completions","body":` + say + `}}`, "error model_mismatch", "x"},
		{"a deployment that is not there", `{"custom_id":"x","method":"POST","url":"/openai/deployments/gpt-9/chat/completions","body":` + say + `}}`, "error model_mismatch", "x"},
		{"one that only the url names", `{"custom_id":"x","method":"POST","url":"/openai/deployments/gpt-9/chat/completions","body":{"messages":[]}}`, "error model_not_found", "x"},
		{"no url", `{"custom_id":"x","method":"POST","body":` + say + `}}`, "error invalid_url", "x"},
		{"no body", `{"custom_id":"x","method":"POST","url":"/v1/chat/completions"}`, "error missing_required_parameter", "x"},
		{"body a string", body(`"hello"`), "error missing_required_parameter", "x"},
		{"no model", body(`{"messages":[]}`), "error missing_required_parameter", "x"},
		{"two models", body(`{"model":"gpt-4o","model":"gpt-4o-mini"}`), "error duplicate_parameter", "x"},
		{"two bodies", `{"custom_id":"x","method":"POST","url":"/v1/chat/completions","body":{},"body":` + say + `}}`, "error duplicate_parameter", "x"},
		{"a stream", body(say + `,"stream":true}`), "error streaming_unsupported", "x"},
		{"no stream", body(say + `,"stream":false}`), "yes", "x"},
		{"a background response", `{"custom_id":"x","method":"POST","url":"/v1/responses","body":{"model":"gpt-4o-mini","input":"Say yes","background":true}}`, "error background_unsupported", "x"},
		{"one that is none", `{"custom_id":"x","method":"POST","url":"/v1/responses","body":{"model":"gpt-4o-mini","input":"Say yes","background":false}}`, "status 200", "x"},
		{"a member of the line in another case", `{"custom_id":"x","method":"POST","url":"/v1/chat/completions","Body":{},"body":` + say + `}}`, "error unknown_parameter", "x"},
		{"the id in another case", `{"Custom_ID":"x","method":"POST","url":"/v1/chat/completions","body":` + say + `}}`, "error unknown_parameter", nil},
		{"a mode in another case", `{"custom_id":"x","mode":"batch","MODE":"online","method":"POST","url":"/v1/chat/completions","body":` + say + `}}`, "error unknown_parameter", "x"},
		{"a model in another case", body(say + `,"Model":"gpt-4o"}`), "error unknown_parameter", "x"},
		{"that model alone", body(`{"MODEL":"gpt-4o-mini","messages":[{"role":"user","content":"Say yes"}]}`), "error unknown_parameter", "x"},
		{"a stream in another case", body(say + `,"\u017ftream":true}`), "error unknown_parameter", "x"},
		{"a limit in another case", body(say + `,"Max_Tokens":9}`), "error unknown_parameter", "x"},
		{"other names in any case", body(say + `,"metadata":{"Model":"x"}}`), "yes", "x"},
		{"unknown model", body(`{"model":"gpt-9"}`), "error model_not_found", "x"},
		{"unknown mode", `{"custom_id":"x","mode":"soon","method":"POST","url":"/v1/chat/completions","body":` + say + `}}`, "error invalid_mode", "x"},
		{"batch of embeddings", `{"custom_id":"x","mode":"batch","method":"POST","url":"/v1/embeddings","body":{"model":"text-embedding-3-small","input":"a"}}`, "error invalid_mode", "x"},
		{"batch of a model without", `{"custom_id":"x","mode":"batch","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1"}}`, "error model_not_found", "x"},
		{"what Azure refuses", body(`{"model":"gpt-4o-mini","messages":[]}`), "status 400", "x"},
		{"what the filter refuses", body(`{"model":"gpt-4o-mini","messages":[{"role":"user","content":"trigger-hate"}]}`), "status 400", "x"},
	}
	w := newWorld(t)
	var file strings.Builder
	file.WriteString("\ufeff")
	for i, tt := range tests {
		file.WriteString(tt.line)
		if i < len(tests)-1 { // no newline at the end
			file.WriteString("\n \n\n") // and blank lines in between
		}
	}
	w.Put("inbox/lines.jsonl", file.String())
	sum := w.run(w.event("inbox/lines.jsonl"))
	results := w.results("results/lines.jsonl")
	if len(results) != len(tests) || sum.Lines.Total != len(tests) {
		t.Fatalf("%d lines came back as %d, and are counted as %+v", len(tests), len(results), sum.Lines)
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := results[i]
			if got.says() != tt.want || got.CustomID != tt.custom {
				t.Errorf("got %q and custom_id %v, want %q and %v", got.says(), got.CustomID, tt.want, tt.custom)
			}
			if got.Error == nil {
				return
			}
			number := 3*i + 1
			if got.Error.Line != number || !strings.HasPrefix(got.Error.Message, fmt.Sprintf("Line %d: ", number)) {
				t.Errorf("the error of line %d is %+v", number, got.Error)
			}
		})
	}
}

// What we do not act on reaches Azure as it stood in the file.
func TestBodyIsUntouched(t *testing.T) {
	w := newWorld(t)
	const head, tail = `{"seed": 9007199254740993,"model" : `, `, "x_new":{"b":1.0,"a":[1e400]}, "n":1}`
	w.Put("inbox/a.jsonl", `{"custom_id":"é\u00e9","method":"POST","url":"/v1/chat/completions","body":`+head+`"gpt-4o-mini"`+tail+`}`)
	a := w.plan(w.event("inbox/a.jsonl"), "execution-1")
	requests, _ := w.Get("jobs/" + a.Job + "/parts/00001/try-00/requests.jsonl")
	if want := `"body":` + head + `"gpt-4o-mini-batch"` + tail + "}\n"; !strings.HasSuffix(requests, want) {
		t.Errorf("got %s, want an end of %s", requests, want)
	}
	w.walk(a.Job, 1)
	patiently[json.RawMessage](w, "report", object{"task": "report", "state": object{"plan": a}})
	results, _ := w.Get("results/a.jsonl")
	if !strings.Contains(results, `"custom_id":"é\u00e9",`) {
		t.Errorf("the custom_id is not as it was: %s", results)
	}
}
