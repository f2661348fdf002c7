package azureopenai

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

const controlRoot = "/_emulator"

// Answer is a literal answer for the next request that matches it. The usual headers are sent too,
// unless Headers says otherwise. A body whose Content-Type is text/event-stream is sent event by event.
type Answer struct {
	Path       string            `json:"path,omitempty"`       // the end of the request's path; "" for all
	Deployment string            `json:"deployment,omitempty"` // "" for all
	Status     int               `json:"status,omitempty"`     // 0 for 200
	Headers    map[string]string `json:"headers,omitempty"`    // "" leaves one out; Content-Type is application/json unless given
	Stream     bool              `json:"stream,omitempty"`     // the body is sent by events whatever its Content-Type
	Body       string            `json:"body"`                 // sent byte for byte
}

type answerQueue struct {
	mu      sync.Mutex
	answers []Answer
}

// QueueAnswer queues a literal answer; it is used once.
func (s *Server) QueueAnswer(a Answer) {
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	s.answers.mu.Lock()
	defer s.answers.mu.Unlock()
	s.answers.answers = append(s.answers.answers, a)
}

func (q *answerQueue) pick(x *exchange) (Answer, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, a := range q.answers {
		if matches(x, a.Path, a.Deployment) {
			q.answers = append(q.answers[:i:i], q.answers[i+1:]...)
			return a, true
		}
	}
	return Answer{}, false
}

func (q *answerQueue) reset() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.answers = nil
}

// control serves the control routes.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /_emulator/requests":
		writeControl(w, http.StatusOK, struct {
			Counts   Counts    `json:"counts"`
			Requests []Request `json:"requests"`
		}{s.Counts(), s.Requests()})
	case "GET /_emulator/faults":
		writeControl(w, http.StatusOK, s.faults.list())
	case "POST /_emulator/faults":
		var rule FaultRule
		err := json.NewDecoder(r.Body).Decode(&rule)
		if err == nil {
			err = s.AddFault(rule)
		}
		finishControl(w, err)
	case "POST /_emulator/answers":
		var a Answer
		err := json.NewDecoder(r.Body).Decode(&a)
		if err == nil {
			s.QueueAnswer(a)
		}
		finishControl(w, err)
	case "GET /_emulator/executions":
		writeControl(w, http.StatusOK, s.Executions())
	case "POST /_emulator/executions":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			finishControl(w, err)
			return
		}
		executed, succeeded := s.ExecutionsOf(body)
		writeControl(w, http.StatusOK, map[string]int{"executed": executed, "succeeded": succeeded})
	case "DELETE /_emulator/executions":
		s.executions.reset()
		finishControl(w, nil)
	case "GET /_emulator/pace":
		writeControl(w, http.StatusOK, s.pace.Load().describe())
	case "POST /_emulator/pace":
		p, err := readPace(json.NewDecoder(r.Body))
		if err == nil {
			s.SetPace(p)
		}
		finishControl(w, err)
	case "DELETE /_emulator":
		s.Reset()
		finishControl(w, nil)
	case "DELETE /_emulator/requests":
		s.log.reset()
		finishControl(w, nil)
	case "DELETE /_emulator/faults":
		s.faults.reset()
		finishControl(w, nil)
	case "DELETE /_emulator/answers":
		s.answers.reset()
		finishControl(w, nil)
	default:
		writeControl(w, http.StatusNotFound, map[string]string{"error": "no such control route; there are requests, faults, answers, executions and pace"})
	}
}

func finishControl(w http.ResponseWriter, err error) {
	if err != nil {
		writeControl(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func writeControl(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encode(v))
}
