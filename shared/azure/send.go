package azure

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"slices"
	"time"

	"aoai-bridge/shared/decimal"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/telemetry"
)

// backoff is the upper end of the first wait where Azure names none; it doubles with each try.
const backoff = 500 * time.Millisecond

// reasons a call ends that the context's own errors cannot tell apart.
var (
	errFirstByte = errors.New("no first byte from Azure in time")
	errIdle      = errors.New("no further byte from Azure in time")
)

// Do sends the call and returns Azure's answer once its first byte has come. Every error is an
// *openaierr.Error: Azure's own, or one about the connection, the time or the configuration.
// The caller closes the answer.
func (c *Client) Do(ctx context.Context, call *Call) (*Answer, error) {
	if err := call.check(); err != nil {
		return nil, err
	}
	version, err := c.secret.Get(ctx)
	if err != nil {
		return nil, misconfigured(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a := &attempts{
		client: c, call: call, site: version.Value, version: version.ID,
		record: telemetry.From(ctx), began: c.lap(), cancel: cancel,
		limit: time.AfterFunc(time.Hour, func() { cancel(errFirstByte) }),
	}
	a.limit.Stop()
	if call.Limit > 0 {
		a.limit.Reset(call.Limit)
	}
	answer, err := a.run(ctx)
	if err != nil {
		a.end()
		return nil, err
	}
	return answer, nil
}

// end stops the call's clocks and lets go of its connection.
func (a *attempts) end() {
	a.limit.Stop()
	a.cancel(nil)
	a.record.UpstreamTime = a.client.lap().Sub(a.began)
}

// attempts is one call on its way: which deployments were asked, and what is left to try.
type attempts struct {
	client  *Client
	call    *Call
	site    *site
	version string // of the secret
	record  *telemetry.Call
	began   time.Time
	cancel  context.CancelCauseFunc
	limit   *time.Timer // ends the wait for the first byte
	tries   int
	plain   bool // this call's body goes out as the caller sent it
}

func (a *attempts) run(ctx context.Context) (*Answer, error) {
	switch name := a.call.Resource; {
	case name != "":
		return a.at(ctx, routing.Target{Resource: name})
	case a.call.Name == "":
		return a.anywhere(ctx)
	}
	return a.ask(ctx, a.named)
}

// named returns the deployments that may be asked for the call's name.
func (a *attempts) named() []routing.Target {
	if !a.call.fitsPath() {
		return nil
	}
	return permitted(a.site.table.Online(a.call.Name), a.call.Permit)
}

// anywhere asks each resource in turn for what only one of them has.
func (a *attempts) anywhere(ctx context.Context) (*Answer, error) {
	var last error
	for _, target := range a.site.table.Anywhere() {
		answer, err := a.at(ctx, target)
		if err == nil {
			return answer, nil
		}
		last = err
		if openaierr.From(err).Status != http.StatusNotFound {
			break
		}
	}
	return nil, last
}

// at asks one resource.
func (a *attempts) at(ctx context.Context, target routing.Target) (*Answer, error) {
	if !slices.Contains(a.site.table.Anywhere(), target) {
		return nil, unknownResource(target.Resource)
	}
	return a.ask(ctx, func() []routing.Target {
		if !slices.Contains(a.site.table.Anywhere(), target) {
			return nil // the secret was renewed meanwhile
		}
		return []routing.Target{target}
	})
}

// ask tries the targets until one answers or nothing is left to try. A renewed secret may have others.
func (a *attempts) ask(ctx context.Context, list func() []routing.Target) (*Answer, error) {
	targets, renewed := list(), false
	for a.tries = 0; len(targets) > 0; {
		target := a.client.health.Order(targets, a.client.now())[0]
		answer, o := a.try(ctx, target)
		switch {
		case o.err == nil:
			return answer, nil
		case o.refused && !renewed && a.renew(ctx):
			targets, renewed = list(), true
		case !o.again || a.call.Once:
			return nil, o.err
		case a.call.Begins && o.begun:
			return nil, openaierr.From(o.err).Final()
		default:
			if err := a.pause(ctx, target, targets, o); err != nil {
				return nil, err
			}
		}
	}
	return nil, a.nowhere()
}

// nowhere is the error of a call that no deployment may be asked for. A caller that may not use the name is not told
// whether anything has it.
func (a *attempts) nowhere() error {
	name, permit := a.call.Name, a.call.Permit
	if permit == nil || name == "" || !a.call.fitsPath() {
		return UnknownModel(name)
	}
	deployments := a.site.table.Online(name)
	if len(deployments) == 0 {
		deployments = []routing.Target{{Deployment: name, Model: name}}
	}
	if len(permitted(deployments, permit)) == 0 {
		return permits.NotAllowed(name)
	}
	return UnknownModel(name)
}

// renew reads the secret again after a refused credential and tells whether that is worth a try.
func (a *attempts) renew(ctx context.Context) bool {
	version, changed := a.client.secret.Newer(ctx, a.version)
	a.site, a.version = version.Value, version.ID
	return changed
}

// pause has the deployment that failed rest, and waits until the next one may be asked: no time at all
// if there is another. It returns the error where no try is left or the waiting is the caller's to do.
func (a *attempts) pause(ctx context.Context, failed routing.Target, targets []routing.Target, o outcome) error {
	limit := a.client.env.RetryAfterCap
	rest := o.after
	if rest == 0 {
		rest = rand.N(min(backoff<<min(a.tries-1, 10), limit))
	}
	now := a.client.now()
	health := &a.client.health
	health.Rest(failed, now.Add(rest))
	if a.tries > a.client.env.MaxRetries {
		return o.err
	}
	wait := health.RestsUntil(health.Order(targets, now)[0]).Sub(now)
	if wait <= 0 {
		return nil
	}
	deadline, bound := ctx.Deadline()
	if wait > limit || bound && now.Add(wait).After(deadline) || a.call.Limit > 0 && now.Add(wait).After(a.began.Add(a.call.Limit)) {
		return o.err
	}
	if a.client.sleep(ctx, wait) != nil {
		return o.err // the time is up, or nobody waits any more
	}
	return nil
}

// outcome is what came of one try.
type outcome struct {
	err     error         // nil: an answer
	again   bool          // another try cannot be paid for twice and may help
	begun   bool          // Azure may have begun what it was asked
	refused bool          // Azure did not take our credential
	after   time.Duration // how long Azure wants to be left alone; 0: it did not say
}

func (a *attempts) try(ctx context.Context, target routing.Target) (*Answer, outcome) {
	a.record.Resource, a.record.Deployment = target.Resource, target.Deployment
	a.record.Known = a.site.table.Lists(target)
	sent := false
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) { sent = info.Err == nil }}
	request, err := a.request(httptrace.WithClientTrace(ctx, trace), target)
	if err != nil {
		if ctx.Err() != nil {
			return nil, outcome{err: a.interrupted(ctx, err)}
		}
		return nil, outcome{err: err}
	}
	a.tries++
	a.record.Tries++
	response, err := a.client.transport.RoundTrip(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, outcome{err: a.interrupted(ctx, err)}
		}
		return nil, outcome{err: connectionFailed(err, sent), again: !sent}
	}
	a.record.AzureID = response.Header.Get("Apim-Request-Id")
	answer := a.answer(ctx, response)
	if response.StatusCode < http.StatusBadRequest {
		a.record.Known = a.record.Known || response.StatusCode < http.StatusMultipleChoices
		return answer, outcome{}
	}
	o := a.refusal(ctx, answer)
	if a.refusesOurs(target, o.err) {
		return a.withoutOurs(ctx, target)
	}
	a.keepQuotesOut(target, o.err)
	return nil, o
}

