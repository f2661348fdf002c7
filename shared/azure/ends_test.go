package azure_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/config"
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
	e, s := one(t, func(o *azure.Options) { o.Env.IdleTimeout = brief })
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

// TestStreamByItsLook is about streams that do not say what they are, behind a proxy.
func TestStreamByItsLook(t *testing.T) {
	const json = `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":3}}`
	tests := []struct {
		name, contentType, body string
		stream                  bool // asked for
		want                    string
	}{
		{"no type", "", text + stop + done, true, eventStream},
		{"another type", "text/plain; charset=utf-8", text + stop + done, true, eventStream},
		{"JSON's type", "application/json", text + stop + done, true, eventStream},
		{"a comment first", "", ": hello\n\n" + text + stop + done, true, eventStream},
		{"an event line first", "application/octet-stream", "event: x\n" + text + stop + done, true, eventStream},
		{"blank lines first", "", "\r\n\n" + text + stop + done, true, eventStream},
		{"another case", "Text/Event-Stream", text + stop + done, true, "Text/Event-Stream"},
		{"JSON, no type", "", json, true, ""},
		{"not asked for", "text/plain", text + stop + done, false, "application/json"}, // the type of the error
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			e.QueueAnswer(azureopenai.Answer{Body: tt.body, Headers: map[string]string{"Content-Type": tt.contentType}})
			call := chatStream("hi")
			call.Stream = tt.stream
			w := &counting{ResponseRecorder: httptest.NewRecorder()}
			ctx, record := telemetry.Start(t.Context(), "request")
			answer, err := s.Do(ctx, call)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Close()
			err = answer.Relay(w, true)
			if !tt.stream {
				if err == nil {
					t.Errorf("got %s", w.Body)
				}
				return
			}
			got, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
			if want, _, _ := strings.Cut(tt.want, ";"); err != nil || w.Body.String() != tt.body || got != want || record.Err != nil {
				t.Errorf("got %v %q %q, in the log %v", err, got, w.Body, record.Err)
			}
			if streamed := w.flushes > 0; streamed != (tt.want != "") {
				t.Errorf("%d flushes", w.flushes)
			}
		})
	}
}

// TestStreamByItsLookComesAtOnce has the rest of the stream wait for its beginning to reach the caller.
func TestStreamByItsLookComesAtOnce(t *testing.T) {
	w := &counting{ResponseRecorder: httptest.NewRecorder()}
	in := io.MultiReader(strings.NewReader(text), looking{func() {
		if w.Body.String() != text || w.held != 0 {
			t.Errorf("got %q, %d bytes are held back", w.Body, w.held)
		}
	}}, strings.NewReader(stop+done))
	answer := azure.StreamFrom(t.Context(), "chat/completions", "", in)
	defer answer.Close()
	if err := answer.Relay(w, true); err != nil || w.Body.String() != text+stop+done {
		t.Errorf("got %v %q", err, w.Body)
	}
}

