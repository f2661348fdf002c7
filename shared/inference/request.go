package inference

import (
	"encoding/json"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/routing"
)

// prepare makes the call that a request asks for.
func (a *API) prepare(r *openaiapi.Request, op operation) (call *azure.Call, keepUsage bool, err error) {
	in, err := readInput(r, op)
	if err != nil {
		return nil, false, err
	}
	call = a.newCall(r)
	if call.Name == "" {
		call.Name = in.model
	}
	r.Record.Model, r.Record.Stream = call.Name, in.stream
	if err := a.permitBody(r, in.body); err != nil {
		return nil, false, err
	}
	if id := in.body.Get("previous_response_id").Text(); op.stateful() && id != "" {
		if err := a.permitResponse(r, id); err != nil {
			return nil, false, err
		}
	}
	call.State = in.state
	call.Stream, call.Begins, call.Tier, call.Body = in.stream, in.background, in.tier, in.plainBodyFor
	if in.streamOptions != nil {
		call.Body, call.Plain = in.bodyFor, in.plainBodyFor
	}
	return call, in.keepUsage, nil
}

// input is what we know of a body.
type input struct {
	body          rawjson.Node
	model         string // "" if the body names none
	hasModel      bool   // the body has a model
	stream        bool
	keepUsage     bool   // the caller asked for the usage chunk
	streamOptions []byte // stream_options to send; nil leaves them as they are

	state      []string     // what the request goes on from
	background bool         // the response is made whether or not anyone waits
	tier       routing.Tier // asked for
}

// readInput reads the body. Of a key that is bound to models all of it counts, since any part may name one.
func readInput(r *openaiapi.Request, op operation) (*input, error) {
	depth := openaiapi.Top
	if !r.Caller.Any() || op.stateful() {
		depth = openaiapi.Whole
	}
	members := []string{"model", "stream", "stream_options", "background", "service_tier"}
	if op.stateful() {
		members = append(members, "previous_response_id")
	}
	if op.required != "" {
		members = append(members, op.required)
	}
	body, err := r.ReadObject(depth, members...)
	if err != nil {
		return nil, err
	}
	in := &input{body: body, keepUsage: true}
	if err := in.readModel(r.Path.Deployment != ""); err != nil {
		return nil, err
	}
	if op.required != "" && body.Get(op.required).Absent() {
		return nil, openaiapi.Missing(op.required, "")
	}
	if background := body.Get("background"); op.name == "responses" && !background.Absent() {
		in.background = background.Kind() != 'f' // Azure refuses what is not a boolean
	}
	if op.stateful() {
		in.state = azure.StateIn(body)
	}
	in.tier = routing.TierOf(body.Get("service_tier").Text())
	if in.stream, err = readBool(body, "", "stream"); err != nil {
		return nil, err
	}
	if in.stream && op.name == "chat.completions" && metersStreams(r.Path) {
		err = in.askForUsage()
	}
	return in, err
}

func (in *input) readModel(inPath bool) error {
	model := in.body.Get("model")
	in.hasModel = !model.Absent()
	in.model = model.Text()
	switch {
	case !in.hasModel && !inPath:
		return openaiapi.Missing("model", "GET /v1/models lists those there are.")
	case in.hasModel && model.Kind() != '"':
		return openaiapi.InvalidType("model", "a string", model)
	case in.hasModel && in.model == "":
		return openaierr.Invalid("model", "invalid_value", "'model' is empty. GET /v1/models lists those there are.")
	}
	return nil
}

// askForUsage has Azure report a stream's tokens, which are metered whether or not the caller asked. It does not
// beside data_sources, where Azure answers 400 "Validation error at #/stream_options: Extra inputs are not permitted".
func (in *input) askForUsage() error {
	if !in.body.Get("data_sources").Absent() {
		return nil
	}
	member := in.body.Get("stream_options")
	if member.Absent() {
		in.keepUsage, in.streamOptions = false, []byte(`{"include_usage":true}`)
		return nil
	}
	options, err := rawjson.ParseTop(member.Raw())
	if err != nil || options.Kind() != '{' {
		return openaiapi.InvalidType("stream_options", "an object", member)
	}
	if err := openaiapi.Exact(options, "stream_options.", "include_usage"); err != nil {
		return err
	}
	if in.keepUsage, err = readBool(options, "stream_options.", "include_usage"); err != nil {
		return err
	}
	if !in.keepUsage {
		in.streamOptions = options.With(rawjson.Edit{Key: "include_usage", Value: []byte("true")}).Bytes()
	}
	return nil
}

// readBool reads a boolean member, false if it is null or absent.
func readBool(object rawjson.Node, prefix, name string) (bool, error) {
	switch value := object.Get(name); value.Kind() {
	case 't':
		return true, nil
	case 'f', 'n', 0:
		return false, nil
	default:
		return false, openaiapi.InvalidType(prefix+name, "a boolean", value)
	}
}

// metersStreams reports whether the family knows stream_options, which Azure refuses before the
// api-version of September 2024.
func metersStreams(p openaiapi.Path) bool {
	return !p.Dated || p.Query.Get("api-version") >= "2024-09"
}

// bodyFor returns the text to send: the caller's own except for the fields we own.
func (in *input) bodyFor(deployment string) rawjson.Pieces {
	return in.body.With(append(in.rename(deployment), rawjson.Edit{Key: "stream_options", Value: in.streamOptions})...)
}

// plainBodyFor is bodyFor without stream_options of ours.
func (in *input) plainBodyFor(deployment string) rawjson.Pieces {
	return in.body.With(in.rename(deployment)...)
}

// rename gives a body that names its model the deployment's name.
func (in *input) rename(deployment string) []rawjson.Edit {
	if !in.hasModel || in.model == deployment {
		return nil
	}
	name, _ := json.Marshal(deployment) // a string always marshals
	return []rawjson.Edit{{Key: "model", Value: name}}
}
