package stepfunctions

import (
	"slices"
	"strconv"

	"aoai-bridge/infra/local/awsjson"
)

func (s *Service) startExecution(in struct {
	StateMachineARN string `json:"stateMachineArn"`
	Name            string `json:"name"`
	Input           string `json:"input"`
}) (any, error) {
	e, err := s.start(in.StateMachineARN, in.Name, in.Input)
	if err != nil {
		return nil, err
	}
	return map[string]any{"executionArn": e.arn, "startDate": seconds(e.started)}, nil
}

func (s *Service) stopExecution(in struct {
	executionReference
	Error string `json:"error"`
	Cause string `json:"cause"`
}) (any, error) {
	e, err := s.execution(in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	e.abort(Failure{in.Error, in.Cause})
	<-e.done()
	return map[string]any{"stopDate": seconds(e.snapshot().Stopped)}, nil
}

func (s *Service) redriveExecution(in executionReference) (any, error) {
	if err := s.Redrive(in.ExecutionARN); err != nil {
		return nil, err
	}
	return map[string]any{"redriveDate": seconds(s.options.Clock.Now())}, nil
}

type included struct {
	Included bool `json:"included"`
}

func (s *Service) describeExecution(in executionReference) (any, error) {
	e, err := s.execution(in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	snapshot := e.snapshot()
	out := struct {
		ExecutionARN    string    `json:"executionArn"`
		StateMachineARN string    `json:"stateMachineArn"`
		Name            string    `json:"name"`
		Status          string    `json:"status"`
		StartDate       *float64  `json:"startDate"`
		StopDate        *float64  `json:"stopDate,omitempty"`
		Input           string    `json:"input"`
		InputDetails    included  `json:"inputDetails"`
		Output          string    `json:"output,omitempty"`
		OutputDetails   *included `json:"outputDetails,omitempty"`
		Error           string    `json:"error,omitempty"`
		Cause           string    `json:"cause,omitempty"`
		RedriveCount    int       `json:"redriveCount"`
		RedriveStatus   string    `json:"redriveStatus"`
		RedriveDate     *float64  `json:"redriveDate,omitempty"`
	}{snapshot.ARN, e.machine.arn, snapshot.Name, snapshot.Status, seconds(snapshot.Started), seconds(snapshot.Stopped), snapshot.Input, included{true},
		snapshot.Output, nil, snapshot.Error, snapshot.Cause, snapshot.Redrives, "REDRIVABLE", seconds(snapshot.Redriven)}
	switch snapshot.Status {
	case Succeeded:
		out.OutputDetails = &included{true}
		fallthrough
	case Running:
		out.RedriveStatus = "NOT_REDRIVABLE"
	}
	return out, nil
}

// A page is what listings take.
type page struct {
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

// pageOf returns a page of a list, and the token of the next one.
func pageOf[T any](p page, list []T, most int) (items []T, next string, err error) {
	from := 0
	if p.NextToken != "" {
		if from, err = strconv.Atoi(p.NextToken); err != nil || from < 0 || from > len(list) {
			return nil, "", awsjson.BadRequest("InvalidToken", "Invalid Token: '%s'", p.NextToken)
		}
	}
	size := most
	if p.MaxResults > 0 {
		size = min(p.MaxResults, most)
	}
	if to := from + size; to < len(list) {
		return list[from:to], strconv.Itoa(to), nil
	}
	return list[from:], "", nil
}

func (s *Service) listExecutions(in struct {
	machineReference
	page
	StatusFilter string `json:"statusFilter"`
}) (any, error) {
	m, err := s.machine(in.StateMachineARN)
	if err != nil {
		return nil, err
	}
	type item struct {
		ExecutionARN    string   `json:"executionArn"`
		StateMachineARN string   `json:"stateMachineArn"`
		Name            string   `json:"name"`
		Status          string   `json:"status"`
		StartDate       *float64 `json:"startDate"`
		StopDate        *float64 `json:"stopDate,omitempty"`
		RedriveCount    int      `json:"redriveCount"`
	}
	list := []item{}
	for _, e := range s.Executions() {
		if e.Machine == m.name && (in.StatusFilter == "" || e.Status == in.StatusFilter) {
			list = append(list, item{e.ARN, m.arn, e.Name, e.Status, seconds(e.Started), seconds(e.Stopped), e.Redrives})
		}
	}
	items, next, err := pageOf(in.page, list, 1000)
	if err != nil {
		return nil, err
	}
	return struct {
		Executions []item `json:"executions"`
		NextToken  string `json:"nextToken,omitempty"`
	}{items, next}, nil
}

func (s *Service) getExecutionHistory(in struct {
	executionReference
	page
	ReverseOrder         bool  `json:"reverseOrder"`
	IncludeExecutionData *bool `json:"includeExecutionData"`
}) (any, error) {
	e, err := s.execution(in.ExecutionARN)
	if err != nil {
		return nil, err
	}
	history := e.events()
	if in.ReverseOrder {
		slices.Reverse(history)
	}
	history, next, err := pageOf(in.page, history, 1000)
	if err != nil {
		return nil, err
	}
	withData := in.IncludeExecutionData == nil || *in.IncludeExecutionData
	events := make([]map[string]any, len(history))
	for i, event := range history {
		events[i] = event.wire(withData)
	}
	out := map[string]any{"events": events}
	if next != "" {
		out["nextToken"] = next
	}
	return out, nil
}

// wire is an event as the API has it.
func (e Event) wire(withData bool) map[string]any {
	object := map[string]any{"id": e.ID, "previousEventId": e.PreviousID, "timestamp": seconds(e.Time), "type": e.Type}
	if e.Details == nil {
		return object
	}
	details := make(map[string]any, len(e.Details))
	for name, value := range e.Details {
		if data := name == "input" || name == "output" || name == "parameters"; !data || withData {
			details[name] = value
		}
	}
	object[detailsField(e.Type)] = details
	return object
}
