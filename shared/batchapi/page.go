package batchapi

import (
	"strconv"

	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
)

// page is which part of a list is asked for.
type page struct {
	after       string // an id; "" begins at the beginning
	limit       int
	oldestFirst bool // oldest first
}

// readPage reads after, limit and order. kind is the prefix of the list's ids.
func readPage(r *openaiapi.Request, kind string, defaultLimit, maxLimit int) (*page, error) {
	q := r.Path.Query
	p := &page{after: q.Get("after"), limit: defaultLimit}
	// An id need not be there any more: a client that deletes as it pages has deleted the last one.
	if p.after != "" && !isID(kind, p.after) {
		return nil, openaierr.Invalid("after", "invalid_value", "'after' is %.100q, want the last id of the page before, such as %s....", p.after, kind)
	}
	if value := q.Get("limit"); value != "" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > maxLimit {
			return nil, openaierr.Invalid("limit", "invalid_value", "'limit' is %.100q, want a number from 1 to %d.", value, maxLimit)
		}
		p.limit = n
	}
	switch order := q.Get("order"); order {
	case "", "desc":
	case "asc":
		p.oldestFirst = true
	default:
		return nil, openaierr.Invalid("order", "invalid_value", "'order' is %.100q, want asc or desc.", order)
	}
	return p, nil
}

// list is OpenAI's list object.
type list[T any] struct {
	Object  string  `json:"object"`
	Data    []T     `json:"data"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
	HasMore bool    `json:"has_more"`
}

// newList cuts what was found, one more than asked for where there are more.
func newList[T any](found []T, limit int, id func(T) string) *list[T] {
	l := &list[T]{Object: "list", Data: found, HasMore: len(found) > limit}
	if l.HasMore {
		l.Data = found[:limit]
	}
	if n := len(l.Data); n > 0 {
		first, last := id(l.Data[0]), id(l.Data[n-1])
		l.FirstID, l.LastID = &first, &last
	} else {
		l.Data = []T{} // and not null
	}
	return l
}
