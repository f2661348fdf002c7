package azure

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"time"

	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/permits"
	"aoai-bridge/shared/release"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/telemetry"
)

// What every request says: by what name Azure knows the bridge, and that an answer is not to be compressed.
var (
	userAgent = []string{"aoai-bridge/" + release.Version}
	identity  = []string{"identity"}
)

// reasons a call ends that the context's own errors cannot tell apart.
var (
	errFirstByte = errors.New("no first byte from Azure in time")
	errIdle      = errors.New("no further byte from Azure in time")
)

// Do sends the call and returns Azure's answer once its first byte has come. Every error is an
// *openaierr.Error: Azure's own, or one about the connection, the time or the configuration.
// The caller closes the answer.
func (c *Client) Do(ctx context.Context, call *Call) (*Answer, error) {
	a := &attempts{client: c, call: call, record: telemetry.From(ctx)}
	var err error
	if a.fields, err = requestFields(a.few[:0], call.Header); err != nil {
		return nil, err
	}
	version, err := c.secret.Get(ctx)
	if err != nil {
		return nil, secretError(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	a.site, a.version, a.began, a.cancel = version.Value, version.ID, c.lap(), cancel
	a.limit = time.AfterFunc(time.Hour, func() { cancel(errFirstByte) })
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
	fields  []field  // of the caller's header
	few     [4]field // room for them
	site    *site
	version string // of the secret
	record  *telemetry.Call
	began   time.Time
	cancel  context.CancelCauseFunc
	limit   *time.Timer // ends the wait for the first byte
	seeks   bool        // which resource has what the call is about is not known
	lookup  bool        // and all may be asked, since the call makes nothing
	plain   bool        // the body of this call goes out as the caller sent it
	home    string      // the resource that is remembered for the call's State
	trail
}

func (a *attempts) run(ctx context.Context) (*Answer, error) {
	if len(a.call.State) > 0 {
		a.home = a.client.memory.Find(a.call.State)
	}
	switch name := a.call.Resource; {
	case name != "":
		return a.askResource(ctx, routing.Target{Resource: name})
	case a.call.Name == "":
		a.seeks, a.lookup = true, a.call.Body == nil && a.call.Open == nil
		return a.ask(ctx, func() []routing.Target { return a.site.table.Anywhere() })
	}
	if a.call.fitsPath() && len(a.targetsByName()) == 0 {
		a.rereadSecret(ctx) // a deployment that was just made is in a newer one
	}
	return a.ask(ctx, a.targetsByName)
}

// targetsByName returns the deployments that may be asked for the call's name.
func (a *attempts) targetsByName() []routing.Target {
	if !a.call.fitsPath() {
		return nil
	}
	return slices.DeleteFunc(permittedTargets(a.site.table.Online(a.call.Name), a.call.Permit), func(t routing.Target) bool {
		header, _ := a.lacks(t)
		return header != ""
	})
}

// lacks returns a header that names a deployment which the resource of a target does not have, "" if there is none.
func (a *attempts) lacks(target routing.Target) (header, deployment string) {
	for _, f := range a.fields {
		if !f.naming {
			continue
		}
		for _, value := range f.values {
			if _, ok := a.site.table.Beside(target, value); !ok && value != "" && (header == "" || f.name < header) {
				header, deployment = f.name, value
			}
		}
	}
	return header, deployment
}

// askResource asks one resource.
func (a *attempts) askResource(ctx context.Context, target routing.Target) (*Answer, error) {
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

// nowhere is the error of a call that no deployment may be asked for. A caller that may not use the name is not told
// whether anything has it.
func (a *attempts) nowhere() error {
	name, permit := a.call.Name, a.call.Permit
	if name == "" || !a.call.fitsPath() {
		return UnknownModel(name)
	}
	if targets := permittedTargets(a.site.table.Online(name), permit); len(targets) > 0 {
		header, deployment := a.lacks(targets[0])
		return unknownBeside(header, deployment, name)
	}
	if permit == nil {
		return UnknownModel(name)
	}
	deployments := a.site.table.Online(name)
	if len(deployments) == 0 {
		deployments = []routing.Target{{Deployment: name, Model: name}}
	}
	if len(permittedTargets(deployments, permit)) == 0 {
		return permits.NotAllowed(name)
	}
	return UnknownModel(name)
}

// header returns the header for a target. What names a model there names the deployment that serves it.
func (a *attempts) header(target routing.Target) http.Header {
	header := make(http.Header, len(a.fields)+3)
	for _, f := range a.fields {
		values := f.values
		if f.naming {
			values = slices.Clone(values)
			for i, value := range values {
				if deployment, ok := a.site.table.Beside(target, value); ok {
					values[i] = deployment
				}
			}
		}
		header[f.name] = values
	}
	header["User-Agent"] = userAgent
	header["Accept-Encoding"] = identity
	return header
}

func (a *attempts) try(ctx context.Context, target routing.Target) (*Answer, outcome) {
	a.record.Resource, a.record.Deployment = target.Resource, target.Deployment
	a.record.Known = a.site.table.Lists(target)
	sent := false
	trace := &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) { sent = info.Err == nil }}
	request, err := a.request(httptrace.WithClientTrace(ctx, trace), target)
	if err != nil {
		if ctx.Err() != nil {
			return nil, outcome{err: a.contextError(ctx, err), then: stop}
		}
		if openaierr.From(err).Type == openaierr.TypeUpstreamAuth {
			return nil, outcome{err: err, then: askAnother, unfit: sickResource, found: true}
		}
		return nil, outcome{err: err, then: stop}
	}
	a.tries++
	a.record.Tries++
	response, err := a.client.transport.RoundTrip(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, outcome{err: a.contextError(ctx, err), then: stop}
		}
		if sent {
			return nil, outcome{err: connectionFailed(err, sent), begun: true, found: true}
		}
		return nil, outcome{err: connectionFailed(err, sent), then: askAgain, found: true}
	}
	a.record.AzureID = response.Header.Get("Apim-Request-Id")
	answer := a.answer(ctx, response)
	if response.StatusCode < http.StatusBadRequest {
		a.record.Known = a.record.Known || response.StatusCode < http.StatusMultipleChoices
		answer.Resource = target.Resource
		a.learn(answer)
		return answer, outcome{}
	}
	o := a.refusal(ctx, answer)
	if a.refusesOurs(target, o.err) {
		return a.withoutOurs(ctx, target)
	}
	a.keepQuotesOut(target, o.err)
	return nil, o
}

func (a *attempts) request(ctx context.Context, target routing.Target) (*http.Request, error) {
	resource := a.site.resources[target.Resource]
	r, err := http.NewRequestWithContext(ctx, a.call.Method, a.call.url(resource.endpoint, target.Deployment), nil)
	if err != nil {
		return nil, noRequest()
	}
	r.Header = a.header(target)
	if err := resource.credential.authorize(ctx, r.Header); err != nil {
		return nil, credentialUnavailable(err)
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
	return r, nil
}

// contextError says why the context ended a call.
func (a *attempts) contextError(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errIdle):
		return fellSilent(cause)
	case errors.Is(cause, errFirstByte), errors.Is(cause, context.DeadlineExceeded):
		return timedOut(cause, a.call.Stream)
	}
	return callerGone(err)
}
