package catalog

import "time"

// Model is a row about one model. A nil number is not known, and the note beside it says why.
type Model struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`              // "chat" or "embeddings"; "" is not known
	Version string `json:"version,omitempty"` // the newest

	Encoding       *string `json:"encoding"` // the name of a vocabulary, such as "o200k_base"
	EncodingSource string  `json:"encoding_source,omitempty"`
	EncodingNote   string  `json:"encoding_note,omitempty"`

	// Overhead names the rules that wrap a chat in tokens; the estimate knows what they are.
	Overhead       string `json:"overhead,omitempty"`
	OverheadSource string `json:"overhead_source,omitempty"`

	Context       *int                   `json:"context"` // tokens, input and output together
	ContextByType map[DeploymentType]int `json:"context_by_type,omitempty"`
	ContextNote   string                 `json:"context_note,omitempty"`
	MaxInput      *int                   `json:"max_input"` // nil: the context less the output
	MaxOutput     *int                   `json:"max_output"`
	MaxOutputNote string                 `json:"max_output_note,omitempty"`
	LimitsSource  string                 `json:"limits_source,omitempty"`
	LimitsNote    string                 `json:"limits_note,omitempty"`

	Retirement       *string   `json:"retirement"` // "2027-02-06"; see Retires
	RetirementSource string    `json:"retirement_source,omitempty"`
	Reads            []string  `json:"reads,omitempty"`          // "text", "image", "audio"; nil is not known
	Writes           []string  `json:"writes,omitempty"`         // likewise
	ResponsesOnly    bool      `json:"responses_only,omitempty"` // there are no chat completions of it
	NoBatch          string    `json:"no_batch,omitempty"`       // why Azure has no batch of it; "" where it has
	LongAbove        int       `json:"-"`                        // tokens of input above which a call costs more; 0 if it never does
	Versions         []Version `json:"versions,omitempty"`       // that differ in a limit, in price or in retirement

	// Of embeddings.
	Dimensions             int    `json:"dimensions,omitempty"`
	MaxArray               int    `json:"max_array,omitempty"` // inputs in one request
	MaxRequestTokens       int    `json:"max_request_tokens,omitempty"`
	MaxRequestTokensSource string `json:"max_request_tokens_source,omitempty"`

	overridden bool // it is the user's, from "models" in the Azure secret
}

// Own reports whether the model is the user's own, or has been changed by the user.
func (n Named) Own() bool { return n.Model != nil && n.overridden }

// Version is what sets one version apart from its model.
type Version struct {
	Version   string `json:"version"`
	Context   *int   `json:"context,omitempty"`
	MaxOutput *int   `json:"max_output,omitempty"`

	Retirement string `json:"retirement,omitempty"` // "" is the model's
}

// Retires returns the day on which Azure stops serving the version asked for, "2027-02-06", or "" where no
// source states one.
func (n Named) Retires() (day, source string) {
	if n.Retirement != nil {
		day = *n.Retirement
	}
	for _, v := range n.Versions {
		if v.Version == n.AskedVersion && v.Retirement != "" {
			day = v.Retirement
		}
	}
	return day, n.RetirementSource
}

// Passed reports whether a day of retirement that a source states has passed. It has not if the source is older
// than that day, since Azure puts retirements off. What the user states is not doubted.
func (c *Catalog) Passed(day, source string, now time.Time) bool {
	if day == "" || now.UTC().Format(time.DateOnly) < day {
		return false
	}
	if source == override {
		return true
	}
	published := c.sources[source].Date
	return published != nil && *published >= day // a month, "2026-11", sorts before its first day
}

// Limits returns the context window and the most output, of the version asked for and on a deployment
// type; "" is whichever type has the most. Nil is not known.
func (n Named) Limits(t DeploymentType) (context, maxOutput *int) {
	context, maxOutput = n.Context, n.MaxOutput
	if limit, ok := n.ContextByType[t]; ok {
		context = &limit
	}
	for _, v := range n.Versions {
		if v.Version == n.AskedVersion {
			if v.Context != nil {
				context = v.Context
			}
			if v.MaxOutput != nil {
				maxOutput = v.MaxOutput
			}
		}
	}
	return context, maxOutput
}

// Images is how a model counts images, or nil where no source says.
func (c *Catalog) Images(model string) *Images { return c.images[model] }

// Images is the rule by which models count an image.
type Images struct {
	Models     []string `json:"models,omitempty"`
	Kind       string   `json:"kind"` // "tile" or "patch"
	Auto       string   `json:"auto"` // the detail that "auto" means
	Source     string   `json:"source,omitempty"`
	Unverified string   `json:"unverified,omitempty"` // what of it is assumed

	// Of tiles: what every image takes, and each tile of 512x512 pixels.
	Base    int `json:"base,omitempty"`
	PerTile int `json:"per_tile,omitempty"`

	// Of patches of 32x32 pixels.
	Multiplier float64           `json:"multiplier,omitempty"`
	Detail     map[string]Detail `json:"detail,omitempty"`
	Rival      *Rival            `json:"rival,omitempty"` // what another source says; nil if none does
}

// Rival is how another source counts patches, at every level of detail.
type Rival struct {
	Multiplier float64 `json:"multiplier"`
	Budget     int     `json:"budget"` // patches that an image is scaled down to
	Source     string  `json:"source"`
}

// Detail is what a level of detail does to an image before its patches are counted; 0 is no limit.
type Detail struct {
	MaxDim     int `json:"max_dim"`               // pixels that the longer side is scaled down to
	Budget     int `json:"budget,omitempty"`      // patches that it is scaled down to
	RejectOver int `json:"reject_over,omitempty"` // patches above which the request is refused
}

type quotaKey struct {
	model      string
	deployment DeploymentType
}

// Quota is how many tokens may wait in a model's batch deployment at once, by kind of subscription.
type Quota struct {
	Model      string         `json:"model"`
	Type       DeploymentType `json:"type"`
	Enterprise *int64         `json:"enterprise"`
	Default    *int64         `json:"default"`
	CreditCard *int64         `json:"credit_card"`
	MSDN       *int64         `json:"msdn"`
	Source     string         `json:"source"`
}

// EnqueuedTokens returns a model's quota of waiting batch tokens, or nil where none is known.
func (c *Catalog) EnqueuedTokens(model string, t DeploymentType) *Quota {
	return c.quotas[quotaKey{model, t}]
}
