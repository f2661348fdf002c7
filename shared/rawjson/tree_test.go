package rawjson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// decoded is what encoding/json would make of a node, to compare with.
func decoded(n Node) any {
	switch n.Kind() {
	case '{':
		o := map[string]any{}
		for name, v := range n.Members() {
			o[name] = decoded(v)
		}
		return o
	case '[':
		a := []any{}
		for v := range n.Elements() {
			a = append(a, decoded(v))
		}
		return a
	case '"':
		return n.Text()
	}
	var v any
	if err := json.Unmarshal(n.Raw(), &v); err != nil {
		panic(err)
	}
	return v
}

func TestTree(t *testing.T) {
	var again Tree // reads them all
	for _, text := range []string{
		`{}`, `[]`, `""`, `1`, `null`, ` {"a" : [ { } , [ ] , "x" ] , "b":{"c":{"d":null,"e":-1.5e3}}, "f":true } `,
		`{"a\"b":"\\","":"\u00e9\/","c":["\"]",{"k":"}"}]}`, `[[[["deep"]]],"after"]`, `"only \" text"`, `[true,false,null]`,
	} {
		t.Run(text, func(t *testing.T) {
			n, err := ParseTree([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			var want any
			if err := json.Unmarshal([]byte(text), &want); err != nil {
				t.Fatal(err)
			}
			if got := decoded(n); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if got := decoded(readTree(t, &again, []byte(text))); !reflect.DeepEqual(got, want) {
				t.Errorf("a Tree that has read others got %v, want %v", got, want)
			}
			if got := bytes.TrimSpace([]byte(text)); !bytes.Equal(n.Raw(), got) {
				t.Errorf("Raw is %s", n.Raw())
			}
		})
	}
}

func TestTreeLeavesNumbersOfArraysOut(t *testing.T) {
	n, err := ParseTree([]byte(`{"input":[[1,2,-3],[4e5],"x",[]],"n":7}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for e := range n.Get("input").Elements() {
		got = append(got, e.Numbers())
	}
	if want := []int{3, 1, 0, 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("Numbers are %v, want %v", got, want)
	}
	if string(n.Get("n").Raw()) != "7" || n.Get("n").Kind() != '0' {
		t.Errorf("n is %s", n.Get("n").Raw())
	}
}

func TestTreeOfNothing(t *testing.T) {
	n, err := ParseTree([]byte(`{"a":{"b":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	none := n.Get("x").Get("y")
	if !none.Absent() || none.Kind() != 0 || none.Text() != "" || none.Raw() != nil || none.Numbers() != 0 {
		t.Error("a value that is not there has something")
	}
	if b := n.Get("a").Get("b"); !b.Absent() || b.Kind() != 'n' {
		t.Error("null is not absent")
	}
}

func TestTreeRefuses(t *testing.T) {
	for _, text := range []string{``, `{`, `{"a":}`, `[1,]`, `tru`, `{"a":1} x`, strings.Repeat("[", 20000) + strings.Repeat("]", 20000)} {
		if _, err := ParseTree([]byte(text)); err == nil {
			t.Errorf("%.20q is accepted", text)
		}
	}
}

func TestMisspelt(t *testing.T) {
	tests := []struct{ raw, got, want string }{
		{`{"model":1,"stream":2}`, "", ""},
		{`{"Model":1}`, "Model", "model"},
		{`{"model":1,"x":2,"MODEL":3}`, "MODEL", "model"},
		{`{"mod\u0045l":1}`, "modEl", "model"},
		{`{"mod\u0065l":1}`, "", ""},
		{`{"\u017ftream":1}`, "ſtream", "stream"},
		{`{"ſtream":1}`, "ſtream", "stream"},
		{`{"to\u212aen":1}`, "to\u212aen", "token"},
		{`{"models":1,"mode":2,"":3}`, "", ""},
		{`{"x":{"Model":1}}`, "", ""},
		{`["Model"]`, "", ""},
		{`"Model"`, "", ""},
		{`{}`, "", ""},
	}
	for _, tt := range tests {
		n, err := ParseTree([]byte(tt.raw))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := n.Misspelt("model", "stream", "token"); got != tt.got || want != tt.want {
			t.Errorf("%s: got %q for %q", tt.raw, got, want)
		}
		if tt.raw[0] != '{' {
			continue
		}
		o, err := Parse([]byte(tt.raw))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := o.Misspelt("model", "stream", "token"); got != tt.got || want != tt.want {
			t.Errorf("%s, the top alone: got %q for %q", tt.raw, got, want)
		}
		// encoding/json would take every one of them.
		var into struct{ Model, Stream, Token json.RawMessage }
		if err := json.Unmarshal([]byte(tt.raw), &into); err != nil || tt.got != "" && into.Model == nil && into.Stream == nil && into.Token == nil {
			t.Errorf("%s: encoding/json has %+v, %v", tt.raw, into, err)
		}
	}
}
