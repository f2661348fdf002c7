package azure_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/telemetry"
)

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
