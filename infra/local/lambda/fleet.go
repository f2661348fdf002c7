package lambda

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// initTimeout is how long Lambda lets an instance initialise before it counts the time as the
// invocation's.
const initTimeout = 10 * time.Second

// A fleet is a function's instances. An instance has room for an invocation while a poll of its
// (GET .../next) is parked here; as in Lambda, an invocation is over when the bootstrap polls again.
//
// An invocation that finds no poll parked is queued if one is sure to come: from an instance that starts,
// or one that has just answered. Beyond that an instance is started, and beyond MaxInstances the
// invocation is refused. So len(queued) never exceeds expectedPolls.
type fleet struct {
	host     *Host
	function Function

	mu            sync.Mutex
	closed        bool
	instances     []*instance // oldest first
	parked        []*poll     // most recently used last
	queued        []*invocation
	expectedPolls int // polls that instances owe
}

// A poll is a bootstrap that waits for an event.
type poll struct {
	instance *instance
	event    chan *invocation // capacity 1
}

// run has an instance take inv and returns when it begins to answer.
func (f *fleet) run(inv *invocation) (*Response, error) {
	if err := f.dispatch(inv); err != nil {
		return nil, err
	}
	var o outcome
	select {
	case o = <-inv.outcome:
	case <-inv.ctx.Done():
		f.dequeue(inv)
		return nil, inv.ctx.Err()
	}
	if o.err != nil {
		return nil, o.err
	}
	if err := o.answer.begin(); err != nil {
		return nil, err
	}
	return &Response{RequestID: inv.id, ContentType: o.answer.contentType, Body: o.answer}, nil
}

// dispatch hands inv to the instance that was idle for the shortest time, or queues it.
func (f *fleet) dispatch(inv *invocation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if n := len(f.parked); n > 0 {
		p := f.parked[n-1]
		f.parked = f.parked[:n-1]
		f.deliver(p, inv)
		return nil
	}
	if len(f.queued) == f.expectedPolls {
		if len(f.instances) >= f.function.MaxInstances {
			return ErrThrottled
		}
		f.start()
	}
	f.queued = append(f.queued, inv)
	return nil
}

// dequeue takes inv out of the queue. If an instance has it already, it stays there: Lambda has no
// way to take an event back.
func (f *fleet) dequeue(inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := slices.Index(f.queued, inv); at >= 0 {
		f.queued = slices.Delete(f.queued, at, at+1)
	}
}

// start adds an instance. The mutex must be held.
func (f *fleet) start() {
	i := &instance{
		fleet:    f,
		starting: f.function.Concurrency,
		inFlight: make(map[string]*invocation),
		exited:   make(chan struct{}),
	}
	f.instances = append(f.instances, i)
	f.expectedPolls += i.owedPolls()
	f.host.work.Go(i.run)
}

// deliver answers p with inv. The mutex must be held.
func (f *fleet) deliver(p *poll, inv *invocation) {
	inv.deadline = time.Now().Add(f.function.Timeout)
	inv.timer = time.AfterFunc(f.function.Timeout, func() { f.timeout(p.instance, inv) })
	p.instance.inFlight[inv.id] = inv
	p.event <- inv
}

// poll records that a bootstrap asks for an event. It returns nil if i is to get no more events.
func (f *fleet) poll(i *instance) *poll {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i.retired {
		return nil
	}
	f.expectedPolls -= i.owedPolls()
	if len(i.finishing) > 0 {
		i.finishing[0].timer.Stop()
		i.finishing = i.finishing[1:]
	} else if i.starting > 0 {
		i.starting--
	}
	i.polled = true
	f.expectedPolls += i.owedPolls()

	p := &poll{instance: i, event: make(chan *invocation, 1)}
	if len(f.queued) == 0 {
		f.parked = append(f.parked, p)
		return p
	}
	inv := f.queued[0]
	f.queued = f.queued[1:]
	f.deliver(p, inv)
	return p
}

// removePoll ends a poll whose bootstrap hung up. If it got an event in the same moment, the event is
// lost with the bootstrap, whose end is about to be noticed.
func (f *fleet) removePoll(p *poll) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := slices.Index(f.parked, p); at >= 0 {
		f.parked = slices.Delete(f.parked, at, at+1)
	}
}

