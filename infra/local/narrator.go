package main

import (
	"fmt"
	"io"
	"strings"

	"aoai-bridge/infra/local/stepfunctions"
)

// A narrator prints the transitions of workflows as they happen.
type narrator struct{ w io.Writer }

// printEvent prints one line for a state that is entered, and for what ends or fails.
func (n *narrator) printEvent(e stepfunctions.Event) {
	text := ""
	switch {
	case strings.HasSuffix(e.Type, "StateEntered"):
		text = e.State()
	case strings.HasPrefix(e.Type, "Execution"), strings.HasSuffix(e.Type, "Failed"), strings.HasSuffix(e.Type, "TimedOut"):
		text = e.Type
	default:
		return
	}
	if failure, ok := e.Details["error"].(string); ok {
		text += " " + failure
	}
	execution := e.ExecutionARN[strings.LastIndexByte(e.ExecutionARN, ':')+1:]
	fmt.Fprintf(n.w, "%s  %s %.8s  %s\n", e.Time.Format("15:04:05"), e.Machine, execution, text)
}
