package azureopenai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	goimage "image"
	"image/color"
	"image/png"
	"os"
	"regexp"
	"strings"
	"testing"
)

type answered struct {
	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Message      struct {
			Content   string
			ToolCalls []toolCall `json:"tool_calls"`
		}
		Filter map[string]struct{ Filtered bool } `json:"content_filter_results"`
	}
	Model string
	Usage usage
}

func complete(t *testing.T, url, body string) answered {
	t.Helper()
	resp, text := do(t, "POST", url+chatPath, body)
	var a answered
	if err := json.Unmarshal([]byte(text), &a); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d %s: %v", resp.StatusCode, text, err)
	}
	return a
}

func TestChatAnswers(t *testing.T) {
	_, url := start(t, nil)
	tests := []struct {
		name, prompt, members string
		finish                string
		want                  string // a pattern of the content
	}{
		{"exact words", "Reply with exactly: <OK> & \"é\" 日本", "", "stop", `^<OK> & "é" 日本$`},
		{"say", "Say hello", "", "stop", `^hello$`},
		{"echo", "What is a bridge?", "", "stop", `What is a bridge\?`},
		{"many words", "[[words: 300]]", "", "stop", `^(\S+ ){299}\S+$`},
		{"limit", "[[words: 300]]", `"max_tokens":5`, "length", `^the quick brown fox jumps$`},
		{"stop word", "Say one two three", `"stop":[" three","two"]`, "stop", `^one $`},
		{"code", "Write a Go function that reverses a list", "", "stop", "```go\n// Write a Go function that reverses a list\nfunc reversesList"},
		{"sql", "Turn this into SQL: all customers of Berlin", "", "stop", "```sql\n"},
		{"going somewhere is no code", "I want to go home", "", "stop", "^You asked"},
		{"summary", "Summarise: Bees make honey. The hive stores honey for winter because bees eat honey. It rained.", "", "stop", "^Summary: .*hive stores honey"},
		{"json", "Give JSON", `"response_format":{"type":"json_object"}`, "stop", `^\{"answer":".*"\}$`},
		{"json by a schema in the prompt", `Paris has 2 rivers. Answer in JSON by this schema, not {}: {"type":"object","properties":{"city":{"type":"string"},"rivers":{"type":"integer"}},"required":["city","rivers"]}`,
			`"response_format":{"type":"json_object"}`, "stop", `^\{"city":"Paris","rivers":2\}$`},
		{"the same without response_format", "Paris. Your response must be JSON:\n```{\n \"$defs\": {\"c\": {\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}, \"$ref\": \"#/$defs/c\"}```", "", "stop", `^\{"city":"Paris"\}$`},
		{"an object that is no schema", `Turn this JSON into YAML: {"a": 1}`, "", "stop", "a"},
		{"filtered half-way", "trigger-completion-hate [[words: 20]]", "", "content_filter", `^$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := ask(tt.prompt)
			if tt.members != "" {
				body = strings.TrimSuffix(body, "}") + "," + tt.members + "}"
			}
			a := complete(t, url, body)
			c := a.Choices[0]
			if c.FinishReason != tt.finish || !regexp.MustCompile(tt.want).MatchString(c.Message.Content) {
				t.Errorf("got %s %q, want %s %s", c.FinishReason, c.Message.Content, tt.finish, tt.want)
			}
			if c.Filter["hate"].Filtered != (tt.finish == "content_filter") {
				t.Errorf("filter results %v", c.Filter)
			}
			if a.Model != "gpt-4o-2024-11-20" || a.Usage.TotalTokens != a.Usage.PromptTokens+a.Usage.CompletionTokens || a.Usage.PromptTokens == 0 {
				t.Errorf("model %s, usage %+v", a.Model, a.Usage)
			}
			if again := complete(t, url, body); again.Choices[0].Message.Content != c.Message.Content {
				t.Error("asked again, it answers otherwise")
			}
		})
	}
}

func TestChoices(t *testing.T) {
	_, url := start(t, nil)
	a := complete(t, url, strings.Replace(ask("Say hi"), "{", `{"n":3,`, 1))
	if len(a.Choices) != 3 || a.Choices[0].Message.Content == a.Choices[2].Message.Content {
		t.Errorf("%+v", a.Choices)
	}
}

func TestReasoning(t *testing.T) {
	_, url := start(t, nil)
	a := complete(t, url, `{"model":"gpt-5.4-mini","reasoning_effort":"medium","max_completion_tokens":40,"messages":[{"role":"user","content":"Say hi"}]}`)
	if a.Choices[0].FinishReason != "length" || a.Choices[0].Message.Content != "" || a.Usage.CompletionDetails.ReasoningTokens != 40 {
		t.Errorf("a limit below the thinking: %+v", a)
	}
}

func TestImages(t *testing.T) {
	_, url := start(t, nil)
	img := goimage.NewRGBA(goimage.Rect(0, 0, 64, 48))
	for i := range 64 * 48 {
		img.Set(i%64, i/64, color.RGBA{210, 40, 40, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, encoded, want string }{
		{"png", base64.StdEncoding.EncodeToString(b.Bytes()), "PNG format of 64 by 48 pixels, mostly red"},
		{"webp", "UklGRiQAAABXRUJQVlA4TBcAAAAvP8ALAAdQlEoXpf8BICH8Xy9G9D/1AwA=", "WEBP format of 64 by 48 pixels, mostly red"},
		{"webp, animated", "UklGRogAAABXRUJQVlA4WAoAAAACAAAAPwAALwAAQU5JTQYAAAAAAAAAAABBTk1GKgAAAAAAAAAAAD8AAC8AAAAAAAJWUDhMEQAAAC8/wAsAB1CUShel" +
			"/4GI6H8AAEFOTUYqAAAAAAAAAAAAPwAALwAAAAAAAFZQOEwRAAAALz/ACwAHUJQqFL7/gYjofwAA", "WEBP format of 64 by 48 pixels"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := complete(t, url, `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/any;base64,`+
				tt.encoded+`"}}]}]}`)
			want := "I see an image in " + tt.want + `. You asked: "What is it?"`
			if got := a.Choices[0].Message.Content; got != want || a.Usage.PromptTokens < 255 || a.Usage.PromptTokens > 300 {
				t.Errorf("got %q for %d tokens, want %q for one tile", got, a.Usage.PromptTokens, want)
			}
		})
	}
}

