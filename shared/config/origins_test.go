package config_test

import (
	"strings"
	"testing"

	"aoai-bridge/shared/config"
)

func TestOrigins(t *testing.T) {
	const bad = "an error"
	tests := []struct{ name, value, want string }{
		{"none", "", ""},
		{"every one", "*", "*"},
		{"one", "https://app.example.com", "https://app.example.com"},
		{"a port", "http://localhost:3000", "http://localhost:3000"},
		{"an IPv6 address", "http://[::1]:8080", "http://[::1]:8080"},
		{"several, with spaces", " https://a.example , http://b.example:81 ", "https://a.example,http://b.example:81"},
		{"capitals", "HTTPS://App.Example.com", "https://app.example.com"},
		{"an extension's", "chrome-extension://abcdef", "chrome-extension://abcdef"},
		{"the other scheme's port", "http://a.example:443", "http://a.example:443"},
		{"a slash at the end", "https://a.example/", bad},
		{"a path", "https://a.example/app", bad},
		{"a query", "https://a.example?x", bad},
		{"a fragment", "https://a.example#", bad},
		{"a user", "https://me@a.example", bad},
		{"no scheme", "a.example", bad},
		{"no scheme, a port", "localhost:3000", bad},
		{"no host", "https://", bad},
		{"only a port", "https://:3000", bad},
		{"a port that is missing", "https://a.example:", bad},
		{"a port that browsers leave out", "https://a.example:443", bad},
		{"the other such port", "http://a.example:80", bad},
		{"a pattern", "https://*.example.com", bad},
		{"every one among others", "*,https://a.example", bad},
		{"null", "null", bad},
		{"an empty one", "https://a.example,,https://b.example", bad},
		{"a comma at the end", "https://a.example,", bad},
		{"separated by spaces", "https://a.example https://b.example", bad},
		{"letters that browsers encode", "https://\u00fc.example", bad},
		{"a line break", "https://a.example\r\nx: y", bad},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env, err := config.FromEnvironment(environment(map[string]string{"AZURE_SECRET_ID": "a", "CALLERS_SECRET_ID": "c", "CORS_ORIGINS": tt.value}))
			switch {
			case tt.want == bad:
				if err == nil || !strings.Contains(err.Error(), "CORS_ORIGINS is ") || !strings.Contains(err.Error(), "for example https://app.example.com") {
					t.Errorf("got %q, %v", env.CORSOrigins, err)
				}
			case err != nil || env.CORSOrigins != tt.want:
				t.Errorf("got %q, %v, want %q", env.CORSOrigins, err, tt.want)
			}
		})
	}
}
