package stepfunctions_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/stepfunctions"
)

func seconds(list ...float64) []time.Duration {
	durations := []time.Duration{}
	for _, s := range list {
		durations = append(durations, time.Duration(s*float64(time.Second)))
	}
	return durations
}

func TestTask(t *testing.T) {
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:"
	invoke := func(function, more string) string {
		return unary(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"`+arn+function+`","Payload.$":"$"}`+more+`}`,
			`"Caught":{"Type":"Pass","End":true}`)
	}
	direct := func(function, more string) string {
		return unary(`{"Type":"Task","Resource":"`+arn+function+`"`+more+`}`, `"Caught":{"Type":"Pass","End":true}`)
	}
	limited := `{"errorType":"RateLimited","errorMessage":"slow down"}`
	tests := []scenario{
		{name: "function's ARN", definition: direct("echo", ""), input: `{"n":9007199254740993}`, output: `{"n":9007199254740993}`},
		{name: "substituted", definition: unary(`{"Type":"Task","Resource":"${Echo}"}`), input: `[1]`, output: `[1]`},
		{name: "lambda:invoke", definition: invoke("echo", `,"ResultSelector":{"p.$":"$.Payload","s.$":"$.StatusCode"},"ResultPath":"$.r"`), input: `{"a":1}`, output: `{"a":1,"r":{"p":{"a":1},"s":200}}`},
		{name: "function's error", definition: direct("limited", ""), err: "RateLimited", cause: limited},
		{name: "another error", definition: direct("broken", ""), err: "Lambda.ServiceException", cause: "broken"},
		{name: "caught", definition: invoke("limited", `,"Catch":[{"ErrorEquals":["Other"],"Next":"S"},{"ErrorEquals":["RateLimited"],"ResultPath":"$.e","Next":"Caught"}],"Next":"Caught"`), input: `{"a":1}`,
			output: `{"a":1,"e":{"Error":"RateLimited","Cause":"{\"errorType\":\"RateLimited\",\"errorMessage\":\"slow down\"}"}}`},
		{name: "caught by States.TaskFailed", definition: invoke("limited", `,"Catch":[{"ErrorEquals":["States.TaskFailed"],"ResultPath":null,"Next":"Caught"}],"Next":"Caught"`), input: `{"a":1}`, output: `{"a":1}`},
		{name: "runtime's error is not caught", definition: direct("echo", `,"Parameters":{"p.$":"$.gone"},"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"Next":"Caught"`), err: "States.Runtime"},
		{name: "three times by default", definition: direct("fails3", `,"Retry":[{"ErrorEquals":["States.ALL"]}]`), output: `"done"`, slept: seconds(1, 2, 4)},
		{name: "as often as it says", definition: direct("fails3", `,"Retry":[{"ErrorEquals":["RateLimited"],"MaxAttempts":2,"IntervalSeconds":3,"BackoffRate":1.5}]`), err: "RateLimited", slept: seconds(3, 4.5)},
		{name: "never", definition: direct("limited", `,"Retry":[{"ErrorEquals":["RateLimited"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}]`), err: "RateLimited"},
		{name: "delay has a limit", definition: direct("fails3", `,"Retry":[{"ErrorEquals":["States.ALL"],"IntervalSeconds":10,"BackoffRate":10,"MaxDelaySeconds":15}]`), output: `"done"`, slept: seconds(10, 15, 15)},
		{name: "RetryCount", definition: direct("fails3", `,"Parameters":{"n.$":"$$.State.RetryCount"},"Retry":[{"ErrorEquals":["States.ALL"]}]`), output: `"done"`},
		{name: "timeout", definition: direct("hangs", `,"TimeoutSeconds":1,"HeartbeatSeconds":1`), err: "States.Timeout"},
		{name: "timeout is not States.TaskFailed", definition: direct("hangs", `,"TimeoutSecondsPath":"$.t","Retry":[{"ErrorEquals":["States.TaskFailed"]}],"Catch":[{"ErrorEquals":["States.Timeout"],"ResultPath":"$.e","Next":"Caught"}],"Next":"Caught"`),
			input: `{"t":1}`, output: `{"t":1,"e":{"Error":"States.Timeout","Cause":""}}`},
		{name: "answer too large", definition: direct("large", ""), err: "States.DataLimitExceeded", cause: "function:large"},
		{name: "too large is not States.ALL", definition: direct("large", `,"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Caught"}],"Next":"Caught"`), err: "States.DataLimitExceeded"},
		{name: "Fail", definition: unary(`{"Type":"Fail","Error":"Mine","Cause":"because"}`), err: "Mine", cause: "because"},
		{name: "Fail by paths", definition: unary(`{"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('{}!', $.c)"}`), input: `{"e":"Theirs","c":"so"}`, err: "Theirs", cause: "so!"},
		{name: "Succeed", definition: unary(`{"Type":"Succeed","OutputPath":"$.a"}`), input: `{"a":1}`, output: "1"},
	}
	check(t, tests, func() stepfunctions.Options {
		return stepfunctions.Options{Invoke: functions{
			"echo":    echo,
			"limited": func(context.Context, string) (string, error) { return "", fails("RateLimited", "slow down") },
			"broken":  func(context.Context, string) (string, error) { return "", errBroken },
			"fails3":  failing(3, fails("RateLimited", "slow down")),
			"hangs":   func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() },
			"large":   func(context.Context, string) (string, error) { return `"` + strings.Repeat("x", 256<<10) + `"`, nil },
		}.invoke}
	})
}