// TestStreamAsCaptured compares a stream with one captured from Azure: only ids, figures and
// obfuscation may differ.
func TestStreamAsCaptured(t *testing.T) {
	_, url := start(t, nil)
	captured, err := os.ReadFile("testdata/stream.sse")
	if err != nil {
		t.Fatal(err)
	}
	_, body := do(t, "POST", url+chatPath, `{"model":"gpt-5.4-mini","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Say OK"}]}`)
	mask := func(s string) string {
		s = regexp.MustCompile(`chatcmpl-\w{29}`).ReplaceAllString(s, "ID")
		s = regexp.MustCompile(`"obfuscation":"\w+"`).ReplaceAllString(s, `"obfuscation":""`)
		return regexp.MustCompile(`_tokens":\d+`).ReplaceAllString(s, `_tokens":0`)
	}
	if got, want := mask(body), mask(string(captured)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStreamOptions(t *testing.T) {
	_, url := start(t, nil)
	tests := []struct {
		name, members string
		usage, padded bool
	}{
		{"plain", `"stream":true`, false, true},
		{"usage", `"stream":true,"stream_options":{"include_usage":true}`, true, true},
		{"bare", `"stream":true,"stream_options":{"include_obfuscation":false}`, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := do(t, "POST", url+chatPath, strings.Replace(ask("Say hi"), "{", "{"+tt.members+",", 1))
			if got := resp.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
				t.Errorf("Content-Type %q", got)
			}
			if strings.Contains(body, `"usage":{`) != tt.usage || strings.Contains(body, "obfuscation") != tt.padded || !strings.HasSuffix(body, "\n\ndata: [DONE]\n\n") {
				t.Error(body)
			}
		})
	}
}

func TestStreamFiltered(t *testing.T) {
	_, url := start(t, nil)
	_, body := do(t, "POST", url+chatPath, strings.Replace(ask("trigger-completion-violence [[words: 20]]"), "{", `{"stream":true,`, 1))
	all := events(t, body)
	last := all[len(all)-2]
	if !strings.Contains(last, `"violence":{"filtered":true,"severity":"high"}`) || !strings.Contains(last, `"finish_reason":"content_filter"`) {
		t.Error(last)
	}
	if len(all) != 1+1+10+1+1 {
		t.Errorf("%d events", len(all))
	}
}
