package azureopenai

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"sync"
)

// maxResponses bounds the memory of stored responses: the oldest goes first.
const maxResponses = 1000

// storedResponse is a response that later calls can ask for.
type storedResponse struct {
	final   response
	state   string // of a background response that is not done yet, or was cancelled; else ""
	items   []json.RawMessage
	history []message // input and output, for responses that continue from here
}

// view is the response as it stands now.
func (s *storedResponse) view() response {
	r := s.final
	if s.state != "" {
		r.Status, r.Output, r.Usage, r.IncompleteDetails = s.state, []outputItem{}, nil, nil
	}
	return r
}

type responseStore struct {
	mu    sync.Mutex
	byID  map[string]*storedResponse
	order []string
}

func (s *responseStore) put(r *storedResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]*storedResponse)
	}
	s.byID[r.final.ID] = r
	s.order = append(s.order, r.final.ID)
	if len(s.order) > maxResponses {
		delete(s.byID, s.order[0])
		s.order = s.order[1:]
	}
}

// advance returns a response. Background work goes on only when it is looked at: queued, then in
// progress, then done, so that a client sees each state once and no clock is needed.
func (s *responseStore) advance(id string) (response, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.byID[id]
	if !ok {
		return response{}, false
	}
	switch r.state {
	case "queued":
		r.state = "in_progress"
	case "in_progress":
		r.state = ""
	}
	return r.view(), true
}

func (s *responseStore) cancel(id string) (r response, found bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.byID[id]
	switch {
	case !ok:
		return response{}, false, nil
	case !stored.final.Background: // unverified on Azure
		return response{}, true, invalid("", "", "Cannot cancel a synchronous response.")
	case stored.state != "":
		stored.state = "cancelled"
	}
	return stored.view(), true, nil
}

func (s *responseStore) remove(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.byID[id]
	delete(s.byID, id)
	return ok
}

func (s *responseStore) history(id string) ([]message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.byID[id]; ok {
		return r.history, true
	}
	return nil, false
}

func (s *responseStore) inputItems(id string) ([]json.RawMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.byID[id]; ok {
		return r.items, true
	}
	return nil, false
}

// itemPage is a page of a list.
type itemPage struct {
	Object  string            `json:"object"`
	Data    []json.RawMessage `json:"data"`
	FirstID *string           `json:"first_id"`
	LastID  *string           `json:"last_id"`
	HasMore bool              `json:"has_more"`
}

// pageOf cuts a list, oldest item first, as the query's order, after and limit say; a page has
// limit items unless the query says otherwise.
func pageOf(items []json.RawMessage, query url.Values, limit int) (*itemPage, error) {
	if l := query.Get("limit"); l != "" {
		most := max(100, limit)
		var err error
		if limit, err = strconv.Atoi(l); err != nil || limit < 1 || limit > most { // unverified on Azure
			return nil, invalid("limit", "", "Invalid 'limit': expected an integer from 1 to %d, but got '%s' instead.", most, l)
		}
	}
	items = slices.Clone(items)
	if query.Get("order") != "asc" {
		slices.Reverse(items)
	}
	if after := query.Get("after"); after != "" {
		at := slices.IndexFunc(items, func(item json.RawMessage) bool { return itemID(item) == after })
		items = items[at+1:]
	}
	p := &itemPage{Object: "list", Data: items[:min(limit, len(items))], HasMore: len(items) > limit}
	if n := len(p.Data); n > 0 {
		first, last := itemID(p.Data[0]), itemID(p.Data[n-1])
		p.FirstID, p.LastID = &first, &last
	}
	return p, nil
}

// rawItems encodes the items of a list.
func rawItems[T any](items []T) []json.RawMessage {
	raw := make([]json.RawMessage, len(items))
	for i := range items {
		raw[i] = encode(items[i])
	}
	return raw
}

func itemID(item json.RawMessage) string {
	var object struct{ ID string }
	_ = json.Unmarshal(item, &object) // an item without an id has none
	return object.ID
}
