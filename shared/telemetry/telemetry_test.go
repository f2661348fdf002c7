package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"aoai-bridge/shared/telemetry"
)

var update = flag.Bool("update", false, "rewrite testdata")

// calls are one of each kind. Each takes 1.25 s in all.
var calls = []struct {
	name string
	fill func(*telemetry.Call)
}{
	{"answered", func(c *telemetry.Call) {
		c.Operation, c.Caller, c.Model, c.Resource, c.Deployment = "chat.completions", "my-app", "gpt-4o", "east", "chat"
		c.Known = true
		c.Status, c.Stream, c.Tries, c.AzureID = 200, true, 2, "apim-1"
		c.FirstByte, c.UpstreamTime = 250*time.Millisecond, 1234567*time.Microsecond
		c.Usage = telemetry.Usage{Known: true, Input: 23, CachedInput: 16, Output: 11}
	}},
	{"no usage, no first byte", func(c *telemetry.Call) {
		c.Operation, c.Caller, c.Status = "models.list", "my-app", 200
	}},
	{"refused", func(c *telemetry.Call) { c.Status, c.Code = 401, "invalid_api_key" }},
	{"a model that does not exist is no dimension", func(c *telemetry.Call) {
		c.Model, c.Deployment, c.Status, c.Code = "made-up", "made-up", 404, "DeploymentNotFound"
	}},
	{"nor is one that nobody has heard of while Azure is ill", func(c *telemetry.Call) {
		c.Model, c.Deployment, c.Status, c.Code = "made-up", "made-up", 503, "ServiceUnavailable"
	}},
	{"nor in a task that goes well without an answer of Azure's", func(c *telemetry.Call) {
		c.Operation, c.Deployment, c.Status, c.Tries = "batch.submit", "made-up", 200, 3
	}},
	{"a name in capitals is the same deployment", func(c *telemetry.Call) {
		c.Model, c.Deployment, c.Known, c.Status = "CHAT", "CHAT", true, 200
	}},
	{"failed", func(c *telemetry.Call) {
		c.Deployment, c.Known, c.Status, c.Code, c.Err = "chat", true, 504, "timeout", errors.New("no first byte from Azure in time")
	}},
	{"broke off after its header", func(c *telemetry.Call) {
		c.Deployment, c.Known, c.Status, c.Stream, c.Err = "chat", true, 200, true, errors.New("the stream ended without its last event")
	}},
	{"given up by its caller", func(c *telemetry.Call) {
		c.Deployment, c.Known, c.Status, c.Stream, c.Code, c.Err = "chat", true, 200, true, telemetry.CallerGone, errors.New("context canceled")
	}},
	{"a name of any length", func(c *telemetry.Call) {
		c.Model, c.Deployment, c.Known, c.Status = strings.Repeat("x", 5000), strings.Repeat("y", 5000), true, 502
	}},
	{"an error that names a host and a key", func(c *telemetry.Call) {
		c.Status, c.Code = 500, "internal_error"
		c.Err = errors.New(`operation error S3: PutObject, Put "https://bucket.s3.example/key": dial tcp 192.0.2.7:443: connect: connection refused`)
	}},
}

// write returns the lines of all calls. Time stands still in it except for the calls' own duration.
func write(t *testing.T) []byte {
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		log := telemetry.NewLog(&out, "aoai-bridge", "chat")
		for _, call := range calls {
			ctx, c := telemetry.Start(t.Context(), "request-1")
			if telemetry.From(ctx) != c {
				t.Error("From does not find the call")
			}
			call.fill(c)
			time.Sleep(1250 * time.Millisecond)
			if c.Elapsed() != 1250*time.Millisecond {
				t.Errorf("elapsed %v", c.Elapsed())
			}
			log.Write(ctx, c)
		}
	})
	return out.Bytes()
}

func TestLines(t *testing.T) {
	t.Setenv("TZ", "UTC")
	const golden = "testdata/calls.jsonl"
	got := write(t)
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%d lines, want %d", len(gotLines), len(wantLines))
	}
	for i, call := range calls {
		if !bytes.Equal(gotLines[i], wantLines[i]) {
			t.Errorf("%s:\ngot  %s\nwant %s", call.name, gotLines[i], wantLines[i])
		}
	}
}

