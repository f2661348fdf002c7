// Package logsafe reduces errors to what may stand in a log: the kind of failure without a host, an
// address, a key or a token. It does not know who failed, nor write a log.
package logsafe

import (
	"regexp"
	"strings"
	"sync"
)

// limit is the longest text, in bytes.
const limit = 2000

const mask = "***"

// Error returns err with a text that may be logged. errors.Is and errors.As find in it what is in err.
// It returns nil if err is nil.
func Error(err error) error {
	if err == nil {
		return nil
	}
	return &safe{Text(err.Error()), err}
}

type safe struct {
	text string
	err  error
}

func (s *safe) Error() string { return s.text }
func (s *safe) Unwrap() error { return s.err }

// Text returns what may be logged of a text. It is for errors above all: what Go's net, net/http, TLS and
// the SDKs upon them say of a connection names hosts and addresses, and is reduced to the kind of failure,
// such as "connection refused". Keys and tokens are masked anywhere, and so are IP addresses.
func Text(s string) string {
	p := patterns()
	s = p.connection.ReplaceAllStringFunc(s, kindOf)
	s = p.bearer.ReplaceAllString(s, "Bearer "+mask)
	s = p.key.ReplaceAllString(s, mask)
	s = p.address.ReplaceAllString(s, mask)
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + " ..."
	}
	return s
}

// kinds are the failures of a connection that an operator can act on: a part of the text, and what is
// said of it. The first that fits counts.
var kinds = []struct{ part, said string }{
	{"no such host", "no such host"},
	{"server misbehaving", "the name server failed"},
	{"connection refused", "connection refused"},
	{"connection reset", "connection reset"},
	{"broken pipe", "connection reset"},
	{"certificate signed by unknown authority", "TLS: certificate signed by unknown authority"},
	{"certificate has expired", "TLS: certificate has expired or is not yet valid"},
	{"certificate is valid for", "TLS: certificate of another name"},
	{"certificate is not valid for any names", "TLS: certificate of another name"},
	{"doesn't contain any IP SANs", "TLS: certificate of another name"},
	{"x509: ", "TLS: certificate refused"},
	{"TLS handshake timeout", "TLS: timeout"},
	{"does not look like a TLS handshake", "TLS: the other side does not speak it"},
	{"server gave HTTP response to HTTPS client", "TLS: the other side does not speak it"},
	{"tls: ", "TLS: handshake failed"},
	{"i/o timeout", "timeout"},
	{"context deadline exceeded", "timeout"},
	{"Client.Timeout", "timeout"},
	{"connection timed out", "timeout"},
	{"context canceled", "context canceled"},
	{"network is unreachable", "network is unreachable"},
	{"no route to host", "no route to host"},
	{"too many open files", "too many open files"},
	{"cannot assign requested address", "cannot assign requested address"},
	{"use of closed network connection", "connection closed"},
	{"server closed idle connection", "connection closed"},
	{"unexpected EOF", "unexpected EOF"},
	{"EOF", "EOF"},
	{"malformed", "malformed HTTP answer"},
	{"Unsolicited response", "an answer that nothing asked for, on an idle connection"},
}

func kindOf(s string) string {
	for _, kind := range kinds {
		if strings.Contains(s, kind.part) {
			return kind.said
		}
	}
	return "connection failed"
}

type set struct{ connection, bearer, key, address *regexp.Regexp }

// patterns are made when they are first needed: a start that logs no error does without.
var patterns = sync.OnceValue(func() set {
	return set{
		// How a text begins to speak of a connection: net/url's Error, net's OpError and DNSError,
		// crypto/x509, crypto/tls, net/http's own, and MSAL's. It does so to the end of the line.
		connection: regexp.MustCompile(`(?:\b(?:Get|Head|Post|Put|Patch|Delete|Connect|Options) "https?:|` +
			`\b(?:dial|read|write|set|close) (?:tcp|udp|unix)|\blookup \S|\bproxyconnect |\bx509: |\btls: |` +
			`\bhttp call\(|\bmalformed (?:HTTP|MIME)|\bHTTP/1.x transport connection broken|\bUnsolicited response).*`),
		bearer: regexp.MustCompile(`(?i)\bbearer\s+[^\s"',;]+`),
		// A key of Azure's is 32 hexadecimal digits, a newer one 84 letters and digits. Text around one
		// may run into it.
		key: regexp.MustCompile(`\beyJ[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]*)*|\bsk-[0-9A-Za-z_-]{8,}|` +
			`[0-9A-Za-z]{84,}|[0-9A-Fa-f]{32,}`),
		address: regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%\w+)?\](?::\d+)?`),
	}
})
