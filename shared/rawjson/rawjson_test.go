package rawjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"aoai-bridge/shared/rawjson"
)

func TestWith(t *testing.T) {
	tests := []struct{ name, in, key, value, want string }{
		{"replaces a string", `{"model":"a","n":1}`, "model", `"b"`, `{"model":"b","n":1}`},
		{"keeps white space, order, escapes and big integers",
			"{ \"z\" : 9007199254740993 ,\n\t\"model\" : \"a\" , \"t\":\"\\u00e9\\ud83d\" }", "model", `"b"`,
			"{ \"z\" : 9007199254740993 ,\n\t\"model\" : \"b\" , \"t\":\"\\u00e9\\ud83d\" }"},
		{"knows an escaped key", `{"mod\u0065l":"a"}`, "model", `"b"`, `{"mod\u0065l":"b"}`},
		{"leaves nested members alone", `{"a":{"model":"x"},"b":["model",{"model":1}],"model":"m"}`, "model", `"b"`,
			`{"a":{"model":"x"},"b":["model",{"model":1}],"model":"b"}`},
		{"adds to an empty object", `{ }`, "k", `true`, `{ "k":true}`},
		{"adds at the end", `{"a":1}`, "k", `{"x":[]}`, `{"a":1,"k":{"x":[]}}`},
		{"quotes and backslashes in values", `{"a":"\\\"}","b":"\\","model":null}`, "model", `1`, `{"a":"\\\"}","b":"\\","model":1}`},
		{"bare last value", `{"model":12}`, "model", `13`, `{"model":13}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o, err := rawjson.Parse([]byte(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(o.With(rawjson.Edit{Key: test.key, Value: []byte(test.value)}).Bytes()); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", ``, "unexpected end"},
		{"cut off", `{"a":`, "unexpected end"},
		{"bad literal", `{"a":tru}`, "at byte 9"},
		{"two values", `{} {}`, "at byte 4"},
		{"typographic quotes", `{“a”:1}`, "invalid character '“' looking for beginning of object key string (at byte 2)"},
		{"a letter that is no ASCII", `{"a":é}`, "invalid character 'é' looking for beginning of value"},
		{"half a character", "{\xe2", "invalid character"},
		{"array", `[1]`, rawjson.ErrNotObject.Error()},
		{"string", `"x"`, rawjson.ErrNotObject.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := rawjson.Parse([]byte(test.in))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

// FuzzParse holds Parse against encoding/json: the same texts are objects, and every first member
// of a name is found with the value encoding/json sees.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, ` {"a" : [1,{"b":"}\""}] , "a":2}`, `{"\u0061":"\\"}`, `[]`, `{"a":`, "{\"\xff\":1}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := rawjson.Parse(raw)
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(raw, &want)
		if wantErr == nil && want == nil { // null
			wantErr = errors.New("null")
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("Parse: %v, encoding/json: %v", err, wantErr)
		}
		if err != nil {
			return
		}
		for key, value := range want {
			if o.Count(key) == 1 && !bytes.Equal(o.Get(key), value) {
				t.Fatalf("%q: got %s, want %s", key, o.Get(key), value)
			}
			if !json.Valid(o.With(rawjson.Edit{Key: key, Value: []byte(`"new"`)}).Bytes()) {
				t.Fatalf("replacing %q leaves invalid JSON", key)
			}
		}
		if !json.Valid(o.With(rawjson.Edit{Key: "a new member", Value: []byte(`{"n":[]}`)}).Bytes()) {
			t.Fatal("adding a member leaves invalid JSON")
		}
	})
}
