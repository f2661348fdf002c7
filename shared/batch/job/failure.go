package job

import (
	"encoding/json"

	"aoai-bridge/shared/batch/jsonl"
)

// Failure is why a job, or a part, has not been answered.
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// OfLine is the failure as the error of a line.
func (f *Failure) OfLine(number int) *jsonl.Error { return jsonl.NewError(number, f.Code, f.Message) }

// NoValidLine is the code of a job whose lines were all refused before anything was sent.
const NoValidLine = "no_valid_line"

// The codes of failures that are of a job's cost.
const (
	CostUnknown = "cost_unknown"
	CostTooHigh = "cost_ceiling_exceeded"
)

// OfCost reports whether a failure is of the job's cost.
func (f *Failure) OfCost() bool { return f.Code == CostUnknown || f.Code == CostTooHigh }

// Caught is an error as a workflow's Catch has it.
type Caught struct {
	Error string
	Cause string
}

// Failure is the error as results and summaries have it, nil if there is none.
func (e *Caught) Failure() *Failure {
	if e == nil {
		return nil
	}
	f := &Failure{Code: "task_failed", Message: "A task of the workflow failed with " + e.Error + ". The execution's history has the details."}
	var thrown struct {
		Message string `json:"errorMessage"`
	}
	var body struct {
		Error struct {
			Message string `json:"message"`
			Code    any    `json:"code"`
		} `json:"error"`
	}
	// What our own functions throw is an error in OpenAI's shape, safe to show; anything else is not quoted.
	if json.Unmarshal([]byte(e.Cause), &thrown) == nil && json.Unmarshal([]byte(thrown.Message), &body) == nil && body.Error.Message != "" {
		f.Message = body.Error.Message
		if code, ok := body.Error.Code.(string); ok && code != "" {
			f.Code = code
		}
	}
	return f
}
