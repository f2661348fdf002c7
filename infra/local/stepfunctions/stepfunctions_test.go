package stepfunctions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aoai-bridge/infra/local/stepfunctions"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// A clock jumps over every wait, and lets a limit of one second pass at once, longer ones never.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *clock) Limit(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	if d == time.Second {
		cancel(cause)
	}
	return ctx, func() { cancel(nil) }
}

// functions stand for Lambda's, by name.
type functions map[string]func(ctx context.Context, payload string) (string, error)

func (f functions) invoke(ctx context.Context, function string, payload []byte) ([]byte, error) {
	do := f[function[strings.LastIndex(function, ":")+1:]]
	if do == nil {
		return nil, fmt.Errorf("no function %s", function)
	}
	answer, err := do(ctx, string(payload))
	return []byte(answer), err
}

func fails(name, message string) error {
	return &stepfunctions.Failure{Name: name, Cause: `{"errorType":"` + name + `","errorMessage":"` + message + `"}`}
}

// echo answers with what it got.
func echo(_ context.Context, payload string) (string, error) { return payload, nil }

// failing fails so often, then answers.
func failing(times int, err error) func(context.Context, string) (string, error) {
	var mu sync.Mutex
	return func(context.Context, string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if times--; times >= 0 {
			return "", err
		}
		return `"done"`, nil
	}
}

// A world is a service with one machine, m.
type world struct {
	*stepfunctions.Service
	clock  *clock
	events []stepfunctions.Event
}

func open(t *testing.T, definition string, options stepfunctions.Options) *world {
	t.Helper()
	w := &world{clock: &clock{now: noon}}
	var mu sync.Mutex
	options.Clock = w.clock
	options.Observe = func(e stepfunctions.Event) {
		mu.Lock()
		defer mu.Unlock()
		w.events = append(w.events, e)
	}
	w.Service = stepfunctions.New(options)
	t.Cleanup(w.Close)
	if _, err := w.Add("m", []byte(definition), map[string]string{"Echo": "arn:aws:lambda:us-east-1:000000000000:function:echo"}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) run(t *testing.T, input string) stepfunctions.Snapshot {
	t.Helper()
	arn, err := w.Start("m", "", []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	over, err := w.Wait(t.Context(), arn)
	if err != nil {
		t.Fatal(err)
	}
	return over
}

// unary makes a definition of one state, S, that ends unless it leads on, and some more.
func unary(state string, more ...string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(state), &fields) == nil && fields["Next"] == nil &&
		!slices.Contains([]any{"Succeed", "Fail", "Choice"}, fields["Type"]) {
		state = strings.TrimSuffix(state, "}") + `,"End":true}`
	}
	all := append([]string{`"S":` + state}, more...)
	return `{"StartAt":"S","States":{` + strings.Join(all, ",") + `}}`
}

// same compares JSON, with numbers as they are written.
func same(t *testing.T, got, want string) bool {
	t.Helper()
	normal := func(text string) string {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return text
		}
		normal, _ := json.Marshal(value)
		return string(normal)
	}
	return normal(got) == normal(want)
}

type scenario struct {
	name, definition, input string
	output                  string // of a success
	err, cause              string // of a failure; a part of the cause
	slept                   []time.Duration
}

func check(t *testing.T, tests []scenario, options func() stepfunctions.Options) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.input == "" {
				tt.input = "{}"
			}
			w := open(t, tt.definition, options())
			got := w.run(t, tt.input)
			if tt.output == "" {
				if got.Status != stepfunctions.Failed || got.Error != tt.err || !strings.Contains(got.Cause, tt.cause) {
					t.Errorf("got %s %s %s: %s; want %s: %s", got.Status, got.Output, got.Error, got.Cause, tt.err, tt.cause)
				}
			} else if got.Status != stepfunctions.Succeeded || !same(t, got.Output, tt.output) {
				t.Errorf("got %s %s %s: %s; want %s", got.Status, got.Output, got.Error, got.Cause, tt.output)
			}
			if tt.slept != nil && fmt.Sprint(w.clock.slept) != fmt.Sprint(tt.slept) {
				t.Errorf("slept %v, want %v", w.clock.slept, tt.slept)
			}
		})
	}
}

