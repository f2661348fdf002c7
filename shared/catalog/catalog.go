package catalog

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"aoai-bridge/shared/openaierr"
)

// Catalog is what is known of the models. It does not change once it is made.
type Catalog struct {
	models    map[string]*Model
	aliases   map[string]string
	prices    map[string][]Price        // by model
	overrides map[overrideKey]*Price    // the user's, which replace the others
	priced    map[versionKey]bool       // versions that have prices of their own
	missing   map[DeploymentType]string // why a type has no prices
	ptus      map[string]*PTU
	images    map[string]*Images
	quotas    map[quotaKey]*Quota
	sources   map[string]Source
}

// Source says where a row is from.
type Source struct {
	What string  `json:"what"`
	Date *string `json:"date"` // as exactly as it is known: "2026-11" or "2026-11-23"
	Note string  `json:"note,omitempty"`
}

//go:generate go run aoai-bridge/infra/catalog -dir .

// tables is what rows returns. As Go code the rows load in a tenth of the time that parsing takes at a cold start;
// prices, the longest table, is initialized data and takes no time. Where a change here keeps rows.go from
// compiling, let rows return nil and prices be empty, and generate it again.
type tables struct {
	Aliases map[string]string
	Models  []*Model
	Missing map[DeploymentType]string // why a type has no prices
	PTUs    []*PTU
	Images  []*Images
	Quotas  []*Quota
	Sources map[string]Source
}

// Embedded returns the catalog that the binary carries. It is made on the first call.
var Embedded = sync.OnceValue(embedded)

func embedded() *Catalog {
	all := rows()
	c := &Catalog{
		aliases: all.Aliases, missing: all.Missing, sources: all.Sources,
		models: map[string]*Model{}, prices: map[string][]Price{}, overrides: map[overrideKey]*Price{}, priced: map[versionKey]bool{},
		ptus: map[string]*PTU{}, images: map[string]*Images{}, quotas: map[quotaKey]*Quota{},
	}
	for _, m := range all.Models {
		c.models[m.Name] = m
	}
	for start, i := 0, 0; i < len(prices); i++ { // a model's rows are side by side
		if p := &prices[i]; p.Version != "" {
			c.priced[versionKey{p.Model, p.Version}] = true
		}
		if i+1 == len(prices) || prices[i+1].Model != prices[i].Model {
			c.prices[prices[i].Model] = prices[start : i+1 : i+1]
			start = i + 1
		}
	}
	for _, p := range all.PTUs {
		c.ptus[p.Model] = p
	}
	for _, i := range all.Images {
		for _, name := range i.Models {
			c.images[name] = i
		}
	}
	for _, q := range all.Quotas {
		c.quotas[quotaKey{q.Model, q.Type}] = q
	}
	return c
}

// Source returns what a row's source stands for.
func (c *Catalog) Source(id string) (Source, bool) {
	s, ok := c.sources[id]
	return s, ok
}

// Lookup finds a model by its name, or by its name and a version: the longest known name that the
// given one begins with, when what follows is a version ("gpt-4o-2024-11-20", "gpt-4-0613", "gpt-5-latest")
// or a fine-tuning mark ("gpt-4o-2024-08-06.ft-abc"). Letter case does not matter. Any other name is an
// error about the parameter "model"; the name of a deployment is not resolved here.
func (c *Catalog) Lookup(name string) (Named, error) {
	lower := strings.ToLower(name)
	for known, alias := range c.aliases {
		if rest, ok := strings.CutPrefix(lower, known); ok {
			if _, ok := versionOf(rest); ok {
				lower = alias + rest
			}
		}
	}
	if m := c.models[lower]; m != nil {
		return Named{Model: m}, nil
	}
	for end := len(lower) - 1; end > 0; end-- {
		if m := c.models[lower[:end]]; m != nil {
			if version, ok := versionOf(lower[end:]); ok {
				return Named{m, strings.TrimPrefix(version, "latest")}, nil
			}
		}
	}
	return Named{}, unknownModel(name)
}

// Named is a model that was asked for, perhaps in a certain version.
type Named struct {
	*Model
	AskedVersion string // the version in the name, such as "2024-11-20"; "" if there was none
}

// versionOf reads what may follow a model's name, in lower case: a version, and the mark of a fine-tuned
// model. Either may be missing.
func versionOf(rest string) (version string, ok bool) {
	if at := strings.Index(rest, ".ft-"); at >= 0 {
		rest = rest[:at]
	}
	if rest == "" {
		return "", true
	}
	if !strings.ContainsRune("-_@:", rune(rest[0])) {
		return "", false
	}
	version = strings.TrimPrefix(rest[1:], "v")
	form := "0000-00-00"
	switch {
	case version == "latest":
		return version, true
	case len(version) == len("0613") && version[:2] <= "12" && version[2] <= '3':
		form = "0000"
	}
	return version, hasForm(version, form)
}

// hasForm reports whether a text has a form: any digit where the form has a 0, and else the same bytes.
func hasForm(text, form string) bool {
	if len(text) != len(form) {
		return false
	}
	for i := range len(text) {
		if digit := text[i] >= '0' && text[i] <= '9'; form[i] == '0' && !digit || form[i] != '0' && text[i] != form[i] {
			return false
		}
	}
	return true
}

func unknownModel(name string) error {
	e := openaierr.Invalid("model", "model_not_found",
		"The catalog does not know the model `%.100s`. Name one that it knows, add yours to \"models\" in the Azure secret, or give 'estimate.encoding', for example \"o200k_base\", to have the text counted without a price.", name)
	e.Status = http.StatusNotFound
	return e
}

// encodings lists the encodings that models use, sorted.
func (c *Catalog) encodings() []string {
	names := map[string]bool{}
	for _, m := range c.models {
		if m.Encoding != nil {
			names[*m.Encoding] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (c *Catalog) clone() *Catalog {
	d := *c
	d.models, d.prices, d.overrides, d.priced = maps.Clone(c.models), maps.Clone(c.prices), maps.Clone(c.overrides), maps.Clone(c.priced)
	d.ptus, d.images = maps.Clone(c.ptus), maps.Clone(c.images)
	return &d
}
