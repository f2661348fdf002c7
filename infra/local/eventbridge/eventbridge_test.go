package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"aoai-bridge/infra/local/eventbridge"
)

func TestPattern(t *testing.T) {
	const event = `{"source":"aws.s3","detail-type":"Object Created","resources":["arn:aws:s3:::b","x"],"empty":[],
		"detail":{"bucket":{"name":"b"},"object":{"key":"inbox/a b.jsonl","size":12},"reason":"PutObject","null":null}}`
	detail := func(pattern string) string { return `{"detail":` + pattern + `}` }
	key := func(matchers string) string { return detail(`{"object":{"key":[` + matchers + `]}}`) }
	size := func(matchers string) string { return detail(`{"object":{"size":[` + matchers + `]}}`) }
	tests := []struct {
		pattern string
		want    bool
	}{
		{`{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["b"]}}}`, true},
		{`{"source":["aws.ec2","aws.s3"]}`, true},
		{`{"source":["aws.s3"],"detail-type":["Object Deleted"]}`, false},
		{`{"source":["AWS.S3"]}`, false},
		{`{"source":[{"equals-ignore-case":"AWS.S3"}]}`, true},
		{`{"resources":["x"]}`, true},
		{`{"resources":["y"]}`, false},
		{`{"gone":["x"]}`, false},
		{key(`{"prefix":"inbox/"}`), true},
		{key(`{"prefix":"outbox/"}`), false},
		{key(`{"suffix":".jsonl"}`), true},
		{key(`{"suffix":".json"}`), false},
		{key(`{"suffix":".json"},{"prefix":"inbox/"}`), true},
		{key(`{"wildcard":"inbox/*.jsonl"}`), true},
		{key(`{"wildcard":"*/*/*"}`), false},
		{key(`{"anything-but":"inbox/a"}`), true},
		{key(`{"anything-but":["x","inbox/a b.jsonl"]}`), false},
		{key(`{"anything-but":{"prefix":"inbox/"}}`), false},
		{size(`{"numeric":[">",0]}`), true},
		{size(`{"numeric":[">",0,"<=",11]}`), false},
		{size(`{"numeric":["=",12.0]}`), true},
		{size(`12`), true},
		{size(`"12"`), false},
		{size(`{"anything-but":0}`), true},
		{detail(`{"object":{"version-id":[{"exists":false}]}}`), true},
		{detail(`{"object":{"key":[{"exists":true}]}}`), true},
		{detail(`{"gone":{"deep":[{"exists":false}]}}`), true},
		{detail(`{"gone":[{"anything-but":"x"}]}`), false},
		{detail(`{"null":[null]}`), true},
		{detail(`{"gone":[null]}`), false},
		{detail(`{"$or":[{"reason":["CopyObject"]},{"object":{"size":[12]}}]}`), true},
		{detail(`{"$or":[{"reason":["CopyObject"]},{"object":{"size":[13]}}]}`), false},
		{`{"empty":[{"prefix":"x"}]}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			p, err := eventbridge.ParsePattern([]byte(tt.pattern))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Matches([]byte(event)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestPatternErrors(t *testing.T) {
	tests := []struct{ pattern, want string }{
		{`[`, "unexpected"},
		{`[]`, "must be an object"},
		{`{}`, "must be an object"},
		{`{"source":"aws.s3"}`, "source: want a list or an object"},
		{`{"source":[{"cidr":"10.0.0.0/8"}]}`, "source: cidr 10.0.0.0/8 is not implemented here"},
		{`{"source":[{"prefix":"a","suffix":"b"}]}`, "want one operator, got [prefix suffix]"},
		{`{"n":[{"numeric":[">"]}]}`, "numeric: want pairs"},
		{`{"n":[{"exists":"yes"}]}`, "exists: want true or false"},
	}
	for _, tt := range tests {
		if _, err := eventbridge.ParsePattern([]byte(tt.pattern)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %s", tt.pattern, err, tt.want)
		}
	}
}

// A world is a bus with a rule for everything, and what the rule's target got.
type world struct {
	*eventbridge.Bus
	got    []string
	failed []error
}

func open(t *testing.T, pattern string, transform *eventbridge.Transform) *world {
	t.Helper()
	w := &world{}
	w.Bus = eventbridge.New(eventbridge.Options{
		Now:    func() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) },
		Failed: func(_ eventbridge.Rule, _ eventbridge.Event, err error) { w.failed = append(w.failed, err) },
	})
	p, err := eventbridge.ParsePattern([]byte(pattern))
	if err != nil {
		t.Fatal(err)
	}
	w.Add(eventbridge.Rule{Name: "r", Pattern: p, Transform: transform, Target: func(_ context.Context, input []byte) error {
		w.got = append(w.got, string(input))
		return nil
	}})
	return w
}

var object = eventbridge.Object{Bucket: "b", Key: "inbox/ä+ %=.jsonl", Size: 12, ETag: "e", VersionID: "v", Sequencer: "0A", Reason: "PutObject"}

func TestObjectCreated(t *testing.T) {
	w := open(t, `{"source":["aws.s3"],"detail":{"object":{"key":[{"prefix":"inbox/"}]}}}`, nil)
	w.ObjectCreated(t.Context(), object)
	w.ObjectCreated(t.Context(), eventbridge.Object{Bucket: "b", Key: "results/x"})
	if len(w.got) != 1 || len(w.Events()) != 2 {
		t.Fatalf("the target got %q of %d events", w.got, len(w.Events()))
	}
	var event eventbridge.Event
	if err := json.Unmarshal([]byte(w.got[0]), &event); err != nil {
		t.Fatal(err)
	}
	if event.DetailType != "Object Created" || event.Time != "2026-01-02T12:00:00Z" || event.Account != "000000000000" || event.Region != "us-east-1" ||
		event.Version != "0" || event.ID == "" || strings.Join(event.Resources, " ") != "arn:aws:s3:::b" {
		t.Errorf("got %+v", event)
	}
	want := `{"version":"0","bucket":{"name":"b"},"object":{"key":"inbox/ä+ %=.jsonl","size":12,"etag":"e","version-id":"v","sequencer":"0A"},` +
		`"request-id":"1886E830C7F08000","requester":"000000000000","source-ip-address":"127.0.0.1","reason":"PutObject"}`
	if detail := string(event.Detail); detail != want {
		t.Errorf("detail %s\nwant %s", detail, want)
	}
}

func TestDeliverTwice(t *testing.T) {
	w := open(t, `{"source":["aws.s3"]}`, nil)
	w.Deliver(2)
	w.ObjectCreated(t.Context(), object)
	if len(w.got) != 2 || w.got[0] != w.got[1] || len(w.Events()) != 1 {
		t.Errorf("got %q", w.got)
	}
}

func TestTransform(t *testing.T) {
	paths := map[string]string{"key": "$.detail.object.key", "size": "$.detail.object.size", "bucket": "$.detail.bucket", "gone": "$.gone"}
	tests := []struct {
		name      string
		transform eventbridge.Transform
		want      string // "" if it fails
	}{
		{"constant", eventbridge.Transform{Input: []byte(`{"a":1}`)}, `{"a":1}`},
		{"part", eventbridge.Transform{InputPath: "$.detail.object.version-id"}, `"v"`},
		{"part that is not there", eventbridge.Transform{InputPath: "$.gone"}, ""},
		{"template", eventbridge.Transform{Paths: paths, Template: `{"key":<key>,"size":<size>,"bucket":<bucket>,"gone":<gone>}`}, `{"key":"inbox/ä+ %=.jsonl","size":12,"bucket":{"name":"b"},"gone":""}`},
		{"in a string", eventbridge.Transform{Paths: paths, Template: `"<size> bytes in <key>"`}, `"12 bytes in inbox/ä+ %=.jsonl"`},
		{"unknown name", eventbridge.Transform{Paths: paths, Template: `<other>`}, ""},
		{"no JSON", eventbridge.Transform{Paths: paths, Template: `{<key>}`}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t, `{"source":["aws.s3"]}`, &tt.transform)
			w.ObjectCreated(t.Context(), object)
			if got := strings.Join(w.got, "\n"); got != tt.want || (tt.want == "") != (len(w.failed) == 1) {
				t.Errorf("got %s, %v, want %s", got, w.failed, tt.want)
			}
		})
	}
}

func TestTargetFails(t *testing.T) {
	w := open(t, `{"source":["other"]}`, nil)
	p, _ := eventbridge.ParsePattern([]byte(`{"source":["aws.s3"]}`))
	failure := errors.New("no")
	w.Add(eventbridge.Rule{Pattern: p, Target: func(context.Context, []byte) error { return failure }})
	w.ObjectCreated(t.Context(), object)
	if len(w.failed) != 1 || w.failed[0] != failure {
		t.Errorf("got %v", w.failed)
	}
}

func TestPutEvents(t *testing.T) {
	entry := `{"Source":"aoai-bridge","DetailType":"Batch Done","Detail":"{\"n\":9007199254740993}"}`
	tests := []struct {
		name, target, body string
		status             int
		answer             string // a part
		events             int
	}{
		{"one", "AWSEvents.PutEvents", `{"Entries":[` + entry + `]}`, 200, `{"FailedEntryCount":0,"Entries":[{"EventId":"`, 1},
		{"one of two", "AWSEvents.PutEvents", `{"Entries":[{"Source":"x","DetailType":"y","Detail":"[]"},` + entry + `]}`, 200,
			`{"FailedEntryCount":1,"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."},{"EventId":"`, 1},
		{"no source", "AWSEvents.PutEvents", `{"Entries":[{"DetailType":"y","Detail":"{}"}]}`, 200, `"ErrorCode":"InvalidArgument","ErrorMessage":"Parameter Source is not valid.`, 0},
		{"AWS's source", "AWSEvents.PutEvents", `{"Entries":[{"Source":"aws.s3","DetailType":"y","Detail":"{}"}]}`, 200, "NotAuthorizedForSourceException", 0},
		{"another bus", "AWSEvents.PutEvents", `{"Entries":[{"Source":"x","DetailType":"y","Detail":"{}","EventBusName":"mine"}]}`, 200, "Event bus mine does not exist.", 0},
		{"none", "AWSEvents.PutEvents", `{"Entries":[]}`, 400, `"__type":"ValidationException"`, 0},
		{"eleven", "AWSEvents.PutEvents", `{"Entries":[` + strings.Repeat(entry+",", 10) + entry + `]}`, 400, `"__type":"ValidationException"`, 0},
		{"not JSON", "AWSEvents.PutEvents", `{`, 400, `"__type":"ValidationException"`, 0},
		{"another operation", "AWSEvents.PutRule", `{}`, 400, `"__type":"UnknownOperationException"`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t, `{"source":["aoai-bridge"]}`, nil)
			server := httptest.NewServer(w)
			defer server.Close()
			r, _ := http.NewRequest("POST", server.URL, strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Target", tt.target)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			answer, _ := io.ReadAll(response.Body)
			if response.StatusCode != tt.status || !strings.Contains(string(answer), tt.answer) {
				t.Errorf("got %d %s", response.StatusCode, answer)
			}
			if len(w.Events()) != tt.events || len(w.got) != tt.events {
				t.Errorf("%d events, the target got %q", len(w.Events()), w.got)
			}
			if tt.events == 1 && !strings.Contains(w.got[0], `"detail":{"n":9007199254740993}`) {
				t.Errorf("the target got %s", w.got[0])
			}
		})
	}
}
