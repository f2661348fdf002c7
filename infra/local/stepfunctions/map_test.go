package stepfunctions_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/stepfunctions"
)

// double answers with twice the n it got, and fails for an n that is in bad.
func double(bad ...string) func(context.Context, string) (string, error) {
	return func(_ context.Context, payload string) (string, error) {
		if slices.Contains(bad, payload) {
			return "", fails("Bad", payload)
		}
		return `{"got":` + payload + `}`, nil
	}
}

func TestParallel(t *testing.T) {
	parallel := func(more string) string {
		return unary(`{"Type":"Parallel","Branches":[
			{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","InputPath":"$.a","End":true}}},
			{"StartAt":"B","States":{"B":{"Type":"Pass","Result":"b","Next":"C"},"C":{"Type":"Pass","End":true}}}]`+more+`}`, `"Caught":{"Type":"Pass","End":true}`)
	}
	tests := []scenario{
		{name: "outputs", definition: parallel(""), input: `{"a":1}`, output: `[{"got":1},"b"]`},
		{name: "placed", definition: parallel(`,"Parameters":{"a.$":"$.x"},"ResultSelector":{"first.$":"$[0].got"},"ResultPath":"$.r"`), input: `{"x":1}`, output: `{"x":1,"r":{"first":1}}`},
		{name: "failure", definition: parallel(""), input: `{"a":2}`, err: "Bad", cause: `"errorMessage":"2"`},
		{name: "caught", definition: parallel(`,"Catch":[{"ErrorEquals":["Bad"],"ResultPath":"$.e","Next":"Caught"}],"Next":"Caught"`), input: `{"a":2}`,
			output: `{"a":2,"e":{"Error":"Bad","Cause":"{\"errorType\":\"Bad\",\"errorMessage\":\"2\"}"}}`},
	}
	check(t, tests, func() stepfunctions.Options {
		return stepfunctions.Options{Invoke: functions{"f": double("2")}.invoke}
	})
}

// A branch that fails ends the one beside it, however long that would take.
func TestParallelEndsTogether(t *testing.T) {
	started := make(chan struct{})
	w := open(t, unary(`{"Type":"Parallel","Branches":[
		{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:hangs","End":true}}},
		{"StartAt":"B","States":{"B":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:fails","End":true}}}]}`),
		stepfunctions.Options{Invoke: functions{
			"hangs": func(ctx context.Context, _ string) (string, error) {
				close(started)
				<-ctx.Done()
				return "", ctx.Err()
			},
			"fails": func(context.Context, string) (string, error) { <-started; return "", fails("Bad", "x") },
		}.invoke})
	if over := w.run(t, "{}"); over.Error != "Bad" {
		t.Errorf("got %+v", over)
	}
}

const task = `{"StartAt":"P","States":{"P":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}}`

func TestInlineMap(t *testing.T) {
	mapping := func(fields string) string { return unary(`{"Type":"Map","ItemProcessor":` + task + `}` + fields + `}`) }
	tests := []scenario{
		{name: "items", definition: mapping(""), input: `[1,2,3]`, output: `[{"got":1},{"got":2},{"got":3}]`},
		{name: "none", definition: mapping(""), input: `[]`, output: `[]`},
		{name: "ItemsPath and ItemSelector", definition: mapping(`,"ItemsPath":"$.l","MaxConcurrency":1,"ItemSelector":{"i.$":"$$.Map.Item.Index","v.$":"$$.Map.Item.Value.x","all.$":"$.k"},"ResultPath":"$.r"`),
			input: `{"k":9,"l":[{"x":1}]}`, output: `{"k":9,"l":[{"x":1}],"r":[{"got":{"i":0,"v":1,"all":9}}]}`},
		{name: "older names", definition: unary(`{"Type":"Map","Iterator":` + task + `},"Parameters":{"v.$":"$$.Map.Item.Value"}}`), input: `[1]`, output: `[{"got":{"v":1}}]`},
		{name: "failure", definition: mapping(""), input: `[1,7]`, err: "Bad"},
		{name: "no list", definition: mapping(`,"ItemsPath":"$.l"`), input: `{"l":1}`, err: "States.Runtime", cause: `"$.l" must point to array`},
	}
	check(t, tests, func() stepfunctions.Options {
		return stepfunctions.Options{Invoke: functions{"f": double("7")}.invoke}
	})
}

