package azureopenai

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fault is a misbehaviour, as the package comment lists them. The zero value is none.
type fault struct {
	text            string // as it was asked for
	kind            string
	status          int
	after           int // -1 where not given
	delay, interval time.Duration
	age             time.Duration // of a list
	retryAfter      string
	retryAfterMS    string
	limit           string
	times           int
	percent         int    // of a batch's lines; 0 for all
	code, state     string // of a batch
}

// answerKinds are the faults of an answer, beside those that are a status.
var answerKinds = []string{"cut", "reset", "partial", "hang", "close", "lost", "slow", "behind", "cut-upload", "garbage", "error-event", "no-done", "end",
	"gzip", "deflate", "no-stream-options"}

// jobKinds are the faults of batches: they are asked for at creation and strike later.
var jobKinds = map[string]bool{
	"fail-lines": true, "drop-lines": true, "torn": true, "expire": true, "no-rows": true, "fail": true, "late-output": true,
	"no-error-file": true, "empty-error-file": true, "stall": true, "token-limit": true,
}

func (f *fault) job() bool { return jobKinds[f.kind] }

// parseFault reads KIND;option=value;...
func parseFault(text string) (fault, error) {
	f := fault{text: strings.TrimSpace(text), after: -1}
	for i, part := range strings.Split(f.text, ";") {
		name, value, isOption := strings.Cut(strings.TrimSpace(part), "=")
		var err error
		switch {
		case isOption:
			err = f.setOption(name, value)
		case i > 0:
			err = fmt.Errorf("option %q has no value", name)
		default:
			err = f.setKind(name)
		}
		if err != nil {
			return fault{}, fmt.Errorf("fault %q: %w", f.text, err)
		}
	}
	return f, nil
}

func (f *fault) setKind(kind string) error {
	if slices.Contains(answerKinds, kind) || jobKinds[kind] {
		f.kind = kind
		return nil
	}
	status, err := strconv.Atoi(kind)
	if err != nil || status < 400 || status > 599 {
		return fmt.Errorf("unknown kind %q; there are statuses from 400 to 599, and %s, %s", kind, strings.Join(answerKinds, ", "),
			strings.Join(slices.Sorted(maps.Keys(jobKinds)), ", "))
	}
	f.kind, f.status = "status", status
	return nil
}

func (f *fault) setOption(name, value string) (err error) {
	switch name {
	case "after":
		f.after, err = strconv.Atoi(value)
	case "times":
		f.times, err = strconv.Atoi(value)
	case "status":
		f.status, err = strconv.Atoi(value)
		if err == nil && (f.status < 200 || f.status > 599) {
			err = errors.New("status must be from 200 to 599")
		}
	case "delay":
		f.delay, err = time.ParseDuration(value)
	case "interval":
		f.interval, err = time.ParseDuration(value)
	case "age":
		f.age, err = time.ParseDuration(value)
	case "retry-after":
		f.retryAfter = value
	case "retry-after-ms":
		f.retryAfterMS = value
	case "limit":
		f.limit = value
	case "percent":
		f.percent, err = strconv.Atoi(value)
	case "code":
		f.code = value
	case "state":
		f.state = value
	default:
		err = fmt.Errorf("unknown option %q", name)
	}
	return err
}

// FaultRule asks for a fault in the next requests that match it.
type FaultRule struct {
	Fault      string `json:"fault"`                // KIND;option=value;... as in the package comment
	Method     string `json:"method,omitempty"`     // "" for all
	Path       string `json:"path,omitempty"`       // the end of the request's path; "" for all
	Deployment string `json:"deployment,omitempty"` // "" for all; a batch's is that of its first line
	Percent    int    `json:"percent,omitempty"`    // strike so many of the requests, spread as by chance; 0 for all
	Count      int    `json:"count,omitempty"`      // how many requests are struck; 0 for one, -1 for all from now on
}

type faultRule struct {
	FaultRule
	fault fault
	seen  uint64 // requests that matched
}

