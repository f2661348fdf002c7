package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
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
	{"failed", func(c *telemetry.Call) {
		c.Deployment, c.Status, c.Code, c.Err = "chat", 504, "timeout", errors.New("no first byte from Azure in time")
	}},
	{"broke off after its header", func(c *telemetry.Call) {
		c.Deployment, c.Status, c.Stream, c.Err = "chat", 200, true, errors.New("the stream ended without its last event")
	}},
	{"given up by its caller", func(c *telemetry.Call) {
		c.Deployment, c.Status, c.Stream, c.Code, c.Err = "chat", 200, true, telemetry.CallerGone, errors.New("context canceled")
	}},
	{"a name of any length", func(c *telemetry.Call) {
		c.Model, c.Deployment, c.Status = strings.Repeat("x", 5000), strings.Repeat("y", 5000), 502
	}},
}

// write returns the lines of all calls. Time stands still in it but for the calls' own duration.
func write(t *testing.T) []byte {
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		log := telemetry.NewLog(&out, "chat")
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

func TestNoCallAndNoLog(t *testing.T) {
	c := telemetry.From(t.Context())
	c.Status = 200 // nobody reads it
	var log *telemetry.Log
	log.Write(t.Context(), c)
	if again := telemetry.From(t.Context()); again.Status != 0 {
		t.Error("two calls outside of one share their record")
	}
}
