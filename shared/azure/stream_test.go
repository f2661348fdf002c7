package azure_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/telemetry"
)

const (
	eventStream = "text/event-stream; charset=utf-8"
	// usageChunk is the index of the recorded stream's chunk that has the usage.
	usageChunk = 4
)

// recorded is a stream as Azure was seen to send it, by events.
func recorded(t *testing.T) []string {
	t.Helper()
	events := strings.SplitAfter(string(readFile(t, "testdata/stream.sse")), "\n\n")
	return events[:len(events)-1]
}

func without(events []string, i int) string {
	return strings.Join(events[:i], "") + strings.Join(events[i+1:], "")
}

// relay relays a stream of the body that r returns.
func relay(t *testing.T, path string, r io.Reader, keepUsage bool) (*httptest.ResponseRecorder, *telemetry.Call, error) {
	ctx, record := telemetry.Start(t.Context(), "request")
	answer := azure.AnswerFrom(ctx, path, eventStream, r)
	defer answer.Close()
	w := httptest.NewRecorder()
	err := answer.Relay(w, keepUsage)
	return w, record, err
}

// pieces returns its text in reads of a random size up to most, the last one together with io.EOF.
type pieces struct {
	text   string
	most   int
	random *rand.Rand
}

func (p *pieces) Read(b []byte) (int, error) {
	n := copy(b, p.text[:min(len(p.text), 1+p.random.IntN(p.most))])
	if p.text = p.text[n:]; p.text == "" {
		return n, io.EOF
	}
	return n, nil
}

// TestAnyChunking holds for every way in which a connection may cut a stream into reads.
func TestAnyChunking(t *testing.T) {
	events := recorded(t)
	whole := strings.Join(events, "")
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	noisy := ": a comment\n\nid: 1\nretry: 10\n\n" + whole
	tests := []struct {
		name, in, kept, dropped string
	}{
		{"as recorded", whole, whole, without(events, usageChunk)},
		{"CRLF", crlf(whole), crlf(whole), crlf(without(events, usageChunk))},
		{"comments and other fields", noisy, noisy, ": a comment\n\nid: 1\nretry: 10\n\n" + without(events, usageChunk)},
		{"no blank line at the end", strings.TrimRight(whole, "\n"), strings.TrimRight(whole, "\n"), strings.TrimRight(without(events, usageChunk), "\n")},
		{"no space behind the colon", strings.ReplaceAll(whole, "data: ", "data:"), strings.ReplaceAll(whole, "data: ", "data:"),
			strings.ReplaceAll(without(events, usageChunk), "data: ", "data:")},
		{"usage in the first chunk", events[usageChunk] + without(events, usageChunk), events[usageChunk] + without(events, usageChunk), without(events, usageChunk)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			readers := map[string]func() io.Reader{
				"at once":     func() io.Reader { return strings.NewReader(tt.in) },
				"with EOF":    func() io.Reader { return iotest.DataErrReader(strings.NewReader(tt.in)) },
				"by the byte": func() io.Reader { return iotest.OneByteReader(strings.NewReader(tt.in)) },
			}
			for i := range 50 {
				readers[fmt.Sprint("pieces ", i)] = func() io.Reader { return &pieces{tt.in, 1 + i*i, random} }
			}
			for i := range len(tt.in) {
				readers[fmt.Sprint("cut at ", i)] = func() io.Reader {
					return io.MultiReader(strings.NewReader(tt.in[:i]), strings.NewReader(tt.in[i:]))
				}
			}
			for name, reader := range readers {
				for keep, want := range map[bool]string{true: tt.kept, false: tt.dropped} {
					if keep && strings.HasPrefix(name, "cut") {
						continue // there is less that could go wrong
					}
					w, record, err := relay(t, "chat/completions", reader(), keep)
					if err != nil || w.Body.String() != want {
						t.Fatalf("%s, usage kept %v: %v\ngot  %q\nwant %q", name, keep, err, w.Body, want)
					}
					if record.Usage != (telemetry.Usage{Known: true, Input: 23, Output: 11}) {
						t.Fatalf("%s: metered %+v", name, record.Usage)
					}
				}
			}
		})
	}
}

