package workflows_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// loadAzure has the emulator repeat what Azure had done for the job. Batches that were under way are held up.
func (r *replay) loadAzure() {
	for _, file := range r.f.Files {
		r.ids[file.ID] = decode[azureFile](r.t, r.azure(upload("/files", file.Name, file.content))).ID
	}
	for _, b := range r.f.Batches {
		r.loadBatch(b)
	}
	for _, file := range r.f.Files {
		if file.Deleted {
			r.delete(file.ID)
		}
	}
}

func (r *replay) loadBatch(b *azureBatch) {
	pace, heldUp := paces[b.Status]
	r.stack.Emulator.SetPace(pace)
	create := post("/batches", map[string]any{
		"input_file_id": r.ids[b.Input], "endpoint": "/v1" + b.Endpoint, "completion_window": "24h", "metadata": b.Metadata,
	})
	if fault := b.fault(); fault != "" {
		create.header = map[string]string{"X-Emulator-Fault": fault}
	}
	id := decode[azureBatch](r.t, r.azure(create)).ID
	r.wait(id, b.Status)
	if heldUp {
		<-r.gate.reached
	}
	r.stack.Emulator.SetPace(paces[""])
	now := decode[azureBatch](r.t, r.azure(get("/batches/"+id)))
	r.ids[b.ID], r.ids[b.Output], r.ids[b.Error] = id, now.Output, now.Error
	delete(r.ids, "") // of a batch that has no output yet
}

// wait waits until a batch has a status.
func (r *replay) wait(batch, status string) {
	ctx, cancel := context.WithTimeout(r.t.Context(), longestReplay)
	defer cancel()
	if err := r.stack.Emulator.WaitBatch(ctx, batch, status); err != nil {
		r.t.Fatal(err)
	}
}

// fault is what makes the emulator end a batch as it ended.
func (b *azureBatch) fault() string {
	switch {
	case b.Status == "expired":
		return fmt.Sprintf("expire;after=%d", b.Counts.Completed)
	case b.Errors != nil && len(b.Errors.Data) > 0 && b.Errors.Data[0].Code == "token_limit_exceeded":
		return "token-limit"
	}
	return ""
}

// delete removes an input file, and what has come of it: a job deletes them together.
func (r *replay) delete(input string) {
	files := []string{input}
	for _, b := range r.f.Batches {
		if b.Input == input {
			files = append(files, b.Output, b.Error)
		}
	}
	for _, id := range files {
		if id != "" {
			r.azure(request{method: http.MethodDelete, url: "/files/" + r.ids[id]})
		}
	}
}

// loadS3 puts the job's objects there, with Azure's ids of today, and with times that are as long ago as they were.
func (r *replay) loadS3() {
	late := time.Since(r.f.Recorded)
	for key, o := range r.f.Objects {
		content := r.today(o.content)
		if strings.HasSuffix(key, ".json") {
			content = timestamp.ReplaceAllFunc(content, func(text []byte) []byte {
				at, err := time.Parse(time.RFC3339Nano, string(text))
				if err != nil {
					r.t.Fatal(err)
				}
				return at.Add(late).AppendFormat(nil, time.RFC3339Nano)
			})
		}
		if err := r.stack.S3.Restore(bucket, key, o.Version, o.Metadata, content); err != nil {
			r.t.Fatal(err)
		}
	}
}

var timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)

// today is a text with Azure's ids of today.
func (r *replay) today(text []byte) []byte {
	var pairs []string
	for recorded, id := range r.ids {
		pairs = append(pairs, recorded, id)
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(text)))
}

// machine is as much of a definition as is changed to go on in the middle of it.
type machine struct {
	StartAt string                    `json:"StartAt"`
	States  map[string]map[string]any `json:"States"`
}

// resumeState leads to the state in which something stands.
const resumeState = "Resume"

// resume has a machine begin where the execution and its parts were. ok is false if it has no such state.
func (f *fixture) resume(t *testing.T, definition []byte) (resumed []byte, ok bool) {
	outer := decode[map[string]any](t, definition)
	m := decode[machine](t, definition)
	m.States[resumeState] = f.Stands.resume()
	if !m.has(f.Stands) {
		return nil, false
	}
	if len(f.Parts) > 0 {
		parts := m.States[f.Stands.State]
		inner := parts["ItemProcessor"].(map[string]any)
		raw, _ := json.Marshal(inner) // as it was read
		p := decode[machine](t, raw)
		var choices []any
		for part, s := range f.Parts {
			if !p.has(s) {
				return nil, false
			}
			name := fmt.Sprint(resumeState, part)
			p.States[name] = s.resume()
			choices = append(choices, map[string]any{"Variable": "$.part", "NumericEquals": part, "Next": name})
		}
		p.States[resumeState] = map[string]any{"Type": "Choice", "Choices": choices, "Default": p.StartAt}
		inner["StartAt"], inner["States"] = resumeState, p.States
	}
	outer["StartAt"], outer["States"] = resumeState, m.States
	resumed, _ = json.Marshal(outer) // as it was read
	return resumed, true
}

func (m *machine) has(s stand) bool { return s.State == "" || m.States[s.State] != nil }

// resume is a state that leads where s is; or an end, for what was over.
func (s stand) resume() map[string]any {
	if s.State == "" {
		return map[string]any{"Type": "Succeed"}
	}
	return map[string]any{"Type": "Pass", "Result": s.Input, "Next": s.State}
}