// TestFailureWithinAnAnswer is about failures that Azure reports with status 200.
func TestFailureWithinAnAnswer(t *testing.T) {
	const failed = `,"sequence_number":9,"response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"m"},"usage":{"input_tokens":5,"output_tokens":3}}`
	huge := strings.Replace(failed, `{"status"`, `{"output":["`+strings.Repeat("x", 6<<20)+`"],"status"`, 1)
	tests := []struct {
		name, path, in string
		code           string // in the log; "" is no failure
		broken         bool
	}{
		{"response.failed", "responses", event("response.failed", failed), "rate_limit_exceeded", false},
		{"response.failed, no event line", "responses", strings.SplitAfterN(event("response.failed", failed), "\n", 2)[1], "rate_limit_exceeded", false},
		{"response.failed of 6 MB", "responses", event("response.failed", huge), "rate_limit_exceeded", false},
		{"response.failed without an error", "responses", event("response.failed", `,"response":{"error":null}`), "upstream_error", false},
		{"response.incomplete", "responses", event("response.incomplete", lastMembers), "", false},
		{"an error event and its end", "responses", event("error", `,"code":"server_error","message":"m"`) + event("response.failed", failed), "server_error", false},
		{"an error event, nested", "responses", event("error", `,"error":{"code":"content_filter","message":"m"}`) + done, "content_filter", false},
		{"an error event without a code", "responses", event("error", `,"error":{"type":"server_error","code":null,"message":"m"}`) + done, "server_error", false},
		{"an error event alone", "responses", event("error", `,"code":"server_error","message":"m"`), "server_error", true},
		{"a chat's error and [DONE]", "chat/completions", text + `data: {"error":{"code":"content_filter","message":"m"}}` + "\n\n" + done, "content_filter", false},
		{"a numeric code", "chat/completions", `data: {"error":{"code":429,"message":"m"}}` + "\n\n" + done, "429", false},
		{"a type alone", "chat/completions", `data: {"error":{"type":"server_error","code":null,"message":"m"}}` + "\n\n" + done, "server_error", false},
		{"words alone", "chat/completions", `data: {"error":"text"}` + "\n\n", "upstream_error", true},
		{"words alone and [DONE]", "chat/completions", `data: {"error":"text"}` + "\n\n" + done, "upstream_error", false},
		{"words alone and a cut", "chat/completions", text + `data: {"error":"text"}` + "\n\n" + `data: {"ch`, "upstream_error", true},
		{"an event named error", "chat/completions", "event: error\ndata: {\"code\":\"overloaded\",\"message\":\"m\"}\n\n" + done, "overloaded", false},
		{"a null error", "chat/completions", strings.Replace(text, `"usage"`, `"error":null,"usage"`, 1) + stop + done, "", false},
		{"a model that quotes an error", "chat/completions", strings.Replace(text, `"x"`, `"{\"error\":\"text\"}"`, 1) + stop + done, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, record, err := relay(t, tt.path, strings.NewReader(tt.in), true)
			want := tt.in
			if strings.HasSuffix(want, `{"ch`) {
				want = strings.TrimSuffix(want, `data: {"ch`)
			}
			if got := w.Body.String(); !strings.HasPrefix(got, want) || len(got) > len(tt.in) || (err == azure.ErrBroken) != tt.broken {
				t.Errorf("%v, got %d bytes, want %d", err, len(got), len(want))
			}
			if record.Code != tt.code || (record.Err != nil) != (tt.code != "") {
				t.Errorf("the log has %q, %v", record.Code, record.Err)
			}
		})
	}
}

