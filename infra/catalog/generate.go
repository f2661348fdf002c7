package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"aoai-bridge/shared/catalog"
)

// uncited is the source of LiteLLM's rows that name no page of Azure's.
const uncited = "litellm-uncited"

// made is what the sources and the corrections come to.
type made struct {
	tables   *tables
	prices   []catalog.Price
	heard    []disagreement
	verdicts []verdict
}

// verdict is what became of a row of a wheel.
type verdict struct {
	wheel, key string
	model      string // in the catalog; "" where the row is left out
	version    string
	leftOut    string // why
}

func generate(dir string, out io.Writer) error {
	m, err := makeRows(dir)
	if err != nil {
		return err
	}
	file, err := source(m.tables, m.prices)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, "rows.go")
	if before, err := os.ReadFile(name); err != nil || !bytes.Equal(before, file) {
		if err := os.WriteFile(name, file, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(out, "rows.go has changed")
	}
	for _, d := range m.heard {
		fmt.Fprintln(out, "the higher price is used:", d)
	}
	counts := map[string]int{}
	for _, v := range m.verdicts {
		counts[v.wheel+": "+cmp.Or(v.leftOut, "taken")]++
	}
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "%4d %s\n", counts[what], what)
	}
	fmt.Fprintf(out, "%4d models, %d prices\n", len(m.tables.Models), len(m.prices))
	return nil
}

func makeRows(dir string) (*made, error) {
	pins, err := manifest(dir)
	if err != nil {
		return nil, err
	}
	known, err := readCorrections(dir)
	if err != nil {
		return nil, err
	}
	var rows []litellmRow
	if err := readJSON(filepath.Join(dir, "sources", litellm+".json"), &rows); err != nil {
		return nil, err
	}
	var others []genaiRow
	if err := readJSON(filepath.Join(dir, "sources", genaiPrices+".json"), &others); err != nil {
		return nil, err
	}
	m := &maker{
		corrections: known, pins: pins, models: map[string]*catalog.Model{},
		book: book{offers: map[terms]*offer{}}, made: made{tables: &tables{Aliases: known.Aliases}},
	}
	return m.make(rows, others)
}

// maker makes the catalog.
type maker struct {
	*corrections
	pins   map[string]pin
	models map[string]*catalog.Model
	book   book
	made   made
}

