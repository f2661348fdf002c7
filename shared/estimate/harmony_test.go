package estimate

import (
	"strings"
	"testing"
	"time"

	"aoai-bridge/shared/tokens"
)

const weatherTool = `{"name":"get_weather","description":"Gets the current weather in the provided location.","parameters":{"type":"object","properties":{"location":{"type":"string","description":"The city and state, e.g. San Francisco, CA"},"format":{"type":"string","enum":["celsius","fahrenheit"],"default":"celsius"}},"required":["location"]}}`

// What a conversation is to gpt-oss, with its special tokens, must have as many tokens as are counted.
func TestHarmony(t *testing.T) {
	const (
		identity = "<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\nCurrent date: 2025-06-28\n\nReasoning: "
		channels = "\n\n# Valid channels: analysis, commentary, final. Channel must be included for every message."
		calls    = "\nCalls to these tools must go to the commentary channel: 'functions'."
		system   = identity + "medium" + channels + "<|end|>"
		answer   = "<|start|>assistant"
		weather  = "# Tools\n\n## functions\n\nnamespace functions {\n\n// Gets the current weather in the provided location.\ntype get_weather = (_: {\n// The city and state, e.g. San Francisco, CA\nlocation: string,\nformat?: \"celsius\" | \"fahrenheit\", // default: celsius\n}) => any;\n\n} // namespace functions"
	)
	encoding, err := tokens.Lookup("o200k_harmony")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, body, want string }{
		{"hello", `{"messages":[{"role":"user","content":"hello"}]}`, system + "<|start|>user<|message|>hello<|end|>" + answer},
		{"a response", `{"input":"hello"}`, system + "<|start|>user<|message|>hello<|end|>" + answer},
		{"little thought", `{"messages":[{"role":"user","content":"hello"}],"reasoning_effort":"low"}`, identity + "low" + channels + "<|end|><|start|>user<|message|>hello<|end|>" + answer},
		{"much thought", `{"input":"hello","reasoning":{"effort":"high"}}`, identity + "high" + channels + "<|end|><|start|>user<|message|>hello<|end|>" + answer},
		{"a name", `{"messages":[{"role":"user","name":"ann","content":"hello"}]}`, system + "<|start|>user:ann<|message|>hello<|end|>" + answer},
		{"text that reads like a special token", `{"messages":[{"role":"user","content":"<|x"}]}`, system + "<|start|>user<|message|><|x<|end|>" + answer},
		{"instructions", `{"instructions":"Always respond in riddles","input":"hello"}`, system + "<|start|>developer<|message|># Instructions\n\nAlways respond in riddles<|end|><|start|>user<|message|>hello<|end|>" + answer},
		{"a system message in parts", `{"messages":[{"role":"system","content":[{"type":"text","text":"Always respond"},{"type":"text","text":" in riddles"}]},{"role":"user","content":"hello"}]}`, system + "<|start|>developer<|message|># Instructions\n\nAlways respond in riddles<|end|><|start|>user<|message|>hello<|end|>" + answer},
		{"an answer before", `{"messages":[{"role":"user","content":"What is 2 + 2?"},{"role":"assistant","content":"2 + 2 = 4."},{"role":"user","content":"What about 9 / 2?"}]}`,
			system + "<|start|>user<|message|>What is 2 + 2?<|end|><|start|>assistant<|channel|>final<|message|>2 + 2 = 4.<|end|><|start|>user<|message|>What about 9 / 2?<|end|>" + answer},
		{"a tool", `{"messages":[{"role":"user","content":"hello"}],"tools":[{"type":"function","function":` + weatherTool + `}],"tool_choice":"auto"}`,
			identity + "medium" + channels + calls + "<|end|><|start|>developer<|message|>" + weather + "<|end|><|start|>user<|message|>hello<|end|>" + answer},
		{"a tool and a developer's text", `{"messages":[{"role":"developer","content":"Always respond in riddles"},{"role":"user","content":"What is the weather like in SF?"}],"tools":[{"type":"function","function":` + weatherTool + `}]}`,
			identity + "medium" + channels + calls + "<|end|><|start|>developer<|message|># Instructions\n\nAlways respond in riddles\n\n" + weather + "<|end|><|start|>user<|message|>What is the weather like in SF?<|end|>" + answer},
		{"a call and its result", `{"messages":[{"role":"user","content":"hello"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"get_weather","arguments":"{\"location\":\"Tokyo\"}"}}]},{"role":"tool","tool_call_id":"a","content":"{\"sunny\": true}"}]}`,
			system + "<|start|>user<|message|>hello<|end|><|start|>assistant to=functions.get_weather<|channel|>commentary <|constrain|>json<|message|>{\"location\":\"Tokyo\"}<|call|><|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>{\"sunny\": true}<|end|>" + answer},
		{"a schema", `{"instructions":"Help.","input":"hello","text":{"format":{"type":"json_schema","name":"list","description":"What to buy","schema":{"type": "object", "properties": {}}}}}`,
			system + "<|start|>developer<|message|># Instructions\n\nHelp.\n\n# Response Formats\n\n## list\n\n// What to buy\n{\"type\":\"object\",\"properties\":{}}<|end|><|start|>user<|message|>hello<|end|>" + answer},
		{"a schema alone", `{"messages":[{"role":"user","content":"hello"}],"response_format":{"type":"json_schema","json_schema":{"name":"list","schema":{"type":"object"}}}}`,
			system + "<|start|>developer<|message|># Response Formats\n\n## list\n\n{\"type\":\"object\"}<|end|><|start|>user<|message|>hello<|end|>" + answer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids, err := encoding.Encode(tt.want, tokens.Allowed)
			if err != nil {
				t.Fatal(err)
			}
			if c := count(t, "gpt-oss-120b", tt.body); c.Tokens != len(ids) || c.Min != len(ids) {
				t.Errorf("got %d tokens (%s), want %d", c.Tokens, partsOf(c), len(ids))
			}
		})
	}
}

