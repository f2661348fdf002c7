package azure

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"

	"aoai-bridge/shared/openaierr"
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
	version, err := c.secret.Get(ctx)
	if err != nil {
		return nil, misconfigured(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a := &attempts{
		client: c, call: call, site: version.Value, version: version.ID,
		record: telemetry.From(ctx), began: c.now(), cancel: cancel,
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
	a.record.UpstreamTime = a.client.now().Sub(a.began)
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
}

func (a *attempts) run(ctx context.Context) (*Answer, error) {
	if a.call.Name == "" && a.call.Resource == "" {
		return a.anywhere(ctx)
	}
	targets, err := a.targets()
	if err != nil {
		return nil, err
	}
	renewed := false
	for {
		target := a.client.health.Order(targets, a.client.now())[0]
		answer, o := a.try(ctx, target)
		switch {
		case o.err == nil:
			return answer, nil
		case o.refused && !renewed && a.renew(ctx):
			renewed = true
			if targets, err = a.targets(); err != nil {
				return nil, err
			}
		case !o.again || a.call.Once || a.tries > a.client.env.MaxRetries:
			return nil, o.err
		default:
			if err := a.pause(ctx, target, targets, o); err != nil {
				return nil, err
			}
		}
	}
}

// targets returns where the call may go, best first.
func (a *attempts) targets() ([]routing.Target, error) {
	if name := a.call.Resource; name != "" {
		if _, ok := a.site.resources[name]; !ok {
			return nil, unknownResource(name)
		}
		return []routing.Target{{Resource: name}}, nil
	}
	targets := a.site.table.Online(a.call.Name)
	if len(targets) == 0 {
		return nil, UnknownModel(a.call.Name)
	}
	return targets, nil
}

// anywhere asks each resource in turn for what only one of them has.
func (a *attempts) anywhere(ctx context.Context) (*Answer, error) {
	var last error
	for _, target := range a.site.table.Anywhere() {
		answer, o := a.try(ctx, target)
		if o.refused && a.renew(ctx) {
			answer, o = a.try(ctx, target)
		}
		if o.err == nil {
			return answer, nil
		}
		last = o.err
		if openaierr.From(o.err).Status != http.StatusNotFound {
			break
		}
	}
	return nil, last
}

// renew reads the secret again after a refused credential and tells whether that is worth a try.
func (a *attempts) renew(ctx context.Context) bool {
	version, changed := a.client.secret.Newer(ctx, a.version)
	a.site, a.version = version.Value, version.ID
	return changed
}

// pause waits before the next try, or returns the error where waiting is the caller's to do. It rests
// the deployment that failed, so that another one is asked at once if there is one.
func (a *attempts) pause(ctx context.Context, failed routing.Target, targets []routing.Target, o outcome) error {
	wait := o.after
	if wait == 0 {
		wait = rand.N(backoff << min(a.tries-1, 10))
	}
	now := a.client.now()
	a.client.health.Rest(failed, now.Add(wait))
	if a.client.health.Order(targets, now)[0] != failed {
		return nil
	}
	if wait > a.client.env.RetryAfterCap {
		if o.after > 0 {
			return o.err
		}
		wait = rand.N(a.client.env.RetryAfterCap)
	}
	if deadline, ok := ctx.Deadline(); ok && now.Add(wait).After(deadline) {
		return o.err
	}
	if err := a.client.sleep(ctx, wait); err != nil {
		return a.interrupted(ctx, err)
	}
	return nil
}

// outcome is what came of one try.
type outcome struct {
	err     error         // nil: an answer
	again   bool          // another try cannot be paid for twice and may help
	refused bool          // Azure did not take our credential
	after   time.Duration // how long Azure wants to be left alone; 0: it did not say
}

func (a *attempts) try(ctx context.Context, target routing.Target) (*Answer, outcome) {
	a.record.Resource, a.record.Deployment = target.Resource, target.Deployment
	a.tries++
	a.record.Tries++
	sent := false
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) { sent = info.Err == nil }}
	request, err := a.request(httptrace.WithClientTrace(ctx, trace), target)
	var own *openaierr.Error
	switch {
	case errors.As(err, &own): // the body's, which could not be opened
		return nil, outcome{err: err}
	case err != nil:
		return nil, outcome{err: credentialUnavailable(err)}
	}
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
		return answer, outcome{}
	}
	return nil, a.refusal(ctx, answer)
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
	return outcome{err: upstreamError(status, answer.Header, body), again: retryable[status], after: RetryAfter(answer.Header, a.client.now())}
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
	var body io.Reader // stays nil, so that a GET has no body at all
	switch {
	case a.call.Open != nil:
		opened, err := a.call.Open(ctx)
		if err != nil {
			return nil, err
		}
		body = opened // the transport closes it
	case a.call.Body != nil:
		body = bytes.NewReader(a.call.Body(target.Deployment))
	}
	r, err := http.NewRequestWithContext(ctx, a.call.Method, a.call.url(resource.endpoint, target.Deployment), body)
	if err != nil {
		return nil, err
	}
	if a.call.Open != nil {
		r.ContentLength = a.call.Size
	}
	r.Header = pick(a.call.Header, requestHeaders)
	r.Header.Set("User-Agent", "aoai-bridge")
	return r, resource.credential.set(ctx, r.Header)
}

// interrupted says why the context ended a call.
func (a *attempts) interrupted(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errFirstByte), errors.Is(cause, errIdle), errors.Is(cause, context.DeadlineExceeded):
		return timedOut(cause, a.call.Stream)
	}
	return callerGone(err)
}

// RetryAfter is how long Azure wants to be left alone, 0 where it does not say. It reads retry-after-ms,
// which is exact, or retry-after in seconds or as a date.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms, 1e12) * float64(time.Millisecond))
	}
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 1e9) * float64(time.Second))
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return date.Sub(now)
	}
	return 0
}
