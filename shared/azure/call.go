package azure

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"time"

	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
	"aoai-bridge/shared/urlpath"
)

// Call is one request to Azure OpenAI, before it is known which deployment will answer it.
type Call struct {
	Method string
	Dated  bool        // the family with an api-version in Query, not /openai/v1
	Path   string      // behind the family's prefix, escaped: "chat/completions", "responses/resp_1"
	Query  string      // encoded, as the caller sent it
	Header http.Header // the caller's, with canonical names; what Azure does not need is left out

	// Name is the model or the deployment asked for. A call without one goes to the resource that knows what it names:
	// without a body each is asked in turn until one has it, with a body until one does not answer 404.
	Name string
	// Permit reports whether a deployment that Name stands for may be asked; nil permits all. Where it permits
	// none, or there is none and it does not permit one of that very name, the error is a 403. It is not asked about
	// calls without a name.
	Permit func(routing.Target) bool
	// Resource, where it is set, is the one resource that is asked, and Name only for the log.
	Resource string
	// InPath is set where the deployment stands in the path: /openai/deployments/{deployment}/Path.
	InPath bool
	// Body returns the text for a deployment. If it is nil, the request has no body.
	Body func(deployment string) rawjson.Pieces
	// Plain is Body without what only we ask for, which a stream's usage is. It is sent where Azure refuses Body
	// because of that. Nil: there is no such thing in Body.
	Plain func(deployment string) rawjson.Pieces
	// Open returns a body too large for memory, of Size bytes; it takes the place of Body.
	Open func(context.Context) (io.ReadCloser, error)
	Size int64

	// State are the ids, or the encrypted texts, of what the call goes on from or is about, the most telling last. One
	// resource has that, and another answers that it does not; see StateIn.
	State []string

	// Tier is the service tier that the request asks for, as far as that has capacity of its own.
	Tier routing.Tier
	// Once forbids a second try: what the call does must not happen twice, and an answer of 500 does
	// not say that it did not.
	Once bool
	// Begins is set where the call begins work that goes on without it, such as a background response, or where its
	// owner tries again. It is sent again only where Azure cannot have begun: after a 429, or where Azure was not
	// reached or did not take our credential.
	Begins bool
	// Stream is set where the caller asked for a stream.
	Stream bool
	// Limit bounds the time until the first byte, all tries together; 0 leaves that to the context.
	Limit time.Duration
}

// fitsPath reports whether the name can stand where the call puts it: in a path it has to be one segment.
func (c *Call) fitsPath() bool { return !c.Dated || !c.InPath || urlpath.IsSegment(c.Name) }

func (c *Call) url(endpoint, deployment string) string {
	u := endpoint + "/openai/"
	switch {
	case !c.Dated:
		u += "v1/"
	case c.InPath:
		u += "deployments/" + url.PathEscape(deployment) + "/"
	}
	u += c.Path
	if c.Query != "" {
		u += "?" + c.Query
	}
	return u
}
