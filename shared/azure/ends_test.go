package azure_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/telemetry"
)

const (
	text   = `data: {"choices":[{"delta":{"content":"x"},"finish_reason":null,"index":0}],"usage":null}` + "\n\n"
	stop   = `data: {"choices":[{"delta":{},"finish_reason":"stop","index":0}],"usage":null}` + "\n\n"
	tokens = `data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3}}` + "\n\n"
	done   = "data: [DONE]\n\n"
)

// event is one of the responses API's.
func event(kind, members string) string {
	return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\"" + members + "}\n\n"
}

const lastMembers = `,"sequence_number":9,"response":{"id":"resp_1","output":[],"usage":{"input_tokens":5,"output_tokens":3}}`

// TestCompleteStreams is about what may come after the last event, and what may stand in for it.
func TestCompleteStreams(t *testing.T) {
	completed := event("response.completed", lastMembers)
	unnamed := "data: " + completed[strings.Index(completed, "{"):]
	tests := []struct {
		name, path, in string
		cause          error // what ends the body; nil is a proper end
		want           string
		broken         bool
	}{
		{"[DONE], then a reset", "chat/completions", text + stop + done, errors.New("reset"), text + stop + done, false},
		{"[DONE], then a cut", "chat/completions", text + stop + done, io.ErrUnexpectedEOF, text + stop + done, false},
		{"[DONE], and half an event before the cut", "chat/completions", text + stop + done + `data: {"cho`, io.ErrUnexpectedEOF, text + stop + done, false},
		{"[DONE] without a blank line, then a cut", "chat/completions", text + stop + "data: [DONE]", io.ErrUnexpectedEOF, text + stop + done, false},
		{"[DONE], then more, which passes", "chat/completions", text + stop + done + ": bye\n\n", nil, text + stop + done + ": bye\n\n", false},
		{"half of [DONE], then a cut", "chat/completions", text + stop + "data: [DO", io.ErrUnexpectedEOF, text + stop, true},
		{"no [DONE] after finish_reason", "chat/completions", text + stop, nil, text + stop, false},
		{"nor after content_filter and usage", "chat/completions", strings.Replace(text+stop, "stop", "content_filter", 1) + tokens, nil, strings.Replace(text+stop, "stop", "content_filter", 1) + tokens, false},
		{"spaces", "chat/completions", strings.ReplaceAll(text+stop, `":`, `" : `), nil, strings.ReplaceAll(text+stop, `":`, `" : `), false},
		{"finish_reason without a blank line", "chat/completions", text + strings.TrimSpace(stop), nil, text + strings.TrimSpace(stop), false},
		{"two choices", "chat/completions", text + strings.Replace(text+stop, `"index":0`, `"index":1`, 2) + stop, nil, text + strings.Replace(text+stop, `"index":0`, `"index":1`, 2) + stop, false},
		{"a tool call's index is no choice's", "chat/completions", `data: {"choices":[{"delta":{"tool_calls":[{"index":1}]},"finish_reason":null,"index":0}]}` + "\n\n" + stop, nil,
			`data: {"choices":[{"delta":{"tool_calls":[{"index":1}]},"finish_reason":null,"index":0}]}` + "\n\n" + stop, false},
		{"two choices in a chunk, of which the second ends", "chat/completions",
			`data: {"choices":[{"delta":{},"finish_reason":null,"index":0},{"delta":{},"finish_reason":"stop","index":1}],"usage":null}` + "\n\n" + stop, nil,
			`data: {"choices":[{"delta":{},"finish_reason":null,"index":0},{"delta":{},"finish_reason":"stop","index":1}],"usage":null}` + "\n\n" + stop, false},
		{"two choices in a chunk, of which the second does not end", "chat/completions",
			`data: {"choices":[{"delta":{},"finish_reason":null,"index":0},{"delta":{},"finish_reason":null,"index":1}],"usage":null}` + "\n\n" + stop, nil,
			`data: {"choices":[{"delta":{},"finish_reason":null,"index":0},{"delta":{},"finish_reason":null,"index":1}],"usage":null}` + "\n\n" + stop, true},
		{"the second choice has not ended", "chat/completions", text + strings.Replace(text, `"index":0`, `"index":1`, 1) + stop, nil, text + strings.Replace(text, `"index":0`, `"index":1`, 1) + stop, true},
		{"finish_reason, then a cut", "chat/completions", text + stop, io.ErrUnexpectedEOF, text + stop, true},
		{"no finish_reason", "chat/completions", text + text, nil, text + text, true},
		{"an empty finish_reason", "chat/completions", strings.Replace(text+stop, `"stop"`, `""`, 1), nil, strings.Replace(text+stop, `"stop"`, `""`, 1), true},
		{"a model that quotes a finish_reason", "chat/completions", strings.Replace(text, `"x"`, `"\"finish_reason\":\"stop\""`, 1), nil, strings.Replace(text, `"x"`, `"\"finish_reason\":\"stop\""`, 1), true},
		{"only usage", "chat/completions", tokens, nil, tokens, true},
		{"nothing", "chat/completions", "", nil, "", true},

		{"response.completed, then a reset", "responses", completed, errors.New("reset"), completed, false},
		{"response.incomplete, then a cut", "responses", event("response.incomplete", lastMembers), io.ErrUnexpectedEOF, event("response.incomplete", lastMembers), false},
		{"without a blank line, then a cut", "responses", strings.TrimSpace(completed), io.ErrUnexpectedEOF, completed, false},
		{"half of it, then a cut", "responses", completed[:len(completed)-9], io.ErrUnexpectedEOF, "", true},
		{"half of it, then a proper end", "responses", completed[:len(completed)-9], nil, "", true},
		{"no event line", "responses", unnamed, nil, unnamed, false},
		{"no event line, type not first", "responses/resp_1", `data: {"response":{"usage":{"input_tokens":5,"output_tokens":3}}, "type" : "response.incomplete"}` + "\n\n", nil,
			`data: {"response":{"usage":{"input_tokens":5,"output_tokens":3}}, "type" : "response.incomplete"}` + "\n\n", false},
		{"another event line", "responses", "event: message\n" + unnamed, nil, "event: message\n" + unnamed, false},
		{"the event line after the data", "responses", strings.TrimSpace(unnamed) + "\nevent: response.completed\n\n", nil, strings.TrimSpace(unnamed) + "\nevent: response.completed\n\n", false},
		{"no event line and no end", "responses", `data: {"type":"response.created"}` + "\n\n", nil, `data: {"type":"response.created"}` + "\n\n", true},
		{"a text that names the end", "responses", `data: {"type":"response.output_text.delta","delta":"response.completed"}` + "\n\n", nil, `data: {"type":"response.output_text.delta","delta":"response.completed"}` + "\n\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, reader := range map[string]func() io.Reader{
				"at once":     func() io.Reader { return strings.NewReader(tt.in) },
				"by the byte": func() io.Reader { return iotest.OneByteReader(strings.NewReader(tt.in)) },
			} {
				r := reader()
				if tt.cause != nil {
					r = io.MultiReader(r, iotest.ErrReader(tt.cause))
				}
				w, record, err := relay(t, tt.path, r, true)
				got, signal, signalled := strings.Cut(w.Body.String(), "event: error\n")
				if !signalled {
					got, signal, signalled = strings.Cut(got, `data: {"error"`)
				}
				if got != tt.want || (err == azure.ErrBroken) != tt.broken || signalled != tt.broken || (record.Err != nil) != tt.broken {
					t.Errorf("%s: %v, in the log %v\ngot  %q %q\nwant %q", name, err, record.Err, got, signal, tt.want)
				}
				if want := (telemetry.Usage{Known: true, Input: 5, Output: 3}); !tt.broken && strings.Contains(tt.in, `"usage":{`) && record.Usage != want {
					t.Errorf("%s: metered %+v", name, record.Usage)
				}
			}
		})
	}
}