func TestWhatIsDropped(t *testing.T) {
	tests := []struct {
		name, event string
		drop        bool
	}{
		{"usage and no choices", `{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`, true},
		{"spaces", `{ "choices" : [ ] , "usage" : { "prompt_tokens" : 1 } }`, true},
		{"Azure's first chunk", `{"choices":[],"prompt_filter_results":[]}`, false},
		{"usage that is null", `{"choices":[],"usage":null}`, false},
		{"usage beside a choice", `{"choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1}}`, false},
		{"a model that talks of usage", `{"choices":[{"delta":{"content":"usage"}}]}`, false},
		{"and quotes our chunk", `{"choices":[{"delta":{"content":"{\"choices\":[],\"usage\":{}}"}}]}`, false},
		{"asynchronous filter results", `{"choices":[],"usage":null,"content_filter_results":{}}`, false},
		{"no JSON", `"usage": {`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			event, done := "data: "+tt.event+"\n\n", "data: [DONE]\n\n"
			want := event + done
			if tt.drop {
				want = done
			}
			w, _, err := relay(t, "chat/completions", strings.NewReader(event+done), false)
			if err != nil || w.Body.String() != want {
				t.Errorf("got %q, %v", w.Body, err)
			}
			if w, _, _ := relay(t, "chat/completions", strings.NewReader(event+done), true); w.Body.String() != event+done {
				t.Errorf("asked for: got %q", w.Body)
			}
		})
	}
}

func TestHugeEvent(t *testing.T) {
	events := recorded(t)
	huge := `data: {"choices":[{"delta":{"content":"` + strings.Repeat("x", 9<<20) + `"}}]}` + "\n\n"
	in := events[0] + huge + strings.Join(events[1:], "")
	for name, reader := range map[string]io.Reader{"at once": strings.NewReader(in), "halves": iotest.HalfReader(strings.NewReader(in))} {
		w, record, err := relay(t, "chat/completions", reader, false)
		if want := events[0] + huge + without(events[1:], usageChunk-1); err != nil || w.Body.String() != want {
			t.Errorf("%s: got %d bytes, want %d; %v", name, w.Body.Len(), len(want), err)
		}
		if !record.Usage.Known {
			t.Errorf("%s: not metered", name)
		}
	}
	// Cut in its middle, after a part of it is out, the error still is an event of its own.
	w, _, err := relay(t, "chat/completions", io.MultiReader(strings.NewReader(events[0]+huge[:8<<20]), iotest.ErrReader(errors.New("reset"))), false)
	before, signal, _ := strings.Cut(w.Body.String(), "\n\ndata: {\"error\"")
	if err != azure.ErrBroken || !strings.HasSuffix(before, "xxx") || !strings.HasSuffix(signal, "}\n\n") {
		t.Errorf("got %v, signal %q", err, signal)
	}
}

const brokenOff = `{"error":{"message":"Azure OpenAI's answer broke off before its end. What has been received is incomplete; it may have been charged.","type":"server_error","param":null,"code":"upstream_connection_lost"}}`

