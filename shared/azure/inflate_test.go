package azure_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/config"
)

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
