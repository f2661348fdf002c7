package jsonpath_test

import (
	"encoding/json"
	"strings"
	"testing"

	"aoai-bridge/infra/local/jsonpath"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestGet(t *testing.T) {
	root := decode(t, `{"a":{"b":[10,20,{"c":9007199254740993}]},"version-id":"v","x y":1,"it's":2,"n":null,"l":[{"n":1},{"n":2},{"m":3}]}`)
	tests := []struct{ path, want string }{
		{"$.a.b[2].c", "9007199254740993"},
		{"$.a.b[-3]", "10"},
		{"$['a']['b'][1]", "20"},
		{`$["x y"]`, "1"},
		{`$['it\'s']`, "2"},
		{"$.version-id", `"v"`},
		{"$.n", "null"},
		{"$.a.b[0,2]", `[10,{"c":9007199254740993}]`},
		{"$.a.b[1:]", `[20,{"c":9007199254740993}]`},
		{"$.a.b[:-1]", "[10,20]"},
		{"$.a.b[1:1]", "[]"},
		{"$.a.b[2:1]", "[]"},
		{"$.l[*].n", "[1,2]"},
		{"$.l.*.m", "[3]"},
		{"$..n", "[null,1,2]"},
		{"$.a..[0]", "[10]"},
		{"$['version-id','x y']", `["v",1]`},
		{"$.gone", ""},
		{"$.a.b[3]", ""},
		{"$.version-id.x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			p, err := jsonpath.Parse(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			value, ok := p.Get(root)
			got, _ := json.Marshal(value)
			if ok != (tt.want != "") || ok && string(got) != tt.want {
				t.Errorf("got %s, %v, want %s", got, ok, tt.want)
			}
		})
	}
}

func TestSet(t *testing.T) {
	tests := []struct{ path, root, want string }{
		{"$", `{"a":1}`, "9"},
		{"$.a", `{"a":1,"b":2}`, `{"a":9,"b":2}`},
		{"$.a.b.c", `{}`, `{"a":{"b":{"c":9}}}`},
		{"$.a[1].b", `{"a":[1,{"c":2}]}`, `{"a":[1,{"b":9,"c":2}]}`},
		{"$.a.b", `{"a":null}`, `{"a":{"b":9}}`},
		{"$.a.b", `{"a":1}`, ""},
		{"$.a[2]", `{"a":[1]}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.path+" in "+tt.root, func(t *testing.T) {
			p, err := jsonpath.Parse(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			root := decode(t, tt.root)
			value, ok := p.Set(root, json.Number("9"))
			got, _ := json.Marshal(value)
			if ok != (tt.want != "") || ok && string(got) != tt.want {
				t.Errorf("got %s, %v, want %s", got, ok, tt.want)
			}
			if before, _ := json.Marshal(root); string(before) != tt.root {
				t.Errorf("the root became %s", before)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{"", "a", "$a", "$.", "$.a.", "$[", "$['a", "$[a]", "$[0 1]", "$.a[?(@.b)]", "$.a.length()", "$[1:x]"} {
		if p, err := jsonpath.Parse(text); err == nil {
			t.Errorf("%q became %+v", text, p)
		}
	}
}
