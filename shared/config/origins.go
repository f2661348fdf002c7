package config

import (
	"net/url"
	"slices"
	"strings"
)

// origins reads a list of origins, separated by commas, or "*". They come back as browsers send them, in lower case and
// without spaces.
func (r *reader) origins(name string) string {
	value := strings.ToLower(strings.TrimSpace(r.getenv(name)))
	if value == "" || value == "*" {
		return value
	}
	list := strings.Split(value, ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	if !slices.ContainsFunc(list, func(s string) bool { return !isOrigin(s) }) {
		return strings.Join(list, ",")
	}
	r.fail(name, value, "https://app.example.com,http://localhost:3000 (no path, no slash at the end), or * for every origin")
	return ""
}

// isOrigin reports whether s is a scheme, a host and perhaps a port, and nothing else. A browser leaves out a scheme's
// standard port, and has no patterns.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || s != u.Scheme+"://"+u.Host {
		return false
	}
	switch {
	case u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80", strings.HasSuffix(u.Host, ":"):
		return false
	}
	return !strings.ContainsFunc(u.Host, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '*' })
}