func TestMaxConcurrency(t *testing.T) {
	var mu sync.Mutex
	running, most := 0, 0
	w := open(t, unary(`{"Type":"Map","MaxConcurrencyPath":"$.c","ItemsPath":"$.l","ItemProcessor":`+task+`}}`), stepfunctions.Options{Invoke: functions{
		"f": func(context.Context, string) (string, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			defer func() { mu.Lock(); running--; mu.Unlock() }()
			return "1", nil
		}}.invoke})
	if over := w.run(t, `{"c":2,"l":[1,2,3,4,5,6,7,8,9]}`); over.Status != stepfunctions.Succeeded || most > 2 {
		t.Errorf("got %+v, %d at a time", over, most)
	}
}

func distributed(fields string) string {
	return unary(`{"Type":"Map","ItemProcessor":` + task + `,"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"}}` + fields + `}`)
}

func objects(t *testing.T) *s3.Store {
	t.Helper()
	store := s3.New(s3.Options{Dir: t.TempDir()})
	if err := store.MakeBucket("bucket", false); err != nil {
		t.Fatal(err)
	}
	for key, body := range map[string]string{"in/1.jsonl": "{\"n\":9007199254740993}\n\n{\"n\":2}", "in/2.json": `[1,2]`, "in/3.json": `{}`, "in/4.csv": "a,b\n1,2\n"} {
		if err := store.Write("bucket", key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

func TestDistributedMap(t *testing.T) {
	reader := func(resource, config, parameters string) string {
		return `,"ItemReader":{"Resource":"arn:aws:states:::s3:` + resource + `","ReaderConfig":` + config + `,"Parameters":` + parameters + `}`
	}
	tests := []scenario{
		{name: "items", definition: distributed(`,"ItemsPath":"$.l"`), input: `{"l":[1,2]}`, output: `[{"got":1},{"got":2}]`},
		{name: "JSON lines", definition: distributed(reader("getObject", `{"InputType":"JSONL"}`, `{"Bucket":"bucket","Key.$":"$.key"}`)), input: `{"key":"in/1.jsonl"}`,
			output: `[{"got":{"n":9007199254740993}},{"got":{"n":2}}]`},
		{name: "JSON", definition: distributed(reader("getObject", `{"InputType":"JSON","MaxItems":1}`, `{"Bucket":"bucket","Key":"in/2.json"}`)), output: `[{"got":1}]`},
		{name: "CSV", definition: distributed(reader("getObject", `{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"}`, `{"Bucket":"bucket","Key":"in/4.csv"}`)), output: `[{"got":{"a":"1","b":"2"}}]`},
		{name: "objects", definition: distributed(reader("listObjectsV2", `{}`, `{"Bucket":"bucket","Prefix":"in/"}`) + `,"ItemSelector":{"k.$":"$$.Map.Item.Value.Key","s.$":"$$.Map.Item.Value.Size"},"ResultSelector":{"second.$":"$[1].got"}`),
			output: `{"second":{"k":"in/2.json","s":5}}`},
		{name: "no JSON array", definition: distributed(reader("getObject", `{"InputType":"JSON"}`, `{"Bucket":"bucket","Key":"in/3.json"}`)), err: "States.ItemReaderFailed", cause: "no JSON array"},
		{name: "no object", definition: distributed(reader("getObject", `{"InputType":"JSON"}`, `{"Bucket":"bucket","Key":"gone"}`)), err: "States.ItemReaderFailed", cause: "NoSuchKey"},
		{name: "batches", definition: distributed(`,"ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"x.$":"$.x"}},"ItemsPath":"$.l"`), input: `{"x":5,"l":[1,2,3]}`,
			output: `[{"got":{"BatchInput":{"x":5},"Items":[1,2]}},{"got":{"BatchInput":{"x":5},"Items":[3]}}]`},
		{name: "batches by size", definition: distributed(`,"ItemBatcher":{"MaxInputBytesPerBatchPath":"$.b"},"ItemsPath":"$.l"`), input: `{"b":35,"l":["123456","123456","123456"]}`,
			output: `[{"got":{"Items":["123456","123456"]}},{"got":{"Items":["123456"]}}]`},
		{name: "a failure", definition: distributed(""), input: `[1,7]`, err: "States.ExceedToleratedFailureThreshold"},
		{name: "too many failures", definition: distributed(`,"ToleratedFailureCount":1`), input: `[7,7,1]`, err: "States.ExceedToleratedFailureThreshold"},
		{name: "tolerated", definition: distributed(`,"ToleratedFailurePercentage":50,"ResultSelector":{"ok.$":"$[0]","bad.$":"$[1].Error","status.$":"$[1].Status"}`), input: `[1,7]`, output: `{"ok":{"got":1},"bad":"Bad","status":"FAILED"}`},
		{name: "too many in percent", definition: distributed(`,"ToleratedFailurePercentagePath":"$.p","ItemsPath":"$.l"`), input: `{"p":49,"l":[1,7]}`, err: "States.ExceedToleratedFailureThreshold"},
	}
	store := objects(t)
	check(t, tests, func() stepfunctions.Options {
		return stepfunctions.Options{Objects: store, Invoke: functions{"f": double("7")}.invoke}
	})
}

func TestResultWriter(t *testing.T) {
	store := objects(t)
	w := open(t, distributed(`,"ToleratedFailureCount":1,"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket":"bucket","Prefix":"out"}},"ResultSelector":{"key.$":"$.ResultWriterDetails.Key"},"OutputPath":"$.key"`),
		stepfunctions.Options{Objects: store, Invoke: functions{"f": double("7")}.invoke})
	over := w.run(t, `[1,7]`)
	manifest := strings.Trim(over.Output, `"`)
	if over.Status != stepfunctions.Succeeded || !strings.HasPrefix(manifest, "out/") || !strings.HasSuffix(manifest, "/manifest.json") {
		t.Fatalf("got %+v", over)
	}
	for name, want := range map[string]string{
		"manifest.json":    `"ResultFiles":{"FAILED":[{"Key":"` + strings.TrimSuffix(manifest, "manifest.json") + `FAILED_0.json","Size":`,
		"SUCCEEDED_0.json": `"Output":"{\"got\":1}"`,
		"FAILED_0.json":    `"Error":"Bad"`,
	} {
		body, err := store.Open("bucket", strings.TrimSuffix(manifest, "manifest.json")+name)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(body)
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is %s, want %s in it", name, text, want)
		}
	}
}

// A redrive runs what failed again, and nothing that succeeded: in a branch, an iteration and a child.
func TestRedrive(t *testing.T) {
	for name, definition := range map[string]string{
		"inline":      unary(`{"Type":"Map","ItemProcessor":` + task + `}}`),
		"distributed": distributed(""),
		"parallel": unary(`{"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Task","InputPath":"$[0]","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}}},
			{"StartAt":"B","States":{"B":{"Type":"Task","InputPath":"$[1]","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}}}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			calls := make(map[string]int)
			first := make(chan struct{})
			w := open(t, definition, stepfunctions.Options{Invoke: functions{"f": func(_ context.Context, payload string) (string, error) {
				mu.Lock()
				calls[payload]++
				n := calls[payload]
				mu.Unlock()
				if payload == "1" {
					defer close(first)
				} else if <-first; n == 1 {
					return "", fails("Bad", payload)
				}
				return payload, nil
			}}.invoke})
			over := w.run(t, "[1,2]")
			if over.Status != stepfunctions.Failed {
				t.Fatalf("got %+v", over)
			}
			if err := w.Redrive(over.ARN); err != nil {
				t.Fatal(err)
			}
			over, err := w.Wait(t.Context(), over.ARN)
			if err != nil || over.Output != "[1,2]" || over.Redrives != 1 || calls["1"] != 1 || calls["2"] != 2 {
				t.Errorf("got %+v, %v, after calls %v", over, err, calls)
			}
			if err := w.Redrive(over.ARN); err == nil {
				t.Error("a success was redriven")
			}
		})
	}
}

// A retry, unlike a redrive, runs the whole state again.
func TestRetryOfMapBeginsAnew(t *testing.T) {
	var mu sync.Mutex
	calls := 0
	bad := failing(1, errors.New("once"))
	w := open(t, unary(`{"Type":"Map","MaxConcurrency":1,"Retry":[{"ErrorEquals":["States.ALL"]}],"ItemProcessor":`+task+`}}`), stepfunctions.Options{Invoke: functions{
		"f": func(ctx context.Context, payload string) (string, error) {
			mu.Lock()
			calls++
			mu.Unlock()
			if payload == "2" {
				return bad(ctx, payload)
			}
			return payload, nil
		}}.invoke})
	if over := w.run(t, "[1,2]"); over.Output != `[1,"done"]` || calls != 4 {
		t.Errorf("got %+v after %d calls", over, calls)
	}
}