// The figures of OpenAI's own renderer, openai-harmony 0.0.8.
func TestHarmonyFigures(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       int
	}{
		{"hello", `{"messages":[{"role":"user","content":"hello"}]}`, 68},
		{"hello as a response", `{"input":"hello"}`, 68},
		{"a tool and a developer's text", `{"messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"hello"}],"tools":[{"type":"function","function":` + weatherTool + `}]}`, 159},
		{"a tool and instructions", `{"instructions":"Always respond in riddles","input":"What is the weather like in SF?","tools":[{"type":"function",` + weatherTool[1:] + `]}`, 169},
	} {
		for _, model := range []string{"gpt-oss-120b", "gpt-oss-20b"} {
			if c := count(t, model, tt.body); c.Tokens != tt.want || c.Basis != Documented {
				t.Errorf("%s, %s: got %d (%s), want %d", model, tt.name, c.Tokens, c.Basis, tt.want)
			}
		}
	}
}

// The system message has the date of the call, which must not make a difference.
func TestHarmonyDates(t *testing.T) {
	encoding, err := tokens.Lookup("o200k_harmony")
	if err != nil {
		t.Fatal(err)
	}
	want := encoding.Count(harmonySystem)
	for day := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2040; day = day.AddDate(0, 0, 1) {
		if got := encoding.Count(strings.Replace(harmonySystem, "2026-01-01", day.Format(time.DateOnly), 1)); got != want {
			t.Fatalf("%s: got %d tokens, want %d", day.Format(time.DateOnly), got, want)
		}
	}
}

// The forms of schemas that openai/harmony writes each in a way of its own.
func TestHarmonyTools(t *testing.T) {
	const head, tail = "# Tools\n\n## functions\n\nnamespace functions {\n\n", "\n\n} // namespace functions"
	for _, tt := range []struct{ name, tool, want string }{
		{"nothing", `{"name":"f"}`, "type f = () => any;"},
		{"a description of several lines", `{"name":"f","description":"a\r\nb\n"}`, "// a\n// b\ntype f = () => any;"},
		{"parameters of no type", `{"name":"f","parameters":{}}`, "type f = (_: any) => any;"},
		{"no properties", `{"name":"f","parameters":{"type":"object"}}`, "type f = (_: {\n}) => any;"},
		{"an object that is described", `{"name":"f","parameters":{"type":"object","description":"d","properties":{"a":{"type":"integer","title":"A","description":"the a","examples":["x",1,"y"]}},"required":["a"]}}`,
			"type f = (_: // d\n{\n// A\n//\n// the a\n// Examples:\n// - \"x\"\n// - \"y\"\na: number,\n}) => any;"},
		{"defaults", `{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string","default":"x"},"b":{"type":"string","enum":["x","y"],"default":"x"},"c":{"type":"number","default":1.5},"d":{"type":"boolean","default":null},"e":{"type":"array","items":{"type":"string"},"default":[ 1, 2 ]}}}}`,
			"type f = (_: {\na?: string, // default: \"x\"\nb?: \"x\" | \"y\", // default: x\nc?: number, // default: 1.5\nd?: boolean, // default: null\ne?: string[], // default: [1,2]\n}) => any;"},
		{"null", `{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string","nullable":true},"b":{"type":["integer","null"],"nullable":true},"c":{"type":"array"}}}}`,
			"type f = (_: {\na?: string | null,\nb?: number | null,\nc?: Array<any>,\n}) => any;"},
		{"an object in an object", `{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"object","description":"in","properties":{"b":{"type":"string"}}}}}}`,
			"type f = (_: {\n// in\na?:     // in\n{\n    b?: string,\n    },\n}) => any;"},
		{"one of", `{"name":"f","parameters":{"type":"object","properties":{"a":{"oneOf":[{"type":"string","description":"first","default":"x"},{"type":"number","nullable":true,"description":"second"}],"description":"d","default":20}}}}`,
			"type f = (_: {\n// d\n// default: 20\na?:\n | string // default: \"x\"\n | number | null // second\n,\n}) => any;"},
		{"one of, described by the first", `{"name":"f","parameters":{"type":"object","properties":{"a":{"oneOf":[{"type":"string","description":"d"},{"type":"string","enum":["x"],"default":"x"}],"description":"d"}},"required":["a"]}}`,
			"type f = (_: {\na:\n | string\n | \"x\" // default: x\n,\n}) => any;"},
		{"one of at the top", `{"name":"f","parameters":{"oneOf":[{"type":"string","description":"d"},{"type":"string","enum":["x"],"default":"x"}]}}`,
			"type f = (_: \n | string // d\n | \"x\" // default: \"x\") => any;"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tool := parse(t, tt.tool)
			got := harmonyTools([]function{{tool.Get("name").Text(), tool.Get("description").Text(), tool.Get("parameters")}})
			if got != head+tt.want+tail {
				t.Errorf("got\n%q, want\n%q", got, head+tt.want+tail)
			}
		})
	}
}