// TestCompleteOnTheWire is about connections that end badly after the last event, or do not end at all.
func TestCompleteOnTheWire(t *testing.T) {
	t.Parallel()   // with others, since the hang is waited for
	e, s := one(t) // which waits a minute for the next event
	answer := azureopenai.Answer{Body: text + stop + done, Headers: map[string]string{"Content-Type": eventStream}}
	for _, fault := range []string{"cut;after=3", "reset;after=3", "hang;after=3"} {
		e.QueueAnswer(answer)
		addFault(t, e, fault, 1)
		r := s.do(t.Context(), chatStream("hi"), true)
		if r.err != nil || r.Body.String() != answer.Body || r.record.Err != nil || r.record.Code != "" {
			t.Errorf("%s: got %v, in the log %v %q\n%s", fault, r.err, r.record.Err, r.record.Code, r.Body)
		}
	}
}

// TestLastEventOfAnySize has every part of a response grow beyond what is held back of an event.
func TestLastEventOfAnySize(t *testing.T) {
	const before = `,"sequence_number":9,"response":{"id":"resp_1","error":null,"output":`
	const after = `,"tools":[{"type":"image_generation"}],"usage":{"input_tokens":5,"input_tokens_details":{"cached_tokens":4},"output_tokens":3},"metadata":{}}`
	image := `[{"type":"image_generation_call","result":"` + strings.Repeat("iVBORw0K", 5<<17) + `"}]`
	items := `[` + strings.Repeat(`{"type":"message","content":[{"type":"output_text","text":"\"usage\":{\\","annotations":[]}]},`, 60<<10) + `{}]`
	last := event("response.completed", before+image+after)
	tests := []struct{ name, path, in string }{
		{"an image", "responses", last},
		{"an image, no event line", "responses", last[strings.Index(last, "data:"):]},
		{"an image, CRLF", "responses", strings.ReplaceAll(last, "\n", "\r\n")},
		{"an image, incomplete", "responses/resp_1", strings.ReplaceAll(last, "completed", "incomplete")},
		{"type at the end", "responses", "data: {" + strings.TrimPrefix(before, ",") + image + after + `,"type":"response.completed"}` + "\n\n"},
		{"many items", "responses", event("response.completed", before+items+after)},
		{"long instructions", "responses", event("response.completed", strings.Replace(before, `"output"`, `"instructions":"`+strings.Repeat(`\n`, 3<<20)+`","output"`, 1)+"[]"+after)},
		{"a chat's last choice", "chat/completions", `data: {"choices":[{"delta":{"content":"` + strings.Repeat("x", 5<<20) + `"},"finish_reason":"stop","index":0}],"usage":{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens":3}}` + "\n\n"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if len(tt.in) < 5<<20 {
				t.Fatalf("only %d bytes", len(tt.in))
			}
			cut := strings.TrimRight(tt.in, "\r\n")
			for name, reader := range map[string]io.Reader{
				"by 10,000":                 &tenThousand{strings.NewReader(tt.in)},
				"cut in the last blank":     io.MultiReader(strings.NewReader(tt.in[:len(tt.in)-1]), strings.NewReader(tt.in[len(tt.in)-1:])),
				"without the last blank":    strings.NewReader(cut),
				"and then more":             io.MultiReader(strings.NewReader(tt.in), strings.NewReader(": bye\n\n")),
				"and then a reset":          io.MultiReader(strings.NewReader(tt.in), iotest.ErrReader(errors.New("reset"))),
				"no blank and then a reset": io.MultiReader(strings.NewReader(cut), iotest.ErrReader(errors.New("reset"))),
			} {
				if i > 0 && name != "by 10,000" {
					continue // there is less that could go wrong
				}
				w, record, err := relay(t, tt.path, reader, true)
				if got := w.Body.String(); err != nil || !strings.HasPrefix(got, cut) || len(got) > len(tt.in)+len(": bye\n\n") {
					t.Errorf("%s: %v, %d bytes of %d, ends in %q", name, err, len(got), len(tt.in), got[len(got)-200:])
				}
				if want := (telemetry.Usage{Known: true, Input: 5, CachedInput: 4, Output: 3}); record.Usage != want || record.Err != nil {
					t.Errorf("%s: metered %+v, in the log %v", name, record.Usage, record.Err)
				}
			}
			w, _, err := relay(t, tt.path, io.MultiReader(strings.NewReader(cut[:len(cut)-9]), iotest.ErrReader(errors.New("reset"))), true)
			if got := w.Body.String(); err != azure.ErrBroken || !strings.Contains(got[len(cut)-9:], "upstream_connection_lost") {
				t.Errorf("cut: %v", err)
			}
		})
	}
}

