package azureopenai

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const responsesPath = "/openai/v1/responses"

func respond(t *testing.T, url, members string) response {
	t.Helper()
	resp, body := do(t, "POST", url+responsesPath, `{"model":"gpt-4o",`+members+`}`)
	return readResponse(t, resp.StatusCode, body)
}

func readResponse(t *testing.T, status int, body string) (r response) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	return r
}

func TestResponseIsStored(t *testing.T) {
	_, url := start(t, nil)
	first := respond(t, url, `"input":"Say one","instructions":"Be brief"`)
	if first.Status != "completed" || first.Output[0].Content[0].Text != "one" || first.Usage.InputTokens == 0 || !first.Store {
		t.Errorf("%+v", first)
	}
	resp, body := do(t, "GET", url+"/openai/responses/"+first.ID+"?api-version=2025-04-01-preview", "")
	if again := readResponse(t, resp.StatusCode, body); again.Output[0].ID != first.Output[0].ID {
		t.Errorf("%+v", again)
	}
	next := respond(t, url, `"input":"Say two","previous_response_id":"`+first.ID+`"`)
	if alone := respond(t, url, `"input":"Say two","store":false`); next.Usage.InputTokens <= alone.Usage.InputTokens {
		t.Errorf("the conversation before costs nothing: %d and %d tokens", next.Usage.InputTokens, alone.Usage.InputTokens)
	} else if resp, _ := do(t, "GET", url+responsesPath+"/"+alone.ID, ""); resp.StatusCode != 404 {
		t.Errorf("store: false, and yet %d", resp.StatusCode)
	}
	if _, body := do(t, "DELETE", url+responsesPath+"/"+first.ID, ""); body != `{"id":"`+first.ID+`","object":"response","deleted":true}` {
		t.Error(body)
	}
	if resp, body := do(t, "POST", url+responsesPath, `{"model":"gpt-4o","input":"x","previous_response_id":"`+first.ID+`"}`); resp.StatusCode != 400 || !strings.Contains(body, "previous_response_not_found") {
		t.Errorf("after deletion: %d %s", resp.StatusCode, body)
	}
}

