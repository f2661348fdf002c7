package stepfunctions_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"aoai-bridge/infra/local/eventbridge"
	"aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/stepfunctions"
)

// An object dropped into S3 starts a machine by a rule, and the machine's own event comes back to the
// bus: the three services together, as the stack has them.
func TestDrop(t *testing.T) {
	var bus *eventbridge.Bus
	store := s3.New(s3.Options{Dir: t.TempDir(), OnCreated: func(c s3.Created) {
		bus.ObjectCreated(t.Context(), eventbridge.Object(c))
	}})
	if err := store.MakeBucket("bucket", true); err != nil {
		t.Fatal(err)
	}
	bus = eventbridge.New(eventbridge.Options{})
	w := open(t, unary(`{"Type":"Task","Resource":"${Echo}","Parameters":{"key.$":"$.detail.object.key","version.$":"$.detail.object.version-id"},"Next":"Done"}`,
		`"Done":{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries":[{"Source":"aoai-bridge","DetailType":"Batch Done","Detail.$":"$"}]},"End":true}`),
		stepfunctions.Options{Objects: store, PutEvents: func(ctx context.Context, request []byte) ([]byte, error) { return bus.PutEvents(ctx, request) },
			Invoke: functions{"echo": echo}.invoke})
	pattern, err := eventbridge.ParsePattern([]byte(`{"source":["aws.s3"],"detail":{"object":{"key":[{"prefix":"inbox/"}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	bus.Add(eventbridge.Rule{Pattern: pattern, Target: func(_ context.Context, input []byte) error {
		_, err := w.Start("m", "", input)
		return err
	}})
	for _, key := range []string{"inbox/a b.jsonl", "results/a b.jsonl"} {
		if err := store.Write("bucket", key, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	executions := w.Executions()
	if len(executions) != 1 {
		t.Fatalf("%d executions", len(executions))
	}
	if over, err := w.Wait(t.Context(), executions[0].ARN); err != nil || over.Status != stepfunctions.Succeeded {
		t.Fatalf("got %+v, %v", over, err)
	}
	events := bus.Events() // the machine's own may come before that of the second object
	done := func(e eventbridge.Event) bool {
		return e.DetailType == "Batch Done" && strings.HasPrefix(string(e.Detail), `{"key":"inbox/a b.jsonl","version":"`)
	}
	if len(events) != 3 || !slices.ContainsFunc(events, done) {
		t.Errorf("events %+v", events)
	}
}
