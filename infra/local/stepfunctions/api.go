package stepfunctions

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// An apiError is an answer with a status other than 200.
type apiError struct {
	status        int
	code, message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func badRequest(code, format string, args ...any) error {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// operations are those for which an execution needs no console. Machines are made by Add.
var operations = map[string]func(*Service, []byte) (any, error){
	"DescribeExecution":                operation((*Service).describeExecution),
	"DescribeStateMachine":             operation((*Service).describeStateMachine),
	"DescribeStateMachineForExecution": operation((*Service).describeStateMachineForExecution),
	"GetExecutionHistory":              operation((*Service).getExecutionHistory),
	"ListExecutions":                   operation((*Service).listExecutions),
	"ListStateMachines":                operation((*Service).listStateMachines),
	"RedriveExecution":                 operation((*Service).redriveExecution),
	"StartExecution":                   operation((*Service).startExecution),
	"StopExecution":                    operation((*Service).stopExecution),
}

// operation decodes the request of do.
func operation[In any](do func(*Service, In) (any, error)) func(*Service, []byte) (any, error) {
	return func(s *Service, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, badRequest("SerializationException", "%v", err)
		}
		return do(s, in)
	}
}

// ServeHTTP answers one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := s.serve(r)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	if err != nil {
		failure, ok := errors.AsType[*apiError](err)
		if !ok {
			failure = &apiError{http.StatusInternalServerError, "InternalFailure", err.Error()}
		}
		w.WriteHeader(failure.status)
		out = map[string]string{"__type": failure.code, "message": failure.message}
	}
	// What is left to go wrong is the connection, and then there is nobody to tell.
	_ = json.NewEncoder(w).Encode(out)
}

func (s *Service) serve(r *http.Request) (any, error) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AWSStepFunctions.")
	do := operations[name]
	if do == nil {
		return nil, badRequest("UnknownOperationException", "no operation %q here", r.Header.Get("X-Amz-Target"))
	}
	if fail := s.Enter(r.Context(), name); fail {
		return nil, errors.New("an error occurred on the server side") // wording unverified
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badRequest("SerializationException", "%v", err)
	}
	return do(s, body)
}

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
