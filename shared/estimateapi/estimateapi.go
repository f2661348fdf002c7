// Package estimateapi serves estimates of requests: POST /v1/tokens/estimate and OpenAI's own
// POST /v1/responses/input_tokens. It sends nothing to Azure, and does not know Lambda.
package estimateapi

import (
	"context"
	"net/http"
	"time"

	"aoai-bridge/shared/azure"
	"aoai-bridge/shared/batch/plan"
	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/clock"
	"aoai-bridge/shared/estimate"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/openaierr"
	"aoai-bridge/shared/rawjson"
	"aoai-bridge/shared/tokens"
)

// API answers estimates, as an http.Handler.
type API struct {
	azure *azure.Client // has the secret's deployments, prices and models
	files Files
	now   func() time.Time

	routes openaiapi.Router
}

// Files are where the files are that an API reads. The zero Files has none.
type Files struct {
	Planner *plan.Planner

	// Find returns the key of a file in the bucket that a caller has uploaded.
	Find func(ctx context.Context, caller, id string) (key string, err error)
}

// New makes an API. A nil now is clock.Wall.
func New(client *azure.Client, files Files, now func() time.Time) *API {
	a := &API{azure: client, files: files, now: clock.Or(now)}
	a.routes.Handle("POST /tokens/estimate", "tokens.estimate", a.estimate)
	a.routes.Handle("POST /responses/input_tokens", "responses.input_tokens", a.inputTokens)
	return a
}

// ServeHTTP serves the paths of every family.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.routes.ServeHTTP(w, r) }

// Path says where a bare payload goes: all are estimates.
func Path([]byte) (string, error) { return "/v1/tokens/estimate", nil }

func (a *API) estimate(w http.ResponseWriter, r *openaiapi.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if !body.Get("s3").Absent() {
		return a.estimateFile(w, r, body)
	}
	if !body.Get("file").Absent() {
		return a.estimateUpload(w, r, body)
	}
	options, err := estimate.ParseOptions(body.Get("estimate"))
	if err != nil {
		return err
	}
	s, err := a.subject(r, body, options)
	if err != nil {
		return err
	}
	kind, err := estimate.KindOf(body, s.kind())
	if err != nil {
		return err
	}
	s.rules.Texts = options.Tokens
	count, err := estimate.Of(kind, body, s.rules)
	if err != nil {
		return err
	}
	report, err := estimate.ReportOn(s.catalog, s.rules.Model, count, body, options, a.now())
	if err != nil {
		return err
	}
	report.Encoding = s.rules.Encoding.Name()
	if options.Tokens {
		report.Tokens = estimate.ListTokens(s.rules.Encoding, count.Texts)
	}
	return openaiapi.WriteJSON(w, report)
}

// InputTokens is the answer of OpenAI's own operation, with members of ours where the number is not sure.
type InputTokens struct {
	Object string `json:"object"` // "response.input_tokens"
	Tokens int    `json:"input_tokens"`

	Exact      *bool          `json:"exact,omitempty"` // false, or nil: by rules that reported usage bears out
	Basis      estimate.Basis `json:"basis,omitempty"` // of what is counted; this and the others if Exact is false
	Min        *int           `json:"input_tokens_min,omitempty"`
	NotCounted []string       `json:"not_counted,omitempty"`          // the parts that are left out of the number
	Most       *int           `json:"input_tokens_at_most,omitempty"` // with them; nil if nothing bounds them
	Unbounded  string         `json:"unbounded,omitempty"`            // why nothing does
	Notes      []string       `json:"notes,omitempty"`                // why each part is not sure
}

