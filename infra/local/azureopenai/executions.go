package azureopenai

import (
	"crypto/sha256"
	"sync"
)

// Executions counts what was done with the lines of batches since the start or the last Reset. A line is
// known by its body, byte for byte, since a caller may number its lines differently when it tries again.
type Executions struct {
	Lines     int        `json:"lines"`      // different bodies
	Executed  int        `json:"executed"`   // how often lines were executed
	Succeeded int        `json:"succeeded"`  // how often a 2xx answer reached an output file
	Again     int        `json:"again"`      // executions of a line that had succeeded before
	Paid      int        `json:"paid"`       // how often a line was answered with a 2xx, which is charged, whether or not it can be read
	PaidAgain int        `json:"paid_again"` // of these: of a line that had been paid for before
	Repeated  []Repeated `json:"repeated"`   // the first of those
}

// Repeated is a line that was executed although it had succeeded.
type Repeated struct {
	Batch    string `json:"batch"`
	CustomID string `json:"custom_id"`
}

// maxRepeated is how many repeated lines are named.
const maxRepeated = 100

type bodyDigest [16]byte

func digest(body []byte) bodyDigest {
	sum := sha256.Sum256(body)
	return bodyDigest(sum[:16])
}

type executionLog struct {
	mu     sync.Mutex
	counts map[bodyDigest]executionCount
	total  Executions
}

type executionCount struct{ executed, succeeded, paid uint32 }

// countExecuted counts an execution. ok is set where its answer is a 2xx.
func (l *executionLog) countExecuted(batch, customID string, line bodyDigest, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = make(map[bodyDigest]executionCount)
	}
	c := l.counts[line]
	if c.succeeded > 0 {
		l.total.Again++
		if len(l.total.Repeated) < maxRepeated {
			l.total.Repeated = append(l.total.Repeated, Repeated{batch, customID})
		}
	}
	c.executed++
	if ok {
		l.total.Paid++
		if c.paid++; c.paid > 1 {
			l.total.PaidAgain++
		}
	}
	l.counts[line] = c
	l.total.Executed++
}

func (l *executionLog) countSucceeded(line bodyDigest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[line]
	if c.executed == 0 { // there was a reset
		return
	}
	c.succeeded++
	l.counts[line] = c
	l.total.Succeeded++
}

// retractSuccess takes back the success of a line whose answer cannot be read.
func (l *executionLog) retractSuccess(line bodyDigest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts[line]
	if c.succeeded == 0 { // there was a reset
		return
	}
	c.succeeded--
	l.counts[line] = c
	l.total.Succeeded--
}

func (l *executionLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts, l.total = nil, Executions{}
}

// Executions returns the counts of all lines of batches.
func (s *Server) Executions() Executions {
	s.executions.mu.Lock()
	defer s.executions.mu.Unlock()
	e := s.executions.total
	e.Lines = len(s.executions.counts)
	e.Repeated = append([]Repeated{}, e.Repeated...)
	return e
}

// ExecutionsOf returns how often a line with this body was executed, and how often a 2xx answer to it
// reached an output file.
func (s *Server) ExecutionsOf(body []byte) (executed, succeeded int) {
	s.executions.mu.Lock()
	defer s.executions.mu.Unlock()
	c := s.executions.counts[digest(body)]
	return int(c.executed), int(c.succeeded)
}