func (m *maker) make(rows []litellmRow, others []genaiRow) (*made, error) {
	for _, model := range m.Models {
		m.models[model.Name] = model
	}
	taken := map[string][]litellmRow{} // by model
	for _, row := range rows {
		v := m.judge(row)
		m.made.verdicts = append(m.made.verdicts, v)
		if v.leftOut != "" || row.AliasOf != "" {
			continue
		}
		taken[v.model] = append(taken[v.model], row)
		if err := m.quoteLitellm(row, v); err != nil {
			return nil, fmt.Errorf("%s: %w", row.Key, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(taken)) {
		m.describe(name, taken[name])
	}
	m.book.merge()
	for _, row := range others {
		if err := m.quoteGenai(row); err != nil {
			return nil, fmt.Errorf("%s: %w", row.ID, err)
		}
	}
	if err := m.book.correct(m.Prices); err != nil {
		return nil, err
	}
	return m.finish()
}

// zones are the data zones that there are, in the order of the rows; "" is none.
var zones = []string{"", "us", "eu", "apac"}

// finish sorts what was collected.
func (m *maker) finish() (*made, error) {
	offers := slices.Collect(maps.Values(m.book.offers))
	for _, p := range m.Promotions {
		after, err := m.book.end(p)
		if err != nil {
			return nil, fmt.Errorf("the promotion of %v: %w", p.Models, err)
		}
		offers = append(offers, after...)
	}
	types, tiers := catalog.DeploymentTypes(), []catalog.Tier{catalog.StandardTier, catalog.Flex, catalog.Priority}
	slices.SortFunc(offers, func(a, b *offer) int {
		return cmp.Or(
			cmp.Compare(a.model, b.model), cmp.Compare(a.version, b.version),
			cmp.Compare(slices.Index(types, a.kind), slices.Index(types, b.kind)),
			cmp.Compare(slices.Index(zones, a.zone), slices.Index(zones, b.zone)),
			cmp.Compare(slices.Index(tiers, a.tier), slices.Index(tiers, b.tier)), cmp.Compare(a.from, b.from))
	})
	batch := map[string]bool{}
	for _, o := range offers {
		model := m.models[o.model]
		batch[o.model] = batch[o.model] || o.kind.Batch()
		row := o.row()
		model.LongAbove = max(model.LongAbove, row.Above)
		m.made.prices = append(m.made.prices, row)
	}
	for _, name := range slices.Sorted(maps.Keys(m.models)) {
		model := m.models[name]
		if !batch[name] && !slices.Contains(m.BatchModels, name) {
			model.NoBatch = "Azure has no batch of this model: neither its list of batch models nor a price list has one"
		}
		m.made.tables.Models = append(m.made.tables.Models, model)
	}
	t := m.made.tables
	t.Missing, t.PTUs, t.Images, t.Quotas = m.Missing, m.corrections.PTUs, m.corrections.Images, m.corrections.Quotas
	t.Sources = m.sources()
	m.made.heard = m.book.heard
	return &m.made, nil
}

func (m *maker) sources() map[string]catalog.Source {
	all := maps.Clone(m.Sources)
	const check = "a third party's compilation: check against Azure's price list before billing by it"
	add := func(id, name, note string) {
		p := m.pins[name]
		all[id] = catalog.Source{What: fmt.Sprintf("%s %s, %s", p.Package, p.Version, p.Data), Date: &p.Date, Note: note}
	}
	add(litellm, litellm, check)
	add(uncited, litellm, check+"; the row names no page of Azure's")
	add(retirements, litellm, "Azure's retirement schedule, as it is quoted there")
	add(genaiPrices, genaiPrices, check)
	return all
}

// retirements is the source of LiteLLM's days of retirement.
const retirements = "azure-retirements"

// judge finds which model a row is of, or why it is left out.
func (m *maker) judge(row litellmRow) verdict {
	v := verdict{wheel: litellm, key: row.Key}
	switch {
	case row.AliasOf != "":
		_, from, _ := strings.Cut(row.Key, "/")
		_, to, _ := strings.Cut(row.AliasOf, "/")
		m.Aliases[from], v.model = to, to
		return v
	case m.leaves(row.Key) != "":
		v.leftOut = m.leaves(row.Key)
		return v
	case !slices.Contains(textModes, row.Mode):
		v.leftOut = "not paid by the token of text: " + strings.ReplaceAll(row.Mode, "_", " ")
		return v
	}
	if len(row.Prices) == 0 {
		v.leftOut = "no price by the token of text"
		return v
	}
	name, version, _ := m.parse(row.Key)
	if m.models[name] == nil {
		switch {
		case !row.cites():
			v.leftOut = "a model that nothing else names, and no page of Azure's is cited"
			return v
		case row.Retirement != "" && row.Retirement < m.pins[litellm].Date:
			v.leftOut = "a model that nothing else names, retired"
			return v
		}
		m.models[name] = &catalog.Model{
			Name: name, Kind: "chat", EncodingNote: "no source names this model's encoding", Overhead: "o-series", OverheadSource: "assumed",
		}
		if row.Mode == "embedding" {
			m.models[name].Kind, m.models[name].Overhead, m.models[name].OverheadSource = "embeddings", "", ""
		}
	}
	v.model, v.version = name, version
	return v
}

// cites reports whether the row names a page of Azure's as its source.
func (row litellmRow) cites() bool {
	return regexp.MustCompile(`^https://[a-z.]*(azure|microsoft)\.com/`).MatchString(row.Source)
}

var dated = regexp.MustCompile(`^(.+)-(\d{4}-\d\d-\d\d)$`)

// parse takes a key of LiteLLM apart: "azure/eu/gpt-5.1-2025-11-13". A zone is "" for Global.
func (m *maker) parse(key string) (name, version, zone string) {
	parts := strings.Split(key, "/")
	name = parts[len(parts)-1]
	if len(parts) == 3 && parts[1] != "global" && parts[1] != "global-standard" {
		zone = parts[1]
	}
	if found := dated.FindStringSubmatch(name); found != nil {
		name, version = found[1], found[2]
	}
	return cmp.Or(m.RowNames[name], m.Aliases[name], name), version, zone
}

// quoteLitellm takes the prices of a row in.
func (m *maker) quoteLitellm(row litellmRow, v verdict) error {
	_, _, zone := m.parse(row.Key)
	if !slices.Contains(zones, zone) {
		return fmt.Errorf("%q is no data zone that is known, want one of %q", zone, zones)
	}
	for _, name := range slices.Sorted(maps.Keys(row.Prices)) {
		q, err := quoted(name, row.Prices[name], zone)
		if err != nil {
			return err
		}
		q.model, q.version, q.row, q.cites = v.model, v.version, litellm+" "+row.Key, row.cites()
		m.book.add(q)
	}
	return nil
}

// quoted reads a price of LiteLLM's.
func quoted(name string, price json.Number, zone string) (quote, error) {
	usd, err := ratOf(price)
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

// quoteGenai takes the prices of a row in, if it is of a model that is known.
func (m *maker) quoteGenai(row genaiRow) error {
	v := verdict{wheel: genaiPrices, key: row.ID, leftOut: "not a model of the catalog"}
	for _, name := range row.Names {
		name, _, _ := m.parse("azure/" + name)
		if m.models[name] != nil {
			v.model, v.leftOut = name, ""
		}
	}
	m.made.verdicts = append(m.made.verdicts, v)
	if v.leftOut != "" {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(row.Prices)) {
		what := map[string]kind{"input_mtok": input, "cache_read_mtok": cached, "cache_write_mtok": cacheWrite, "output_mtok": output}[name]
		usd, err := ratOf(row.Prices[name])
		if err != nil {
			return err
		}
		if what != "" {
			m.book.add(quote{
				terms: terms{model: v.model, kind: catalog.GlobalStandard}, what: what, price: usd, row: genaiPrices + " " + row.ID,
			})
		}
	}
	return nil
}
