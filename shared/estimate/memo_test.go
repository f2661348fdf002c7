package estimate

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/rawjson"
)

// A file's lines are counted as each is alone, though tree, memo and the line's memory are one.
func TestMemoChangesNothing(t *testing.T) {
	named, err := catalog.Embedded().Lookup("gpt-4o")
	if err != nil {
		t.Fatal(err)
	}
	alone, err := RulesFor(catalog.Embedded(), named, nil)
	if err != nil {
		t.Fatal(err)
	}
	together := alone
	together.Memo = new(Memo)
	var tree rawjson.Tree
	var buffer []byte
	line := func(role, content, more string) string {
		return `{"messages":[{"role":"` + role + `","content":` + content + `},{"role":"user","content":"a\tb\n\nc"}]` + more + `}`
	}
	tool := `,"tools":[{"type":"function","function":{"name":"f"}}]`
	lines := []string{
		line("system", `"You are\nbrief."`, ""), line("system", `"You are\nbrief."`, ""), line("system", `"You are\nlarge."`, ""),
		line("system", `"You are\nbrief."`, tool), line("developer", `"You are\nbrief."`, ""), line("user", `"You are\nbrief."`, tool),
		line("system", `""`, ""), line("system", `""`, tool), line("system", `null`, ""), line("system", `[{"type":"text","text":"You are\nbrief."}]`, ""),
		line("system", `"`+strings.Repeat("long ", maxMemo/5)+`"`, ""),
	}
	schema := `{"type":"object","required":["a"],"properties":{"a":{"type":"string"},"b":{"anyOf":[{"type":"number"},{"type":"null"}]}}}`
	defined := `[{"type":"function","function":{"name":"f","description":"It\nworks","parameters":` + schema + `}}]`
	for range 2 {
		for _, more := range []string{
			`,"tools":` + defined, `,"functions":[{"name":"g"}],"tools":` + defined, `,"tools":[{"type":"web_search"}]`,
			`,"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":` + schema + `}}`, `,"response_format":{"type":"json_object"}`,
			`,"functions":[{"type":"function","name":"h"}]`, `,"tools":[{"type":"function","name":"h"}]`, `,"functions":[],"tools":` + defined,
		} {
			lines = append(lines, line("system", `"Brief."`, more), line("user", `"Brief."`, more), line("user", `"Brief."`, more+`,"max_tokens":5`))
		}
	}
	for i := range 100 {
		lines = append(lines, line("system", fmt.Sprintf(`"%d %s"`, i%30, strings.Repeat("word ", 2000)), ""))
	}
	for i, text := range lines {
		want, err := Of(Chat, parse(t, text), alone)
		if err != nil {
			t.Fatal(err)
		}
		buffer = append(buffer[:0], text...)
		body, err := tree.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Of(Chat, body, together); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("line %d, %.80s: got %+v, %v, want %+v", i, text, got, err, want)
		}
		if together.Memo.bytes > maxMemo {
			t.Fatalf("the memo has %d bytes", together.Memo.bytes)
		}
	}
	if len(together.Memo.counts) == 0 {
		t.Error("the memo has kept nothing")
	}
	instructions := func(more string) string {
		return `{"instructions":"You are\nbrief.","input":"a"` + more + `}`
	}
	for _, text := range []string{instructions(""), instructions(""), instructions(`,"tools":[{"type":"function","name":"f"}]`)} {
		want, err := Of(Responses, parse(t, text), alone)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Of(Responses, parse(t, text), together); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}
