package estimate

import (
	"fmt"
	"strings"
	"testing"
)

// nested is a schema of that depth.
func nested(depth int) string {
	return strings.Repeat(`{"type":"object","description":"d","properties":{"a":`, depth) + `{"type":"string"}` + strings.Repeat("}}", depth)
}

func chatWith(members string) string {
	return `{"messages":[{"role":"user","content":"hello"}],` + members + `}`
}

// hostile are bodies that are large, deep or odd, about as large as n bytes, and how many tokens they
// have at least.
func hostile(n int) map[string]struct {
	body  string
	least int
} {
	repeat := func(s string) string { return strings.Repeat(s, n/len(s)) }
	list := func(s string) string { return strings.TrimSuffix(repeat(s+","), ",") }
	return map[string]struct {
		body  string
		least int
	}{
		"one long word":        {`{"messages":[{"role":"user","content":"` + repeat("a") + `"}]}`, n / 100},
		"prose":                {`{"messages":[{"role":"user","content":"` + repeat("The quick brown fox. ") + `"}]}`, n / 6},
		"escapes":              {`{"messages":[{"role":"user","content":"` + repeat(`\u00e9\n\"`) + `"}]}`, n / 20},
		"messages":             {`{"messages":[` + list(`{"role":"user","content":"hi"}`) + `]}`, n / 31 * 5},
		"pieces":               {`{"messages":[{"role":"user","content":[` + list(`{"type":"text","text":"hi"}`) + `]}]}`, n / 30},
		"members of a message": {`{"messages":[{"role":"user","content":"hi",` + list(`"a":1`) + `}]}`, 8},
		"calls":                {`{"messages":[{"role":"assistant","tool_calls":[` + list(`{"function":{"name":"f","arguments":"{}"}}`) + `]}]}`, n / 50},
		"tools":                {chatWith(`"tools":[` + list(`{"type":"function","function":{"name":"f"}}`) + `]`), n / 10},
		"properties":           {chatWith(`"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{` + list(`"a":{"type":"string"}`) + `}}}}]`), n / 10},
		"an enumeration":       {chatWith(`"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"enum":[` + list(`1`) + `]}}}}}]`), n / 2},
		"required":             {chatWith(`"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}},"required":[` + list(`"a"`) + `]}}}]`), 20},
		"a format":             {chatWith(`"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"enum":[` + list(`"a"`) + `]}}}`), n / 8},
		"an image":             {`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.TrimRight(pixel, "=") + repeat("AAAA") + `"}}]}]}`, 262},
		"empty arrays":         {chatWith(`"metadata":[` + list(`[]`) + `]`), 8},
		"a deep schema":        {chatWith(`"tools":[{"type":"function","function":{"name":"f","parameters":` + nested(min(n/60, 1000)) + `}}]`), min(n/60, 1000) * 2},
		"a deep format":        {chatWith(`"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":` + nested(min(n/60, 1000)) + `}}`), min(n/60, 1000) * 2},
		"a deep and wide one":  {chatWith(`"tools":[{"type":"function","function":{"name":"f","parameters":` + strings.Replace(nested(1000), `"string"`, `"string","enum":[`+list(`"a"`)+`]`, 1) + `}}]`), n / 8},
	}
}

func TestHostileBodies(t *testing.T) {
	for name, tt := range hostile(100_000) {
		for _, model := range []string{"gpt-4o", "gpt-4", "gpt-oss-120b"} {
			t.Run(name+" "+model, func(t *testing.T) {
				if name == "an image" && model != "gpt-4o" || name == "an enumeration" && model == "gpt-oss-120b" {
					tt.least = 0 // it is not counted, and the values of an enumeration without a type are not written
				}
				if c := count(t, model, tt.body); c.Tokens < tt.least {
					t.Errorf("got %d tokens, want %d or more: %s", c.Tokens, tt.least, partsOf(c))
				}
			})
		}
	}
}

func TestTooDeep(t *testing.T) {
	if _, err := try("gpt-4o", chatWith(`"tools":[{"type":"function","function":{"name":"f","parameters":`+nested(20000)+`}}]`)); err == nil {
		t.Error("a schema 20000 deep is accepted, where encoding/json takes 10000 levels")
	}
}

func TestEmbeddingIDs(t *testing.T) {
	ids := strings.TrimSuffix(strings.Repeat("15339,", 1_000_000), ",")
	if c := count(t, "text-embedding-3-small", `{"input":[`+ids+`]}`); c.Tokens != 1_000_000 {
		t.Errorf("got %d tokens", c.Tokens)
	}
}

func FuzzCount(f *testing.F) {
	for name, tt := range hostile(300) {
		f.Add(tt.body)
		_ = name
	}
	f.Add(`{"input":[[1],"x"],"instructions":null,"text":{"format":{}}}`)
	f.Add(`{"messages":[{"role":"tool","content":[null]}],"tools":[{"type":"x"}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, model := range []string{"gpt-4o", "gpt-4", "gpt-5.4", "gpt-oss-20b", "text-embedding-3-small"} {
			c, err := try(model, body)
			if err == nil && (c.Tokens < 0 || c.Min > c.Tokens) {
				t.Errorf("%s: from %d to %d tokens", model, c.Min, c.Tokens)
			}
		}
	})
}

// BenchmarkHostile shows by its two sizes whether a body's time grows with its size.
func BenchmarkHostile(b *testing.B) {
	for _, n := range []int{3_000_000, 6_000_000} {
		for name, tt := range hostile(n) {
			b.Run(fmt.Sprintf("%s/%dMB", name, n/1_000_000), func(b *testing.B) {
				b.SetBytes(int64(len(tt.body)))
				for b.Loop() {
					count(b, "gpt-4o", tt.body)
				}
			})
		}
	}
}
