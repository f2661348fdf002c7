package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"aoai-bridge/shared/decimal"
)

// Overrides are the user's own rows: the members "prices" and "models" of the Azure secret, or of a
// file. Prices are in USD per 1,000,000 tokens, and per hour and PTU:
//
//	{"prices": {"gpt-4o": {"GlobalStandard": {"input": 2.5, "cached_input": 1.25, "output": 10},
//	                       "ProvisionedManaged": {"ptu_hour": 1}},
//	            "gpt-4o-2024-05-13": {"GlobalStandard": {"input": 5, "output": 15}}},
//	 "models": {"my-model": {"like": "gpt-4o", "context": 128000, "max_output": 4096}}}
//
// A row of prices replaces the one of that model and type, and a name that has a price is a model by that. A model is
// made like another, or like nothing, and then differs in the members it has: kind, encoding, context, max_input,
// max_output, retirement, images and ptu, the last two as in corrections.json.
type Overrides struct {
	Prices json.RawMessage `json:"prices"`
	Models json.RawMessage `json:"models"`
}

// override is the source of the user's own rows.
const override = "override"

// ParseOverrides reads a file of overrides. What it holds is checked by With.
func ParseOverrides(file []byte) (Overrides, error) {
	var o Overrides
	err := decodeStrict(file, &o, "the file")
	return o, err
}

// With returns the catalog with overrides merged over it. An entry that is wrong, of a model or of one price, is left
// out, and the error, which joins one of each, names its member. The catalog is good in either case.
func (c *Catalog) With(o Overrides) (*Catalog, error) {
	if isNull(o.Prices) && isNull(o.Models) {
		return c, nil
	}
	merged := c.clone()
	// Models first: a price may be of one.
	models := eachMember(o.Models, "models", merged.addModel)
	prices := eachMember(o.Prices, "prices", func(path, name string, raw json.RawMessage) error {
		n, err := merged.Lookup(name)
		if err != nil {
			n = Named{Model: pricedModel(name)}
		}
		if string(bytes.TrimSpace(raw)) == "{}" {
			return fmt.Errorf(`%s: has no price, want for example {"GlobalBatch": {"input": 1.25, "output": 5}}`, path)
		}
		return eachMember(raw, path, func(path, kind string, raw json.RawMessage) error {
			return merged.addPrice(path, n, DeploymentType(kind), raw)
		})
	})
	return merged, errors.Join(models, prices)
}

// pricedModel returns a model of which only prices are known. It joins the catalog with the first of them.
func pricedModel(name string) *Model {
	return &Model{
		Name: strings.ToLower(name), EncodingNote: `only its price is known: add it to "models" too, for example as {"like": "gpt-4o"}`,
		LimitsNote: "no source states its limits", overridden: true,
	}
}

func (c *Catalog) addPrice(path string, n Named, t DeploymentType, raw json.RawMessage) error {
	if !t.Known() {
		return fmt.Errorf("%s: not a deployment type, want one of %v", path, DeploymentTypes())
	}
	var in struct {
		Input       *float64 `json:"input"`
		CachedInput *float64 `json:"cached_input"`
		CacheWrite  *float64 `json:"cache_write"`
		Output      *float64 `json:"output"`
		PTUHour     *float64 `json:"ptu_hour"`
	}
	if err := decodeStrict(raw, &in, path); err != nil {
		return err
	}
	for name, v := range map[string]*float64{
		"input": in.Input, "cached_input": in.CachedInput, "cache_write": in.CacheWrite, "output": in.Output, "ptu_hour": in.PTUHour,
	} {
		if v != nil && *v < 0 {
			return fmt.Errorf("%s.%s: %g is negative", path, name, *v)
		}
		if v != nil && !decimal.InRange(*v) {
			return fmt.Errorf("%s.%s: %g is above %g", path, name, *v, float64(decimal.Most))
		}
	}
	if in.Input == nil && in.PTUHour == nil {
		return fmt.Errorf(`%s: neither input nor ptu_hour is given, want for example {"input": 2.5, "cached_input": 1.25, "output": 10}`, path)
	}
	rate := func(v *float64) Rate {
		if v == nil {
			return Rate{}
		}
		return Rate{*v, true}
	}
	if c.models[n.Name] == nil {
		c.models[n.Name] = n.Model
	}
	c.overrides[overrideKey{n.Name, n.AskedVersion, t}] = &Price{
		Model: n.Name, Version: n.AskedVersion, Type: t, PTUHour: rate(in.PTUHour), Source: override,
		Rates: Rates{Input: rate(in.Input), CachedInput: rate(in.CachedInput), CacheWrite: rate(in.CacheWrite), Output: rate(in.Output)},
	}
	if n.AskedVersion != "" {
		c.priced[versionKey{n.Name, n.AskedVersion}] = true
	}
	return nil
}

