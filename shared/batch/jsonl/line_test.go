package jsonl

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"aoai-bridge/shared/rawjson"
)

// FuzzLine holds Parse against encoding/json: a line is taken for a request where that sees one, and for
// the same request.
func FuzzLine(f *testing.F) {
	for _, seed := range []string{
		`{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o","messages":[{"role":"user","content":"h\u00fc\n"}]}}`,
		`{"method":"POST","url":"/v1/responses","mode":"online","body":{"model":"m","stream":false,"max_output_tokens":7,"n":2}}`,
		`{"method":"POST","url":"\/v1\/embeddings","body":{"mod\u0065l":"m","input":[1,2]},"custom_id":7}`,
		`{"method":"post","url":"https://x/openai/deployments/d%20e/chat/completions?api-version=1","body":{"n":1}}`,
		`{"custom_id":null,"method":"POST","url":"/responses","body":{"model":"m"},"mode":null}`, `{"method":"POST","method":"POST"}`, `[]`, `{`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	var tree rawjson.Tree
	f.Fuzz(func(t *testing.T, raw []byte) {
		l, bad := Parse(&tree, RawLine{Text: raw, Number: 1})
		var o, body map[string]json.RawMessage
		isObject := utf8.Valid(raw) && json.Unmarshal(raw, &o) == nil && o != nil
		if bad != nil {
			if isObject == (bad.Code == "invalid_json_line" || bad.Code == "invalid_utf8") {
				t.Fatalf("%q: %+v", raw, bad)
			}
			return
		}
		text := func(raw json.RawMessage) (s string) {
			_ = json.Unmarshal(raw, &s)
			return s
		}
		if !isObject || json.Unmarshal(o["body"], &body) != nil || body == nil {
			t.Fatalf("%q is taken for a request", raw)
		}
		endpoint, deployment := parseURL(text(o["url"]))
		if !strings.EqualFold(strings.TrimSpace(text(o["method"])), "POST") || endpoint != l.Endpoint || deployment != l.Deployment ||
			Mode(text(o["mode"])) != l.Mode || cmp.Or(text(body["model"]), deployment) != l.Model || string(o["body"]) != string(l.Body.Raw()) {
			t.Errorf("%q is taken for %+v", raw, l)
		}
		if id := o["custom_id"]; string(id) != string(l.CustomID) && string(id) != "null" {
			t.Errorf("%q: custom_id is %s", raw, l.CustomID)
		}
		if changed := l.BodyFor(l.Model + "-batch").Bytes(); !json.Valid(changed) {
			t.Errorf("%q: the body for a deployment is %s", raw, changed)
		}
		// What is accepted comes back: as a request, and as the same line.
		complete := l.BodyFor(l.Model).Bytes()
		var written bytes.Buffer
		if err := WriteRequest(&written, nil, 1, "/v1/"+l.Endpoint, l.BodyFor(l.Model)); err != nil {
			t.Fatal(err)
		}
		request := written.Bytes()
		if sent, err := ReadRequest(request); err != nil || sent.Number != 1 || string(sent.Body.Bytes()) != string(complete) {
			t.Errorf("%q: as a request it is %q, %v", raw, request, err)
		}
		if size := RequestSize(1, "/v1/"+l.Endpoint, len(complete)); size != len(request) {
			t.Errorf("%q: a request of %d bytes is taken for %d", raw, len(request), size)
		}
		customID := l.CustomID
		if customID == nil {
			customID = json.RawMessage("null")
		}
		mode := "null"
		if l.Mode != Auto {
			mode = `"` + string(l.Mode) + `"`
		}
		rewritten := fmt.Sprintf(`{"custom_id":%s,"mode":%s,"method":"POST","url":"/v1/%s","body":%s}`, customID, mode, l.Endpoint, complete)
		number, endpoint, model, id := l.Number, l.Endpoint, l.Model, string(l.CustomID)
		if again, bad := Parse(&tree, RawLine{Text: []byte(rewritten), Number: 1}); bad != nil ||
			again.Number != number || again.Endpoint != endpoint || again.Model != model || string(again.CustomID) != id {
			t.Errorf("%q: written again it is %+v, %+v", raw, again, bad)
		}
	})
}