func TestData(t *testing.T) {
	pass := func(fields string) string { return unary(`{"Type":"Pass",` + fields + `}`) }
	input := `{"a":{"b":[1,2,{"c":9007199254740993}]},"version-id":"v","x y":true,"n":1.50,"null":null}`
	tests := []scenario{
		{name: "unchanged", definition: unary(`{"Type":"Pass"}`), input: input, output: input},
		{name: "InputPath", definition: pass(`"InputPath":"$.a.b[2].c"`), input: input, output: "9007199254740993"},
		{name: "InputPath null", definition: pass(`"InputPath":null`), input: input, output: "{}"},
		{name: "InputPath into the context", definition: pass(`"InputPath":"$$.State.Name"`), output: `"S"`},
		{name: "OutputPath", definition: pass(`"OutputPath":"$['x y']"`), input: input, output: "true"},
		{name: "OutputPath null", definition: pass(`"OutputPath":null`), input: input, output: "{}"},
		{name: "Result", definition: pass(`"Result":{"p.$":"$.a"}`), output: `{"p.$":"$.a"}`},
		{name: "Result and ResultPath", definition: pass(`"Result":1,"ResultPath":"$.p.q"`), input: `{"p":{"r":2}}`, output: `{"p":{"q":1,"r":2}}`},
		{name: "ResultPath into an element", definition: pass(`"Result":1,"ResultPath":"$.p[1]"`), input: `{"p":[5,6]}`, output: `{"p":[5,1]}`},
		{name: "ResultPath null", definition: pass(`"Result":1,"ResultPath":null`), input: input, output: input},
		{name: "ResultPath that does not fit", definition: pass(`"Result":1,"ResultPath":"$.p.q"`), input: `{"p":1}`, err: "States.ResultPathMatchFailure"},
		{name: "Parameters", definition: pass(`"Parameters":{"s":{"v.$":"$.version-id","all.$":"$"},"l":[{"n.$":"$.n"}],"e.$":"$$.Execution.Input.n"}`), input: `{"version-id":"v","n":1.50}`,
			output: `{"s":{"v":"v","all":{"version-id":"v","n":1.50}},"l":[{"n":1.50}],"e":1.50}`},
		{name: "ResultPath into the raw input", definition: pass(`"InputPath":"$.a","Parameters":{"p.$":"$.b"},"ResultPath":"$.r"`), input: `{"a":{"b":1}}`, output: `{"a":{"b":1},"r":{"p":1}}`},
		{name: "missing path", definition: pass(`"Parameters":{"p.$":"$.missing"}`), input: `{"x":1}`, err: "States.Runtime",
			cause: `An error occurred while executing the state 'S' (entered at the event id #2). The JSONPath '$.missing' specified for the field 'p.$' could not be found in the input '{"x":1}'`},
		{name: "several", definition: pass(`"Parameters":{"all.$":"$.l[*].n","some.$":"$.l[0,2].n","slice.$":"$.l[-2:].n","deep.$":"$..n","none.$":"$.l[*].m","names.$":"$.l[0]['m','n']"}`),
			input: `{"l":[{"n":1},{"n":2},{"n":3}]}`, output: `{"all":[1,2,3],"some":[1,3],"slice":[2,3],"deep":[1,2,3],"none":[],"names":[1]}`},
		{name: "too large", definition: pass(`"Parameters":{"p.$":"States.Format('{}{}', $.s, $.s)"}`), input: `{"s":"` + strings.Repeat("x", 140_000) + `"}`, err: "States.DataLimitExceeded",
			cause: "The state/task 'S' returned a result with a size exceeding the maximum number of bytes service limit."},
	}
	check(t, tests, func() stepfunctions.Options { return stepfunctions.Options{} })
}

