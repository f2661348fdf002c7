package arm

import (
	"fmt"
	"net/http"
	"strings"
)

// operation is one that is under way, or has ended.
type operation struct {
	parent string // id of the account that takes no other change meanwhile; "" for none
	left   int    // looks until it ends
	done   func() *Refusal
	failed *Refusal
}

// look counts one, and ends the operation after the last.
func (o *operation) look() {
	if o.left > 0 {
		o.left--
	}
	if o.left == 0 && o.done != nil {
		o.failed = o.done()
		o.done = nil
	}
}

func (o *operation) underWay() bool { return o.done != nil }

func (s *Server) operationsPath() string {
	return "/subscriptions/" + s.options.SubscriptionID + "/providers/Microsoft.CognitiveServices/locations/any/operationResults/"
}

// start begins an operation. done is called once it ends, and returns why it failed.
func (s *Server) start(parent string, done func() *Refusal) (id string) {
	s.sequence++
	id = fmt.Sprintf("%08d", s.sequence)
	o := &operation{parent: parent, left: s.options.Looks, done: done}
	if done == nil {
		o.done = func() *Refusal { return nil }
	}
	if o.left < 0 {
		o.left = 0
		o.look()
	}
	s.operations[id] = o
	return id
}

// started is the answer to a DELETE that goes on: 202, and where its end can be seen.
func (s *Server) started(c *call, parent string, done func() *Refusal) (answer, error) {
	id := s.start(parent, done)
	return answer{http.StatusAccepted, nil, map[string]string{"Location": s.operationURL(c.Request, id) + "&result=true", "Retry-After": "1"}}, nil
}

func (s *Server) operationURL(r *http.Request, id string) string {
	return "https://" + r.Host + s.operationsPath() + id + "?api-version=2025-06-01"
}

// lookAtOperation answers the two ways to wait: the URL of Azure-AsyncOperation has a status, and that of Location is 202
// until the end.
func (s *Server) lookAtOperation(r *http.Request, id string) (answer, error) {
	o := s.operations[id]
	if o == nil {
		return answer{}, &Refusal{http.StatusNotFound, "OperationNotFound", "The operation " + id + " was not found."} // unverified
	}
	underWay := o.underWay()
	o.look()
	wait := map[string]string{"Retry-After": "1"}
	if r.URL.Query().Has("result") {
		switch {
		case underWay:
			wait["Location"] = "https://" + r.Host + r.URL.String()
			return answer{http.StatusAccepted, nil, wait}, nil
		case o.failed != nil:
			return answer{}, o.failed
		}
		return answer{status: http.StatusNoContent}, nil
	}
	status := map[string]any{"id": s.operationsPath() + id, "name": id, "status": "Succeeded"}
	switch {
	case underWay:
		status["status"] = "InProgress"
		return answer{http.StatusOK, status, wait}, nil
	case o.failed != nil:
		status["status"], status["error"] = "Failed", o.failed
	}
	return ok(status)
}

// lookAt counts a look at an account, or at something in it, for all that is under way there.
func (s *Server) lookAt(parent string) {
	for _, o := range s.operations {
		if o.underWay() && strings.EqualFold(o.parent, parent) {
			o.look()
		}
	}
}

// busy refuses a change of an account that another is under way in, and is a look at that one.
func (s *Server) busy(parent string) error {
	for _, o := range s.operations {
		if o.underWay() && strings.EqualFold(o.parent, parent) {
			o.look()
			return requestConflict(parent)
		}
	}
	return nil
}
