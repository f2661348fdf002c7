package azureopenai

import "testing"

// A line that was begun before a reset does not count after it.
func TestResetDuringALine(t *testing.T) {
	var l executionLog
	line := digest([]byte("{}"))
	l.countExecuted("batch", "1", line, true)
	l.reset()
	l.countSucceeded(line)
	l.retractSuccess(line)
	if l.total.Succeeded != 0 || len(l.counts) != 0 {
		t.Errorf("counted %+v, of %d lines", l.total, len(l.counts))
	}
}