func TestBackground(t *testing.T) {
	_, url := start(t, nil)
	get := func(id string) response {
		resp, body := do(t, "GET", url+responsesPath+"/"+id, "")
		return readResponse(t, resp.StatusCode, body)
	}
	r := respond(t, url, `"input":"Say one","background":true`)
	if r.Status != "queued" || len(r.Output) != 0 {
		t.Errorf("%+v", r)
	}
	for _, want := range []string{"in_progress", "completed", "completed"} {
		if got := get(r.ID); got.Status != want || (len(got.Output) > 0) != (want == "completed") {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
	r = respond(t, url, `"input":"Say one","background":true`)
	do(t, "POST", url+responsesPath+"/"+r.ID+"/cancel", "")
	if got := get(r.ID); got.Status != "cancelled" {
		t.Errorf("%+v", got)
	}
	r = respond(t, url, `"input":"Say one"`)
	if resp, body := do(t, "POST", url+responsesPath+"/"+r.ID+"/cancel", ""); resp.StatusCode != 400 || !strings.Contains(body, "Cannot cancel a synchronous response") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestInputItems(t *testing.T) {
	_, url := start(t, nil)
	r := respond(t, url, `"input":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]`)
	contents := func(query string) (got string, more bool) {
		_, body := do(t, "GET", url+responsesPath+"/"+r.ID+"/input_items?"+query, "")
		var page struct {
			Data []struct {
				ID, Type, Content string
			}
			Last string `json:"last_id"`
			More bool   `json:"has_more"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Data {
			if item.ID == "" || item.Type != "message" {
				t.Errorf("%+v", item)
			}
			got += item.Content
		}
		return got + " " + page.Last, page.More
	}
	if got, _ := contents("order=asc"); !strings.HasPrefix(got, "abc ") {
		t.Error(got)
	}
	got, more := contents("limit=2")
	if !strings.HasPrefix(got, "cb ") || !more {
		t.Error(got, more)
	}
	if got, more = contents("after=" + strings.TrimPrefix(got, "cb ")); !strings.HasPrefix(got, "a ") || more {
		t.Error(got, more)
	}
}

func TestResponseRefusals(t *testing.T) {
	_, url := start(t, nil)
	for body, want := range map[string]string{
		`{"model":"gpt-4o"}`:                                                                            `"param":"input","code":"missing_required_parameter"`,
		`{"model":"gpt-4o","input":[]}`:                                                                 `"code":"empty_array"`,
		`{"model":"gpt-4o","input":[{}]}`:                                                               `"param":"input[0].role"`,
		`{"model":"gpt-4o","input":5}`:                                                                  `"code":"invalid_type"`,
		`{"model":"gpt-4o","input":[5]}`:                                                                `"code":"invalid_type"`,
		`{"model":"gpt-4o","input":"x","tools":5}`:                                                      `"code":"invalid_type"`,
		`{"model":"gpt-4o","input":"x","text":5}`:                                                       `"code":"invalid_type"`,
		`{"model":"gpt-4o","input":"x","stream":1}`:                                                     `"param":"stream"`,
		`{"model":"gpt-4o","input":"trigger-sexual"}`:                                                   `"sexual":{"filtered":true`,
		`{"model":"gpt-4o-mini-batch","input":"x"}`:                                                     `OperationNotSupported`,
		`{"model":"text-embedding-3-small","input":1}`:                                                  `OperationNotSupported`,
		`{"model":"gpt-4o","input":[{"type":"reasoning","summary":[]}]}`:                                `"code":"empty_array"`,
		`{"model":"gpt-4o","input":"x","max_output_tokens":5}`:                                          `Expected a value >= 16`,
		`{"model":"gpt-4o","input":[{"type":"function_call_output","call_id":"a","output":"x"}]}`:       `No tool call found`,
		`{"model":"gpt-4o","input":"x","background":true,"store":false}`:                                `Background mode`,
		`{"model":"gpt-4o","input":"x","tool_choice":{"type":"function","name":"f"}}`:                   `"param":"tool_choice"`,
		`{"model":"gpt-4o","input":"x","text":{"format":{"type":"json_schema","schema":{}}}}`:           `name`,
		`{"model":"gpt-5.4-mini","input":"x","temperature":0.2}`:                                        `"param":"temperature"`,
		`{"model":"gpt-4o","input":"x","tools":[{"type":"function","name":"","parameters":{}}]}`:        `tools[0].name`,
		`{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_image","image_url":1}]}]}`: `invalid_image_format`,
	} {
		if resp, got := do(t, "POST", url+responsesPath, body); resp.StatusCode != 400 || !strings.Contains(got, want) {
			t.Errorf("%s: got %d %s, want %s", body, resp.StatusCode, got, want)
		}
	}
}

func TestResponseEvents(t *testing.T) {
	_, url := start(t, nil)
	tests := []struct {
		name, members string
		want          string
	}{
		{"text", `"model":"gpt-4o","input":"Say a b"`, "response.created response.in_progress response.output_item.added response.content_part.added " +
			"response.output_text.delta response.output_text.delta response.output_text.done response.content_part.done response.output_item.done response.completed"},
		{"tool", `"model":"gpt-4o","input":"x","tool_choice":"required","tools":[{"type":"function","name":"f","parameters":null}]`,
			"response.created response.in_progress response.output_item.added response.function_call_arguments.delta response.function_call_arguments.delta " +
				"response.function_call_arguments.done response.output_item.done response.completed"},
		{"reasoning alone", `"model":"gpt-5.4-mini","reasoning":{"effort":"medium"},"input":"x","max_output_tokens":16`, "response.created response.in_progress response.output_item.added response.output_item.done response.incomplete"},
		{"broken", `"model":"gpt-4o","input":"[[fault: error-event;after=2]]"`, "response.created response.in_progress error"},
		{"unfinished", `"model":"gpt-5.4-mini","reasoning":{"effort":"medium"},"max_output_tokens":16,"input":"[[fault: no-done]]"`, "response.created response.in_progress response.output_item.added response.output_item.done"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, body := do(t, "POST", url+responsesPath, `{"stream":true,`+tt.members+`}`)
			var kinds []string
			last := -1
			for _, e := range strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n") {
				name, data, _ := strings.Cut(strings.TrimPrefix(e, "event: "), "\ndata: ")
				var event struct {
					Type     string
					Sequence int `json:"sequence_number"`
				}
				if err := json.Unmarshal([]byte(data), &event); err != nil || event.Type != name || event.Sequence <= last {
					t.Errorf("%s: %v", e, err)
				}
				last = event.Sequence
				kinds = append(kinds, name)
			}
			if got := fmt.Sprint(strings.Join(kinds, " ")); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