// refusal reads an error answer to its end.
func (a *attempts) refusal(ctx context.Context, answer *Answer) outcome {
	body, err := io.ReadAll(io.LimitReader(answer.body, maxErrorBody))
	_ = answer.body.Close()
	if err != nil && ctx.Err() != nil {
		return outcome{err: a.interrupted(ctx, err)}
	}
	status := answer.Status
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return outcome{err: credentialRefused(status, body), refused: true}
	}
	return outcome{err: upstreamError(status, answer.Header, body), again: retryable[status], begun: status != http.StatusTooManyRequests, after: RetryAfter(answer.Header, a.client.now())}
}

var retryable = map[int]bool{
	http.StatusRequestTimeout:      true,
	http.StatusTooManyRequests:     true,
	http.StatusInternalServerError: true,
	http.StatusBadGateway:          true,
	http.StatusServiceUnavailable:  true,
	http.StatusGatewayTimeout:      true,
}

func (a *attempts) request(ctx context.Context, target routing.Target) (*http.Request, error) {
	resource := a.site.resources[target.Resource]
	r, err := http.NewRequestWithContext(ctx, a.call.Method, a.call.url(resource.endpoint, target.Deployment), nil)
	if err != nil {
		return nil, noRequest()
	}
	switch {
	case a.call.Open != nil:
		if r.Body, err = a.call.Open(ctx); err != nil { // the transport closes it
			return nil, err
		}
		r.ContentLength = a.call.Size
	case a.call.Body != nil:
		body := a.body(target)
		// With GetBody the transport itself tries again where a connection turns out to be closed before it took a byte.
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(body.Reader()), nil }
		r.Body, _ = r.GetBody()
		r.ContentLength = int64(body.Len())
	}
	r.Header = pick(a.call.Header, requestHeaders)
	r.Header.Set("User-Agent", "aoai-bridge")
	r.Header.Set("Accept-Encoding", "identity")
	if err := resource.credential.set(ctx, r.Header); err != nil {
		return nil, credentialUnavailable(err)
	}
	return r, nil
}

// interrupted says why the context ended a call.
func (a *attempts) interrupted(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errIdle):
		return fellSilent(cause)
	case errors.Is(cause, errFirstByte), errors.Is(cause, context.DeadlineExceeded):
		return timedOut(cause, a.call.Stream)
	}
	return callerGone(err)
}

// RetryAfter is how long Azure wants to be left alone, 0 where it does not say. It reads retry-after-ms,
// which is exact, or retry-after in seconds or as a date; what is none of these says nothing.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := decimal.Parse(h.Get("Retry-After-Ms")); err == nil && ms > 0 {
		return time.Duration(min(ms, 1e12) * float64(time.Millisecond))
	}
	value := h.Get("Retry-After")
	if seconds, err := decimal.Parse(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1e9) * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return date.Sub(now)
	}
	return 0
}
