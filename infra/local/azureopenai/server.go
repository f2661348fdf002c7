package azureopenai

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a Server. The zero value knows no credential and so refuses every caller.
type Options struct {
	APIKeys           []string                 // all valid at once; see Server.SetAPIKeys
	VerifyBearer      func(token string) error // judges Entra tokens; nil accepts none
	Deployments       []Deployment             // nil for DefaultDeployments
	Region            string                   // x-ms-region; "" for "East US 2"
	EnforceRateLimits bool                     // answer 429 once a deployment's minute is used up
	DisableRecording  bool                     // count requests, but keep none
	KeepRequests      int                      // how many requests are kept; 0 for 1,000
	Pace              Pace                     // of batches; the zero value is as fast as it goes
	Now               func() time.Time         // nil for time.Now

	// After is what the states of batches are timed with; nil for time.After.
	After func(time.Duration) <-chan time.Time
}

// Server emulates one Azure OpenAI resource. It is an http.Handler, safe for concurrent use. One that
// served files or batches must be closed.
type Server struct {
	options       Options
	operations    []operation
	deployments   atomic.Pointer[map[string]*deployment]
	keys          atomic.Pointer[keySet]
	sequence      atomic.Uint64
	log           requestLog
	faults        faultQueue
	answers       answerQueue
	responses     responseStore
	conversations conversationStore
	files         fileStore
	batches       batchStore
	executions    executionLog
	pace          atomic.Pointer[Pace]
	done          chan struct{} // closed by Close
	closing       sync.Once
}

// New returns a Server with nothing asked of it yet.
func New(o Options) *Server {
	if o.Deployments == nil {
		o.Deployments = DefaultDeployments()
	}
	if o.Region == "" {
		o.Region = "East US 2"
	}
	if o.KeepRequests == 0 {
		o.KeepRequests = 1000
	}
	if o.DisableRecording {
		o.KeepRequests = 0
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.After == nil {
		o.After = time.After
	}
	s := &Server{options: o, operations: operations(), done: make(chan struct{})}
	s.SetDeployments(o.Deployments)
	s.log.keep = o.KeepRequests
	s.SetAPIKeys(o.APIKeys...)
	s.SetPace(o.Pace)
	return s
}

// Close stops the batches where they stand and removes all files.
func (s *Server) Close() error {
	s.closing.Do(func() { close(s.done) })
	s.batches.close()
	return s.files.close()
}

// ServeHTTP answers the API's paths and, below /_emulator, the control routes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == controlRoot || strings.HasPrefix(r.URL.Path, controlRoot+"/") {
		s.control(w, r)
		return
	}
	x := &exchange{server: s, w: w, r: r, start: s.options.Now()}
	refusal := x.identify()
	x.record.ID = s.log.begin(x.record)
	defer x.finish()
	x.setHeaders()
	if refusal == nil {
		refusal = x.answer()
	}
	x.fail(refusal)
}

// Reset forgets the requests seen, every fault and answer queued and what batches executed, and lets
// batches go on that a fault holds up. Stored responses, files and batches stay.
func (s *Server) Reset() {
	s.log.reset()
	s.faults.reset()
	s.answers.reset()
	s.executions.reset()
}
