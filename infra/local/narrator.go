package main

import (
	"fmt"
	"io"
	"strings"

	"aoai-bridge/infra/local/stepfunctions"
)

// A narrator prints the transitions of workflows as they happen.
type narrator struct{ w io.Writer }

// tell prints one line for a state that is entered, and for what ends or fails.
func (n *narrator) tell(e stepfunctions.Event) {
	what := ""
	switch {
	case strings.HasSuffix(e.Type, "StateEntered"):
		what = e.State()
	case strings.HasPrefix(e.Type, "Execution"), strings.HasSuffix(e.Type, "Failed"), strings.HasSuffix(e.Type, "TimedOut"):
		what = e.Type
	default:
		return
	}
	if failure, ok := e.Details["error"].(string); ok {
		what += " " + failure
	}
	execution := e.ExecutionARN[strings.LastIndexByte(e.ExecutionARN, ':')+1:]
	fmt.Fprintf(n.w, "%s  %s %.8s  %s\n", e.Time.Format("15:04:05"), e.Machine, execution, what)
}