func TestPutEvents(t *testing.T) {
	var sent string
	w := open(t, unary(`{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries":[{"Source":"aoai-bridge","DetailType":"Done","Detail":{"id.$":"$.id"}}]},"ResultPath":null}`),
		stepfunctions.Options{PutEvents: func(_ context.Context, request []byte) ([]byte, error) {
			sent = string(request)
			return []byte(`{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`), nil
		}})
	if got := w.run(t, `{"id":7}`); got.Output != `{"id":7}` {
		t.Errorf("got %+v", got)
	}
	if want := `{"Entries":[{"Detail":"{\"id\":7}","DetailType":"Done","Source":"aoai-bridge"}]}`; sent != want {
		t.Errorf("sent %s", sent)
	}
}

func TestNestedExecution(t *testing.T) {
	child := unary(`{"Type":"Choice","Choices":[{"Variable":"$.ok","BooleanEquals":true,"Next":"Yes"}],"Default":"No"}`,
		`"Yes":{"Type":"Pass","Result":{"n":1},"End":true}`, `"No":{"Type":"Fail","Error":"Bad","Cause":"no"}`)
	start := func(how, selector string) string {
		return unary(`{"Type":"Task","Resource":"arn:aws:states:::states:startExecution` + how + `","Parameters":{"StateMachineArn":"` +
			stepfunctions.MachineARN("child") + `","Name":"c","Input":{"ok.$":"$.ok"}},"ResultSelector":` + selector + `}`)
	}
	tests := []scenario{
		{name: ".sync:2", definition: start(".sync:2", `{"o.$":"$.Output","s.$":"$.Status"}`), input: `{"ok":true}`, output: `{"o":{"n":1},"s":"SUCCEEDED"}`},
		{name: ".sync", definition: start(".sync", `{"o.$":"$.Output"}`), input: `{"ok":true}`, output: `{"o":"{\"n\":1}"}`},
		{name: "started only", definition: start("", `{"arn.$":"$.ExecutionArn"}`), input: `{"ok":true}`, output: `{"arn":"arn:aws:states:us-east-1:000000000000:execution:child:c"}`},
		{name: "child fails", definition: start(".sync:2", `{}`), input: `{"ok":false}`, err: "States.TaskFailed", cause: `"Error":"Bad"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t, tt.definition, stepfunctions.Options{})
			if _, err := w.Add("child", []byte(child), nil); err != nil {
				t.Fatal(err)
			}
			got := w.run(t, tt.input)
			if got.Error != tt.err || !strings.Contains(got.Cause, tt.cause) || tt.err == "" && !same(t, got.Output, tt.output) {
				t.Errorf("got %+v, want %+v", got, tt)
			}
		})
	}
}

func TestHistory(t *testing.T) {
	w := open(t, unary(`{"Type":"Task","Resource":"${Echo}","Next":"T"}`, `"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"limited"},
		"Retry":[{"ErrorEquals":["RateLimited"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"W"}],"Next":"W"}`, `"W":{"Type":"Wait","Seconds":1,"End":true}`),
		stepfunctions.Options{Invoke: functions{"echo": echo, "limited": failing(9, fails("RateLimited", "slow down"))}.invoke})
	over := w.run(t, "{}")
	history, err := w.History(over.ARN)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, event := range history {
		name := event.Type
		if event.State() != "" {
			name += " " + event.State()
		}
		got = append(got, name)
		if event.ID != int64(i+1) || event.PreviousID != int64(i) {
			t.Errorf("event %d: id %d after %d", i, event.ID, event.PreviousID)
		}
	}
	want := []string{"ExecutionStarted", "TaskStateEntered S", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded", "TaskStateExited S",
		"TaskStateEntered T", "TaskScheduled", "TaskStarted", "TaskFailed", "TaskScheduled", "TaskStarted", "TaskFailed", "TaskStateExited T",
		"WaitStateEntered W", "WaitStateExited W", "ExecutionSucceeded"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if len(w.events) != len(history) {
		t.Errorf("observed %d of %d events", len(w.events), len(history))
	}
	if over.Transitions != 5 { // three states, one of them twice, and the end
		t.Errorf("%d transitions", over.Transitions)
	}
}

// A loop that never ends meets the limit of events, and its execution fails.
func TestHistoryIsLimited(t *testing.T) {
	w := open(t, unary(`{"Type":"Pass","Next":"S"}`), stepfunctions.Options{})
	over := w.run(t, "{}")
	if over.Status != stepfunctions.Failed || over.Cause != "The execution reached the maximum number of history events (25000)." {
		t.Errorf("got %+v", over)
	}
	if history, _ := w.History(over.ARN); len(history) != 25_000 || history[24_999].Type != "ExecutionFailed" {
		t.Errorf("%d events", len(history))
	}
}

func TestExecutionTimeout(t *testing.T) {
	w := open(t, `{"TimeoutSeconds":1,"StartAt":"S","States":{"S":{"Type":"Task","Resource":"${Echo}","Catch":[{"ErrorEquals":["States.ALL"],"Next":"T"}],"Next":"T"},"T":{"Type":"Succeed"}}}`,
		stepfunctions.Options{Invoke: functions{"echo": echo}.invoke})
	if over := w.run(t, "{}"); over.Status != stepfunctions.TimedOut || over.Error != "States.Timeout" {
		t.Errorf("got %+v", over)
	}
}