func TestIntrinsicFunctions(t *testing.T) {
	input := `{"s":"a-b_c","l":[1,2,3,3],"o":{"x":1},"n":9007199254740993,"q":"it's"}`
	tests := []struct{ call, want string }{
		{`States.Format('{} and \\{\\} {}', $.s, $.o)`, `"a-b_c and {} {\"x\":1}"`},
		{`States.Format('it\\'s {}', true)`, `"it's true"`},
		{`States.StringToJson('{\"n\":9007199254740993}')`, `{"n":9007199254740993}`},
		{`States.JsonToString($.o)`, `"{\"x\":1}"`},
		{`States.Array($.s, 1, null, States.ArrayLength($.l))`, `["a-b_c",1,null,4]`},
		{`States.Array()`, `[]`},
		{`States.ArrayPartition($.l, 3)`, `[[1,2,3],[3]]`},
		{`States.ArrayContains($.l, 2)`, `true`},
		{`States.ArrayContains($.l, '2')`, `false`},
		{`States.ArrayRange(1, 9, 3)`, `[1,4,7]`},
		{`States.ArrayRange(3, 1, -1)`, `[3,2,1]`},
		{`States.ArrayGetItem($.l, 1)`, `2`},
		{`States.ArrayLength($['l'])`, `4`},
		{`States.ArrayUnique($.l)`, `[1,2,3]`},
		{`States.Base64Encode($.s)`, `"YS1iX2M="`},
		{`States.Base64Decode('YS1iX2M=')`, `"a-b_c"`},
		{`States.Hash('input', 'SHA-1')`, `"140f86aae51ab9e1cda9b4254fe98a74eb54c1a1"`},
		{`States.JsonMerge($.o, States.StringToJson('{\"y\":2}'), false)`, `{"x":1,"y":2}`},
		{`States.MathAdd($.n, -1)`, `9007199254740992`},
		{`States.MathAdd(1.5, -2.4)`, `0`},
		{`States.MathRandom(4, 5)`, `4`},
		{`States.StringSplit($.s, '-_')`, `["a","b","c"]`},
		{`States.Format('{}', $$.StateMachine.Name)`, `"m"`},
		{`States.ArrayGetItem($.l, 4)`, "States.ArrayGetItem: no element 4 in an array of 4"},
		{`States.MathAdd(1, $.s)`, `States.MathAdd: want a number, got "a-b_c"`},
		{`States.Format('{}')`, "States.Format: fewer arguments than {}"},
		{`States.JsonMerge($.o, $.o, true)`, "States.JsonMerge: want two objects and false"},
	}
	for _, tt := range tests {
		t.Run(tt.call, func(t *testing.T) {
			got := open(t, unary(`{"Type":"Pass","Parameters":{"p.$":"`+tt.call+`"},"OutputPath":"$.p"}`), stepfunctions.Options{}).run(t, input)
			if got.Status == stepfunctions.Succeeded && !same(t, got.Output, tt.want) ||
				got.Status == stepfunctions.Failed && (got.Error != "States.IntrinsicFailure" || !strings.Contains(got.Cause, tt.want)) {
				t.Errorf("got %s%s: %s, want %s", got.Output, got.Error, got.Cause, tt.want)
			}
		})
	}
	got := open(t, unary(`{"Type":"Pass","Parameters":{"p.$":"States.UUID()"},"OutputPath":"$.p"}`), stepfunctions.Options{}).run(t, input)
	if len(got.Output) != 38 {
		t.Errorf("UUID %s", got.Output)
	}
}

func TestChoice(t *testing.T) {
	input := `{"s":"apple","n":5,"m":9007199254740993,"b":true,"null":null,"t":"2026-01-02T12:00:00Z","u":"2026-01-02T13:00:01+01:00"}`
	tests := []struct {
		rule string
		want bool
	}{
		{`"Variable":"$.s","StringEquals":"apple"`, true},
		{`"Variable":"$.n","StringEquals":"5"`, false},
		{`"Variable":"$.s","StringLessThan":"b"`, true},
		{`"Variable":"$.s","StringGreaterThanEquals":"apple"`, true},
		{`"Variable":"$.s","StringEqualsPath":"$.s"`, true},
		{`"Variable":"$.s","StringMatches":"a*l*"`, true},
		{`"Variable":"$.s","StringMatches":"a\\*"`, false},
		{`"Variable":"$.n","NumericEquals":5.0`, true},
		{`"Variable":"$.m","NumericEquals":9007199254740992`, false},
		{`"Variable":"$.n","NumericGreaterThan":5`, false},
		{`"Variable":"$.n","NumericGreaterThanEquals":5`, true},
		{`"Variable":"$.n","NumericLessThanPath":"$.m"`, true},
		{`"Variable":"$.n","NumericLessThanEquals":4`, false},
		{`"Variable":"$.b","BooleanEquals":true`, true},
		{`"Variable":"$.b","BooleanEqualsPath":"$.b"`, true},
		{`"Variable":"$.t","TimestampLessThanPath":"$.u"`, true},
		{`"Variable":"$.t","TimestampEquals":"2026-01-02T13:00:00+01:00"`, true},
		{`"Variable":"$.missing","IsPresent":false`, true},
		{`"Variable":"$.null","IsPresent":true`, true},
		{`"Variable":"$.null","IsNull":true`, true},
		{`"Variable":"$.n","IsString":true`, false},
		{`"Variable":"$.n","IsNumeric":true`, true},
		{`"Variable":"$.b","IsBoolean":true`, true},
		{`"Variable":"$.s","IsTimestamp":false`, true},
		{`"And":[{"Variable":"$.b","BooleanEquals":true},{"Not":{"Variable":"$.n","NumericEquals":5}}]`, false},
		{`"Or":[{"Variable":"$.b","BooleanEquals":false},{"Variable":"$.n","NumericEquals":5}]`, true},
		{`"And":[{"Variable":"$.missing","IsPresent":true},{"Variable":"$.missing","NumericEquals":5}]`, false},
	}
	more := []string{`"Yes":{"Type":"Pass","Result":true,"End":true}`, `"No":{"Type":"Pass","Result":false,"End":true}`}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := open(t, unary(`{"Type":"Choice","Choices":[{`+tt.rule+`,"Next":"Yes"}],"Default":"No"}`, more...), stepfunctions.Options{}).run(t, input)
			if got.Output != fmt.Sprint(tt.want) {
				t.Errorf("got %s%s: %s", got.Output, got.Error, got.Cause)
			}
		})
	}
	rule := `{"Type":"Choice","Choices":[{"Variable":"$.n","NumericEquals":1,"Next":"Yes"}]}`
	check(t, []scenario{
		{name: "none matches", definition: unary(rule, more...), input: input, err: "States.NoChoiceMatched"},
		{name: "variable missing", definition: unary(rule, more...), err: "States.Runtime", cause: "'$.n'"},
	}, func() stepfunctions.Options { return stepfunctions.Options{} })
}