// The rules of the embedded metric format:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func TestMetricsAreValid(t *testing.T) {
	units := map[string]bool{"Count": true, "Milliseconds": true}
	for i, line := range bytes.Split(bytes.TrimSpace(write(t)), []byte("\n")) {
		t.Run(calls[i].name, func(t *testing.T) {
			var root map[string]any
			var metadata struct {
				AWS struct {
					Timestamp         int64
					CloudWatchMetrics []struct {
						Namespace  string
						Dimensions [][]string
						Metrics    []struct{ Name, Unit string }
					}
				} `json:"_aws"`
			}
			if err := errors.Join(json.Unmarshal(line, &root), json.Unmarshal(line, &metadata)); err != nil {
				t.Fatal(err)
			}
			if metadata.AWS.Timestamp < 946684800000 || len(metadata.AWS.CloudWatchMetrics) != 1 || metadata.AWS.CloudWatchMetrics[0].Namespace == "" {
				t.Fatalf("metadata %+v", metadata)
			}
			directive := metadata.AWS.CloudWatchMetrics[0]
			for _, set := range directive.Dimensions {
				for _, dimension := range set {
					if value, ok := root[dimension].(string); !ok || value == "" || len(value) > 1024 {
						t.Errorf("dimension %s has the value %v", dimension, root[dimension])
					}
				}
			}
			for _, metric := range directive.Metrics {
				if _, ok := root[metric.Name].(float64); !ok || !units[metric.Unit] {
					t.Errorf("metric %s in %q has the value %v", metric.Name, metric.Unit, root[metric.Name])
				}
			}
		})
	}
}

// TestREADME holds the table of metrics to what is written.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../infra/deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([A-Za-z_]+)` \\| ([A-Za-z]+) \\| (`stack[a-z,;` ]*`) \\| \\S")
	described := make(map[string]string)
	for _, cells := range row.FindAllSubmatch(readme, -1) {
		described[string(cells[1])] = string(cells[2]) + " " + strings.ReplaceAll(string(cells[3]), "`", "")
	}
	out := bytes.NewBuffer(write(t))
	telemetry.NewLog(out, "aoai-bridge", "chat").WriteRetirement(t.Context(), time.Unix(1e9, 0), telemetry.Retirement{Resource: "east", Deployment: "chat"})
	written := make(map[string]string)
	for line := range bytes.Lines(out.Bytes()) {
		var metadata struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Dimensions [][]string
					Metrics    []struct{ Name, Unit string }
				}
			} `json:"_aws"`
		}
		if err := json.Unmarshal(line, &metadata); err != nil {
			t.Fatal(err)
		}
		directive := metadata.AWS.CloudWatchMetrics[0]
		var sets []string
		for _, set := range directive.Dimensions {
			sets = append(sets, strings.Join(set, ","))
		}
		for _, metric := range directive.Metrics { // of all lines, the one with most dimensions counts
			if text := metric.Unit + " " + strings.Join(sets, "; "); len(text) > len(written[metric.Name]) {
				written[metric.Name] = text
			}
		}
	}
	if !maps.Equal(written, described) {
		t.Errorf("infra/deploy/README.md has the metrics\n%v, written are\n%v", described, written)
	}
}

// Calls to Azure at the same time have records of their own, and what they learned adds up in the call's.
func TestBranches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, call := telemetry.Start(t.Context(), "request-1")
		call.Operation, call.Tries = "batch.submit", 1
		time.Sleep(time.Second)
		firstContext, first := telemetry.Branch(ctx)
		_, second := telemetry.Branch(ctx)
		_, unused := telemetry.Branch(ctx)
		if telemetry.From(firstContext) != first || first == second || first.Elapsed() != time.Second {
			t.Fatalf("branches %p and %p, found %p after %v", first, second, telemetry.From(firstContext), first.Elapsed())
		}
		first.Resource, first.Deployment, first.Known, first.AzureID = "east", "chat", true, "apim-1"
		first.Tries, first.FirstByte, first.UpstreamTime = 2, 1500*time.Millisecond, 3*time.Second
		first.Usage = telemetry.Usage{Known: true, Input: 10, CachedInput: 4, Output: 1}
		second.Resource, second.Deployment, second.Known, second.AzureID = "west", "other", false, "apim-2"
		second.Tries, second.FirstByte, second.UpstreamTime = 1, 1200*time.Millisecond, 2*time.Second
		for _, branch := range []*telemetry.Call{first, second, unused} {
			call.Join(branch)
		}
		got := *call
		if got.Tries != 4 || got.FirstByte != second.FirstByte || got.UpstreamTime != first.UpstreamTime || got.Usage != first.Usage {
			t.Errorf("the sums are %+v", got)
		}
		if got.Operation != "batch.submit" || got.Resource != "west" || got.Deployment != "other" || got.Known || got.AzureID != "apim-2" {
			t.Errorf("the call is %+v, want what was asked last", got)
		}
		call.Join(first)
		if want := (telemetry.Usage{Known: true, Input: 20, CachedInput: 8, Output: 2}); call.Usage != want {
			t.Errorf("usage %+v, want %+v", call.Usage, want)
		}
	})
}

func TestNoCallAndNoLog(t *testing.T) {
	c := telemetry.From(t.Context())
	c.Status = 200 // nobody reads it
	var log *telemetry.Log
	log.Write(t.Context(), c)
	if again := telemetry.From(t.Context()); again.Status != 0 {
		t.Error("two calls outside of one share their record")
	}
}
