package eventbridge

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"aoai-bridge/infra/local/awsjson"
)

const (
	maxEntries = 10
	maxRequest = 256 << 10 // bytes, of all entries
)

var api = awsjson.API[*Bus]{
	Version: "1.1",
	Target:  "AWSEvents.",
	Message: "message",
	Operations: map[string]awsjson.Operation[*Bus]{
		"PutEvents": func(ctx context.Context, b *Bus, body []byte) (any, error) {
			answer, err := b.PutEvents(ctx, body)
			return json.RawMessage(answer), err
		},
	},
	Internal: awsjson.Error{Status: http.StatusInternalServerError, Code: "InternalException",
		Message: "An error occurred on the server side."}, // wording unverified
}

// ServeHTTP answers PutEvents, the only operation.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) { api.Serve(w, r, b) }

// An entry is an event in a request; a result says what became of it.
type (
	entry struct {
		Source, DetailType, Detail, EventBusName string
		Resources                                []string
		Time                                     *float64 // Unix time, seconds
	}
	result struct {
		EventID      string `json:"EventId,omitempty"`
		ErrorCode    string `json:",omitempty"`
		ErrorMessage string `json:",omitempty"`
	}
)

// PutEvents is the operation of that name: JSON in, JSON out. A request that is refused as a whole is an
// *awsjson.Error.
func (b *Bus) PutEvents(ctx context.Context, request []byte) ([]byte, error) {
	var in struct{ Entries []entry }
	if err := json.Unmarshal(request, &in); err != nil {
		return nil, awsjson.BadRequest("ValidationException", "%v", err)
	}
	if n := len(in.Entries); n == 0 || n > maxEntries {
		return nil, awsjson.BadRequest("ValidationException", "1 validation error detected: Value at 'entries' failed to satisfy constraint: "+
			"Member must have length between 1 and %d", maxEntries)
	}
	if len(request) > maxRequest {
		return nil, awsjson.BadRequest("ValidationException", "Total size of the entries in the request is over the limit")
	}
	out := struct {
		FailedEntryCount int
		Entries          []result
	}{}
	for _, e := range in.Entries {
		result := e.check()
		if result.ErrorCode != "" {
			out.FailedEntryCount++
		} else {
			result.EventID = b.publish(ctx, e.event())
		}
		out.Entries = append(out.Entries, result)
	}
	return json.Marshal(out)
}

func (e entry) event() Event {
	event := Event{DetailType: e.DetailType, Source: e.Source, Resources: e.Resources, Detail: json.RawMessage(e.Detail)}
	if e.Time != nil {
		event.Time = time.UnixMilli(int64(*e.Time * 1000)).UTC().Format(time.RFC3339)
	}
	return event
}

// check returns what is wrong with an entry. The wording is unverified.
func (e entry) check() result {
	for _, field := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if field.value == "" {
			return result{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf("Parameter %s is not valid. Reason: %[1]s is a required argument.", field.name)}
		}
	}
	var detail map[string]any
	bus := cmp.Or(e.EventBusName, "default")
	switch {
	case json.Unmarshal([]byte(e.Detail), &detail) != nil:
		return result{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	case strings.HasPrefix(e.Source, "aws."):
		return result{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	case bus != "default" && !strings.HasSuffix(bus, ":event-bus/default"):
		return result{ErrorCode: "ResourceNotFoundException", ErrorMessage: "Event bus " + bus + " does not exist."}
	}
	return result{}
}
