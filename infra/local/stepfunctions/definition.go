package stepfunctions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aoai-bridge/infra/local/jsonvalue"
)

// states are a state machine, a branch of a Parallel, or what a Map does with each item.
type states struct {
	StartAt         string
	States          map[string]*state
	Comment         string
	Version         string
	QueryLanguage   string
	TimeoutSeconds  int // of a state machine; 0 for none
	ProcessorConfig processorConfig
}

type processorConfig struct {
	Mode          string // INLINE or DISTRIBUTED
	ExecutionType string
}

// A state has the fields of all types of states; check knows which may stand in which.
type state struct {
	Type          string
	Comment       string
	QueryLanguage string
	Next          string
	End           bool

	InputPath      pathField
	OutputPath     pathField
	Parameters     payload
	ResultSelector payload
	ResultPath     pathField
	Retry          []*retrier
	Catch          []*catcher

	// Pass
	Result verbatim

	// Task
	Resource             string
	TimeoutSeconds       int
	TimeoutSecondsPath   pathField
	HeartbeatSeconds     int
	HeartbeatSecondsPath pathField

	// Wait
	Seconds       *int
	SecondsPath   pathField
	Timestamp     string
	TimestampPath pathField

	// Choice
	Choices []*rule
	Default string

	// Fail
	Error     string
	Cause     string
	ErrorPath pathField
	CausePath pathField

	// Parallel
	Branches []*states

	// Map
	ItemProcessor                  *states
	Iterator                       *states // the older name
	ItemsPath                      pathField
	ItemSelector                   payload
	ItemReader                     *itemReader
	ItemBatcher                    *itemBatcher
	ResultWriter                   *resultWriter
	MaxConcurrency                 int
	MaxConcurrencyPath             pathField
	ToleratedFailureCount          int
	ToleratedFailureCountPath      pathField
	ToleratedFailurePercentage     float64
	ToleratedFailurePercentagePath pathField
	Label                          string

	fields map[string]bool // those that were given
}

// common are fields that several types have.
var (
	flow     = []string{"Type", "Comment", "QueryLanguage", "InputPath", "OutputPath", "Next", "End"}
	results  = []string{"Parameters", "ResultSelector", "ResultPath"}
	handlers = []string{"Retry", "Catch"}
)

// allowed are the fields that each type may have.
var allowed = map[string][]string{
	"Pass":    slices.Concat(flow, []string{"Result", "Parameters", "ResultPath"}),
	"Succeed": flow[:len(flow)-2],
	"Fail":    {"Type", "Comment", "QueryLanguage", "Error", "Cause", "ErrorPath", "CausePath"},
	"Choice":  slices.Concat(flow[:len(flow)-2], []string{"Choices", "Default"}),
	"Wait":    slices.Concat(flow, []string{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}),
	"Task": slices.Concat(flow, results, handlers, []string{"Resource", "TimeoutSeconds", "TimeoutSecondsPath",
		"HeartbeatSeconds", "HeartbeatSecondsPath"}),
	"Parallel": slices.Concat(flow, results, handlers, []string{"Branches"}),
	"Map": slices.Concat(flow, results, handlers, []string{"ItemProcessor", "Iterator", "ItemsPath", "ItemSelector", "ItemReader",
		"ItemBatcher", "ResultWriter", "MaxConcurrency", "MaxConcurrencyPath", "ToleratedFailureCount", "ToleratedFailureCountPath",
		"ToleratedFailurePercentage", "ToleratedFailurePercentagePath", "Label"}),
}

func (st *state) UnmarshalJSON(text []byte) error {
	type plain state // without this method
	if err := strict(text, (*plain)(st)); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	st.fields = make(map[string]bool, len(fields))
	for name := range fields {
		st.fields[name] = true
	}
	return nil
}

// A verbatim value has no expressions in it.
type verbatim struct{ value any }

func (v *verbatim) UnmarshalJSON(text []byte) (err error) {
	v.value, err = jsonvalue.Decode(text)
	return err
}

// strict decodes JSON and refuses fields that are not known.
func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func parse(source string) (*states, error) {
	if _, rest, ok := strings.Cut(source, "${"); ok {
		name, _, _ := strings.Cut(rest, "}")
		return nil, fmt.Errorf("nothing to substitute for ${%s}", name)
	}
	machine := new(states)
	if err := strict([]byte(source), machine); err != nil {
		return nil, err
	}
	return machine, machine.check()
}

