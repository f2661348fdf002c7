package inference_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aoai-bridge/infra/local/azureopenai"
	"aoai-bridge/shared/telemetry"
)

// TestLogTellsNoSecret has calls go well and wrong in every way, and looks for what no log may have.
func TestLogTellsNoSecret(t *testing.T) {
	s := open(t, deployments)
	const prompt = "pr0mpt-of-a-caller"
	var out bytes.Buffer
	log := telemetry.NewLog(&out, "aoai-bridge", "chat")
	lines := 0
	say := func(r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			withKey("any", r)
		}
		ctx, record := telemetry.Start(r.Context(), "request")
		w := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }() // http.ErrAbortHandler ends a broken answer
			s.http.ServeHTTP(w, r.WithContext(ctx))
		}()
		record.Status = w.Code
		log.Write(t.Context(), record)
		lines++
	}
	call := func(stream bool) *http.Request {
		return request("POST /v1/chat/completions", fmt.Sprintf(`{"model":"gpt-4o","stream":%v,"messages":[{"role":"user","content":%q}]}`, stream, prompt))
	}
	for _, fault := range []string{"", "429", "500", "401", "garbage", "close", "cut", "partial", "error-event", "no-done"} {
		for _, stream := range []bool{false, true} {
			if fault != "" {
				if err := s.azure.AddFault(azureopenai.FaultRule{Fault: fault}); err != nil {
					t.Fatal(err)
				}
			}
			say(call(stream))
			s.azure.Reset()
		}
	}
	s.azure.QueueAnswer(azureopenai.Answer{Status: 400, Body: `{"error":{"message":"Invalid value: '` + prompt + `'","code":"invalid_value"}}`})
	say(call(false))
	say(withKey("wrong-key-0123456789", call(false)))
	say(request("POST /v1/chat/completions", `{"model":"gpt-4o","messages":"`+prompt))
	if got := strings.Count(out.String(), "\n"); got != lines || lines != 23 {
		t.Fatalf("%d lines for %d calls", got, lines)
	}
	if broken := strings.Count(out.String(), `"error":"`); broken < 5 {
		t.Errorf("%d lines tell of a cause:\n%s", broken, out.String())
	}
	for _, secret := range []string{prompt, azureKey, "wrong-key"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, out.String())
		}
	}
}