// TestFailureWithinAWholeAnswer is the same without a stream.
func TestFailureWithinAWholeAnswer(t *testing.T) {
	tests := []struct{ name, method, body, code string }{
		{"a failed response", "POST", `{"status":"failed","error":{"code":"server_error","message":"m"}}`, "server_error"},
		{"only an error", "POST", `{"error":{"code":"429","message":"m"}}`, "429"},
		{"only words", "POST", `{"error":"m"}`, "upstream_error"},
		{"none", "POST", `{"status":"completed","error":null}`, ""},
		{"one that is looked up", "GET", `{"status":"failed","error":{"code":"server_error","message":"m"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			e.QueueAnswer(azureopenai.Answer{Body: tt.body})
			call := post("responses", "gpt-4o", `"input":"x"`)
			if tt.method == http.MethodGet {
				call = get("responses/resp_1")
			}
			r := s.do(t.Context(), call, true)
			if r.err != nil || r.Body.String() != tt.body || r.record.Code != tt.code || (r.record.Err != nil) != (tt.code != "") {
				t.Errorf("got %v %s, in the log %q %v", r.err, r.Body, r.record.Code, r.record.Err)
			}
		})
	}
}

// TestNumberOfOurErrorEvent is about clients that check the schema of every event.
func TestNumberOfOurErrorEvent(t *testing.T) {
	delta := func(members string) string { return event("response.output_text.delta", members) }
	tests := []struct{ name, in, want string }{
		{"after none", "", `"sequence_number":0`},
		{"after some", delta(`,"sequence_number":0`) + delta(`,"sequence_number":1`), `"sequence_number":2`},
		{"spaces, and no event line", `data: {"type": "response.created", "sequence_number": 41}` + "\n\n", `"sequence_number":42`},
		{"at the end", delta(`,"delta":"x","sequence_number":7`), `"sequence_number":8`},
		{"quoted by the model", delta(`,"sequence_number":3,"delta":"{\"sequence_number\":99}"`), `"sequence_number":4`},
		{"not numbered", delta(`,"sequence_number":3`) + delta(`,"delta":"x"`), `"sequence_number":4`},
		{"of a large one", delta(`,"delta":"` + strings.Repeat("x", 5<<20) + `","sequence_number":6`), `"sequence_number":7`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, _, err := relay(t, "responses", strings.NewReader(tt.in), true)
			signal := strings.TrimPrefix(w.Body.String(), tt.in)
			var e struct {
				Type, Code, Message string
				Number              *int `json:"sequence_number"`
			}
			data, ok := strings.CutPrefix(signal, "event: error\ndata: ")
			mustDecode(t, []byte(strings.TrimSpace(data)), &e)
			if err != azure.ErrBroken || !ok || e.Type != "error" || e.Code != "upstream_connection_lost" || e.Message == "" || !strings.Contains(signal, tt.want) {
				t.Errorf("%v %s", err, signal)
			}
		})
	}
}

// TestCompressedAnswers is about proxies that compress though nobody asked.
func TestCompressedAnswers(t *testing.T) {
	e, s := one(t, never)
	for _, encoding := range []string{"gzip", "deflate"} {
		addFault(t, e, encoding, 1)
		r := s.do(t.Context(), chat("Say hello"), false)
		r.ok(t)
		if !strings.Contains(r.Body.String(), `"content":"hello"`) || !r.record.Usage.Known || r.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %v %s", encoding, r.Header(), r.Body)
		}
		if got := last(t, e).Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding %q", got)
		}
		addFault(t, e, encoding, 1)
		r = s.do(t.Context(), chatStream("Say hello"), false)
		r.ok(t)
		if !strings.HasSuffix(r.Body.String(), done) || !r.record.Usage.Known || r.record.Err != nil {
			t.Errorf("%s: %s", encoding, r.Body)
		}
		addFault(t, e, encoding, 1)
		s.do(t.Context(), post("chat/completions", "gpt-4o", `"messages":[]`), false).refused(t, http.StatusBadRequest, "empty_array")
	}
}

func TestCompression(t *testing.T) {
	plain := `{"x":"` + strings.Repeat("words ", 100) + `"}`
	packed := func(encoding string) string { return compressed(t, encoding, plain) }
	tests := []struct {
		name, encoding, body string
		want                 string // "" is an error
	}{
		{"gzip", "gzip", packed("gzip"), plain},
		{"by its older name", "X-GZIP", packed("gzip"), plain},
		{"deflate", "deflate", packed("deflate"), plain},
		{"deflate without a header", "deflate", packed("raw"), plain},
		{"one upon the other", "deflate, gzip", compressed(t, "gzip", packed("deflate")), plain},
		{"none, said aloud", "identity", plain, plain},
		{"one that we do not know", "br", plain, ""},
		{"not what it says", "gzip", plain, ""},
		{"cut", "gzip", packed("gzip")[:40], ""},
		{"nothing", "gzip", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, s := one(t)
			e.QueueAnswer(azureopenai.Answer{Body: tt.body, Headers: map[string]string{"Content-Encoding": tt.encoding}})
			r := s.do(t.Context(), chat("hi"), false)
			if tt.want == "" && (r.err == nil || r.Code != http.StatusBadGateway) || tt.want != "" && (r.err != nil || r.Body.String() != tt.want) {
				t.Errorf("got %d %s", r.Code, r.Body)
			}
		})
	}
}

// TestCompressedStreamComesAtOnce reads an event of a compressed stream that goes on.
func TestCompressedStreamComesAtOnce(t *testing.T) {
	e, s := one(t, func(o *azure.Options) {
		o.Env = config.Env{AzureSecretID: secretName, IdleTimeout: brief, ConnectTimeout: time.Minute}
	})
	body := compressed(t, "flushed", text)
	e.QueueAnswer(azureopenai.Answer{Body: body + "\n\n", Stream: true, Headers: map[string]string{"Content-Type": eventStream, "Content-Encoding": "gzip"}})
	addFault(t, e, "hang;after=1", 1)
	r := s.do(t.Context(), chatStream("hi"), true)
	if !strings.HasPrefix(r.Body.String(), text) || r.err != azure.ErrBroken {
		t.Errorf("got %v %q", r.err, r.Body)
	}
}

// compressed packs a text by gzip, deflate (zlib's format), raw (deflate itself) or flushed (gzip without its end).
func compressed(t *testing.T, encoding, plain string) string {
	t.Helper()
	var b bytes.Buffer
	var w interface {
		io.WriteCloser
		Flush() error
	} = gzip.NewWriter(&b)
	switch encoding {
	case "deflate":
		w = zlib.NewWriter(&b)
	case "raw":
		w, _ = flate.NewWriter(&b, flate.BestSpeed)
	}
	_, err := io.WriteString(w, plain)
	if err == nil {
		err = w.Flush()
	}
	if err == nil && encoding != "flushed" {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
