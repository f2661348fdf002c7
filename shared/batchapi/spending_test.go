package batchapi_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aoai-bridge/shared/config"
)

// putCaller replaces the callers' secret before it is read: alice's entry has these members besides.
func (w *world) putCaller(members string) {
	w.Secrets.Put("callers", fmt.Sprintf(`{"callers":[{"name":"alice/%%","sha256":"%x","models":["*"]%s}]}`, sha256.Sum256([]byte(alice)), members))
}

// jobOptions are the options with which the workflow of a batch was started.
func (w *world) jobOptions(id string) string {
	w.t.Helper()
	for _, e := range w.states.Executions() {
		if e.Name != id {
			continue
		}
		var in struct{ Options json.RawMessage }
		if err := json.Unmarshal([]byte(e.Input), &in); err != nil {
			w.t.Fatal(err)
		}
		return string(in.Options)
	}
	w.t.Fatalf("no execution of %s", id)
	return ""
}

// TestSpending is about what a batch may cost the stack's owner, by its metadata.
func TestSpending(t *testing.T) {
	const ceiling, tries, keep = "bridge-cost-ceiling", "bridge-tries", "bridge-keep-azure-files"
	tests := []struct {
		name    string
		stack   float64
		caller  string // members of the entry
		option  string
		value   string
		want    string // the job's options, or what the message of a 400 has
		refused bool
	}{
		{"none is named", 100, ``, "", "", `{}`, false},
		{"lower", 100, ``, ceiling, "20", `{"cost_ceiling":20}`, false},
		{"the same", 100, ``, ceiling, "100", `{"cost_ceiling":100}`, false},
		{"higher", 100, ``, ceiling, "100.01", "100 USD are the most", true},
		{"none", 100, ``, ceiling, "none", "100 USD are the most", true},
		{"0", 100, ``, ceiling, "0", "COST_CEILING=500", true},
		{"a key with more", 100, `,"cost_ceiling":500`, ceiling, "500", `{"cost_ceiling":500}`, false},
		{"and more than that", 100, `,"cost_ceiling":500`, ceiling, "501", "500 USD are the most", true},
		{"and no end", 100, `,"cost_ceiling":500`, ceiling, "none", "500 USD are the most", true},
		{"that names none", 100, `,"cost_ceiling":500`, "", "", `{}`, false},
		{"a key with less", 100, `,"cost_ceiling":5`, ceiling, "6", "5 USD are the most", true},
		{"that names none", 100, `,"cost_ceiling":5`, "", "", `{"cost_ceiling":5}`, false},
		{"a key without an end", 100, `,"cost_ceiling":0`, ceiling, "none", `{"cost_ceiling":0}`, false},
		{"and a number", 100, `,"cost_ceiling":0`, ceiling, "1000000", `{"cost_ceiling":1000000}`, false},
		{"a stack without an end", 0, ``, ceiling, "none", `{"cost_ceiling":0}`, false},
		{"and a key with one", 0, `,"cost_ceiling":5`, ceiling, "none", "5 USD are the most", true},
		{"and one that names none", 0, `,"cost_ceiling":5`, "", "", `{"cost_ceiling":5}`, false},
		{"fewer tries", 0, ``, tries, "1", `{"tries":1}`, false},
		{"as many", 0, ``, tries, "2", `{"tries":2}`, false},
		{"more", 0, ``, tries, "3", "2 are the most", true},
		{"files are kept", 0, ``, keep, "true", "BatchKeepAzureFiles", true},
		{"they are not", 0, ``, keep, "false", `{"keep_azure_files":false}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(env *config.Batch) { env.CostCeiling = tt.stack })
			w.putCaller(tt.caller)
			in := request(w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi")))
			if tt.option != "" {
				in["metadata"] = map[string]string{tt.option: tt.value}
			}
			a := w.call(alice, "POST", "/v1/batches", in)
			if tt.refused {
				if a.status != 400 || a.text("error", "param") != "metadata."+tt.option || a.text("error", "code") != "invalid_value" || !strings.Contains(a.text("error", "message"), tt.want) {
					t.Errorf("%d %v, want %q", a.status, a.body, tt.want)
				}
				if n := len(w.states.Executions()); n != 0 {
					t.Errorf("%d executions", n)
				}
				return
			}
			if a.status != 200 {
				t.Fatalf("%d %v", a.status, a.body)
			}
			if got := w.jobOptions(a.text("id")); got != tt.want {
				t.Errorf("the job's options are %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("a stack that keeps files", func(t *testing.T) {
		w := newWorld(t, func(env *config.Batch) { env.KeepAzureFiles = true })
		in := request(w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi")))
		in["metadata"] = map[string]string{keep: "true"}
		if a := w.call(alice, "POST", "/v1/batches", in); a.status != 200 {
			t.Errorf("%d %v", a.status, a.body)
		}
	})
}

// TestPermitsTravel has lines of a bound key name what is stored, and what it may be allowed.
func TestPermitsTravel(t *testing.T) {
	text := `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}]}}` + "\n"
	for allow, want := range map[string]string{``: "not_found", `,"allow":["state"]`: ""} {
		t.Run(allow, func(t *testing.T) {
			w := newWorld(t)
			w.Secrets.Put("callers", fmt.Sprintf(`{"callers":[{"name":"bob","sha256":"%x","models":["gpt-4o-mini"]%s}]}`, sha256.Sum256([]byte(bob)), allow))
			id := w.create(bob, w.upload(bob, "a.jsonl", text))
			w.waitForWorkflow(id)
			c := w.client(bob)
			b, err := c.Batches.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			code := ""
			if len(b.Errors.Data) > 0 {
				code = b.Errors.Data[0].Code
			}
			if code != want {
				t.Errorf("got %q, want %q: %s", code, want, b.RawJSON())
			}
		})
	}
}

// TestMembersInAnotherCase is about bodies that encoding/json would take.
func TestMembersInAnotherCase(t *testing.T) {
	w := newWorld(t)
	file := w.upload(alice, "a.jsonl", line("1", "gpt-4o-mini", "hi"))
	upload := w.call(alice, "POST", "/v1/uploads", uploadOf(2)).text("id")
	create := func(members string) string {
		return `{"input_file_id":"` + file + `","endpoint":"/v1/chat/completions","completion_window":"24h"` + members + `}`
	}
	tests := []struct{ name, path, body, param string }{
		{"metadata", "/v1/batches", create(`,"metadata":{},"Metadata":{"bridge-mode":"online"}`), "Metadata"},
		{"metadata alone", "/v1/batches", create(`,"METADATA":{}`), "METADATA"},
		{"a file", "/v1/batches", create(`,"Input_File_ID":"file-1"`), "Input_File_ID"},
		{"a long s", "/v1/batches", create(`,"output_expires_after":{"anchor":"created_at","\u017feconds":3600}`), "output_expires_after.ſeconds"},
		{"an upload", "/v1/uploads", `{"purpose":"batch","filename":"a","Bytes":1,"bytes":2}`, "Bytes"},
		{"its end", "/v1/uploads/" + upload + "/complete", `{"Part_IDs":["part_1"]}`, "Part_IDs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.call(alice, "POST", tt.path, tt.body)
			if a.status != 400 || a.text("error", "param") != tt.param || a.text("error", "code") != "unknown_parameter" {
				t.Errorf("%d %v", a.status, a.body)
			}
		})
	}
	if a := w.call(alice, "POST", "/v1/batches", create(`,"completion_window":"24h"`)); a.status != 400 || a.text("error", "code") != "duplicate_parameter" || a.text("error", "param") != "completion_window" {
		t.Errorf("a doubled member: %d %v", a.status, a.body)
	}
	if n := len(w.states.Executions()); n != 0 {
		t.Errorf("%d executions", n)
	}
	if a := w.call(alice, "POST", "/v1/batches", create(`,"metadata":{"Endpoint":"x"},"Other":1`)); a.status != 200 {
		t.Errorf("other names: %d %v", a.status, a.body)
	}
}
