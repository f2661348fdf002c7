package jsonl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"aoai-bridge/shared/rawjson"
)

// A line that is too long keeps its custom_id, wherever that stands in it.
func TestLongLine(t *testing.T) {
	long := strings.Repeat(`long \"{[:,]}\\ `, 20)
	body := `"body":{"model":"m","custom_id":"no","a":[{"custom_id":"nor this"},"` + long + `"]}`
	for _, tt := range []struct{ name, line, id string }{
		{"first", `{"custom_id":"a",` + body + `}`, `"a"`},
		{"last", `{` + body + `,"custom_id":"a"}`, `"a"`},
		{"between", ` { "method" : "POST" , "custom_id" : "a" , ` + body + ` } `, `"a"`},
		{"with escapes", `{` + body + `,"custom\u005fid":"\"a\\\u00e9,}"}`, `"\"a\\\u00e9,}"`},
		{"a number", `{"x":"` + long + `","custom_id":7}`, `7`},
		{"an object", `{"x":"` + long + `","custom_id":{"a":[1,{"b":"}"}]},"y":1}`, `{"a":[1,{"b":"}"}]}`},
		{"the first of two", `{"custom_id":1,"x":"` + long + `","custom_id":2}`, `1`},
		{"null", `{"custom_id":null,"x":"` + long + `"}`, ``},
		{"none", `{` + body + `}`, ``},
		{"too long itself", `{"custom_id":"` + strings.Repeat("a", maxID) + `"}`, ``},
		{"not UTF-8", `{"custom_id":"` + "\xff" + `","x":"` + long + `"}`, ``},
		{"no JSON", `{"custom_id":a,"x":"` + long + `"}`, ``},
		{"torn", `{"x":"` + long + `","custom_id":"a`, ``},
		{"no object", `["custom_id","` + long + `"]`, ``},
		{"no JSON at all", long + long, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{16, 29, 250} {
				file := "{}\n" + tt.line + "\n{}\n"
				s := &Scanner{r: bufio.NewReaderSize(strings.NewReader(file), size), limit: 40}
				var found []RawLine
				for s.Next() {
					found = append(found, s.RawLine)
				}
				var tree rawjson.Tree
				if len(found) != 3 || !found[1].Long || found[0].CustomID != nil || found[2].CustomID != nil {
					t.Fatalf("got %+v", found)
				}
				l, bad := Parse(&tree, found[1])
				if bad.Code != "line_too_long" || string(AppendError(nil, "job_1", 2, l.CustomID, bad)) != string(AppendError(nil, "job_1", 2, json.RawMessage(orNone(tt.id)), bad)) {
					t.Errorf("got %s and %s, want %s", bad.Code, l.CustomID, tt.id)
				}
			}
		})
	}
}

func orNone(id string) []byte {
	if id == "" {
		return nil
	}
	return []byte(id)
}

// FuzzLongLine holds the finder against encoding/json, in pieces of every size.
func FuzzLongLine(f *testing.F) {
	for _, seed := range []string{`{"custom_id":"a","body":{}}`, `{"body":[{"custom_id":1}],"custom_id":{"a":"\"}"}}`, `{"custom_id"  : -1e5 }`, `[{"custom_id":1}]`, `"custom_id"`, `{}`} {
		f.Add([]byte(seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, line []byte, size uint8) {
		if !json.Valid(line) || !utf8.Valid(line) || bytes.IndexByte(line, '\n') >= 0 {
			return
		}
		want := ""
		decoder := json.NewDecoder(bytes.NewReader(line))
		if open, _ := decoder.Token(); open == json.Delim('{') {
			for decoder.More() {
				name, _ := decoder.Token()
				var value json.RawMessage
				_ = decoder.Decode(&value) // it is valid
				if name == "custom_id" {
					want = string(value)
					break
				}
			}
		}
		var l longLine
		for rest := line; len(rest) > 0; {
			n := min(int(size)%17+1, len(rest))
			l.add(rest[:n])
			rest = rest[n:]
		}
		if string(l.id) != want {
			t.Errorf("%s: got %s, want %s", line, l.id, want)
		}
	})
}

// No line takes more memory for its values than is allowed.
func TestTooManyValues(t *testing.T) {
	var tree rawjson.Tree
	line := fmt.Sprintf(`{"custom_id":"a","method":"POST","url":"/v1/responses","body":{"model":"m","input":[%s""]}}`, strings.Repeat(`"",`, maxValues))
	if _, bad := Parse(&tree, RawLine{Number: 1, Text: []byte(line)}); bad == nil || bad.Code != "line_too_complex" {
		t.Errorf("got %+v", bad)
	}
	if _, bad := Parse(&tree, RawLine{Number: 1, Text: []byte(strings.Replace(line, `"",`, ``, 20))}); bad != nil {
		t.Errorf("got %+v", bad)
	}
}