// matchesRequest reports whether a rule is to strike a request, and counts the request if it matches.
func (r *faultRule) matchesRequest(x *exchange) bool {
	if r.Method != "" && r.Method != x.r.Method || !matches(x, r.Path, r.Deployment) {
		return false
	}
	r.seen++
	return r.Percent == 0 || int(mixBits(r.seen*0x9e3779b97f4a7c15)%100) < r.Percent
}

// faultQueue knows which faults are still to strike.
type faultQueue struct {
	mu        sync.Mutex
	rules     []faultRule
	used      map[string]int // how often a fault with times= struck, by its text
	resetDone chan struct{}  // closed by the next reset
}

// maxUsed bounds the memory of faults with times=.
const maxUsed = 10000

// AddFault queues a fault; the error says what is wrong with its text.
func (s *Server) AddFault(rule FaultRule) error {
	f, err := parseFault(rule.Fault)
	if err != nil {
		return err
	}
	if rule.Count == 0 {
		rule.Count = 1
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = append(s.faults.rules, faultRule{FaultRule: rule, fault: f})
	return nil
}

func (q *faultQueue) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rules, q.used = nil, nil
	if q.resetDone != nil {
		close(q.resetDone)
		q.resetDone = nil
	}
}

// untilReset returns a channel that is closed at the next reset.
func (q *faultQueue) untilReset() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.resetDone == nil {
		q.resetDone = make(chan struct{})
	}
	return q.resetDone
}

func (q *faultQueue) list() []FaultRule {
	q.mu.Lock()
	defer q.mu.Unlock()
	rules := make([]FaultRule, len(q.rules))
	for i, r := range q.rules {
		rules[i] = r.FaultRule
	}
	return rules
}

// pick returns the request's fault: what its header asks for, else its body, else the first rule that matches.
func (q *faultQueue) pick(x *exchange) (fault, error) {
	text, requested := firstHeader(x.r, "X-Emulator-Fault")
	if !requested {
		text, requested = faultIn(x.body)
	}
	if requested {
		f, err := parseFault(text)
		if err != nil {
			return fault{}, literal(400, `{"error":{"code":"EmulatorFault","message":`+quote(err.Error())+`}}`)
		}
		if f.job() {
			x.jobFaults = []fault{f}
			return fault{}, nil
		}
		if q.usedUp(f) {
			return fault{}, nil
		}
		return f, nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.rules {
		r := &q.rules[i]
		if r.fault.job() || !r.matchesRequest(x) {
			continue
		}
		f := r.fault
		if r.Count--; r.Count == 0 {
			q.rules = append(q.rules[:i:i], q.rules[i+1:]...)
		}
		return f, nil
	}
	return fault{}, nil
}

// pickForJob returns the faults of every rule that is for the batch being created.
func (q *faultQueue) pickForJob(x *exchange) (faults []fault) {
	q.mu.Lock()
	defer q.mu.Unlock()
	kept := q.rules[:0:0]
	for _, r := range q.rules {
		if r.fault.job() && r.matchesRequest(x) {
			faults = append(faults, r.fault)
			r.Count--
		}
		if r.Count != 0 {
			kept = append(kept, r)
		}
	}
	q.rules = kept
	return faults
}

// faultIn finds [[fault: ...]]; the syntax has no character that JSON escapes.
func faultIn(body []byte) (string, bool) {
	const opening = "[[fault:"
	i := bytes.LastIndex(body, []byte(opening))
	if i < 0 {
		return "", false
	}
	text, _, closed := bytes.Cut(body[i+len(opening):], []byte("]]"))
	return string(text), closed
}

// usedUp reports whether a fault with times= has struck often enough.
func (q *faultQueue) usedUp(f fault) bool {
	if f.times == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used == nil || len(q.used) >= maxUsed {
		q.used = make(map[string]int)
	}
	q.used[f.text]++
	return q.used[f.text] > f.times
}

func matches(x *exchange, path, deployment string) bool {
	return strings.HasSuffix(x.r.URL.Path, path) && (deployment == "" || deployment == x.record.Deployment)
}