// modelOverride is a row of "models".
type modelOverride struct {
	Like       string  `json:"like"`
	Kind       *string `json:"kind"`
	Encoding   *string `json:"encoding"`
	Context    *int    `json:"context"`
	MaxInput   *int    `json:"max_input"`
	MaxOutput  *int    `json:"max_output"`
	Retirement *string `json:"retirement"`
	Images     *Images `json:"images"`
	PTU        *PTU    `json:"ptu"`
}

func (c *Catalog) addModel(path, name string, raw json.RawMessage) error {
	var in modelOverride
	if err := decodeStrict(raw, &in, path); err != nil {
		return err
	}
	key := strings.ToLower(name)
	m, like := Model{Kind: "chat"}, ""
	if in.Like != "" {
		base, err := c.Lookup(in.Like)
		if err != nil {
			return fmt.Errorf("%s.like: the catalog has no such model", path)
		}
		m, like = *base.Model, base.Name
	} else if known := c.models[key]; known != nil {
		m = *known
	} else if in.Encoding == nil {
		return fmt.Errorf(`%s: give like or encoding, for example {"like": "gpt-4o"} or {"encoding": "o200k_base"}`, path)
	}
	m.Name, m.overridden = key, true
	if err := errors.Join(in.applyTexts(path, &m, c.encodings()), in.applyLimits(path, &m)); err != nil {
		return err
	}
	if in.Images != nil {
		if err := in.Images.check(path + ".images"); err != nil {
			return err
		}
	}
	if in.PTU != nil {
		if err := in.PTU.check(path + ".ptu"); err != nil {
			return err
		}
	}
	// The entry is good.
	if like != "" {
		c.copyRows(key, like)
	}
	if in.Images != nil {
		in.Images.Models, in.Images.Source = nil, override
		c.images[key] = in.Images
	}
	if in.PTU != nil {
		in.PTU.Model, in.PTU.Source = key, override
		c.ptus[key] = in.PTU
	}
	c.models[key] = &m
	return nil
}

func (in *modelOverride) applyTexts(path string, m *Model, encodings []string) error {
	if in.Kind != nil {
		m.Kind = *in.Kind
	}
	if m.Kind != "chat" && m.Kind != "embeddings" {
		return fmt.Errorf(`%s.kind: want "chat" or "embeddings"`, path)
	}
	if in.Encoding != nil {
		if !slices.Contains(encodings, *in.Encoding) {
			return fmt.Errorf("%s.encoding: not an encoding, want one of %v", path, encodings)
		}
		m.Encoding, m.EncodingSource, m.EncodingNote = in.Encoding, override, ""
	}
	if in.Retirement != nil {
		if _, err := time.Parse(time.DateOnly, *in.Retirement); err != nil {
			return fmt.Errorf(`%s.retirement: not a date, want for example "2027-02-06"`, path)
		}
		m.Retirement, m.RetirementSource = in.Retirement, override
		m.Versions = slices.Clone(m.Versions)
		for i := range m.Versions {
			m.Versions[i].Retirement = ""
		}
	}
	return nil
}

func (in *modelOverride) applyLimits(path string, m *Model) error {
	for _, limit := range []struct {
		name  string
		value *int
		field **int
	}{{"context", in.Context, &m.Context}, {"max_input", in.MaxInput, &m.MaxInput}, {"max_output", in.MaxOutput, &m.MaxOutput}} {
		if limit.value == nil {
			continue
		}
		if *limit.value <= 0 {
			return fmt.Errorf("%s.%s: %d is not a number of tokens", path, limit.name, *limit.value)
		}
		*limit.field = limit.value
		m.LimitsSource, m.LimitsNote = override, ""
	}
	if in.Context != nil {
		m.ContextByType, m.ContextNote = nil, ""
	}
	return nil
}