// tenThousand reads up to 10,000 bytes at a time.
type tenThousand struct{ io.Reader }

func (t *tenThousand) Read(p []byte) (int, error) { return t.Reader.Read(p[:min(len(p), 10_000)]) }

// TestLineBreaksWithoutEnd has the upstream send what looks like the beginning of a blank line, over and over.
func TestLineBreaksWithoutEnd(t *testing.T) {
	for _, in := range []string{
		text + stop + done + strings.Repeat("\r", 9<<20),
		text + strings.Repeat("\r", 9<<20) + "\n\n" + stop + done,
		": " + strings.Repeat("\n\r", 4<<20) + "\r\n\n" + text + stop + done,
	} {
		for name, reader := range map[string]io.Reader{"at once": strings.NewReader(in), "by 10,000": &tenThousand{strings.NewReader(in)}} {
			if w, _, err := relay(t, "chat/completions", reader, true); err != nil || w.Body.String() != in {
				t.Errorf("%s: got %v, %d bytes of %d", name, err, w.Body.Len(), len(in))
			}
		}
	}
}

// TestMemoryOfALargeEvent relays one that is larger than what may be held.
func TestMemoryOfALargeEvent(t *testing.T) {
	const size = 16 << 20
	in := io.MultiReader(strings.NewReader("event: response.completed\ndata: {\"response\":{\"output\":[\""),
		io.LimitReader(xs{}, size), strings.NewReader("\"],\"usage\":{\"input_tokens\":5,\"output_tokens\":3}}}\n\n"))
	answer := azure.AnswerFrom(t.Context(), "responses", eventStream, in)
	defer answer.Close()
	w := &discarding{header: http.Header{}}
	if err := answer.Relay(w, true); err != nil || w.bytes < size || w.longest > 8<<20 {
		t.Errorf("got %v, %d bytes, up to %d at once", err, w.bytes, w.longest)
	}
}

type xs struct{}

func (xs) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

type discarding struct {
	header         http.Header
	bytes, longest int
}

func (d *discarding) Header() http.Header { return d.header }
func (d *discarding) WriteHeader(int)     {}
func (d *discarding) Write(p []byte) (int, error) {
	d.bytes, d.longest = d.bytes+len(p), max(d.longest, len(p))
	return len(p), nil
}