func (m *states) check() error {
	if m.States[m.StartAt] == nil {
		return fmt.Errorf("StartAt: no state %q", m.StartAt)
	}
	if m.QueryLanguage != "" && m.QueryLanguage != "JSONPath" {
		return fmt.Errorf("QueryLanguage %s is not implemented here", m.QueryLanguage)
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(m.States)) {
		if err := m.States[name].check(m.States); err != nil {
			problems = append(problems, fmt.Errorf("state %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

func (st *state) check(siblings map[string]*state) error {
	fields := allowed[st.Type]
	if fields == nil {
		return fmt.Errorf("no type %q", st.Type)
	}
	for _, name := range slices.Sorted(maps.Keys(st.fields)) {
		if !slices.Contains(fields, name) {
			return fmt.Errorf("a %s state has no %s", st.Type, name)
		}
	}
	if st.QueryLanguage != "" && st.QueryLanguage != "JSONPath" {
		return fmt.Errorf("QueryLanguage %s is not implemented here", st.QueryLanguage)
	}
	for _, next := range st.nexts() {
		if siblings[next] == nil {
			return fmt.Errorf("leads to %q, which is no state beside it", next)
		}
	}
	if slices.Contains(fields, "Next") && st.End == (st.Next != "") {
		return errors.New("want either Next or End")
	}
	if p, ok := st.ResultPath.expression.(path); st.ResultPath.set() && (!ok || !p.Definite() || p.Context) {
		return errors.New("ResultPath must be a reference path into the input")
	}
	return st.checkType()
}

// nexts lists the states that st may lead to.
func (st *state) nexts() []string {
	var list []string
	for _, r := range st.Choices {
		list = append(list, r.next)
	}
	for _, c := range st.Catch {
		list = append(list, c.Next)
	}
	for _, next := range []string{st.Next, st.Default} {
		if next != "" {
			list = append(list, next)
		}
	}
	return list
}

// checkType checks what only states of one type have.
func (st *state) checkType() error {
	switch st.Type {
	case "Task":
		if resources[st.Resource] == nil && !isFunctionARN(st.Resource) {
			return fmt.Errorf("resource %q is not implemented here", st.Resource)
		}
	case "Wait":
		if n := st.has("Seconds") + st.has("SecondsPath") + st.has("Timestamp") + st.has("TimestampPath"); n != 1 {
			return errors.New("want one of Seconds, SecondsPath, Timestamp and TimestampPath")
		}
		if _, ok := timestamp(st.Timestamp); st.Timestamp != "" && !ok {
			return fmt.Errorf("timestamp %q is not RFC 3339", st.Timestamp)
		}
	case "Choice":
		if len(st.Choices) == 0 {
			return errors.New("want Choices")
		}
	case "Parallel":
		for i, branch := range st.Branches {
			if err := branch.check(); err != nil {
				return fmt.Errorf("branch %d: %w", i, err)
			}
		}
		if len(st.Branches) == 0 {
			return errors.New("want Branches")
		}
	case "Map":
		return st.checkMap()
	}
	return nil
}

func (st *state) has(field string) int {
	if st.fields[field] {
		return 1
	}
	return 0
}

func (st *state) checkMap() error {
	if st.ItemProcessor == nil {
		st.ItemProcessor = st.Iterator
	}
	if st.ItemProcessor == nil {
		return errors.New("want an ItemProcessor")
	}
	if st.ItemSelector.expression == nil {
		st.ItemSelector = st.Parameters // the older name
	}
	config := st.ItemProcessor.ProcessorConfig
	switch config.Mode {
	case "", "INLINE":
		for _, field := range []string{"ItemReader", "ItemBatcher", "ResultWriter", "ToleratedFailureCount", "ToleratedFailurePercentage",
			"ToleratedFailureCountPath", "ToleratedFailurePercentagePath", "Label"} {
			if st.fields[field] {
				return fmt.Errorf("an inline Map has no %s", field)
			}
		}
	case "DISTRIBUTED":
		if config.ExecutionType != "STANDARD" && config.ExecutionType != "EXPRESS" {
			return errors.New("a distributed Map needs an ExecutionType, STANDARD or EXPRESS")
		}
	default:
		return fmt.Errorf("no Mode %q", config.Mode)
	}
	return st.ItemProcessor.check()
}

func (st *state) distributed() bool { return st.ItemProcessor.ProcessorConfig.Mode == "DISTRIBUTED" }
