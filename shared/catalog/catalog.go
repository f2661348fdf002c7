package catalog

import (
	"embed"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"aoai-bridge/shared/openaierr"
)

//go:embed data/*.json
var data embed.FS

// Catalog is what is known of the models. It does not change once it is made.
type Catalog struct {
	models  map[string]*Model
	aliases map[string]string
	prices  map[priceKey]*Price
	priced  map[versionKey]bool // versions that have prices of their own
	batch   batchRule
	missing map[DeploymentType]string // why a type has no prices
	ptus    map[string]*PTU
	images  map[string]*Images
	quotas  map[quotaKey]*Quota
	sources map[string]Source
}

// Source says where a row is from.
type Source struct {
	What string  `json:"what"`
	Date *string `json:"date"` // as exactly as it is known: "2026-11" or "2026-11-23"
	Note string  `json:"note,omitempty"`
}

// Embedded returns the catalog that the binary carries. It is read on the first call.
var Embedded = sync.OnceValue(func() *Catalog {
	c := &Catalog{
		models: map[string]*Model{}, prices: map[priceKey]*Price{}, priced: map[versionKey]bool{},
		ptus: map[string]*PTU{}, images: map[string]*Images{}, quotas: map[quotaKey]*Quota{},
	}
	var models struct {
		Aliases map[string]string `json:"aliases"`
		Models  []*Model          `json:"models"`
	}
	read("models.json", &models)
	c.aliases = models.Aliases
	for _, m := range models.Models {
		c.models[m.Name] = m
	}
	var prices struct {
		Batch   batchRule                 `json:"batch"`
		Missing map[DeploymentType]string `json:"missing"`
		Prices  []*Price                  `json:"prices"`
	}
	read("prices.json", &prices)
	c.batch, c.missing = prices.Batch, prices.Missing
	for _, p := range prices.Prices {
		c.setPrice(p)
	}
	var ptus struct {
		PTUs []*PTU `json:"ptu"`
	}
	read("ptu.json", &ptus)
	for _, p := range ptus.PTUs {
		c.ptus[p.Model] = p
	}
	var images struct {
		Images []*Images `json:"images"`
	}
	read("images.json", &images)
	for _, i := range images.Images {
		for _, name := range i.Models {
			c.images[name] = i
		}
	}
	var quotas struct {
		Quotas []*Quota `json:"enqueued_tokens"`
	}
	read("quotas.json", &quotas)
	for _, q := range quotas.Quotas {
		c.quotas[quotaKey{q.Model, q.Type}] = q
	}
	read("sources.json", &c.sources)
	return c
})

func read(name string, into any) {
	b, err := data.ReadFile("data/" + name)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		panic("catalog: data/" + name + ": " + err.Error()) // the files are the binary's own
	}
}

// Source returns what a row's source stands for.
func (c *Catalog) Source(id string) (Source, bool) {
	s, ok := c.sources[id]
	return s, ok
}

// Names lists the models, sorted.
func (c *Catalog) Names() []string { return slices.Sorted(maps.Keys(c.models)) }

// Lookup finds a model by its name, or by its name and a version: the longest known name that begins
// the one asked for, when what follows is a version ("gpt-4o-2024-11-20", "gpt-4-0613", "gpt-5-latest")
// or a fine-tuning mark ("gpt-4o-2024-08-06.ft-abc"). Letter case does not matter. Any other name is an
// error about the parameter "model"; the name of a deployment is not resolved here.
func (c *Catalog) Lookup(name string) (Named, error) {
	lower := strings.ToLower(name)
	for known, alias := range c.aliases {
		if rest, ok := strings.CutPrefix(lower, known); ok && (rest == "" || versioned(rest)) {
			lower = alias + rest
		}
	}
	if m := c.models[lower]; m != nil {
		return Named{Model: m}, nil
	}
	for end := len(lower) - 1; end > 0; end-- {
		m := c.models[lower[:end]]
		if m == nil || !versioned(lower[end:]) {
			continue
		}
		version := suffix().FindStringSubmatch(lower[end:])[1]
		if version == "latest" {
			version = ""
		}
		return Named{m, version}, nil
	}
	return Named{}, unknownModel(name)
}

// Named is a model that was asked for, perhaps in a certain version.
type Named struct {
	*Model
	Asked string // the version in the name, such as "2024-11-20"; "" if there was none
}

// suffix is what may follow a model's name: a version, and the mark of a fine-tuned model.
var suffix = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[-_@:]v?(\d{4}-\d{2}-\d{2}|(?:0\d|1[0-2])[0-3]\d|latest))?(?:\.ft-.*)?$`)
})

func versioned(rest string) bool { return suffix().MatchString(rest) }

func unknownModel(name string) error {
	e := openaierr.Invalid("model", "model_not_found",
		"The catalog does not know the model `%.100s`. Name one that it knows, add yours to \"models\" in the Azure secret, or give 'estimate.encoding', for example \"o200k_base\", to have the text counted without a price.", name)
	e.Status = http.StatusNotFound
	return e
}

// Encodings lists the encodings that models use, sorted.
func (c *Catalog) Encodings() []string {
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
	d.models, d.prices, d.priced = maps.Clone(c.models), maps.Clone(c.prices), maps.Clone(c.priced)
	d.ptus, d.images = maps.Clone(c.ptus), maps.Clone(c.images)
	return &d
}
