package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"aoai-bridge/infra/local/awsendpoint"
	"aoai-bridge/infra/local/lambda"
	"aoai-bridge/infra/local/s3"
	"aoai-bridge/infra/local/secretsmanager"
	"aoai-bridge/infra/local/template"
)

// What is surveyed.
const (
	fileSize   = 200_000_000
	fileBucket = "bench"
	fileKey    = "requests.jsonl"
)

// surveys are token-estimate and the splitter on one host, and one S3 with the file for both. The two have the
// same memory, and so the same processors.
type surveys struct {
	host  *lambda.Host
	s3    *pacer
	lines int
	close func()
}

// A reading is one way of going over the file.
type reading struct{ name, function, payload string }

var readings = []reading{
	{"the survey", "token-estimate", `{"s3":{"bucket":"` + fileBucket + `","key":"` + fileKey + `"}}`},
	{"splitting", "splitter", `{"bucket":"` + fileBucket + `","key":"` + fileKey + `"}`},
	{"splitting and json.Valid", "splitter", `{"bucket":"` + fileBucket + `","key":"` + fileKey + `","check":true}`},
}

// measureFiles measures what counting a file's tokens adds to reading it.
func measureFiles(ctx context.Context, o options, estimate, splitter string) error {
	s, err := newSurveys(estimate, splitter)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Printf("a JSONL file of %d MB in S3, %d lines, read %d times each way\n", fileSize/1_000_000, s.lines, o.rounds)
	var rows []row
	for _, p := range []struct {
		name string
		rate int64
	}{{"", 0}, {fmt.Sprintf(" at S3's pace, %d MB/s", perConnection/1_000_000), perConnection}} {
		s.s3.rate.Store(p.rate)
		found, err := s.compareReadings(ctx, o.rounds, p.name)
		if err != nil {
			return err
		}
		rows = append(rows, found...)
	}
	hwm := peakMB(s.host.Instances(readings[0].function))
	rows = append(rows, row{"largest memory of the survey's process", fmt.Sprintf("%.1f MB", hwm), "", "", "<= 64 MB"})
	return printTable(rows, "splitter")
}

func newSurveys(estimate, splitter string) (_ *surveys, err error) {
	t, err := template.Read("template.yaml", nil)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "aoai-bridge-bench-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	store := s3.New(s3.Options{Dir: dir})
	if err := store.MakeBucket(fileBucket, false); err != nil {
		return nil, err
	}
	content, err := requestsFile(fileSize)
	if err != nil {
		return nil, err
	}
	s := &surveys{s3: &pacer{Handler: store}, lines: bytes.Count(content, []byte("\n"))}
	if err := store.Write(fileBucket, fileKey, content); err != nil {
		return nil, err
	}
	secrets := secretsmanager.New()
	secrets.Put(t.Parameters["AzureSecretId"], `{"endpoint":"https://bench.openai.azure.com","api_key":"bench","deployments":[{"model":"gpt-4o","type":"GlobalBatch"}]}`)
	endpoint := httptest.NewServer(awsendpoint.New(
		func(string) (string, bool) { return azureKey, true },
		map[string]http.Handler{"secretsmanager": secrets, "s3": s.s3},
	))
	f := t.Functions["TokenEstimateFunction"]
	secrets.Put(f.Environment["CALLERS_SECRET_ID"], `{"callers":[]}`)
	env := maps.Clone(f.Environment)
	maps.Copy(env, map[string]string{"AWS_ENDPOINT_URL": endpoint.URL, "AWS_ACCESS_KEY_ID": azureKey, "AWS_SECRET_ACCESS_KEY": azureKey})
	function := lambda.Function{Env: env, Timeout: f.Timeout, MemoryMB: f.MemoryMB}
	ours, theirs := function, function
	ours.Name, ours.Bootstrap = "token-estimate", estimate
	theirs.Name, theirs.Bootstrap = "splitter", splitter
	s.host = lambda.NewHost(io.Discard, ours, theirs)
	s.close = func() {
		s.host.Close()
		endpoint.Close()
		os.RemoveAll(dir)
	}
	return s, nil
}

// compareReadings has the file read in each way rounds times, in turns, and compares the survey with the others.
func (s *surveys) compareReadings(ctx context.Context, rounds int, pace string) ([]row, error) {
	took, spent := make([][]time.Duration, len(readings)), make([][]time.Duration, len(readings))
	for round := range rounds + 1 {
		for i := range readings {
			i = (i + round) % len(readings)
			wall, processor, err := s.read(ctx, readings[i])
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first starts the functions
				took[i], spent[i] = append(took[i], wall), append(spent[i], processor)
			}
		}
	}
	var rows []row
	for i, r := range readings[1:] {
		name := readings[0].name + " over " + r.name + pace
		rows = append(rows,
			row{name + ": time", formatDuration(median(took[0])), formatDuration(median(took[i+1])), spread(ratiosOf(took[0], took[i+1])), "<= 1.5"},
			row{name + ": CPU", formatDuration(median(spent[0])), formatDuration(median(spent[i+1])), spread(ratiosOf(spent[0], spent[i+1])), ""})
	}
	return rows, nil
}

// read goes over the file once and checks that all of it was read.
func (s *surveys) read(ctx context.Context, r reading) (wall, spent time.Duration, err error) {
	before, start := cpuTime(s.host.Instances(r.function)), time.Now()
	response, err := s.host.Invoke(ctx, r.function, []byte(r.payload))
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, 0, err
	}
	wall, spent = time.Since(start), cpuTime(s.host.Instances(r.function))-before
	var found struct{ Lines, Bad, Refused int }
	if err := json.Unmarshal(raw, &found); err != nil {
		return 0, 0, err
	}
	if found.Lines != s.lines || found.Bad+found.Refused > 0 {
		return 0, 0, fmt.Errorf("%s found %+v of %d lines", r.name, found, s.lines)
	}
	return wall, spent, nil
}
