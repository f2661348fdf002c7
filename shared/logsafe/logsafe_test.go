package logsafe_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/logsafe"
)

var (
	oldKey = strings.Repeat("0123456789abcdef", 2)
	newKey = strings.Repeat("Ab1", 28)
)

const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"

func TestText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"a text of ours", `the Azure secret is wrong: endpoint is not https, want for example "https://my-resource.openai.azure.com"`,
			`the Azure secret is wrong: endpoint is not https, want for example "https://my-resource.openai.azure.com"`},
		{"a key of 32 hexadecimal digits", "key " + oldKey + ".", "key ***."},
		{"in capitals, between quotes", `key "` + strings.ToUpper(oldKey) + `"`, `key "***"`},
		{"in a URL's query", "?key=" + oldKey + "&x", "?key=***&x"},
		{"after an escape", `\n` + oldKey, `\n***`},
		{"a key of 84 letters and digits", "key_" + newKey, "key_***"},
		{"a GUID is not a key", "principal 842d7e21-e602-4dc1-812e-947fd5833cb3", "principal 842d7e21-e602-4dc1-812e-947fd5833cb3"},
		{"a key of OpenAI's form", "Incorrect API key: sk-proj-abc_DEF-0123456789", "Incorrect API key: ***"},
		{"a token", "assertion=" + token + "&x", "assertion=***&x"},
		{"a token cut short", "token " + token[:12], "token ***"},
		{"an Authorization header", "Authorization: bearer abc.DEF-1~2/3=", "Authorization: Bearer ***"},
		{"an address", "peer 192.0.2.7:443 and [2001:db8::7]:443", "peer *** and ***"},
		{"a dial", "Post \"https://my.openai.azure.com/openai/v1/x\": dial tcp 192.0.2.7:443: connect: connection refused", "connection refused"},
		{"what comes before it stays", `secret "a" cannot be read: operation error Secrets Manager: GetSecretValue, request send failed, Post "https://sm.example/": EOF`,
			`secret "a" cannot be read: operation error Secrets Manager: GetSecretValue, request send failed, EOF`},
		{"and what comes in other lines", "one\nlookup my.openai.azure.com on 192.0.2.53:53: no such host\ntwo", "one\nno such host\ntwo"},
		{"a name server that fails", "dial tcp: lookup my.openai.azure.com: server misbehaving", "the name server failed"},
		{"a name that takes too long", "dial tcp: lookup my.openai.azure.com on 192.0.2.53:53: read udp 10.0.0.1:5->192.0.2.53:53: i/o timeout", "timeout"},
		{"a reset", "read tcp 10.0.0.1:50000->192.0.2.7:443: read: connection reset by peer", "connection reset"},
		{"a broken pipe", "write tcp 10.0.0.1:50000->192.0.2.7:443: write: broken pipe", "connection reset"},
		{"a certificate of another host", "tls: failed to verify certificate: x509: certificate is valid for a.example, not my.openai.azure.com", "TLS: certificate of another name"},
		{"a certificate nobody knows", "tls: failed to verify certificate: x509: certificate signed by unknown authority", "TLS: certificate signed by unknown authority"},
		{"MSAL's", "http call(https://login.example/t/token)(POST) error: reply status code was 502", "connection failed"},
		{"azidentity's", "ClientSecretCredential: unable to resolve an endpoint: server response error:\n Get \"https://login.example/t/v2.0/.well-known/openid-configuration\": dial tcp 192.0.2.7:443: connect: connection refused.",
			"ClientSecretCredential: unable to resolve an endpoint: server response error:\n connection refused"},
		{"STS's", "ClientAssertionCredential: operation error STS: GetWebIdentityToken, https response error StatusCode: 0, RequestID: , request send failed, Post \"https://sts.example/\": dial tcp: lookup sts.example: no such host",
			"ClientAssertionCredential: operation error STS: GetWebIdentityToken, https response error StatusCode: 0, RequestID: , request send failed, no such host"},
		{"an answer that is quoted", `net/http: HTTP/1.x transport connection broken: malformed HTTP status code "pr0mpt"`, "net/http: malformed HTTP answer"},
		{"an answer that came unasked", `Unsolicited response received on idle HTTP channel starting with "pr0mpt"; err=<nil>`, "an answer that nothing asked for, on an idle connection"},
		{"a failure nobody listed", "dial tcp 192.0.2.7:443: connect: operation not permitted by my.openai.azure.com", "connection failed"},
		{"any length", strings.Repeat("é", 3000), strings.Repeat("é", 1000) + " ..."},
		{"a key at the limit", strings.Repeat(" ", 1990) + oldKey, strings.Repeat(" ", 1990) + "***"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := logsafe.Text(tt.text); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestErrors has real connections fail.
func TestErrors(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch c, _, _ := w.(http.Hijacker).Hijack(); r.URL.Path {
		case "/garbage":
			_, _ = io.WriteString(c, "pr0mpt\r\n\r\n")
			c.Close()
		case "/close":
			c.Close()
		default:
			t.Cleanup(func() { c.Close() })
		}
	}))
	defer plain.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	given, ended := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer ended()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name, url string
		ctx       context.Context
		want      string
	}{
		{"silent", plain.URL, given, "timeout"},
		{"refused", "http://" + closed.Addr().String(), t.Context(), "connection refused"},
		{"no such host", "http://host.invalid", t.Context(), "no such host|the name server failed|timeout"},
		{"unknown authority", secure.URL, t.Context(), "TLS: certificate signed by unknown authority"},
		{"not TLS", strings.Replace(plain.URL, "http:", "https:", 1), t.Context(), "TLS: the other side does not speak it"},
		{"not HTTP", plain.URL + "/garbage", t.Context(), "malformed HTTP answer"},
		{"closed", plain.URL + "/close", t.Context(), "EOF"},
		{"given up", plain.URL, gone, "context canceled"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(tt.ctx, http.MethodPost, tt.url, strings.NewReader("pr0mpt"))
			if err != nil {
				t.Fatal(err)
			}
			_, err = http.DefaultClient.Do(r)
			got := logsafe.Error(fmt.Errorf("azure: %w", err))
			found := false
			for want := range strings.SplitSeq(tt.want, "|") {
				found = found || got.Error() == "azure: "+want
			}
			if !found {
				t.Errorf("got %v for %v, want %s", got, err, tt.want)
			}
			if in, ok := errors.AsType[*url.Error](got); !ok || !errors.Is(got, in.Err) {
				t.Errorf("the error itself is no longer found in %v", got)
			}
		})
	}
	if logsafe.Error(nil) != nil {
		t.Error("no error has become one")
	}
	var unknown tls.RecordHeaderError
	if got := logsafe.Error(&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv6loopback, Port: 1}, Err: unknown}); got.Error() != "TLS: handshake failed" {
		t.Errorf("got %v", got)
	}
}
