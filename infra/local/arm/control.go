package arm

import (
	"net/http"
	"slices"
	"strings"
)

// A Rule makes requests fail.
type Rule struct {
	Operation string // as in requests.json, such as "Accounts_create"; "" for every operation that changes something
	Path      string // the end of the request's path; "" for all
	Skip      int    // how many matching requests pass before it strikes
	Count     int    // how many it strikes; 0 for one, negative for all
	// Lost lets the request take effect before it fails, as when an answer is lost on its way.
	Lost bool
	Refusal
}

// AddRule makes requests fail from now on.
func (s *Server) AddRule(r Rule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Count == 0 {
		r.Count = 1
	}
	s.rules = append(s.rules, r)
}

// ClearRules lets every request pass again.
func (s *Server) ClearRules() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// changes reports whether an operation changes something.
func changes(operation string) bool {
	return slices.ContainsFunc(shapes.Operations, func(o requestShape) bool {
		return o.Operation == operation && o.Method != http.MethodGet && operation != "Accounts_listKeys" && operation != "Accounts_checkDomainAvailability"
	})
}

func (s *Server) pickRule(operation, path string) (why *Refusal, lost bool) {
	for i := range s.rules {
		r := &s.rules[i]
		if r.Operation != operation && (r.Operation != "" || !changes(operation)) || !strings.HasSuffix(path, r.Path) || r.Count == 0 {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		r.Count = max(r.Count-1, -1)
		return &r.Refusal, r.Lost
	}
	return nil, false
}

// Requests returns what was asked, as "PUT Deployments_createOrUpdate gpt-4o", and forgets it. Looks at operations that
// are under way are not in it.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

// TakeName has another subscription use an account's name.
func (s *Server) TakeName(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[strings.ToLower(name)] = true
}

// SetQuota replaces the limit of a quota, such as "OpenAI.GlobalStandard.gpt-5.4-mini", in all regions.
func (s *Server) SetQuota(usage string, limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.options.Regions {
		for i := range r.Models {
			for j := range r.Models[i].Types {
				if t := &r.Models[i].Types[j]; t.Usage == usage {
					t.Limit = limit
				}
			}
		}
	}
}
