package batch

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"aoai-bridge/shared/batch/ending"
	"aoai-bridge/shared/batch/job"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// Tasks are those of the batch workflow that one function does, each a POST of its payload.
type Tasks struct {
	routes openaiapi.Router
	names  []string
}

// ServeHTTP does the task that Path names.
func (t *Tasks) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.routes.ServeHTTP(w, r) }

// Path says where a payload goes: {"task":"plan",...} of the workflow to /v1/tasks/plan, and EventBridge's event of an
// execution to /v1/tasks/stopped.
func (t *Tasks) Path(payload []byte) (string, error) {
	var p struct {
		Task string `json:"task"`
		Kind string `json:"detail-type"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return "", openaierr.Invalid("", "invalid_json", "The payload is not what the batch workflow sends: %v.", err)
	}
	if p.Kind == "Step Functions Execution Status Change" {
		p.Task = "stopped"
	}
	if !slices.Contains(t.names, p.Task) {
		return "", openaierr.Invalid("task", "invalid_value", "'task' is %q, want one of %s.", p.Task, strings.Join(t.names, ", "))
	}
	return "/v1/tasks/" + p.Task, nil
}

// SubmitTasks are those that bring a job to Azure.
func (s *Service) SubmitTasks() *Tasks {
	t := &Tasks{}
	handle(t, "plan", func(ctx context.Context, p planTask) (any, error) {
		if ending.Ends(&p.Input) {
			return s.ender.CancelAll(ctx, &p.Input)
		}
		return s.Plan(ctx, p.Input, p.Execution)
	})
	handle(t, "submit", func(ctx context.Context, p stepTask) (*job.Step, error) { return s.parts.Submit(ctx, p.Step.Step) })
	return t
}

// StatusTasks are those that follow a job to its report.
func (s *Service) StatusTasks() *Tasks {
	t := &Tasks{}
	handle(t, "poll", func(ctx context.Context, p stepTask) (*job.Step, error) { return s.parts.Poll(ctx, p.Step.Step) })
	handle(t, "collect", func(ctx context.Context, p stepTask) (*job.Step, error) { return s.parts.Collect(ctx, p.Step.Step) })
	handle(t, "give-up", func(ctx context.Context, p stepTask) (*job.Step, error) {
		failure := p.Step.Failure.Failure()
		if failure == nil {
			return nil, openaierr.Invalid("failure", "missing_required_parameter", "A part is given up for a failure, and the payload has none.")
		}
		return s.parts.GiveUp(ctx, p.Step.Step, *failure)
	})
	handle(t, "stopped", func(ctx context.Context, e executionEvent) (struct{}, error) {
		return struct{}{}, s.ender.Stopped(ctx, e.Detail.Execution, e.Detail.Status, &e.Detail.Input.Input)
	})
	handle(t, "report", func(ctx context.Context, p reportTask) (*job.Summary, error) {
		if id := p.State.Plan.Job; id != "" {
			return s.Report(ctx, id, p.State.Failure.Failure())
		}
		return s.ReportUnplanned(ctx, p.State.Input, p.Execution, p.State.Failure.Failure())
	})
	return t
}

type planTask struct {
	Input     job.Input `json:"input"`
	Execution string    `json:"execution"`
}

type stepTask struct {
	Step struct {
		job.Step
		Failure *job.Caught `json:"failure"`
	} `json:"step"`
}

// executionEvent is EventBridge's of an execution that was stopped or has failed. Its input is JSON within a string, and
// missing where it is too long for an event ("Step Functions event detail", Step Functions Developer Guide).
type executionEvent struct {
	Detail struct {
		Execution string      `json:"executionArn"`
		Status    string      `json:"status"`
		Input     quotedInput `json:"input"`
	} `json:"detail"`
}

type quotedInput struct{ job.Input }

// UnmarshalJSON leaves the input empty where it is another workflow's.
func (q *quotedInput) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	if json.Unmarshal([]byte(text), &q.Input) != nil {
		q.Input = job.Input{}
	}
	return nil
}

type reportTask struct {
	State     workflowState `json:"state"`
	Execution string        `json:"execution"`
}

// workflowState is the workflow's own: its input, the plan unless that failed, and what failed.
type workflowState struct {
	Input   job.Input
	Plan    plan.Answer
	Failure *job.Caught
}

func (s *workflowState) UnmarshalJSON(raw []byte) error {
	var added struct {
		Plan    plan.Answer `json:"plan"`
		Failure *job.Caught `json:"failure"`
	}
	if err := json.Unmarshal(raw, &added); err != nil {
		return err
	}
	s.Plan, s.Failure = added.Plan, added.Failure
	return json.Unmarshal(raw, &s.Input)
}

// maxError is the longest error that a workflow gets, in bytes: it becomes a part of its state.
const maxError = 4 << 10

// short is an error without what is too long for a state.
func short(e *openaierr.Error) *openaierr.Error {
	if len(e.JSON()) <= maxError {
		return e
	}
	cut := *e
	cut.Object, cut.Message = nil, strings.ToValidUTF8(e.Message[:min(len(e.Message), maxError/2)], "")+" ..."
	return &cut
}

func handle[In any, Out any](t *Tasks, task string, do func(context.Context, In) (Out, error)) {
	t.names = append(t.names, task)
	t.routes.Handle("POST /tasks/"+task, "batch."+task, func(w http.ResponseWriter, r *openaiapi.Request) error {
		var in In
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return openaierr.Invalid("", "invalid_payload", "The payload of the task %s is not what it takes: %v.", task, err)
		}
		out, err := do(r.Context(), in)
		if err != nil {
			return short(openaierr.From(err))
		}
		return openaiapi.WriteJSON(w, out)
	})
}
