package job_test

import (
	"encoding/json"
	"testing"

	"aoai-bridge/shared/batch/job"
)

// Waits grow from a minute to twenty; what goes on at once begins again with a minute.
func TestWaits(t *testing.T) {
	step := &job.Step{Job: "job_1", Part: 2, Try: 1}
	last, day, waits := 0, 0, 0
	for day < 24*3600 {
		step = step.Later(job.StepRunning)
		if step.Wait < last || step.Wait < 60 || step.Wait > 1200 || step.Status != job.StepRunning {
			t.Fatalf("after %d seconds: %+v", last, step)
		}
		last, day, waits = step.Wait, day+step.Wait, waits+1
	}
	if last != 1200 || step.Waits != waits || waits > 100 {
		t.Errorf("a day takes %d waits, the last of %d seconds", waits, last)
	}
	if step = step.Next(job.StepEnded); step.Wait != 0 || step.Waits != 0 || step.Later(job.StepRunning).Wait != 60 {
		t.Errorf("goes on with %+v", step)
	}
}

// Keys are where jobs of other versions have their records, and where the bucket's lifecycle rules look.
func TestKeys(t *testing.T) {
	try := job.Step{Job: "job_1", Part: 7, Try: 2}.ThisTry()
	for got, want := range map[string]string{
		job.Key("job_1"): "jobs/job_1/job.json", job.PlanKey("job_1"): "jobs/job_1/plan.json", job.ItemsKey("job_1"): "jobs/job_1/items.json",
		job.CancelKey("job_1"): "jobs/job_1/cancel.json", job.RejectedKey("job_1", 3): "jobs/job_1/rejected-0003.jsonl", job.SpillKey("job_1", 12): "jobs/job_1/spill-0012.tsv",
		job.PartKey("job_1", 7): "jobs/job_1/parts/00007/part.json", job.DoneKey("job_1", 7): "jobs/job_1/parts/00007/done.json",
		try.RequestsKey(): "jobs/job_1/parts/00007/try-02/requests.jsonl", try.LinesKey(): "jobs/job_1/parts/00007/try-02/lines.tsv",
		try.StateKey(): "jobs/job_1/parts/00007/try-02/state.json", try.CreationKey(1): "jobs/job_1/parts/00007/try-02/batch-01.json",
		try.SegmentKey(4, "RUN"): "jobs/job_1/parts/00007/try-02/run/000004-RUN.jsonl", try.ResultsKey(): "jobs/job_1/parts/00007/try-02/results.jsonl",
		try.TriedKey(): "jobs/job_1/parts/00007/try-02/tried.json", try.FileName(): "job_1-00007-02.jsonl",
		job.ResultName("inbox/x.jsonl.gz"): "x", job.ResultName("inbox/y/X.JSONL"): "y/X", job.ResultName("Z.JsonL.GZ"): "Z", job.ResultName("inbox/v.gz"): "v.gz",
		job.ResultName("inbox/u.jsonl.jsonl"): "u.jsonl", job.ResultName("inbox/.jsonl"): ".jsonl", job.ResultName("inbox/a/.jsonl.gz"): "a/.jsonl.gz",
		job.NameKey("a"): "jobs/names/a.json", job.ResultsKey(job.ResultName("inbox/x/a.jsonl")): "results/x/a.jsonl", job.ResultsKey(job.ResultName("b.txt")): "results/b.txt.jsonl",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestCaught(t *testing.T) {
	thrown := func(body string) *job.Caught {
		message, _ := json.Marshal(body)
		return &job.Caught{Error: "InternalError", Cause: `{"errorMessage":` + string(message) + `}`}
	}
	for _, test := range []struct {
		name   string
		caught *job.Caught
		code   string // "" for no failure
	}{
		{"none", nil, ""},
		{"one of ours", thrown(`{"error":{"message":"m","code":"too_bad"}}`), "too_bad"},
		{"without a code", thrown(`{"error":{"message":"m","code":null}}`), "task_failed"},
		{"what is not ours", thrown("a prompt"), "task_failed"},
		{"a cause that is not JSON", &job.Caught{Error: "States.Timeout"}, "task_failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.caught.Failure()
			if (got == nil) != (test.code == "") || got != nil && (got.Code != test.code || got.Message == "" || got.Message == "a prompt") {
				t.Errorf("got %+v", got)
			}
		})
	}
}