// copyRows gives a model the rows of another: prices, PTUs and the rule for images.
func (c *Catalog) copyRows(name, other string) {
	if p := c.ptus[other]; p != nil {
		c.ptus[name] = p
	}
	if i := c.images[other]; i != nil {
		c.images[name] = i
	}
	var rows []Price
	for _, p := range c.prices[other] {
		if p.Version == "" {
			rows = append(rows, p)
		}
	}
	c.prices[name] = rows
}

// maxMultiplier bounds how many tokens a patch counts for, so that sums of tokens do not overflow.
const maxMultiplier = 1e6

func (i *Images) check(path string) error {
	switch r := i.Rival; {
	case r != nil && (i.Kind != "patch" || r.Multiplier <= 0 || r.Multiplier > maxMultiplier || r.Budget <= 0):
		return fmt.Errorf(`%s.rival: want for example {"multiplier": 1.62, "budget": 1536, "source": "measured"}, of patches`, path)
	case i.Kind == "tile" && i.Base > 0 && i.PerTile > 0:
		return nil
	case i.Kind == "patch" && i.Multiplier > 0 && i.Multiplier <= maxMultiplier && len(i.Detail) > 0 && i.Detail[i.Auto] != (Detail{}):
		return nil
	}
	return fmt.Errorf(`%s: want for example {"kind": "tile", "auto": "high", "base": 85, "per_tile": 170} or {"kind": "patch", "auto": "high", "multiplier": 1.2, "detail": {"high": {"max_dim": 2048, "budget": 2500}}}`, path)
}

func (p *PTU) check(path string) error {
	if p.InputTPM < 1 || p.GlobalMin <= 0 || p.GlobalIncrement <= 0 || p.RegionalMin <= 0 || p.RegionalIncrement <= 0 {
		return fmt.Errorf("%s: input_tpm, global_min, global_increment, regional_min and regional_increment must all be 1 or more", path)
	}
	weights := []float64{p.InputTPM, p.OutputRatio}
	if w := p.Weights; w != nil {
		for _, w := range []Weight{w.Short, w.Long} {
			weights = append(weights, w.Input, w.CachedInput, w.CacheWrite, w.Output)
		}
	}
	for _, w := range weights {
		if w < 0 || !decimal.InRange(w) {
			return fmt.Errorf("%s: %g is no number of tokens, nor a weight of one", path, w)
		}
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// eachMember calls f for each member of an object, ordered by name, and joins the errors.
func eachMember(raw json.RawMessage, path string, f func(path, name string, raw json.RawMessage) error) error {
	if isNull(raw) {
		return nil
	}
	var object map[string]json.RawMessage
	if err := decodeStrict(raw, &object, path); err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(object)) {
		errs = append(errs, f(fmt.Sprintf("%s.%.64s", path, name), name, object[name]))
	}
	return errors.Join(errs...)
}

// kindNames are JSON's words for what Go decodes into.
var kindNames = map[reflect.Kind]string{
	reflect.Float64: "number", reflect.Int: "number", reflect.Int64: "number", reflect.String: "string", reflect.Bool: "boolean",
	reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
}

// decodeStrict decodes JSON that may have no other members than into has. Errors name members and quote no texts: a key
// may have been pasted into the wrong place.
func decodeStrict(raw []byte, into any, path string) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind) && kind.Field != "":
		if number, ok := strings.CutPrefix(kind.Value, "number "); ok {
			return fmt.Errorf("%s.%s: %s is no number that can stand here", path, kind.Field, number)
		}
		return fmt.Errorf("%s.%s: is a %s, want a %s", path, kind.Field, kind.Value, kindNames[kind.Type.Kind()])
	case errors.As(err, &kind):
		return fmt.Errorf("%s: is a %s, want an object", path, kind.Value)
	}
	return fmt.Errorf("%s: %.100s", path, strings.TrimPrefix(err.Error(), "json: "))
}