func TestWait(t *testing.T) {
	wait := func(fields string) string { return unary(`{"Type":"Wait",` + fields + `}`) }
	tests := []scenario{
		{name: "Seconds", definition: wait(`"Seconds":60`), output: "{}", slept: []time.Duration{6 * time.Second}},
		{name: "SecondsPath", definition: wait(`"SecondsPath":"$.s"`), input: `{"s":20}`, output: `{"s":20}`, slept: []time.Duration{2 * time.Second}},
		{name: "Timestamp", definition: wait(`"Timestamp":"2026-01-02T13:00:00+00:00"`), output: "{}", slept: []time.Duration{6 * time.Minute}},
		{name: "TimestampPath in the past", definition: wait(`"TimestampPath":"$.t"`), input: `{"t":"2026-01-01T00:00:00Z"}`, output: `{"t":"2026-01-01T00:00:00Z"}`, slept: []time.Duration{0}},
		{name: "no number", definition: wait(`"SecondsPath":"$.s"`), input: `{"s":"20"}`, err: "States.Runtime", cause: "SecondsPath"},
	}
	check(t, tests, func() stepfunctions.Options { return stepfunctions.Options{WaitScale: 0.1} })
}

func TestDefinitionErrors(t *testing.T) {
	tests := []struct{ name, definition, want string }{
		{"not JSON", "{", "unexpected EOF"},
		{"no start", `{"StartAt":"X","States":{}}`, `no state "X"`},
		{"unknown field", unary(`{"Type":"Pass","Assign":{}}`), `unknown field "Assign"`},
		{"field of another type", unary(`{"Type":"Pass","Seconds":1}`), "state S: a Pass state has no Seconds"},
		{"unknown type", unary(`{"Type":"Nap"}`), `no type "Nap"`},
		{"JSONata", `{"QueryLanguage":"JSONata","StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, "QueryLanguage JSONata is not implemented here"},
		{"leads nowhere", unary(`{"Type":"Pass","Next":"Gone"}`), `leads to "Gone"`},
		{"neither Next nor End", `{"StartAt":"S","States":{"S":{"Type":"Pass"}}}`, "want either Next or End"},
		{"resource", unary(`{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage"}`), "is not implemented here"},
		{"filter", unary(`{"Type":"Pass","InputPath":"$.l[?(@.x==1)]"}`), "[?(@.x==1)] is not implemented here"},
		{"function of a path", unary(`{"Type":"Pass","InputPath":"$.l.length()"}`), `want a name at "length()"`},
		{"ResultPath of many", unary(`{"Type":"Pass","ResultPath":"$.l[*]"}`), "ResultPath must be a reference path"},
		{"intrinsic", unary(`{"Type":"Pass","Parameters":{"p.$":"States.Nap()"}}`), "States.Nap is not implemented here"},
		{"operator", unary(`{"Type":"Choice","Choices":[{"Variable":"$","StringLike":"x","Next":"S"}]}`), "StringLike is not implemented here"},
		{"operand", unary(`{"Type":"Choice","Choices":[{"Variable":"$","NumericEquals":"x","Next":"S"}]}`), "wrong type"},
		{"substitution", unary(`{"Type":"Task","Resource":"${Gone}"}`), "nothing to substitute for ${Gone}"},
		{"inline Map with a reader", unary(`{"Type":"Map","Label":"l","ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}`), "an inline Map has no Label"},
		{"in a branch", unary(`{"Type":"Parallel","Branches":[{"StartAt":"P","States":{"P":{"Type":"Pass"}}}]}`), "branch 0: state P: want either Next or End"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			service := stepfunctions.New(stepfunctions.Options{})
			defer service.Close()
			if _, err := service.Add("m", []byte(tt.definition), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

var errBroken = errors.New("broken")