// inputTokens answers as OpenAI does: the tokens of a response's input, and what is left out of their number.
func (a *API) inputTokens(w http.ResponseWriter, r *openaiapi.Request) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	switch {
	case !body.Get("messages").Absent():
		return openaierr.Invalid("messages", "unsupported_parameter", "Unsupported parameter: 'messages'. This operation counts the 'input' of a response; POST /v1/tokens/estimate counts a chat completion.")
	case body.Get("input").Absent():
		return openaiapi.Missing("input", "It is what a response begins with: a string or an array of items.")
	}
	s, err := a.subject(r, body, estimate.Options{})
	if err != nil {
		return err
	}
	count, err := estimate.Of(estimate.Responses, body, s.rules)
	if err != nil {
		return err
	}
	answer := InputTokens{Object: "response.input_tokens", Tokens: count.Tokens}
	if len(count.Missing) > 0 || count.Min != count.Tokens || count.Basis == estimate.Estimated {
		answer.Exact, answer.Basis, answer.NotCounted = new(bool), count.Basis, count.Missing
		if count.Min != count.Tokens {
			answer.Min = &count.Min
		}
		if len(count.Missing) > 0 {
			answer.Most, answer.Unbounded = count.AtMost(s.rules.Model)
		}
		for _, p := range count.Parts {
			answer.Notes = append(answer.Notes, p.Notes...)
		}
	}
	return openaiapi.WriteJSON(w, answer)
}

func readBody(r *openaiapi.Request) (rawjson.Node, error) {
	return r.ReadObject(openaiapi.Whole, "model", "messages", "input", "instructions", "tools", "functions", "text", "encoding", "estimate", "s3", "file", "service_tier")
}

// subject is the catalog and the rules that a request is counted by.
type subject struct {
	catalog *catalog.Catalog
	rules   estimate.Rules
}

func (s *subject) kind() string {
	if s.rules.Model == nil {
		return ""
	}
	return s.rules.Model.Kind
}

// subject finds the model that a body names, through the deployments of the Azure secret, and the
// encoding that it is counted in.
func (a *API) subject(r *openaiapi.Request, body rawjson.Node, o estimate.Options) (*subject, error) {
	member := body.Get("model")
	if !member.Absent() && member.Kind() != '"' {
		return nil, openaiapi.InvalidType("model", "a string", member)
	}
	encoding, err := encodingOf(body, o)
	if err != nil {
		return nil, err
	}
	name := member.Text()
	r.Record.Model = name
	if name == "" && encoding == nil {
		remedy := "Name a model; GET /v1/models lists those there are."
		if !body.Get("text").Absent() {
			remedy = "To count text without a model, give 'encoding', for example \"o200k_base\"."
		}
		return nil, openaiapi.Missing("model", remedy)
	}
	known, model, err := a.azure.Catalog(r.Context(), name)
	if err != nil {
		return nil, err
	}
	if name == "" {
		return &subject{known, estimate.Rules{Encoding: encoding}}, nil
	}
	if err := r.MayUse(name, model); err != nil {
		return nil, err
	}
	found, err := known.Lookup(model)
	switch {
	case err == nil:
		rules, err := estimate.RulesFor(known, found, encoding)
		if err != nil {
			return nil, err
		}
		rules.Sizes = o.Images
		return &subject{known, rules}, nil
	case encoding != nil:
		return &subject{known, estimate.Rules{Encoding: encoding}}, nil
	}
	return nil, err
}

// encodingOf is the encoding that a request asks for, in "encoding" beside "text" or among the options;
// nil is the model's.
func encodingOf(body rawjson.Node, o estimate.Options) (*tokens.Encoding, error) {
	param, name := "estimate.encoding", o.Encoding
	if e := body.Get("encoding"); name == "" && !e.Absent() && !body.Get("text").Absent() {
		if e.Kind() != '"' {
			return nil, openaiapi.InvalidType("encoding", "a string", e)
		}
		param, name = "encoding", e.Text()
	}
	if name == "" {
		return nil, nil
	}
	encoding, err := tokens.Lookup(name)
	if err != nil {
		return nil, openaierr.Invalid(param, "invalid_value", "Invalid value for '%s': %v.", param, err)
	}
	return encoding, nil
}
