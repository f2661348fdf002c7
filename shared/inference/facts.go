package inference

import (
	"slices"
	"time"

	"aoai-bridge/shared/catalog"
	"aoai-bridge/shared/openaiapi"
	"aoai-bridge/shared/routing"
)

// facts are what is known of a model beside OpenAI's members. Null is not known.
type facts struct {
	// The context window in tokens goes by three names, of which clients read one or another: the second is
	// OpenRouter's, the third vLLM's.
	ContextWindow *int `json:"context_window"`
	ContextLength *int `json:"context_length"`
	MaxModelLen   *int `json:"max_model_len"`

	MaxInput        *int                     `json:"max_input_tokens"`
	MaxOutput       *int                     `json:"max_output_tokens"`
	Reads           []string                 `json:"input_modalities"`
	Writes          []string                 `json:"output_modalities"`
	DeploymentTypes []catalog.DeploymentType `json:"deployment_types"` // that the Azure secret lists and the caller may use
	Prices          []catalog.Listing        `json:"prices"`
	Retirement      *catalog.Retirement      `json:"retirement"`
	Notes           []string                 `json:"notes,omitempty"`
}

// factsOn returns what is known of a model, or of a deployment of that name.
func (a *API) factsOn(r *openaiapi.Request, name string) (*facts, error) {
	batch, online, err := a.azure.Targets(r.Context(), name)
	if err != nil {
		return nil, err
	}
	targets := slices.DeleteFunc(slices.Concat(online, batch), func(t routing.Target) bool { return !r.Caller.Target(t) })
	f := &facts{DeploymentTypes: typesOf(targets)}
	known, _, err := a.azure.Catalog(r.Context(), name)
	if err != nil { // the log has it; calls can be made
		f.Notes = append(f.Notes, "the catalog cannot be read: the prices or models in the Azure secret are wrong")
		return f, nil
	}
	model := name
	if len(targets) > 0 {
		model = targets[0].Model
	}
	n, err := known.Lookup(model)
	if err != nil {
		f.Notes = append(f.Notes, "the catalog does not know this model")
		return f, nil
	}
	f.describe(known, n, targets, a.now())
	return f, nil
}

// typesOf returns the types of deployments, each once, or nil where none is known.
func typesOf(targets []routing.Target) (types []catalog.DeploymentType) {
	for _, t := range catalog.DeploymentTypes() {
		if slices.ContainsFunc(targets, func(target routing.Target) bool { return target.Type == t }) {
			types = append(types, t)
		}
	}
	return types
}

// describe adds what the catalog has. A call may go to any of the targets that answer at once, which may differ in type
// and, where several have one name, in model: the least of their limits holds.
func (f *facts) describe(known *catalog.Catalog, n catalog.Named, targets []routing.Target, now time.Time) {
	window, output := n.Limits("")
	input := n.MaxInput
	for _, target := range targets {
		if target.Type.Batch() {
			continue
		}
		other, err := known.Lookup(target.Model)
		if err != nil {
			continue
		}
		itsWindow, itsOutput := other.Limits(target.Type)
		window, output, input = least(window, itsWindow), least(output, itsOutput), least(input, other.MaxInput)
		if note := "a deployment of this name serves " + other.Name; other.Name != n.Name && !slices.Contains(f.Notes, note) {
			f.Notes = append(f.Notes, note)
		}
	}
	f.ContextWindow, f.ContextLength, f.MaxModelLen = window, window, window
	f.MaxInput, f.MaxOutput, f.Reads, f.Writes = input, output, n.Reads, n.Writes
	types := f.DeploymentTypes
	if len(types) == 0 {
		types = catalog.TokenTypes()
	}
	f.Prices = known.List(n, types, catalog.TermsOn(now).Day)
	f.Retirement = known.FirstRetirement(n, now)
	for _, note := range []string{n.LimitsNote, n.ContextNote, n.MaxOutputNote} {
		if note != "" {
			f.Notes = append(f.Notes, note)
		}
	}
}

func least(a, b *int) *int {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}
