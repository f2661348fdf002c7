package rawjson

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzValid holds valid against json.Valid.
func FuzzValid(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `{}`, `[]`, `{"a":1}`, `{"a":1,}`, `{"a" : [1 , 2.5e-3,-0, 1E+9 ]}`, `"\u00e9\n\\\""`, `"\u00g0"`, `"\x"`, `"` + "\x01" + `"`,
		`"` + "\xff\x7f" + `"`, `01`, `-`, `1.`, `1e`, `.5`, `+1`, `tru`, `true`, `nul`, `null `, `[1 2]`, `{"a"}`, `{a:1}`, `{"a":}`, `[,]`,
		`{"a":1}{}`, `"abc`, `"\`, `"\u12`, `{"a":{"b":[[[]]]}}`, "\ufeff{}", `[-0.0e0]`, `1e5x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, want := valid(raw), json.Valid(raw); got != want {
			t.Errorf("valid(%q) is %v, json.Valid %v", raw, got, want)
		}
	})
}

func TestFind(t *testing.T) {
	wanted := []Wanted{{Key: "a", In: []Wanted{{Key: "b"}}}, {Key: "c"}}
	tests := []struct{ name, text, a, b, c string }{
		{"all", `{"c":[1,{"a":2}], "a" : {"x":{"b":0},"b":"y"} }`, `{"x":{"b":0},"b":"y"}`, `"y"`, `[1,{"a":2}]`},
		{"the first of several", `{"c":1,"c":2,"a":{"b":1,"b":2},"a":{"b":3}}`, `{"b":1,"b":2}`, `1`, `1`},
		{"escaped", `{"\u0061":{"\u0062":true}}`, `{"\u0062":true}`, `true`, ``},
		{"no object", `{"a":[{"b":1}]}`, `[{"b":1}]`, ``, ``},
		{"none", `{}`, ``, ``, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := Find([]byte(tt.text), wanted); err != nil {
				t.Fatal(err)
			}
			a, b, c := string(wanted[0].Value), string(wanted[0].In[0].Value), string(wanted[1].Value)
			if a != tt.a || b != tt.b || c != tt.c {
				t.Errorf("got %s, %s and %s", a, b, c)
			}
		})
	}
	if err := Find([]byte(`[1]`), wanted); err != ErrNotObject {
		t.Errorf("an array: %v", err)
	}
	if err := Find([]byte(`{"a":}`), wanted); err == nil {
		t.Error("no error for what is no JSON")
	}
}

func TestValidDepth(t *testing.T) {
	for _, depth := range []int{9_999, 10_000, 10_001, 20_000} {
		raw := []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		if got, want := valid(raw), json.Valid(raw); got != want {
			t.Errorf("%d deep: valid is %v, json.Valid %v", depth, got, want)
		}
	}
}
