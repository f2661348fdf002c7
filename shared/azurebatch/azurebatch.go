// Package azurebatch is the client of Azure OpenAI's files and batches: it uploads, finds, reads and deletes files,
// and creates, finds, polls and cancels batches. It knows what Azure's objects look like in every api-version. It
// does not know jobs, parts, or what a line asks for.
package azurebatch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaierr"
)

// keepSeconds is how long Azure keeps files that nobody deletes: the least it takes. Files that expire may be
// 10,000, those that do not 500 (Azure OpenAI quotas page as of 2026-11).
const keepSeconds = 1_209_600

// TokenLimitExceeded is the code of the error with which Azure says that a deployment's quota of enqueued tokens is
// full, of a create or of a batch that failed.
const TokenLimitExceeded = "token_limit_exceeded"

// Client calls the files and batches of every resource of the Azure secret. Its methods may be called concurrently.
type Client struct {
	azure      *azure.Client
	apiVersion string
}

// New makes a Client. With an api-version it calls the dated paths, without one those below /openai/v1.
func New(client *azure.Client, apiVersion string) *Client { return &Client{client, apiVersion} }

// URL is the url of an operation, such as "chat/completions", as batches and the lines of their files name it.
func (c *Client) URL(operation string) string {
	if c.apiVersion != "" {
		return "/" + operation
	}
	return "/v1/" + operation
}

// At returns the files and batches of one resource, by its name in the Azure secret.
func (c *Client) At(resource string) Resource { return Resource{c, resource} }

// Resource has the files and batches of one Azure resource. Every error of its methods is an *openaierr.Error.
type Resource struct {
	client *Client
	name   string
}

// MayHaveHappened reports whether an error leaves open that Azure did what it was asked.
func MayHaveHappened(err error) bool {
	e := openaierr.From(err)
	uncertain := e.Status >= http.StatusInternalServerError || e.Status == http.StatusRequestTimeout
	return uncertain && e.Type != openaierr.TypeUpstreamAuth && e.Code != "upstream_unreachable"
}

func (r Resource) newCall(method, path string, query url.Values) *azure.Call {
	if query == nil {
		query = url.Values{}
	}
	dated := r.client.apiVersion != ""
	if dated {
		query.Set("api-version", r.client.apiVersion)
	}
	return &azure.Call{
		Method: method, Dated: dated, Path: path, Query: query.Encode(), Resource: r.name,
		Header: http.Header{"Accept": {"application/json"}},
	}
}

// do sends a call and reads its answer into a value, unless that is nil.
func (r Resource) do(ctx context.Context, call *azure.Call, into any) error {
	answer, err := r.client.azure.Do(ctx, call)
	if err != nil {
		return err
	}
	defer answer.Close()
	raw, err := io.ReadAll(answer.Body())
	if err != nil {
		return err
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return &openaierr.Error{
			Status: http.StatusBadGateway, Type: openaierr.TypeServer, Code: "upstream_invalid_response", Cause: err,
			Message: fmt.Sprintf("Azure OpenAI answered %s %s with %d bytes that are not what was expected.", call.Method, call.Path, len(raw)),
		}
	}
	return nil
}

// rawTime is a time as Azure's objects have it: seconds since 1970, or in old REST samples RFC 3339. Anything else is no
// time.
type rawTime struct{ time.Time }

// UnmarshalJSON reads what any api-version sends.
func (t *rawTime) UnmarshalJSON(raw []byte) error {
	if seconds, err := strconv.ParseInt(string(raw), 10, 64); err == nil && seconds > 0 {
		t.Time = time.Unix(seconds, 0).UTC()
	} else if json.Unmarshal(raw, &t.Time) != nil {
		t.Time = time.Time{}
	}
	return nil
}

// before reports whether a search that begins with the newest entry and goes back to since ends at one of that time.
// Zero times are not known, and end no search.
func before(made, since time.Time) bool { return !made.IsZero() && made.Before(since) }

// maxPages bounds a search, whose newest entries come first: 50,000 entries.
const maxPages = 500

// search calls visit with each entry of a list, until it reports that it is done. visit returns the entry's id.
func (r Resource) search(ctx context.Context, path string, query url.Values, visit func(json.RawMessage) (id string, done bool, err error)) error {
	for range maxPages {
		var list struct {
			Data    []json.RawMessage `json:"data"`
			Value   []json.RawMessage `json:"value"` // in previews
			HasMore bool              `json:"has_more"`
		}
		query.Set("limit", "100")
		if err := r.do(ctx, r.newCall(http.MethodGet, path, query), &list); err != nil {
			return err
		}
		last := ""
		for _, raw := range append(list.Data, list.Value...) {
			id, done, err := visit(raw)
			if err != nil || done {
				return err
			}
			last = id
		}
		if !list.HasMore || last == "" {
			return nil
		}
		query.Set("after", last)
	}
	// Not found is not the same: what is sent again may be paid for twice.
	return &openaierr.Error{
		Status: http.StatusInternalServerError, Type: openaierr.TypeServer, Code: "search_inconclusive",
		Message: fmt.Sprintf("Azure lists more than %d entries under %s; whether ours is among the older ones is not known. Delete old ones.", maxPages*100, path),
	}
}
