package azure

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"aoai-bridge/shared/routing"
)

// outcome is what came of one try.
type outcome struct {
	err   error // nil: an answer
	then  recourse
	begun bool          // Azure may have begun what it was asked
	found bool          // what was asked for may be there: the error is not a 404
	away  bool          // what the call goes on from is in another resource
	busy  bool          // 429
	unfit ailment       // why what was asked cannot serve such calls for a while
	tier  routing.Tier  // which calls have to leave the deployment alone
	after time.Duration // how long Azure wants to be left alone; 0: it did not say
}

// recourse is what may follow a try without an answer.
type recourse int

const (
	giveUp     recourse = iota // nothing that helps, or that cannot be paid for twice
	stop                       // nothing at all: the time is up, or the call cannot be made
	askAgain                   // a try anywhere: nothing was charged
	askOnce                    // one try of another deployment: this one may have charged
	askAnother                 // a try of what has not been asked: this one cannot serve the call
)

// ailment is why something cannot serve calls, whatever they ask for.
type ailment int

const (
	healthy          ailment = iota
	sickResource             // the resource refuses our credential or our network
	noSuchDeployment         // the deployment has been deleted, or is not there yet
)

// refusal reads an error answer to its end and judges what may follow.
func (a *attempts) refusal(ctx context.Context, answer *Answer) outcome {
	body, err := io.ReadAll(io.LimitReader(answer.body, maxErrorBody))
	_ = answer.body.Close()
	if err != nil && ctx.Err() != nil {
		return outcome{err: a.contextError(ctx, err), then: stop}
	}
	status := answer.Status
	if refusesCredential(status, body) {
		return outcome{err: credentialRefused(status, body), then: askAnother, unfit: sickResource, found: true}
	}
	failed := upstreamError(status, answer.Header, body)
	o := outcome{
		err: failed, begun: status == http.StatusRequestTimeout || status >= http.StatusInternalServerError,
		found: status != http.StatusNotFound, after: RetryAfter(answer.Header, a.client.now()),
	}
	if a.call.lacksState(status, body) {
		o.then, o.found, o.away = askAnother, false, true
		return o
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		_ = failed.Final() // or the SDKs would send it twice more
	case http.StatusTooManyRequests:
		o.then, o.tier, o.busy = askAgain, a.call.Tier, true
	case http.StatusServiceUnavailable:
		o.then = askAgain
		if mentions(body, "disconnect/reset") { // Envoy's, which had passed the request on, or not
			o.then = askOnce
		}
	case http.StatusInternalServerError, http.StatusBadGateway:
		if !modelRan(body) {
			o.then = askOnce
		}
	case http.StatusNotFound:
		if object := errorObject(body); object != nil && strings.EqualFold(scalarText(object.Get("code")), "DeploymentNotFound") {
			o.then, o.unfit = askAnother, noSuchDeployment
		}
	}
	return o
}

// refusesCredential reports whether an error answer is about the bridge's own credential, or about its network. Azure
// answers 403 for other reasons as well, and so does what stands in front of it: a quota of API Management's, a policy.
func refusesCredential(status int, body []byte) bool {
	if status != http.StatusForbidden {
		return status == http.StatusUnauthorized
	}
	object := errorObject(body)
	if object == nil {
		return false
	}
	return mentions([]byte(scalarText(object.Get("code"))), credentialCodes...) || mentions([]byte(scalarText(object.Get("message"))), credentialWords...)
}

var (
	// credentialCodes are parts of the codes: AuthenticationTypeDisabled, AuthorizationFailed, PermissionDenied ...
	credentialCodes = []string{"authentication", "authorization", "permissiondenied", "credential", "network"}
	// credentialWords are parts of the messages of rules whose code is no more than 403.
	credentialWords = []string{
		"authentication is disabled", "data action", "does not have access to api", "invalid subscription key", "missing subscription key",
		"virtual network", "firewall rule", "ip rule", "network security perimeter",
		"public access is disabled", "public network access", "private endpoint", "private link",
	}
)

// modelRan reports whether the words of an error say that the model had run, which is charged whatever the status
// (MicrosoftDocs, azure-ai-docs, FAQ, "invalid Unicode output").
func modelRan(body []byte) bool {
	if object := errorObject(body); object != nil {
		for _, member := range []string{"type", "code"} {
			if strings.EqualFold(scalarText(object.Get(member)), "model_error") {
				return true
			}
		}
	}
	return mentions(body, "invalid unicode", "model generated", "model produced", "model returned", "model output", "model's output")
}

// mentions reports whether a text has one of some parts, which are in lower case.
func mentions(text []byte, parts ...string) bool {
	text = bytes.ToLower(text)
	for _, part := range parts {
		if bytes.Contains(text, []byte(part)) {
			return true
		}
	}
	return false
}