// TestStreamThatBreaksOff is about faults after the first events: what came is kept, the end is signalled.
func TestStreamThatBreaksOff(t *testing.T) {
	const azuresError = `data: {"error":{"message":"The server had an error processing your request.`
	tests := []struct {
		fault string
		want  string // behind the events that came
	}{
		{"cut;after=4", "data: " + brokenOff + "\n\n"},
		{"reset;after=4", "data: " + brokenOff + "\n\n"},
		{"partial;after=4", "data: " + brokenOff + "\n\n"},
		{"end;after=4", "data: " + brokenOff + "\n\n"},
		{"cut;after=0", "data: " + brokenOff + "\n\n"},
		{"error-event;after=4", azuresError},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			e, s := one(t)
			addFault(t, e, tt.fault, 1)
			r := s.do(t.Context(), chatStream("Say one two three"), false)
			if r.err != azure.ErrBroken || r.Code != http.StatusOK || r.record.Err == nil {
				t.Fatalf("got %d, %v, in the log %v", r.Code, r.err, r.record.Err)
			}
			body := r.Body.String()
			i := strings.Index(body, tt.want)
			if i < 0 || strings.Count(body, `data: {"error"`) != 1 || strings.Contains(body, "[DONE]") {
				t.Fatalf("got %s", body)
			}
			if came := strings.Count(body[:i], "\n\n"); fmt.Sprint("after=", came) != tt.fault[strings.Index(tt.fault, "after="):] {
				t.Errorf("%d events before the error", came)
			}
			if n := upstreamRequests(e); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestResponsesStream(t *testing.T) {
	const created = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n"
	end := func(state string) string {
		return "event: response." + state + "\ndata: {\"type\":\"response." + state + "\",\"response\":{\"usage\":{\"input_tokens\":5,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":3}}}\n\n"
	}
	const signal = "event: error\ndata: {\"message\":\"Azure OpenAI's answer broke off before its end. What has been received is incomplete; it may have been charged.\",\"type\":\"error\",\"param\":null,\"code\":\"upstream_connection_lost\",\"error\":{\"message\":\"Azure OpenAI's answer broke off before its end. What has been received is incomplete; it may have been charged.\",\"type\":\"server_error\",\"param\":null,\"code\":\"upstream_connection_lost\"},\"sequence_number\":0}\n\n"
	const failed = "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\",\"param\":null}\n\n"
	tests := []struct {
		name, in, want string
		broken         bool
	}{
		{"completed", created + end("completed"), created + end("completed"), false},
		{"failed", created + end("failed"), created + end("failed"), false},
		{"incomplete", created + end("incomplete"), created + end("incomplete"), false},
		{"cancelled", created + end("cancelled"), created + end("cancelled"), false},
		{"no end", created, created + signal, true},
		{"an error event of Azure's", created + failed, created + failed, true},
	}
	for _, tt := range tests {
		for _, path := range []string{"responses", "responses/resp_1"} {
			t.Run(tt.name+" "+path, func(t *testing.T) {
				w, record, err := relay(t, path, strings.NewReader(tt.in), true)
				if w.Body.String() != tt.want || (err == azure.ErrBroken) != tt.broken {
					t.Errorf("%v\ngot  %q\nwant %q", err, w.Body, tt.want)
				}
				if want := (telemetry.Usage{Known: true, Input: 5, CachedInput: 4, Output: 3}); !tt.broken && record.Usage != want {
					t.Errorf("metered %+v, want %+v", record.Usage, want)
				}
			})
		}
	}
}

func TestResponsesStreamOfTheEmulator(t *testing.T) {
	_, s := one(t)
	call := post("responses", "gpt-4o", `"stream":true,"input":"Say hello"`)
	call.Stream = true
	r := s.do(t.Context(), call, true)
	r.ok(t)
	if !strings.Contains(r.Body.String(), "event: response.completed\n") || !r.record.Usage.Known {
		t.Errorf("metered %+v\n%s", r.record.Usage, r.Body)
	}
}

// TestFilterResultsPass is about what Azure adds to OpenAI's stream.
func TestFilterResultsPass(t *testing.T) {
	e, s := one(t)
	want := readFile(t, "testdata/stream.sse")
	e.QueueAnswer(azureopenai.Answer{Body: string(want), Headers: map[string]string{"Content-Type": eventStream}})
	if r := s.do(t.Context(), chatStream("hi"), true); !bytes.Equal(r.Body.Bytes(), want) {
		t.Errorf("got %s", r.Body)
	}
}

// counting is a writer that holds back what is not flushed, as net/http's does.
type counting struct {
	*httptest.ResponseRecorder
	held, flushes int
}

func (c *counting) Write(b []byte) (int, error) {
	c.held += len(b)
	return c.ResponseRecorder.Write(b)
}

func (c *counting) Flush() { c.held, c.flushes = 0, c.flushes+1 }

// TestNothingIsHeldBack looks whenever Azure is asked for more whether what it has sent is out.
func TestNothingIsHeldBack(t *testing.T) {
	w := &counting{ResponseRecorder: httptest.NewRecorder(), held: 1} // the header
	var readers []io.Reader
	for _, event := range recorded(t) {
		readers = append(readers, looking{func() {
			if w.held != 0 {
				t.Errorf("%d bytes are held back", w.held)
			}
		}}, strings.NewReader(event))
	}
	answer := azure.AnswerFrom(t.Context(), "chat/completions", eventStream, io.MultiReader(readers...))
	defer answer.Close()
	if err := answer.Relay(w, true); err != nil || w.held != 0 || w.flushes != len(recorded(t))+1 {
		t.Errorf("%v, %d bytes held back, %d flushes", err, w.held, w.flushes)
	}
}

// looking looks when it is read, and has nothing.
type looking struct{ look func() }

func (l looking) Read([]byte) (int, error) {
	l.look()
	return 0, io.EOF
}
