package inference

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/callers"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/telemetry"
)

type routeKey struct{}

func withRoute(ctx context.Context, rt *route) context.Context {
	return context.WithValue(ctx, routeKey{}, rt)
}

func routeOf(ctx context.Context) *route { return ctx.Value(routeKey{}).(*route) }

// handle passes an operation on to Azure.
func (a *API) handle(pattern string, op operation) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		record := telemetry.From(r.Context())
		record.Operation = op.name
		call, keepUsage, err := a.prepare(r, op)
		if err != nil {
			telemetry.Fail(w, r, err)
			return
		}
		a.relay(w, r, call, keepUsage)
	})
}

// prepare makes the call that a request asks for.
func (a *API) prepare(r *http.Request, op operation) (call *azure.Call, keepUsage bool, err error) {
	rt := routeOf(r.Context())
	call = &azure.Call{
		Method: r.Method, Dated: rt.Dated, Path: escaped(rt.Rest), Query: rt.Query.Encode(),
		Header: r.Header, InPath: rt.Deployment != "", Name: rt.Deployment, Limit: rt.limit,
		Permit: callers.From(r.Context()).Target,
	}
	if r.PathValue("id") != "" {
		// What a response's id names is in one resource; which model answered it is not asked again.
		call.Stream = rt.Query.Get("stream") == "true"
		return call, true, nil
	}
	body, err := ReadBody(r)
	if err != nil {
		return nil, false, err
	}
	in, err := parseInput(body, op, rt)
	if err != nil {
		return nil, false, err
	}
	if call.Name == "" {
		call.Name = in.model
	}
	record := telemetry.From(r.Context())
	record.Model, record.Stream = call.Name, in.stream
	if err := a.permit(r.Context(), call.Name); err != nil {
		return nil, false, err
	}
	if err := a.permitBody(r.Context(), body); err != nil {
		return nil, false, err
	}
	call.Stream, call.Begins, call.Body = in.stream, in.background, in.body
	return call, in.keepUsage, nil
}

// ReadBody returns the body of a request that says it is JSON.
func ReadBody(r *http.Request) ([]byte, error) {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, unsupported("Content-Encoding", "unsupported_content_encoding", encoding, "a body that is not compressed")
	}
	if content := r.Header.Get("Content-Type"); content != "" {
		kind, _, err := mime.ParseMediaType(content)
		if err != nil || kind != "application/json" {
			return nil, unsupported("Content-Type", "unsupported_content_type", content, "application/json")
		}
	}
	var body []byte
	if held, ok := r.Body.(interface{ Bytes() []byte }); ok { // an event's
		body = held.Bytes()
	} else if all, err := io.ReadAll(r.Body); err == nil && int64(len(all)) >= r.ContentLength {
		body = all
	} else {
		return nil, openaierr.Invalid("", "invalid_body", "The request body could not be read to its end.")
	}
	if len(body) == 0 {
		return nil, openaierr.Invalid("", "empty_body", "The request body is empty. Send a JSON object.")
	}
	return body, nil
}

func unsupported(header, code, value, want string) error {
	return &openaierr.Error{
		Status: http.StatusUnsupportedMediaType, Type: openaierr.TypeInvalidRequest, Param: header, Code: code,
		Message: fmt.Sprintf("Unsupported %s header: %.100q. Send %s.", header, value, want),
	}
}

// input is what we know of a body.
type input struct {
	object    *rawjson.Object
	model     string // "" if the body names none
	named     bool   // the body has a model
	stream    bool
	keepUsage bool   // the caller asked for the usage chunk
	options   []byte // stream_options to send; nil leaves them as they are

	background bool // the response is made whether or not anyone waits
}

// members are a JSON object's, as rawjson reads them.
type members interface {
	Repeated(names ...string) string
	Misspelt(names ...string) (got, want string)
}

// Once refuses a body that has one of the parameters more than once, or in another case: readers that do not
// mind the case would take it for the parameter, and we have not seen it.
func Once(body members, parameters ...string) error {
	if name := body.Repeated(parameters...); name != "" {
		return openaierr.Invalid(name, "duplicate_parameter", "'%s' is given more than once. Give it once.", name)
	}
	return spelt(body, "", parameters...)
}

