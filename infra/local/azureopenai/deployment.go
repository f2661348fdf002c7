package azureopenai

import (
	"strings"
	"sync"
	"time"
)

// Deployment is one model deployment of the emulated resource.
type Deployment struct {
	Name    string // what a caller names, in the path or as "model"
	Model   string // the model's name, such as "gpt-4o"
	Version string // the model's version, such as "2024-11-20"
	Type    string // the SKU: Standard, GlobalStandard, GlobalBatch, ProvisionedManaged, ...

	// Capacity is in the SKU's units (for most models one is 1,000 tokens a minute) and gives the
	// x-ratelimit-* headers. Of a batch deployment it is how many thousand tokens may be enqueued. 0 sends
	// no headers and limits nothing.
	Capacity int
}

// DefaultDeployments returns deployments that suit most programs, each named for its model: of models that Azure sold in
// November 2026, and of older ones that programs still name.
func DefaultDeployments() []Deployment {
	return []Deployment{
		{"gpt-5.4-mini", "gpt-5.4-mini", "2026-03-17", "GlobalStandard", 1000},
		{"gpt-5.6-luna", "gpt-5.6-luna", "2026-07-09", "GlobalStandard", 1000},
		{"gpt-6-luna", "gpt-6-luna", "2026-09-22", "GlobalStandard", 1000},
		{"gpt-6.1-sol", "gpt-6.1-sol", "2026-09-29", "GlobalStandard", 1000},
		{"gpt-4o", "gpt-4o", "2024-11-20", "GlobalStandard", 450},
		{"gpt-4o-mini", "gpt-4o-mini", "2024-07-18", "GlobalStandard", 2000},
		{"gpt-4.1", "gpt-4.1", "2025-04-14", "GlobalStandard", 1000},
		{"text-embedding-3-small", "text-embedding-3-small", "1", "GlobalStandard", 1000},
		{"text-embedding-3-large", "text-embedding-3-large", "1", "GlobalStandard", 1000},
		{"text-embedding-ada-002", "text-embedding-ada-002", "2", "GlobalStandard", 1000},
		{"gpt-5.4-mini-batch", "gpt-5.4-mini", "2026-03-17", "GlobalBatch", 0},
		{"gpt-4o-batch", "gpt-4o", "2024-11-20", "GlobalBatch", 0},
		{"gpt-4o-mini-batch", "gpt-4o-mini", "2024-07-18", "GlobalBatch", 0},
	}
}

func (d Deployment) batch() bool { return strings.HasSuffix(d.Type, "Batch") }

func (d Deployment) provisioned() bool { return strings.Contains(d.Type, "Provisioned") }

// deployment is a Deployment at work.
type deployment struct {
	Deployment
	model  model
	window rateWindow
}

// SetDeployments replaces the deployments. Requests under way are not affected; a deployment that stays as it was goes on
// with its minute.
func (s *Server) SetDeployments(list []Deployment) {
	set := make(map[string]*deployment, len(list))
	old := s.deployments.Load()
	for _, d := range list {
		if old != nil && (*old)[d.Name] != nil && (*old)[d.Name].Deployment == d {
			set[d.Name] = (*old)[d.Name]
			continue
		}
		set[d.Name] = &deployment{Deployment: d, model: modelNamed(d.Model)}
	}
	s.deployments.Store(&set)
}

// servedModel is the model's name as answers have it: with the version where that is a date.
func (d *deployment) servedModel() string {
	if len(d.Version) == len("2006-01-02") {
		return d.Model + "-" + d.Version
	}
	return d.Model
}

// contextWindow is the model's, in tokens, as far as the deployment's type allows it.
func (d *deployment) contextWindow() int {
	if strings.HasPrefix(d.Model, "gpt-4.1") {
		if d.provisioned() || d.batch() {
			return 128000
		}
		return 300000
	}
	return d.model.context
}

// rateWindow counts what a deployment served in the current minute. Azure looks at windows of one to
// ten seconds and estimates; a fixed minute is enough to see the headers fall.
type rateWindow struct {
	mu               sync.Mutex
	start            time.Time
	requests, tokens int
}

// rate is a deployment's state after a request was counted.
type rate struct {
	limitRequests, limitTokens         int
	remainingRequests, remainingTokens int
	reset                              time.Duration // until the window's end
	exceeded                           string        // "", "requests" or "tokens"
}

// count adds a request of so many tokens; ok is false if the deployment has no limits.
func (d *deployment) count(now time.Time, tokens int) (r rate, ok bool) {
	if d.Capacity <= 0 || d.provisioned() || d.batch() {
		return rate{}, false
	}
	r.limitRequests, r.limitTokens = d.Capacity*d.model.requestsPerUnit, d.Capacity*d.model.tokensPerUnit
	w := &d.window
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.start) >= time.Minute {
		w.start, w.requests, w.tokens = now, 0, 0
	}
	switch {
	case w.requests+1 > r.limitRequests:
		r.exceeded = "requests"
	case w.tokens+tokens > r.limitTokens:
		r.exceeded = "tokens"
	}
	w.requests = min(w.requests+1, r.limitRequests)
	w.tokens = min(w.tokens+tokens, r.limitTokens)
	r.remainingRequests, r.remainingTokens = r.limitRequests-w.requests, r.limitTokens-w.tokens
	r.reset = w.start.Add(time.Minute).Sub(now)
	return r, true
}
