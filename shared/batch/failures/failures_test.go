package failures_test

import (
	"fmt"
	"testing"

	"aoai-bridge/shared/batch/failures"
	"aoai-bridge/shared/batch/job"
)

// A line that failed has the code of its error, else Azure's, else the status.
func TestCodes(t *testing.T) {
	for _, tt := range []struct{ line, code string }{
		{`{"response":null,"error":{"code":"no_answer","message":"m"}}`, "no_answer"},
		{`{"response":{"status_code":400,"body":{"error":{"code":"content_filter"}}},"error":null}`, "content_filter"},
		{`{"response":{"status_code":429,"body":{"error":{"code":"429"}}},"error":null}`, "http_429"},
		{`{"response":{"status_code":503,"body":{"error":{"code":null}}},"error":null}`, "http_503"},
		{`{"response":{"status_code":500,"body":{"error":{"code":500}}},"error":null}`, "http_500"},
		{`{"response":{"status_code":502,"body":"bad gateway"},"error":null}`, "http_502"},
		{`{"response":null,"error":null}`, "unknown"},
		{`{"response":null,"error":{"code":"` + fmt.Sprintf("%0100d", 0) + `x"}}`, fmt.Sprintf("%064d", 0)},
	} {
		a := failures.New(t.Context(), nil, &job.Job{Origin: job.OriginAPI})
		if err := a.Add(1, []byte(tt.line)); err != nil || a.Codes[tt.code] != 1 {
			t.Errorf("%s: got %v, %v, want %s", tt.line, a.Codes, err, tt.code)
		}
	}
}

// An account names some codes and counts the others together. A job of the API has no copy.
func TestManyCodes(t *testing.T) {
	a := failures.New(t.Context(), nil, &job.Job{Origin: job.OriginAPI})
	const lines = 60
	for i := range 2 * lines {
		if err := a.Add(i+1, fmt.Appendf(nil, `{"response":null,"error":{"code":"code-%d","message":"message %d"}}`, i%lines, i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.Codes) != 51 || a.Codes["other"] != 20 || a.Codes["code-49"] != 2 || a.First != "message 0" {
		t.Errorf("%d codes: %v; the first message is %q", len(a.Codes), a.Codes, a.First)
	}
	if location, missing, err := a.Commit(); location != "" || missing != "" || err != nil {
		t.Errorf("got %q, %q, %v", location, missing, err)
	}
}