// spelt refuses members of the object at prefix that are written in another case than we read them.
func spelt(object members, prefix string, names ...string) error {
	if got, want := object.Misspelt(names...); got != "" {
		return openaierr.Invalid(prefix+got, "unknown_parameter", "Unknown parameter: '%s%s'. Write it as '%[1]s%[3]s'.", prefix, got, want)
	}
	return nil
}

func parseInput(body []byte, op operation, rt *route) (*input, error) {
	object, err := rawjson.Parse(body)
	if err != nil {
		return nil, openaierr.Invalid("", "invalid_json", "The request body is not a JSON object: %v.", err)
	}
	in := &input{object: object, keepUsage: true}
	if err := Once(object, "model", "stream", "stream_options", "background"); err != nil {
		return nil, err
	}
	if err := spelt(object, "", op.required); err != nil {
		return nil, err
	}
	if err := in.readModel(rt); err != nil {
		return nil, err
	}
	if op.required != "" && isAbsent(object.Get(op.required)) {
		return nil, openaierr.Invalid(op.required, "missing_required_parameter", "Missing required parameter: '%s'.", op.required)
	}
	if raw := object.Get("background"); op.name == "responses" && !isAbsent(raw) {
		in.background = string(raw) != "false" // what is no boolean is for Azure to judge
	}
	if raw := object.Get("stream"); !isAbsent(raw) {
		if json.Unmarshal(raw, &in.stream) != nil {
			return nil, invalidType("stream", "a boolean", raw)
		}
	}
	if in.stream && op.name == "chat.completions" && metersStreams(rt) {
		err = in.askForUsage()
	}
	return in, err
}

func (in *input) readModel(rt *route) error {
	raw := in.object.Get("model")
	if in.named = !isAbsent(raw); !in.named {
		if rt.Deployment == "" {
			return openaierr.Invalid("model", "missing_required_parameter", "Missing required parameter: 'model'. GET /v1/models lists those there are.")
		}
		return nil
	}
	if json.Unmarshal(raw, &in.model) != nil {
		return invalidType("model", "a string", raw)
	}
	if in.model == "" {
		return openaierr.Invalid("model", "invalid_value", "'model' is empty. GET /v1/models lists those there are.")
	}
	return nil
}

// askForUsage has Azure report a stream's tokens, which are metered whether or not the caller asked.
func (in *input) askForUsage() error {
	raw := in.object.Get("stream_options")
	if isAbsent(raw) {
		in.keepUsage, in.options = false, []byte(`{"include_usage":true}`)
		return nil
	}
	options, err := rawjson.Parse(raw)
	if err != nil {
		return invalidType("stream_options", "an object", raw)
	}
	if err := spelt(options, "stream_options.", "include_usage"); err != nil {
		return err
	}
	include := options.Get("include_usage")
	in.keepUsage = false
	if !isAbsent(include) && json.Unmarshal(include, &in.keepUsage) != nil {
		return invalidType("stream_options.include_usage", "a boolean", include)
	}
	if !in.keepUsage {
		in.options = options.With(rawjson.Edit{Key: "include_usage", Value: []byte("true")}).Bytes()
	}
	return nil
}

// metersStreams tells whether the family knows stream_options, which Azure refuses before the
// api-version of September 2024.
func metersStreams(rt *route) bool {
	return !rt.Dated || rt.Query.Get("api-version") >= "2024-09"
}

// body returns the text to send: the caller's own except for the fields we own.
func (in *input) body(deployment string) rawjson.Pieces {
	var edits []rawjson.Edit
	if in.named && in.model != deployment {
		name, _ := json.Marshal(deployment) // a string always marshals
		edits = append(edits, rawjson.Edit{Key: "model", Value: name})
	}
	if in.options != nil {
		edits = append(edits, rawjson.Edit{Key: "stream_options", Value: in.options})
	}
	return in.object.With(edits...)
}

func isAbsent(raw json.RawMessage) bool { return raw == nil || string(raw) == "null" }

func invalidType(param, want string, got json.RawMessage) error {
	return openaierr.Invalid(param, "invalid_type", "Invalid type for '%s': expected %s, but got %s instead.", param, want, kindOf(got))
}

func kindOf(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// escaped is a path as a URL has it.
func escaped(path string) string {
	segments := strings.Split(path, "/")
	for i := range segments {
		segments[i] = url.PathEscape(segments[i])
	}
	return strings.Join(segments, "/")
}
