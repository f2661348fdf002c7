package stepfunctions

import (
	"net/http"
	"time"

	"aoai-bridge/infra/local/awsjson"
)

// api has the operations for which an execution needs no console. Machines are made by Add.
var api = awsjson.API[*Service]{
	Version: "1.0",
	Target:  "AWSStepFunctions.",
	Message: "message",
	Operations: map[string]awsjson.Operation[*Service]{
		"DescribeExecution":                awsjson.Decoded((*Service).describeExecution),
		"DescribeStateMachine":             awsjson.Decoded((*Service).describeStateMachine),
		"DescribeStateMachineForExecution": awsjson.Decoded((*Service).describeStateMachineForExecution),
		"GetExecutionHistory":              awsjson.Decoded((*Service).getExecutionHistory),
		"ListExecutions":                   awsjson.Decoded((*Service).listExecutions),
		"ListStateMachines":                awsjson.Decoded((*Service).listStateMachines),
		"RedriveExecution":                 awsjson.Decoded((*Service).redriveExecution),
		"StartExecution":                   awsjson.Decoded((*Service).startExecution),
		"StopExecution":                    awsjson.Decoded((*Service).stopExecution),
	},
	Internal: awsjson.Error{Status: http.StatusInternalServerError, Code: "InternalFailure",
		Message: "an error occurred on the server side"}, // wording unverified
}

// ServeHTTP answers one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { api.Serve(w, r, s) }

// seconds is a timestamp on the wire, absent if there is none yet.
func seconds(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	at := float64(t.UnixMilli()) / 1000
	return &at
}

type machineReference struct {
	StateMachineARN string `json:"stateMachineArn"`
}

type executionReference struct {
	ExecutionARN string `json:"executionArn"`
}

func (s *Service) describeStateMachine(in machineReference) (any, error) {
	m, err := s.machine(in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	return m.describe(), nil
}

func (s *Service) describeStateMachineForExecution(in executionReference) (any, error) {
	e, err := s.execution(in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	return e.machine.describe(), nil
}

func (m *machine) describe() any {
	return struct {
		StateMachineARN string  `json:"stateMachineArn"`
		Name            string  `json:"name"`
		Definition      string  `json:"definition"`
		RoleARN         string  `json:"roleArn"`
		Status          string  `json:"status"`
		Type            string  `json:"type"`
		CreationDate    float64 `json:"creationDate"`
		UpdateDate      float64 `json:"updateDate"`
	}{m.arn, m.name, m.source, roleARN, "ACTIVE", "STANDARD", *seconds(m.created), *seconds(m.created)}
}

func (s *Service) listStateMachines(page) (any, error) {
	type item struct {
		StateMachineARN string  `json:"stateMachineArn"`
		Name            string  `json:"name"`
		Type            string  `json:"type"`
		CreationDate    float64 `json:"creationDate"`
	}
	list := []item{}
	for _, m := range s.sorted() {
		list = append(list, item{m.arn, m.name, "STANDARD", *seconds(m.created)})
	}
	return map[string]any{"stateMachines": list}, nil
}
