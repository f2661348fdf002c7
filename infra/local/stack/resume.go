package stack

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aoai-bridge/infra/local/atomicfile"
	"aoai-bridge/infra/local/stepfunctions"
	"aoai-bridge/infra/local/template"
)

// A jobRecord is what a job's record in the bucket says that is needed to go on with it.
type jobRecord struct {
	Job       string          `json:"job"`
	Execution string          `json:"execution"` // the ARN of the one that works on it
	Origin    string          `json:"origin"`
	Bucket    string          `json:"bucket"`
	Key       string          `json:"key"`
	VersionID string          `json:"version_id"`
	Limits    json.RawMessage `json:"limits"`
	Results   string          `json:"results"`
	Errors    string          `json:"errors"`
	Summary   string          `json:"summary"`
}

func (j *jobRecord) String() string { return fmt.Sprintf("s3://%s/%s (%s)", j.Bucket, j.Key, j.Job) }

// An executionRecord is an execution that has not ended.
type executionRecord struct {
	ARN     string          `json:"arn"`
	Machine string          `json:"machine"`
	Name    string          `json:"name"`
	Input   json.RawMessage `json:"input"`
}

// begin keeps an execution of a machine that objects start.
func (s *Stack) begin(e stepfunctions.Snapshot) error {
	if s.data == nil || !s.startsByRule(e.Machine) {
		return nil
	}
	return atomicfile.Write(s.data.executionPath(e.ARN), []byte(encode(executionRecord{e.ARN, e.Machine, e.Name, json.RawMessage(e.Input)})))
}

// end forgets an execution. Where that fails the next stack finds that its job has a summary.
func (s *Stack) end(e stepfunctions.Snapshot) {
	if s.data != nil {
		_ = atomicfile.Remove(s.data.executionPath(e.ARN))
	}
}

func (s *Stack) startsByRule(machine string) bool {
	return slices.ContainsFunc(s.Template.Rules, func(r template.Rule) bool { return lastOf(r.TargetARN) == machine })
}

// resume goes on with what an earlier stack has left: each job without a summary gets an execution that takes it over,
// and an execution that had no job yet is started again.
func (s *Stack) resume() error {
	if s.data == nil {
		return nil
	}
	left, err := s.executionsLeft()
	if err != nil {
		return err
	}
	jobs, err := s.jobs()
	if err != nil {
		return err
	}
	for _, j := range jobs {
		e, running := left[j.Execution]
		delete(left, j.Execution)
		if j.ended {
			s.end(stepfunctions.Snapshot{ARN: j.Execution})
			continue
		}
		if !running {
			e = j.execution()
		}
		s.startAgain(e, &j.jobRecord)
	}
	for _, e := range left {
		s.startAgain(e, nil)
	}
	return nil
}

// startAgain starts an execution that takes a job over, if there is one. A job that cannot go on keeps nothing else from it.
func (s *Stack) startAgain(e executionRecord, j *jobRecord) {
	what, err := e.ARN, error(nil)
	if j != nil {
		what = j.String()
		e.Input, err = takingOver(e.Input, j.Job)
	}
	if err == nil {
		_, err = s.States.Start(e.Machine, e.Name, e.Input)
	}
	if err != nil {
		what += fmt.Sprintf(" does not go on: %v", err)
	}
	s.Resumed = append(s.Resumed, what)
}

// executionsLeft returns the executions that had not ended, by ARN.
func (s *Stack) executionsLeft() (map[string]executionRecord, error) {
	names, err := atomicfile.Names(s.data.path("executions"))
	if err != nil {
		return nil, err
	}
	left := map[string]executionRecord{}
	for _, name := range names {
		var e executionRecord
		if _, err := readJSON(filepath.Join(s.data.path("executions"), name), &e); err != nil {
			return nil, err
		}
		left[e.ARN] = e
	}
	return left, nil
}

// execution is that of a job whose own one has ended without a summary, or is not known any more.
func (j *jobRecord) execution() executionRecord {
	_, run, _ := strings.Cut(j.Execution, ":execution:")
	machine, name, _ := strings.Cut(run, ":")
	return executionRecord{j.Execution, machine, name, json.RawMessage(encode(map[string]any{
		"bucket": j.Bucket, "key": j.Key, "version_id": j.VersionID, "origin": j.Origin, "limits": j.Limits,
		"outputs": map[string]string{"results": j.Results, "errors": j.Errors, "summary": j.Summary},
	}))}
}

// takingOver is an execution's input that goes on with a job.
func takingOver(input json.RawMessage, job string) (json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(input, &members); err != nil {
		return nil, fmt.Errorf("the input of the execution of %s: %w", job, err)
	}
	members["take_over"], members["job"] = json.RawMessage("true"), json.RawMessage(encode(job))
	return json.RawMessage(encode(members)), nil
}

type foundJob struct {
	jobRecord
	ended bool // there is a summary
}

// jobs returns the jobs that have a record, in the order of their ids.
func (s *Stack) jobs() (jobs []foundJob, err error) {
	for _, bucket := range s.Template.Buckets {
		objects := map[string]bool{}
		var keys []string
		if err := s.S3.List(bucket.Name, "", func(key, _ string, _ int64, _ time.Time) {
			objects[key] = true
			if ok, _ := path.Match("jobs/*/job.json", key); ok {
				keys = append(keys, key)
			}
		}); err != nil {
			return nil, err
		}
		for _, key := range keys {
			j := foundJob{}
			if err := s.readObject(bucket.Name, key, &j.jobRecord); err != nil {
				return nil, err
			}
			j.ended = objects[j.Summary]
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

func (s *Stack) readObject(bucket, key string, into any) error {
	body, err := s.S3.Open(bucket, key)
	if err != nil {
		return err
	}
	defer body.Close()
	raw, err := io.ReadAll(body)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("s3://%s/%s: %w", bucket, key, err)
	}
	return nil
}

// Unfinished returns the jobs that have not ended, for people: the objects that they are of, and the executions that have
// no job yet.
func (s *Stack) Unfinished() (found []string, err error) {
	jobs, err := s.jobs()
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if !j.ended {
			found = append(found, j.String())
		}
	}
	for _, e := range s.States.Executions() {
		known := slices.ContainsFunc(jobs, func(j foundJob) bool { return j.Execution == e.ARN })
		if e.Status == stepfunctions.Running && s.startsByRule(e.Machine) && !known {
			found = append(found, e.ARN)
		}
	}
	return found, nil
}
