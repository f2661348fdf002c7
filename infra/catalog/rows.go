package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"aoai-bridge/shared/catalog"
)

// retirements is the source of LiteLLM's days of retirement.
const retirements = "azure-retirements"

// uncited is the source of LiteLLM's rows that give no page of Azure's as theirs.
const uncited = "litellm-uncited"

// classify finds the model that a row is about, or the reason to leave the row out.
func (b *builder) classify(row litellmRow) verdict {
	v := verdict{wheel: litellm, key: row.Key}
	switch {
	case row.AliasOf != "":
		_, from, _ := strings.Cut(row.Key, "/")
		_, to, _ := strings.Cut(row.AliasOf, "/")
		b.Aliases[from], v.model = to, to
		return v
	case b.leftOutReason(row.Key) != "":
		v.leftOut = b.leftOutReason(row.Key)
		return v
	case !slices.Contains(textModes, row.Mode):
		v.leftOut = "not paid by the token of text: " + strings.ReplaceAll(row.Mode, "_", " ")
		return v
	}
	if len(row.Prices) == 0 {
		v.leftOut = "no price by the token of text"
		return v
	}
	name, version, _ := b.parse(row.Key)
	if b.models[name] == nil {
		switch {
		case !row.citesAzure():
			v.leftOut = "a model that nothing else names, and no page of Azure's is cited"
			return v
		case row.Retirement != "" && row.Retirement < b.pins[litellm].Date:
			v.leftOut = "a model that nothing else names, retired"
			return v
		}
		b.models[name] = &catalog.Model{
			Name: name, Kind: "chat", EncodingNote: "no source names this model's encoding", Overhead: "o-series", OverheadSource: "assumed",
		}
		if row.Mode == "embedding" {
			b.models[name].Kind, b.models[name].Overhead, b.models[name].OverheadSource = "embeddings", "", ""
		}
	}
	v.model, v.version = name, version
	return v
}

// citesAzure reports whether the row gives a page of Azure's as its source.
func (row litellmRow) citesAzure() bool {
	return azurePage.MatchString(row.Source)
}

var azurePage = regexp.MustCompile(`^https://([a-z]+\.)*(azure|microsoft)\.com/`)

var dated = regexp.MustCompile(`^(.+)-(\d{4}-\d\d-\d\d)$`)

// parse splits a key of LiteLLM's, such as "azure/eu/gpt-5.1-2025-11-13". The zone of Global is "".
func (b *builder) parse(key string) (name, version, zone string) {
	parts := strings.Split(key, "/")
	name = parts[len(parts)-1]
	if len(parts) == 3 && parts[1] != "global" && parts[1] != "global-standard" {
		zone = parts[1]
	}
	if found := dated.FindStringSubmatch(name); found != nil {
		name, version = found[1], found[2]
	}
	return cmp.Or(b.RowNames[name], b.Aliases[name], name), version, zone
}

// addLitellm adds the prices of a row.
func (b *builder) addLitellm(row litellmRow, v verdict) error {
	_, _, zone := b.parse(row.Key)
	if !slices.Contains(zones, zone) {
		return fmt.Errorf("%q is not a known data zone, want one of %q", zone, zones)
	}
	for _, name := range slices.Sorted(maps.Keys(row.Prices)) {
		q, err := parsePrice(name, row.Prices[name], zone)
		if err != nil {
			return err
		}
		q.model, q.version, q.row, q.cites = v.model, v.version, litellm+" "+row.Key, row.citesAzure()
		b.book.add(q)
	}
	return nil
}

// parsePrice reads a price of LiteLLM's; the member's name says what it is for.
func parsePrice(name string, price json.Number, zone string) (quote, error) {
	usd, err := parseRat(price)
	if err != nil {
		return quote{}, err
	}
	found := priceOfText.FindStringSubmatch(name)
	q := quote{price: usd.Mul(usd, million)}
	q.what = map[string]kind{"input": input, "output": output, "cache_read_input": cached, "cache_creation_input": cacheWrite}[found[1]]
	q.zone, q.kind = zone, catalog.GlobalStandard
	batch := catalog.GlobalBatch
	if zone != "" {
		q.kind, batch = catalog.DataZoneStandard, catalog.DataZoneBatch
	}
	switch found[3] {
	case "batches":
		q.kind = batch
	default:
		q.tier = catalog.Tier(found[3])
	}
	if found[2] != "" {
		q.what = long + q.what
		_, err = fmt.Sscan(found[2], &q.above)
		q.above *= 1000
	}
	return q, err
}

// addGenai adds the prices of a row, if the catalog has its model.
func (b *builder) addGenai(row genaiRow) error {
	v := verdict{wheel: genaiPrices, key: row.ID, leftOut: "not a model of the catalog"}
	for _, name := range row.Names {
		name, _, _ := b.parse("azure/" + name)
		if b.models[name] != nil {
			v.model, v.leftOut = name, ""
		}
	}
	b.result.verdicts = append(b.result.verdicts, v)
	if v.leftOut != "" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(row.Prices)) {
		what := map[string]kind{"input_mtok": input, "cache_read_mtok": cached, "cache_write_mtok": cacheWrite, "output_mtok": output}[name]
		usd, err := parseRat(row.Prices[name])
		if err != nil {
			return err
		}
		if what != "" {
			b.book.add(quote{
				terms: terms{model: v.model, kind: catalog.GlobalStandard}, what: what, price: usd, row: genaiPrices + " " + row.ID,
			})
		}
	}
	return nil
}
