package azure

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"aoai-bridge/shared/openaierr"
)

// maxOwn bounds a caller's own header lines. Azure answers 431 to more than ten (MicrosoftDocs/azure-ai-docs, quotas
// and limits), of which two are left for ours.
const maxOwn = 8

// passesIn reports whether a caller's header reaches Azure, and whether it counts as one of the caller's own. The SDKs send
// many about themselves, and gateways about the way a request came; these stay here, and so do credentials and cookies.
func passesIn(name string) (passes, own bool) {
	switch name {
	case "Accept", "Content-Type":
		return true, false
	case "X-Policy-Id", "Traceparent", "Tracestate":
		return true, true
	}
	passes = strings.HasPrefix(name, "X-Ms-") && !namesCredential(name) || strings.HasPrefix(name, "Aoai-")
	return passes, passes
}

// namesCredential reports whether one of Microsoft's headers carries a credential, or an identity that only a gateway
// may vouch for.
func namesCredential(name string) bool {
	return strings.Contains(name, "Authorization") || strings.HasPrefix(name, "X-Ms-Token-") || strings.HasPrefix(name, "X-Ms-Client-Principal")
}

// namesDeployment reports whether a header's value is the name of a deployment: x-ms-spillover-deployment,
// x-ms-oai-image-generation-deployment ...
func namesDeployment(name string) bool {
	return strings.HasPrefix(name, "X-Ms-") && strings.HasSuffix(name, "-Deployment")
}

// Deployments yields the headers of a caller that reach Azure and name a deployment, by their names in lower case.
// These have the form x-ms-...-deployment.
func Deployments(from http.Header) iter.Seq2[string, string] {
	return func(yield func(header, deployment string) bool) {
		for name, values := range from {
			if passes, _ := passesIn(name); !passes || !namesDeployment(name) {
				continue
			}
			for _, value := range values {
				if !yield(strings.ToLower(name), value) {
					return
				}
			}
		}
	}
}

// field is a header of a caller's that is sent to Azure.
type field struct {
	name   string
	values []string
	naming bool // the values are names of deployments
}

// requestFields returns what of a caller's header reaches Azure. The error is about what HTTP cannot carry, which
// net/http would refuse as well, with an error that looks like one of the connection; or about more than Azure takes.
// The fields are appended to some.
func requestFields(fields []field, from http.Header) ([]field, error) {
	dropped, bad, lines := hopByHop(from), "", 0
	for name, values := range from {
		passes, own := passesIn(name)
		if !passes || dropped != nil && slices.Contains(dropped, name) {
			continue
		}
		if own {
			lines += len(values)
		}
		if (own && strings.ContainsFunc(name, notInName) || slices.ContainsFunc(values, hasControl)) && (bad == "" || name < bad) {
			bad = name
		}
		fields = append(fields, field{name, values, own && namesDeployment(name)})
	}
	switch {
	case bad != "":
		return nil, badHeader(bad)
	case lines > maxOwn:
		return nil, tooManyHeaders(fields, lines)
	}
	return fields, nil
}

// hasControl reports whether a value has a character that no header may have (RFC 9110, section 5.5).
func hasControl(value string) bool {
	return strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}

// notInName reports whether a character cannot be in a header's name (RFC 9110, section 5.6.2).
func notInName(c rune) bool {
	return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
}

// hopByHop returns the names of the headers that are for the next hop only, nil if there are none.
func hopByHop(from http.Header) (names []string) {
	for _, value := range from["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			names = append(names, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	return names
}

func tooManyHeaders(fields []field, lines int) error {
	var names []string
	for _, f := range fields {
		if _, own := passesIn(f.name); own {
			names = append(names, strings.ToLower(f.name))
		}
	}
	slices.Sort(names)
	param := names[len(names)-1]
	if len(names) > 2*maxOwn {
		names = append(names[:2*maxOwn], fmt.Sprintf("and %d more", len(names)-2*maxOwn))
	}
	return openaierr.Invalid(param, "too_many_headers",
		"Azure OpenAI takes ten custom headers, which leaves %d for yours, and you send %d that go there: %.1000s. Leave some out.", maxOwn, lines, strings.Join(names, ", "))
}

// unknownBeside is about a deployment that a header names, and that no resource has which serves the call's model.
func unknownBeside(header, deployment, model string) error {
	header = strings.ToLower(header)
	return &openaierr.Error{
		Status: http.StatusNotFound, Type: openaierr.TypeInvalidRequest, Param: header, Code: "model_not_found",
		Message: fmt.Sprintf("No resource that serves `%s` has the model or deployment %.100q, which the header '%s' names. GET /v1/models lists those there are.", model, deployment, header),
	}
}

// passesOut reports whether a header of Azure's answer reaches the caller as Azure sent it. What speaks of the
// connection or of Azure's own site does not.
func passesOut(name string) bool {
	switch name {
	case "Apim-Request-Id", "Azureml-Model-Session", "Content-Type", "Openai-Model", "Openai-Processing-Ms", "Request-Id",
		"Retry-After", "Retry-After-Ms", "X-Envoy-Upstream-Service-Time", "X-Request-Id", "X-Should-Retry":
		return true
	}
	return strings.HasPrefix(name, "X-Ms-") && !namesCredential(name) || strings.HasPrefix(name, "X-Ratelimit-") ||
		strings.HasPrefix(name, "Azure-Openai-") || strings.HasPrefix(name, "Ms-Azureml-Model-Error-")
}

func answerHeaders(from http.Header) http.Header {
	picked := make(http.Header, len(from))
	dropped := hopByHop(from)
	for name, values := range from {
		if passesOut(name) && !(dropped != nil && slices.Contains(dropped, name)) {
			picked[name] = values
		}
	}
	return picked
}
