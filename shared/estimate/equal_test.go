package estimate

import (
	"strings"
	"testing"
)

// One conversation must have one count, whether it is a chat or a response.
func TestChatIsResponse(t *testing.T) {
	chinese := strings.Repeat("北京今天多云，最高气温二十度。\\n", 50)
	for _, tt := range []struct{ name, chat, response string }{
		{"a question", `"messages":[{"role":"user","content":"hello"}]`, `"input":"hello"`},
		{"instructions", `"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hello"}]`, `"instructions":"Be brief.","input":"hello"`},
		{"a developer's text", `"messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"hello"}]}]`,
			`"input":[{"role":"developer","content":"Be brief."},{"type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}]`},
		{"a tool", `"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hello"}],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}}],"tool_choice":{"type":"function","function":{"name":"f"}}`,
			`"instructions":"Be brief.","input":"hello","tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}],"tool_choice":{"type":"function","name":"f"}`},
		{"a schema", `"messages":[{"role":"user","content":"hello"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","description":"d","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}`,
			`"input":"hello","text":{"format":{"type":"json_schema","name":"x","description":"d","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}`},
		{"an image", `"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"high"}}]}]`,
			`"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.com/a.png","detail":"high"}]}]`},
		{"a refusal", `"messages":[{"role":"user","content":"hello"},{"role":"assistant","refusal":"I cannot."}]`,
			`"input":[{"role":"user","content":"hello"},{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"I cannot."}]}]`},
		{"a call", `"messages":[{"role":"user","content":"hello"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]},{"role":"tool","tool_call_id":"a","content":"` + chinese + `"}]`,
			`"input":[{"role":"user","content":"hello"},{"type":"function_call","call_id":"a","name":"f","arguments":"{\"a\": 1}"},{"type":"function_call_output","call_id":"a","output":"` + chinese + `"}]`},
		{"a text and a call", `"messages":[{"role":"assistant","content":"I look.","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}]`,
			`"input":[{"role":"assistant","content":"I look."},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"x"}]`},
		{"three calls side by side", `"messages":[{"role":"user","content":"hello"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{\"a\":2}"}},{"id":"c","type":"custom","custom":{"name":"g","input":"x"}}]},{"role":"tool","tool_call_id":"a","content":"` + chinese + `"},{"role":"tool","tool_call_id":"b","content":"` + chinese + `"},{"role":"tool","tool_call_id":"c","content":"` + chinese + `"},{"role":"assistant","content":"Clouds."},{"role":"user","content":"And tomorrow?"}]`,
			`"input":[{"role":"user","content":"hello"},{"type":"function_call","call_id":"a","name":"f","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"b","name":"f","arguments":"{\"a\":2}"},{"type":"custom_tool_call","call_id":"c","name":"g","input":"x"},{"type":"function_call_output","call_id":"a","output":"` + chinese + `"},{"type":"function_call_output","call_id":"b","output":"` + chinese + `"},{"type":"custom_tool_call_output","call_id":"c","output":"` + chinese + `"},{"role":"assistant","content":[{"type":"output_text","text":"Clouds."}]},{"role":"user","content":"And tomorrow?"}]`},
		{"two calls side by side, and one after them", `"messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"é"},{"role":"tool","tool_call_id":"b","content":"é"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"é"}]`,
			`"input":[{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call","call_id":"b","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"é"},{"type":"function_call_output","call_id":"b","output":"é"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"é"}]`},
		{"calls without results", `"messages":[{"role":"user","content":"hello"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]}]`,
			`"input":[{"role":"user","content":"hello"},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call","call_id":"b","name":"f","arguments":"{}"}]`},
	} {
		for _, model := range []string{"gpt-4o", "gpt-4.1-mini", "gpt-5.4", "gpt-oss-120b"} {
			t.Run(tt.name+" "+model, func(t *testing.T) {
				chat, response := count(t, model, "{"+tt.chat+"}"), count(t, model, "{"+tt.response+"}")
				if chat.Tokens != response.Tokens || chat.Min != response.Min || chat.Basis != response.Basis || len(chat.Missing) != len(response.Missing) {
					t.Errorf("chat     %d to %d: %s\nresponse %d to %d: %s", chat.Min, chat.Tokens, partsOf(chat), response.Min, response.Tokens, partsOf(response))
				}
			})
		}
	}
}

// Whether the results of calls made side by side are escaped is not known of every model.
func TestParallelResultsAreARange(t *testing.T) {
	const body = `{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}},{"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"北京今天多云"},{"role":"tool","content":"plain"}]}`
	for model, isRange := range map[string]bool{"gpt-4o": false, "gpt-4.1-mini": true, "gpt-5.4": true} {
		if c := count(t, model, body); c.Basis != Estimated || (c.Min < c.Tokens) != isRange {
			t.Errorf("%s: from %d to %d (%s)", model, c.Min, c.Tokens, c.Basis)
		}
	}
}
