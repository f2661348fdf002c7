package costs

import (
	"bytes"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"aoai-bridge/shared/telemetry"
)

var update = flag.Bool("update", false, "write the tables of README.md")

const begins, ends = "<!-- go test ./infra/costs -update writes this -->\n", "<!-- the end of the tables -->\n"

func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(readme), begins)
	_, after, okToo := strings.Cut(rest, ends)
	if !ok || !okToo {
		t.Fatalf("README.md has no lines %q and %q", begins, ends)
	}
	want := before + begins + tables(alarmMetrics(t)) + ends + after
	if *update {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(readme) != want {
		t.Error("README.md has other tables: go test ./infra/costs -update, and see whether the project's README still says the same")
	}
}

// alarmMetrics is how many metrics the template's alarms look at. An alarm has one, or an expression over several.
func alarmMetrics(t *testing.T) (n int) {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				MetricName any              `yaml:"MetricName"`
				Metrics    []map[string]any `yaml:"Metrics"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for _, r := range template.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		if r.Properties.MetricName != nil {
			n++
		}
		for _, m := range r.Properties.Metrics {
			if m["MetricStat"] != nil {
				n++
			}
		}
	}
	return n
}

// By hand: a million calls of 10 s at 128 MB are 1,250,000 GB-seconds.
func TestDuration(t *testing.T) {
	if got := ofDuration(128, 10); math.Abs(got-16.66675) > 1e-9 {
		t.Errorf("%v USD, want 16.66675", got)
	}
	if got := ofDuration(512, 60) / ofDuration(128, 60); got != 4 {
		t.Errorf("four times the memory costs %v times as much", got)
	}
}

// A streamed chat's line, as it is written, and Lambda's own lines of a call.
func TestLogBytes(t *testing.T) {
	var out bytes.Buffer
	ctx, c := telemetry.Start(t.Context(), "01234567-89ab-cdef-0123-456789abcdef")
	c.Operation, c.Caller, c.Model, c.Resource, c.Deployment = "chat.completions", "my-app", "gpt-5.4-mini", "east", "gpt-5.4-mini"
	c.Known, c.Status, c.Stream, c.Tries, c.AzureID = true, 200, true, 1, "01234567-89ab-cdef-0123-456789abcdef"
	c.FirstByte, c.UpstreamTime = 412*time.Millisecond, 9876*time.Millisecond
	c.Usage = telemetry.Usage{Known: true, Input: 1234, CachedInput: 1024, Output: 345}
	telemetry.NewLog(&out, "aoai-bridge", "chat").Write(ctx, c)
	const request = "RequestId: 01234567-89ab-cdef-0123-456789abcdef"
	out.WriteString("START " + request + " Version: $LATEST\n" + "END " + request + "\n" +
		"REPORT " + request + "\tDuration: 9999.99 ms\tBilled Duration: 10000 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB\t\n")
	if n := out.Len(); n > logBytes || n < logBytes-200 {
		t.Errorf("a call leaves %d bytes in the log, and the tables say %d:\n%s", n, logBytes, out.String())
	}
	if n := strings.Count(out.String(), `"Unit"`) * strings.Count(out.String(), `"stack","function"`); n != callMetrics {
		t.Errorf("a call has %d metrics, and the tables say %d", n, callMetrics)
	}
}
