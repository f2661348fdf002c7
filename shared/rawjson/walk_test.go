package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// texts are JSON and what is nearly so.
var texts = []string{
	``, ` `, `{}`, `[]`, `{"a":1}`, `{"a":1,}`, `{"a" : [1 , 2.5e-3,-0, 1E+9 ]}`, `"\u00e9\n\\\""`, `"\u00g0"`, `"\x"`, `"` + "\x01" + `"`,
	`"` + "\xff\x7f" + `"`, `01`, `-`, `1.`, `1e`, `.5`, `+1`, `tru`, `true`, `nul`, `null `, `[1 2]`, `{"a"}`, `{a:1}`, `{"a":}`, `[,]`,
	`{"a":1}{}`, `"abc`, `"\`, `"\u12`, `{"a":{"b":[[[]]]}}`, "\ufeff{}", `[-0.0e0]`, `1e5x`, `[1,"a",-2,[3],{"n":4}]`, `{"a":[],"\u0061":{}}`,
	`{"long enough for two words":"and \"this\" too, with \ud83d\ude00 in it","then":["short",""]}`, "\"1234567\x1f\"", "[\"\x7f\x80\xa2\xdc\"]",
}

// FuzzWalk holds the walk against encoding/json: the same texts are JSON, and what the Tree finds in them is
// the same, even in a Tree that has read another text.
func FuzzWalk(f *testing.F) {
	for _, seed := range texts {
		f.Add([]byte(seed))
	}
	var again Tree
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := ParseTree(raw)
		if valid := json.Valid(raw); (err == nil) != valid {
			t.Fatalf("%q: %v, json.Valid is %v", raw, err, valid)
		}
		if _, err := Parse(raw); (err == nil) != (json.Valid(raw) && strings.HasPrefix(strings.TrimSpace(string(raw)), "{")) {
			t.Fatalf("%q: Parse: %v", raw, err)
		}
		if err != nil {
			return
		}
		for name, n := range map[string]Node{"a Tree": got, "a Tree used before": readTree(t, &again, raw)} {
			if got, want := valuesOf(n), wantedValues(t, raw); !reflect.DeepEqual(got, want) {
				t.Errorf("%q: %s found\n%q, encoding/json\n%q", raw, name, got, want)
			}
		}
	})
}

func readTree(t *testing.T, tree *Tree, raw []byte) Node {
	n, err := tree.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// valuesOf lists what a Tree has, value by value: the names of members, and texts and bytes of values. The numbers
// of an array become their count.
func valuesOf(n Node) (list []string) {
	switch n.Kind() {
	case '{':
		for name, v := range n.Members() {
			list = append(append(list, "name "+string([]rune(name))), valuesOf(v)...)
			if n.Count(name) == 1 && n.Get(name) != v || n.Count(name) < 1 {
				list = append(list, "which Get does not find")
			}
		}
	case '[':
		list = append(list, fmt.Sprint("numbers ", n.Numbers()))
		for v := range n.Elements() {
			list = append(list, valuesOf(v)...)
		}
	case '"':
		return []string{"text " + string([]rune(n.Text()))}
	default:
		return []string{"bytes " + string(n.Raw())}
	}
	return append(list, fmt.Sprintf("end of %c, %d bytes", n.Kind(), len(n.Raw())))
}

// wantedValues lists what encoding/json has in place of valuesOf.
func wantedValues(t *testing.T, raw []byte) (list []string) {
	switch raw = bytes.TrimSpace(raw); raw[0] {
	case '{':
		d := json.NewDecoder(bytes.NewReader(raw))
		_, _ = d.Token() // the brace
		for d.More() {
			name, _ := d.Token()
			var v json.RawMessage
			if err := d.Decode(&v); err != nil {
				t.Fatal(err)
			}
			list = append(append(list, "name "+name.(string)), wantedValues(t, v)...)
		}
	case '[':
		var all []json.RawMessage
		if err := json.Unmarshal(raw, &all); err != nil {
			t.Fatal(err)
		}
		numbers := 0
		var rest []string
		for _, v := range all {
			if v[0] == '-' || isDigit(v[0]) {
				numbers++
			} else {
				rest = append(rest, wantedValues(t, v)...)
			}
		}
		list = append([]string{fmt.Sprint("numbers ", numbers)}, rest...)
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		return []string{"text " + s}
	default:
		return []string{"bytes " + string(raw)}
	}
	return append(list, fmt.Sprintf("end of %c, %d bytes", raw[0], len(raw)))
}

func TestDepth(t *testing.T) {
	for _, depth := range []int{9_999, 10_000, 10_001, 20_000} {
		raw := []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		if _, err := ParseTree(raw); (err == nil) != json.Valid(raw) {
			t.Errorf("%d deep: %v, json.Valid is %v", depth, err, json.Valid(raw))
		}
		if _, err := Parse(raw); (err == ErrNotObject) != json.Valid(raw) {
			t.Errorf("%d deep: Parse: %v", depth, err)
		}
	}
}
