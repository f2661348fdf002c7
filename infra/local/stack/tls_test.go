package stack_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"strings"
	"testing"

	"aoai-bridge/infra/local/stack"
)

// Some SDKs send a key over TLS only. They trust the certificate that the stack names, and no other client does.
func TestTLS(t *testing.T) {
	t.Parallel()
	s, _ := start(t, stack.Options{TLS: true})
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(s.TrustPEM) || !strings.HasPrefix(s.URL, "https://127.0.0.1:") {
		t.Fatalf("%s with the certificate %q", s.URL, s.TrustPEM)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(transport.CloseIdleConnections)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-5.4-mini","stream":true,"messages":[{"role":"user","content":"Say hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + stack.CallerKey}, "Content-Type": {"application/json"}}
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || !bytes.HasSuffix(body, []byte("data: [DONE]\n\n")) {
		t.Errorf("%v %s", err, body)
	}
	if _, err := http.Get(s.URL + "/health"); err == nil {
		t.Error("a client that was not told to trust the certificate trusts it")
	}
}
