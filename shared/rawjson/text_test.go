package rawjson_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/shared/rawjson"
)

// quotedStrings are JSON strings that encoding/json and Text have to read alike.
var quotedStrings = []string{
	`""`, `"plain"`, `"ü 日本"`, `"a\"b\\c\/d\b\f\n\r\t"`, `"\u0041\u00fc\u65e5"`, `"\ud83d\ude00 and \uD83D\uDE00"`,
	`"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"end\\"`, `"\u0000"`,
}

func TestText(t *testing.T) {
	for _, quoted := range quotedStrings {
		var want string
		if err := json.Unmarshal([]byte(quoted), &want); err != nil {
			t.Fatal(err)
		}
		if got, ok := rawjson.Text([]byte(quoted)); !ok || got != want {
			t.Errorf("%s: got %q, %v, want %q", quoted, got, ok, want)
		}
	}
	for raw, want := range map[string]bool{"null": true, "": true, "1": false, "true": false, "{}": false, "[]": false} {
		if got, ok := rawjson.Text([]byte(raw)); ok != want || got != "" {
			t.Errorf("%s: got %q, %v", raw, got, ok)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, quoted := range quotedStrings {
		f.Add(quoted)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var want string
		if raw = strings.TrimSpace(raw); json.Unmarshal([]byte(raw), &want) != nil || raw[0] != '"' {
			return
		}
		if got, ok := rawjson.Text([]byte(raw)); !ok || string([]rune(got)) != want {
			t.Errorf("%s: got %q, %v, want %q", raw, got, ok, want)
		}
	})
}

func TestTexts(t *testing.T) {
	tests := []struct {
		raw  string
		want []string
		ok   bool
	}{
		{`[]`, nil, true},
		{`null`, nil, true},
		{`["a"]`, []string{"a"}, true},
		{`[ "a" , "b\n" ]`, []string{"a", "b\n"}, true},
		{`["a",1]`, nil, false},
		{`["a",["b"]]`, nil, false},
		{`"a"`, nil, false},
	}
	for _, test := range tests {
		if got, ok := rawjson.Texts([]byte(test.raw)); ok != test.ok || !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, %v", test.raw, got, ok)
		}
	}
}