// beginAnswer begins the answer r to the invocation with an id that i is working on. It returns nil if
// there is none, or if it has its answer.
func (f *fleet) beginAnswer(i *instance, id string, r *http.Request) *answer {
	f.mu.Lock()
	defer f.mu.Unlock()
	inv, ok := i.inFlight[id]
	if !ok {
		return nil
	}
	a := newAnswer(i, inv, r)
	if !inv.settle(outcome{answer: a}) {
		return nil
	}
	return a
}

// failInvocation ends the invocation with an id that i is working on. It reports whether there is one that
// has no answer yet.
func (f *fleet) failInvocation(i *instance, id string, failure *FunctionError) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	inv, ok := i.inFlight[id]
	if !ok || inv.settled {
		return false
	}
	// In this order: the caller's next invocation must find the instance about to be free.
	f.finishLocked(i, inv)
	inv.fail(failure)
	return true
}

// finish ends the work on inv; i owes a poll now. Until that comes, inv's time goes on.
func (f *fleet) finish(i *instance, inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finishLocked(i, inv)
}

func (f *fleet) finishLocked(i *instance, inv *invocation) {
	if i.inFlight[inv.id] != inv {
		return
	}
	delete(i.inFlight, inv.id)
	if i.retired {
		inv.timer.Stop()
		return
	}
	f.expectedPolls -= i.owedPolls()
	i.finishing = append(i.finishing, inv)
	f.expectedPolls += i.owedPolls()
}

// failureOf explains why inv's answer broke off.
func (f *fleet) failureOf(inv *invocation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	if inv.failure == nil {
		inv.failure = truncatedError(inv.id)
	}
	return inv.failure
}

// timeout ends an instance that needs too long for an invocation.
func (f *fleet) timeout(i *instance, inv *invocation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i.retired {
		return
	}
	if i.inFlight[inv.id] == inv {
		f.failAndLog(inv, timeoutError(inv.id, f.function.Timeout))
		delete(i.inFlight, inv.id)
	}
	f.retire(i, nil)
	i.kill()
}

// initExpired ends an instance that has not polled as often as it should.
func (f *fleet) initExpired(i *instance) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i.retired || i.starting == 0 {
		return
	}
	f.retire(i, func(id string) *FunctionError { return timeoutError(id, f.function.Timeout) })
	i.kill()
}

// processEnded records that i's process has ended, or never began.
func (f *fleet) processEnded(i *instance, explain func(requestID string) *FunctionError) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retire(i, explain)
	for _, inv := range i.inFlight {
		inv.timer.Stop()
		f.failAndLog(inv, explain(inv.id))
	}
	clear(i.inFlight)
	close(i.exited)
}

// retire takes i out of service. Invocations that waited for its polls get a fresh instance, unless i never
// polled: a bootstrap that cannot start is not started over and over, so they get the explanation.
// The mutex must be held.
func (f *fleet) retire(i *instance, explain func(requestID string) *FunctionError) {
	if i.retired {
		return
	}
	i.retired = true
	f.expectedPolls -= i.owedPolls()
	f.instances = slices.DeleteFunc(f.instances, func(other *instance) bool { return other == i })
	f.parked = slices.DeleteFunc(f.parked, func(p *poll) bool { return p.instance == i })
	for _, inv := range i.finishing {
		inv.timer.Stop()
	}
	i.finishing = nil
	for len(f.queued) > f.expectedPolls {
		if i.polled {
			f.start()
			continue
		}
		f.failAndLog(f.queued[0], explain(f.queued[0].id))
		f.queued = f.queued[1:]
	}
}

// failAndLog fails inv and writes that to the log. The mutex must be held.
func (f *fleet) failAndLog(inv *invocation, failure *FunctionError) {
	inv.fail(failure)
	f.host.logf("%s %s %s", f.function.Name, failure.Message, failure.Type)
}

// close refuses what comes and fails what waits.
func (f *fleet) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for _, inv := range f.queued {
		inv.settle(outcome{err: ErrClosed})
	}
	f.queued = nil
}
