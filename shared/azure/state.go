package azure

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// StateIn returns what a request of the responses API goes on from, for Call.State: encrypted items, items that are
// named by their ids only, a conversation and a response before this one. The body is a tree to its depth.
func StateIn(body rawjson.Node) (state []string) {
	add := func(text string) {
		if text != "" {
			state = append(state, strings.Clone(text)) // of a body that may be large
		}
	}
	if input := body.Get("input"); input.Kind() == '[' {
		for item := range input.Elements() {
			// What has a role or a call_id says all that Azure needs, whatever its id is.
			if item.Get("type").Text() == "item_reference" || item.Get("role").Absent() && item.Get("call_id").Absent() {
				add(item.Get("id").Text())
			}
			add(item.Get("encrypted_content").Text())
		}
	}
	conversation := body.Get("conversation")
	add(conversation.Text())
	add(conversation.Get("id").Text())
	add(body.Get("previous_response_id").Text())
	return state
}

// follows reports whether the call goes on from what one resource has, and is not just about it.
func (a *attempts) follows() bool { return len(a.call.State) > 0 && !a.lookup }

// lacksState reports whether an error says that a resource does not have what the call goes on from. Such an answer is
// free: by the codes of a response and of an encrypted item, or by words that name what the call has named. Of an item:
// 404 "Item with id 'rs_1' not found.", without a code.
func (c *Call) lacksState(status int, body []byte) bool {
	if len(c.State) == 0 || status != http.StatusBadRequest && status != http.StatusNotFound {
		return false
	}
	words := string(body)
	if object := errorObject(body); object != nil {
		switch strings.ToLower(scalarText(object.Get("code"))) {
		case "previous_response_not_found", "invalid_encrypted_content":
			return true
		}
		words = scalarText(object.Get("message"))
	}
	return mentions([]byte(words), absent...) && slices.ContainsFunc(c.State, func(id string) bool { return strings.Contains(words, id) })
}

// absent are the words for what is not there.
var absent = []string{
	"not found", "not be found", "not exist", "n't exist", "not find", "n't find", "no such", "no longer exist",
	"no response found", "no item found", "no conversation found",
}

// untilFree is the error of a call that goes on from something which no resource that is free has: one that rests has
// it, and the caller learns when the first of these is free again. Without any it is the error that the call has met.
func (a *attempts) untilFree(left []routing.Target) error {
	var soonest time.Duration
	for _, t := range left {
		if rest := a.restsFor(t); rest > 0 && (soonest == 0 || rest < soonest) {
			soonest = rest
		}
	}
	failed := openaierr.From(a.failed)
	switch {
	case soonest == 0, a.weight >= decisive && failed.Status != http.StatusTooManyRequests:
		return a.failed
	case a.weight < decisive:
		return busy(soonest)
	case RetryAfter(failed.Header, a.client.now()) > soonest+time.Second: // which is what seconds are exact to
		setRetryAfter(failed.Header, soonest)
	}
	return failed
}

func busy(rest time.Duration) error {
	e := &openaierr.Error{
		Status: http.StatusTooManyRequests, Type: openaierr.TypeRateLimit, Code: "rate_limit_exceeded", Header: http.Header{},
		Message: fmt.Sprintf("What this request goes on from is in a resource that takes no calls for now. Try again after %.0f seconds.", math.Ceil(rest.Seconds())),
	}
	setRetryAfter(e.Header, rest)
	return e
}

func setRetryAfter(h http.Header, rest time.Duration) {
	h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(rest.Seconds())), 10))
	h.Set("Retry-After-Ms", strconv.FormatInt(int64(math.Ceil(rest.Seconds()*1000)), 10))
}

// learn remembers which resource has what a call has gone on from, and what it has made.
func (a *attempts) learn(answer *Answer) {
	memory := &a.client.memory
	if answer.Status >= http.StatusMultipleChoices {
		return
	}
	if n := len(a.call.State); n > 0 {
		memory.Remember(answer.Resource, a.call.State[n-1])
	}
	if a.call.Method == http.MethodPost && (strings.HasPrefix(a.call.Path, "responses") || strings.HasPrefix(a.call.Path, "conversations")) {
		answer.body.ids = &idFinder{found: func(id string) { memory.Remember(answer.Resource, id) }}
	}
}

// maxHead is how much of an answer an idFinder looks at, in bytes. The id stands before anything long.
const maxHead = 16 << 10

// idFinder finds the first id in an answer of the responses API, whole or streamed: that of the response.
type idFinder struct {
	head  []byte
	found func(id string)
}

// read takes the next bytes of the answer and reports whether these were the last that are of use.
func (f *idFinder) read(b []byte) (done bool) {
	if len(f.head) > 0 {
		f.head = append(f.head, b...)
		b = f.head
	}
	id, ok := firstID(b)
	switch {
	case ok:
		f.found(id)
	case len(f.head) == 0:
		f.head = slices.Clone(b)
	}
	return ok || len(b) >= maxHead
}

// firstID is the value of the first "id", if the text has all of it. Within a string a quote is escaped, so that no
// text of a model's looks like one.
func firstID(b []byte) (id string, ok bool) {
	_, b, found := bytes.Cut(b, []byte(`"id"`))
	if !found {
		return "", false
	}
	b = bytes.TrimLeft(b, ": \t\r\n")
	if len(b) == 0 || b[0] != '"' {
		return "", false
	}
	value, _, whole := bytes.Cut(b[1:], []byte{'"'})
	return string(value), whole && len(value) > 0
}
